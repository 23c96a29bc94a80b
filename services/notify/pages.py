"""The SMS desk as one web page: what needs a person first, how the gateways are, one petition's messages.

No scripts: forms are posted and lead back to the page. What goes wrong is told on a page, with what to do.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from contracts.notify import CallOutcome, ReplyKind, SkipReason
from runtime import problems
from runtime.access import Role, Staff, ours
from runtime.commands import UnavailableError
from runtime.pages import Templates, back_to, form
from runtime.problems import Problem
from runtime.store import DatabaseError
from services.notify.domain import NO_RECEIPT
from services.notify.http import calls, gateways, messages, replies
from services.notify.http.desk import CALLERS, DECIDERS, LETTER_READERS, READERS, REFUSALS, Desk
from services.notify.http.messages import PetitionMessages, Wanted
from services.notify.http.replies import ReplyState, ReplyView
from services.notify.messages import State
from services.notify.notices import Audience
from services.notify.numbers import Fault

SHOWN: Final = 50
FAULTY: Final = 400
# What each template tells, in a few words: the text itself is in no list.
ABOUT: Final = {
    "registered": "已登记",
    "accepted": "已受理",
    "supplemented": "补充材料已收到",
    "routed": "已转交承办机构",
    "sent-to-triage": "正在研判",
    "return-refused": "仍由原机构办理",
    "put-to-conference": "已提交联席会议",
    "referred": "已移送其他机关",
    "joined-campaign": "已纳入集中攻坚",
    "left-campaign": "转为单独办理",
    "case-opened": "承办机构已立案",
    "case-accepted": "已确定经办人",
    "session-held": "已开展调解会商",
    "case-concluded": "已办结",
    "case-answered": "已书面答复",
    "rating-asked": "请求评价",
    "rating-help": "评价方法说明",
    "opted-out": "退订确认",
    "case-overdue": "办理逾期，已督办",
    "case-rated": "评价已转达",
    "registered-reps": "已登记（代表）",
    "concluded-reps": "已办结（代表）",
    "answered-reps": "已书面答复（代表）",
    "registered-signers": "已登记（联名人）",
    "concluded-signers": "已办结（联名人）",
    "answered-signers": "已书面答复（联名人）",
    "case-assigned": "新案件（经办人）",
    "overdue-handler": "逾期提醒（经办人）",
    "overdue-superior": "逾期提醒（负责人）",
}
STATES: Final = {
    State.QUEUED: "等待发出",
    State.JOINED: "已并入另一条短信",
    State.CLAIMED: "正在发送",
    State.SENT: "已发出",
    State.DELIVERED: "已送达",
    State.UNDELIVERED: "未送达",
    State.NOT_SENT: "暂未发出，会再试",
    State.UNKNOWN: "不知是否发出",
    State.SKIPPED: "不再发送",
}
RECIPIENTS: Final = {
    Audience.PETITIONER: "信访人",
    Audience.REPRESENTATIVES: "代表",
    Audience.CO_SIGNERS: "联名人",
    Audience.HANDLER: "经办人",
    Audience.SUPERIOR: "负责人",
}
REASONS: Final = {
    SkipReason.NUMBER_UNUSABLE: "号码收不到短信",
    SkipReason.NO_CONTACT: "没有联系电话",
    SkipReason.ERASED: "资料已清除",
    SkipReason.OPTED_OUT: "本人已退订",
    SkipReason.EXPIRED: "有效期内没能发出",
    SkipReason.DUPLICATE: "同一号码已经通知",
    SkipReason.CAP: "当日短信已达上限",
    SkipReason.REFUSED: "该号码拒收",
    NO_RECEIPT: "网关一直没有回执",
}
FAULTS: Final = {
    Fault.LANDLINE: "登记的是座机，收不到短信",
    Fault.SERVICE_NUMBER: "登记的是服务号码，收不到短信",
    Fault.NOT_A_NUMBER: "登记的不是完整的电话号码",
}
OUTCOMES: Final = {
    CallOutcome.REACHED: "已电话告知",
    CallOutcome.OTHER_WAY: "已用其他方式告知（信函、上门等）",
    CallOutcome.NOT_REACHED: "多次联系不上，不再联系",
}
REPLIES: Final = {
    ReplyKind.RATING: "评价",
    ReplyKind.OPT_OUT: "退订",
    ReplyKind.OPT_IN: "恢复接收",
    ReplyKind.UNCLEAR: "需要人工阅读",
}
REPLY_STATES: Final = {
    ReplyState.NEW: "正在处理",
    ReplyState.STAFF: "待阅读",
    ReplyState.READ: "已阅读",
    ReplyState.DONE: "系统已处理",
    ReplyState.ERASED: "内容已清除",
}
RESULTS: Final = {
    "Accepted": "已接收",
    "NotSent": "未发出",
    "Throttled": "被限速",
    "Down": "连不上",
    "Misconfigured": "配置有误",
    "Refused": "被拒绝",
    "Withheld": "未准发出",
    "Unknown": "结果不明",
}
UNAVAILABLE: Final = "刚才的操作不一定已经记下。请过一会儿回到工作台，看这一项是否还在；还在就再办一次。"
# Told above the lists: another colleague was faster, or an address is from yesterday.
_TOLD_ON_THE_PAGE: Final = {
    *REFUSALS,
    "no-such-petition",
    "no-such-reply",
    "reply-not-waiting",
    "reply-has-petition",
}


def why(petition: PetitionMessages) -> str:
    """Say why somebody must call, and with what to begin."""
    reason = petition.call.reason if petition.call else ""
    if reason == SkipReason.NUMBER_UNUSABLE and petition.number_fault is not None:
        return FAULTS[petition.number_fault]
    return REASONS.get(reason) or f"短信发出后没有送达（网关代码 {reason}）"


_templates: Final = Templates(
    Path(__file__).parent / "templates",
    {
        "about": ABOUT,
        "states": STATES,
        "recipients": RECIPIENTS,
        "reasons": REASONS,
        "outcomes": OUTCOMES,
        "reply_kinds": REPLIES,
        "reply_states": REPLY_STATES,
        "results": RESULTS,
        "why": why,
    },
)


class Pages:
    """Renders the page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(
        self, staff: Staff, *, petition: str = "", notice: str = "", status: int = 200
    ) -> HTMLResponse:
        """Make the page for somebody; who may only read sees no forms, and an auditor none of the words."""
        desk, may_read = self._desk, staff.role in LETTER_READERS
        found, its_replies = None, []
        if petition:
            try:
                found = await messages.shown(desk, petition)
                its_replies = await replies.of(desk, petition) if may_read else []
            except Problem as problem:
                notice, status = _words(problem), problem.status
        return _templates.page(
            "desk.html",
            status,
            calls=await messages.listed(desk, Wanted.CALL, limit=SHOWN),
            unknown=await messages.listed(desk, Wanted.UNKNOWN, limit=SHOWN),
            letters=await replies.listed(desk, ReplyState.STAFF, limit=SHOWN) if may_read else None,
            health=await gateways.health(desk),
            asked=petition,
            found=found,
            its_replies=its_replies,
            may_decide=staff.role in DECIDERS,
            may_call=staff.role in CALLERS,
            may_unmask=staff.role is Role.CLERK,
            notice=notice,
            wrong=status >= FAULTY,
        )


class _Page(APIRoute):
    """A route whose refusals are pages too: whoever sees one is told what to do."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wrap the route."""
        answer = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                response: Response = await answer(request)
            except Problem as problem:
                return _problem(problem)
            except RequestValidationError:
                return _problem(Problem(422, "invalid-input"))
            except (UnavailableError, DatabaseError):
                return _problem(Problem(503, "unavailable", retry_after=UnavailableError().seconds))
            return response

        return shown


def page_routes(desk: Desk) -> APIRouter:
    """Make the routes that people use with a browser."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(ours)], route_class=_Page)
    pages = Pages(desk)

    @router.get("/desk")
    async def show(
        staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))], petition: str = "", done: str = ""
    ) -> HTMLResponse:
        notice = f"{done[:20]} 已登记。" if done else ""
        return await pages.page(staff, petition=petition[:40], notice=notice)

    @router.post("/desk/calls/{petition_id}")
    async def call(
        petition_id: str, request: Request, staff: Annotated[Staff, Depends(desk.gate.staff(*CALLERS))]
    ) -> Response:
        asked = await _asked(request, calls.Called, "outcome")
        return await _put(pages, staff, petition_id, lambda: calls.called(desk, petition_id, asked(), staff))

    @router.post("/desk/messages/{petition_id}/{message}")
    async def decide(
        petition_id: str,
        message: str,
        request: Request,
        staff: Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))],
    ) -> Response:
        asked = await _asked(request, messages.Decision, "decision")
        return await _put(
            pages, staff, petition_id, lambda: messages.decided(desk, petition_id, message, asked(), staff)
        )

    @router.post("/desk/replies/{reply}/read")
    async def read(
        reply: str, staff: Annotated[Staff, Depends(desk.gate.staff(*LETTER_READERS))]
    ) -> Response:
        return await _put(pages, staff, "回复", lambda: replies.marked(desk, reply, staff))

    @router.post("/desk/replies/{reply}/sender")
    async def sender(reply: str, staff: Annotated[Staff, Depends(desk.gate.staff(Role.CLERK))]) -> Response:
        try:
            found = await replies.unmasked(desk, reply, staff)
        except Problem as problem:
            return await _told(pages, staff, "回复", problem)
        # Said once, in this answer alone: no address holds the number, and nothing keeps the page.
        return await pages.page(staff, notice=f"发信人号码：{found.number}。本次查看已记录。")

    return router


async def _put(
    pages: Pages, staff: Staff, about: str, decide: Callable[[], Awaitable[PetitionMessages | ReplyView]]
) -> Response:
    """Do what a form says and go back to the page; what is wrong is said above the lists."""
    try:
        await decide()
    except ValidationError:
        notice = f"{about[:20]} 没有登记：请先选择一项，再按按钮。"
        return await pages.page(staff, notice=notice, status=422)
    except Problem as problem:
        return await _told(pages, staff, about, problem)
    return back_to(f"/desk?done={about}")


async def _told(pages: Pages, staff: Staff, about: str, problem: Problem) -> Response:
    if problem.code not in _TOLD_ON_THE_PAGE:
        raise problem
    return await pages.page(staff, notice=f"{about[:20]} 没有登记：{_words(problem)}", status=problem.status)


async def _asked(request: Request, model: type[BaseModel], field: str) -> Callable[[], Any]:
    """Return what makes the model of a form's field; one of another kind (any encoding) has no fields."""
    said = await form(request)
    return lambda: model.model_validate({field: said.get(field)})


def _problem(problem: Problem) -> HTMLResponse:
    title, detail = problems.WORDS[problem.code]
    detail = UNAVAILABLE if problem.code == "unavailable" else detail
    page = _templates.page("problem.html", problem.status, title=title, detail=detail)
    page.headers.update(problem.headers())
    return page


def _words(problem: Problem) -> str:
    title, detail = problems.WORDS[problem.code]
    return f"{title}。{detail}"
