"""Commands that come by HTTP take the path of a batch too: they are collected for a few milliseconds.

An answer is given when the facts are saved; publishing goes on behind it and, if the process dies, the
sweeper of another instance does it.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime import metrics
from runtime.consume import Answer, Ask, Batches, Clash, Parked, Stated
from runtime.draft import Failure
from runtime.service import Refused
from runtime.store import DatabaseError

log = structlog.get_logger()

MOST_AT_ONCE: Final = 200
BATCHES_AT_ONCE: Final = 4
ANSWER_WITHIN: Final = timedelta(seconds=10)


class UnavailableError(Exception):
    """The command could not be taken now; nothing is known to have changed. Try again after `seconds`."""

    def __init__(self, seconds: int = 5) -> None:
        super().__init__("unavailable")
        self.seconds = seconds


class Commands:
    """The queue in front of the batches for one service."""

    def __init__(
        self,
        batches: Batches,
        *,
        wait: timedelta,
        waiting_limit: int,
        unpublished_limit: timedelta,
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        self._answer_within = answer_within.total_seconds()
        self._batches = batches
        self._wait = wait.total_seconds()
        self._limit = waiting_limit
        self._unpublished_limit = unpublished_limit.total_seconds()
        self._queue: list[tuple[PetitionId, Ask]] = []
        self._slots = asyncio.Semaphore(BATCHES_AT_ONCE)
        self._collector: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._taken = 0
        self.closed = False

    async def ask(
        self,
        petition: PetitionId,
        decide: Callable[[Any, datetime], Sequence[Fact] | Refused],
        *,
        cause: str | None = None,
        traceparent: str | None = None,
    ) -> Answer:
        """Let `decide` run on the petition's docket and wait until its facts are durable.

        Raises UnavailableError when too many wait, when facts cannot be published, or when the database
        is away: the same command may be sent again.
        """
        if self.closed or self._taken >= self._limit or self.overloaded():
            metrics.COMMANDS.labels("unavailable").inc()
            raise UnavailableError
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.append((petition, Ask(decide, answer, cause, traceparent)))
        self._taken += 1
        if self._collector is None:
            self._collector = asyncio.create_task(self._collect())
        try:
            given = await asyncio.wait_for(answer, self._answer_within)
        except TimeoutError:
            # It may still be taken; the same command again finds what it did.
            metrics.COMMANDS.labels("unavailable").inc()
            raise UnavailableError from None
        finally:
            self._taken -= 1
        metrics.COMMANDS.labels(_KINDS[type(given)]).inc()
        return given

    def overloaded(self) -> bool:
        """Whether the oldest unpublished fact is older than the limit (back-pressure)."""
        return self._batches.flush.oldest_unpublished() > self._unpublished_limit

    async def _collect(self) -> None:
        await asyncio.sleep(self._wait)
        while self._queue:
            await self._slots.acquire()
            batch, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
            task = asyncio.create_task(self._handle(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._collector = None

    async def _handle(self, batch: Sequence[tuple[PetitionId, Ask]]) -> None:
        works: dict[PetitionId, list[Ask]] = {}
        for petition, ask in batch:
            if not ask.answer.done():  # whoever asked has given up
                works.setdefault(petition, []).append(ask)
        saved = None
        try:
            saved = await self._batches.save(works)
        except DatabaseError as error:
            log.warning("commands_not_saved", reason=type(error).__name__, count=len(batch))
        finally:
            # The next batch need not wait until this one is published: `unpublished_limit` says how long.
            self._slots.release()
            # Whatever ended the batch, nobody is left waiting; answers that were given stay as they are.
            for _, ask in batch:
                if not ask.answer.done():
                    ask.answer.set_exception(UnavailableError())
        if saved is not None:
            try:
                await self._batches.finish(saved)
            except DatabaseError as error:
                log.warning("facts_not_cleared", reason=type(error).__name__, count=len(saved.pending))

    async def stop(self) -> None:
        """Take no more commands and finish those that were taken."""
        self.closed = True
        while self._collector is not None or self._running:
            waiting = {*self._running, *({self._collector} if self._collector else set())}
            await asyncio.wait(waiting)


_KINDS: Final = {
    Stated: "stated",
    Refused: "refused",
    Clash: "clash",
    Failure: "failed",
    Parked: "refused",
}
