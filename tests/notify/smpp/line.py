"""A gateway that has been started, a sink that keeps what it gets, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from runtime.clock import SystemClock
from runtime.commands import UnavailableError
from services.notify.smpp.gateway import Smpp
from services.notify.sms import Inbound, Receipt
from tests.notify.smpp.messages import START, settings


@dataclass
class Clock:
    """Time that the test moves."""

    time: datetime = START

    def now(self) -> datetime:
        """The time now."""
        return self.time

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.time += by


@dataclass
class Kept:
    """A sink that keeps, or fails as often as the test says (`failing`), or waits (`gate`)."""

    receipts_kept: list[Receipt] = field(default_factory=list)
    inbound_kept: list[Inbound] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    failing: int = 0
    error: type[Exception] = UnavailableError
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Keep receipts."""
        await self._taken(len(batch))
        self.receipts_kept.extend(batch)

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Keep replies, each id once, as the real one does."""
        await self._taken(len(batch))
        known = {one.id for one in self.inbound_kept}
        self.inbound_kept.extend(one for one in batch if one.id not in known)

    async def _taken(self, count: int) -> None:
        await self.gate.wait()
        self.calls.append(count)
        if self.failing:
            self.failing -= 1
            raise self.error


@contextlib.asynccontextmanager
async def sending(
    port: int, sink: Kept, *, clock: Clock | SystemClock | None = None, **changes: Any
) -> AsyncIterator[Smpp]:
    """A gateway that has been started, whether it is bound or not; stopped at the end."""
    gateway = Smpp(settings(port, **changes), clock or Clock())
    await gateway.start(sink)
    try:
        yield gateway
    finally:
        await gateway.stop()
