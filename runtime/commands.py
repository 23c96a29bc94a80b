"""Commands that come by HTTP take the path of a batch too: they are collected for a few milliseconds.

An answer is given when the facts are saved; publishing goes on behind it and, if the process dies, the
sweeper of another instance does it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

MOST_AT_ONCE: Final = 500
BATCHES_AT_ONCE: Final = 4
ANSWER_WITHIN: Final = timedelta(seconds=10)


class UnavailableError(Exception):
    """The command could not be taken now; nothing is known to have changed. Try again after `seconds`."""

    def __init__(self, seconds: int = 5) -> None:
        super().__init__("unavailable")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """One command: on which petition, who decides, what it follows from; `fresh` as in `Ask`."""

    petition: PetitionId
    decide: Callable[[Any, datetime], Sequence[Fact] | Refused]
    cause: str | None = None
    traceparent: str | None = None
    fresh: bool = False


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
        fresh: bool = False,
    ) -> Answer:
        """Let `decide` run on the petition's docket and wait until its facts are durable.

        Raises UnavailableError when too many wait, when facts cannot be published, or when the database
        is away: the same command may be sent again.
        """
        (answer,) = await self.ask_all([Asked(petition, decide, cause, traceparent, fresh)])
        if isinstance(answer, UnavailableError):
            raise answer
        return answer

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Let many decide, each on its docket; answers stand in the order of `asked`, with one time limit.

        Raises UnavailableError when none of them is taken.
        """
        if self.closed or self._taken >= self._limit or self.overloaded():
            metrics.COMMANDS.labels("unavailable").inc(len(asked))
            raise UnavailableError
        future = asyncio.get_running_loop().create_future
        asks = [
            (one.petition, Ask(one.decide, future(), one.cause, one.traceparent, one.fresh)) for one in asked
        ]
        self._queue.extend(asks)
        self._taken += len(asks)
        if self._collector is None:
            self._collector = asyncio.create_task(self._collect())
        try:
            await asyncio.wait([ask.answer for _, ask in asks], timeout=self._answer_within)
        finally:
            self._taken -= len(asks)
            for _, ask in asks:
                ask.answer.cancel()  # it may still be taken; the same command again finds what it did
        answers = [_given(ask.answer) for _, ask in asks]
        for kind, count in Counter(_KINDS[type(answer)] for answer in answers).items():
            metrics.COMMANDS.labels(kind).inc(count)
        return answers

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
    UnavailableError: "unavailable",
}


def _given(future: "asyncio.Future[Answer]") -> Answer | UnavailableError:
    if future.cancelled():
        return UnavailableError()
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, UnavailableError):
        return error
    raise error
