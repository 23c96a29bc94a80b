"""The HTTP side that all services share: health, metrics, documentation, error form, limits on the body."""

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BeforeValidator
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import metrics, problems
from runtime.commands import UnavailableError
from runtime.consume import Answer, Clash, Parked, Stated
from runtime.draft import Failure
from runtime.health import Health
from runtime.problems import Problem
from runtime.service import Refused
from runtime.store import DatabaseError

log = structlog.get_logger()

# The package is wanted for its browser files alone; importing it would import its own web framework.
SWAGGER_PACKAGE: Final = "flask_swagger_ui"
# More than this take turns so slowly that whoever asks has gone before the answer comes.
REQUESTS_AT_ONCE: Final = 256
# Whoever watches over the process must not take it for dead because it is busy.
NEVER_REFUSED: Final = frozenset({"/livez", "/readyz", "/metrics"})


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# With a strict `int`, what JSON Schema calls an integer: 3 and 3.0, but neither "3" nor true, which pydantic
# would take by itself.
WHOLE: Final = BeforeValidator(_whole)


def add_common(
    app: FastAPI, *, health: Health, service: str, max_body: int, at_once: int = REQUESTS_AT_ONCE
) -> None:
    """Add what every service serves to its FastAPI application."""
    app.add_exception_handler(Problem, problems.on_problem)
    app.add_exception_handler(RequestValidationError, problems.on_validation)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(UnavailableError, _on_unavailable)
    app.add_exception_handler(DatabaseError, _on_unavailable)  # a reading while the database is away
    app.add_exception_handler(Exception, problems.on_problem)
    app.add_middleware(_Limits, max_body=max_body, at_once=at_once)

    @app.get("/livez", include_in_schema=False)
    async def livez() -> JSONResponse:
        return JSONResponse({"service": service, "alive": health.alive()}, 200 if health.alive() else 503)

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        reasons = await health.reasons()
        return JSONResponse(
            {"service": service, "ready": not reasons, "reasons": reasons}, 503 if reasons else 200
        )

    @app.get("/metrics", include_in_schema=False)
    async def metrics_page() -> Response:
        return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)

    _add_documentation(app, service)
    if not any(getattr(route, "path", "") == "/" for route in app.routes):

        @app.get("/", include_in_schema=False)
        async def start() -> RedirectResponse:
            return RedirectResponse("/docs")


def _add_documentation(app: FastAPI, service: str) -> None:
    """Serve the API's documentation from this machine: our users' networks are closed."""
    package = find_spec(SWAGGER_PACKAGE)
    if package is None or package.origin is None:
        raise RuntimeError(f"{SWAGGER_PACKAGE} is not installed; install requirements.lock")
    assets = Path(package.origin).parent / "dist"
    app.mount("/static/swagger", StaticFiles(directory=assets), name="swagger")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"{service} HTTP API",
            swagger_js_url="/static/swagger/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger/swagger-ui.css",
            swagger_favicon_url="/static/swagger/favicon-32x32.png",
        )

    @app.get("/asyncapi", include_in_schema=False)
    async def asyncapi(request: Request) -> Response:
        text = files("contracts").joinpath("asyncapi", f"{service}.json").read_text("utf-8")
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_asyncapi_page(service, json.loads(text)))
        return Response(text, media_type="application/vnd.aai.asyncapi+json;version=3.0.0")


def _asyncapi_page(service: str, document: dict[str, Any]) -> str:
    rows = []
    for name, operation in sorted(document.get("operations", {}).items()):
        channel = operation["channel"]["$ref"].rsplit("/", 1)[-1]
        messages = ", ".join(m["$ref"].rsplit("/", 1)[-1] for m in operation.get("messages", ()))
        cells = (operation["action"], channel, messages, operation.get("summary", name))
        rows.append("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in cells) + "</tr>")
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{service}: topics</title>"
        "<style>body{font:16px/1.5 sans-serif;margin:2rem;max-width:70rem}"
        "td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}</style>"
        f"<h1>{service}: what it sends and receives</h1><p>AsyncAPI 3.0; the JSON comes with "
        "<code>Accept: application/json</code>.</p><table><tr><th>does<th>topic<th>messages<th>about</tr>"
        f"{''.join(rows)}</table>"
    )


def raise_for(answer: Answer, statuses: Mapping[str, int]) -> None:
    """Turn any answer but Stated into its Problem; `statuses` has the service's refusals."""
    match answer:
        case Stated():
            return
        case Refused(code):
            raise Problem(statuses[code], code)
        case Parked():
            raise Problem(503, "being-repaired", retry_after=60)
        case Clash():
            raise Problem(409, "conflict")
        case Failure():
            raise Problem(500, "internal")


async def _on_unavailable(_request: Request, error: Exception) -> JSONResponse:
    seconds = error.seconds if isinstance(error, UnavailableError) else 5
    return problems.answer(Problem(503, "unavailable", retry_after=seconds))


class _Limits:
    """Refuses bodies over the limit, and requests beyond those it can work on, before they are read.

    Counts answers and hides what went wrong inside. A refusal costs a small part of what a request does, so
    that the process keeps up with refusing however many come.
    """

    def __init__(self, app: ASGIApp, max_body: int, at_once: int) -> None:
        self._app, self._max, self._most = app, max_body, at_once
        self._under_way = 0
        self._busy = problems.answer(Problem(503, "unavailable", retry_after=UnavailableError().seconds))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # what is answered for a request that ends without an answer of ours

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if not scope["path"].startswith("/static/"):
                    # What is asked of a petition is kept by no browser and nowhere on the way.
                    MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        self._under_way += 1
        try:
            if self._under_way > self._most and scope["path"] not in NEVER_REFUSED:
                await self._busy(scope, receive, counted)
                return
            if not length.isdigit() or int(length) > self._max:
                await problems.answer(Problem(413, "body-too-large"))(scope, receive, counted)
                return
            body = b""
            if b"transfer-encoding" in headers or int(length):
                body = await _read(receive, self._max)
            await self._app(scope, _replay(body, receive), counted)
        except _TooLargeError:
            await problems.answer(Problem(413, "body-too-large"))(scope, receive, counted)
        finally:
            self._under_way -= 1
            route = getattr(scope.get("route"), "path", "unknown")
            metrics.REQUESTS.labels(route, f"{status // 100}xx").inc()


class _TooLargeError(Exception):
    """A body without a stated length went over the limit."""


async def _read(receive: Receive, limit: int) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _TooLargeError
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
