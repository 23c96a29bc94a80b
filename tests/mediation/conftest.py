"""A running mediation service, one per module: each test has petitions of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime.process import Process
from services.mediation.app import build
from tests.eventually import eventually
from tests.line import Line
from tests.mediation.arrivals import START, Streams, accepted, petition, registered, routed

_numbers = count(1)


class StandingClock:
    """Time that stands still: a test places its petitions before or behind it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time that it was set to."""
        return self._now


@dataclass(frozen=True)
class Desk:
    """The service, a client of its HTTP interface, and the topics around it."""

    line: Line
    process: Process
    client: httpx.AsyncClient
    clock: StandingClock

    async def arrives(self, *facts: Fact, streams: Streams | None = None) -> Streams:
        """Let facts about one petition reach the service, as a batch from its subscriber."""
        writing = streams or new_petition()
        deliveries = [writing.write(fact) for fact in facts]
        await self.process.batches.handle({writing.petition: deliveries})
        return writing

    async def case(self, body: Body = Body.LABOR) -> PetitionId:
        """Open a case for a body."""
        return (await self.arrives(registered(), accepted(), routed(body))).petition


def new_petition() -> Streams:
    """The streams of a petition that no other test has."""
    return Streams(petition(next(_numbers)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    broker: str, mongo: str, broker_guarantees: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """Start mediation on topics and a database that no other module has."""
    outbox: Path = tmp_path_factory.mktemp("mediation") / "outbox.jsonl"
    line = Line(broker, mongo, str(outbox), idempotent=broker_guarantees == "kafka")
    await line.provide()
    clock = StandingClock(START + timedelta(days=8))
    app, process = build(line.settings("mediation"), clock=clock)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        await eventually(lambda: process.health.started and process.listener.assigned(), deadline=40)
        yield Desk(line, process, client, clock)
