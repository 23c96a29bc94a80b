"""The returns: what bodies object to, the router's decision, and the whole history of a petition's places."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, StrictBool, model_validator

from contracts.bodies import Body
from contracts.calendar import here
from contracts.kinds import ReturnReason
from contracts.routing import Occasion, ReturnGround
from runtime.access import Staff
from runtime.problems import FieldError, Problem
from runtime.record import Record
from services.routing import domain, store
from services.routing.http.desk import (
    DECIDERS,
    MOST_LISTED,
    READERS,
    UNDECIDED,
    UNREAD,
    Asked,
    Desk,
    Standing,
    Trace,
    UrgencyView,
    known,
    urgency_view,
)


class ReturnView(BaseModel):
    """One objection; `timely` null: the calendar does not know the year, so nobody has checked its time."""

    petition_id: str
    due: datetime
    body: Body
    body_name: str
    transfer: int
    reason: ReturnReason
    suggested: Body | None
    suggested_name: str | None
    timely: bool | None
    urgency: UrgencyView | None


class ReturnQueue(BaseModel):
    """What waits for the router, oldest due first."""

    waiting: list[ReturnView]


class Ruling(Asked):
    """Agreed, with the body that it goes to (none: the triage desk again); or refused, with the ground."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"properties": {"agreed": {"const": True}, "ground": {"type": "null"}}},
                {
                    "required": ["ground"],
                    "properties": {
                        "agreed": {"const": False},
                        "ground": {"type": "string"},
                        "to": {"type": "null"},
                    },
                },
            ]
        },
    )

    agreed: StrictBool
    to: Body | None = None
    ground: ReturnGround | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Ruling":
        if self.agreed == (self.ground is not None):
            raise FieldError("同意退回时不填 ground；驳回时必须填写 ground")
        if not self.agreed and self.to is not None:
            raise FieldError("驳回时不填 to")
        return self


class MoveView(BaseModel):
    """One line of the history."""

    at: datetime
    place: domain.Place
    to: str
    occasion: Occasion | None
    reason: str


class History(Standing):
    """Where a petition is, and everywhere it has been, with the reasons."""

    transfers: int
    escalations: int
    moves: list[MoveView]


def routes(desk: Desk) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["returns"])

    @router.get("/returns", responses=UNREAD)
    async def queue(
        _staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))],
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    ) -> ReturnQueue:
        """List the objections that wait, oldest due first."""
        return ReturnQueue(waiting=await waiting(desk, limit=limit))

    @router.post("/returns/{petition_id}/decision", responses=UNDECIDED)
    async def decide(
        petition_id: str,
        ruling: Ruling,
        staff: Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))],
        traceparent: Trace = None,
    ) -> Standing:
        """Agree to an objection or refuse it; the third transfer is the last before the joint conference."""
        return await ruled(desk, petition_id, ruling, staff, traceparent)

    @router.get("/petitions/{petition_id}/history", responses=UNDECIDED)
    async def history(
        petition_id: str, _staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))]
    ) -> History:
        """Tell where a petition is and everywhere it has been."""
        docket = await desk.docket(known(petition_id))
        if domain.place(docket) is None:
            raise Problem(404, "no-such-petition")
        return History(
            petition_id=docket.petition,
            place=domain.place(docket),
            body=domain.body_of(docket),
            office=docket.own.office,
            transfers=docket.own.transfer,
            escalations=docket.own.escalations,
            moves=[
                MoveView(at=here(m.at), place=m.place, to=m.to, occasion=m.occasion, reason=m.reason)
                for m in docket.own.history
            ],
        )

    return router


async def waiting(desk: Desk, *, limit: int) -> list[ReturnView]:
    """Return the queue as people see it."""
    records = await store.queue(desk.process.store, store.RETURNS, limit=limit)
    return [_view(record, desk) for record in records]


async def ruled(
    desk: Desk, petition_id: str, ruling: Ruling, staff: Staff, traceparent: str | None = None
) -> Standing:
    """Put a ruling to the petition."""
    ground = ruling.ground
    if ground is None:
        return await desk.take(
            petition_id,
            lambda docket, now: domain.decide_agreement(docket, ruling.to, staff.who, desk.rules, now),
            traceparent,
            "return",
        )
    return await desk.take(
        petition_id,
        lambda docket, now: domain.decide_refusal(docket, ground, staff.who, desk.rules, now),
        traceparent,
        "return",
    )


def _view(record: Record, desk: Desk) -> ReturnView:
    own: domain.Routing = record.parts["own"]
    if own.objection is None or own.return_due is None or own.body is None:
        raise Problem(500, "internal")
    suggested = own.objection.suggested
    return ReturnView(
        petition_id=record.petition,
        due=here(own.return_due),
        body=own.body,
        body_name=desk.catalogue.name(own.body),
        transfer=own.transfer,
        reason=own.objection.reason,
        suggested=suggested,
        suggested_name=desk.catalogue.name(suggested) if suggested else None,
        timely=own.objection.timely,
        urgency=urgency_view(own),
    )
