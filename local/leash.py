"""Runs a program that must not outlive whoever started it; the supervisor starts every child through it.

Called as `python -I -S leash.py PARENT PROGRAM ARGUMENT…`; becomes PROGRAM. On Linux the kernel kills the
program when its parent is gone, however the parent ended; elsewhere only an orderly end of the parent
stops it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for the signal, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    try:
        os.execvp(program[0], program)  # noqa: S606 - becoming the given program is the purpose
    except OSError as error:
        sys.exit(f"cannot run {program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
