"""A member that stops leaves its group at once, also while the group waits for somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from runtime.process import LEAVE_SECONDS
from tests.eventually import eventually
from tests.line import Line

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

# A member that is asleep for so long does not hear that its group begins anew, and everybody waits for it.
ASLEEP_MS = 60_000


@asynccontextmanager
async def member(line: Line, name: str) -> AsyncIterator[AIOKafkaConsumer[Any, Any]]:
    """One more member of routing's group, which looks up once a minute."""
    consumer = AIOKafkaConsumer(
        f"{line.prefix}petition-intake-v1",
        bootstrap_servers=line.broker,
        client_id=name,
        group_id=f"{line.name}-routing",
        enable_auto_commit=False,
        session_timeout_ms=ASLEEP_MS,
        heartbeat_interval_ms=ASLEEP_MS - 1000,
        rebalance_timeout_ms=ASLEEP_MS,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def group(line: Line) -> tuple[str, list[str]]:
    """The state of routing's group, and who is in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=line.broker)
    await admin.start()
    try:
        (found,) = await admin.describe_consumer_groups([f"{line.name}-routing"])
    finally:
        await admin.close()
    (told,) = found.to_object()["groups"]
    return told["state"], sorted(one["client_id"] for one in told["members"])


async def joining(line: Line) -> None:
    """A newcomer, for as long as it is let."""
    async with member(line, "newcomer"):
        await asyncio.Event().wait()


async def test_a_service_that_stops_does_not_wait_for_a_member_that_is_asleep(line: Line) -> None:
    async with AsyncExitStack() as others:
        async with line.running("routing") as (process, _):
            asleep = await others.enter_async_context(member(line, "asleep"))
            await eventually(lambda: asleep.assignment() and process.listener.assigned(), deadline=20)
            # Whoever joins now has the group begin anew; routing comes at once, and waits.
            newcomer = asyncio.create_task(joining(line))
            consumer: Any = process.listener.subscriber.consumer

            async def waiting() -> bool:
                rejoins = consumer._coordinator._performed_join_prepare  # noqa: SLF001 - aiokafka shows it nowhere else
                everybody = ["asleep", "newcomer", "routing-listener"]
                return rejoins and await group(line) == ("PreparingRebalance", everybody)

            await eventually(waiting, deadline=20)
            began = monotonic()
        assert monotonic() - began < LEAVE_SECONDS / 2
        _, members = await group(line)
        assert ["asleep", "newcomer"] == members
        newcomer.cancel()
    # Once nobody is asleep any more, the newcomer's own join ends too.
    await asyncio.gather(newcomer, return_exceptions=True)
