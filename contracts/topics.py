"""Every topic: who writes it, who may read it, how it is kept. Topics and access rights come from here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.bodies import Body

SERVICES: Final = ("intake", "routing", "mediation", "notify")
EVERYBODY: Final = (*SERVICES, "audit")

# On a compacted topic: how long a reader may be away and still hear of an erasure, and how soon the
# erased text is gone from the broker's disk.
TOMBSTONE_KEPT: Final = timedelta(days=30)
ERASED_WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True)
class Topic:
    """One topic. `retention` None means kept for ever; `compact` keeps the newest message of each key."""

    name: str
    writer: str
    readers: tuple[str, ...]
    contents: str
    partitions: int = 12
    compact: bool = False
    retention: timedelta | None = None
    personal: bool = False


def settings(topic: Topic) -> dict[str, str]:
    """Return the broker's settings that make a topic be kept as its definition says (Kafka's own names)."""
    kept = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    said = {"cleanup.policy": "compact" if topic.compact else "delete", "retention.ms": str(kept)}
    if topic.compact:
        said["delete.retention.ms"] = str(int(TOMBSTONE_KEPT.total_seconds() * 1000))
        said["max.compaction.lag.ms"] = str(int(ERASED_WITHIN.total_seconds() * 1000))
    return said


DOSSIERS: Final = Topic(
    "petition-dossiers-v1",
    "intake",
    ("routing", "notify"),
    "the personal part of a petition; a null value erases it",
    compact=True,
    personal=True,
)
INTAKE: Final = Topic(
    "petition-intake-v1", "intake", EVERYBODY, "registered, accepted, supplemented, rated, dossier read"
)
ROUTING: Final = Topic(
    "petition-routing-v1", "routing", EVERYBODY, "routed, triage, returned, conference, drives"
)
MEDIATION: Final = Topic("petition-mediation-v1", "mediation", EVERYBODY, "the life of the case")
NOTIFY: Final = Topic("petition-notify-v1", "notify", EVERYBODY, "queued, claimed, sent, failed, skipped")
SEALS: Final = Topic("petition-seals-v1", "notary", (*EVERYBODY, "public"), "signed range hashes")

# A view holds the very bytes of petition-mediation-v1; a body's share is small, so few partitions serve.
BODY_TOPICS: Final = {
    body: Topic(
        f"body-{body}-v1",
        "mediation",
        (f"body-{body}", "audit"),
        "the case facts of the petitions that are with this body",
        partitions=3,
    )
    for body in Body
}
DEAD_LETTERS: Final = {
    service: Topic(
        f"{service}-dead-letters-v1",
        service,
        ("operations",),
        "what this service could not decode or park, byte for byte up to 512 KiB",
        partitions=1,
        retention=timedelta(days=14),
        personal=True,
    )
    for service in SERVICES
}
FACT_TOPICS: Final = (DOSSIERS, INTAKE, ROUTING, MEDIATION, NOTIFY)
ALL_TOPICS: Final = (*FACT_TOPICS, SEALS, *BODY_TOPICS.values(), *DEAD_LETTERS.values())


def access_rights(prefix: str = "") -> list[tuple[str, str, str]]:
    """Return who may do what, as (principal, topic, operation), for the broker's access lists."""
    rights = []
    for topic in ALL_TOPICS:
        name = prefix + topic.name
        rights.append((topic.writer, name, "WRITE"))
        rights.extend((reader, name, "READ") for reader in topic.readers)
    return rights
