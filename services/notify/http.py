"""What staff may see of the messages: their state, never the text, and the number masked."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from contracts import identity
from runtime import problems
from runtime.access import Gate, Role, Staff
from runtime.problems import Problem
from runtime.process import Process
from runtime.record import Record
from services.notify import numbers
from services.notify.messages import Messages, Sms, State
from services.notify.store import of_petition, with_state
from services.notify.stories import Contact

problems.know({"no-such-petition": ("没有这件信访事项", "请核对受理编号后再试。")})
READERS: Final = (Role.OPERATOR, Role.CLERK, Role.AUDITOR)


class Asked(StrEnum):
    """The states that staff look for."""

    QUEUED = "queued"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class MessageView(BaseModel):
    """One message. `until` is the end of the lease (claimed) or of the pause (not-sent)."""

    message: str
    template: str
    version: str
    state: State
    reason: str
    attempts: int
    segments: int
    queued_at: datetime
    changed_at: datetime
    until: datetime | None


class PetitionMessages(BaseModel):
    """All messages of one petition; `number_fault` tells why no SMS can reach the number."""

    petition_id: str
    number: str | None
    number_fault: numbers.Fault | None
    messages: list[MessageView]


class Listed(BaseModel):
    """Petitions with a message in the state that was asked for; `next` continues the list."""

    petitions: list[PetitionMessages]
    next: str | None


def routes(process: Process, gate: Gate) -> APIRouter:
    """Make the routes for staff."""
    router = APIRouter(tags=["messages"])

    @router.get("/messages/{petition_id}", responses=problems.documented(401, 403, 404))
    async def of_one(
        petition_id: str, _staff: Annotated[Staff, Depends(gate.staff(*READERS))]
    ) -> PetitionMessages:
        """Show every message of one petition."""
        petition = identity.parse(petition_id)
        if petition is None:
            raise Problem(404, "no-such-petition")
        return _view(await of_petition(process.store, petition))

    @router.get("/messages", responses=problems.documented(401, 403))
    async def in_state(
        _staff: Annotated[Staff, Depends(gate.staff(*READERS))],
        state: Asked,
        after: Annotated[str, Query(max_length=17)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Listed:
        """List the petitions with a message in this state, oldest petition first, with those messages."""
        wanted = State(state)
        records = await with_state(process.store, wanted, after=after, limit=limit)
        return Listed(
            petitions=[_view(record, wanted) for record in records],
            next=records[-1].petition if len(records) == limit else None,
        )

    return router


def _view(record: Record, only: State | None = None) -> PetitionMessages:
    own: Messages = record.parts["own"]
    contact: Contact = record.parts["dossier"]
    found = numbers.read(contact.phone) if contact.phone else None
    return PetitionMessages(
        petition_id=record.petition,
        number=numbers.masked(contact.phone) if contact.phone else None,
        number_fault=found.fault if isinstance(found, numbers.Unusable) else None,
        messages=[_message(sms) for sms in own.messages if only is None or sms.state is only],
    )


def _message(sms: Sms) -> MessageView:
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
    )
