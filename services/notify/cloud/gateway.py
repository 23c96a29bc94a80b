"""What every gateway that is reached over HTTP has: its line out, its door in, and one request a message.

Stands between the lane, which offers messages, and the vendor, whose subclass knows its words.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from fastapi import APIRouter, Request, Response

from runtime.clock import Clock
from services.notify.cloud.callbacks import Door
from services.notify.cloud.settings import LineSettings
from services.notify.cloud.wire import Line
from services.notify.gateway import Caps, Sink
from services.notify.sms import Attempt, Found, Inbound, NotFound, Outbound, Receipt, Result

# So many batches are under way at once; together they fill the connections.
CALLS: Final = 4


class CloudGateway(ABC):
    """A gateway but for its words: a subclass sends one message, and finds one attempt where it can."""

    def __init__(
        self,
        name: str,
        settings: LineSettings,
        clock: Clock,
        *,
        query: bool,
        receipts: bool = True,
        replies: bool = True,
        free_text: bool = True,
    ) -> None:
        self.name = name
        self._clock = clock
        self._line = Line(name, settings, clock)
        self._door = Door(name, settings, clock)
        self.caps = Caps(
            batch=-(-settings.connections // CALLS),
            window=CALLS,
            query=query,
            receipts=receipts,
            replies=replies,
            extension=settings.extension,
            free_text=free_text,
            rate=settings.rate,
        )

    async def start(self, sink: Sink) -> Result | None:
        """Be ready; whether the vendor knows us shows with the first message."""
        self._door.sink = sink
        return None

    async def stop(self) -> None:
        """Let go of the connections."""
        await self._line.close()

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Send each by a request of its own: only messages with the same words could share one."""
        return await self._line.each(batch, self._send)

    async def query(self, attempts: Sequence[Attempt]) -> Sequence[Found | NotFound | None]:
        """Look for attempts in the vendor's records; what is not there may still come, so it stays None."""
        if not self.caps.query:
            return [None] * len(attempts)
        return await asyncio.gather(*(self._look(attempt) for attempt in attempts))

    @abstractmethod
    async def _send(self, message: Outbound) -> Result:
        """Send one message."""

    async def _look(self, attempt: Attempt) -> Found | None:  # noqa: ARG002 - only some vendors can be asked
        """Find one attempt."""
        return None

    def _called_back(
        self,
        *,
        taken: bytes,
        receipts: Callable[[bytes], list[Receipt]],
        replies: Callable[[bytes], list[Inbound]],
    ) -> APIRouter:
        """Return what the vendor's console is told: `…/report` and `…/reply`."""
        router = APIRouter(include_in_schema=False)

        @router.post(f"/{self.name}/{{secret}}/report")
        async def report(secret: str, request: Request) -> Response:
            await self._door.receipts(receipts(await self._door.body(request, secret)))
            return Response(taken, media_type="application/json")

        @router.post(f"/{self.name}/{{secret}}/reply")
        async def reply(secret: str, request: Request) -> Response:
            await self._door.inbound(replies(await self._door.body(request, secret)))
            return Response(taken, media_type="application/json")

        return router
