"""A campaign on the real parts: petitions join by rule, a common policy settles them, nothing twice.

Routing is killed in the middle of the batch; each petition has one answer of its own in the end.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.envelope import Message
from contracts.mediation import CaseAnswered
from contracts.policies import published
from contracts.routing import CommonPolicyApplied, PetitionJoinedCampaign
from local.ports import free
from tests.broker.test_intake_line import chain_is_whole
from tests.broker.test_killed import WAGES, distinct, outbox
from tests.eventually import eventually
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

MANY = 240
DEADLINE = 120.0
POLICY = published()[("training-refund", 1)]
LEADER = {"Authorization": token("leader", who="leader-7")}
MEDIATOR = {"Authorization": token("mediator", body="labor", who="zhou")}
CAMPAIGN = {
    "code": "wages-2026",
    "name": "欠薪集中攻坚",
    "field": "劳动报酬",
    "begins": "2020-01-01T00:00:00+08:00",
    "ends": "2100-01-01T00:00:00+08:00",
    "rule": {"bodies": ["labor"], "phrases": ["拖欠工资"]},
}


async def submitted(intake: httpx.AsyncClient) -> dict[str, str]:
    """Submit many petitions about one matter; the numbers with their query codes."""

    async def one(number: int) -> tuple[str, str]:
        answer = await intake.post("/petitions", json=WAGES, headers={"Idempotency-Key": f"k-{number}"})
        assert 201 == answer.status_code, answer.text
        receipt = answer.json()
        return receipt["petition_id"], receipt["query_code"]

    found: dict[str, str] = {}
    for start in range(0, MANY, 40):
        found |= dict(await asyncio.gather(*(one(number) for number in range(start, start + 40))))
    return found


async def shown(routing: httpx.AsyncClient) -> dict[str, Any]:
    """The campaign as a leader sees it."""
    try:
        answer = await routing.get(f"/campaigns/{CAMPAIGN['code']}", headers=LEADER)
    except httpx.TransportError as error:
        raise AssertionError("no answer") from error
    assert 200 == answer.status_code, answer.text
    view: dict[str, Any] = answer.json()
    return view


async def posted(
    client: httpx.AsyncClient, path: str, json: Any, headers: dict[str, str] = LEADER
) -> dict[str, Any]:
    """Post as soon as the service is up."""

    async def done() -> dict[str, Any]:
        try:
            answer = await client.post(path, json=json, headers=headers)
        except httpx.TransportError as error:
            raise AssertionError("no answer") from error
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return await eventually(done, deadline=DEADLINE)


async def all_joined(routing: httpx.AsyncClient) -> None:
    """Wait until the rule has found every petition."""

    async def joined() -> bool:
        view = await shown(routing)
        assert MANY == view["members"], view["members"]
        return True

    await eventually(joined, deadline=DEADLINE, every=0.2)


async def in_the_middle(routing: httpx.AsyncClient) -> int:
    """Wait until some petitions are settled and others are not."""

    async def some() -> int:
        applied = int((await shown(routing))["orders"][-1]["applied"])
        assert applied >= MANY // 8
        return applied

    return await eventually(some, deadline=DEADLINE, every=0.05)


async def settled(routing: httpx.AsyncClient, owed: int) -> dict[str, Any]:
    """Wait until the batch is done and mediation has answered everything; the batch's figures."""

    async def done() -> dict[str, Any]:
        order: dict[str, Any] = (await shown(routing))["orders"][-1]
        assert order["done_at"], order
        assert owed == order["answered"], order
        return order

    return await eventually(done, deadline=DEADLINE, every=0.2)


def of(messages: list[Message], kind: type[Any]) -> list[Any]:
    """The facts of one kind, repeats of the same number counted once."""
    return list({m.envelope.id: m.fact for m in messages if isinstance(m.fact, kind)}.values())


async def test_every_member_has_one_answer_of_its_own_when_routing_is_killed_in_the_middle_of_a_batch(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_CAMPAIGN_PACE", "100")
    monkeypatch.setenv("ROUTING_CAMPAIGN_LEASE", "PT1S")
    monkeypatch.setenv("ROUTING_CAMPAIGN_EVERY", "PT0.2S")
    port = free()
    async with AsyncExitStack() as others:
        clients = {
            name: (await others.enter_async_context(line.running(name)))[1]
            for name in ("intake", "mediation", "notify")
        }
        routing = await others.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
        async with line.spawned("routing", port=port) as dying:
            codes = await submitted(clients["intake"])
            await line.messages("petition-mediation-v1", at_least=MANY, deadline=DEADLINE)
            await posted(routing, "/campaigns", CAMPAIGN)
            await all_joined(routing)

            # One is taken out by hand, one gets an outcome from its own body before the batch.
            out, own = list(codes)[:2]
            await posted(routing, f"/campaigns/{CAMPAIGN['code']}/members/{out}/leave", {})
            await posted(clients["mediation"], f"/cases/{own}/accept", {}, MEDIATOR)
            await posted(clients["mediation"], f"/cases/{own}/conclusion", {"outcome": "explained"}, MEDIATOR)
            ordered = await posted(
                routing, f"/campaigns/{CAMPAIGN['code']}/orders", {"policy": POLICY.code, "version": 1}
            )
            assert MANY - 1 == ordered["orders"][-1]["total"]
            before = await in_the_middle(routing)
            dying.send_signal(signal.SIGKILL)
            await dying.wait()
        assert before < MANY - 2
        async with line.spawned("routing", port=port):
            owed = set(codes) - {out, own}
            order = await settled(routing, len(owed))
            assert len(owed) <= order["applied"] <= len(owed) + 1  # routing may not have heard of `own` yet
            assert order["declined"] == order["applied"] - len(owed)
            await told_once(line, owed)

            said = await line.messages("petition-routing-v1", at_least=3 * MANY - 1, deadline=DEADLINE)
            answered = await line.messages("petition-mediation-v1", at_least=3 * MANY - 2, deadline=DEADLINE)
            assert chain_is_whole(said)
            assert chain_is_whole(answered)
            assert dict.fromkeys(codes, 1) == dict(distinct(said, "PetitionJoinedCampaign"))
            assert {"machine"} == {fact.decided_by for fact in of(said, PetitionJoinedCampaign)}
            applied = distinct(said, "CommonPolicyApplied")
            assert dict.fromkeys(owed, 1) == {p: count for p, count in applied.items() if p != own}
            assert {POLICY.sha256} == {fact.sha256 for fact in of(said, CommonPolicyApplied)}
            assert dict.fromkeys(owed, 1) == dict(distinct(answered, "CaseAnswered"))
            for fact in of(answered, CaseAnswered):
                assert POLICY.sha256 == fact.by_policy.sha256
                assert timedelta(days=30) == fact.review_by - fact.at
            await each_may_read_his_own(clients["intake"], {p: codes[p] for p in sorted(owed)[:3]})


async def test_two_instances_settle_each_petition_once_when_both_look_after_the_campaigns(
    line: Line,
) -> None:
    changes = {"campaign_every": timedelta(seconds=0.1), "campaign_lease": timedelta(seconds=0.2)}
    async with AsyncExitStack() as running:
        intake = (await running.enter_async_context(line.running("intake")))[1]
        await running.enter_async_context(line.running("mediation"))
        await running.enter_async_context(line.running("notify"))
        first = (await running.enter_async_context(line.running("routing", changes=changes)))[1]
        second = (await running.enter_async_context(line.running("routing", changes=changes)))[1]
        await posted(first, "/campaigns", CAMPAIGN)
        codes = await submitted(intake)
        await all_joined(second)
        await posted(second, f"/campaigns/{CAMPAIGN['code']}/orders", {"policy": POLICY.code, "version": 1})
        order = await settled(first, MANY)
        assert (MANY, 0, 0) == (order["applied"], order["declined"], order["left"])
        said = await line.messages("petition-routing-v1", at_least=3 * MANY, deadline=DEADLINE)
        assert chain_is_whole(said)
        assert dict.fromkeys(codes, 1) == dict(distinct(said, "CommonPolicyApplied"))
        await told_once(line, set(codes))


async def told_once(line: Line, owed: set[str]) -> None:
    """Every settled petition has one SMS with the answer, which names the policy and the review."""
    wanted = dict.fromkeys(owed, 1)

    def answers() -> list[dict[str, Any]]:
        return [sms for sms in outbox(line) if sms["template"] == "case-answered"]

    def complete() -> bool:
        assert wanted == dict(Counter(sms["petition"] for sms in answers()))
        return True

    await eventually(complete, deadline=DEADLINE, every=0.2)
    assert all(f"《{POLICY.title}》" in sms["text"] and "申请复查" in sms["text"] for sms in answers())


async def each_may_read_his_own(intake: httpx.AsyncClient, codes: dict[str, str]) -> None:
    """The petitioner sees the whole text of the policy, and until when he may ask for a review."""
    for petition, code in codes.items():

        async def read(petition: str = petition, code: str = code) -> dict[str, Any]:
            answer = await intake.get(f"/petitions/{petition}", headers={"X-Query-Code": code})
            story: dict[str, Any] = answer.json()
            assert "answered" == story["state"]
            return story

        story = await eventually(read, deadline=DEADLINE)
        assert POLICY.text == story["policy"]["text"]
        assert story["review_by"]
        assert any("集中研究" in step["text"] for step in story["story"])
