"""How fast notify tells: from a fact on a topic to submit_sm at a message centre that is not ours.

`telling` works off a backlog of registrations, one SMS each; `telling-200` is fed 200 facts a second, and
says how long each took until its gateway had it. Broker, database and centre share the machine with notify.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.dossiers import DossierSaved
from contracts.envelope import UndecodableError, read, seal
from contracts.identity import CHANCE_RANGE, PetitionId, make
from contracts.intake import PetitionRegistered
from contracts.kinds import Channel
from contracts.notify import SmsSent
from contracts.topics import DOSSIERS, INTAKE, NOTIFY
from local.services import Surroundings
from local.supervisor import Supervisor
from local.trouble import LocalError
from tests.bench import figures, processes
from tests.bench.pace import pause
from tests.bench.stage import Stage, environment
from tests.notify.peers import centre
from tests.notify.peers.node import MissingError

PETITIONS: Final = 6_000
RATE: Final = 200
GOAL: Final = 1_000.0
AT_ONCE_SHARE: Final = 0.95
GIVE_UP: Final = 180.0
# What the backlog led to is stated and published by then.
SETTLE: Final = 5.0
SHA: Final = sha256(b"").hexdigest()


def telling(stage: Stage, seconds: float) -> None:
    """Measure the backlog, then the steady rate."""
    around = stage.surroundings("telling")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="petition-bench-telling-") as folder,
            centre.running(Path(folder)) as peer,
        ):
            asyncio.run(_measured(stage, around, peer, seconds))
    except MissingError as missing:
        raise LocalError(f"No message centre: {missing}.", "Install it, or measure the others.") from None


async def _measured(stage: Stage, around: Surroundings, peer: centre.Centre, seconds: float) -> None:
    await peer.ask(keep=False, receipts="no")
    producer = AIOKafkaProducer(bootstrap_servers=around.bootstrap, acks="all", compression_type="lz4")
    await producer.start()
    try:
        await _publish(producer, around, range(PETITIONS))
        figures.tell(f"telling: {PETITIONS} registrations wait on the topics")
        own: Mapping[str, str] = {
            "NOTIFY_GATEWAYS": "smpp",
            "NOTIFY_SMPP_HOST": "127.0.0.1",
            "NOTIFY_SMPP_PORT": str(peer.port),
            "NOTIFY_SMPP_SYSTEM_ID": "bridge",
            "NOTIFY_SMPP_PASSWORD": "secret",
            "NOTIFY_SMPP_SOURCE": "106912345",
            "NOTIFY_SMPP_RATE": "20000",
            "NOTIFY_SMPP_WINDOW": "100",
        }
        with Supervisor(stage.folder / "logs" / "telling") as supervisor:
            program = [sys.executable, "-m", "services.notify"]
            child = supervisor.start("notify", program, env=environment("notify", around, own), stage=1)
            pids = {"notify": child.process.pid, "mongod": stage.pids["mongod"], "kafka": stage.pids["kafka"]}
            await _backlog(peer, pids, supervisor)
            await pause(SETTLE)
            await _steady(around, producer, seconds)
    finally:
        await producer.stop()


async def _backlog(peer: centre.Centre, pids: Mapping[str, int], supervisor: Supervisor) -> None:
    """From the first submit_sm to the last; how many segments a message has is the centre's to say."""
    limit, first, seen, since = time.monotonic() + GIVE_UP, None, 0, 0.0
    busy: dict[str, float] = {}
    while time.monotonic() < limit:
        supervisor.check()
        count, now = int((await peer.counts())["accepted"]), time.monotonic()
        if count and first is None:
            first, busy = (now, count), processes.used(pids)
        if count > seen:
            seen, since = count, now
        if first is not None and seen >= 2 * PETITIONS:
            break
        await pause(0.02)
    if first is None or seen < 2 * PETITIONS:
        raise LocalError(f"The centre got {seen} segments only.", "Look at notify's log.")
    took, share = since - first[0], (seen - first[1]) / seen
    used = processes.used(pids)
    figures.show(
        "telling",
        share * PETITIONS / took,
        "SMS/s from a fact to submit_sm",
        reference=GOAL,
        sms=PETITIONS,
        submits_per_second=round((seen - first[1]) / took),
        cpu_ms_per_sms={name: round((used[name] - busy[name]) / (share * PETITIONS), 3) for name in pids},
    )


async def _steady(around: Surroundings, producer: AIOKafkaProducer, seconds: float) -> None:
    """Publish at the rate; what notify states says when each message was with the gateway."""
    began, told = time.monotonic(), int(RATE * seconds)
    published: dict[PetitionId, datetime] = {}
    for number in range(told):
        await pause(max(0.0, began + number / RATE - time.monotonic()))
        published |= await _publish(producer, around, range(PETITIONS + number, PETITIONS + number + 1))
    waited = await _waited(around, published)
    figures.show(
        "telling-200",
        sum(one <= 1.0 for one in waited) / len(waited),
        "share of SMS with the gateway within 1 s of their fact",
        reference=AT_ONCE_SHARE,
        sms=len(waited),
        waited_ms=figures.percentiles([one * 1000 for one in waited]),
    )


async def _waited(around: Surroundings, published: Mapping[PetitionId, datetime]) -> list[float]:
    consumer = AIOKafkaConsumer(bootstrap_servers=around.bootstrap, enable_auto_commit=False)
    await consumer.start()
    found: dict[PetitionId, float] = {}
    limit = time.monotonic() + GIVE_UP
    try:
        name = around.topic_prefix + NOTIFY.name
        places = [TopicPartition(name, number) for number in range(NOTIFY.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        while len(found) < len(published) and time.monotonic() < limit:
            for records in (await consumer.getmany(*places, timeout_ms=200)).values():
                found |= _sent([record.value for record in records], published)
    finally:
        await consumer.stop()
    if len(found) < len(published):
        raise LocalError(f"{len(published) - len(found)} SMS did not go out.", "Look at notify's log.")
    return list(found.values())


def _sent(values: Sequence[bytes], published: Mapping[PetitionId, datetime]) -> dict[PetitionId, float]:
    found: dict[PetitionId, float] = {}
    for value in values:
        try:
            message = read(value)
        except UndecodableError:
            continue
        if isinstance(message.fact, SmsSent) and message.petition in published:
            found[message.petition] = (message.fact.at - published[message.petition]).total_seconds()
    return found


async def _publish(
    producer: AIOKafkaProducer, around: Surroundings, numbers: range
) -> dict[PetitionId, datetime]:
    """Publish dossier and registration of new petitions; returns when each was on the topics."""
    made: dict[PetitionId, Any] = {}
    for number in numbers:
        at = datetime.fromtimestamp(time.time(), UTC)
        petition = make(at, secrets.randbelow(CHANCE_RANGE))
        dossier = DossierSaved(
            at=at,
            name="测试",
            phone=f"138{number:08d}",
            title="测试",
            content="测试",
            code_salt="00",
            code_hash=SHA,
        )
        registered = PetitionRegistered(
            at=at,
            channel=Channel.NETWORK,
            first_receiver="petition-office",
            dossier_sha256=SHA,
            request=SHA,
            payload=SHA,
            tell_by=at + timedelta(days=15),
        )
        for topic, fact in ((DOSSIERS, dossier), (INTAKE, registered)):
            value = seal(fact, petition=petition, ordinal=1, previous=None, cause="http", traceparent=None)
            made[petition] = await producer.send(
                around.topic_prefix + topic.name, key=petition.encode(), value=value
            )
    await asyncio.gather(*made.values())
    now = datetime.fromtimestamp(time.time(), UTC)
    return dict.fromkeys(made, now)
