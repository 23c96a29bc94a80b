"""What the Kafka client does behind a listener's back may end by a bug: nobody may take that for silence."""

from __future__ import annotations

import pytest

from tests.eventually import eventually
from tests.line import Line

pytestmark = pytest.mark.real


async def test_a_service_gives_up_when_its_consumer_has_broken_and_would_never_hear_anything_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with line.running("routing") as (process, client):
        consumer = process.listener.subscriber.consumer
        assert consumer is not None
        coordinator = consumer._coordinator  # noqa: SLF001 - broken from within

        async def closed() -> None:
            raise RuntimeError("the handler is closed")  # what uvloop says of a connection that was lost

        monkeypatch.setattr(coordinator, "ensure_coordinator_known", closed)
        coordinator.coordinator_dead()
        await eventually(lambda: process.health.failed, deadline=40)
        assert "the consumer is broken" == process.health.failed
        assert 503 == (await client.get("/livez")).status_code


async def test_a_service_that_is_stopped_has_not_failed(line: Line) -> None:
    async with line.running("routing") as (process, _):
        pass
    assert "" == process.health.failed
