"""The limit that a hop is held against: the same bytes in, kept and out by the bare drivers, nothing decided.

Per batch: one bulk write that keeps each petition's messages as they are and the outgoing bytes as pending,
all messages sent at once, one update that clears, one commit. It decodes nothing, reads no document, checks
no version, number or hash.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, Final

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from contracts.bodies import Body
from contracts.envelope import seal
from contracts.identity import PetitionId
from contracts.kinds import DecidedBy
from contracts.routing import PetitionRouted, Reason
from contracts.topics import DOSSIERS, INTAKE, ROUTING
from services.routing.settings import Settings
from tests.bench.constant import FOUND

MOMENT: Final = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def outgoing() -> bytes:
    """The bytes of a routing fact, as long as those that routing itself makes."""
    fact = PetitionRouted(
        at=MOMENT,
        body=Body.LABOR,
        second=FOUND.second,
        domain=FOUND.domain,
        kind=FOUND.kind,
        reasons=tuple(Reason(term=term.term, weight=term.weight) for term in FOUND.reasons),
        confidence=FOUND.confidence,
        decided_by=DecidedBy.MACHINE,
        transfer=1,
        rule_version="bench",
        catalogue_version="bench",
        due=MOMENT,
    )
    return seal(
        fact,
        petition=PetitionId("00000-00000-00000"),
        ordinal=1,
        previous=None,
        cause="petition-intake-v1/00000-00000-00000/2",
        traceparent=None,
    )


async def move(settings: Settings) -> None:
    """Move until ended by a signal."""
    prefix, value = settings.topic_prefix, outgoing()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(settings.database.get_secret_value())
    kept = client.get_default_database().get_collection(
        "dockets", write_concern=WriteConcern(w="majority", j=True)
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.broker,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=256 * 1024,
    )
    consumer = AIOKafkaConsumer(
        prefix + DOSSIERS.name,
        prefix + INTAKE.name,
        bootstrap_servers=settings.broker,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    while True:
        batch = await consumer.getmany(timeout_ms=10, max_records=settings.batch_size)
        changes: dict[bytes, dict[str, Any]] = defaultdict(dict)
        due: list[bytes] = []
        for partition, records in batch.items():
            for record in records:
                changes[record.key][f"parts.{partition.topic}.{record.offset}"] = record.value
                if partition.topic == prefix + DOSSIERS.name:
                    due.append(record.key)
        if not changes:
            continue
        for key in due:
            changes[key]["pending"] = [{"value": value, "since": MOMENT}]
        await kept.bulk_write(
            [
                UpdateOne({"_id": key.decode()}, {"$set": change}, upsert=True)
                for key, change in changes.items()
            ],
            ordered=False,
        )
        sent = [await producer.send(prefix + ROUTING.name, key=key, value=value) for key in due]
        if sent:
            await asyncio.gather(*sent)
            await kept.update_many({"_id": {"$in": [key.decode() for key in due]}}, {"$set": {"pending": []}})
        await consumer.commit()


if __name__ == "__main__":
    uvloop.run(move(Settings()))
