"""A case as people see it: the JSON object and the plain table; times are told in Changsha's time."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from contracts import domains, places
from contracts.bodies import Body, Catalogue
from contracts.calendar import here
from contracts.domains import Domain
from contracts.kinds import URGENCIES, Kind, Outcome, ReturnReason, Urgency
from contracts.mediation import Step
from contracts.units import roster
from runtime.pages import Templates
from services.mediation.domain import Docket, State

STATES: Final = {
    State.OPENED: "待受理",
    State.RETURNED: "已提出退回，待裁定",
    State.HANDED_BACK: "已退出本机构",
    State.ACCEPTED: "办理中",
    State.CONCLUDED: "已办结，待答复",
    State.ANSWERED: "已答复",
    State.RATED: "已评价",
}
STEPS: Final = {Step.ACCEPT: "受理逾期", Step.FINISH: "办理逾期"}
OUTCOMES: Final = {
    Outcome.SETTLED: "调解和解",
    Outcome.SUPPORTED: "予以支持",
    Outcome.EXPLAINED: "解释说明",
    Outcome.NOT_SUPPORTED: "不予支持",
}


class CaseView(BaseModel):
    """One case; what the petitioner wrote is read from intake, and that reading is a fact."""

    petition_id: str
    body: Body
    body_name: str
    state: State
    state_text: str
    transfer: int = Field(description="which transfer brought it to this body, from 1")
    accept_by: datetime
    due: datetime
    return_by: datetime | None = Field(description="until when the body may object (5 working days)")
    calendar_lacks: int | None = Field(
        description="the year that the calendar does not know, where return_by cannot be told"
    )
    return_reason: ReturnReason | None
    overdue: list[Step] = Field(description="steps whose time passed before they were taken")
    kind: Kind | None
    domain: Domain | None
    area: str | None
    joint: bool
    co_handlers: list[str] = Field(description="codes of who handles the matter together with the body")
    co_handler_names: list[str]
    urgency: Urgency | None = Field(description="why the matter cannot wait its turn")
    urgency_text: str | None
    urgent_phrase: str | None = Field(description="the phrase of routing's lexicon that says so")
    handler: str | None
    accepted_at: datetime | None
    sessions: int
    outcome: Outcome | None
    agreement: bool
    concluded_at: datetime | None
    answered_at: datetime | None
    review_by: datetime | None
    score: int | None
    by_policy: str | None = Field(description="the batch of a campaign whose common policy settled it")


class CasesView(BaseModel):
    """One page of cases, those due first at the top; `next` goes into `after` for the following page."""

    cases: list[CaseView]
    next: str | None


def view(docket: Docket, catalogue: Catalogue) -> CaseView:
    """Show a case that is open; raises ValueError for a docket without one."""
    case, routing = docket.own, docket.routing
    if case.state is None or case.body is None or case.accept_by is None or case.due is None:
        raise ValueError(f"{docket.petition} has no case: look it up with store.case")
    return CaseView(
        petition_id=docket.petition,
        body=case.body,
        body_name=catalogue.name(case.body),
        state=case.state,
        state_text=STATES[case.state],
        transfer=case.transfer,
        accept_by=here(case.accept_by),
        due=here(case.due),
        return_by=_local(case.return_by),
        calendar_lacks=case.calendar_lacks,
        return_reason=case.return_reason,
        overdue=list(case.overdue),
        kind=routing.kind,
        domain=routing.domain,
        area=routing.area,
        joint=routing.joint,
        co_handlers=list(routing.co_handlers),
        co_handler_names=[roster().name(code) for code in routing.co_handlers],
        urgency=routing.urgency,
        urgency_text=URGENCIES[routing.urgency] if routing.urgency else None,
        urgent_phrase=routing.urgent_phrase,
        handler=case.handler or None,
        accepted_at=_local(case.accepted_at),
        sessions=case.sessions,
        outcome=case.outcome,
        agreement=case.agreement,
        concluded_at=_local(case.concluded_at),
        answered_at=_local(case.answered_at),
        review_by=_local(case.review_by),
        score=case.score,
        by_policy=case.by_policy or None,
    )


def _local(moment: datetime | None) -> datetime | None:
    return here(moment) if moment else None


class Pages:
    """Renders the table for people without a program of their own: no script, readable on a telephone."""

    def __init__(self) -> None:
        names = {"outcomes": OUTCOMES, "steps": STEPS, "domains": domains.NAMES, "place": places.shown}
        self._templates = Templates(Path(__file__).parent / "templates", names)

    def cases(self, cases: Sequence[CaseView], further: str | None) -> HTMLResponse:
        """Make the table; `further` is the query of the next page."""
        return self._templates.page("cases.html", cases=cases, further=further)
