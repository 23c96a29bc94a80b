"""What the clock does: publishes facts that were saved and not published, wakes petitions when due."""

import asyncio
import random
from datetime import timedelta
from typing import Final

import structlog

from runtime import metrics
from runtime.clock import Clock
from runtime.consume import Batches, Wake
from runtime.store import DatabaseError, Store

log = structlog.get_logger()

AT_ONCE: Final = 500
# A service whose decisions do not move the time on must not keep the sweeper from its other work.
ROUNDS: Final = 20


class Sweeper:
    """Runs beside the consumer in every instance; two of them only publish the same bytes twice."""

    def __init__(
        self, store: Store, batches: Batches, clock: Clock, *, every: timedelta, after: timedelta
    ) -> None:
        self._store, self._batches, self._clock = store, batches, clock
        self._every, self._after = every.total_seconds(), after

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
                await self.wake()
                metrics.PARKED.set(await self._store.count_parked())
            except DatabaseError as error:
                log.warning("sweep_failed", reason=type(error).__name__)
            await asyncio.sleep(self._every * random.uniform(0.75, 1.25))  # noqa: S311 - jitter, not a secret

    async def sweep(self) -> int:
        """Publish forgotten facts; returns the number of dockets."""
        now, swept = self._clock.now(), 0
        while records := await self._store.forgotten(now - self._after, AT_ONCE):
            await self._batches.flush.publish({record.petition: record.pending for record in records})
            await self._batches.flush.clear()
            swept += len(records)
            metrics.SWEPT.inc(len(records))
            log.info("forgotten_facts_published", count=len(records))
        return swept

    async def wake(self) -> int:
        """Let every petition decide whose time has come; returns how many there were."""
        woken = 0
        for _ in range(ROUNDS):
            petitions = await self._store.due(self._clock.now(), AT_ONCE)
            if petitions:
                await self._batches.handle({petition: (Wake(),) for petition in petitions})
            woken += len(petitions)
            if len(petitions) < AT_ONCE:
                break
        return woken
