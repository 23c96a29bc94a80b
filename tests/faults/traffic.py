"""The steady load: every petition is posted with its key until it is answered, then followed to its end."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local import ports
from tests.bench import texts
from tests.bench.handed import ROUTED, Progress, Tail
from tests.bench.pace import pause
from tests.bench.web import Connection

CREATED = 201
TRY_LATER = frozenset({0, 429, 503})
ANSWER_WITHIN = 12.0
AGAIN_AFTER = 0.5
LOOK_EVERY = 0.02


@dataclass
class Asked:
    """One petition as its petitioner sees it."""

    key: str
    body: bytes
    began: float
    answers: set[str] = field(default_factory=set)


@dataclass
class Traffic:
    """`doors` are the ports of intake at which somebody may answer now."""

    doors: Callable[[], Sequence[int]]
    outbox: Path
    seed: int
    per_second: float
    asked: list[Asked] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    known: dict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Post on time until cancelled; what was begun goes on until it is answered."""
        began = time.monotonic()
        for number, text in enumerate(texts.made(self.seed)):
            await pause(max(0.0, began + number / self.per_second - time.monotonic()))
            petitioner = {"name": text.name, "phone": text.phone}
            body = {
                "title": text.title,
                "content": text.content,
                "area": texts.AREA,
                "petitioner": petitioner,
            }
            asked = Asked(
                f"faults-{self.seed}-{number}",
                json.dumps(body, ensure_ascii=False).encode(),
                time.monotonic(),
            )
            self.asked.append(asked)
            task = asyncio.create_task(self._until_answered(asked))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def answered(self) -> None:
        """Wait until every petition has its answer."""
        await asyncio.gather(*self._open)

    async def ask_again(self) -> None:
        """Post everything once more: the same key must give the same petition."""
        for start in range(0, len(self.asked), 50):
            await asyncio.gather(*(self._until_answered(asked) for asked in self.asked[start : start + 50]))

    async def _until_answered(self, asked: Asked) -> None:
        attempt = 0
        while True:
            doors = self.doors()
            status, answer = await self._once(asked, doors[attempt % len(doors)])
            if status == CREATED:
                asked.answers.add(json.loads(answer)["petition_id"])
                return
            self.refused[status] += 1
            if status not in TRY_LATER:
                return
            attempt += 1
            await pause(AGAIN_AFTER)

    @staticmethod
    async def _once(asked: Asked, door: int) -> tuple[int, bytes]:
        connection = Connection(ports.HOST, [door])
        try:
            posting = connection.once("/petitions", asked.body, asked.key)
            reply = await asyncio.wait_for(posting, ANSWER_WITHIN)
        except (OSError, TimeoutError):
            return 0, b""
        finally:
            connection.close()
        return reply.status, reply.body

    async def watch(self) -> None:
        """Follow the outbox until cancelled."""
        tail = Tail(self.outbox)
        while True:
            now = time.monotonic()
            for sms in tail.look():
                self.known[sms.petition].note(sms, now)
            await pause(LOOK_EVERY)

    def _through(self, asked: Asked) -> float | None:
        """When a petition had come through all four services; what went to triage has passed mediation by."""
        found = [self.known[petition] for petition in asked.answers if petition in self.known]
        return max(p.last for p in found) if found and all(p.mask & ROUTED == ROUTED for p in found) else None

    def recovered(self, since: float) -> float | None:
        """When the first petition came through that was posted after `since`; None as long as none has."""
        later = [asked for asked in reversed(self.asked) if asked.began >= since]
        return min((end for asked in later if (end := self._through(asked)) is not None), default=None)
