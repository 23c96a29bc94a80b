"""Starts and stops the child processes of the local system, and notices when one dies.

Every child has its own process group (Ctrl-C reaches the supervisor alone, which then stops the children in
order), a log file, and a leash: the kernel kills it if the supervisor vanishes. The leash hangs on the
thread that started the child, so children are started from the main thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local import disk
from local.trouble import LocalError

LEASH = Path(__file__).with_name("leash.py")
LAST_LINES = 12


@dataclass(frozen=True)
class Child:
    """One running program."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_from: int
    advice: str
    stage: int

    def last_lines(self, count: int = LAST_LINES) -> str:
        """The end of what the program printed since it was started."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(self.log_from, self.log.stat().st_size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
            return "\n".join(f"    {line}" for line in lines[-count:])
        return ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and to whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def stop(self, patience: float = 5.0) -> int:
        """Ask it to end, insist after `patience` seconds; its exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return self.process.wait()

    def kill(self) -> int:
        """End it as a crash would; its exit code."""
        self.signal(signal.SIGKILL)
        return self.process.wait()


class ChildDiedError(LocalError):
    """A child ended that should have gone on."""

    def __init__(self, child: Child) -> None:
        self.child = child
        code = child.process.returncode
        ending = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = child.last_lines()
        if disk.is_full(child.log.parent, lines):
            what = f"{child.name} {ending} because the disk is full."
            remedy = (
                f"make room where {child.log.parent.parent} lies, then start again. Its log is {child.log}."
            )
        else:
            what = f"{child.name} {ending}. It last wrote:\n{lines or '    (nothing)'}"
            remedy = f"{child.advice} The whole log is {child.log}."
        super().__init__(what, remedy)


def leashed(program: Sequence[str | Path]) -> list[str]:
    """The command line that runs a program so that it ends with this process."""
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *map(str, program)]


class Supervisor:
    """Holds the children; as a context manager it stops them all at the end, last stage first."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def children(self) -> tuple[Child, ...]:
        """Everything that was started, in order."""
        return tuple(self._children)

    def start(
        self,
        name: str,
        program: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        directory: Path | None = None,
        advice: str = "Read its log, mend the cause and start again.",
        stage: int = 0,
    ) -> Child:
        """Start a program, output appended to `<name>.log`. Those of a later `stage` are stopped first."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            began = output.tell()
            process = subprocess.Popen(
                leashed(program),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=directory,
                process_group=0,
            )
        child = Child(name, process, log, began, advice, stage)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise `ChildDiedError` for the first child that has ended by itself."""
        for child in self._children:
            if child.process.poll() is not None:
                raise ChildDiedError(child)

    def wait_until(
        self,
        ready: Callable[[], bool],
        *,
        what: str,
        child: Child,
        deadline: float = 60.0,
        every: float = 0.05,
    ) -> None:
        """Wait for `ready()`, watching that no child dies meanwhile. `what` ends the sentence "did not …"."""
        limit = time.monotonic() + deadline
        while not ready():
            self.check()
            if time.monotonic() > limit:
                lines = child.last_lines()
                raise LocalError(
                    f"{child.name} did not {what} within {deadline:.0f} s. It last wrote:\n{lines}",
                    f"{child.advice} The whole log is {child.log}.",
                )
            time.sleep(every)

    def forget(self, child: Child) -> None:
        """Stop watching a child that its owner has ended on purpose."""
        self._children.remove(child)

    def stop(self, patience: float = 2.0) -> None:
        """Stop everything, last stage first; what has not ended `patience` seconds later is killed."""
        for stage in sorted({child.stage for child in self._children}, reverse=True):
            group = [child for child in self._children if child.stage == stage]
            for child in group:
                child.signal(signal.SIGTERM)
            limit = time.monotonic() + patience
            for child in group:
                try:
                    child.process.wait(max(0.0, limit - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.kill()
                else:
                    child.signal(signal.SIGKILL)  # what it may have left behind in its group
        self._children.clear()
