"""A running intake, one per module: each test has petitions, keys and an address of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.topics import ALL_TOPICS
from runtime.clock import SystemClock
from runtime.process import Process
from services.intake.app import build
from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.intake import arrivals
from tests.line import Line
from tests.mediation.arrivals import Streams

TRIES_PER_PETITION: Final = 3
TRIES_PER_ADDRESS: Final = 6
WINDOW: Final = timedelta(minutes=15)
BROWSER: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_addresses = count(1)


@dataclass
class MovingClock:
    """Time that stands still until a test moves it; it begins now, since the database forgets by its own."""

    time: datetime = field(default_factory=SystemClock().now)

    def now(self) -> datetime:
        """Return the time that it was moved to."""
        return self.time


@dataclass(frozen=True)
class Desk:
    """The service, clients of its HTTP interface, and what stands behind it."""

    line: Line
    app: FastAPI
    process: Process
    clock: MovingClock
    client: httpx.AsyncClient
    dockets: Any
    consumer: Any

    def caller(self, address: str = "", **headers: str) -> httpx.AsyncClient:
        """A client at an address of its own, so that its wrong tries are its own."""
        number = next(_addresses)
        host = address or f"10.0.{number // 250}.{number % 250 + 1}"
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(host, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    async def stored(self) -> tuple[int, int]:
        """How many dockets there are, and how many messages in all topics together."""
        await eventually(lambda: self.process.batches.flush.oldest_unpublished() == 0.0)
        partitions = [
            TopicPartition(self.line.prefix + topic.name, number)
            for topic in ALL_TOPICS
            for number in range(topic.partitions)
        ]
        ends = await self.consumer.end_offsets(partitions)
        return await self.dockets.count_documents({}), sum(ends.values())

    async def submitted(self, **changes: Any) -> dict[str, str]:
        """A petition of the test's own: its number and its code."""
        answer = await self.client.post("/petitions", json={**PETITION, **changes})
        assert answer.status_code == 201, answer.text
        receipt: dict[str, str] = answer.json()
        return receipt

    async def arrives(self, petition: str, *facts: Fact) -> None:
        """Let facts of other services reach intake, as a batch from its subscriber."""
        streams = Streams(PetitionId(petition))
        await self.process.batches.handle({streams.petition: [streams.write(fact) for fact in facts]})

    async def answered(self, body: Body = Body.LABOR) -> dict[str, str]:
        """A petition that has its answer."""
        receipt = await self.submitted()
        opened = arrivals.OPENED.model_copy(update={"body": body})
        await self.arrives(receipt["petition_id"], arrivals.routed(body), opened, arrivals.ANSWERED)
        return receipt


def key() -> dict[str, str]:
    """An Idempotency-Key that no other request has."""
    return {"Idempotency-Key": secrets.token_hex(16)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    broker: str, mongo: str, broker_guarantees: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """Start intake on topics and a database that no other module has."""
    outbox: Path = tmp_path_factory.mktemp("intake") / "outbox.jsonl"
    line = Line(broker, mongo, str(outbox), idempotent=broker_guarantees == "kafka")
    await line.provide()
    clock = MovingClock()
    settings = line.settings(
        "intake",
        tries_window=WINDOW,
        tries_per_petition=TRIES_PER_PETITION,
        tries_per_address=TRIES_PER_ADDRESS,
    )
    app, process = build(settings, clock=clock)
    database: AsyncIOMotorClient[Any] = AsyncIOMotorClient(f"{mongo}/{line.name}_intake")
    consumer = AIOKafkaConsumer(bootstrap_servers=broker)
    await consumer.start()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test", timeout=30) as client,
        ):
            await eventually(lambda: process.health.started and process.listener.assigned(), deadline=40)
            dockets = database.get_default_database()["dockets"]
            yield Desk(line, app, process, clock, client, dockets, consumer)
    finally:
        await consumer.stop()
        database.close()
