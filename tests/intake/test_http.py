"""Intake over HTTP, on the real parts: a refusal has Chinese words and a reason, and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from contracts.bodies import Body
from contracts.identity import make
from contracts.intake import DossierRead, PetitionRated
from contracts.topics import INTAKE
from local.ports import free
from runtime.store import Store
from services.intake import domain
from services.intake.codes import Codes
from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.intake import arrivals
from tests.intake.conftest import BROWSER, TRIES_PER_ADDRESS, TRIES_PER_PETITION, WINDOW, Desk, key
from tests.line import token

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

PETITIONER = {"name": "测试人", "phone": "13800138000"}
JSON = {"Content-Type": "application/json"}
LABOR = {"Authorization": token("mediator", body="labor", who="mediator-7")}


def changed(**changes: Any) -> bytes:
    """The body of a good petition with some fields changed, as ASCII so that any escape can stand in it."""
    return json.dumps({**PETITION, **changes}).encode()


def without(field: str) -> bytes:
    """The body of a good petition that lacks a field."""
    return json.dumps({name: value for name, value in PETITION.items() if name != field}).encode()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, which has the form of RFC 9457 and Chinese words for what to do."""
    assert (status, code) == (answer.status_code, answer.json().get("code")), answer.text
    assert "application/problem+json" == answer.headers["content-type"]
    assert "no-store" == answer.headers["cache-control"]
    document: dict[str, Any] = answer.json()
    assert status == document["status"]
    assert document["type"].startswith("urn:")
    words = [document["title"], document["detail"], *(e["message"] for e in document.get("errors", ()))]
    assert all(any("\u4e00" <= c <= "\u9fff" for c in text) for text in words), words
    return document


async def chunked(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not stated."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


BAD_INPUT: dict[str, tuple[bytes, str, str]] = {
    "no title": (without("title"), "title", "必填"),
    "no content": (without("content"), "content", "必填"),
    "no petitioner": (without("petitioner"), "petitioner", "必填"),
    "no name": (changed(petitioner={"phone": "13800138000"}), "petitioner.name", "必填"),
    "no phone": (changed(petitioner={"name": "测试人"}), "petitioner.phone", "必填"),
    "number as title": (changed(title=5), "title", "文字"),
    "null as content": (changed(content=None), "content", "文字"),
    "list as name": (changed(petitioner={**PETITIONER, "name": ["王"]}), "petitioner.name", "文字"),
    "text as petitioner": (changed(petitioner="王秀英"), "petitioner", "对象"),
    "words as signatories": (changed(signatories="许多"), "signatories", "整数"),
    "signatories in quotation marks": (changed(signatories="3"), "signatories", "整数"),
    "true as signatories": (changed(signatories=True), "signatories", "整数"),
    "half a signatory": (changed(signatories=1.5), "signatories", "整数"),
    "no signatory": (changed(signatories=0), "signatories", "太小"),
    "endless signatories": (changed(signatories=10**30), "signatories", "太大"),
    "not a number": (changed(signatories=float("nan")), "signatories", "整数"),
    "list as body": (json.dumps([PETITION]).encode(), "body", "对象"),
    "text as body": (b'"title"', "body", "对象"),
    "null as body": (b"null", "body", "对象"),
    "empty body": (b"", "body", "必填"),
    "broken JSON": (changed()[:-2], "body", "JSON"),
    "no JSON": (b"title=1&content=2", "body", "JSON"),
    "NUL in the title": (changed(title="路灯\x00坏了"), "title", "不能识别"),
    "escape in the content": (changed(content="路灯\x1b[31m坏了"), "content", "不能识别"),
    "C1 control": (changed(content="路灯\x9b坏了"), "content", "不能识别"),
    "NUL in the name": (changed(petitioner={**PETITIONER, "name": "王\x00"}), "petitioner.name", "不能识别"),
    "NUL in the phone": (
        changed(petitioner={**PETITIONER, "phone": "1\x0038"}),
        "petitioner.phone",
        "不能识别",
    ),
    "what is left of another encoding": (changed(title="路灯\ufffd\ufffd"), "title", "不能识别"),
    "half a surrogate": (changed(title="路灯\ud83d坏了"), "title", "不能识别"),
    "other half": (changed(content="\udc00路灯坏了"), "content", "不能识别"),
    "halves the wrong way": (changed(content="路灯\udc00\ud83d"), "content", "不能识别"),
    "100,000 characters": (changed(content="灯" * 100_000), "content", "最多 20000 个字"),
    "long title": (changed(title="灯" * 201), "title", "最多 200 个字"),
    "title that composing makes longer": (changed(title="\ufb2c" * 150), "title", "最多 200 个字"),
    "long name": (changed(petitioner={**PETITIONER, "name": "王" * 101}), "petitioner.name", "最多 100 个字"),
    "short phone": (changed(petitioner={**PETITIONER, "phone": "12"}), "petitioner.phone", "至少 3 个字"),
    "empty title": (changed(title=""), "title", "不能为空"),
    "blank content": (changed(content=" \n\t\u3000 "), "content", "不能为空"),
    "invisible title": (changed(title="\u200b\u2060\ufeff"), "title", "不能为空"),
    "empty name": (changed(petitioner={**PETITIONER, "name": "　"}), "petitioner.name", "不能为空"),
    "six representatives": (changed(representatives=[PETITIONER] * 6), "representatives", "最多 5 人"),
    "201 co-signers": (changed(co_signers=[PETITIONER] * 201), "co_signers", "最多 200 人"),
    "text as representatives": (changed(representatives="王"), "representatives", "列表"),
    "co-signer without a number": (changed(co_signers=[{"name": "王"}]), "co_signers.0.phone", "必填"),
    "NUL in a representative": (
        changed(representatives=[PETITIONER, {**PETITIONER, "name": "王\x00"}]),
        "representatives.1.name",
        "不能识别",
    ),
    "unknown area": (changed(area="110101"), "area", "区域代码"),
    "area in words": (changed(area="芙蓉区"), "area", "区域代码"),
    "area with a line end": (changed(area="430102\n"), "area", "区域代码"),
    "number as area": (changed(area=430102), "area", "文字"),
    "unknown channel": (changed(channel="pigeon"), "channel", "取值"),
    "number as channel": (changed(channel=1), "channel", "取值"),
    "extra field": (changed(urgent=True), "urgent", "不认识"),
    "extra field of the petitioner": (
        changed(petitioner={**PETITIONER, "age": 80}),
        "petitioner.age",
        "不认识",
    ),
    "extra field with half a surrogate": (changed(**{"\ud83d": 1}), "body", "无效的字符"),
}


@pytest.mark.parametrize(("body", "field", "words"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
async def test_bad_input_is_refused_with_its_field_and_nothing_is_stored(
    desk: Desk, body: bytes, field: str, words: str
) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", content=body, headers=JSON | key())
    errors = problem(answer, 422, "invalid-input")["errors"]
    assert [field] == [error["field"] for error in errors]
    assert words in errors[0]["message"]
    assert before == await desk.stored()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000, id="open brackets"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep nesting"),
        pytest.param(b'{"title": "\xff\xfe"}', id="no UTF-8"),
        pytest.param(b'{"title": ' + b"9" * 5000 + b"}", id="endless number"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_and_nothing_is_stored(desk: Desk, body: bytes) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", content=body, headers=JSON)
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, answer.json()["code"])
    assert before == await desk.stored()


async def test_nesting_that_can_be_read_is_refused_as_a_wrong_type(desk: Desk) -> None:
    nested: Any = "路灯坏了"
    for _ in range(200):
        nested = {"title": nested}
    answer = await desk.client.post("/petitions", content=changed(title=nested), headers=JSON)
    assert "title" == problem(answer, 422, "invalid-input")["errors"][0]["field"]


async def test_many_errors_are_answered_with_the_first_of_them(desk: Desk) -> None:
    extra = {f"field_{number}": number for number in range(30_000)}
    answer = await desk.client.post("/petitions", content=changed(**extra), headers=JSON)
    assert 20 == len(problem(answer, 422, "invalid-input")["errors"])


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
async def test_a_body_of_another_type_is_refused(desk: Desk, content_type: str) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", content=changed(), headers={"Content-Type": content_type})
    assert "application/json" in problem(answer, 415, "wrong-media-type")["detail"]
    assert before == await desk.stored()


async def test_an_error_never_repeats_what_was_sent(desk: Desk) -> None:
    marker = "标记文字一二三"
    body = changed(title=marker * 100, area=marker, channel=marker, **{marker: marker})
    answer = await desk.client.post("/petitions", content=body, headers=JSON)
    assert 4 == len(problem(answer, 422, "invalid-input")["errors"])
    assert marker not in answer.text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("路灯坏了😀👩‍👩‍👧", "路灯坏了😀👩‍👩‍👧"),
        ("住在㙍塘𠮷村𰻞街，姓䶮", "住在㙍塘𠮷村𰻞街，姓䶮"),
        ("  第一行\r\n第二行\t完\n", "第一行\n第二行\t完"),
        ("e\u0301", "é"),
        ("灯" * 20_000, "灯" * 20_000),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\ue000", "\ue000"),
    ],
    ids=["emoji", "rare characters", "line ends", "composed", "longest", "markup", "private use"],
)
async def test_what_people_may_write_is_kept_as_they_meant_it(
    desk: Desk, content: str, expected: str
) -> None:
    receipt = await desk.submitted(content=content, title=f"事 {content[:20]}")
    found = await desk.client.get(
        f"/petitions/{receipt['petition_id']}/dossier?why=handling",
        headers={"Authorization": token("clerk")},
    )
    assert expected == found.json()["content"]
    assert unicodedata.is_normalized("NFC", found.json()["title"])
    assert "\n" not in found.json()["title"]


@pytest.mark.parametrize("stated", [True, False], ids=["content-length", "chunked"])
async def test_a_body_of_11_megabytes_is_refused_and_nothing_is_stored(desk: Desk, stated: bool) -> None:
    body, before, port = changed(content="a" * 11_000_000), await desk.stored(), free()
    async with desk.line.spawned("intake", port=port), httpx.AsyncClient(timeout=30) as client:
        url = f"http://127.0.0.1:{port}"

        async def up() -> bool:
            try:
                return (await client.get(f"{url}/livez")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(up, deadline=40)
        answer = await client.post(
            f"{url}/petitions", content=body if stated else chunked(body), headers=JSON
        )
        problem(answer, 413, "body-too-large")
    assert before == await desk.stored()


async def test_a_stated_length_that_is_no_number_is_refused(desk: Desk) -> None:
    answer = await desk.client.post("/petitions", content=changed(), headers=JSON | {"Content-Length": "-5"})
    problem(answer, 413, "body-too-large")


# One request, one petition.


async def test_the_same_key_and_body_find_their_petition_again(desk: Desk) -> None:
    same, before = key(), await desk.stored()
    first, second = [await desk.client.post("/petitions", json=PETITION, headers=same) for _ in range(2)]
    assert (201, 201) == (first.status_code, second.status_code)
    assert first.json() == second.json()
    assert "no-store" == second.headers["cache-control"]
    after = await desk.stored()
    assert (before[0] + 1, before[1] + 3) == after


async def test_the_same_key_with_another_body_is_refused(desk: Desk) -> None:
    same = key()
    await desk.client.post("/petitions", json=PETITION, headers=same)
    before = await desk.stored()
    other = await desk.client.post("/petitions", json={**PETITION, "title": "另一件事"}, headers=same)
    problem(other, 422, "key-reused")
    assert before == await desk.stored()


async def test_twenty_identical_requests_at_once_make_one_petition(desk: Desk) -> None:
    same, before = key(), await desk.stored()
    answers = await asyncio.gather(
        *(desk.client.post("/petitions", json=PETITION, headers=same) for _ in range(20))
    )
    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    after = await desk.stored()
    assert (before[0] + 1, before[1] + 3) == after


@pytest.mark.parametrize("said", ["", "k" * 256])
async def test_a_key_that_is_empty_or_endless_is_refused(desk: Desk, said: str) -> None:
    answer = await desk.client.post("/petitions", json=PETITION, headers={"Idempotency-Key": said})
    assert "idempotency-key" == problem(answer, 422, "invalid-input")["errors"][0]["field"]


async def test_requests_without_a_key_are_two_petitions(desk: Desk) -> None:
    first, second = await desk.submitted(), await desk.submitted()
    assert first["petition_id"] != second["petition_id"]
    assert first["query_code"] != second["query_code"]


# Who may submit what.


@pytest.mark.parametrize("channel", ["reception", "outreach", "grid"])
async def test_a_channel_of_the_staff_is_closed_to_others(desk: Desk, channel: str) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", json={**PETITION, "channel": channel})
    problem(answer, 403, "staff-only-channel")
    assert before == await desk.stored()


async def test_staff_enter_through_their_channels_and_receive_it_first(desk: Desk) -> None:
    headers = {"Authorization": token("clerk", who="clerk-4", unit="yuhua-office")}
    answer = await desk.client.post("/petitions", json={**PETITION, "channel": "reception"}, headers=headers)
    petition = answer.json()["petition_id"]
    record = (await desk.process.store.load([petition]))[petition]
    assert "yuhua-office" == record.parts["own"].first_receiver


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer no.token.atall", "token-invalid"),
        ("Basic abc", "token-missing"),
        (token("king"), "token-invalid"),
        (token("clerk")[:-3], "token-invalid"),
    ],
    ids=["no token", "no bearer", "no such role", "a wrong signature"],
)
async def test_a_token_that_proves_nothing_is_refused(desk: Desk, header: str, code: str) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", json=PETITION, headers={"Authorization": header})
    problem(answer, 401, code)
    assert "Bearer" == answer.headers["www-authenticate"]
    assert before == await desk.stored()


@pytest.mark.parametrize("named", [token("clerk", who="王科长"), token("clerk", unit="雨花区信访局")])
async def test_a_token_with_names_in_the_place_of_codes_is_refused(desk: Desk, named: str) -> None:
    before = await desk.stored()
    answer = await desk.client.post("/petitions", json=PETITION, headers={"Authorization": named})
    problem(answer, 403, "token-subject-unusable")
    assert before == await desk.stored()


# Looking up.


async def test_the_story_comes_as_json_or_as_a_page_as_the_caller_accepts_it(desk: Desk) -> None:
    receipt = await desk.submitted()
    url = f"/petitions/{receipt['petition_id']}"
    said = {"X-Query-Code": receipt["query_code"]}
    as_json = await desk.client.get(url, headers=said)
    assert ("application/json", "no-store") == (
        as_json.headers["content-type"],
        as_json.headers["cache-control"],
    )
    assert "PetitionRegistered" == as_json.json()["story"][0]["fact"]
    page = await desk.client.get(url, params={"code": receipt["query_code"]}, headers=BROWSER)
    assert "text/html; charset=utf-8" == page.headers["content-type"]
    assert "no-store" == page.headers["cache-control"]
    assert "no-referrer" == page.headers["referrer-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "您反映的事项已登记" in page.text
    assert str(PETITION["content"]) in page.text


async def test_a_number_is_read_as_people_say_it(desk: Desk) -> None:
    receipt = await desk.submitted()
    said = receipt["petition_id"].replace("-", " ").lower().replace("0", "o")
    found = await desk.client.get(
        f"/petitions/{said}", headers={"X-Query-Code": receipt["query_code"].replace(" ", "-")}
    )
    assert receipt["petition_id"] == found.json()["petition_id"]


async def test_the_link_in_an_sms_asks_for_the_code_and_counts_no_try(desk: Desk) -> None:
    receipt = await desk.submitted()
    async with desk.caller(**BROWSER) as caller:
        for _ in range(TRIES_PER_ADDRESS + 2):
            page = await caller.get(f"/petitions/{receipt['petition_id']}")
            assert 200 == page.status_code
        assert f'value="{receipt["petition_id"]}"' in page.text
        found = await caller.post(
            "/query", data={"id": receipt["petition_id"], "code": receipt["query_code"]}
        )
    assert "已登记受理" in found.text


@pytest.mark.parametrize("said", ["", "0000000000", "查询码"])
async def test_a_wrong_code_and_an_unknown_number_are_answered_alike(desk: Desk, said: str) -> None:
    receipt = await desk.submitted()
    unknown = make(desk.clock.now(), 1)
    answers = []
    for petition in (receipt["petition_id"], unknown, "nonsense"):
        async with desk.caller() as caller:
            answers.append(await caller.get(f"/petitions/{petition}", params={"code": said}))
    for answer in answers:
        problem(answer, 404, "no-such-petition")
    assert 1 == len({answer.text for answer in answers})
    assert 1 == len({str(sorted(answer.headers.items())) for answer in answers})


async def test_a_wrong_code_and_an_unknown_number_take_the_same_steps(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = await desk.submitted()
    steps: list[str] = []

    def watched(kind: type[Any], name: str) -> None:
        original: Callable[..., Any] = getattr(kind, name)

        def step(*arguments: Any, **named: Any) -> Any:
            steps.append(name)
            return original(*arguments, **named)

        monkeypatch.setattr(kind, name, step)

    for kind, name in ((Store, "used"), (Store, "load"), (Store, "count"), (Codes, "hash")):
        watched(kind, name)
    taken = []
    for petition in (receipt["petition_id"], make(desk.clock.now(), 2)):
        steps.clear()
        async with desk.caller() as caller:
            problem(await caller.get(f"/petitions/{petition}", params={"code": "1"}), 404, "no-such-petition")
        taken.append(list(steps))
    assert ["used", "load", "hash", "count"] == taken[0]
    assert taken[0] == taken[1]


async def test_guessing_one_petitions_code_is_stopped_wherever_it_comes_from(desk: Desk) -> None:
    receipt = await desk.submitted()
    url = f"/petitions/{receipt['petition_id']}"
    for _ in range(TRIES_PER_PETITION):
        async with desk.caller() as caller:
            problem(await caller.get(url, params={"code": "1"}), 404, "no-such-petition")
    async with desk.caller() as caller:
        for code in ("1", receipt["query_code"]):
            stopped = await caller.get(url, params={"code": code})
            problem(stopped, 429, "too-many-tries")
            assert str(int(WINDOW.total_seconds())) == stopped.headers["retry-after"]
        page = await caller.get(url, params={"code": "1"}, headers=BROWSER)
        assert (429, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
        assert "尝试次数过多" in page.text
        assert "retry-after" in page.headers
        desk.clock.time += WINDOW
        assert 200 == (await caller.get(url, params={"code": receipt["query_code"]})).status_code


async def test_guessing_from_one_address_is_stopped_and_others_are_not(desk: Desk) -> None:
    receipt = await desk.submitted()
    async with desk.caller() as guesser, desk.caller() as other:
        for number in range(TRIES_PER_ADDRESS):
            unknown = make(desk.clock.now(), 100 + number)
            problem(await guesser.get(f"/petitions/{unknown}", params={"code": "1"}), 404, "no-such-petition")
        said = {"X-Query-Code": receipt["query_code"]}
        problem(
            await guesser.get(f"/petitions/{receipt['petition_id']}", headers=said), 429, "too-many-tries"
        )
        assert 200 == (await other.get(f"/petitions/{receipt['petition_id']}", headers=said)).status_code
        desk.clock.time += WINDOW
        assert 200 == (await guesser.get(f"/petitions/{receipt['petition_id']}", headers=said)).status_code


async def test_addresses_of_one_ipv6_network_are_one_caller(desk: Desk) -> None:
    for number in range(TRIES_PER_ADDRESS):
        async with desk.caller(f"2001:db8::{number}") as caller:
            await caller.get(f"/petitions/{make(desk.clock.now(), 200 + number)}", params={"code": "1"})
    async with desk.caller("2001:db8::ffff") as same, desk.caller("2001:db8:0:1::1") as other:
        unknown = make(desk.clock.now(), 300)
        problem(await same.get(f"/petitions/{unknown}?code=1"), 429, "too-many-tries")
        problem(await other.get(f"/petitions/{unknown}?code=1"), 404, "no-such-petition")


async def test_whoever_mistypes_a_number_does_not_shut_out_others_who_do(desk: Desk) -> None:
    for _ in range(TRIES_PER_PETITION + 1):
        async with desk.caller() as caller:
            problem(await caller.get("/petitions/mistyped?code=1"), 404, "no-such-petition")


async def test_right_codes_are_never_counted(desk: Desk) -> None:
    receipt = await desk.submitted()
    async with desk.caller() as caller:
        for _ in range(TRIES_PER_ADDRESS + TRIES_PER_PETITION):
            found = await caller.get(
                f"/petitions/{receipt['petition_id']}", headers={"X-Query-Code": receipt["query_code"]}
            )
            assert 200 == found.status_code


@pytest.mark.parametrize("path", ["/petitions/x?code=" + "1" * 65, "/nowhere"])
async def test_errors_of_the_framework_are_pages_for_people_too(desk: Desk, path: str) -> None:
    page = await desk.client.get(path, headers=BROWSER)
    assert page.status_code in {404, 422}
    assert "text/html; charset=utf-8" == page.headers["content-type"]
    assert 'lang="zh-CN"' in page.text
    code = "not-found" if page.status_code == 404 else "invalid-input"
    problem(await desk.client.get(path), page.status_code, code)


async def test_a_wrong_method_is_refused(desk: Desk) -> None:
    problem(await desk.client.delete("/petitions"), 405, "method-not-allowed")


# Rating.


async def test_an_answer_is_rated_once(desk: Desk) -> None:
    receipt = await desk.answered()
    url, said = f"/petitions/{receipt['petition_id']}/rating", {"X-Query-Code": receipt["query_code"]}
    assert 204 == (await desk.client.post(url, json={"score": 4}, headers=said)).status_code
    problem(await desk.client.post(url, json={"score": 1}, headers=said), 409, "already-rated")
    found = (await desk.client.get(f"/petitions/{receipt['petition_id']}", headers=said)).json()
    assert ("rated", 4) == (found["state"], found["score"])


async def test_nothing_is_rated_before_the_answer_or_with_a_wrong_code(desk: Desk) -> None:
    receipt = await desk.submitted()
    before = await desk.stored()
    url, said = f"/petitions/{receipt['petition_id']}/rating", {"X-Query-Code": receipt["query_code"]}
    problem(await desk.client.post(url, json={"score": 4}, headers=said), 409, "not-answered-yet")
    async with desk.caller() as caller:
        problem(
            await caller.post(url, json={"score": 4}, headers={"X-Query-Code": "1"}), 404, "no-such-petition"
        )
    for score in (0, 6, "好", None, 4.5, "5", True):
        answer = await desk.client.post(url, json={"score": score}, headers=said)
        assert "score" == problem(answer, 422, "invalid-input")["errors"][0]["field"]
    assert before == await desk.stored()


async def test_a_supplement_is_taken_once_per_key_and_only_with_the_code(desk: Desk) -> None:
    receipt = await desk.submitted()
    url, said = f"/petitions/{receipt['petition_id']}/supplement", {"X-Query-Code": receipt["query_code"]}
    text = {"text": "昨天水管又爆了一次。"}
    for _ in range(2):
        answer = await desk.client.post(url, json=text, headers=said | {"Idempotency-Key": "s1"})
        assert 204 == answer.status_code, answer.text
    async with desk.caller() as caller:
        problem(await caller.post(url, json=text, headers={"X-Query-Code": "1"}), 404, "no-such-petition")
    problem(await desk.client.post(url, json={"text": "　"}, headers=said), 422, "invalid-input")
    story = (await desk.client.get(f"/petitions/{receipt['petition_id']}", headers=said)).json()
    assert 1 == sum(line["fact"] == "PetitionSupplemented" for line in story["story"])


# The staff's reading.


async def test_each_reading_of_a_dossier_is_a_fact_that_says_who_and_why(desk: Desk) -> None:
    receipt = await desk.answered()
    url = f"/petitions/{receipt['petition_id']}/dossier"
    for why in ("handling", "reception"):
        found = await desk.client.get(url, params={"why": why}, headers=LABOR)
        assert (200, "no-store") == (found.status_code, found.headers["cache-control"])
        assert ("测试人", "13800138000") == (found.json()["name"], found.json()["phone"])
    await desk.stored()
    readings = [
        (m.fact.reader, m.fact.role, m.fact.body, m.fact.why)
        for m in await desk.line.messages(INTAKE.name)
        if m.petition == receipt["petition_id"] and isinstance(m.fact, DossierRead)
    ]
    assert [("mediator-7", "mediator", "labor", why) for why in ("handling", "reception")] == readings


async def test_staff_read_who_speaks_for_a_group_and_who_signed(desk: Desk) -> None:
    speaker, signer = {"name": "沈一帆", "phone": "13800001001"}, {"name": "白露", "phone": "13800002001"}
    receipt = await desk.submitted(representatives=[speaker], co_signers=[signer])
    found = await desk.client.get(
        f"/petitions/{receipt['petition_id']}/dossier?why=handling",
        headers={"Authorization": token("clerk")},
    )
    expected = [{"role": "representative", **speaker}, {"role": "co-signer", **signer}]
    assert expected == found.json()["others"]
    story = await desk.client.get(
        f"/petitions/{receipt['petition_id']}", headers={"X-Query-Code": receipt["query_code"]}
    )
    assert not any(personal in story.text for personal in (*speaker.values(), *signer.values()))


async def test_the_same_key_with_other_representatives_is_another_matter(desk: Desk) -> None:
    said = key()
    bodies = [changed(), changed(), changed(representatives=[PETITIONER])]
    answers = [await desk.client.post("/petitions", content=body, headers=JSON | said) for body in bodies]
    assert [201, 201, 422] == [answer.status_code for answer in answers]
    problem(answers[2], 422, "key-reused")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "token-missing"),
        ({"Authorization": "Bearer x"}, 401, "token-invalid"),
        ({"Authorization": token("mediator", body="rural")}, 403, "not-your-petition"),
        ({"Authorization": token("mediator")}, 403, "not-your-petition"),
        ({"Authorization": token("operator")}, 403, "role-not-allowed"),
        ({"Authorization": token("auditor")}, 403, "role-not-allowed"),
    ],
)
async def test_a_dossier_is_closed_to_those_who_do_not_handle_it(
    desk: Desk, headers: dict[str, str], status: int, code: str
) -> None:
    receipt = await desk.answered(Body.LABOR)
    before = await desk.stored()
    answer = await desk.client.get(
        f"/petitions/{receipt['petition_id']}/dossier?why=handling", headers=headers
    )
    problem(answer, status, code)
    assert before == await desk.stored()


@pytest.mark.parametrize("why", ["", "curiosity"])
async def test_a_reading_without_a_reason_is_refused(desk: Desk, why: str) -> None:
    receipt = await desk.answered()
    answer = await desk.client.get(f"/petitions/{receipt['petition_id']}/dossier?why={why}", headers=LABOR)
    assert "why" == problem(answer, 422, "invalid-input")["errors"][0]["field"]


@pytest.mark.parametrize("petition", ["nonsense", str(make(arrivals.START, 999_999))])
async def test_there_is_no_dossier_of_an_unknown_petition(desk: Desk, petition: str) -> None:
    before = await desk.stored()
    answer = await desk.client.get(f"/petitions/{petition}/dossier?why=handling", headers=LABOR)
    problem(answer, 404, "no-such-petition")
    assert before == await desk.stored()


# Faults of ours.


async def test_a_fault_in_a_decision_is_answered_without_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = await desk.answered()

    def broken(*_: object) -> None:
        raise ValueError("张三 13800138000")

    monkeypatch.setattr(domain, "decide_rate", broken)
    answer = await desk.client.post(
        f"/petitions/{receipt['petition_id']}/rating",
        json={"score": 4},
        headers={"X-Query-Code": receipt["query_code"]},
    )
    problem(answer, 500, "internal")
    assert "张三" not in answer.text


@pytest.mark.parametrize("accept", ["application/json", BROWSER["Accept"]])
async def test_a_fault_outside_a_decision_is_an_answer_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    receipt = await desk.submitted()

    def broken(*_: object) -> None:
        raise ZeroDivisionError("张三 13800138000")

    monkeypatch.setattr("services.intake.http.tell", broken)
    answer = await desk.client.get(
        f"/petitions/{receipt['petition_id']}",
        headers={"X-Query-Code": receipt["query_code"], "Accept": accept},
    )
    assert 500 == answer.status_code
    assert "系统出现错误" in answer.text
    assert "张三" not in answer.text


async def test_a_rating_is_one_fact(desk: Desk) -> None:
    receipt = await desk.answered()
    url, said = f"/petitions/{receipt['petition_id']}/rating", {"X-Query-Code": receipt["query_code"]}
    answers = await asyncio.gather(
        *(desk.client.post(url, json={"score": 4}, headers=said) for _ in range(5))
    )
    assert [204, 409, 409, 409, 409] == sorted(answer.status_code for answer in answers)
    await desk.stored()
    facts = await desk.line.messages(INTAKE.name)
    assert 1 == sum(isinstance(m.fact, PetitionRated) and m.petition == receipt["petition_id"] for m in facts)
