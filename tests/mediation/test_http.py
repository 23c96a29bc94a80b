"""The bodies' desk over HTTP, on the real parts: who may do what, and what a wrong step is told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contracts.bodies import Body
from contracts.envelope import read
from contracts.identity import PetitionId
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseOverdue,
    SessionHeld,
)
from contracts.topics import BODY_TOPICS, MEDIATION
from runtime.store import DatabaseError
from services.mediation.deadlines import ACCEPT_WITHIN
from services.mediation.domain import Refusal
from services.mediation.http import STATUS, WORDS
from tests.line import token
from tests.mediation.arrivals import accepted, petition, registered, routed
from tests.mediation.conftest import Desk, new_petition

real = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]
pytestmark = real

MEDIATOR = {"Authorization": token("mediator", body="labor", who="mediator-7")}
OTHER = {"Authorization": token("mediator", body="rural", who="mediator-9")}
LEADER = {"Authorization": token("leader", who="leader-1")}
OPERATOR = {"Authorization": token("operator")}
AUDITOR = {"Authorization": token("auditor")}
CLERK = {"Authorization": token("clerk")}
SESSION = {"kind": "mediation", "participants": 3, "units": ["street-office"]}
UNKNOWN = petition(7_000_000)
STEPS: dict[str, dict[str, Any]] = {
    "accept": {},
    "sessions": SESSION,
    "conclusion": {"outcome": "settled", "agreement": True},
    "answer": {},
}


async def step(
    desk: Desk, case: str, name: str, headers: dict[str, str] | None = None, **changes: Any
) -> httpx.Response:
    return await desk.client.post(
        f"/cases/{case}/{name}", json=STEPS[name] | changes, headers=MEDIATOR if headers is None else headers
    )


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether it is the RFC 9457 answer with these two, and Chinese words for what to do."""
    assert (status, code) == (answer.status_code, answer.json().get("code")), answer.text
    assert "application/problem+json" == answer.headers["content-type"]
    return all("\u4e00" <= answer.json()[name][0] <= "\u9fff" for name in ("title", "detail"))


async def test_a_case_goes_from_acceptance_to_answer(desk: Desk) -> None:
    case = await desk.case()
    seen = [(await step(desk, case, name)).json() for name in STEPS]
    assert ["accepted", "accepted", "concluded", "answered"] == [one["state"] for one in seen]
    last = seen[-1]
    assert ("mediator-7", 1, "settled", True) == tuple(
        last[name] for name in ("handler", "sessions", "outcome", "agreement")
    )
    assert ("labor", "劳动", "2026-05-01T09:00:00+08:00") == (
        last["body"],
        last["body_name"][:2],
        last["due"],
    )
    assert last == (await desk.client.get(f"/cases/{case}", headers=MEDIATOR)).json()


async def test_the_body_gets_the_very_bytes_on_its_own_topic(desk: Desk) -> None:
    streams = await desk.arrives(registered(), accepted(), routed(Body.MEDICAL))
    assert 200 == (await step(desk, streams.petition, "accept", LEADER)).status_code
    await desk.arrives(routed(Body.EDUCATION, 2), streams=streams)
    for name in STEPS:
        assert 200 == (await step(desk, streams.petition, name, LEADER)).status_code

    async def values(topic: str, at_least: int) -> list[bytes]:
        records = await desk.line.records(topic, at_least=at_least)
        return [record.value for record in records if record.key == streams.petition.encode()]

    whole = await values(MEDIATION.name, 7)
    kinds = [CaseOpened, CaseAccepted, CaseOpened, CaseAccepted, SessionHeld, CaseConcluded, CaseAnswered]
    assert kinds == [type(read(value).fact) for value in whole]
    assert whole[:2] == await values(BODY_TOPICS[Body.MEDICAL].name, 2)
    assert whole[2:] == await values(BODY_TOPICS[Body.EDUCATION].name, 5)


async def test_a_case_opens_when_the_facts_come_over_the_topics_the_wrong_way_round(desk: Desk) -> None:
    streams = new_petition()
    for fact in (routed(Body.FINANCE), registered(), accepted()):
        delivery = streams.write(fact)
        await desk.line.send(delivery.topic, delivery.value or b"", key=streams.petition)
    facts = await desk.line.messages(BODY_TOPICS[Body.FINANCE].name, at_least=1)
    assert [(streams.petition, CaseOpened)] == [(m.petition, type(m.fact)) for m in facts]


async def test_the_body_is_told_once_when_the_time_for_acceptance_has_passed(desk: Desk) -> None:
    start = desk.clock.now() - ACCEPT_WITHIN
    streams = await desk.arrives(registered(start), accepted(start), routed(Body.UTILITIES, 1, start))

    async def facts(at_least: int) -> list[type[object]]:
        messages = await desk.line.messages(BODY_TOPICS[Body.UTILITIES].name, at_least=at_least)
        return [type(message.fact) for message in messages if message.petition == streams.petition]

    assert [CaseOpened, CaseOverdue] == await facts(2)
    assert 200 == (await step(desk, streams.petition, "accept", LEADER)).status_code
    assert [CaseOpened, CaseOverdue, CaseAccepted] == await facts(3)
    case = (await desk.client.get(f"/cases/{streams.petition}", headers=LEADER)).json()
    assert ["accept"] == case["overdue"]


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_is_refused_when_the_asker_may_not_take_it(desk: Desk, name: str) -> None:
    case = await desk.case()
    assert is_problem(await step(desk, case, name, {}), 401, "token-missing")
    assert is_problem(await step(desk, case, name, {"Authorization": "Bearer x"}), 401, "token-invalid")
    assert is_problem(await step(desk, case, name, OTHER), 403, "other-body")
    for headers in (CLERK, OPERATOR, AUDITOR):
        assert is_problem(await step(desk, case, name, headers), 403, "role-not-allowed")
    nobody = {"Authorization": token("mediator")}
    assert is_problem(await step(desk, case, name, nobody), 403, "token-without-body")
    nameless = {"Authorization": token("leader", who="王 局长")}
    assert is_problem(await step(desk, case, name, nameless), 403, "token-subject-unusable")


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_is_refused_when_there_is_no_such_case(desk: Desk, name: str) -> None:
    assert is_problem(await step(desk, UNKNOWN, name, LEADER), 404, "no-case")
    assert is_problem(await step(desk, "2B7K9-0M4QX-7T1CZ", name, LEADER), 404, "petition-id-wrong")
    assert 0 == (await desk.process.store.load([UNKNOWN]))[UNKNOWN].version


async def test_a_step_is_refused_when_it_is_not_its_turn(desk: Desk) -> None:
    case = await desk.case()
    assert is_problem(await step(desk, case, "sessions"), 409, "case-not-accepted")
    assert is_problem(await step(desk, case, "answer"), 409, "case-not-concluded")
    await step(desk, case, "accept")
    assert is_problem(await step(desk, case, "accept"), 409, "case-already-accepted")
    refused = await step(desk, case, "conclusion", outcome="explained")
    assert is_problem(refused, 422, "agreement-without-settlement")
    await step(desk, case, "sessions", number=1)
    assert is_problem(await step(desk, case, "sessions", number=1), 409, "session-number-taken")
    await step(desk, case, "conclusion")
    assert is_problem(await step(desk, case, "conclusion"), 409, "case-already-concluded")
    await step(desk, case, "answer")
    assert is_problem(await step(desk, case, "answer"), 409, "case-already-answered")


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("accept", {"handler": "王 五"}, "handler"),
        ("accept", {"who": "x"}, "who"),
        ("sessions", {"participants": 3}, "kind"),
        ("sessions", SESSION | {"participants": "3"}, "participants"),
        ("sessions", SESSION | {"participants": True}, "participants"),
        ("sessions", SESSION | {"participants": 2.5}, "participants"),
        ("sessions", SESSION | {"participants": 0}, "participants"),
        ("sessions", SESSION | {"units": ["a\u0000b"]}, "units.0"),
        ("sessions", SESSION | {"units": ["u"] * 61}, "units"),
        ("conclusion", {"outcome": "won"}, "outcome"),
        ("conclusion", {"outcome": "settled", "agreement": "yes"}, "agreement"),
        ("answer", {"text": "x"}, "text"),
    ],
)
async def test_bad_input_is_refused_by_field(desk: Desk, name: str, body: object, field: str) -> None:
    case = await desk.case()
    answer = await desk.client.post(f"/cases/{case}/{name}", json=body, headers=MEDIATOR)
    assert is_problem(answer, 422, "invalid-input")
    assert [field] == [error["field"] for error in answer.json()["errors"]]
    assert "opened" == (await desk.client.get(f"/cases/{case}", headers=MEDIATOR)).json()["state"]


async def test_a_case_is_read_by_its_body_and_by_those_who_oversee(desk: Desk) -> None:
    case = await desk.case()
    for headers in (MEDIATOR, LEADER, OPERATOR, AUDITOR):
        assert 200 == (await desk.client.get(f"/cases/{case}", headers=headers)).status_code
    assert is_problem(await desk.client.get(f"/cases/{case}", headers=OTHER), 403, "other-body")
    assert is_problem(await desk.client.get(f"/cases/{case}", headers=CLERK), 403, "role-not-allowed")
    assert is_problem(await desk.client.get(f"/cases/{case}"), 401, "token-missing")
    assert is_problem(await desk.client.get(f"/cases/{UNKNOWN}", headers=LEADER), 404, "no-case")


async def test_a_reader_is_asked_to_come_again_when_the_database_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise DatabaseError("no answer")

    monkeypatch.setattr(desk.process.store, "find", away)
    answer = await desk.client.get("/cases", headers=LEADER)
    assert is_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"].isdigit()


async def pages(desk: Desk, headers: dict[str, str], **query: Any) -> list[list[PetitionId]]:
    """All pages of a list, as the petitions on them."""
    found, after = [], ""
    while True:
        answer = await desk.client.get("/cases", params=query | {"after": after}, headers=headers)
        assert 200 == answer.status_code, answer.text
        found.append([case["petition_id"] for case in answer.json()["cases"]])
        after = answer.json()["next"]
        if after is None:
            return found


async def test_cases_are_listed_due_first_and_page_by_page(desk: Desk) -> None:
    starts = [accepted().at.replace(day=day) for day in (9, 5, 7, 5, 3)]
    opened = [
        (await desk.arrives(registered(at), accepted(at), routed(Body.CONSUMER, 1, at))).petition
        for at in starts
    ]
    expected = [case for _, case in sorted(zip(starts, opened, strict=True))]
    query = {"body": "consumer", "limit": 2}
    assert [expected[:2], expected[2:4], expected[4:]] == await pages(desk, LEADER, **query)
    await step(desk, opened[0], "accept", LEADER)
    assert [[opened[0]]] == await pages(desk, AUDITOR, **query, state="accepted")
    assert [expected] == await pages(desk, AUDITOR, body="consumer", state=["opened", "accepted"])
    assert [[]] == await pages(desk, AUDITOR, **query, state="rated")


async def test_a_mediator_sees_the_list_of_the_own_body_alone(desk: Desk) -> None:
    theirs, others = await desk.case(Body.RURAL), await desk.case(Body.TRANSPORT)
    seen = [case for page in await pages(desk, OTHER, limit=200) for case in page]
    assert (True, False) == (theirs in seen, others in seen)
    answer = await desk.client.get("/cases", params={"body": "transport"}, headers=OTHER)
    assert is_problem(answer, 403, "other-body")
    seen = [case for page in await pages(desk, LEADER, limit=3) for case in page]
    assert {theirs, others} <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": f"99999999999999999999.{UNKNOWN}"}, "after"),
        ({"after": f"99999999999999.{UNKNOWN}"}, None),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"body": "kindergarten"}, "body"),
        ({"state": "lost"}, "state.0"),
    ],
)
async def test_a_list_is_refused_by_field_when_it_is_asked_for_wrongly(
    desk: Desk, query: dict[str, Any], field: str | None
) -> None:
    answer = await desk.client.get("/cases", params=query, headers=LEADER)
    if field is None:
        assert [] == answer.json()["cases"]
        return
    assert is_problem(answer, 422, "invalid-input")
    assert [field] == [error["field"] for error in answer.json()["errors"]]


async def test_a_browser_gets_a_table(desk: Desk) -> None:
    case, other = await desk.case(Body.PROPERTY), await desk.case(Body.PROPERTY)
    browser = LEADER | {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    query: dict[str, Any] = {"body": "property", "state": "opened", "limit": 1}
    first = await desk.client.get("/cases", params=query, headers=browser)
    assert "text/html; charset=utf-8" == first.headers["content-type"]
    assert (True, False) == (case in first.text, other in first.text)
    for word in ("待受理", "下一页", "2026年5月1日 09:00", "芙蓉区", "劳动和社会保障"):
        assert word in first.text
    assert "水、电、气、暖已中断（“已经停水”）" in first.text, "why it cannot wait"
    assert "公安局交通警察大队、属地街道办事处" in first.text, "co-handlers by name, not by code"
    assert "traffic-police" not in first.text
    shown = (await desk.client.get(f"/cases/{case}", headers=LEADER)).json()
    assert ["traffic-police", "street-office"] == shown["co_handlers"]
    assert ["公安局交通警察大队", "属地街道办事处"] == shown["co_handler_names"]
    assert ("cut-off", "已经停水") == (shown["urgency"], shown["urgent_phrase"])
    assert "<script" not in first.text
    onward = first.text.split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = await desk.client.get(f"/cases{onward}", headers=browser)
    assert (False, True, False) == (case in second.text, other in second.text, "下一页" in second.text)


async def test_every_refusal_has_its_words_and_its_status() -> None:
    assert set(Refusal) == set(STATUS)
    assert set(Refusal) <= set(WORDS)
