"""The desks on the real parts: a petition that nobody wants, from body to body to the joint conference."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from contracts import bodies
from contracts.bodies import SHIPPED, Body, catalogue
from contracts.routing import ConferenceDecided, PetitionPutToConference, PetitionRouted, ReturnReceived
from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

ROUTER = {"Authorization": token("router", who="router-1")}
LEADER = {"Authorization": token("leader", who="leader-1")}
AUDITOR = {"Authorization": token("auditor", who="auditor-1")}
BROWSER = {"Accept": "text/html"}
VAGUE = {
    **PETITION,
    "title": "请问这件事情归哪里管",
    "content": "前几天遇到一件事情，东西随时倒塌，想来想去不晓得该找哪个单位，请帮忙看一下怎么办才好。",
}


def mediator(body: str) -> dict[str, str]:
    return {"Authorization": token("mediator", body=body, who=f"mediator-{body}")}


class City:
    """The three services of one line, as people see them."""

    def __init__(self, line: Line, clients: dict[str, httpx.AsyncClient]) -> None:
        self.line, self.clients = line, clients

    async def submits(self, petition: dict[str, Any]) -> dict[str, str]:
        """Somebody submits."""
        receipt: dict[str, str] = (await self.clients["intake"].post("/petitions", json=petition)).json()
        return receipt

    async def asks(self, service: str, path: str, headers: dict[str, str], **asked: Any) -> httpx.Response:
        """Somebody on the staff asks for something."""
        return await self.clients[service].post(path, headers=headers, json=asked)

    async def sees(self, path: str, headers: dict[str, str] = ROUTER) -> Any:
        """What routing shows."""
        answer = await self.clients["routing"].get(path, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def story(self, receipt: dict[str, str]) -> dict[str, Any]:
        """What the petitioner sees."""
        path = f"/petitions/{receipt['petition_id']}"
        answer = await self.clients["intake"].get(path, headers={"X-Query-Code": receipt["query_code"]})
        story: dict[str, Any] = answer.json()
        return story

    async def has_case(self, petition: str, body: str) -> None:
        """Wait until a body has an open case."""

        async def there() -> bool:
            answer = await self.clients["mediation"].get(f"/cases/{petition}", headers=LEADER)
            assert 200 == answer.status_code, answer.text
            assert (body, "opened") == (answer.json()["body"], answer.json()["state"])
            return True

        await eventually(there, deadline=30)

    async def gets(self, petition: str, body: str) -> None:
        """Bring a petition to a body, by the triage desk if the machine is unsure of it."""

        async def placed() -> bool:
            queue = (await self.sees("/triage"))["waiting"]
            if petition in {entry["petition_id"] for entry in queue}:
                await self.asks("routing", f"/triage/{petition}/decision", ROUTER, body=body)
            history = await self.clients["routing"].get(f"/petitions/{petition}/history", headers=ROUTER)
            return history.status_code == 200 and history.json()["body"] == body

        await eventually(placed, deadline=30)
        await self.has_case(petition, body)

    async def waits(self, path: str, key: str, petition: str) -> dict[str, Any]:
        """Wait until a list has the petition, and return its entry."""

        async def listed() -> dict[str, Any]:
            found = (await self.sees(path))[key]
            return next((entry for entry in found if entry["petition_id"] == petition), {})

        return await eventually(listed, deadline=30)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(
    broker: str, mongo: str, broker_guarantees: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[City]:
    """Intake, routing and mediation for all tests of this module."""
    outbox: Path = tmp_path_factory.mktemp("desks") / "outbox"
    line = Line(broker, mongo, str(outbox), idempotent=broker_guarantees == "kafka")
    await line.provide()
    async with (
        line.running("intake") as (_, intake),
        line.running("routing") as (_, routing),
        line.running("mediation") as (_, mediation),
    ):
        yield City(line, {"intake": intake, "routing": routing, "mediation": mediation})


async def test_a_petition_that_three_bodies_return_is_decided_by_the_conference_and_stays_there(
    city: City,
) -> None:
    receipt = await city.submits(PETITION)
    petition = receipt["petition_id"]
    had_it = ["utilities", "construction", "rural"]
    await city.gets(petition, had_it[0])
    for number, body in enumerate(had_it):
        await city.has_case(petition, body)
        objected = await city.asks(
            "mediation", f"/cases/{petition}/return", mediator(body), reason="not-our-matter"
        )
        assert (200, "returned") == (objected.status_code, objected.json()["state"])
        refused = await city.asks("mediation", f"/cases/{petition}/accept", mediator(body))
        assert "case-already-returned" == refused.json()["code"]
        entry = await city.waits("/returns", "waiting", petition)
        assert (body, number + 1, True) == (entry["body"], entry["transfer"], entry["timely"])
        to = had_it[number + 1] if number < 2 else "consumer"
        ruled = await city.asks("routing", f"/returns/{petition}/decision", ROUTER, agreed=True, to=to)
        expected = ("body", to) if number < 2 else ("conference", None)
        assert expected == (ruled.json()["place"], ruled.json()["body"]), ruled.text

    item = (await city.sees("/conference"))["waiting"]
    assert [("transfers-exhausted", 3)] == [
        (one["why"], one["transfers"]) for one in item if one["petition_id"] == petition
    ]
    told = await eventually(lambda: _state(city, receipt, "in-conference"), deadline=30)
    assert "信访工作联席会议办公室" == told["owner"]
    decision = {
        "lead": "transport",
        "helpers": ["urban-management", "street-430121001"],
        "finish_by": "2099-01-31T00:00:00+08:00",
        "follow_up_at": "2099-01-20T00:00:00+08:00",
    }
    path = f"/conference/{petition}/decision"
    assert 403 == (await city.asks("routing", path, ROUTER, **decision)).status_code
    assert 422 == (await city.asks("routing", path, LEADER, **{**decision, "helpers": ["x"]})).status_code
    decided = await city.asks("routing", path, LEADER, **decision)
    assert ("body", "transport") == (decided.json()["place"], decided.json()["body"])

    await city.has_case(petition, "transport")
    bound = await city.asks(
        "mediation", f"/cases/{petition}/return", mediator("transport"), reason="not-our-matter"
    )
    assert (409, "bound-by-conference") == (bound.status_code, bound.json()["code"])
    history = await city.sees(f"/petitions/{petition}/history", AUDITOR)
    places = [(move["place"], move["to"]) for move in history["moves"]]
    expected_places = [*(("body", body) for body in had_it), ("conference", ""), ("body", "transport")]
    assert expected_places == [place for place in places if place[0] != "triage"]
    story = await eventually(lambda: _state(city, receipt, "case-opened"), deadline=30)
    lines = " ".join(line["text"] for line in story["story"])
    for part in ("不属于其职责", "经核实同意其意见", "联席会议决定由交通出行调处中心牵头办理"):
        assert part in lines

    looked = await city.asks("routing", f"/conference/{petition}/follow-up", ROUTER, result="done")
    assert 200 == looked.status_code
    up = await city.asks("routing", f"/conference/{petition}/escalation", ROUTER, to="city")
    assert 200 == up.status_code
    counted = await city.sees("/conference/escalations")
    assert (1, 1, 1) == (counted["petitions"], counted["times"], counted["reached"]["city"])
    facts = [m.fact for m in await city.line.messages("petition-routing-v1") if m.petition == petition]
    assert 3 == sum(isinstance(fact, ReturnReceived) for fact in facts)
    assert 1 == sum(isinstance(fact, PetitionPutToConference) for fact in facts)
    assert 1 == sum(isinstance(fact, ConferenceDecided) for fact in facts)
    routed = [fact for fact in facts if isinstance(fact, PetitionRouted)]
    assert [(1, None), (2, None), (3, None), (4, 1)] == [(f.transfer, f.conference) for f in routed]


async def _state(city: City, receipt: dict[str, str], state: str) -> dict[str, Any]:
    story = await city.story(receipt)
    assert state == story["state"]
    return story


async def test_a_refused_objection_leaves_the_case_with_the_body(city: City) -> None:
    receipt = await city.submits(PETITION)
    petition = receipt["petition_id"]
    await city.gets(petition, "utilities")
    await city.asks("mediation", f"/cases/{petition}/return", mediator("utilities"), reason="other-area")
    await city.waits("/returns", "waiting", petition)
    wrong = await city.asks("routing", f"/returns/{petition}/decision", ROUTER, agreed=False)
    assert 422 == wrong.status_code
    refused = await city.asks(
        "routing", f"/returns/{petition}/decision", ROUTER, agreed=False, ground="within-duties"
    )
    assert ("body", "utilities") == (refused.json()["place"], refused.json()["body"])
    await city.has_case(petition, "utilities")
    again = await city.asks(
        "routing", f"/returns/{petition}/decision", ROUTER, agreed=False, ground="within-duties"
    )
    assert (409, "no-return-pending") == (again.status_code, again.json()["code"])


async def test_the_page_says_when_the_first_choice_is_that_no_body_fits(city: City) -> None:
    praise = {"title": "感谢政府", "content": "问题已经解决，特地来信感谢，为你们点赞。"}
    receipt = await city.submits(VAGUE | praise)
    entry = await city.waits("/triage", "waiting", receipt["petition_id"])
    assert "no-body" == entry["why"]

    page = (await city.clients["routing"].get("/desk", headers=ROUTER | BROWSER)).text

    (second,) = entry["candidates"]
    assert f"1. 没有对应的机构 2. {second['name']}" in page


async def test_the_page_shows_what_waits_and_decides_it_without_a_script(city: City) -> None:
    receipt = await city.submits(VAGUE)
    petition = receipt["petition_id"]
    entry = await city.waits("/triage", "waiting", petition)
    routing = city.clients["routing"]
    page = (await routing.get("/desk", headers=ROUTER | BROWSER)).text
    assert petition in page
    assert "<script" not in page
    assert all(guess["name"] in page for guess in entry["candidates"])
    assert {"why": "life", "name": "可能危及人身安全", "phrase": "随时倒塌"} == entry["urgency"]
    assert "紧急：可能危及人身安全（“随时倒塌”）" in page
    assert "归哪里管" not in page, "the text is read from intake alone"
    only_reads = (await routing.get("/desk", headers=AUDITOR)).text
    assert petition in only_reads
    assert "<form" not in only_reads

    path = f"/desk/triage/{petition}"
    wrong = await routing.post(path, headers=ROUTER, data={"to": ""})
    assert (422, True) == (wrong.status_code, "没有办理" in wrong.text)
    foreign = await routing.post(
        path, headers=ROUTER | {"Sec-Fetch-Site": "cross-site"}, data={"to": "property"}
    )
    assert (403, "cross-site") == (foreign.status_code, foreign.json()["code"])
    assert 403 == (await routing.post(path, headers=LEADER, data={"to": "property"})).status_code
    chosen = await routing.post(path, headers=ROUTER, data={"to": "property"})
    assert (303, f"/desk?done={petition}") == (chosen.status_code, chosen.headers["location"])
    assert f"{petition} 已办理。" in (await routing.get(chosen.headers["location"], headers=ROUTER)).text
    again = await routing.post(path, headers=ROUTER, data={"to": "property"})
    assert (409, True) == (again.status_code, "不在待研判队列中" in again.text)

    await city.has_case(petition, "property")
    await city.asks("mediation", f"/cases/{petition}/return", mediator("property"), reason="several-bodies")
    await city.waits("/returns", "waiting", petition)
    page = (await routing.get("/desk", headers=ROUTER)).text
    assert "涉及多个单位，需要协同" in page
    ruled = await routing.post(
        f"/desk/returns/{petition}", headers=ROUTER, data={"ruling": "agree", "to": ""}
    )
    assert 303 == ruled.status_code
    entry = await city.waits("/triage", "waiting", petition)
    assert ("returned", 1) == (entry["why"], entry["transfers"])

    put = await city.asks(
        "routing",
        f"/conference/{petition}/agenda",
        ROUTER,
        why="several-departments",
        group="group-transport",
    )
    assert "conference" == put.json()["place"]
    page = (await routing.get("/desk", headers=LEADER)).text
    assert 58 == len(re.findall(r'type="checkbox"', page))
    form = {
        "lead": "transport",
        "helpers": ["traffic-police", "street-office"],
        "finish_by": "2099-02-01",
        "follow_up_at": "2099-01-01",
    }
    late = await routing.post(
        f"/desk/conference/{petition}", headers=LEADER, data=form | {"finish_by": "2020-01-01"}
    )
    assert (422, True) == (late.status_code, "日期先后有误" in late.text)
    resolved = await routing.post(f"/desk/conference/{petition}", headers=LEADER, data=form)
    assert 303 == resolved.status_code
    page = (await routing.get("/desk", headers=ROUTER)).text
    assert "公安局交通警察大队、属地街道办事处协办" in page
    looked = await routing.post(
        f"/desk/follow-ups/{petition}", headers=ROUTER, data={"result": "under-way", "next_at": "2099-01-15"}
    )
    assert 303 == looked.status_code


async def test_decisions_are_kept_as_training_material_and_the_agreement_says_out_of_how_many(
    city: City,
) -> None:
    before = await city.sees("/triage/agreement")
    receipts = [await city.submits(VAGUE) for _ in range(2)]
    entries = [await city.waits("/triage", "waiting", receipt["petition_id"]) for receipt in receipts]
    for receipt, entry in zip(receipts, entries, strict=True):
        first = entry["candidates"][0]["body"] if entry["candidates"] else "property"
        other = next(body for body in Body if body != first)
        to = first if receipt is receipts[0] else other
        await city.asks("routing", f"/triage/{receipt['petition_id']}/decision", ROUTER, body=to)
    after = await city.sees("/triage/agreement")
    counted = [after[name] - before[name] for name in ("agreed", "decided", "without_choice")]
    assert counted in ([1, 2, 0], [0, 0, 2]), "with or without a first choice of the machine"
    assert after["decided"] == 0 or after["agreed"] / after["decided"] == after["rate"]
    answer = await city.clients["routing"].get("/triage/decisions", headers=ROUTER)
    lines = [msgspec.json.decode(line) for line in answer.content.splitlines()]
    mine = {line["id"]: line for line in lines}
    assert {receipt["petition_id"] for receipt in receipts} <= set(mine)
    assert VAGUE["content"] in mine[receipts[0]["petition_id"]]["text"]
    assert 403 == (await city.clients["routing"].get("/triage/decisions", headers=AUDITOR)).status_code
    async with city.line.spawned("routing", "export-decisions") as process:
        assert 0 == await process.wait()


async def test_the_roster_is_shown_with_its_13_groups_and_58_units(city: City) -> None:
    roster = await city.sees("/conference/units")
    assert (13, 58) == (len(roster["groups"]), len(roster["units"]))
    assert catalogue().name(Body.LABOR)
    unknown = await city.clients["routing"].get("/petitions/00000-00000-00000/history", headers=ROUTER)
    assert 404 == unknown.status_code


async def test_a_body_over_its_capacity_is_shown_and_alarmed_and_gets_its_petitions_all_the_same(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = SHIPPED.read_text("utf-8").replace("capacity = 2000", "capacity = 1")
    (small := tmp_path / "bodies.toml").write_text(text, "utf-8")
    monkeypatch.setattr(bodies, "SHELF", bodies.Shelf(small))
    for _ in range(2):
        receipt = await city.submits(PETITION)
        await city.gets(receipt["petition_id"], "utilities")

    async def over() -> dict[str, Any]:
        found = {one["body"]: one for one in (await city.sees("/load"))["bodies"]}
        assert found["utilities"]["open"] > found["utilities"]["capacity"] == 1
        assert found["utilities"]["over"]
        return found

    loads = await eventually(over, deadline=30)
    assert not loads["labor"]["over"]
    page = (await city.clients["routing"].get("/desk", headers=ROUTER)).text
    assert "已超过能力" in page
    metrics = (await city.clients["routing"].get("/metrics")).text
    open_now = re.search(r'routing_body_open_petitions\{body="utilities"\} ([0-9.]+)', metrics)
    assert open_now is not None
    assert float(open_now[1]) >= 2
    assert 'routing_body_capacity{body="utilities"} 1.0' in metrics
