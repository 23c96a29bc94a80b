"""A gateway that does what the test says, and an asker that applies reports to journeys in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.notify import SkipReason
from runtime.commands import Asked, UnavailableError
from runtime.consume import Answer, Parked, Stated
from services.notify.gateway import Caps, Sink
from services.notify.ledger import Going
from services.notify.sending import Sender
from services.notify.sms import Accepted, Attempt, Found, Inbound, NotFound, Outbound, Receipt, Result
from tests.notify.journey import Journey

Told = Found | NotFound | None


class Nowhere:
    """Takes receipts and replies where none are expected."""

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Fail the test."""
        raise AssertionError(batch)

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Fail the test."""
        raise AssertionError(batch)

    async def register(self, sent: Sequence[Any], now: datetime) -> None:
        """Keep nothing: the gateway's ids are not what the test is about."""

    def start(self) -> None:
        """Nothing is left behind."""

    def stop(self) -> None:
        """Nothing runs."""


class Permissive:
    """Knows of no number why it should get nothing."""

    async def look(self, batch: Sequence[Going], now: datetime) -> list[SkipReason | None]:
        """Let all leave."""
        del now
        return [None] * len(batch)

    async def note(self, batch: Sequence[Going], now: datetime) -> None:
        """Count nothing."""


NOWHERE: Final = Nowhere()


def accept(message: Outbound) -> Result:
    """Take the message."""
    return Accepted(message.reference, 1)


@dataclass
class Gateway:
    """Remembers its calls; `answer` and `told` say what comes back, a closed `gate` holds calls up."""

    answer: Callable[[Outbound], Result] = accept
    told: Callable[[Attempt], Told] = lambda _attempt: NotFound()
    caps: Caps = field(default_factory=lambda: Caps(batch=3, window=1, query=True))
    name: str = "scripted"
    batches: list[list[Outbound]] = field(default_factory=list)
    asked: list[Attempt] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0
    hindrance: Result | None = None
    stopped: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def sent(self) -> list[Outbound]:
        """Every message it was given, in order."""
        return [message for batch in self.batches for message in batch]

    async def start(self, _sink: Sink) -> Result | None:
        """Be ready, or not."""
        return self.hindrance

    def routes(self) -> None:
        """Nobody calls it."""

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Do as the test says."""
        self.batches.append(list(batch))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        return [self.answer(message) for message in batch]

    async def query(self, attempts: Sequence[Attempt]) -> Sequence[Told]:
        """Say what the test says."""
        self.asked.extend(attempts)
        return [self.told(attempt) for attempt in attempts]

    async def stop(self) -> None:
        """Note it."""
        self.stopped = True


@dataclass
class Desk:
    """Stands for `Commands`: runs a decision on its journey and hands what was stated to the sender."""

    journeys: dict[PetitionId, Journey]
    sender: Sender | None = None
    unavailable: int = 0
    parked: bool = False
    causes: list[str | None] = field(default_factory=list)

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Apply each; the first ones are not taken as long as the test says so."""
        return [self._ask(one) for one in asked]

    def _ask(self, one: Asked) -> Answer | UnavailableError:
        if self.unavailable:
            self.unavailable -= 1
            return UnavailableError()
        if self.parked:
            return Parked()
        self.causes.append(one.cause)
        facts = self.journeys[one.petition].ask(one.decide)
        self.saved(one.petition, facts)
        return Stated(tuple(facts))

    def saved(self, petition: PetitionId, facts: Sequence[Fact]) -> None:
        """Tell the sender what is durable."""
        if self.sender is not None:
            self.sender.saved(self.journeys[petition].docket, facts, woken=False)
