"""What the whole run has left in the streams: a fact for each answer that said so, and none for a refusal."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.envelope import UndecodableError, read
from contracts.topics import DEAD_LETTERS, DOSSIERS, FACT_TOPICS
from local.services import Surroundings

# Of which answers each kind of fact that people cause is a consequence.
CAUSED_BY = {
    "PetitionRegistered": {("POST", "/petitions", 201), ("POST", "/", 201)},
    "PetitionSupplemented": {
        ("POST", "/petitions/{petition_id}/supplement", 204),
        ("POST", "/supplement", 200),
    },
    "PetitionRated": {("POST", "/petitions/{petition_id}/rating", 204), ("POST", "/rate", 200)},
    "DossierRead": {("GET", "/petitions/{petition_id}/dossier", 200)},
    "CaseAccepted": {("POST", "/cases/{petition_id}/accept", 200)},
    "SessionHeld": {("POST", "/cases/{petition_id}/sessions", 200)},
    "CaseConcluded": {("POST", "/cases/{petition_id}/conclusion", 200)},
    "CaseAnswered": {("POST", "/cases/{petition_id}/answer", 200)},
    "PetitionReferred": {("POST", "/triage/{petition_id}/decision", 200)},
}


def differences(around: Surroundings, answers: Counter[tuple[str, str, int]]) -> list[str]:
    """Return what does not balance: facts without an answer that said so, messages nobody could read."""
    facts, unread = asyncio.run(_facts(around))
    found = [f"{topic}: {number} messages that no reader can decode" for topic, number in unread.items()]
    for kind, causes in CAUSED_BY.items():
        said = sum(answers[cause] for cause in causes)
        if facts[kind] > said:
            found.append(f"{facts[kind]} {kind} in the streams, but only {said} answers said so")
    written = facts["PetitionRegistered"] + facts["PetitionSupplemented"]
    if written != facts["DossierSaved"]:
        found.append(f"{written} registered or supplemented, {facts['DossierSaved']} dossiers")
    return found


async def _facts(around: Surroundings) -> tuple[Counter[str], Counter[str]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=around.bootstrap, enable_auto_commit=False)
    await consumer.start()
    facts: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    try:
        topics = (*FACT_TOPICS, *DEAD_LETTERS.values())
        places = [
            TopicPartition(around.topic_prefix + topic.name, number)
            for topic in topics
            for number in range(topic.partitions)
        ]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                _count(
                    place.topic.removeprefix(around.topic_prefix), [r.value for r in records], facts, unread
                )
    finally:
        await consumer.stop()
    return facts, unread


def _count(topic: str, values: list[bytes | None], facts: Counter[str], unread: Counter[str]) -> None:
    if topic not in {known.name for known in FACT_TOPICS}:
        unread[topic] += len(values)
        return
    for value in values:
        try:
            message = read(value or b"")
        except UndecodableError:
            unread[topic] += topic != DOSSIERS.name or value is not None
            continue
        if message.fact is None:
            unread[topic] += 1
        else:
            facts[type(message.fact).__name__] += 1
