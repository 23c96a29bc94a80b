"""What the system relies on in Apache Kafka and in its client, tried on the real thing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local import kafka, ports
from local.broker import Choice
from local.supervisor import Child, Supervisor
from local.wire import answers
from tests.eventually import eventually

pytestmark = pytest.mark.real
PARTITIONS = 4


@pytest.fixture(autouse=True)
def _kafka_only(broker_choice: Choice) -> None:
    if broker_choice.kind != "kafka":
        pytest.skip(f"about Apache Kafka, and BROKER chose {broker_choice.kind}")


class Broker:
    """A broker of the test's own that it can kill and start again."""

    def __init__(self, supervisor: Supervisor, directory: Path) -> None:
        self._supervisor = supervisor
        self._directory = directory
        self._port, self._controller_port = ports.free(), ports.free()
        self.address = f"127.0.0.1:{self._port}"

    def start(self) -> Child:
        """Start it and wait until it answers."""
        _, child = kafka.start(
            self._supervisor, self._directory, port=self._port, controller_port=self._controller_port
        )
        self._supervisor.wait_until(lambda: answers(self.address), what="answer", child=child)
        return child

    def end(self, child: Child) -> None:
        """End it in good order."""
        child.stop()
        self._supervisor.forget(child)

    def crash(self, child: Child) -> None:
        """End it with SIGKILL."""
        child.kill()
        self._supervisor.forget(child)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Broker]:
    with Supervisor(tmp_path / "logs") as supervisor:
        yield Broker(supervisor, tmp_path)


Topic = Callable[[str], Awaitable[str]]


async def make_topic(bootstrap: str, name: str, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        settings = {"min.insync.replicas": str(max(1, copies - 1))}
        await admin.create_topics([NewTopic(name, PARTITIONS, copies, topic_configs=settings)])
    finally:
        await admin.close()


@contextlib.asynccontextmanager
async def sending(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def reading(bootstrap: str, topic: str, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        heartbeat_interval_ms=200,
        metadata_max_age_ms=1000,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read(consumer: AIOKafkaConsumer, count: int) -> list[int]:
    """Read numbers until there are `count`, then look whether more come."""
    numbers: list[int] = []

    async def enough() -> bool:
        for messages in (await consumer.getmany(timeout_ms=100)).values():
            numbers.extend(int(message.value) for message in messages)
        return len(numbers) >= count

    await eventually(enough, deadline=30, every=0)
    await enough()
    return numbers


async def test_what_was_sent_over_a_crash_of_the_broker_stands_there_once_and_in_order(own: Broker) -> None:
    child = own.start()
    await make_topic(own.address, "crash")
    async with sending(own.address) as producer:
        sent = [await producer.send("crash", b"%d" % number, partition=0) for number in range(3000)]
        await sent[1000]

        own.crash(child)
        own.start()
        sent += [await producer.send("crash", b"%d" % number, partition=0) for number in range(3000, 4000)]
        await asyncio.gather(*sent)

    async with reading(own.address, "crash") as consumer:
        assert await read(consumer, 4000) == list(range(4000))


async def test_messages_and_positions_of_groups_are_there_after_an_orderly_restart(own: Broker) -> None:
    child = own.start()
    await make_topic(own.address, "kept")
    async with sending(own.address) as producer:
        for number in range(10):
            await producer.send_and_wait("kept", b"%d" % number, partition=1)
    async with reading(own.address, "kept", "readers") as consumer:
        await consumer.getone()
        await consumer.commit({TopicPartition("kept", 1): 4})

    own.end(child)
    own.start()

    async with reading(own.address, "kept", "readers") as consumer:
        assert await read(consumer, 6) == [4, 5, 6, 7, 8, 9]


async def test_a_second_member_takes_over_half_and_gives_it_back_when_it_leaves(
    broker: str, tmp_path: Path
) -> None:
    topic = f"{tmp_path.name}-{os.getpid()}"
    await make_topic(broker, topic)
    async with reading(broker, topic, topic) as first:
        await eventually(lambda: len(first.assignment()) == PARTITIONS)

        async with reading(broker, topic, topic) as second:
            await eventually(lambda: len(first.assignment()) == len(second.assignment()) == PARTITIONS // 2)
            assert first.assignment().isdisjoint(second.assignment())

        await eventually(lambda: len(first.assignment()) == PARTITIONS)
        async with sending(broker) as producer:
            for number in range(PARTITIONS):
                await producer.send_and_wait(topic, b"%d" % number, partition=number)
        assert sorted(await read(first, PARTITIONS)) == list(range(PARTITIONS))


async def test_end_offsets_and_offsets_by_time_are_exact(broker: str, tmp_path: Path) -> None:
    topic = f"{tmp_path.name}-{os.getpid()}"
    await make_topic(broker, topic)
    partition = TopicPartition(topic, 0)
    async with sending(broker) as producer:
        for number in range(5):
            await producer.send_and_wait(topic, b"%d" % number, partition=0, timestamp_ms=1000 + number)

    async with reading(broker, topic) as consumer:
        assert await consumer.end_offsets([partition]) == {partition: 5}
        found = await consumer.offsets_for_times({partition: 1003})
    assert found[partition].offset == 3


async def test_a_topic_that_nobody_created_is_not_created_by_a_reader(broker: str, tmp_path: Path) -> None:
    topic = f"{tmp_path.name}-{os.getpid()}"
    consumer = AIOKafkaConsumer(bootstrap_servers=broker)
    await consumer.start()
    try:
        consumer.subscribe([topic])
        await consumer.getmany(timeout_ms=300)
        assert topic not in await consumer.topics()
    finally:
        await consumer.stop()


async def test_three_nodes_lose_nothing_when_one_is_killed(tmp_path: Path) -> None:
    with kafka.cluster(tmp_path) as (bootstrap, nodes):
        await make_topic(bootstrap, "copied", copies=3)
        async with sending(bootstrap) as producer:
            sent = [await producer.send("copied", b"%d" % number, partition=0) for number in range(1000)]
            nodes[2].kill()
            sent += [
                await producer.send("copied", b"%d" % number, partition=0) for number in range(1000, 2000)
            ]
            await asyncio.gather(*sent)

        async with reading(bootstrap, "copied") as consumer:
            assert await read(consumer, 2000) == list(range(2000))
