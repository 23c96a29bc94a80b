"""Routing's own queries: what waits for a person at each desk, and what persons have decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from contracts.bodies import Body
from runtime.record import Record
from runtime.service import Index
from runtime.store import Store

OWN: Final = "parts.own."
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Each list of the desks: the field that says until when somebody must act, under the name of its index.
TRIAGE: Final = "triage"
RETURNS: Final = "returns"
AGENDA: Final = "agenda"
FOLLOW_UPS: Final = "follow-ups"
DECISIONS: Final = "decisions"
ESCALATED: Final = "escalated"
LOAD: Final = "load"
BODY: Final = OWN + "body"
ANSWERED: Final = "parts.mediation.answered"
FIELDS: Final = {
    TRIAGE: "triage_due",
    RETURNS: "return_due",
    AGENDA: "conference_due",
    FOLLOW_UPS: "follow_up_at",
    DECISIONS: "decided_at",
}
INDEXES: Final = (
    *(
        Index(name, ((OWN + field, 1), ("_id", 1)), partial=OWN + field, above=EVER)
        for name, field in FIELDS.items()
    ),
    Index(LOAD, ((BODY, 1), (ANSWERED, 1)), partial=BODY, above=""),
    Index(ESCALATED, ((OWN + "escalations", 1), ("_id", 1)), partial=OWN + "escalations", above=0),
)


def waiting(name: str) -> dict[str, Any]:
    """Return the query for one list (the index of that name)."""
    return {OWN + FIELDS[name]: {"$gt": EVER}}


def order(name: str) -> Sequence[tuple[str, int]]:
    """Return the order of one list: oldest due first."""
    return ((OWN + FIELDS[name], 1), ("_id", 1))


def escalated() -> dict[str, Any]:
    """Return the query for what went up a tier (index `escalated`)."""
    return {OWN + "escalations": {"$gt": 0}}


async def queue(store: Store, name: str, *, limit: int) -> list[Record]:
    """Return one list, oldest due first."""
    return await store.find(waiting(name), sort=order(name), limit=limit)


async def decided(store: Store, *, after: tuple[datetime, str], limit: int) -> list[Record]:
    """Return the next petitions on which a person decided, by the time of the last decision, then number."""
    moment, petition = after
    field = OWN + FIELDS[DECISIONS]
    # The range is for the index; those of that very millisecond are then compared.
    query = {field: {"$gte": max(moment, EVER)}, "$nor": [{field: moment, "_id": {"$lte": petition}}]}
    return await store.find(query, sort=order(DECISIONS), limit=limit)


def open_petitions(body: Body) -> dict[str, Any]:
    """Return the query for what a body has and has not answered (index `load`)."""
    return {BODY: body, ANSWERED: False}


async def open_at(store: Store, body: Body) -> int:
    """Count what a body has and has not answered."""
    return await store.count_found(open_petitions(body))


async def gone_up(store: Store, *, limit: int) -> list[Record]:
    """Return what went up a tier."""
    return await store.find(escalated(), limit=limit)
