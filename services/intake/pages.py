"""The petitioner's pages: plain HTML without JavaScript, in large print, for old phones and readers."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import ValidationError

from contracts import areas
from runtime import problems
from runtime.commands import UnavailableError
from runtime.problems import Problem
from services.intake.story import SHANGHAI, STATE_WORDS, Story, in_chinese

if TYPE_CHECKING:
    from services.intake.http import Desk

FIELDS: Final = {
    "title": "标题",
    "content": "内容",
    "petitioner.name": "姓名",
    "petitioner.phone": "手机号码",
    "area": "所在区县",
    "channel": "登记途径",
    "signatories": "联名人数",
}
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """Renders the pages."""

    def __init__(self, folder: Path) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["date"] = in_chinese
        self._templates.filters["minute"] = lambda t: t.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")

    @staticmethod
    def wanted(request: Request) -> bool:
        """Whether the caller is a browser: it names HTML before JSON, or not JSON at all."""
        accept = request.headers.get("accept", "")
        html, json = accept.find("text/html"), accept.find("json")
        return html >= 0 and (json < 0 or html < json)

    def render(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Render one page."""
        text = self._templates.get_template(name).render(areas=areas.NAMES, **values)
        return HTMLResponse(text, status_code=status, headers=HEADERS)

    def form(
        self, values: dict[str, str] | None = None, errors: list[dict[str, str]] | None = None
    ) -> HTMLResponse:
        """Render the form, with what was typed and what is wrong with it."""
        values = values or {}
        named = [{**e, "label": FIELDS.get(e["field"], "")} for e in errors or ()]
        key = values.get("key") or secrets.token_hex(16)
        return self.render("form.html", 422 if errors else 200, values=values, errors=named, key=key)

    def story(self, story: Story, *, code: str, notice: str = "") -> HTMLResponse:
        """Render the story of a petition."""
        return self.render(
            "story.html", story=story, state_text=STATE_WORDS[story.state], code=code, notice=notice
        )

    def problem(self, problem: Problem) -> HTMLResponse:
        """Render an error as a page."""
        page = self.render("problem.html", problem.status, problem=problem.document())
        page.headers.update(problem.headers())
        return page

    def answer_errors(self, app: FastAPI) -> None:
        """Show people errors as pages and programs errors as JSON."""

        async def on_problem(request: Request, error: Exception) -> Response:
            if isinstance(error, UnavailableError):
                error = Problem(503, "unavailable", retry_after=error.seconds)
            if isinstance(error, Problem) and self.wanted(request):
                return self.problem(error)
            return await problems.on_problem(request, error)

        app.add_exception_handler(Problem, on_problem)
        app.add_exception_handler(UnavailableError, on_problem)


def page_routes(desk: "Desk", pages: Pages) -> APIRouter:
    """Make the routes that people use with a browser."""
    from services.intake.http import Submission, address_of, form_values  # noqa: PLC0415 - http needs Pages

    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def form() -> HTMLResponse:
        return pages.form()

    @router.post("/")
    async def submit(request: Request) -> HTMLResponse:
        values = form_values(await request.form())
        try:
            submission = Submission.model_validate(
                {
                    "title": values.get("title", ""),
                    "content": values.get("content", ""),
                    "area": values.get("area") or None,
                    "petitioner": {"name": values.get("name", ""), "phone": values.get("phone", "")},
                }
            )
        except ValidationError as error:
            return pages.form(values, problems.field_errors(list(error.errors())))
        key = values.get("key") or None
        receipt = await desk.submit(submission, key=key, received_by="petition-office", traceparent=None)
        return pages.render("receipt.html", 201, receipt=receipt)

    @router.get("/query")
    async def query() -> HTMLResponse:
        return pages.render("query.html")

    @router.post("/query")
    async def look_up(request: Request) -> HTMLResponse:
        values = form_values(await request.form())
        code = values.get("code", "")
        docket = await desk.opened(values.get("id", ""), code, address_of(request))
        return pages.story(desk.story(docket), code=code)

    @router.post("/rate")
    async def rate(request: Request) -> HTMLResponse:
        values = form_values(await request.form())
        code, score = values.get("code", ""), values.get("score", "")
        docket = await desk.opened(values.get("id", ""), code, address_of(request))
        if score not in {"1", "2", "3", "4", "5"}:
            return pages.story(desk.story(docket), code=code, notice="请选择一个分数再提交。")
        await desk.rate(docket, int(score))
        again = await desk.opened(values.get("id", ""), code, address_of(request))
        return pages.story(desk.story(again), code=code, notice="感谢您的评价。")

    return router
