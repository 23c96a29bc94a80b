"""The triage desk: what a person must decide, the decision, and what is learnt from it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts import areas
from contracts.bodies import Body, Catalogue
from contracts.calendar import here
from contracts.domains import NAMES, Domain
from contracts.kinds import Kind
from contracts.routing import Office, TriageReason
from runtime.access import Role, Staff
from runtime.problems import FieldError, Problem
from runtime.record import Record
from runtime.store import Store
from services.routing import domain, store
from services.routing.http.desk import (
    MOST_LISTED,
    READERS,
    UNDECIDED,
    UNREAD,
    Asked,
    Desk,
    Standing,
    Trace,
    UrgencyView,
    urgency_view,
)

PAGE: Final = 500
LONG_AGO: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")
NDJSON: Final = "application/x-ndjson"


class ReasonView(BaseModel):
    """A phrase that weighed in."""

    term: str
    weight: float


class CandidateView(BaseModel):
    """One of the two bodies that the classifier would choose."""

    body: Body
    name: str


class TriageView(BaseModel):
    """One petition to look at; its text is read from intake, where every reading is a fact."""

    petition_id: str
    due: datetime
    why: TriageReason
    candidates: list[CandidateView]
    domain: Domain | None
    domain_name: str | None
    area: str | None
    kind: Kind
    confidence: float
    reasons: list[ReasonView]
    transfers: int
    urgency: UrgencyView | None


class TriageQueue(BaseModel):
    """The queue, oldest due first; it is worked off from the top."""

    waiting: list[TriageView]


class Choice(Asked):
    """Where the petition goes: one of the 15 bodies, or an office outside them."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["body"],
                    "properties": {"body": {"type": "string"}, "office": {"type": "null"}},
                },
                {
                    "required": ["office"],
                    "properties": {"office": {"type": "string"}, "body": {"type": "null"}},
                },
            ]
        },
    )

    body: Body | None = None
    office: Office | None = None
    kind: Kind | None = Field(default=None, description="corrects the kind: a report goes to no body as such")
    area: str | None = Field(
        default=None,
        description="administrative code; needed where nobody knows the area",
        json_schema_extra={"pattern": areas.PATTERN},
    )

    @field_validator("area")
    @classmethod
    def _known(cls, code: str | None) -> str | None:
        if code is not None and not areas.is_area(code):
            raise FieldError("没有这个区域代码，请填写长沙市的区县代码，例如 430102")
        return code

    @model_validator(mode="after")
    def _one(self) -> "Choice":
        if (self.body is None) == (self.office is None):
            raise FieldError("请在 body 与 office 中填写且只填写一项")
        return self


class Agreement(BaseModel):
    """How often persons chose what the machine had put first, out of those where it had a first choice.

    `without_choice` are decisions on petitions for which it had none; they are in neither number.
    """

    agreed: int
    decided: int
    without_choice: int
    rate: float | None


def routes(desk: Desk) -> APIRouter:
    """Make the triage desk's routes."""
    router = APIRouter(tags=["triage desk"])

    @router.get("/triage", responses=UNREAD)
    async def queue(
        _staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))],
        limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
    ) -> TriageQueue:
        """List what waits for a person, oldest due first."""
        return TriageQueue(waiting=await waiting(desk, limit=limit))

    @router.post("/triage/{petition_id}/decision", responses=UNDECIDED)
    async def decide(
        petition_id: str,
        choice: Choice,
        staff: Annotated[Staff, Depends(desk.gate.staff(Role.ROUTER))],
        traceparent: Trace = None,
    ) -> Standing:
        """Decide where a petition goes."""
        return await chosen(desk, petition_id, choice, staff, traceparent)

    @router.get("/triage/agreement", responses=UNREAD)
    async def agreement(_staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))]) -> Agreement:
        """Tell how often persons agree with the machine, with the numbers behind the rate."""
        return await agreed(desk)

    @router.get(
        "/triage/decisions",
        response_class=StreamingResponse,
        responses={**UNREAD, 200: {"content": {NDJSON: {}}, "description": "one JSON object a line"}},
    )
    async def decisions(
        _staff: Annotated[Staff, Depends(desk.gate.staff(Role.ROUTER, Role.OPERATOR))],
    ) -> StreamingResponse:
        """Export what persons decided as training material, one JSON object a line; holds the texts."""
        return StreamingResponse(
            exported(desk.process.store), media_type=NDJSON, headers={"Cache-Control": "no-store"}
        )

    return router


async def waiting(desk: Desk, *, limit: int) -> list[TriageView]:
    """Return the queue as people see it."""
    return [
        _view(record, desk.catalogue)
        for record in await store.queue(desk.process.store, store.TRIAGE, limit=limit)
    ]


async def chosen(
    desk: Desk, petition_id: str, choice: Choice, staff: Staff, traceparent: str | None = None
) -> Standing:
    """Send a petition where a person said."""
    corrected = domain.Corrected(choice.kind, choice.area)
    to = choice.body or choice.office or Office.PETITION_OFFICE
    return await desk.take(
        petition_id,
        lambda docket, now: domain.decide_triage(docket, to, staff.who, desk.rules, now, corrected),
        traceparent,
        "triage",
    )


async def agreed(desk: Desk) -> Agreement:
    """Count over all decisions that persons ever made at the desk."""
    agreed = decided = without = 0
    async for record in _decided(desk.process.store):
        for decision in record.parts["own"].decisions:
            decided += decision.first is not None
            without += decision.first is None
            agreed += decision.agrees
    return Agreement(
        agreed=agreed, decided=decided, without_choice=without, rate=agreed / decided if decided else None
    )


async def exported(dockets: Store) -> AsyncIterator[bytes]:
    """Yield one line a petition: the fields that training takes; whoever was erased is left out."""
    async for record in _decided(dockets):
        own, dossier = record.parts["own"], record.parts["dossier"]
        if not dossier.content:
            continue
        decision = own.decisions[-1]
        line = {
            "id": record.petition,
            "text": f"{dossier.title}\n{dossier.content}",
            "body": decision.to if decision.to in set(Body) else "none",
            "office": decision.to if decision.to in set(Office) else None,
            "first": decision.first,
            "second": decision.second,
            "domain": own.domain,
            "kind": own.kind,
            "agrees": decision.agrees,
            "decided_at": here(decision.at).isoformat(),
        }
        yield msgspec.json.encode(line) + b"\n"


async def _decided(dockets: Store) -> AsyncIterator[Record]:
    after = LONG_AGO
    while records := await store.decided(dockets, after=after, limit=PAGE):
        for record in records:
            yield record
        after = (records[-1].parts["own"].decided_at, records[-1].petition)


def _view(record: Record, names: Catalogue) -> TriageView:
    own: domain.Routing = record.parts["own"]
    guess = own.guess
    if guess is None or own.triage_due is None:
        raise Problem(500, "internal")
    return TriageView(
        petition_id=record.petition,
        due=here(own.triage_due),
        why=guess.why,
        candidates=[
            CandidateView(body=body, name=names.name(body)) for body in (guess.first, guess.second) if body
        ],
        domain=guess.domain,
        domain_name=NAMES[guess.domain] if guess.domain else None,
        area=guess.area,
        kind=guess.kind,
        confidence=guess.confidence,
        reasons=[ReasonView(term=r.term, weight=r.weight) for r in guess.reasons],
        transfers=own.transfer,
        urgency=urgency_view(own),
    )
