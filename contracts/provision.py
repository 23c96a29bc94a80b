"""Creates the topics on a broker and compares those that are there with their definition.

The only module of this package that talks to anything: operators, `local/` and the tests call it; the
services never do, because no subscriber creates a topic.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from contracts.topics import ALL_TOPICS, Topic, settings

_ALREADY_THERE: Final = 36  # TOPIC_ALREADY_EXISTS in Kafka's protocol
_REQUEST_TIMEOUT_MS: Final = 30_000
_SEEN_WITHIN: Final = 30.0
_LOOK_EVERY: Final = 0.05
_TRY_EVERY: Final = 0.3
_REPLICAS_FOR_QUORUM: Final = 3


class ProvisionError(RuntimeError):
    """The topics could not be made; the sentence says which and what the broker answered."""


@dataclass(frozen=True)
class Finding:
    """What a topic was found to be: `state` is created, present or different; `told` says what differs."""

    topic: str
    state: str
    told: str


async def provision(
    bootstrap: str,
    *,
    prefix: str = "",
    replication: int = 1,
    topics: Sequence[Topic] = ALL_TOPICS,
) -> list[str]:
    """Create what is missing with one request and return the names (with prefix) of what was created.

    Returns once every topic can be written to. Raises ProvisionError when the broker cannot be reached
    or refuses a topic.
    """
    async with _admin(bootstrap) as admin:
        created = await _create(admin, topics, prefix, replication)
        await _until_led(admin, {prefix + topic.name for topic in topics})
        return created


async def reconcile(
    bootstrap: str,
    *,
    prefix: str = "",
    replication: int = 1,
    wait: float = 0,
    topics: Sequence[Topic] = ALL_TOPICS,
) -> list[Finding]:
    """Create what is missing and compare what was there.

    Tries for `wait` seconds, because a cluster that is coming up first does not answer and then has too
    few brokers; after that the last ProvisionError goes on.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + wait
    while True:
        try:
            return await _reconcile(bootstrap, prefix, replication, topics)
        except ProvisionError:
            if loop.time() >= give_up:
                raise
            await asyncio.sleep(_TRY_EVERY)


async def _reconcile(bootstrap: str, prefix: str, replication: int, topics: Sequence[Topic]) -> list[Finding]:
    async with _admin(bootstrap) as admin:
        created = set(await _create(admin, topics, prefix, replication))
        described = await _until_led(admin, {prefix + topic.name for topic in topics})
        known = await _settings_of(admin, [prefix + t.name for t in topics if prefix + t.name not in created])
    findings = []
    for topic in topics:
        name = prefix + topic.name
        if name in created:
            findings.append(Finding(name, "created", _in_words(topic)))
            continue
        faults = _differences(topic, replication, described[name], known.get(name, {}))
        told = "; ".join(faults) if faults else _in_words(topic)
        findings.append(Finding(name, "different" if faults else "present", told))
    return findings


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
    except (KafkaError, ValueError) as error:
        await admin.close()
        raise ProvisionError(
            f"no Kafka broker answers at {bootstrap!r}: start it, or correct the address (host:port)"
        ) from error
    try:
        yield admin
    except (KafkaError, TimeoutError) as error:
        raise ProvisionError(
            f"the broker at {bootstrap} stopped answering: {type(error).__name__}"
        ) from error
    finally:
        await admin.close()


async def _create(
    admin: AIOKafkaAdminClient, topics: Iterable[Topic], prefix: str, replication: int
) -> list[str]:
    # With three copies an acknowledged message is on two of them; with fewer, one must do.
    quorum = {"min.insync.replicas": "2"} if replication >= _REPLICAS_FOR_QUORUM else {}
    answer = await admin.create_topics(
        [
            NewTopic(prefix + t.name, t.partitions, replication, topic_configs=settings(t) | quorum)
            for t in topics
        ]
    )
    created = []
    for name, code, *told in answer.topic_errors:
        if code == _ALREADY_THERE:
            continue
        if code:
            why = next((sentence for sentence in told if sentence), for_code(code).__name__)
            raise ProvisionError(f"the broker refused topic {name}: {why}")
        created.append(name)
    return created


async def _until_led(admin: AIOKafkaAdminClient, names: set[str]) -> dict[str, dict[str, Any]]:
    """Wait until every partition has a leader, so that the first write or subscription finds its topic."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _SEEN_WITHIN
    while True:
        seen = {row["topic"]: row for row in await admin.describe_topics() if row["topic"] in names}
        missing = {name for name in names if not _is_led(seen.get(name))}
        if not missing:
            return seen
        if loop.time() >= give_up:
            raise ProvisionError(
                f"the broker gives no leader for {', '.join(sorted(missing))}; look at its log"
            )
        await asyncio.sleep(_LOOK_EVERY)


def _is_led(row: dict[str, Any] | None) -> bool:
    return bool(row and row["partitions"] and all(p["leader"] >= 0 for p in row["partitions"]))


async def _settings_of(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == 0
    }


def _differences(topic: Topic, replication: int, row: dict[str, Any], known: dict[str, str]) -> list[str]:
    faults = []
    partitions = row["partitions"]
    if len(partitions) != topic.partitions:
        faults.append(
            f"it has {len(partitions)} partitions and should have {topic.partitions} "
            "(adding some later breaks the order per petition: make the topic anew and replay)"
        )
    if (copies := min(len(p["replicas"]) for p in partitions)) < replication:
        faults.append(f"it is kept in {copies} copies and should be in {replication}")
    other = [
        f"{key} is {known[key]} and should be {value}"
        for key, value in settings(topic).items()
        if key in known and known[key] != value
    ]
    if other:
        faults.append(f"{', '.join(other)} (kafka-configs --alter --add-config sets it)")
    return faults


def _in_words(topic: Topic) -> str:
    if topic.compact:
        kept = "newest per petition"
    elif topic.retention is None:
        kept = "kept for ever"
    else:
        kept = f"kept {topic.retention.days} days"
    return f"{topic.partitions} partition{'' if topic.partitions == 1 else 's'}, {kept}"
