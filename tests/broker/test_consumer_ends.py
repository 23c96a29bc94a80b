"""What the Kafka client does behind a listener's back may end by a bug: nobody may take that for silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.eventually import eventually
from tests.line import Line

pytestmark = pytest.mark.real

TASKS: dict[str, Callable[[Any], asyncio.Task[None]]] = {
    "coordination": lambda consumer: consumer._coordinator._coordination_task,  # noqa: SLF001
    "fetching": lambda consumer: consumer._fetcher._fetch_task,  # noqa: SLF001
}


@pytest.mark.parametrize("name", TASKS)
async def test_a_service_ends_when_its_consumer_has_ended_and_would_never_hear_anything_again(
    line: Line, name: str
) -> None:
    async with line.running("routing") as (process, client):
        TASKS[name](process.listener.subscriber.consumer).cancel()
        await eventually(lambda: process.health.failed)
        assert "the consumer ended" == process.health.failed
        assert 503 == (await client.get("/livez")).status_code


async def test_a_service_that_is_stopped_has_not_failed(line: Line) -> None:
    async with line.running("routing") as (process, _):
        pass
    assert "" == process.health.failed
