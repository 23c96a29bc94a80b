"""What the tests of the SMPP gateway have in common: messages, a sink, settings for a centre."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from runtime.commands import UnavailableError
from services.notify.smpp.gateway import Smpp
from services.notify.smpp.settings import Settings
from services.notify.sms import Inbound, Outbound, Receipt
from tests.notify.journey import START, Clock
from tests.notify.peers.centre import PASSWORD

PETITION: Final = "07X3Q-G8F91-BDAN5"
SOURCE: Final = "106912345"
SIGN: Final = "长沙信访"


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


def settings(port: int, **changes: Any) -> Settings:
    """Settings for a centre on this machine, with short times."""
    return Settings.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "system_id": "bridge",
            "password": PASSWORD,
            "source": SOURCE,
            "rate": 10_000,
            "response_timeout": timedelta(seconds=2),
            "reconnect_from": timedelta(milliseconds=50),
            "reconnect_to": timedelta(milliseconds=200),
            "extension": 4,
            **changes,
        }
    )


def outbound(number: int = 1, *, text: str = "您好", seconds: float = 10, **changes: Any) -> Outbound:
    """A message; its lease holds for ten seconds of the test's clock, which stands still."""
    unique = f"{PETITION}.registered.{number}"
    return Outbound(
        **{
            "reference": f"{unique}.1",
            "unique": unique,
            "petition": PETITION,
            "to": "+8613800138000",
            "template": "registered",
            "params": {},
            "text": text,
            "sign": SIGN,
            "lease_until": START + timedelta(seconds=seconds),
            **changes,
        }
    )


@contextlib.asynccontextmanager
async def sending(
    port: int, sink: Kept, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Smpp]:
    """A gateway that has been started, whether it is bound or not; stopped at the end."""
    gateway = Smpp(settings(port, **changes), clock or Clock())
    await gateway.start(sink)
    try:
        yield gateway
    finally:
        await gateway.stop()
