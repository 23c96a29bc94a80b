"""SIGKILL between each pair of steps of a batch: nothing that was accepted is lost, nothing is said twice."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from contracts.bodies import Body
from contracts.envelope import Message
from contracts.topics import BODY_TOPICS
from local.ports import free
from tests.broker.test_intake_line import PETITION, chain_is_whole
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

STEPS = ("loaded", "decided", "saved", "published", "cleared", "committed")
HTTP_STEPS = STEPS[:-1]
DYING = "tests.broker.dying"
SERVICES = ("intake", "routing", "mediation", "notify")
# What each petition's petitioner is told until the case is open.
TEMPLATES = ("registered", "accepted", "routed", "case-opened")
# Waiting costs nothing where all goes well, and other work may keep the machine busy.
DEADLINE = 90.0
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

    return await eventually(accepted, deadline=DEADLINE)


async def feed(client: httpx.AsyncClient, step: str, dying: asyncio.subprocess.Process) -> list[str]:
    """Submit petitions until the process has died; returns their keys, the unanswered one's too."""
    keys: list[str] = []
    while dying.returncode is None:
        keys.append(f"{step}-{len(keys)}")
        request = asyncio.create_task(submit(client, keys[-1]))
        death = asyncio.create_task(dying.wait())
        # A petition every now and then, so that the second batch comes after the first.
        await asyncio.wait({death}, timeout=0.2)
        await asyncio.wait({death, request}, return_when=asyncio.FIRST_COMPLETED)
        for task in (request, death):
            task.cancel()
        await asyncio.gather(request, death, return_exceptions=True)
    return keys


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


async def told_once(line: Line, accepted: set[str]) -> None:
    """Wait until the outbox has each of the four messages for each petition; it must have no other then."""
    wanted = dict.fromkeys(product(sorted(accepted), TEMPLATES), 1)

    def told() -> Counter[tuple[str, str]]:
        return Counter((sms["petition"], sms["template"]) for sms in outbox(line))

    def complete() -> bool:
        missing = wanted.keys() - told().keys()
        assert not missing, f"{len(missing)} of {len(wanted)} never sent: {sorted(missing)[:5]}"
        return True

    await eventually(complete, deadline=DEADLINE)
    assert wanted == dict(told())


async def stated_once(line: Line, accepted: set[str]) -> None:
    """Every stream is whole, and each petition was registered, routed and opened once, by number."""
    streams = {
        name: await line.messages(f"petition-{name}-v1", at_least=len(accepted), deadline=DEADLINE)
        for name in SERVICES
    }
    for name, messages in streams.items():
        assert chain_is_whole(messages), name
    for name, kind in (
        ("intake", "PetitionRegistered"),
        ("intake", "PetitionAccepted"),
        ("routing", "PetitionRouted"),
        ("mediation", "CaseOpened"),
    ):
        assert dict.fromkeys(accepted, 1) == dict(distinct(streams[name], kind)), kind


async def mirrored(line: Line, body: Body) -> None:
    """The body's own topic has the very bytes of mediation's facts, whatever was said twice."""
    facts = {record.value for record in await line.records("petition-mediation-v1", deadline=DEADLINE)}

    async def all_there() -> bool:
        records = await line.records(BODY_TOPICS[body].name, deadline=DEADLINE)
        assert facts == {record.value for record in records}
        return True

    assert facts
    await eventually(all_there, deadline=DEADLINE)


@pytest.mark.parametrize("victim", SERVICES)
async def test_nothing_is_lost_or_doubled_when_a_service_is_killed_between_any_two_steps(
    line: Line, victim: str
) -> None:
    port = free()
    keys: list[str] = []
    async with AsyncExitStack() as others:
        intake = await others.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}"))
        for service in SERVICES:
            if service != victim:
                _, client = await others.enter_async_context(line.running(service))
                intake = client if service == "intake" else intake
        for step in STEPS:
            async with line.spawned(
                victim, victim, step, "2", module="tests.broker.dying", port=port
            ) as dying:
                keys += await feed(intake, step, dying)
                assert -signal.SIGKILL == dying.returncode, step
        async with line.spawned(victim, port=port):
            # The same keys again: what was accepted before a crash is found, not made anew.
            receipts = [await submit(intake, key) for key in keys]
            accepted = {receipt["petition_id"] for receipt in receipts}
            assert len(accepted) == len(keys)

            await told_once(line, accepted)
            await stated_once(line, accepted)
            await mirrored(line, Body.LABOR)
        await told_once(line, accepted)
