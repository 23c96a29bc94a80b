"""Notify's own queries: what staff must look at, and the messages of one petition."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.identity import PetitionId
from runtime.problems import Problem
from runtime.record import Record
from runtime.service import Index
from runtime.store import Store

ATTENTION: Final = "parts.own.attention"
NUMBER: Final = "parts.dossier.e164"
# Only dockets with a message that needs somebody are in it: a sent message costs the index nothing.
INDEXES: Final = (
    Index("attention", ((ATTENTION, 1), ("_id", 1)), partial=ATTENTION, above=""),
    # Who answers by SMS is found by his number.
    Index("number", ((NUMBER, 1), ("_id", -1)), partial=NUMBER, above=""),
)
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


def of_number(e164: str) -> dict[str, Any]:
    """Return the query for the petitions of a number; ids sort by the time at which they were made."""
    return {NUMBER: e164}


async def last_told(store: Store, e164: str) -> PetitionId | None:
    """Return the newest petition of a number (index `number`)."""
    found = await store.pick(of_number(e164), ["_id"], sort=[("_id", -1)], limit=1)
    return PetitionId(found[0][0]) if found else None


async def of_petition(store: Store, petition: PetitionId) -> Record:
    """Return one petition; Problem 404 if notify has not heard of it."""
    record = (await store.load([petition]))[petition]
    if record.version == 0:
        raise Problem(404, "no-such-petition")
    return record
