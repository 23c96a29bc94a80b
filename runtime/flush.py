"""Steps 5 and 6 of a batch: what was saved is published in its order, and later taken off the dockets.

What is published need not be taken off at once: the next save of the docket leaves it out, and what is not
saved again within moments is taken off together with many others. A crash in between publishes the same
bytes once more, which readers skip.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Final

import structlog

from contracts.identity import PetitionId
from runtime import metrics
from runtime.publish import Publisher
from runtime.record import Pending, Record
from runtime.store import DatabaseError, Store

log = structlog.get_logger()

# How many published ids are remembered, so that a batch that loaded them before they were cleared skips them.
RECENT: Final = 50_000
# Dockets that one update takes published facts off.
CLEARED_AT_ONCE: Final = 1000


@dataclass
class Flush:
    """The way out of one process. `at_once` clears what was published before `publish` returns."""

    store: Store
    publisher: Publisher
    step: Callable[[str], Awaitable[None]]
    at_once: bool = True
    _in_flight: dict[PetitionId, asyncio.Future[None]] = field(default_factory=dict)
    _started: dict[int, float] = field(default_factory=dict)
    _published: dict[str, None] = field(default_factory=dict)
    _uncleared: dict[PetitionId, dict[str, Pending]] = field(default_factory=dict)

    async def publish(self, pending: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Publish what was not published yet; the sweeper comes in here too.

        Two batches of this process may hold facts of one petition: the later one waits for the earlier one,
        so that the order holds even if a publish must be repeated, and leaves out what that one published.
        """
        if not pending:
            return
        earlier = {self._in_flight[petition] for petition in pending if petition in self._in_flight}
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight.update(dict.fromkeys(pending, mine))
        self._started[id(mine)] = perf_counter()
        try:
            if earlier:
                await asyncio.wait(earlier)
            due = {
                petition: facts
                for petition, all_facts in pending.items()
                if (facts := [fact for fact in all_facts if fact.id not in self._published])
            }
            if due:
                with metrics.timed("publish"):
                    await self.publisher.publish(due)
                self._published.update(dict.fromkeys(fact.id for facts in due.values() for fact in facts))
                for old in list(islice(self._published, max(0, len(self._published) - RECENT))):
                    del self._published[old]
            for petition, all_facts in pending.items():
                self._uncleared.setdefault(petition, {}).update((fact.id, fact) for fact in all_facts)
        finally:
            del self._started[id(mine)]
            for petition in pending:
                if self._in_flight.get(petition) is mine:
                    del self._in_flight[petition]
            mine.set_result(None)
        await self.step("published")
        if self.at_once:
            await self.clear()

    def left(self, record: Record) -> tuple[Pending, ...] | None:
        """Return what a docket must keep of what was pending; None if none of it is published yet."""
        left = tuple(fact for fact in record.pending if fact.id not in self._published)
        return left if len(left) < len(record.pending) else None

    def left_out(self, record: Record, left: Sequence[Pending]) -> None:
        """Take note that the docket was saved without what is published: it need not be cleared."""
        waiting = self._uncleared.get(record.petition)
        if waiting is None:
            return
        kept = {fact.id for fact in left}
        for fact in record.pending:
            if fact.id not in kept:
                waiting.pop(fact.id, None)
        if not waiting:
            del self._uncleared[record.petition]

    async def clear(self) -> None:
        """Take what was published off the dockets, in few updates; raises DatabaseError, losing nothing."""
        while self._uncleared:
            chosen = {
                petition: tuple(facts.values())
                for petition, facts in islice(self._uncleared.items(), CLEARED_AT_ONCE)
            }
            with metrics.timed("clear"):
                await self.store.clear(chosen)
            for petition, facts in chosen.items():
                waiting = self._uncleared.get(petition, {})
                for fact in facts:
                    waiting.pop(fact.id, None)
                if not waiting:
                    self._uncleared.pop(petition, None)
            await self.step("cleared")

    async def keep_clearing(self, every: float) -> None:
        """Clear every so many seconds until cancelled."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.clear()
            except DatabaseError as error:
                log.warning("facts_not_cleared", reason=type(error).__name__, count=len(self._uncleared))

    def oldest_unpublished(self) -> float:
        """Return the age in seconds of the oldest batch that waits for the broker."""
        return perf_counter() - min(self._started.values()) if self._started else 0.0
