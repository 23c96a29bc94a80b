"""The campaigns' desk on the real parts: who may do what, clusters that are proposed, and taking them in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

ROUTER = {"Authorization": token("router", who="router-1")}
LEADER = {"Authorization": token("leader", who="leader-1")}
AUDITOR = {"Authorization": token("auditor")}
MEDIATOR = {"Authorization": token("mediator", body="labor")}
HTML = {"Accept": "text/html"}
ALIKE = 6
CAMPAIGN = {
    "code": "wages-2026",
    "name": "欠薪<集中>攻坚",
    "field": "劳动报酬",
    "begins": "2020-01-01T00:00:00+08:00",
    "ends": "2100-01-01T00:00:00+08:00",
}
LETTER = (
    "我和同班组的工友在{place}的工地干了三个月，包工头一直拖欠工资不发，也没有签劳动合同。"
    "我们多次到项目部讨要工资，对方总说甲方没有付款，让我们再等一等。请帮助我们讨薪，督促尽快支付劳动报酬。"
)
OTHER = (
    "公司从去年十月开始拖欠工资，老板换了电话找不到人，"
    "仲裁裁决已经下来两个月还没有执行，请求帮助执行劳动报酬。"
)


@dataclass(frozen=True)
class Desk:
    """Routing with a few petitions that are alike, and one that is not."""

    routing: httpx.AsyncClient
    line: Line
    alike: list[str]
    other: str

    async def get(self, path: str, headers: dict[str, str] = ROUTER) -> Any:
        """What stands there, as JSON."""
        answer = await self.routing.get(path, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def post(self, path: str, json: Any, headers: dict[str, str] = ROUTER) -> httpx.Response:
        """Ask for something."""
        return await self.routing.post(path, json=json, headers=headers)

    async def members(self, count: int) -> list[str]:
        """Wait for so many members."""

        async def there() -> list[str]:
            found = (await self.get("/campaigns/wages-2026/members"))["members"]
            assert count == len(found), found
            return [member["petition_id"] for member in found]

        return await eventually(there, deadline=60)


@pytest.fixture
async def desk(broker: str, mongo: str, broker_guarantees: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """Intake and routing; all petitions are routed."""
    line = Line(broker, mongo, str(tmp_path / "outbox"), idempotent=broker_guarantees == "kafka")
    await line.provide()
    changes = {"cluster_least": 3, "campaign_every": timedelta(seconds=0.1)}
    async with (
        line.running("intake") as (_, intake),
        line.running("routing", changes=changes) as (_, routing),
    ):

        async def posted(content: str) -> str:
            body = {**PETITION, "title": "拖欠工资", "content": content}
            receipt: dict[str, str] = (await intake.post("/petitions", json=body)).json()
            return receipt["petition_id"]

        alike = [await posted(LETTER.format(place=place)) for place in "东西南北中新"[:ALIKE]]
        other = await posted(OTHER)
        await line.messages("petition-routing-v1", at_least=ALIKE + 1)
        yield Desk(routing, line, alike, other)


async def test_a_cluster_is_proposed_taken_in_by_hand_and_one_taken_out_again(desk: Desk) -> None:
    (copies,) = [c for c in (await desk.get("/campaigns"))["proposals"] if c["kind"] == "alike"]
    assert set(desk.alike) == set(copies["petitions"])
    assert (ALIKE, "劳动人事争议调处中心") == (copies["size"], copies["body_name"])
    created = await desk.post("/campaigns", CAMPAIGN)
    assert (201, 0) == (created.status_code, created.json()["members"])
    joined = await desk.post("/campaigns/wages-2026/members", {"cluster": copies["cluster"]})
    assert {"joined": ALIKE, "refused": {}} == joined.json()
    again = await desk.post("/campaigns/wages-2026/members", {"petitions": desk.alike})
    assert {"joined": 0, "refused": {}} == again.json()
    assert [] == [c for c in (await desk.get("/campaigns"))["proposals"] if c["kind"] == "alike"]
    left = await desk.post(f"/campaigns/wages-2026/members/{desk.alike[0]}/leave", {})
    assert 200 == left.status_code
    assert set(desk.alike[1:]) == set(await desk.members(ALIKE - 1))
    assert 409 == (await desk.post(f"/campaigns/wages-2026/members/{desk.alike[0]}/leave", {})).status_code


async def test_a_new_rule_finds_earlier_petitions_and_a_changed_one_those_that_it_adds(desk: Desk) -> None:
    rule = {"bodies": ["labor"], "phrases": ["包工头"]}
    assert 201 == (await desk.post("/campaigns", {**CAMPAIGN, "rule": rule})).status_code
    assert set(desk.alike) == set(await desk.members(ALIKE))
    wider = {**CAMPAIGN, "rule": {"bodies": ["labor"], "phrases": ["包工头", "仲裁裁决"]}}
    del wider["code"]
    changed = await desk.routing.put("/campaigns/wages-2026", json=wider, headers=ROUTER)
    assert (200, 2) == (changed.status_code, changed.json()["rule"]["version"])
    assert {*desk.alike, desk.other} == set(await desk.members(ALIKE + 1))


async def test_a_batch_is_ordered_by_a_leader_with_a_published_policy_and_shows_how_far_it_is(
    desk: Desk,
) -> None:
    await desk.post("/campaigns", CAMPAIGN)
    policy = {"policy": "training-refund", "version": 1}
    path = "/campaigns/wages-2026/orders"
    assert 403 == (await desk.post(path, policy)).status_code
    assert "nobody-to-settle" == (await desk.post(path, policy, LEADER)).json()["code"]
    await desk.post("/campaigns/wages-2026/members", {"petitions": desk.alike})
    unknown = await desk.post(path, {**policy, "version": 99}, LEADER)
    assert (404, "no-such-policy") == (unknown.status_code, unknown.json()["code"])
    assert 202 == (await desk.post(path, policy, LEADER)).status_code

    async def done() -> dict[str, Any]:
        order: dict[str, Any] = (await desk.get("/campaigns/wages-2026"))["orders"][-1]
        assert order["done_at"]
        return order

    order = await eventually(done, deadline=30)
    assert (ALIKE, ALIKE, 0) == (order["total"], order["applied"], order["left"])
    page = (await desk.routing.get("/campaigns/wages-2026", headers=ROUTER | HTML)).text
    assert f"{ALIKE} / {ALIKE}" in page
    assert "欠薪&lt;集中&gt;攻坚" in page
    assert 409 == (await desk.post(f"/campaigns/wages-2026/members/{desk.alike[0]}/leave", {})).status_code


async def test_the_desk_is_closed_to_everybody_else_and_refuses_what_is_wrong(desk: Desk) -> None:
    for path in ("/campaigns", "/campaigns/wages-2026", "/campaigns/wages-2026/members"):
        assert 401 == (await desk.routing.get(path)).status_code
        assert 403 == (await desk.routing.get(path, headers=MEDIATOR)).status_code
    assert 403 == (await desk.post("/campaigns", CAMPAIGN, AUDITOR)).status_code
    assert 404 == (await desk.routing.get("/campaigns/unheard-of", headers=AUDITOR)).status_code
    assert 201 == (await desk.post("/campaigns", CAMPAIGN)).status_code
    assert 201 == (await desk.post("/campaigns", CAMPAIGN)).status_code
    assert 409 == (await desk.post("/campaigns", {**CAMPAIGN, "field": "其他"})).status_code
    elsewhere = {"rule": {"bodies": ["labor"], "areas": ["110101"]}}
    wrongs: list[dict[str, Any]] = [{"rule": {}}, {"code": "两"}, {"name": " "}, elsewhere]
    for wrong in (*wrongs, {"rule": {"areas": ["430102"]}}):
        assert 422 == (await desk.post("/campaigns", {**CAMPAIGN, "code": "x", **wrong})).status_code, wrong
    backwards = await desk.post("/campaigns", {**CAMPAIGN, "code": "x", "ends": CAMPAIGN["begins"]})
    assert "ends-before-it-begins" == backwards.json()["code"]
    joining = await desk.post(
        "/campaigns/wages-2026/members", {"petitions": desk.alike, "cluster": "alike:1"}
    )
    assert 422 == joining.status_code
    nobody = await desk.post("/campaigns/wages-2026/members", {"cluster": "alike:1"})
    assert "no-such-cluster" == nobody.json()["code"]
    page = await desk.routing.get("/campaigns", headers=AUDITOR | HTML)
    assert "no-store" == page.headers["cache-control"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "欠薪&lt;集中&gt;攻坚" in page.text
    assert "讨薪" not in str((await desk.get("/campaigns"))["campaigns"])
