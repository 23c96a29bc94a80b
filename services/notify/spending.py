"""How the gateways did today and what that cost, estimated: segments taken, times the price of one.

Stands beside the way of a message: the sender says how each batch ended. Counts are put together in memory
and kept every few seconds, so a process that dies loses those of the last few; a bill is the vendor's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from runtime.clock import Clock
from runtime.service import ShelfPlan
from runtime.store import DatabaseError, Store
from services.notify.rules import ZONE, Prices
from services.notify.sms import Accepted, Found, NotFound

SHELF: Final = "spending"
# A little more than the year that is reported on.
KEPT: Final = timedelta(days=400)
SHELVES: Final = (ShelfPlan(SHELF, expires="until"),)


@dataclass(frozen=True, slots=True)
class Day:
    """What one gateway did on one day: segments taken, and how many messages ended how."""

    segments: int = 0
    results: Mapping[str, int] = field(default_factory=dict)


class Spending:
    """The counts of one notify database, of all instances together."""

    def __init__(self, store: Store, prices: Prices, clock: Clock) -> None:
        self._store, self.prices, self._clock = store, prices, clock
        self._counted: dict[str, Counter[str]] = {}

    def note(self, gateway: str, results: Iterable[object]) -> None:
        """Count how messages ended, or what a gateway had of those that it was asked about."""
        counted = self._counted.setdefault(_key(self._clock.now(), gateway), Counter())
        for result in results:
            if isinstance(result, Accepted | Found):
                counted["segments"] += result.segments
            if not isinstance(result, Found | NotFound):
                counted[f"results.{type(result).__name__}"] += 1

    async def keep(self) -> None:
        """Put what was counted on the shelf, in one write; raises DatabaseError and loses nothing then."""
        counted, self._counted = self._counted, {}
        until = self._clock.now() + KEPT
        changes = [(key, {"$inc": dict(c), "$set": {"until": until}}) for key, c in counted.items() if c]
        try:
            await self._store.shelf(SHELF).change(changes, add=True)
        except DatabaseError:
            for key, counts in counted.items():
                self._counted.setdefault(key, Counter()).update(counts)
            raise

    async def today(self, gateways: Sequence[str]) -> dict[str, Day]:
        """Return what each gateway did today (Asia/Shanghai), up to a few seconds ago."""
        now = self._clock.now()
        names = {_key(now, gateway): gateway for gateway in gateways}
        found = await self._store.shelf(SHELF).find({"_id": {"$in": list(names)}}, limit=len(names))
        days = {names[document["_id"]]: _day(document) for document in found}
        return {gateway: days.get(gateway, Day()) for gateway in gateways}


def _key(now: datetime, gateway: str) -> str:
    return f"{now.astimezone(ZONE).date().isoformat()}/{gateway}"


def _day(document: Mapping[str, Any]) -> Day:
    return Day(document.get("segments", 0), document.get("results", {}))
