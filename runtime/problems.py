"""Errors over HTTP in the form of RFC 9457, with Chinese words for the reader and a code for programs."""

import re
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from runtime import logs

log = structlog.get_logger()

# Code → (title, what to do next). A service adds its own with `know`.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "invalid-input": ("提交的内容有误", "请按 errors 中的说明修改后重新提交。"),
    "not-found": ("没有找到", "请核对地址或编号后再试。"),
    "method-not-allowed": ("不支持这种请求方式", "请查看接口说明。"),
    "body-too-large": ("提交的内容太大", "请缩短内容后重新提交。"),
    "too-many-tries": ("尝试次数过多", "为保护您的信息，请稍后再试。"),
    "token-missing": ("需要工作人员身份", "请在 Authorization 头中提供令牌。"),
    "token-invalid": ("身份令牌无效或已过期", "请重新获取令牌后再试。"),
    "token-subject-unusable": (
        "身份令牌中的人员或单位代码不可用",
        "代码只能用字母、数字和 . _ : - ，请联系本单位管理员。",
    ),
    "role-not-allowed": ("您的角色无权进行此操作", "如确有需要，请联系本单位管理员。"),
    "cross-site": ("请求来自其他网站", "请在本系统的页面上操作。"),
    "unavailable": ("系统暂时繁忙", "请稍后重新提交。在原页面或用同一 Idempotency-Key 提交，不会重复登记。"),
    "being-repaired": ("该事项正在由技术人员处理", "请稍后再试。"),
    "internal": ("系统出现错误", "我们已记录此问题，请稍后再试或拨打 12345。"),
    "conflict": ("请求与已有内容冲突", "请核对后再试。"),
    "malformed": ("请求格式不正确", "请查看接口说明；提交的内容须为 UTF-8 编码。"),
}
# What the interface description says of each status that is no success. Those of every operation stand in
# EVERYWHERE; a route adds its own with `documented`.
_MEANINGS: Final = {
    400: "The body cannot be read as UTF-8 text.",
    401: "No staff token, or one that is not valid.",
    403: "The token does not allow this.",
    404: "There is no such petition, or the query code does not open it.",
    409: "The petition is in another state.",
    413: "The body is too large.",
    415: "The body does not say that it is JSON.",
    422: "The input does not fit; `errors` names the fields.",
    429: "Too many wrong tries; wait as long as `Retry-After` says.",
    503: "Not possible now; the same request may be sent again after `Retry-After` seconds.",
}
_HEADERS: Final = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}},
    429: {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}},
}
EVERYWHERE: Final = (413, 422, 503)
# More errors than this help nobody, and one body may hold a hundred thousand.
MOST_ERRORS: Final = 20
_OUR_KIND_OF_NAME: Final = re.compile(r"[a-z_-]{1,40}")
MEDIA_TYPE: Final = "application/problem+json"
# pydantic's error types → what a person can do about them.
FIELD_WORDS: Final = {
    "missing": "必填，请填写",
    "string_too_short": "不能为空",
    "string_too_long": "太长了，请缩短",
    "string_type": "应当是文字",
    "int_type": "应当是整数",
    "int_parsing": "应当是整数",
    "enum": "不是允许的取值",
    "literal_error": "不是允许的取值",
    "greater_than_equal": "数值太小",
    "less_than_equal": "数值太大",
    "extra_forbidden": "不认识的字段",
    "value_error": "内容不符合要求",
    "string_pattern_mismatch": "格式不正确",
    "json_invalid": "不是有效的 JSON",
    "string_unicode": "含有无效的字符",
    "tuple_type": "应当是一个列表",
    "model_type": "应当是一个对象",
    "model_attributes_type": "应当是一个对象",
}


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An answer that is no success; `code` is one of WORDS, `errors` name fields and never repeat values."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.errors, self.retry_after = status, code, errors, retry_after

    def document(self) -> dict[str, Any]:
        """Return the JSON object of RFC 9457."""
        title, detail = WORDS[self.code]
        document: dict[str, Any] = {
            "type": f"urn:petition-bridge:problem:{self.code}",
            "title": title,
            "status": self.status,
            "detail": detail,
            "code": self.code,
        }
        if self.errors:
            document["errors"] = self.errors
        return document

    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:  # noqa: PLR2004 - a status of HTTP says what it is
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the interface description says of these statuses: form and headers of a Problem."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": _document_schema(status)}},
            "headers": _HEADERS.get(status, {}),
        }
        for status in statuses
    }


def _document_schema(status: int) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    error = {
        "type": "object",
        "properties": {"field": text, "message": text},
        "required": ["field", "message"],
    }
    return {
        "title": "Problem",
        "description": "RFC 9457; `code` is for programs, `title` and `detail` are for people.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "pattern": "^urn:petition-bridge:problem:[a-z-]+$"},
            "title": text,
            "status": {"type": "integer", "const": status},
            "detail": text,
            "code": {"type": "string", "pattern": "^[a-z-]+$"},
            "errors": {"type": "array", "items": error, "minItems": 1, "maxItems": MOST_ERRORS},
        },
        "required": ["type", "title", "status", "detail", "code"],
        "additionalProperties": False,
    }


def know(words: Mapping[str, tuple[str, str]]) -> None:
    """Add a service's own codes."""
    WORDS.update(words)


def field_errors(errors: list[Any]) -> list[dict[str, str]]:
    """Turn pydantic's errors into field names and words; input values are left out on purpose."""
    found = []
    for error in errors[:MOST_ERRORS]:
        # An unknown field's name is the sender's own text, and a place in broken JSON is a number of no use.
        parts = [str(part) for part in error["loc"] if part not in {"body", "query", "header", "path"}]
        known = error["type"] not in {"extra_forbidden", "json_invalid"}
        place = ".".join(part for part in parts if known or _OUR_KIND_OF_NAME.fullmatch(part))
        context = error.get("ctx", {})
        words = FIELD_WORDS.get(error["type"], "内容不符合要求")
        if error["type"] == "string_too_short" and context["min_length"] > 1:
            words = f"太短了，至少 {context['min_length']} 个字"
        if error["type"] == "string_too_long":
            words = f"太长了，最多 {context['max_length']} 个字"
        if error["type"] == "value_error" and isinstance(context.get("error"), FieldError):
            words = str(context["error"])
        found.append({"field": place or "body", "message": words})
    return found


class FieldError(ValueError):
    """Raised by a validator with words that are meant for the reader."""


def answer(problem: Problem) -> JSONResponse:
    """Make the HTTP answer."""
    return JSONResponse(
        problem.document(), status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.headers()
    )


async def on_problem(_request: Request, error: Exception) -> JSONResponse:
    """Answer a Problem; whatever else it is, operators find its place in the log."""
    if isinstance(error, Problem):
        return answer(error)
    log.error("request_failed", detail=logs.place_of(error))
    return answer(Problem(500, "internal"))


async def on_validation(_request: Request, error: Exception) -> JSONResponse:
    """Answer input that FastAPI refused."""
    errors = list(error.errors()) if isinstance(error, RequestValidationError) else []
    return answer(Problem(422, "invalid-input", errors=field_errors(errors)))


def _allowed(request: Request) -> list[str]:
    """Return what may be done at the address; the framework names only what its first route there allows."""
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


async def on_http(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refused (unknown address, wrong method, broken body)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    codes = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 500: "internal"}
    response = answer(Problem(status, codes.get(status, "malformed")))
    response.headers.update(headers or {})
    if status == 405:  # noqa: PLR2004 - a status of HTTP says what it is
        response.headers["Allow"] = ", ".join(_allowed(request))
    return response
