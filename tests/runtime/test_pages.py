"""What pages share: who wants one, what a form holds, and what no page may lack."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.requests import Request

from runtime.pages import HEADERS, Templates, back_to, fields, wanted


def posted(kind: str, body: bytes) -> Request:
    """A request with a form."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    return Request(scope, receive)


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("text/html, application/json", True),
        ("application/json, text/html", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_a_page_is_for_who_names_it_first(accept: str, *, page: bool) -> None:
    assert page == wanted(accept)


async def test_a_form_of_our_own_kind_has_its_fields_the_last_of_each_name() -> None:
    said = await fields(posted("Application/X-WWW-Form-Urlencoded; charset=utf-8", b"to=a&to=%E4%B8%AD&x="))

    assert {"to": "中", "x": ""} == said


async def test_a_form_of_another_kind_has_none() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="to"\r\n\r\na\r\n--x--\r\n'

    assert {} == await fields(posted("multipart/form-data; boundary=x", body))


def test_a_page_is_escaped_dated_in_the_city_and_kept_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ who }} {{ at | minute }} {{ at | date }} {{ answer }}", "utf-8")

    page = Templates(tmp_path, {"answer": 42}).page(
        "one.html", 404, who="<b>", at=datetime(2026, 11, 25, 16, 5, tzinfo=UTC)
    )

    assert "&lt;b&gt; 2026年11月26日 00:05 2026年11月26日 42" == bytes(page.body).decode()
    assert (404, HEADERS) == (page.status_code, {name: page.headers[name] for name in HEADERS})


def test_after_a_form_the_browser_is_led_to_a_page_that_can_be_loaded_again() -> None:
    answer = back_to("/desk?done=1")

    assert (303, "/desk?done=1") == (answer.status_code, answer.headers["location"])
    assert HEADERS["Cache-Control"] == answer.headers["cache-control"]
