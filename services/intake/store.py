"""Intake's own queries: the petition that a request key has made."""

from typing import Any, Final

from runtime.record import Record
from runtime.service import Index
from runtime.store import Store

REQUEST_FIELD: Final = "parts.own.request"
# One request makes one petition, whichever instance takes it and however often it comes.
INDEXES: Final = (Index("request", ((REQUEST_FIELD, 1),), unique=True, partial=REQUEST_FIELD, above=""),)


def by_request(request: str) -> dict[str, Any]:
    """Return the query for the petition that a request key has made (index `request`)."""
    return {REQUEST_FIELD: request}


async def find_by_request(store: Store, request: str) -> Record | None:
    """Return the record that a request key has made."""
    found = await store.find(by_request(request), limit=1)
    return found[0] if found else None
