"""The load generator, a process of its own: `python -m tests.bench.load JSON` prints what it saw as JSON.

It posts petitions over keep-alive connections and follows each to its last SMS. Without a rate it keeps a
fixed number of petitions under way on the whole line, so that what it measures can go on for ever; with a
rate it posts on time whatever happens, and a late start counts as waiting.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from local import ports
from tests.bench import texts
from tests.bench.figures import percentiles
from tests.bench.handed import TRIAGED, Progress, Tail
from tests.bench.pace import pause
from tests.bench.web import Connection, Reply

CREATED = 201
LOOK_EVERY = 0.005


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. `rate` 0 means as fast as `window` petitions under way allow.

    `seconds` are measured once the line is full: with a rate after `warm` seconds, else when as
    many petitions as are under way have reached their end once. A file at `until` ends it before.
    """

    ports: tuple[int, ...]
    outbox: str
    seconds: float
    warm: float = 3.0
    rate: float = 0.0
    connections: int = 64
    window: int = 500
    seed: int = 1
    texts: str = ""
    drain: float = 120.0
    until: str = ""

    def over(self) -> bool:
        """Whether somebody has ended it."""
        return bool(self.until) and Path(self.until).exists()


@dataclass
class Load:
    """One run of the generator."""

    plan: Plan
    known: dict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))
    refused: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    answers: list[float] = field(default_factory=list)
    posted: int = 0
    accepted: int = 0
    whole: int = 0
    began: float = 0.0
    start: float = 0.0
    marks: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chosen = texts.chosen(self.plan.seed, self.plan.texts)
        self._bodies = [text.submission() for text, _ in zip(chosen, range(5000), strict=False)]
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._window = asyncio.Semaphore(self.plan.window)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[str, Any]:
        """Load, drain, and tell."""
        for turn in range(self.plan.connections):
            self._free.put_nowait(Connection(ports.HOST, self.plan.ports, turn))
        self.began = time.monotonic()
        watching = asyncio.create_task(self._watch())
        if self.plan.rate:
            self.start = self.began + self.plan.warm
            await self._on_time(self.start + self.plan.seconds)
        else:
            await self._as_fast_as_it_goes()
        ended = time.monotonic()
        await asyncio.gather(*self._tasks)
        give_up = ended + self.plan.drain
        while self.whole < self.accepted and time.monotonic() < give_up:
            await pause(LOOK_EVERY)
        drained = time.monotonic()
        watching.cancel()
        return self._told(self.start + self.plan.seconds, drained - ended)

    async def _on_time(self, end: float) -> None:
        number = 0
        while (due := self.began + number / self.plan.rate) < end:
            await pause(max(0.0, due - time.monotonic()))
            self._spawn(await self._free.get(), due)
            number += 1

    async def _as_fast_as_it_goes(self) -> None:
        latest = self.began + self.plan.drain
        while (now := time.monotonic()) < (self.start + self.plan.seconds if self.start else latest):
            if not self.start and self.whole >= self.plan.window:
                self.start = now
            if self.posted % 100 == 0 and self.plan.over():
                return
            await self._window.acquire()
            connection = await self._free.get()
            self._spawn(connection, time.monotonic())

    def _spawn(self, connection: Connection, due: float) -> None:
        task = asyncio.create_task(self._post(connection, due, self.posted))
        self.posted += 1
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, connection: Connection, due: float, number: int) -> None:
        body = self._bodies[number % len(self._bodies)]
        try:
            reply = await connection.post("/petitions", body, f"bench-{self.plan.seed}-{number}")
        except OSError:
            reply = Reply(0, b"")
        finally:
            self._free.put_nowait(connection)
        if reply.status != CREATED:
            self.refused[reply.status] += 1
            self._window.release()
            await pause(0.05)
            return
        self.accepted += 1
        self.answers.append(time.monotonic() - due)
        # Its first SMS may have been seen before this answer was.
        self.known[json.loads(reply.body)["petition_id"]].posted = due

    async def _watch(self) -> None:
        tail = Tail(Path(self.plan.outbox))
        while True:
            now = time.monotonic()
            for sms in tail.look():
                progress = self.known[sms.petition]
                before = progress.whole
                progress.note(sms, now)
                if progress.whole and not before:
                    self.whole += 1
                    self._window.release()
            self.marks.append((now, self.whole))
            await pause(LOOK_EVERY)

    def _told(self, end: float, drain: float) -> dict[str, Any]:
        start = self.start
        finished = self._at(end) - self._at(start)
        measured = [p for p in self.known.values() if start <= p.posted < end and p.whole]
        every = [reference for p in self.known.values() for reference in p.references]
        return {
            "accepted": self.accepted,
            "refused": {str(status): count for status, count in self.refused.items()},
            "whole": self.whole,
            "triaged": sum(p.mask & TRIAGED == TRIAGED for p in self.known.values()),
            "sms": len(every),
            "sms_doubled": len(every) - len(set(every)),
            "per_second": finished / (end - start),
            "drain_s": round(drain, 2),
            "measured": len(measured),
            "answer_ms": percentiles([1000 * answer for answer in self.answers]),
            "first_sms_ms": percentiles([1000 * (p.first - p.posted) for p in measured]),
            "last_sms_ms": percentiles([1000 * (p.last - p.posted) for p in measured]),
            "load_cpu_ms": 1000 * time.process_time(),
        }

    def _at(self, moment: float) -> int:
        """How many petitions were whole at a moment."""
        return max((count for when, count in self.marks if when <= moment), default=0)


def main() -> None:
    """Do what the first argument says."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    told = uvloop.run(Load(plan).run())
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
