"""Keeps the processes of a run going: what was killed, or ended by itself, is started again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from local.supervisor import Child, Supervisor
from tests.bench.pace import pause
from tests.faults import told

LOOK_EVERY = 0.05
AGAIN_AFTER = 0.5


@dataclass
class Kept:
    """One program. While it is not `wanted` nobody starts it again."""

    name: str
    launch: Callable[[], Child]
    child: Child
    wanted: bool = True
    started: float = 0.0
    asked: bool = False

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.child.signal(number)


@dataclass
class Keeper:
    """All programs of the run by name. Children are started from the main thread: see `local.supervisor`."""

    supervisor: Supervisor
    kept: dict[str, Kept] = field(default_factory=dict)
    unasked: Counter[str] = field(default_factory=Counter)

    def keep(self, name: str, launch: Callable[[], Child]) -> Kept:
        """Start a program and keep it going from now on."""
        kept = Kept(name, launch, launch(), started=time.monotonic())
        self.kept[name] = kept
        return kept

    async def watch(self) -> None:
        """Start again whatever has ended, until cancelled."""
        while True:
            for kept in list(self.kept.values()):
                if kept.wanted and kept.child.process.poll() is not None:
                    self._again(kept)
            await pause(LOOK_EVERY)

    def _again(self, kept: Kept) -> None:
        if time.monotonic() - kept.started < AGAIN_AFTER:
            return  # what ends at once is not started in a circle
        if not kept.asked:
            self.unasked[kept.name] += 1
            told.tell(f"{kept.name} ended by itself with code {kept.child.process.returncode}")
        self.supervisor.forget(kept.child)
        kept.child, kept.asked, kept.started = kept.launch(), False, time.monotonic()

    def kill(self, name: str, *, stay_dead: bool = False) -> None:
        """SIGKILL; it is started again at once, or by `start`."""
        kept = self.kept[name]
        kept.asked, kept.wanted = True, not stay_dead
        kept.signal(signal.SIGKILL)

    def start(self, name: str) -> None:
        """Start again what was to stay dead."""
        self.kept[name].wanted = True

    async def dismiss(self, name: str) -> None:
        """Stop a program in good order and keep it no more."""
        kept = self.kept.pop(name)
        code = await asyncio.to_thread(kept.child.stop, 10.0)
        self.supervisor.forget(kept.child)
        if code not in {0, -signal.SIGTERM}:  # it stops in order and then ends as the signal would have it
            told.tell(f"{name} was asked to stop and ended with code {code}")
