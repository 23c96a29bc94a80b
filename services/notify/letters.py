"""What people wrote to us by SMS, as it is kept for staff to read: the words stand here and nowhere else.

`answers.py` puts them here and understands them; the desk (`http/replies.py`) shows them. Once a petitioner
is erased, the words and the sender of what was put to his petition go too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from contracts.identity import PetitionId
from contracts.notify import ReplyKind
from runtime.record import Record
from runtime.service import Index, ShelfPlan
from runtime.store import Store
from services.notify.messages import Messages
from services.notify.recipients import is_staff

log = structlog.get_logger()

SHELF: Final = "replies"
# What staff have read goes after half a year; it is no part of the file of the petition.
KEPT: Final = timedelta(days=180)
NEW, DONE, STAFF, READ, ERASED = "new", "done", "staff", "read", "erased"
NEWEST: Final[Sequence[tuple[str, int]]] = (("at", -1), ("_id", -1))
BY_PETITION: Final[Sequence[tuple[str, int]]] = (("petition", 1),)
MOST_OF_ONE: Final = 200
# So many replies one look for erased petitioners goes through.
AT_ONCE: Final = 200

SHELVES: Final = (
    ShelfPlan(
        SHELF,
        (
            Index("newest", (("state", 1), ("at", -1), ("_id", -1))),
            Index("petition", (("petition", 1), ("at", -1)), partial="petition", above=""),
        ),
        expires="until",
    ),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One reply; `sender` is the number as the gateway wrote it. Once erased it has neither that nor text."""

    reply: str
    gateway: str
    at: datetime
    state: str
    kind: ReplyKind | None
    petition: PetitionId | None
    sender: str
    text: str
    read_by: str | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list ended: behind this reply."""

    at: datetime
    reply: str

    def key(self) -> str:
        """Return it as one word for a client to give back; times are stored to the millisecond."""
        return f"{round(self.at.timestamp() * 1000)}.{self.reply}"


_LONGEST_MOMENT: Final = 13


def place(key: str) -> Place | None:
    """Read a key that `Place` wrote; None if it is none."""
    moment, _, reply = key.partition(".")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= _LONGEST_MOMENT and reply.isalnum()):
        return None
    return Place(datetime.fromtimestamp(int(moment) / 1000, UTC), reply)


class Letters:
    """The shelf."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked_at = ""

    async def listed(self, state: str, *, after: Place | None, limit: int) -> list[Letter]:
        """Return the replies that stand so, the newest first (index `newest`)."""
        found = await self._store.shelf(SHELF).find(in_state(state, after), sort=NEWEST, limit=limit)
        return [_letter(document) for document in found]

    async def of(self, petition: PetitionId) -> list[Letter]:
        """Return the newest replies that were put to a petition (index `petition`)."""
        found = await self._store.shelf(SHELF).find(
            of_petition(petition), sort=[("at", -1)], limit=MOST_OF_ONE
        )
        return [_letter(document) for document in found]

    async def one(self, reply: str) -> Letter | None:
        """Return one reply."""
        found = await self._store.shelf(SHELF).find({"_id": reply}, limit=1)
        return _letter(found[0]) if found else None

    async def read(self, reply: str, *, by: str, now: datetime) -> None:
        """Note who of the staff has read a reply."""
        change = {"$set": {"state": READ, "read_by": by, "read_at": now}}
        await self._store.shelf(SHELF).change([(reply, change)])

    async def shown(self, reply: str, *, to: str) -> None:
        """Note who was shown the sender's number."""
        await self._store.shelf(SHELF).change([(reply, {"$addToSet": {"shown_to": to}})])

    async def forget_erased(self) -> int:
        """Take words and sender out of replies to petitions whose dossier was erased; returns how many.

        Each call looks at some petitions and the next one goes on behind them, round and round.
        """
        found = await self._store.shelf(SHELF).find(behind(self._looked_at), sort=BY_PETITION, limit=AT_ONCE)
        self._looked_at = found[-1]["petition"] if len(found) == AT_ONCE else ""
        petitions = {PetitionId(document["petition"]) for document in found}
        gone = 0
        for petition in await self._erased(petitions):
            gone += await self._forget(petition)
        if gone:
            log.info("replies_erased", count=gone)
        return gone

    async def _erased(self, petitions: set[PetitionId]) -> list[PetitionId]:
        if not petitions:
            return []
        query = {"_id": {"$in": sorted(petitions)}, "parts.dossier.phone": "", "parts.dossier.others": {}}
        numberless = await self._store.pick(query, ["_id"], limit=len(petitions))
        records = await self._store.load([PetitionId(petition) for (petition,) in numberless])
        return [petition for petition, record in records.items() if _was_erased(record)]

    async def _forget(self, petition: PetitionId) -> int:
        shelf = self._store.shelf(SHELF)
        found = await shelf.find(of_petition(petition), sort=[("at", -1)], limit=MOST_OF_ONE)
        # The name of the reply stays: a gateway that brings it again brings nothing new.
        change = {"$set": {"state": ERASED, "sender": "", "text": "", "extension": ""}}
        changes = [(document["_id"], change) for document in found if document["state"] != ERASED]
        await shelf.change(changes)
        return len(changes)


def _was_erased(record: Record) -> bool:
    """Whether somebody of the dossier was told by SMS, and now the dossier has no number any more."""
    own: Messages = record.parts["own"]
    return any(message.attempt and not is_staff(message.recipient) for message in own.messages)


def in_state(state: str, after: Place | None = None) -> dict[str, Any]:
    """Return the query for the replies that stand so, behind a place in the list."""
    query: dict[str, Any] = {"state": state}
    if after is not None:
        # As in mediation's list: the range is for the index, the few of that very millisecond are compared.
        query["at"] = {"$lte": after.at}
        query["$nor"] = [{"at": after.at, "_id": {"$gte": after.reply}}]
    return query


def of_petition(petition: PetitionId) -> dict[str, Any]:
    """Return the query for the replies to one petition."""
    return {"petition": petition}


def behind(petition: str) -> dict[str, Any]:
    """Return the query for the replies to petitions behind this one ("" for all that have one)."""
    return {"petition": {"$gt": petition}}


def _letter(document: Mapping[str, Any]) -> Letter:
    return Letter(
        reply=document["_id"],
        gateway=document["gateway"],
        at=document["at"],
        state=document["state"],
        kind=ReplyKind(document["kind"]) if document["kind"] else None,
        petition=PetitionId(document["petition"]) if document["petition"] else None,
        sender=document["sender"],
        text=document["text"],
        read_by=document.get("read_by"),
        read_at=document.get("read_at"),
    )
