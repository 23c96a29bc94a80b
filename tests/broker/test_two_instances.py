"""Two members of one group: they come and go under load; nothing is lost or doubled, order holds."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from contracts.bodies import Body
from runtime.process import Process
from runtime.settings import ServiceSettings
from tests.broker.test_killed import DEADLINE, SERVICES, WAGES, mirrored, stated_once, told_once
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

# Nobody dies here, so sessions may be as long as in service: with those of the other tests, 1.5 s, a loaded
# machine throws members out for being late, five of them on one loop, and the group begins anew without end.
AS_IN_SERVICE = {"session_timeout": ServiceSettings.model_fields["session_timeout"].default}


def shared(first: Process, second: Process, everything: set[Any]) -> bool:
    """Whether both have a share and together they have everything."""
    shares = (first.listener.assigned(), second.listener.assigned())
    return all(shares) and shares[0] | shares[1] == everything and shares[0] != everything


def grown(accepted: set[str], size: int) -> bool:
    """Whether so many were accepted by now."""
    return len(accepted) >= size


async def submitted(client: httpx.AsyncClient) -> str:
    """Submit one petition; returns its number."""
    answer = await client.post("/petitions", json=WAGES)
    assert 201 == answer.status_code, answer.text
    petition: str = answer.json()["petition_id"]
    return petition


@pytest.mark.parametrize("doubled", SERVICES)
async def test_nothing_is_lost_or_doubled_while_a_second_instance_joins_and_leaves(
    line: Line, doubled: str
) -> None:
    accepted: set[str] = set()

    async def load(client: httpx.AsyncClient, until: asyncio.Event) -> None:
        # Some fifty a second: all services share one loop here, and a flood would keep heartbeats from it.
        ended = asyncio.create_task(until.wait())
        while not until.is_set():
            accepted.update(await asyncio.gather(*(submitted(client) for _ in range(5))))
            await asyncio.wait({ended}, timeout=0.1)

    async with AsyncExitStack() as stack:
        started = {
            service: await stack.enter_async_context(line.running(service, changes=AS_IN_SERVICE))
            for service in SERVICES
        }
        _, intake = started["intake"]
        first, _ = started[doubled]
        everything = first.listener.assigned()
        for _ in range(2):
            until = asyncio.Event()
            loading = asyncio.create_task(load(intake, until))
            async with line.running(doubled, changes=AS_IN_SERVICE) as (second, other):
                await eventually(partial(shared, first, second, everything), deadline=DEADLINE)
                assert not first.listener.assigned() & second.listener.assigned()
                if doubled == "intake":
                    # Petitions come in at both doors at once.
                    both = [submitted(client) for client in (intake, other) for _ in range(5)]
                    accepted.update(await asyncio.gather(*both))
                await eventually(partial(grown, accepted, len(accepted) + 20), deadline=DEADLINE)
            await eventually(lambda: first.listener.assigned() == everything, deadline=DEADLINE)
            until.set()
            await loading

        await told_once(line, accepted)
        await stated_once(line, accepted)
        await mirrored(line, Body.LABOR)
    # What was under way when all stopped would have come out by now.
    await told_once(line, accepted)
