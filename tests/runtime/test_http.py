"""What every service serves, and the limits that it keeps before anybody reads a body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from runtime.commands import UnavailableError
from runtime.health import Health
from runtime.http import add_common
from runtime.problems import Problem
from tests.eventually import eventually
from tests.runtime.scripted import away

LIMIT = 1000


class Form(BaseModel):
    """Something to send."""

    title: str


class Condition:
    """Stands for the service's health."""

    well = True
    hindrances: tuple[str, ...] = ()

    def alive(self) -> bool:
        """Whether to go on."""
        return self.well

    async def reasons(self) -> list[str]:
        """What hinders."""
        return list(self.hindrances)


@pytest.fixture
def condition() -> Condition:
    """The service is well until the test says otherwise."""
    return Condition()


@pytest.fixture
async def client(condition: Condition) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a small application with what all services share."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.post("/things/{number}")
    async def thing(number: int, form: Form) -> dict[str, Any]:
        return {"number": number, "length": len(form.title)}

    @app.get("/wrong/{how}")
    async def wrong(how: str) -> None:
        raise {
            "problem": Problem(409, "conflict"),
            "busy": UnavailableError(9),
            "database": away(),
            "bug": ZeroDivisionError("张三 13800138000"),
        }[how]

    add_common(app, health=cast("Health", condition), service="intake", max_body=LIMIT)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as found:
        yield found


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the form of RFC 9457 and return the document."""
    assert status == answer.status_code, answer.text
    assert "application/problem+json" == answer.headers["content-type"]
    document: dict[str, Any] = answer.json()
    assert (status, code) == (document["status"], document["code"])
    assert re.search(r"[\u4e00-\u9fff]", document["title"] + document["detail"])
    return document


async def chunks(size: int, number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b" " * size


async def test_what_was_asked_of_a_petition_stays_in_no_browser_and_the_pages_own_files_may(
    client: httpx.AsyncClient,
) -> None:
    thing = await client.post("/things/7", json={"title": "水"})
    assert "no-store" == thing.headers["cache-control"]
    assert "no-store" == (await client.get("/nowhere")).headers["cache-control"]
    assert "cache-control" not in (await client.get("/static/swagger/swagger-ui.css")).headers


async def test_a_body_within_the_limit_arrives_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/7", json={"title": "水" * 100})
    assert {"number": 7, "length": 100} == answer.json()


async def test_a_body_in_chunks_within_the_limit_arrives_whole(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"title": "'
        yield "水".encode()
        yield b'"}'

    answer = await client.post("/things/7", content=parts(), headers={"Content-Type": "application/json"})
    assert {"number": 7, "length": 1} == answer.json()


async def test_a_body_whose_stated_length_is_too_much_is_refused_unread(client: httpx.AsyncClient) -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b" "

    headers = {"Content-Length": str(LIMIT + 1)}
    answer = await client.post("/things/7", content=parts(), headers=headers)
    problem(answer, 413, "body-too-large")
    assert 0 == read


async def test_a_body_of_the_very_limit_is_let_in(client: httpx.AsyncClient) -> None:
    body = b'{"title": "' + b"a" * (LIMIT - 13) + b'"}'
    assert LIMIT == len(body)
    headers = {"Content-Type": "application/json"}
    assert 200 == (await client.post("/things/7", content=body, headers=headers)).status_code
    problem(await client.post("/things/7", content=body + b" ", headers=headers), 413, "body-too-large")


async def test_a_body_in_chunks_is_refused_once_it_is_too_much(client: httpx.AsyncClient) -> None:
    problem(await client.post("/things/7", content=chunks(400, 3)), 413, "body-too-large")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", "²"])
async def test_a_length_that_is_no_number_is_refused(client: httpx.AsyncClient, length: str) -> None:
    headers = [(b"Content-Length", length.encode("utf-8"))]
    assert 413 == (await client.post("/things/7", content=chunks(1, 1), headers=headers)).status_code


async def test_an_unknown_address_and_a_wrong_method_are_said_in_the_form_of_rfc_9457(
    client: httpx.AsyncClient,
) -> None:
    problem(await client.get("/nowhere"), 404, "not-found")
    problem(await client.delete("/things/7"), 405, "method-not-allowed")


@pytest.mark.parametrize(
    ("body", "field"), [(b"{", "body"), (b"\xff", "body"), (b"[]", "body"), (b"{}", "title"), (b"", "body")]
)
async def test_wrong_input_is_named_and_not_repeated(
    client: httpx.AsyncClient, body: bytes, field: str
) -> None:
    answer = await client.post("/things/7", content=body, headers={"Content-Type": "application/json"})
    if body == b"\xff":
        problem(answer, 400, "malformed")
    else:
        assert [field] == [error["field"] for error in problem(answer, 422, "invalid-input")["errors"]]


async def test_what_went_wrong_inside_is_said_in_form_and_without_the_words(
    client: httpx.AsyncClient,
) -> None:
    problem(await client.get("/wrong/problem"), 409, "conflict")
    busy = await client.get("/wrong/busy")
    problem(busy, 503, "unavailable")
    assert "9" == busy.headers["Retry-After"]
    problem(await client.get("/wrong/database"), 503, "unavailable")
    answer = await client.get("/wrong/bug")
    problem(answer, 500, "internal")
    assert "13800138000" not in answer.text
    assert "ZeroDivision" not in answer.text


async def test_livez_tells_whether_to_go_on(client: httpx.AsyncClient, condition: Condition) -> None:
    assert 200 == (await client.get("/livez")).status_code
    condition.well = False
    answer = await client.get("/livez")
    assert (503, {"service": "intake", "alive": False}) == (answer.status_code, answer.json())


async def test_readyz_names_what_hinders(client: httpx.AsyncClient, condition: Condition) -> None:
    assert {"service": "intake", "ready": True, "reasons": []} == (await client.get("/readyz")).json()
    condition.hindrances = ("database: no answer; is MongoDB up and reachable?",)
    answer = await client.get("/readyz")
    assert 503 == answer.status_code
    assert list(condition.hindrances) == answer.json()["reasons"]


async def counted(client: httpx.AsyncClient) -> dict[tuple[str, str], float]:
    text = (await client.get("/metrics")).text
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "bridge_http_requests"
        for sample in family.samples
        if sample.name == "bridge_http_requests_total"
    }


async def test_requests_are_counted_by_route_and_never_by_what_was_asked(client: httpx.AsyncClient) -> None:
    before = await counted(client)
    await client.post("/things/41", json={"title": "x"})
    await client.post("/things/42", json={"title": "x"})
    await client.get("/no/13800138000")
    await client.get("/wrong/bug")
    await client.post("/things/43", content=chunks(400, 3))
    after = await counted(client)
    gained = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    assert 2 == gained.pop(("/things/{number}", "2xx"))
    assert 1 == gained.pop(("/wrong/{how}", "5xx"))
    assert {"4xx"} == {status for route, status in gained if route == "unknown"}
    assert "13800138000" not in str(after)
    assert {"2xx", "3xx", "4xx", "5xx"} >= {status for _, status in after}


async def test_every_metric_is_there_with_its_sentence(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")
    families = {f.name: f.documentation for f in text_string_to_metric_families(answer.text)}
    ours = {name: text for name, text in families.items() if name.startswith("bridge_")}
    assert len(ours) >= 10
    assert all(text.endswith(".") for text in ours.values())


async def test_the_documentation_names_no_host_but_this_one(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert not re.search(r"(https?:)?//", page)
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) >= 3
    for asset in assets:
        assert asset.startswith("/static/")
        assert 200 == (await client.get(asset)).status_code
    assert 200 == (await client.get("/openapi.json")).status_code


async def test_topics_are_documented_for_people_and_for_programs(client: httpx.AsyncClient) -> None:
    page = await client.get("/asyncapi", headers={"Accept": "text/html"})
    assert "petition-intake-v1" in page.text
    assert "://" not in page.text
    document = (await client.get("/asyncapi", headers={"Accept": "application/json"})).json()
    assert document["asyncapi"].startswith("3.")


async def test_no_file_beside_the_pages_assets_is_served(client: httpx.AsyncClient) -> None:
    root = Path("/etc/passwd")
    for way in (
        f"/static/swagger/..{root}",
        f"/static/swagger/%2e%2e/%2e%2e/%2e%2e{root}",
        f"/static/swagger/{root}",
    ):
        assert (await client.get(way)).status_code in {404, 405}


async def test_more_requests_than_can_be_worked_on_are_told_to_come_again_at_once(
    condition: Condition,
) -> None:
    app, room, under_way = FastAPI(docs_url=None, redoc_url=None), asyncio.Event(), 0

    @app.post("/things")
    async def thing(_form: Form) -> None:
        nonlocal under_way
        under_way += 1
        await room.wait()

    add_common(app, health=cast("Health", condition), service="intake", max_body=LIMIT, at_once=2)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        first = [asyncio.create_task(client.post("/things", json={"title": "t"})) for _ in range(2)]
        await eventually(lambda: under_way == 2)
        refused = await client.post("/things", json={"title": "t"})
        assert 503 == refused.status_code
        assert "unavailable" == refused.json()["code"]
        assert int(refused.headers["Retry-After"]) > 0
        for path in ("/livez", "/readyz", "/metrics"):
            assert 200 == (await client.get(path)).status_code, "who watches over it is answered"
        room.set()
        assert [200, 200] == [answer.status_code for answer in await asyncio.gather(*first)]
        assert 200 == (await client.post("/things", json={"title": "t"})).status_code, "there is room again"
