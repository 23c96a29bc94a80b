"""SIGKILL between each pair of steps of a batch: nothing that was accepted is lost, nothing is said twice."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from contracts.envelope import Message
from local.ports import free
from tests.broker.test_intake_line import PETITION, chain_is_whole
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

STEPS = ("loaded", "decided", "saved", "published", "cleared", "committed")
HTTP_STEPS = STEPS[:-1]
SERVICES = ("intake", "routing", "mediation", "notify")
# One text per body that the classifier is sure of would do; this one is about unpaid wages.
WAGES = {
    **PETITION,
    "title": "公司拖欠工资三个月",
    "content": "我在工地干活，公司拖欠农民工工资三个月，老板一直不给，要求支付劳动报酬，请劳动部门帮助讨薪。",
}


async def submit(client: httpx.AsyncClient, key: str) -> dict[str, str]:
    """Submit once per key, as often as it takes: the service may be dead at the moment."""

    async def accepted() -> dict[str, str]:
        try:
            answer = await client.post("/petitions", json=WAGES, headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            raise AssertionError("no answer") from error
        assert answer.status_code == 201, answer.text
        receipt: dict[str, str] = answer.json()
        return receipt

    return await eventually(accepted, deadline=40)


def distinct(messages: list[Message], kind: str) -> Counter[str]:
    """How many facts of one kind each petition has, repeats of the same number counted once."""
    found = {m.envelope.id: m for m in messages if type(m.fact).__name__ == kind}
    return Counter(m.petition for m in found.values())


def outbox(line: Line) -> list[dict[str, Any]]:
    """The lines of the file outbox."""
    path = Path(line.outbox)
    return (
        [msgspec.json.decode(text) for text in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


@pytest.mark.parametrize("victim", SERVICES)
async def test_nothing_is_lost_or_doubled_when_a_service_is_killed_between_any_two_steps(
    line: Line, victim: str
) -> None:
    port = free()
    petitions = []
    async with AsyncExitStack() as others:
        clients: dict[str, httpx.AsyncClient] = {}
        for service in SERVICES:
            if service != victim:
                _, clients[service] = await others.enter_async_context(line.running(service))
        intake = clients.get("intake") or await others.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}")
        )
        for step in STEPS:
            # The second time, so that the first message of a fresh member is not always the one that dies.
            async with line.spawned(
                victim, victim, step, "2", module="tests.broker.dying", port=port
            ) as dying:
                petitions += [await submit(intake, f"{step}-{n}") for n in range(2)]
                await eventually(lambda dying=dying: dying.returncode is not None, deadline=60)
                assert dying.returncode == -9
        async with line.spawned(victim, port=port):
            petitions += [await submit(intake, f"{step}-{n}") for step in STEPS for n in range(2)]
            accepted = {receipt["petition_id"] for receipt in petitions}
            assert len(accepted) == 2 * len(STEPS)

            async def everything_is_told() -> bool:
                told = Counter((sms["petition"], sms["template"]) for sms in outbox(line))
                opened = {petition for petition, template in told if template.startswith("case-opened")}
                return accepted <= opened

            await eventually(everything_is_told, deadline=60)
            streams = {
                name: await line.messages(f"petition-{name}-v1", at_least=len(accepted))
                for name in ("intake", "routing", "mediation", "notify")
            }
        for messages in streams.values():
            assert chain_is_whole(messages)
        for name, kind in (
            ("intake", "PetitionRegistered"),
            ("routing", "PetitionRouted"),
            ("mediation", "CaseOpened"),
        ):
            assert dict.fromkeys(accepted, 1) == dict(distinct(streams[name], kind)), kind
        told = Counter((sms["petition"], sms["template"]) for sms in outbox(line))
        assert {1} == set(told.values())
