"""The triage desk: what a person must decide, and the decision."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, model_validator

from contracts import identity
from contracts.bodies import Body, catalogue
from contracts.domains import NAMES, Domain
from contracts.kinds import Kind
from contracts.routing import Office, TriageReason
from runtime import problems, tracing
from runtime.access import Gate, Role, Staff
from runtime.http import raise_for
from runtime.problems import FieldError, Problem
from runtime.process import Process
from runtime.record import Record
from services.routing import domain
from services.routing.store import triage_queue

problems.know(
    {
        "no-such-petition": ("没有这件信访事项", "请核对受理编号后再试。"),
        "not-in-triage": ("该事项不在待研判队列中", "可能已由其他同事处理，请刷新队列。"),
    }
)
REFUSALS: Final = {"not-in-triage": 409}
READERS: Final = (Role.ROUTER, Role.LEADER, Role.OPERATOR, Role.AUDITOR)


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


class TriageQueue(BaseModel):
    """The queue, oldest due first; it is worked off from the top."""

    waiting: list[TriageView]


class Decision(BaseModel):
    """Where the petition goes: one of the 15 bodies, or an office outside them."""

    model_config = ConfigDict(
        extra="forbid",
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

    @model_validator(mode="after")
    def _one(self) -> "Decision":
        if (self.body is None) == (self.office is None):
            raise FieldError("请在 body 与 office 中填写且只填写一项")
        return self


class Decided(BaseModel):
    """What stands now."""

    petition_id: str
    body: Body | None = None
    office: Office | None = None


def routes(process: Process, gate: Gate, rules: domain.Rules) -> APIRouter:
    """Make the triage desk's routes."""
    router = APIRouter(tags=["triage desk"])

    @router.get("/triage", responses=problems.documented(401, 403))
    async def queue(
        _staff: Annotated[Staff, Depends(gate.staff(*READERS))],
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> TriageQueue:
        """List what waits for a person, oldest due first."""
        return TriageQueue(
            waiting=[_view(record) for record in await triage_queue(process.store, limit=limit)]
        )

    @router.post("/triage/{petition_id}/decision", responses=problems.documented(400, 401, 403, 404, 409))
    async def decide(
        petition_id: str,
        decision: Decision,
        staff: Annotated[Staff, Depends(gate.staff(Role.ROUTER))],
        traceparent: Annotated[str | None, Header()] = None,
    ) -> Decided:
        """Decide where a petition goes."""
        petition = identity.parse(petition_id)
        if petition is None:
            raise Problem(404, "no-such-petition")
        to = decision.body or decision.office or Office.PETITION_OFFICE
        with tracing.span("triage", traceparent) as context:
            answer = await process.commands.ask(
                petition,
                lambda docket, now: domain.decide_triage(docket, to, staff.who, rules, now),
                cause="http",
                traceparent=context,
            )
        raise_for(answer, REFUSALS)
        return Decided(petition_id=petition, body=decision.body, office=decision.office)

    return router


def _view(record: Record) -> TriageView:
    own: domain.Routing = record.parts["own"]
    guess = own.guess
    if guess is None or own.triage_due is None:
        raise Problem(500, "internal")
    names = catalogue()
    return TriageView(
        petition_id=record.petition,
        due=own.triage_due,
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
    )
