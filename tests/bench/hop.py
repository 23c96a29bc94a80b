"""One hop: how fast routing works off a backlog, against bare drivers that move the same bytes."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from statistics import median
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.dossiers import DossierSaved
from contracts.envelope import digest, seal
from contracts.fact import Fact
from contracts.identity import CHANCE_RANGE, PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Channel
from contracts.topics import DOSSIERS, INTAKE
from local.services import Surroundings
from local.supervisor import Supervisor
from tests.bench import figures, processes, texts
from tests.bench.pace import pause
from tests.bench.stage import Stage, environment

PETITIONS = 12_000
FACTS = 3 * PETITIONS
PAIRS = 3
BEGAN = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SHA = sha256(b"").hexdigest()
GIVE_UP = 300.0


@dataclass(frozen=True)
class Passed:
    """How one program worked off the backlog."""

    per_second: float
    cpu_ms: float
    mongod_ms: float


def hop(stage: Stage, source: str) -> None:
    """Measure both programs in turns on one backlog and show the medians."""
    around = stage.surroundings("hop")
    asyncio.run(_fill(around, source))
    found: dict[str, list[Passed]] = {"raw": [], "constant": []}
    for turn in range(PAIRS):
        for program, passed in found.items():
            passed.append(_passed(stage, around, program, turn))
            figures.tell(f"hop: {program} {passed[-1].per_second:.0f} facts/s")
    ours, raw = found["constant"], found["raw"]
    figures.show(
        "hop",
        median(p.per_second for p in ours),
        "facts/s",
        reference=median(p.per_second for p in raw),
        facts=FACTS,
        runs=[round(p.per_second) for p in ours],
        reference_runs=[round(p.per_second) for p in raw],
        cpu_ms_per_fact=_cost(ours),
        reference_cpu_ms_per_fact=_cost(raw),
    )


def _cost(passed: Sequence[Passed]) -> dict[str, float]:
    return {
        "service": round(median(p.cpu_ms for p in passed), 4),
        "mongod": round(median(p.mongod_ms for p in passed), 4),
    }


async def _fill(around: Surroundings, source: str) -> None:
    """Put the backlog on the topics: of each petition its dossier, its registration and its acceptance."""
    producer = AIOKafkaProducer(
        bootstrap_servers=around.bootstrap, acks="all", compression_type="lz4", max_batch_size=256 * 1024
    )
    await producer.start()
    try:
        under_way: list[Any] = []
        for number, text in zip(range(PETITIONS), texts.chosen(1, source), strict=False):
            petition = make(BEGAN + timedelta(seconds=number), secrets.randbelow(CHANCE_RANGE))
            for topic, value in _arrived(petition, text):
                name = around.topic_prefix + topic
                under_way.append(await producer.send(name, key=petition.encode(), value=value))
        await asyncio.gather(*under_way)
    finally:
        await producer.stop()
    figures.tell(f"hop: {FACTS} facts wait on the topics")


def _arrived(petition: PetitionId, text: texts.Text) -> list[tuple[str, bytes]]:
    dossier = DossierSaved(
        at=BEGAN,
        name=text.name,
        phone=text.phone,
        title=text.title,
        content=text.content,
        code_salt="00",
        code_hash=SHA,
    )
    registered = PetitionRegistered(
        at=BEGAN,
        channel=Channel.NETWORK,
        first_receiver="petition-office",
        dossier_sha256=sha256(dossier.data()).hexdigest(),
        request=SHA,
        payload=SHA,
        tell_by=BEGAN + timedelta(days=15),
    )
    accepted = PetitionAccepted(at=BEGAN, due=BEGAN + timedelta(days=60))

    def sealed(fact: Fact, ordinal: int, previous: str | None) -> bytes:
        return seal(
            fact, petition=petition, ordinal=ordinal, previous=previous, cause="http", traceparent=None
        )

    first = sealed(registered, 1, None)
    return [
        (DOSSIERS.name, sealed(dossier, 1, None)),
        (INTAKE.name, first),
        (INTAKE.name, sealed(accepted, 2, digest(first))),
    ]


def _passed(stage: Stage, around: Surroundings, program: str, turn: int) -> Passed:
    """Start the program on the backlog with a group and a database of its own; stop it at the end."""
    name = f"hop-{program}-{turn}"
    own: Mapping[str, str] = {
        "ROUTING_GROUP": name,
        "ROUTING_DATABASE": f"{stage.mongo.partition('/?')[0]}/{name}?replicaSet=bench",
    }
    with Supervisor(stage.folder / "logs" / name) as supervisor:
        child = supervisor.start(
            program,
            [sys.executable, "-m", f"tests.bench.{program}"],
            env=environment("routing", around, own),
            stage=1,
        )
        pids = {"service": child.process.pid, "mongod": stage.pids["mongod"]}
        return asyncio.run(_watched(around.bootstrap, name, pids, supervisor))


async def _watched(bootstrap: str, group: str, pids: Mapping[str, int], supervisor: Supervisor) -> Passed:
    """Measure from the first commit seen to the last: the start of the program is not in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    began: tuple[float, int, dict[str, float]] | None = None
    limit = time.monotonic() + GIVE_UP
    try:
        while time.monotonic() < limit:
            supervisor.check()
            done, now = await _committed(admin, group), time.monotonic()
            if done and began is None:
                began = now, done, processes.used(pids)
            if done >= FACTS and began is not None:
                used, facts = processes.used(pids), done - began[1]
                cost = {name: (used[name] - began[2][name]) / facts for name in used}
                return Passed(facts / (now - began[0]), cost["service"], cost["mongod"])
            await pause(0.02)
    finally:
        await admin.close()
    raise TimeoutError(f"{group} did not work off the backlog within {GIVE_UP:.0f} s")


async def _committed(admin: AIOKafkaAdminClient, group: str) -> int:
    """How many messages a group has done with; none while nobody leads it yet."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except KafkaError:
        return 0
    return sum(max(0, place.offset) for place in offsets.values())
