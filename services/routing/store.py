"""Routing's own queries: the triage desk's queue."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from runtime.record import Record
from runtime.service import Index
from runtime.store import Store

TRIAGE_DUE: Final = "parts.own.triage_due"
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
INDEXES: Final = (Index("triage", ((TRIAGE_DUE, 1), ("_id", 1)), partial=TRIAGE_DUE, above=EVER),)
ORDER: Final[Sequence[tuple[str, int]]] = ((TRIAGE_DUE, 1), ("_id", 1))


def in_triage() -> dict[str, Any]:
    """Return the query for what waits for a person (index `triage`)."""
    return {TRIAGE_DUE: {"$gt": EVER}}


async def triage_queue(store: Store, *, limit: int) -> list[Record]:
    """Return the triage desk's queue, oldest due first."""
    return await store.find(in_triage(), sort=ORDER, limit=limit)
