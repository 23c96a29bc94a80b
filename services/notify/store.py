"""Notify's own queries: what staff must look at, and the messages of one petition."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.identity import PetitionId
from runtime.problems import Problem
from runtime.record import Record
from runtime.service import Index
from runtime.store import Store

ATTENTION: Final = "parts.own.attention"
# Only dockets with a message that needs somebody are in it: a sent message costs the index nothing.
INDEXES: Final = (Index("attention", ((ATTENTION, 1), ("_id", 1)), partial=ATTENTION, above=""),)
ORDER: Final[Sequence[tuple[str, int]]] = (("_id", 1),)


def in_state(state: str, after: str) -> dict[str, Any]:
    """Return the query for petitions with a message in one of the states of `ATTENTION`, or with a `CALL`.

    The oldest petition comes first.
    """
    query: dict[str, Any] = {ATTENTION: state}
    return query | {"_id": {"$gt": after}} if after else query


async def with_state(store: Store, state: str, *, after: str, limit: int) -> list[Record]:
    """Return the petitions after `after` that have a message in this state (index `attention`)."""
    return await store.find(in_state(state, after), sort=ORDER, limit=limit)


async def of_petition(store: Store, petition: PetitionId) -> Record:
    """Return one petition; Problem 404 if notify has not heard of it."""
    record = (await store.load([petition]))[petition]
    if record.version == 0:
        raise Problem(404, "no-such-petition")
    return record
