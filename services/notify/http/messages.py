"""What staff see of the messages: their state, never the text, numbers masked; and what they decide."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from runtime.access import Staff
from services.notify import numbers, recipients, turns
from services.notify.docket import Docket
from services.notify.domain import NO_RECEIPT
from services.notify.http.desk import (
    DECIDERS,
    MOST_LISTED,
    READERS,
    UNDECIDED,
    UNFOUND,
    UNREAD,
    Asked,
    Desk,
    Trace,
    known,
)
from services.notify.messages import Sms, State
from services.notify.notices import Audience
from services.notify.outcomes import decide_unknown
from services.notify.store import of_petition, with_state


class Wanted(StrEnum):
    """What staff look for: messages in a state that needs somebody, and petitioners who must be called."""

    QUEUED = "queued"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
    UNDELIVERED = "undelivered"
    SKIPPED = "skipped"
    CALL = "call"


class Delivery(StrEnum):
    """What is known of a message that left; `untold`: the gateway does not say, or has not said in time."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNTOLD = "untold"


class MessageView(BaseModel):
    """One message, without its text. Times are UTC."""

    message: str
    template: str
    version: str
    state: State
    reason: str = Field(description="why it was skipped or not sent, or the gateway's code; else empty")
    attempts: int
    segments: int
    queued_at: datetime
    changed_at: datetime
    until: datetime | None = Field(description="the end of the lease (claimed) or of the pause (not-sent)")
    recipient: Audience
    number: str | None = Field(description="where it goes, masked")
    gateway: str | None = Field(description="that of the last attempt")
    delivery: Delivery | None = Field(description="null while it has not left for certain")
    valid_until: datetime | None = Field(description="after this it is not sent any more")
    joined_into: str | None = Field(description="the message within whose text this one went out")
    next_check: datetime | None = Field(
        description="when the machine looks at it again by itself; null for unknown: a person must decide"
    )
    cost: float | None = Field(description="yuan, an estimate: segments times the price of one")


class CallView(BaseModel):
    """Somebody must call the petitioner: no SMS told him what this message says."""

    message: str
    template: str
    reason: str
    since: datetime


class PetitionMessages(BaseModel):
    """The messages of one petition; `number_fault` tells why no SMS can reach the petitioner's number."""

    petition_id: str
    number: str | None
    number_fault: numbers.Fault | None
    messages: list[MessageView]
    call: CallView | None
    cost: float = Field(description="yuan, an estimate, of the messages shown")


class Listed(BaseModel):
    """Petitions with what was asked for; `next` goes into `after` for the following page."""

    petitions: list[PetitionMessages]
    next: str | None


class Decision(Asked):
    """What somebody knows of a message of which the machine cannot know whether it left.

    `sent`: it counts as sent and stays unsent if it was not. `send-again`: whoever got it gets it twice.
    """

    decision: Literal["sent", "send-again"]


def routes(desk: Desk) -> APIRouter:
    """Make the routes of the messages."""
    router = APIRouter(tags=["messages"])

    @router.get("/messages/{petition_id}", responses=UNFOUND)
    async def of_one(
        petition_id: str, _staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))]
    ) -> PetitionMessages:
        """Show every message of one petition."""
        return await shown(desk, petition_id)

    @router.get("/messages", responses=UNREAD)
    async def in_state(
        _staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))],
        state: Wanted,
        after: Annotated[str, Query(max_length=17)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
    ) -> Listed:
        """List the petitions with a message in this state, oldest petition first, with those messages."""
        return await listed(desk, state, after=after, limit=limit)

    @router.post("/messages/{petition_id}/{message}/decision", responses=UNDECIDED)
    async def decide(
        petition_id: str,
        message: str,
        asked: Decision,
        staff: Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))],
        traceparent: Trace = None,
    ) -> PetitionMessages:
        """Decide about a message that is unknown; answers with all messages of the petition."""
        return await decided(desk, petition_id, message, asked, staff, traceparent)

    return router


async def shown(desk: Desk, petition_id: str) -> PetitionMessages:
    """Return the messages of one petition as people see them; raises Problem 404 if there is none."""
    return view(desk, desk.docket(await of_petition(desk.process.store, known(petition_id))))


async def listed(desk: Desk, wanted: Wanted, *, after: str = "", limit: int) -> Listed:
    """Return one page of a list."""
    records = await with_state(desk.process.store, wanted, after=after, limit=limit)
    return Listed(
        petitions=[view(desk, desk.docket(record), wanted) for record in records],
        next=records[-1].petition if len(records) == limit else None,
    )


async def decided(
    desk: Desk, petition_id: str, message: str, asked: Decision, staff: Staff, traceparent: str | None = None
) -> PetitionMessages:
    """Take a person's word for an unknown message."""
    sent = asked.decision == "sent"
    return view(
        desk,
        await desk.take(
            petition_id,
            lambda docket, now: decide_unknown(desk.rules, docket, message, sent=sent, by=staff.who, now=now),
            traceparent,
            "unknown-decided",
        ),
    )


def view(desk: Desk, docket: Docket, wanted: Wanted | None = None) -> PetitionMessages:
    """Show a petition's messages: all, or those for which it is listed."""
    phone = docket.dossier.phone
    found = numbers.read(phone) if phone else None
    chosen = [message for message in docket.own.messages if _listed(docket, message, wanted)]
    return PetitionMessages(
        petition_id=docket.petition,
        number=numbers.masked(phone) if phone else None,
        number_fault=found.fault if isinstance(found, numbers.Unusable) else None,
        messages=[_message(desk, docket, message) for message in chosen],
        call=_call(docket),
        cost=_yuan(sum((_cost(desk, message) for message in chosen), Decimal(0))),
    )


def _listed(docket: Docket, message: Sms, wanted: Wanted | None) -> bool:
    if wanted is Wanted.CALL:
        return docket.own.call is not None and message.message == docket.own.call.message
    return wanted is None or str(message.state) == str(wanted)


def _call(docket: Docket) -> CallView | None:
    call = docket.own.call
    if call is None:
        return None
    about = docket.own.find(call.message)
    return CallView(
        message=call.message,
        template=about.template if about else "",
        reason=call.reason,
        since=call.since,
    )


def _message(desk: Desk, docket: Docket, sms: Sms) -> MessageView:
    phone = recipients.phone(desk.rules, docket, sms.recipient)
    return MessageView(
        message=sms.message,
        template=sms.template,
        version=sms.version,
        state=sms.state,
        reason=sms.reason,
        attempts=sms.attempt,
        segments=sms.segments,
        queued_at=sms.queued_at,
        changed_at=sms.changed_at,
        until=sms.until,
        recipient=recipients.audience(sms.recipient),
        number=numbers.masked(phone) if phone else None,
        gateway=sms.gateway or None,
        delivery=_delivery(desk, sms),
        valid_until=sms.valid_until,
        joined_into=sms.into or None,
        next_check=turns.due_at(desk.rules, docket, sms),
        cost=_yuan(_cost(desk, sms)) if sms.segments else None,
    )


def _delivery(desk: Desk, sms: Sms) -> Delivery | None:
    match sms.state:
        case State.SENT:
            way = desk.rules.way(sms.gateway)
            return Delivery.PENDING if way is not None and way.receipts else Delivery.UNTOLD
        case State.DELIVERED:
            return Delivery.DELIVERED
        case State.UNDELIVERED:
            return Delivery.UNTOLD if sms.reason == NO_RECEIPT else Delivery.FAILED
        case _:
            return None


def _cost(desk: Desk, sms: Sms) -> Decimal:
    return desk.spending.prices.cost(sms.gateway, sms.segments)


def _yuan(cost: Decimal) -> float:
    return round(float(cost), 4)
