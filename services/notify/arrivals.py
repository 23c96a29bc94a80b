"""Everything that a gateway brings us: receipts and replies, and what was left behind of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from runtime.commands import UnavailableError
from runtime.store import DatabaseError
from services.notify.answers import Answers
from services.notify.receipts import Receipts
from services.notify.sms import Inbound, Receipt
from services.notify.trail import Sent

log = structlog.get_logger()

EVERY: Final = 5.0


class Arrivals:
    """The sink of all gateways (`gateway.Sink`). `also` is done again and again with what was left behind."""

    def __init__(
        self, receipts: Receipts, answers: Answers, also: Sequence[Callable[[], Awaitable[object]]] = ()
    ) -> None:
        self._receipts, self._answers, self._also = receipts, answers, also
        self._settling: asyncio.Task[None] | None = None

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Take what became of messages."""
        try:
            await self._receipts.take(batch)
        except DatabaseError as error:
            raise UnavailableError from error

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Take replies."""
        try:
            await self._answers.take(batch)
        except DatabaseError as error:
            raise UnavailableError from error

    async def register(self, sent: Sequence[Sent], now: datetime) -> None:
        """Keep what receipts will call the messages that were sent."""
        try:
            await self._receipts.register(sent, now)
        except UnavailableError as error:
            # The ids are kept; the receipts that came early wait on their shelf for the next look.
            log.warning("early_receipts_kept", reason=type(error).__name__, count=len(sent))

    def start(self) -> None:
        """Look again and again for what was left behind."""
        self._settling = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            for work in (self._answers.left_behind, self._receipts.guess, *self._also):
                try:
                    await work()
                except (UnavailableError, DatabaseError) as error:
                    log.warning("arrivals_not_settled", reason=type(error).__name__)

    def stop(self) -> None:
        """Look no more."""
        if self._settling is not None:
            self._settling.cancel()
