"""What comes in from the bodies and the leaders: the steps of a case; it asks the domain and answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from contracts.bodies import Body, catalogue
from contracts.fact import MOST, Code
from contracts.identity import PetitionId, parse
from contracts.kinds import Outcome, ReturnReason, SessionKind
from runtime import problems, tracing
from runtime.access import Gate, Role, Staff
from runtime.http import WHOLE, raise_for
from runtime.pages import wanted
from runtime.problems import Problem
from runtime.process import Process
from services.mediation import domain, store
from services.mediation.deadlines import Terms
from services.mediation.domain import Asker, Decision, Docket, Refusal, State
from services.mediation.pages import CasesView, CaseView, Pages, view

WORDS: Final = {
    Refusal.NO_CASE: ("没有这个案件", "请核对受理编号；刚转来的事项请过几秒再试。"),
    Refusal.OTHER_BODY: ("该案件不由您所在的机构办理", "请与现承办机构联系，或请领导处理。"),
    Refusal.ALREADY_ACCEPTED: ("该案件已经受理过", "请直接登记会商或办结。"),
    Refusal.NOT_ACCEPTED: ("该案件尚未受理", "请先受理，再登记会商或办结。"),
    Refusal.ALREADY_CONCLUDED: ("该案件已经办结", "请查看案件结果；未答复的请答复信访人。"),
    Refusal.NOT_CONCLUDED: ("该案件尚未办结", "请先登记办理结果，再答复信访人。"),
    Refusal.ALREADY_ANSWERED: ("该案件已经答复过", "无需再次答复；信访人不服的可以申请复查。"),
    Refusal.OTHER_SESSION: ("会商次数与记录不符", "请查看案件，确认这次会商是否已经登记。"),
    Refusal.NO_SETTLEMENT: ("只有调解和解才能签订协议", "请把结果改为 settled，或把 agreement 改为 false。"),
    Refusal.ALREADY_RETURNED: ("该案件已经提出退回", "请等待信访部门裁定；裁定前不能受理或办结。"),
    Refusal.HANDED_BACK: ("该案件已经退出本机构", "无需再办理；查看案件可知现在由谁负责。"),
    Refusal.RETURN_TOO_LATE: ("已过提出异议的5个工作日", "请先受理；确需转出的，请报信访部门提交联席会议。"),
    Refusal.BOUND: ("联席会议已经决定由本机构牵头", "该决定具有约束力，不能退回；有困难请报联席会议办公室。"),
    Refusal.OWN_BODY: ("建议的承办机构就是本机构", "请填写您认为应当承办的其他机构，或留空。"),
    "petition-id-wrong": ("受理编号有误", "请核对编号后再试，例如 2B7K9-0M4QX-7T1CW。"),
    "token-without-body": ("您的身份令牌没有注明机构", "请联系本单位管理员，为令牌加上机构代码。"),
}
STATUS: Final[dict[str, int]] = {
    Refusal.NO_CASE: 404,
    Refusal.OTHER_BODY: 403,
    Refusal.ALREADY_ACCEPTED: 409,
    Refusal.NOT_ACCEPTED: 409,
    Refusal.ALREADY_CONCLUDED: 409,
    Refusal.NOT_CONCLUDED: 409,
    Refusal.ALREADY_ANSWERED: 409,
    Refusal.OTHER_SESSION: 409,
    Refusal.NO_SETTLEMENT: 422,
    Refusal.ALREADY_RETURNED: 409,
    Refusal.HANDED_BACK: 409,
    Refusal.RETURN_TOO_LATE: 409,
    Refusal.BOUND: 409,
    Refusal.OWN_BODY: 422,
}
REFUSALS: Final = problems.documented(400, 401, 403, 404, 409)
EVERY_BODY: Final = frozenset(Body)
# The city's joint conference has 58 member units; more cannot sit at one table.
MOST_UNITS: Final = 60
Decide = Callable[[Docket, Asker, datetime], Decision]
Number = Annotated[int, Field(ge=1, le=MOST, strict=True), WHOLE]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Acceptance(_Asked):
    """Who answers for the case; without a name it is the one who accepts it."""

    handler: Code | None = None


class Objection(_Asked):
    """Why the matter is not the body's business, and which body it thinks is right."""

    reason: ReturnReason
    suggested: Body | None = None


class SessionReport(_Asked):
    """A session that was held; give `number` to be sure that a repeated request enters it once."""

    kind: SessionKind
    participants: Number
    units: list[Code] = Field(default=[], max_length=MOST_UNITS)
    number: Number | None = None


class Conclusion(_Asked):
    """How the matter ended; `agreement` if both sides signed one."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"outcome": {"const": Outcome.SETTLED}}},
                {"properties": {"agreement": {"const": False}}},
            ]
        }
    )

    outcome: Outcome
    agreement: StrictBool = False


class Answer(_Asked):
    """The answer says the outcome of the conclusion, so nothing more is asked for."""


@dataclass(frozen=True)
class Desk:
    """What the routes have in common: how a step is put to a case, how a case is shown."""

    process: Process
    gate: Gate
    terms: Terms

    async def take(self, said: str, staff: Staff, traceparent: str | None, decide: Decide) -> CaseView:
        """Let `decide` run on a case and return the case after it; raises Problem with the reason if not."""
        petition, asker = _petition(said), _asker(staff)

        with tracing.span("step", traceparent) as context:
            answer = await self.process.commands.ask(
                petition,
                lambda docket, now: decide(docket, asker, now),
                cause="http",
                traceparent=context,
            )
        raise_for(answer, STATUS)
        return await self.shown(petition)

    async def shown(self, petition: PetitionId) -> CaseView:
        """Return a case; raises Problem 404 if there is none."""
        docket = await store.case(self.process.store, petition)
        if docket is None:
            raise Problem(404, Refusal.NO_CASE)
        return view(docket, catalogue())


def routes(desk: Desk) -> APIRouter:
    """Make the routes of the bodies' desk."""
    router = APIRouter()
    _add_reading(router, desk)
    _add_steps(router, desk)
    return router


def _add_reading(router: APIRouter, desk: Desk) -> None:
    pages = Pages()
    reading = Annotated[
        Staff, Depends(desk.gate.staff(Role.MEDIATOR, Role.LEADER, Role.OPERATOR, Role.AUDITOR))
    ]

    @router.get(
        "/cases",
        response_model=CasesView,
        tags=["reading"],
        responses={
            200: {"content": {"text/html": {"schema": {"type": "string"}}}},
            **problems.documented(401, 403),
        },
    )
    async def cases(
        staff: reading,
        body: Body | None = None,
        state: Annotated[list[State], Query()] = [],  # noqa: B006 - never changed; FastAPI copies it
        after: Annotated[str, Query(max_length=64, description="`next` of the page before")] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Response:
        """List cases, those due first at the top: JSON, or a plain table if the browser asks for one."""
        behind = store.place(after) if after else None
        if after and behind is None:
            raise Problem(
                422, "invalid-input", errors=[{"field": "after", "message": "请用上一页给出的 next"}]
            )
        bodies = _bodies(staff) if body is None else _bodies(staff) & {body}
        if not bodies:
            raise Problem(403, Refusal.OTHER_BODY)
        page, onward = await store.cases(
            desk.process.store, bodies, state or list(State), after=behind, limit=limit
        )
        seen = CasesView(cases=[view(docket, catalogue()) for docket in page], next=onward and str(onward))
        if not wanted(accept):
            return JSONResponse(seen.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
        return pages.cases(seen.cases, seen.next and _further(body, state, limit, seen.next))

    @router.get("/cases/{petition_id}", tags=["reading"], responses=problems.documented(401, 403, 404))
    async def case(petition_id: str, staff: reading) -> CaseView:
        """Show one case."""
        found = await desk.shown(_petition(petition_id))
        if found.body not in _bodies(staff):
            raise Problem(403, Refusal.OTHER_BODY)
        return found


def _add_steps(router: APIRouter, desk: Desk) -> None:
    acting = Annotated[Staff, Depends(desk.gate.staff(Role.MEDIATOR, Role.LEADER))]
    trace = Annotated[str | None, Header(alias="traceparent")]

    @router.post("/cases/{petition_id}/accept", tags=["steps"], responses=REFUSALS)
    async def accept(
        petition_id: str, staff: acting, asked: Acceptance | None = None, traceparent: trace = None
    ) -> CaseView:
        """Take the case up: from now on a named handler answers for it."""
        handler = (asked and asked.handler) or ""

        def decide(docket: Docket, asker: Asker, now: datetime) -> Decision:
            return domain.decide_acceptance(docket, asker, handler, now)

        return await desk.take(petition_id, staff, traceparent, decide)

    @router.post("/cases/{petition_id}/return", tags=["steps"], responses=REFUSALS)
    async def objection(
        petition_id: str, staff: acting, asked: Objection, traceparent: trace = None
    ) -> CaseView:
        """Object within 5 working days that the matter is not the body's; the router decides (art. 23)."""

        def decide(docket: Docket, asker: Asker, now: datetime) -> Decision:
            return domain.decide_return(docket, asker, asked.reason, asked.suggested, now)

        return await desk.take(petition_id, staff, traceparent, decide)

    @router.post("/cases/{petition_id}/sessions", tags=["steps"], responses=REFUSALS)
    async def session(
        petition_id: str, staff: acting, asked: SessionReport, traceparent: trace = None
    ) -> CaseView:
        """Enter a session that was held."""
        held = domain.Session(asked.kind, asked.participants, tuple(asked.units), asked.number)

        def decide(docket: Docket, asker: Asker, now: datetime) -> Decision:
            return domain.decide_session(docket, asker, held, now)

        return await desk.take(petition_id, staff, traceparent, decide)

    @router.post("/cases/{petition_id}/conclusion", tags=["steps"], responses=REFUSALS)
    async def conclusion(
        petition_id: str, staff: acting, asked: Conclusion, traceparent: trace = None
    ) -> CaseView:
        """Give the matter its outcome."""

        def decide(docket: Docket, asker: Asker, now: datetime) -> Decision:
            return domain.decide_conclusion(docket, asker, asked.outcome, agreement=asked.agreement, now=now)

        return await desk.take(petition_id, staff, traceparent, decide)

    @router.post("/cases/{petition_id}/answer", tags=["steps"], responses=REFUSALS)
    async def answer(
        petition_id: str, staff: acting, _asked: Answer | None = None, traceparent: trace = None
    ) -> CaseView:
        """Answer the petitioner with the outcome; the message goes out from this fact."""

        def decide(docket: Docket, asker: Asker, now: datetime) -> Decision:
            return domain.decide_answer(docket, asker, desk.terms, now)

        return await desk.take(petition_id, staff, traceparent, decide)


def _further(body: Body | None, states: Sequence[State], limit: int, after: str) -> str:
    """Return the query of the next page."""
    asked: list[tuple[str, str]] = [("state", state) for state in states]
    if body is not None:
        asked.append(("body", body))
    return "?" + urlencode([*asked, ("limit", str(limit)), ("after", after)])


def _petition(said: str) -> PetitionId:
    petition = parse(said)
    if petition is None:
        raise Problem(404, "petition-id-wrong")
    return petition


def _bodies(staff: Staff) -> frozenset[Body]:
    """Return the bodies whose cases somebody may see: a mediator's own, everyone else's all."""
    if staff.role is not Role.MEDIATOR:
        return EVERY_BODY
    if staff.body is None:
        raise Problem(403, "token-without-body")
    return frozenset({staff.body})


def _asker(staff: Staff) -> Asker:
    """Return who acts; the gate has made sure that what the token calls him is a code."""
    return Asker(staff.who, _bodies(staff))
