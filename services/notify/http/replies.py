"""What people answered by SMS, for staff to read: the words are personal, the sender is masked."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from contracts.notify import ReplyKind
from runtime.access import Role, Staff
from runtime.problems import Problem
from services.notify import letters, numbers
from services.notify.http.desk import LETTER_READERS, MOST_LISTED, UNDECIDED, UNFOUND, UNREAD, Desk, known
from services.notify.letters import Letter


class ReplyState(StrEnum):
    """How a reply stands. `staff`: somebody should read it; `done`: the machine understood it and acted.

    `new` is being taken in; of `erased` ones only that they came is left.
    """

    NEW = letters.NEW
    STAFF = letters.STAFF
    READ = letters.READ
    DONE = letters.DONE
    ERASED = letters.ERASED


class ReplyView(BaseModel):
    """One reply; one to nothing in particular has no petition. Times are UTC."""

    reply: str
    at: datetime
    state: ReplyState
    kind: ReplyKind | None = Field(description="null while it is being taken in")
    petition_id: str | None
    sender: str = Field(description="masked; empty once erased")
    text: str = Field(description="empty once erased")
    gateway: str
    read_by: str | None
    read_at: datetime | None


class Replies(BaseModel):
    """One page of replies, the newest first; `next` goes into `after` for the following page."""

    replies: list[ReplyView]
    next: str | None


class Sender(BaseModel):
    """The whole number of somebody who belongs to no petition that we know of."""

    reply: str
    number: str


def routes(desk: Desk) -> APIRouter:
    """Make the routes of the replies."""
    router = APIRouter(tags=["replies"])
    reader = Annotated[Staff, Depends(desk.gate.staff(*LETTER_READERS))]

    @router.get("/replies", responses=UNREAD)
    async def in_state(
        _staff: reader,
        state: ReplyState = ReplyState.STAFF,
        after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    ) -> Replies:
        """List the replies that stand so, the newest first."""
        return await listed(desk, state, after=after, limit=limit)

    @router.get("/messages/{petition_id}/replies", responses=UNFOUND)
    async def of_one(petition_id: str, _staff: reader) -> Replies:
        """Show the newest replies to one petition; with none the list is empty."""
        found = await desk.letters.of(known(petition_id))
        return Replies(replies=[_view(letter) for letter in found], next=None)

    @router.post("/replies/{reply}/read", responses=UNDECIDED)
    async def read(reply: str, staff: reader) -> ReplyView:
        """Note that it was read; a second reading changes nothing."""
        return await marked(desk, reply, staff)

    @router.get("/replies/{reply}/sender", responses=UNDECIDED)
    async def sender(reply: str, staff: Annotated[Staff, Depends(desk.gate.staff(Role.CLERK))]) -> Sender:
        """Show the whole number of a sender who belongs to no petition; who asked is noted."""
        return await unmasked(desk, reply, staff)

    return router


async def listed(desk: Desk, state: ReplyState, *, after: str = "", limit: int) -> Replies:
    """Return one page of a list."""
    behind = letters.place(after) if after else None
    if after and behind is None:
        told = [{"field": "after", "message": "请用上一页给出的 next"}]
        raise Problem(422, "invalid-input", errors=told)
    found = await desk.letters.listed(state, after=behind, limit=limit + 1)
    page, more = found[:limit], len(found) > limit
    return Replies(
        replies=[_view(letter) for letter in page],
        next=letters.Place(page[-1].at, page[-1].reply).key() if more else None,
    )


async def of(desk: Desk, petition_id: str) -> list[ReplyView]:
    """Return the newest replies to one petition."""
    return [_view(letter) for letter in await desk.letters.of(known(petition_id))]


async def marked(desk: Desk, reply: str, staff: Staff) -> ReplyView:
    """Note that somebody has read a reply that waits for staff."""
    letter = await _letter(desk, reply)
    if letter.state == ReplyState.READ:
        return _view(letter)
    if letter.state != ReplyState.STAFF:
        raise Problem(409, "reply-not-waiting")
    await desk.letters.read(reply, by=staff.who, now=desk.process.clock.now())
    return _view(await _letter(desk, reply))


async def unmasked(desk: Desk, reply: str, staff: Staff) -> Sender:
    """Return the number behind a reply to nothing; noted with it is who asked, before it is shown."""
    letter = await _letter(desk, reply)
    if letter.petition is not None:
        raise Problem(409, "reply-has-petition")
    await desk.letters.shown(reply, to=staff.who)
    return Sender(reply=reply, number=letter.sender)


async def _letter(desk: Desk, reply: str) -> Letter:
    letter = await desk.letters.one(reply)
    if letter is None:
        raise Problem(404, "no-such-reply")
    return letter


def _view(letter: Letter) -> ReplyView:
    return ReplyView(
        reply=letter.reply,
        at=letter.at,
        state=ReplyState(letter.state),
        kind=letter.kind,
        petition_id=letter.petition,
        sender=numbers.masked(letter.sender) if letter.sender else "",
        text=letter.text,
        gateway=letter.gateway,
        read_by=letter.read_by,
        read_at=letter.read_at,
    )
