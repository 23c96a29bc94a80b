"""The one query of mediation's screens: cases by body and state, those due first at the top, page by page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.bodies import Body
from contracts.identity import PetitionId, parse
from runtime.service import Index
from runtime.store import Store
from services.mediation.domain import Docket, State

BODY: Final = "parts.own.body"
STATE: Final = "parts.own.state"
DUE: Final = "parts.own.due"

# One index for every combination of body and state: the database walks it once per pair, in order of due
# time, and merges; so no list is sorted in memory.
BY_DUE: Final = Index("cases_by_due", ((BODY, 1), (STATE, 1), (DUE, 1), ("_id", 1)))
ORDER: Final = ((DUE, 1), ("_id", 1))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LONGEST_MOMENT: Final = 14


@dataclass(frozen=True)
class Place:
    """Where a page ends: the due time and the id of its last case."""

    due: datetime
    petition: PetitionId

    def __str__(self) -> str:
        """Return the key that the reader sends back for the next page."""
        return f"{(self.due - _EPOCH) // _MILLISECOND}.{self.petition}"


def place(key: str) -> Place | None:
    """Read a key that `Place` wrote; None if it is none."""
    moment, _, said = key.partition(".")
    petition = parse(said)
    if petition is None or not (moment.isascii() and moment.isdigit()) or len(moment) > _LONGEST_MOMENT:
        return None
    return Place(_EPOCH + int(moment) * _MILLISECOND, petition)


def query(bodies: Collection[Body], states: Collection[State], after: Place | None) -> Mapping[str, Any]:
    """Build the query for the cases of some bodies in some states, behind a place."""
    found: dict[str, Any] = {BODY: {"$in": sorted(bodies)}, STATE: {"$in": sorted(states)}}
    if after is not None:
        # The range is for the index; the few cases due in that very millisecond are then compared. Said with
        # `$nor`, because an `$or` makes the planner try other indexes and sort in memory.
        found[DUE] = {"$gte": after.due}
        found["$nor"] = [{DUE: after.due, "_id": {"$lte": after.petition}}]
    return found


async def cases(
    store: Store, bodies: Collection[Body], states: Collection[State], *, after: Place | None, limit: int
) -> tuple[Sequence[Docket], Place | None]:
    """Return one page of cases, and the place to go on from if there are more."""
    records = await store.find(query(bodies, states, after), sort=ORDER, limit=limit + 1)
    page = [Docket(petition=record.petition, **record.parts) for record in records[:limit]]
    last = page[-1] if len(records) > limit else None
    return page, Place(last.own.due, last.petition) if last and last.own.due else None


async def case(store: Store, petition: PetitionId) -> Docket | None:
    """Return one petition's docket; None while there is no case."""
    record = (await store.load([petition]))[petition]
    docket = Docket(petition=petition, **record.parts)
    return docket if docket.own.body is not None else None
