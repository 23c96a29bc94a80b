"""The pages on the real parts: nothing that was typed is lost, and nothing is made twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from local.ports import free
from tests.broker.test_intake_line import PETITION
from tests.intake.conftest import BROWSER, Desk
from tests.intake.page import Page
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

TYPED = {
    "title": "楼道灯不亮",
    "content": "三楼的灯坏了半年。\r\n老人上下楼看不见，请派人来修。",
    "area": "430103",
    "name": "王秀英",
    "phone": "13800138000",
}


async def filled(desk: Desk, **changes: str) -> dict[str, str]:
    """The form as somebody has filled it in, with its hidden key."""
    form = Page((await desk.client.get("/", headers=BROWSER)).text)
    assert {*TYPED, "key", "representatives", "co_signers"} >= set(form.typed())
    return {**form.typed(), **TYPED, **changes}


def codes(page: str) -> list[str]:
    """Number and code on a receipt."""
    return [e.text for e in Page(page).all("dd")]


async def test_a_form_becomes_a_petition_that_its_code_opens(desk: Desk) -> None:
    receipt = await desk.client.post("/", data=await filled(desk), headers=BROWSER)
    assert (201, "no-store") == (receipt.status_code, receipt.headers["cache-control"])
    petition, code = codes(receipt.text)
    assert "13800138000" in receipt.text
    story = await desk.client.post("/query", data={"id": petition, "code": code}, headers=BROWSER)
    assert "已登记受理" in story.text
    assert Page(story.text).one("h1").text == TYPED["title"]
    assert TYPED["content"].replace("\r\n", "\n") in Page(story.text).one("main").text


async def test_who_speaks_for_a_group_and_who_signed_is_read_from_the_form(desk: Desk) -> None:
    data = await filled(
        desk,
        representatives="沈一帆 13800001001\r\n\r\n白露，１３８００００１００２",
        co_signers="何 田：+86 138-0000-2001",
    )
    receipt = await desk.client.post("/", data=data, headers=BROWSER)
    assert 201 == receipt.status_code
    found = await desk.client.get(
        f"/petitions/{codes(receipt.text)[0]}/dossier?why=handling",
        headers={"Authorization": token("clerk")},
    )
    told = [(one["role"], one["name"], one["phone"]) for one in found.json()["others"]]
    assert [
        ("representative", "沈一帆", "13800001001"),
        ("representative", "白露", "１３８００００１００２"),
        ("co-signer", "何 田", "+86 138-0000-2001"),
    ] == told


async def test_a_line_without_a_number_is_named_by_its_place(desk: Desk) -> None:
    data = await filled(desk, representatives="白露 13800001002\n沈一帆")
    answer = await desk.client.post("/", data=data, headers=BROWSER)
    assert "其他代表：第2人：太短了" in answer.text


async def test_pressing_twice_makes_one_petition(desk: Desk) -> None:
    data, before = await filled(desk), await desk.stored()
    pressed = await asyncio.gather(*(desk.client.post("/", data=data, headers=BROWSER) for _ in range(2)))
    again = await desk.client.post("/", data=data, headers=BROWSER)
    assert {201} == {page.status_code for page in (*pressed, again)}
    assert 1 == len({page.text for page in (*pressed, again)})
    after = await desk.stored()
    assert (before[0] + 1, before[1] + 3) == after


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"title": " "}, ["title"]),
        ({"title": "", "content": "", "name": "", "phone": ""}, ["title", "content", "name", "phone"]),
        ({"content": "路灯\x00坏了"}, ["content"]),
        ({"name": "王" * 101}, ["name"]),
        ({"area": "110101"}, ["area"]),
        ({"representatives": "沈一帆\n白露 13800001002"}, ["representatives"]),
        ({"co_signers": "何田 13800002001\n" * 201}, ["co_signers"]),
    ],
)
async def test_a_form_with_errors_comes_back_with_all_that_was_typed(
    desk: Desk, changes: dict[str, str], wrong: list[str]
) -> None:
    data, before = await filled(desk, **changes), await desk.stored()
    answer = await desk.client.post("/", data=data, headers=BROWSER)
    assert 422 == answer.status_code
    page = Page(answer.text)
    assert wrong == [e.attributes["id"] for e in page.elements if "aria-invalid" in e.attributes]
    kept = page.typed()
    unknown = {"area"} if "area" in wrong else set()
    for name in data.keys() - unknown:
        assert data[name].replace("\r\n", "\n") == kept[name].replace("\r\n", "\n"), name
    assert before == await desk.stored()


async def test_a_form_that_was_mended_is_taken(desk: Desk) -> None:
    data = await filled(desk, title="")
    refused = Page((await desk.client.post("/", data=data, headers=BROWSER)).text).typed()
    taken = await desk.client.post("/", data={**refused, "title": "楼道灯不亮"}, headers=BROWSER)
    assert 201 == taken.status_code


async def test_whoever_goes_back_and_writes_of_another_matter_presses_once_more(desk: Desk) -> None:
    data = await filled(desk)
    first = await desk.client.post("/", data=data, headers=BROWSER)
    before = await desk.stored()
    asked = await desk.client.post("/", data={**data, "title": "另一件事"}, headers=BROWSER)
    assert 422 == asked.status_code
    kept = Page(asked.text).typed()
    assert "您刚才已经提交过一件事项" in asked.text
    assert ("另一件事", TYPED["name"]) == (kept["title"], kept["name"])
    assert data["key"] != kept["key"]
    assert before == await desk.stored()
    second = await desk.client.post("/", data=kept, headers=BROWSER)
    assert 201 == second.status_code
    assert codes(first.text)[0] != codes(second.text)[0]


async def test_a_form_without_any_field_is_answered_with_the_form(desk: Desk) -> None:
    for headers in (BROWSER, BROWSER | {"Content-Type": "text/plain"}):
        answer = await desk.client.post("/", content=b"", headers=headers)
        assert 422 == answer.status_code
        assert 4 == answer.text.count('aria-invalid="true"')


@pytest.mark.parametrize("charset", ["punycode", "undefined", "unicode_escape", "latin-1"])
@pytest.mark.parametrize(("path", "status"), [("/", 422), ("/query", 404), ("/rate", 404)])
async def test_a_form_that_no_page_of_ours_sends_has_no_fields(
    desk: Desk, path: str, status: int, charset: str
) -> None:
    # The first two ended as an error inside, the third too: it makes half a surrogate pair, which nothing can
    # store. The last one registered a text that nobody could read.
    before = await desk.stored()
    fields = {**TYPED, "key": r"\ud83d", "id": r"\ud83d", "code": r"\ud83d"}
    head = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "".join(f"--B\r\n{head.format(name, value)}" for name, value in fields.items()) + "--B--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary=B; charset={charset}"}
    async with desk.caller(**BROWSER) as caller:
        answer = await caller.post(path, content=body.encode(), headers=kind)
    assert status == answer.status_code
    assert before == await desk.stored()


async def test_a_form_in_another_encoding_is_asked_for_again_and_not_registered_as_question_marks(
    desk: Desk,
) -> None:
    before = await desk.stored()
    body = urlencode({name: value.encode("gb18030") for name, value in TYPED.items()})
    headers = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await desk.client.post("/", content=body, headers=headers)
    assert 422 == answer.status_code
    assert "含有电脑不能识别的字符" in answer.text
    assert before == await desk.stored()


async def test_a_number_that_was_misread_is_told_from_a_wrong_code_and_stays_in_the_form(desk: Desk) -> None:
    petition, _ = codes((await desk.client.post("/", data=await filled(desk), headers=BROWSER)).text)
    misread = petition[:-1] + ("2" if petition[-1] != "2" else "3")
    async with desk.caller(**BROWSER) as caller:
        for said, words in ((misread, "受理编号不对"), (petition, "受理编号或查询码不正确")):
            answer = await caller.post("/query", data={"id": said, "code": "1234567890"})
            assert 404 == answer.status_code
            assert words in answer.text
            assert {"id": said, "code": ""} == Page(answer.text).typed()


async def test_a_rating_is_given_on_the_page_and_pressing_twice_is_no_fault(desk: Desk) -> None:
    receipt = await desk.answered()
    url, code = f"/petitions/{receipt['petition_id']}", receipt["query_code"]
    page = Page((await desk.client.get(url, params={"code": code}, headers=BROWSER)).text)
    hidden = {k: v for k, v in page.typed().items() if k in {"id", "code"}}
    assert {"id": receipt["petition_id"], "code": code} == hidden
    for score, words in (
        ("", "请先选择一个分数"),
        ("9", "请先选择"),
        ("5", "感谢您的评价"),
        ("5", "您已评价过"),
    ):
        answer = await desk.client.post("/rate", data={**hidden, "score": score}, headers=BROWSER)
        assert 200 == answer.status_code
        assert words in answer.text


async def test_a_supplement_is_written_on_the_page_once_however_often_the_button_is_pressed(
    desk: Desk,
) -> None:
    receipt = await desk.client.post("/", data=await filled(desk), headers=BROWSER)
    petition, code = codes(receipt.text)
    story = await desk.client.post("/query", data={"id": petition, "code": code}, headers=BROWSER)
    form = {name: Page(story.text).typed()[name] for name in ("id", "code", "key")}
    assert (petition, code) == (form["id"], form["code"])
    wrong = await desk.client.post("/supplement", data={**form, "text": " \n "}, headers=BROWSER)
    assert (422, "没有提交成功" in wrong.text) == (wrong.status_code, True)
    assert form["key"] == Page(wrong.text).typed()["key"]
    for text in ("昨天有位老人摔倒了。\r\n请快一点。", "昨天有位老人摔倒了。\r\n请快一点。"):
        taken = await desk.client.post("/supplement", data={**form, "text": text}, headers=BROWSER)
        assert (200, True) == (taken.status_code, "已收到您补充的情况" in taken.text)
        page = Page(taken.text)
        assert 1 == page.one("main").text.count("（1）补充：昨天有位老人摔倒了。\n请快一点。")
        assert "（2）" not in page.one("main").text
        assert form["key"] != page.typed()["key"], "the next supplement is another one"
    too_long = await desk.client.post(
        "/supplement", data={**form, "key": "", "text": "长" * 10_001}, headers=BROWSER
    )
    assert (422, "长" * 10_001) == (too_long.status_code, Page(too_long.text).typed()["text"])
    other = await desk.client.post(
        "/supplement", data={**form, "code": "1234567890", "text": "x"}, headers=BROWSER
    )
    assert (404, False) == (other.status_code, "楼道灯" in other.text)


async def test_a_supplement_that_comes_after_the_answer_is_refused_in_words_and_kept_on_the_page(
    desk: Desk,
) -> None:
    receipt = await desk.answered()
    form = {"id": receipt["petition_id"], "code": receipt["query_code"], "key": "k-late"}
    late = await desk.client.post("/supplement", data={**form, "text": "又坏了。"}, headers=BROWSER)
    assert (409, "又坏了。") == (late.status_code, Page(late.text).typed()["text"])
    assert "该事项已有答复或已移送。如有新的情况，请另行提交，或拨打 12345。" in late.text


async def test_nothing_is_lost_while_the_database_is_away(broker: str, tmp_path: Path) -> None:
    line = Line(broker, f"mongodb://127.0.0.1:{free()}", str(tmp_path / "outbox.jsonl"))
    data = {**TYPED, "key": "a-key-of-this-form", "representatives": "沈一帆 13800001001", "co_signers": ""}
    supplement = {"id": "07X3R-6AVZC-DBRM6", "code": "1", "key": "k"}
    async with line.running("intake", ready=False) as (_, client):
        client.timeout = httpx.Timeout(30)
        answers = await asyncio.gather(
            client.post("/petitions", json=PETITION),
            client.get("/petitions/07X3R-6AVZC-DBRM6?code=1"),
            client.get("/petitions/07X3R-6AVZC-DBRM6?code=1", headers=BROWSER),
            client.post("/query", data={"id": "07X3R-6AVZC-DBRM6", "code": "1"}, headers=BROWSER),
            client.post("/supplement", data={**supplement, "text": "水管爆了。"}, headers=BROWSER),
            client.post("/", data=data, headers=BROWSER),
        )
    for answer in answers:
        assert 503 == answer.status_code
        assert int(answer.headers["retry-after"]) > 0
    for answer in answers[:2]:
        assert "application/problem+json" == answer.headers["content-type"]
        assert "unavailable" == answer.json()["code"]
    for answer in answers[2:]:
        assert "text/html; charset=utf-8" == answer.headers["content-type"]
        assert "系统暂时繁忙" in answer.text
    assert {**supplement, "text": "水管爆了。"} == Page(answers[-2].text).typed()
    kept = Page(answers[-1].text).typed()
    assert {**data, "content": data["content"].replace("\r\n", "\n")} == {
        **kept,
        "content": kept["content"].replace("\r\n", "\n"),
    }
