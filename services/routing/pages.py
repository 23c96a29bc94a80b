"""The desks as one web page: what waits, oldest due first, and the forms to decide it; no scripts."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from contracts import areas, places
from contracts.calendar import SHANGHAI
from contracts.kinds import Kind, ReturnReason
from contracts.routing import ConferenceGround, FollowUp, Office, ReturnGround, TriageReason
from runtime import problems
from runtime.access import Role, Staff, ours
from runtime.pages import Templates, back_to, fields, form
from runtime.problems import Problem
from services.routing.http import conference, returns, triage
from services.routing.http.desk import DECIDERS, READERS, REFUSALS, Desk, Standing
from services.routing.load import Watch
from services.routing.needs import Calls, needed

SHOWN: Final = 50
KINDS: Final = {Kind.REQUEST: "申诉求决", Kind.SUGGESTION: "建议意见", Kind.REPORT: "检举控告"}
WHY: Final = {
    TriageReason.UNSURE: "系统把握不足",
    TriageReason.NO_BODY: "没有对应的调处机构",
    TriageReason.REPORT: "检举控告，须由人工处理",
    TriageReason.AREA_UNKNOWN: "不清楚属于哪个区县",
    TriageReason.RETURNED: "原承办机构退回",
}
RETURN_REASONS: Final = {
    ReturnReason.NOT_OUR_MATTER: "不属于本机构职责",
    ReturnReason.OTHER_AREA: "不属于本区域",
    ReturnReason.COURT_MATTER: "属于诉讼事项",
    ReturnReason.ALREADY_HANDLED: "已由其他单位办理",
    ReturnReason.SEVERAL_BODIES: "涉及多个单位，需要协同",
}
GROUNDS: Final = {
    ReturnGround.WITHIN_DUTIES: "属于该机构职责",
    ReturnGround.TOO_LATE: "已过异议期限",
    ReturnGround.NO_GROUNDS: "理由不充分",
}
CONFERENCE_GROUNDS: Final = {
    ConferenceGround.TRANSFERS_EXHAUSTED: "已转交三次",
    ConferenceGround.BODIES_DISAGREE: "机构之间意见不一致",
    ConferenceGround.SEVERAL_DEPARTMENTS: "需要多个部门协同",
    ConferenceGround.ESCALATED: "需要提级协调",
}
OFFICES: Final = {Office.DISCIPLINE_INSPECTION: "纪检监察机关", Office.PETITION_OFFICE: "信访局"}
FOLLOW_UPS: Final = {
    FollowUp.DONE: "已落实",
    FollowUp.UNDER_WAY: "正在落实",
    FollowUp.NOT_BEGUN: "尚未开始",
}


class Pages:
    """Renders the page."""

    def __init__(self, desk: Desk, watch: Watch, calls: Calls) -> None:
        self._desk, self._watch, self._calls = desk, watch, calls
        names = {
            "kinds": KINDS,
            "why": WHY,
            "return_reasons": RETURN_REASONS,
            "grounds": GROUNDS,
            "conference_grounds": CONFERENCE_GROUNDS,
            "offices": OFFICES,
            "follow_ups": FOLLOW_UPS,
            "units": desk.roster.units,
            "districts": areas.NAMES,
            "place": places.shown,
        }
        self._templates = Templates(Path(__file__).parent / "templates", names)

    async def page(self, staff: Staff, *, notice: str = "", status: int = 200) -> HTMLResponse:
        """Make the page for somebody; who may only read sees no forms."""
        desk, loads = self._desk, await self._watch.count()
        return self._templates.page(
            "desk.html",
            status,
            triage=await triage.waiting(desk, limit=SHOWN),
            agreement=await triage.agreed(desk),
            returns=await returns.waiting(desk, limit=SHOWN),
            agenda=await conference.listed(desk, limit=SHOWN),
            may_choose=staff.role is Role.ROUTER,
            may_rule=staff.role in DECIDERS,
            may_resolve=staff.role is Role.LEADER,
            bodies={entry.code: entry.name for entry in desk.catalogue.entries.values()},
            loads=loads.bodies,
            needs=(await needed(self._calls, loads)).needs,
            now=desk.process.clock.now(),
            notice=notice,
        )


def page_routes(desk: Desk, watch: Watch, calls: Calls) -> APIRouter:
    """Make the routes that people use with a browser."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(ours)])
    pages = Pages(desk, watch, calls)

    @router.get("/desk")
    async def show(
        staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))], done: str = ""
    ) -> HTMLResponse:
        return await pages.page(staff, notice=f"{done[:20]} 已办理。" if done else "")

    @router.post("/desk/triage/{petition_id}")
    async def choose(
        petition_id: str, request: Request, staff: Annotated[Staff, Depends(desk.gate.staff(Role.ROUTER))]
    ) -> Response:
        to = await fields(request)
        office = to.get("to") in set(Office)
        asked = {"office" if office else "body": to.get("to")}
        asked |= {name: to.get(name) or None for name in ("kind", "area")}
        return await _put(
            pages,
            staff,
            petition_id,
            lambda said, by: triage.chosen(desk, said, triage.Choice.model_validate(asked), by),
        )

    @router.post("/desk/returns/{petition_id}")
    async def rule(
        petition_id: str, request: Request, staff: Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))]
    ) -> Response:
        to = await fields(request)
        agreed = to.get("ruling") == "agree"
        asked = {"agreed": True, "to": to.get("to") or None} if agreed else {}
        refused = {"agreed": False, "ground": to.get("ruling")}
        return await _put(
            pages,
            staff,
            petition_id,
            lambda said, by: returns.ruled(desk, said, returns.Ruling.model_validate(asked or refused), by),
        )

    @router.post("/desk/conference/{petition_id}")
    async def resolve(
        petition_id: str, request: Request, staff: Annotated[Staff, Depends(desk.gate.staff(Role.LEADER))]
    ) -> Response:
        said = await form(request)
        asked = {
            "lead": said.get("lead"),
            "helpers": [str(code) for code in said.getlist("helpers")],
            "finish_by": _end_of(str(said.get("finish_by", ""))),
            "follow_up_at": _end_of(str(said.get("follow_up_at", ""))),
        }
        return await _put(
            pages,
            staff,
            petition_id,
            lambda said, by: conference.resolved(desk, said, conference.Resolution.model_validate(asked), by),
        )

    @router.post("/desk/follow-ups/{petition_id}")
    async def look_back(
        petition_id: str, request: Request, staff: Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))]
    ) -> Response:
        to = await fields(request)
        asked = {"result": to.get("result"), "next_at": _end_of(to.get("next_at", ""))}
        return await _put(
            pages,
            staff,
            petition_id,
            lambda said, by: conference.looked_back(
                desk, said, conference.LookBack.model_validate(asked), by
            ),
        )

    return router


async def _put(
    pages: Pages,
    staff: Staff,
    petition_id: str,
    decide: Callable[[str, Staff], Awaitable[Standing]],
) -> Response:
    """Decide what a form says and go back to the page; what is wrong is said above the lists."""
    try:
        await decide(petition_id, staff)
    except ValidationError as error:
        told = problems.field_errors(list(error.errors()))
        notice = "；".join(f"{fault['field']}：{fault['message']}" for fault in told)
        return await pages.page(staff, notice=f"{petition_id[:20]} 没有办理。{notice}。", status=422)
    except Problem as problem:
        if problem.code not in {*REFUSALS, "no-such-petition", "invalid-input"}:
            raise
        words = problem.document()
        notice = f"{petition_id[:20]} 没有办理：{words['title']}。{words['detail']}"
        return await pages.page(staff, notice=notice, status=problem.status)
    return back_to(f"/desk?done={petition_id}")


def _end_of(day: str) -> datetime | str | None:
    """Return the last moment of a day that a form names; what is no day is left for the model to refuse."""
    if not day:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time(23, 59), SHANGHAI)
    except ValueError:
        return day
