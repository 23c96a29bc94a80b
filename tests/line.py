"""Services inside the test's own process, on the real broker and database, with names of the test's own."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import httpx
import jwt
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from contracts.envelope import Message, read
from contracts.provision import provision
from runtime.process import Process
from tests.eventually import eventually

STAFF_KEY = "a-test-key-for-staff-tokens-0123456789"
CODE_SECRET = "a-test-secret-for-query-codes-0123456789"


def token(role: str, *, body: str | None = None, who: str = "staff-1", unit: str | None = None) -> str:
    """An Authorization header for somebody on the staff."""
    claims = {"sub": who, "role": role, "exp": datetime.now(UTC) + timedelta(hours=1)}  # noqa: TID251 - tokens are checked by the real clock
    claims |= {name: value for name, value in (("body", body), ("unit", unit)) if value}
    return f"Bearer {jwt.encode(claims, STAFF_KEY, algorithm='HS256')}"


@dataclass
class Line:
    """One test's own topics and databases, and the services it starts on them."""

    broker: str
    mongo: str
    outbox: str
    idempotent: bool = True
    name: str = field(default_factory=lambda: f"t{secrets.token_hex(5)}")

    @property
    def prefix(self) -> str:
        """What stands before every topic of this test."""
        return f"{self.name}-"

    async def provide(self) -> None:
        """Create the topics."""
        await provision(self.broker, prefix=self.prefix)

    def environment(self, service: str, *, port: int = 1) -> dict[str, str]:
        """The environment of one service of this line."""
        own = {
            "BROKER": self.broker,
            "DATABASE": f"{self.mongo}/{self.name}_{service}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "STAFF_KEY": STAFF_KEY,
            "GROUP": f"{self.name}-{service}",
            "TOPIC_PREFIX": self.prefix,
            "IDEMPOTENT": str(self.idempotent).lower(),
            "SESSION_TIMEOUT": "PT1.5S",
            "SWEEP_AFTER": "PT1S",
            "SWEEP_EVERY": "PT0.2S",
            "CODE_SECRET": CODE_SECRET,
            "OUTBOX": self.outbox,
            "LEASE": "PT2S",
            "TRIES_PER_ADDRESS": "1000",
            # Examples share one number, and tests run at night too.
            "CAP_NUMBER": "0",
            "CAP_TEMPLATE": "0",
            "QUIET_BEGINS": "00:00",
            "QUIET_ENDS": "00:00",
            "JOIN_WINDOW": "PT0S",
        }
        return {f"{service.upper()}_{name}": value for name, value in own.items()}

    def settings(self, service: str, **changes: Any) -> Any:
        """The settings of one service of this line."""
        kind = import_module(f"services.{service}.settings").Settings
        prefix = f"{service.upper()}_"
        values = {
            name.removeprefix(prefix).lower(): value for name, value in self.environment(service).items()
        }
        known = {name: value for name, value in values.items() if name in kind.model_fields}
        return kind(**{**known, **changes})

    @asynccontextmanager
    async def running(
        self,
        service: str,
        *,
        on_step: Callable[[str], Awaitable[None]] | None = None,
        changes: dict[str, Any] | None = None,
        ready: bool = True,
    ) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
        """Start one service in this process and stop it at the end."""
        build = import_module(f"services.{service}.app").build
        app, process = build(self.settings(service, **(changes or {})), on_step=on_step)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                if ready:
                    await eventually(
                        lambda: process.health.started and process.listener.assigned(), deadline=40
                    )
                yield process, client

    @asynccontextmanager
    async def spawned(
        self, service: str, *arguments: str, module: str | None = None, port: int = 1
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start a service, or a module of the tests with arguments, in a process of its own; end it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module or f"services.{service}",
            *arguments,
            env={**os.environ, **self.environment(service, port=port)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def records(
        self, topic: str, *, at_least: int = 0, deadline: float = 20
    ) -> list[ConsumerRecord[Any, Any]]:
        """All records of a topic from its beginning, once there are `at_least` so many."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker, enable_auto_commit=False)
        await consumer.start()
        try:
            name = self.prefix + topic
            partitions = [
                TopicPartition(name, p)
                for p in sorted(consumer.partitions_for_topic(name) or await _partitions(consumer, name))
            ]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            found: list[ConsumerRecord[Any, Any]] = []

            async def enough() -> bool:
                batch = await consumer.getmany(*partitions, timeout_ms=200)
                for records in batch.values():
                    found.extend(records)
                # A busy broker may have nothing to give for a while: only the last offset tells the end.
                ends = await consumer.end_offsets(partitions)
                read = [await consumer.position(one) >= end for one, end in ends.items()]
                return all(read) and len(found) >= at_least

            await eventually(enough, deadline=deadline)
            return found
        finally:
            await consumer.stop()

    async def messages(self, topic: str, *, at_least: int = 0, deadline: float = 20) -> list[Message]:
        """All messages of a topic, decoded."""
        records = await self.records(topic, at_least=at_least, deadline=deadline)
        return [read(record.value) for record in records if record.value is not None]

    async def send(self, topic: str, *values: bytes, key: str | None = None) -> None:
        """Publish raw bytes as somebody else would."""
        producer = AIOKafkaProducer(bootstrap_servers=self.broker, acks="all")
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(self.prefix + topic, value, key=(key or "").encode() or None)
        finally:
            await producer.stop()


async def _partitions(consumer: AIOKafkaConsumer, name: str) -> set[int]:
    await consumer._client.force_metadata_update()  # noqa: SLF001 - the public call does not refresh
    return consumer.partitions_for_topic(name) or set()


async def gather(*awaitables: Awaitable[Any]) -> list[Any]:
    """Run things side by side."""
    return list(await asyncio.gather(*awaitables))
