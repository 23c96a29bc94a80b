"""Two members of one group: they come and go under load; nothing is lost or doubled, order holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from runtime.process import Process
from tests.broker.test_intake_line import chain_is_whole
from tests.broker.test_killed import WAGES, distinct, outbox
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

SERVICES = ("intake", "routing", "mediation", "notify")


def shared(first: Process, second: Process, everything: set[Any]) -> bool:
    """Whether both have a share and together they have everything."""
    shares = (first.listener.assigned(), second.listener.assigned())
    return all(shares) and shares[0] | shares[1] == everything and shares[0] != everything


def grown(accepted: set[str], size: int) -> bool:
    """Whether so many were accepted by now."""
    return len(accepted) >= size


@pytest.mark.parametrize("doubled", ["routing", "mediation", "notify"])
async def test_nothing_is_lost_or_doubled_while_a_second_instance_joins_and_leaves(
    line: Line, doubled: str
) -> None:
    accepted: set[str] = set()

    async def load(client: httpx.AsyncClient, until: asyncio.Event) -> None:
        while not until.is_set():
            answers = await asyncio.gather(*(client.post("/petitions", json=WAGES) for _ in range(5)))
            accepted.update(answer.json()["petition_id"] for answer in answers)

    async with AsyncExitStack() as stack:
        started = {service: await stack.enter_async_context(line.running(service)) for service in SERVICES}
        _, intake = started["intake"]
        first, _ = started[doubled]
        everything = first.listener.assigned()
        for _ in range(2):
            until = asyncio.Event()
            loading = asyncio.create_task(load(intake, until))
            async with line.running(doubled) as (second, _):
                await eventually(partial(shared, first, second, everything), deadline=30)
                assert not first.listener.assigned() & second.listener.assigned()
                await eventually(partial(grown, accepted, len(accepted) + 20), deadline=30)
            await eventually(lambda: first.listener.assigned() == everything, deadline=30)
            until.set()
            await loading

        def all_told() -> bool:
            told = {sms["petition"] for sms in outbox(line) if sms["template"].startswith("case-opened")}
            return accepted <= told

        await eventually(all_told, deadline=60)
        streams = {
            name: await line.messages(f"petition-{name}-v1", at_least=len(accepted))
            for name in ("routing", "mediation", "notify")
        }
    for messages in streams.values():
        assert chain_is_whole(messages)
    assert dict.fromkeys(accepted, 1) == dict(distinct(streams["routing"], "PetitionRouted"))
    assert dict.fromkeys(accepted, 1) == dict(distinct(streams["mediation"], "CaseOpened"))
    assert {1} == set(Counter((sms["petition"], sms["template"]) for sms in outbox(line)).values())
