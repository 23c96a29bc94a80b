"""The petitioner's pages: plain HTML without JavaScript, in large print, for old phones and readers."""

import json
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from contracts import areas, identity
from runtime import problems
from runtime.commands import UnavailableError
from runtime.pages import Templates, fields, wanted
from runtime.problems import Problem
from runtime.store import DatabaseError
from services.intake.http import (
    PUBLIC_RECEIVER,
    REFUSALS,
    Desk,
    Submission,
    Supplement,
    address_of,
)
from services.intake.story import ENDED, OUTCOMES, STATE_WORDS, Story

# pydantic's place of a field → the name of its input on the page, and its label.
FIELDS: Final = {
    "title": ("title", "标题"),
    "content": ("content", "内容"),
    "petitioner.name": ("name", "姓名"),
    "petitioner.phone": ("phone", "手机号码"),
    "area": ("area", "所在区县"),
    "representatives": ("representatives", "其他代表"),
    "co_signers": ("co_signers", "联名人"),
}
# One person a line: a name, then a number however it is written.
_PERSON: Final = re.compile(r"(.*?)[\s,，、:：]*([+＋]?[0-9０-９][-0-9０-９－()（）\s]*)")
BUSY: Final = "系统暂时繁忙，还没有提交成功。您填写的内容都在下面，请过一两分钟再按一次提交按钮。"
ONE_MORE: Final = (
    "您刚才已经提交过一件事项。如果这是另一件事，请再按一次“提交”；"
    "如果只是想修改刚才的内容，请拨打 12345，不必再提交。"
)
WRONG_ID: Final = "受理编号不对，可能有个别字写错了。编号共 15 位，请对照回执或短信再核对一遍。"
WRONG_CODE: Final = "受理编号或查询码不正确，请核对后再试，或拨打 12345 查询。"
CHOOSE: Final = "请先选择一个分数，再按“提交评价”。"
THANKS: Final = "感谢您的评价。"
ADDED: Final = "已收到您补充的情况，办理人员都能看到。"
SCORES: Final = ((5, "非常满意"), (4, "满意"), (3, "一般"), (2, "不满意"), (1, "非常不满意"))
_MOBILE: Final = re.compile(r"(?:\+?86)?1[3-9][0-9]{9}")
_SHOWN_AS_PAGES: Final = (
    Problem,
    UnavailableError,
    DatabaseError,
    RequestValidationError,
    HTTPException,
    Exception,
)


@dataclass(frozen=True)
class Adding:
    """The form of a supplement: what opens the petition, what was typed, and what is wrong with it."""

    id: str
    code: str
    key: str
    text: str = ""
    wrong: str = ""


class Pages(Templates):
    """Renders the pages."""

    def form(
        self,
        values: dict[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
        *,
        notice: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        """Render the form, with what was typed and what is wrong with it."""
        values = values or {}
        wrong = {}
        for error in errors or ():
            field, _, place = error["field"].partition(".")
            line = f"第{int(place.partition('.')[0]) + 1}人：" if place[:1].isdigit() else ""
            name, label = FIELDS.get(error["field"] if not line else field, ("title", ""))
            wrong[name] = {"label": label, "message": line + error["message"]}
        districts = {code: name for code, name in areas.NAMES.items() if code != areas.CITY}
        key = values.get("key") or secrets.token_hex(16)
        return self.page(
            "form.html", status, values=values, errors=wrong, notice=notice, key=key, districts=districts
        )

    def query(self, petition: str = "", *, error: str = "", status: int = 200) -> HTMLResponse:
        """Render the form that asks for number and code, with the number that is known."""
        return self.page("query.html", status, petition=petition[: 4 * identity.LENGTH], error=error)

    def story(
        self, story: Story, *, code: str, notice: str = "", adding: Adding | None = None, status: int = 200
    ) -> HTMLResponse:
        """Render the story of a petition; while it is open, with the form to add to it."""
        if adding is None and story.state not in ENDED:
            adding = Adding(story.petition_id, code, secrets.token_hex(16))
        return self.page(
            "story.html",
            status,
            story=story,
            state_text=STATE_WORDS[story.state],
            outcome_text=OUTCOMES.get(story.outcome or ""),
            code=code,
            notice=notice,
            scores=SCORES,
            adding=adding,
        )

    def answer_errors(self, app: FastAPI) -> None:
        """Show people the errors as pages that programs get as JSON, with the same status and headers."""
        for kind in _SHOWN_AS_PAGES:
            app.add_exception_handler(kind, self._or_page(app.exception_handlers[kind]))

    def _or_page(
        self, as_json: Callable[[Request, Any], Any]
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def answer(request: Request, error: Exception) -> Response:
            found: Response = await as_json(request, error)
            if not wanted(request.headers.get("accept", "")):
                return found
            page = self.page("problem.html", found.status_code, problem=json.loads(bytes(found.body)))
            for name in ("Retry-After", "WWW-Authenticate"):
                if name in found.headers:
                    page.headers[name] = found.headers[name]
            return page

        return answer


def page_routes(desk: Desk, pages: Pages) -> APIRouter:
    """Make the routes that people use with a browser."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def form() -> HTMLResponse:
        return pages.form()

    @router.post("/")
    async def submit(request: Request) -> HTMLResponse:
        return await _submitted(desk, pages, await fields(request))

    @router.get("/query")
    async def query() -> HTMLResponse:
        return pages.query()

    @router.post("/query")
    async def look_up(request: Request) -> HTMLResponse:
        return await _looked_up(desk, pages, await fields(request), address_of(request))

    @router.post("/supplement")
    async def supplement(request: Request) -> HTMLResponse:
        return await _supplemented(desk, pages, await fields(request), address_of(request))

    @router.post("/rate")
    async def rate(request: Request) -> HTMLResponse:
        values = await fields(request)
        code, score = values.get("code", ""), values.get("score", "")
        docket = await desk.opened(values.get("id", ""), code, address_of(request))
        if score not in {str(number) for number, _ in SCORES}:
            return pages.story(desk.story(docket), code=code, notice=CHOOSE)
        try:
            await desk.rate(docket, int(score))
        except Problem as problem:
            if problem.code not in REFUSALS:
                raise
            # Pressed twice, or too early: the story stands there all the same.
            return pages.story(desk.story(docket), code=code, notice=problem.document()["title"] + "。")
        again = await desk.opened(values.get("id", ""), code, address_of(request))
        return pages.story(desk.story(again), code=code, notice=THANKS)

    return router


async def _submitted(desk: Desk, pages: Pages, values: dict[str, str]) -> HTMLResponse:
    """Register what the form holds; whatever goes wrong, the page keeps what was typed."""
    try:
        submission = Submission.model_validate(
            {
                "title": values.get("title", ""),
                "content": values.get("content", ""),
                "area": values.get("area") or None,
                "petitioner": {"name": values.get("name", ""), "phone": values.get("phone", "")},
                "representatives": people(values.get("representatives", "")),
                "co_signers": people(values.get("co_signers", "")),
            }
        )
    except ValidationError as error:
        return pages.form(values, problems.field_errors(list(error.errors())), status=422)
    key = values.get("key") or None
    try:
        receipt = await desk.submit(submission, key=key, received_by=PUBLIC_RECEIVER, traceparent=None)
    except (UnavailableError, DatabaseError):
        page = pages.form(values, notice=BUSY, status=503)
        page.headers["Retry-After"] = "60"
        return page
    except Problem as problem:
        if problem.code != "key-reused":
            raise
        # Somebody went back and wrote of another matter: a form with a new key and all that was typed.
        return pages.form({**values, "key": ""}, notice=ONE_MORE, status=problem.status)
    phone = submission.petitioner.phone
    return pages.page("receipt.html", 201, receipt=receipt, phone=phone, reachable=like_a_mobile(phone))


async def _looked_up(desk: Desk, pages: Pages, values: dict[str, str], address: str) -> HTMLResponse:
    """Open a petition's story; what does not fit is said beside the number that was typed."""
    said, code = values.get("id", ""), values.get("code", "")
    if identity.parse(said) is None:
        # The check character tells; anybody can compute it, so this gives nothing away.
        return pages.query(said, error=WRONG_ID, status=404)
    try:
        docket = await desk.opened(said, code, address)
    except Problem as problem:
        if problem.code != "no-such-petition":
            raise
        return pages.query(said, error=WRONG_CODE, status=problem.status)
    return pages.story(desk.story(docket), code=code)


async def _supplemented(desk: Desk, pages: Pages, values: dict[str, str], address: str) -> HTMLResponse:
    """Add what the form holds to the petition; whatever goes wrong, the page keeps what was typed."""
    said, code, text = (values.get(name, "") for name in ("id", "code", "text"))
    form = Adding(said, code, values.get("key") or secrets.token_hex(16), text)
    try:
        docket = await desk.opened(said, code, address)
        try:
            asked = Supplement.model_validate({"text": text})
        except ValidationError as error:
            (fault,) = problems.field_errors(list(error.errors()))
            wrong = replace(form, wrong=fault["message"])
            return pages.story(desk.story(docket), code=code, adding=wrong, status=422)
        try:
            await desk.supplement(docket, asked.text, form.key)
        except Problem as problem:
            if problem.code not in REFUSALS:
                raise
            words = problem.document()
            wrong = replace(form, wrong=f"{words['title']}。{words['detail']}")
            return pages.story(desk.story(docket), code=code, adding=wrong, status=problem.status)
        return pages.story(desk.story(await desk.opened(said, code, address)), code=code, notice=ADDED)
    except (UnavailableError, DatabaseError):
        page = pages.page("supplement.html", 503, adding=form, notice=BUSY)
        page.headers["Retry-After"] = "60"
        return page


def people(text: str) -> list[dict[str, str]]:
    """Read one person a line, a name and then a number; a line without a number has an empty one."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        read = _PERSON.fullmatch(line)
        found.append({"name": read[1], "phone": read[2]} if read else {"name": line, "phone": ""})
    return found


def like_a_mobile(phone: str) -> bool:
    """Whether a number looks like one that gets SMS; the receipt says so while it can still be put right."""
    digits = "".join(c for c in unicodedata.normalize("NFKC", phone) if c not in " -")
    return _MOBILE.fullmatch(digits) is not None
