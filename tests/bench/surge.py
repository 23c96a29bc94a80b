"""The generator of an overload, a process of its own: `python -m tests.bench.surge JSON` prints what it saw.

Petitions are posted when they are due, whatever becomes of the earlier ones: nobody who writes to the city
waits for the others. So there are as many connections as unanswered requests, and nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
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

CREATED, LATER = 201, frozenset({429, 503})
LOOK_EVERY = 0.02
# The server closes what is idle for five seconds; a request that meets this says nothing about the server.
IDLE_MOST = 3.0
# Open files end here; what is due then is not posted and counted as `withheld`, so that nobody is misled.
CONNECTIONS_MOST = 8000


class Phase(msgspec.Struct, frozen=True):
    """So many petitions a second, for so long."""

    name: str
    rate: float
    seconds: float


class Surge(msgspec.Struct, frozen=True, kw_only=True):
    """What to do. A request without an answer after `patience` seconds counts as unanswered."""

    port: int
    outbox: str
    phases: tuple[Phase, ...]
    seed: int = 1
    texts: str = ""
    patience: float
    drain: float = 180.0


@dataclass
class Seen:
    """What became of the petitions that were due in one phase; times in seconds of this process's clock."""

    began: float
    due: int = 0
    withheld: int = 0
    unanswered: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: Counter[int] = field(default_factory=Counter)
    accepted_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    petitions: list[str] = field(default_factory=list)


@dataclass
class Generator:
    """One run."""

    plan: Surge
    known: dict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))
    whole: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        chosen = texts.chosen(self.plan.seed, self.plan.texts)
        self._bodies = [text.submission() for text, _ in zip(chosen, range(5000), strict=False)]
        self._idle: list[tuple[float, Connection]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0

    async def run(self) -> dict[str, Any]:
        """Post what is due, wait for answers and texts, and tell."""
        watching = asyncio.create_task(self._watch())
        phases = []
        for phase in self.plan.phases:
            phases.append(seen := Seen(time.monotonic()))
            await self._pass(phase, seen)
        await asyncio.gather(*self._tasks)
        give_up = time.monotonic() + self.plan.drain
        # What was answered with "come again" may have been taken all the same, and then it must end too.
        while self.whole < len(self.known) and time.monotonic() < give_up:
            await pause(LOOK_EVERY)
        watching.cancel()
        return self._told(phases)

    async def _pass(self, phase: Phase, seen: Seen) -> None:
        while (due := seen.began + seen.due / phase.rate) < seen.began + phase.seconds:
            await pause(max(0.0, due - time.monotonic()))
            seen.due += 1
            if len(self._tasks) >= CONNECTIONS_MOST:
                seen.withheld += 1
                continue
            task = asyncio.create_task(self._post(due, self._number, seen))
            self._number += 1
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _post(self, due: float, number: int, seen: Seen) -> None:
        connection, body = self._connection(), self._bodies[number % len(self._bodies)]
        key = f"surge-{self.plan.seed}-{number}"
        try:
            reply = await asyncio.wait_for(connection.once("/petitions", body, key), self.plan.patience)
        except TimeoutError:
            connection.close()
            seen.unanswered += 1
            return
        except OSError as error:
            connection.close()
            seen.cut[type(error).__name__] += 1
            return
        now = time.monotonic()
        self._idle.append((now, connection))
        self._note(reply, due, now, seen)

    def _connection(self) -> Connection:
        while self._idle:
            since, connection = self._idle.pop()
            if time.monotonic() - since < IDLE_MOST:
                return connection
            connection.close()
        return Connection(ports.HOST, (self.plan.port,))

    def _note(self, reply: Reply, due: float, now: float, seen: Seen) -> None:
        seen.statuses[reply.status] += 1
        if reply.status != CREATED:
            seen.refused_s.append(now - due)
            if reply.status not in LATER or not reply.retry_after:
                seen.without_retry_after[reply.status] += 1
            return
        seen.accepted_s.append(now - due)
        petition = json.loads(reply.body)["petition_id"]
        seen.petitions.append(petition)
        self.accepted += 1
        # Its first text may have been seen before this answer was.
        self.known[petition].posted = due

    async def _watch(self) -> None:
        tail = Tail(Path(self.plan.outbox))
        while True:
            now = time.monotonic()
            for sms in tail.look():
                progress = self.known[sms.petition]
                before = progress.whole
                progress.note(sms, now)
                self.whole += progress.whole and not before
            await pause(LOOK_EVERY)

    def _told(self, phases: list[Seen]) -> dict[str, Any]:
        every = [reference for p in self.known.values() for reference in p.references]
        return {
            "accepted": self.accepted,
            "refused": {"all": sum(s.due - s.statuses[CREATED] for s in phases)},
            "whole": self.whole,
            "taken": len(self.known),
            "triaged": sum(p.mask & TRIAGED == TRIAGED for p in self.known.values()),
            "sms": len(every),
            "sms_doubled": len(every) - len(set(every)),
            "phases": [
                {"name": phase.name, "rate": phase.rate, "seconds": phase.seconds, **self._phase(seen)}
                for phase, seen in zip(self.plan.phases, phases, strict=True)
            ],
            "load_cpu_ms": 1000 * time.process_time(),
        }

    def _phase(self, seen: Seen) -> dict[str, Any]:
        ended = [self.known[petition] for petition in seen.petitions if self.known[petition].whole]
        return {
            "due": seen.due,
            "withheld": seen.withheld,
            "unanswered": seen.unanswered,
            "cut": dict(seen.cut),
            "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
            "without_retry_after": {str(s): count for s, count in seen.without_retry_after.items()},
            "accepted_ms": percentiles([1000 * second for second in seen.accepted_s]),
            "refused_ms": percentiles([1000 * second for second in seen.refused_s]),
            "last_sms_ms": percentiles([1000 * (p.last - p.posted) for p in ended]),
            # After its beginning, the last text of what was accepted in it.
            "ended_after_s": round(max((p.last for p in ended), default=seen.began) - seen.began, 1),
            "by_second_ms": _by_second(ended, seen.began),
        }


def _by_second(ended: list[Progress], began: float) -> dict[int, float]:
    """The median time to the last text, by the second of the phase in which a petition was due."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for progress in ended:
        seconds[int(progress.posted - began)].append(1000 * (progress.last - progress.posted))
    return {second: percentiles(times)["p50"] for second, times in sorted(seconds.items())}


def main() -> None:
    """Do what the first argument says."""
    plan = msgspec.json.decode(sys.argv[1], type=Surge)
    told = uvloop.run(Generator(plan).run())
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
