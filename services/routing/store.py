"""Routing's own queries: what waits for a person at each desk, what campaigns look for, and the campaigns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from contracts.bodies import Body
from contracts.identity import PetitionId
from runtime.record import Record, to_document
from runtime.service import Index, Refused
from runtime.store import Definition, Store
from services.routing.domain import Campaign

OWN: Final = "parts.own."
CAMPAIGN: Final = "parts.own.membership.campaign"
ORDER: Final = "parts.own.membership.order"
FREE: Final = "parts.own.membership.free"
SUBJECT: Final = "parts.own.membership.subject"
BODY: Final = "parts.own.body"
JOINED: Final = "parts.own.membership.joined_at"
TITLE: Final = "parts.dossier.title"
CONTENT: Final = "parts.dossier.content"
EDITION: Final = "marks.dossier"
CONCLUDED: Final = "parts.mediation.concluded"
ANSWERED: Final = "parts.mediation.answered"
DECLINED: Final = "parts.mediation.declined"
EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Each list of the desks: the field that says until when somebody must act, under the name of its index.
TRIAGE: Final = "triage"
RETURNS: Final = "returns"
AGENDA: Final = "agenda"
FOLLOW_UPS: Final = "follow-ups"
DECISIONS: Final = "decisions"
ESCALATED: Final = "escalated"
LOAD: Final = "load"
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
    Index("members", ((CAMPAIGN, 1), (ORDER, 1), ("_id", 1)), partial=CAMPAIGN, above=""),
    Index("settled", ((ORDER, 1), (DECLINED, 1), (ANSWERED, 1)), partial=ORDER, above=""),
    Index("free", ((FREE, 1), ("_id", 1)), partial=FREE, above=False),
    Index("subject", ((SUBJECT, 1), ("_id", 1)), partial=SUBJECT, above=""),
)
BY_ID: Final[Sequence[tuple[str, int]]] = (("_id", 1),)
NEWEST: Final[Sequence[tuple[str, int]]] = ((FREE, -1), ("_id", -1))
MEMBERS: Final[Sequence[tuple[str, int]]] = ((ORDER, 1), ("_id", 1))


def waiting(name: str) -> dict[str, Any]:
    """Return the query for one list (the index of that name).

    What got its outcome while routing was about to take it away is in none but the follow-ups: nobody can
    decide about its place any more.
    """
    open_only = {} if name == FOLLOW_UPS else {CONCLUDED: {"$ne": True}}
    return {OWN + FIELDS[name]: {"$gt": EVER}, **open_only}


def order(name: str) -> Sequence[tuple[str, int]]:
    """Return the order of one list: oldest due first."""
    return ((OWN + FIELDS[name], 1), ("_id", 1))


def escalated() -> dict[str, Any]:
    """Return the query for what went up a tier (index `escalated`)."""
    return {OWN + "escalations": {"$gt": 0}}


async def queue(store: Store, name: str, *, limit: int) -> list[Record]:
    """Return one list, oldest due first."""
    return await store.find(waiting(name), sort=order(name), limit=limit)


async def overdue(store: Store, name: str, now: datetime) -> tuple[int, datetime | None]:
    """Count what of a list is past its due time, and return the due time of the oldest."""
    field = OWN + FIELDS[name]
    late = waiting(name) | {field: {"$gt": EVER, "$lte": now}}
    oldest = await store.pick(late, (field,), sort=order(name), limit=1)
    return (await store.how_many(late), oldest[0][0]) if oldest else (0, None)


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
    return await store.how_many(open_petitions(body))


async def gone_up(store: Store, *, limit: int) -> list[Record]:
    """Return what went up a tier."""
    return await store.find(escalated(), limit=limit)


@dataclass(frozen=True, slots=True)
class Stored:
    """A campaign as it is stored; `version` must still hold when it is saved again."""

    campaign: Campaign
    version: int


async def campaigns(store: Store) -> list[Stored]:
    """Return all campaigns by code."""
    return [_stored(definition) for definition in await store.definitions()]


async def save(store: Store, campaign: Campaign, version: int) -> bool:
    """Save a campaign if it is still as it was read; False if somebody was faster."""
    return await store.define(Definition(campaign.code, version, to_document(campaign)))


async def change(
    store: Store, code: str, edit: Callable[[Campaign], Campaign | Refused]
) -> Campaign | Refused:
    """Edit a campaign as it stands now, however often somebody else is faster."""
    while True:
        stored = next((s for s in await campaigns(store) if s.campaign.code == code), None)
        if stored is None:
            return Refused("no-such-campaign")
        edited = edit(stored.campaign)
        if isinstance(edited, Refused) or await save(store, edited, stored.version):
            return edited


def _stored(definition: Definition) -> Stored:
    campaign = msgspec.convert(definition.value, Campaign, builtin_types=(datetime, bytes))
    return Stored(campaign, definition.version)


def of_campaign(code: str, order: str | None, after: str) -> dict[str, Any]:
    """Return the query for members (index `members`), those not settled with an empty `order`."""
    query: dict[str, Any] = {CAMPAIGN: code}
    if order is not None:
        query[ORDER] = order
    return query | {"_id": {"$gt": after}} if after else query


async def unsettled(store: Store, code: str, *, after: str, limit: int) -> list[PetitionId]:
    """Return members that no policy has settled, in the order of their ids."""
    found = await store.pick(of_campaign(code, "", after), ("_id",), sort=BY_ID, limit=limit)
    return [PetitionId(petition) for (petition,) in found]


async def free(store: Store, *, after: str, limit: int) -> list[Record]:
    """Return petitions that are with a body and in no campaign, in the order of their ids (index `free`)."""
    query: dict[str, Any] = {FREE: True}
    return await store.find(
        query | {"_id": {"$gt": after}} if after else query, sort=((FREE, 1), *BY_ID), limit=limit
    )


@dataclass(frozen=True, slots=True)
class Member:
    """A row of a campaign's members."""

    petition: str
    body: str | None
    joined_at: datetime | None
    order: str
    answered: bool
    declined: bool


async def members(store: Store, code: str, *, after: tuple[str, str], limit: int) -> list[Member]:
    """Return members behind a place (order, id), those not settled first (index `members`)."""
    query: dict[str, Any] = {CAMPAIGN: code}
    order, petition = after
    if petition:
        # The range is for the index; said with `$nor` for the reason given in mediation's store.
        query |= {ORDER: {"$gte": order}, "$nor": [{ORDER: order, "_id": {"$lte": petition}}]}
    fields = ("_id", BODY, JOINED, ORDER, ANSWERED, DECLINED)
    found = await store.pick(query, fields, sort=MEMBERS, limit=limit)
    return [
        Member(petition, body, joined, order or "", bool(answered), bool(declined))
        for petition, body, joined, order, answered, declined in found
    ]


@dataclass(frozen=True, slots=True)
class Counts:
    """How far a batch has come: applied by routing, then answered or declined by mediation."""

    applied: int
    answered: int
    declined: int


async def counts(store: Store, order: str) -> Counts:
    """Count a batch (index `settled`)."""
    return Counts(
        applied=await store.how_many({ORDER: order}),
        answered=await store.how_many({ORDER: order, DECLINED: False, ANSWERED: True}),
        declined=await store.how_many({ORDER: order, DECLINED: True}),
    )


async def awaited(store: Store, order: str) -> int:
    """Count what mediation has yet to answer of a batch (index `settled`)."""
    return await store.how_many({ORDER: order, DECLINED: False, ANSWERED: False})


async def size(store: Store, code: str, *, unsettled_only: bool) -> int:
    """Count a campaign's members (index `members`)."""
    return await store.how_many(of_campaign(code, "" if unsettled_only else None, ""))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A petition that could join a campaign, and what it shares with others.

    `edition` is the number of the fact that its text comes from; 0 if there is no text (any more).
    """

    petition: PetitionId
    subject: str
    edition: int


@dataclass(frozen=True, slots=True)
class Text:
    """What a petition says in one edition of its text."""

    petition: PetitionId
    edition: int
    title: str
    content: str


async def newest(store: Store, *, limit: int) -> list[Candidate]:
    """Return the newest petitions in no campaign whose cases have no outcome (index `free`)."""
    fields = ("_id", SUBJECT, EDITION, TITLE, CONCLUDED)
    found = await store.pick({FREE: True}, fields, sort=NEWEST, limit=limit)
    return [
        Candidate(PetitionId(petition), subject or "", mark[0] if mark and title else 0)
        for petition, subject, mark, title, concluded in found
        if not concluded
    ]


async def texts(store: Store, petitions: Sequence[PetitionId]) -> list[Text]:
    """Return what these petitions say, in any order; without those whose text was erased."""
    query = {"_id": {"$in": list(petitions)}}
    found = await store.pick(query, ("_id", EDITION, TITLE, CONTENT), limit=len(petitions))
    return [
        Text(PetitionId(petition), mark[0], title, content)
        for petition, mark, title, content in found
        if mark and title
    ]


async def same_subject(store: Store, subject: str, *, limit: int) -> list[PetitionId]:
    """Return the petitions about one subject that are in no campaign (index `subject`)."""
    found = await store.pick({SUBJECT: subject}, ("_id", FREE), sort=BY_ID, limit=limit)
    return [PetitionId(petition) for petition, is_free in found if is_free]
