"""`up` as a person meets it: what it prints, how it stops, and that nothing is ever left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from pymongo import MongoClient

from local.broker import Choice
from tests.eventually import eventually
from tests.local.conftest import DiskOf, Start, System
from tests.local.processes import alive, children, command

pytestmark = pytest.mark.real
PARTS = 6  # broker, database, four services


def kill_part(system: System, word: str) -> None:
    """Kill the one child whose command line has the word."""
    (victim,) = [pid for pid in children(system.process.pid) if word in command(pid)]
    os.kill(victim, signal.SIGKILL)


async def all_gone(pids: set[int]) -> bool:
    """Wait until none of the processes runs."""
    return await eventually(lambda: not alive(pids), deadline=5)


@pytest.fixture
def kafka_only(broker_choice: Choice) -> None:
    """Skip where there is no Apache Kafka: the others do not promise this."""
    if broker_choice.kind != "kafka":
        pytest.skip(f"only Apache Kafka promises this, and BROKER chose {broker_choice.kind}")


async def test_everything_stops_within_five_seconds_when_interrupted(start: Start) -> None:
    system = start()
    parts = await system.up()

    code = await system.interrupted()

    assert len(parts) == PARTS
    assert code == 0
    assert alive(parts) == set()
    assert "6 processes stopped" in system.printed


async def test_the_addresses_and_the_first_thing_to_try_are_printed(start: Start) -> None:
    system = start()
    await system.up()

    for place in range(4):
        assert f"http://127.0.0.1:{system.port_base + place}" in system.printed
    assert f"curl -sS http://127.0.0.1:{system.port_base}/petitions" in system.printed


async def test_what_tansu_does_not_promise_is_printed(start: Start) -> None:
    system = start(broker="tansu")
    await system.up()

    assert "nothing survives a restart of the broker" in system.printed
    assert "BROKER=kafka` runs Apache Kafka, which promises all of that" in system.printed


async def test_a_part_that_does_not_hear_sigterm_is_killed(start: Start) -> None:
    system = start(STANDIN_DEAF="routing")
    parts = await system.up()

    await system.interrupted()

    assert alive(parts) == set()


async def test_a_second_up_names_the_first_and_leaves_it_alone(start: Start) -> None:
    first = start()
    await first.up()

    second = start()
    code = await second.ended()

    assert code == 1
    assert (
        f"running already in {first.output.parent / 'state'}, as process {first.process.pid}"
        in second.printed
    )
    assert first.process.poll() is None


async def test_a_service_that_dies_is_reported_and_the_rest_stopped(start: Start) -> None:
    system = start()
    parts = await system.up()

    async with httpx.AsyncClient() as client:
        with contextlib.suppress(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{system.port_base + 1}/die")
    code = await system.ended()

    assert code == 1
    assert "routing ended with exit code 7" in system.printed
    assert "the last words" in system.printed
    assert "What to do:" in system.printed
    assert await all_gone(parts)


@pytest.mark.usefixtures("kafka_only")
async def test_a_broker_that_dies_is_reported_and_the_rest_stopped(start: Start) -> None:
    system = start(broker="kafka")
    parts = await system.up()

    kill_part(system, "kafka.Kafka")
    code = await system.ended()

    assert code == 1
    assert "kafka was ended by SIGKILL" in system.printed
    assert "start again: what was acknowledged is on the disk" in system.printed.lower()
    assert await all_gone(parts)


@pytest.mark.usefixtures("kafka_only")
async def test_nothing_is_left_behind_when_up_is_killed(start: Start) -> None:
    system = start(broker="kafka")
    parts = await system.up()

    system.process.kill()

    assert await all_gone(parts)


@pytest.mark.usefixtures("kafka_only")
async def test_facts_and_dockets_are_there_again_after_a_restart(start: Start) -> None:
    first = start(broker="kafka")
    await first.up()
    producer = AIOKafkaProducer(bootstrap_servers=first.broker, enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("petition-intake-v1", b"fact", key=b"petition")
    await producer.stop()
    with MongoClient[dict[str, object]](first.mongo) as client:
        client["intake"]["dockets"].insert_one({"_id": "petition"})
    await first.interrupted()

    second = start(broker="kafka")
    await second.up()

    assert "topics: all there" in second.printed
    with MongoClient[dict[str, object]](second.mongo) as client:
        assert client["intake"]["dockets"].count_documents({"_id": "petition"}) == 1
    consumer = AIOKafkaConsumer(
        "petition-intake-v1", bootstrap_servers=second.broker, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        message = await consumer.getone()
    finally:
        await consumer.stop()
    assert message.value == b"fact"


@pytest.mark.usefixtures("kafka_only")
async def test_a_disk_that_runs_full_is_explained_and_with_room_again_all_goes_on(
    disk_of: DiskOf, start: Start
) -> None:
    folder = disk_of("900m")
    system = start(broker="kafka", LOCAL_STATE=str(folder / "state"))
    parts = await system.up()

    fill = ["dd", "if=/dev/zero", f"of={folder / 'other'}", "bs=1M"]
    await asyncio.to_thread(subprocess.run, fill, check=False, capture_output=True)
    producer = AIOKafkaProducer(bootstrap_servers=system.broker, request_timeout_ms=2000)
    await producer.start()
    with contextlib.suppress(KafkaError):  # it has nowhere to put this, and dies of it
        for _ in range(20):
            await producer.send_and_wait("petition-intake-v1", b"." * 100_000)
    code = await system.ended()
    await asyncio.gather(producer.stop(), return_exceptions=True)

    assert code == 1
    assert "because the disk is full." in system.printed
    assert f"make room where {folder / 'state'} lies" in system.printed
    assert await all_gone(parts)
    (folder / "other").unlink()
    await start(broker="kafka", LOCAL_STATE=str(folder / "state")).up()


async def test_a_taken_port_is_reported_with_its_holder_and_nothing_is_started(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        system = start(PORT_BASE=str(port))
        code = await system.ended()

    assert code == 1
    assert (
        f"Port {port}, needed for the service intake, is taken by process {os.getpid()} (" in system.printed
    )
    assert "PORT_BASE=" in system.printed
    assert "broker:" not in system.printed


async def test_a_broker_that_was_given_and_does_not_answer_is_reported(start: Start) -> None:
    system = start(broker="127.0.0.1:1")

    code = await system.ended()

    assert code == 1
    assert "No broker answers at 127.0.0.1:1." in system.printed


async def test_a_word_that_is_no_broker_is_reported(start: Start) -> None:
    system = start(broker="rabbit")

    assert await system.ended() == 1
    assert "BROKER=rabbit is not a broker." in system.printed


async def test_the_keys_are_made_once_and_only_their_owner_can_read_them(
    start: Start, tmp_path: Path
) -> None:
    system = start()
    await system.up()
    file = tmp_path / "state" / "secrets.env"
    keys = file.read_text(encoding="utf-8")
    await system.interrupted()

    await start().up()

    assert keys == file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
