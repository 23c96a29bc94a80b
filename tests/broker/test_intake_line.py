"""Intake alone on the real parts: what is accepted is published once, whole and in order."""

from __future__ import annotations

import pytest

from contracts.envelope import Message
from tests.eventually import eventually
from tests.line import Line

pytestmark = pytest.mark.real

PETITION = {
    "title": "小区自来水浑浊",
    "content": "我们小区二次供水的水箱多年没有清洗，自来水又黄又浑，请尽快处理。",
    "channel": "network",
    "area": "430112",
    "petitioner": {"name": "测试人", "phone": "13800138000"},
}


def chain_is_whole(messages: list[Message]) -> bool:
    """Numbers without gaps and each message naming the hash of the one before, repeats aside."""
    known: dict[str, tuple[int, str | None]] = {}
    for message in messages:
        ordinal, digest = known.get(message.petition, (0, None))
        if message.envelope.ordinal <= ordinal:
            continue
        if message.envelope.ordinal != ordinal + 1 or message.envelope.previous != digest:
            return False
        known[message.petition] = (message.envelope.ordinal, message.digest)
    return True


async def test_a_service_gets_ready_when_the_first_broker_that_it_is_told_of_is_away(line: Line) -> None:
    async with line.running("intake", changes={"broker": f"127.0.0.1:1,{line.broker}"}) as (process, client):
        await eventually(lambda: process.health.started, deadline=40)
        answer = await client.post("/petitions", json=PETITION)
        assert answer.status_code == 201, answer.text
        await line.messages("petition-intake-v1", at_least=2)


async def test_a_petition_is_stated_once_when_it_is_submitted(line: Line) -> None:
    async with line.running("intake") as (_, client):
        answer = await client.post("/petitions", json=PETITION)
        assert answer.status_code == 201, answer.text
        receipt = answer.json()
        facts = await line.messages("petition-intake-v1", at_least=2)
        assert ["PetitionRegistered", "PetitionAccepted"] == [type(m.fact).__name__ for m in facts]
        assert chain_is_whole(facts)
        assert {receipt["petition_id"]} == {m.petition for m in facts}
        found = await client.get(
            f"/petitions/{receipt['petition_id']}", headers={"X-Query-Code": receipt["query_code"]}
        )
        assert "accepted" == found.json()["state"]
