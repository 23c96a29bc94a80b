"""Stand-ins that do what the test says: a store and a producer in memory, and a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import bson
from bson.codec_options import CodecOptions

from contracts.envelope import Message, read
from contracts.identity import PetitionId
from runtime.consume import Batches
from runtime.draft import Draft
from runtime.kept import Kept
from runtime.publish import Publisher
from runtime.record import Pending, Record, empty, from_document, to_document
from runtime.service import Service
from runtime.store import DatabaseError, Store
from tests.runtime.toy import NOW

_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


@dataclass
class Clock:
    """Time that the test moves."""

    time: datetime = NOW

    def now(self) -> datetime:
        """The time now."""
        return self.time

    def forward(self, by: timedelta) -> datetime:
        """Let time pass."""
        self.time += by
        return self.time


def document(draft: Draft, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is stored of a docket after this draft, as the database gives it back: through BSON."""
    new = [to_document(fact) for fact in draft.new]
    left = (before or {}).get("pending", ()) if draft.left is None else [to_document(f) for f in draft.left]
    pending = [*left, *new]
    wake_at = None if draft.parked else draft.service.wake(draft.docket)
    parts = {name: to_document(part) for name, part in draft.parts.items()}
    found = {
        "_id": draft.record.petition,
        "version": draft.record.version + 1,
        "parts": {**(before or {}).get("parts", {}), **parts},
        "marks": {name: [mark.ordinal, mark.digest] for name, mark in draft.marks.items()},
        "pending": pending,
        "wake_at": wake_at,
        "parked": to_document(draft.parked) if draft.parked else None,
    }
    present = {name: value for name, value in found.items() if value is not None}
    return bson.decode(bson.encode(present), codec_options=_AWARE)


@dataclass
class MemoryStore:
    """Keeps documents in a dictionary. `trouble` is raised, once each, by the calls it is named for."""

    service: Service[Any]
    documents: dict[PetitionId, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    trouble: dict[str, list[Exception]] = field(default_factory=dict)
    clashes: dict[PetitionId, str] = field(default_factory=dict)

    def _called(self, name: str) -> None:
        self.log.append(name)
        if self.trouble.get(name):
            raise self.trouble[name].pop(0)

    async def load(self, petitions: Iterable[PetitionId]) -> dict[PetitionId, Record]:
        """Unknown petitions come back empty."""
        self._called("load")
        return {
            petition: from_document(self.documents[petition], self.service)
            if petition in self.documents
            else empty(petition, self.service)
            for petition in petitions
        }

    async def save(self, drafts: Sequence[Draft]) -> dict[PetitionId, str]:
        """Save what is conditional on the stored version; say which were not saved."""
        if not drafts:
            return {}
        self._called("save")
        lost = {}
        for draft in drafts:
            petition = draft.record.petition
            stored = self.documents.get(petition)
            if (stored["version"] if stored else 0) != draft.record.version:
                lost[petition] = "_id"
            elif petition in self.clashes:
                lost[petition] = self.clashes[petition]
            else:
                self.documents[petition] = document(draft, stored)
        return lost

    async def clear(self, published: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Take off exactly these."""
        self._called("clear")
        for petition, facts in published.items():
            gone = {fact.id for fact in facts}
            stored = self.documents[petition]
            stored["pending"] = [fact for fact in stored["pending"] if fact["id"] not in gone]

    async def forgotten(self, before: datetime, limit: int) -> list[Record]:
        """Oldest first."""
        self._called("forgotten")
        old = [
            (min(fact["since"] for fact in stored["pending"]), stored)
            for stored in self.documents.values()
            if any(fact["since"] <= before for fact in stored["pending"])
        ]
        old.sort(key=lambda pair: pair[0])
        return [from_document(stored, self.service) for _, stored in old[:limit]]

    async def due(self, now: datetime, limit: int) -> list[PetitionId]:
        """Longest due first."""
        self._called("due")
        found = [(d["wake_at"], d["_id"]) for d in self.documents.values() if "wake_at" in d]
        return [petition for moment, petition in sorted(found) if moment <= now][:limit]

    async def parked(self, limit: int = 1000) -> list[Record]:
        """Longest parked first."""
        waiting = [d for d in self.documents.values() if "parked" in d]
        waiting.sort(key=lambda stored: stored["parked"]["since"])
        return [from_document(stored, self.service) for stored in waiting[:limit]]

    async def count_parked(self) -> int:
        """How many wait."""
        self._called("count_parked")
        return len(await self.parked())

    def record(self, petition: PetitionId) -> Record:
        """One docket as it is stored."""
        return from_document(self.documents[petition], self.service)


@dataclass
class ScriptedPublisher:
    """Keeps what is published, per topic in order; `open` holds it up, `failures` makes whole tries fail.

    Like the real one it repeats a try that failed, whose first messages may have arrived.
    """

    log: list[str] = field(default_factory=list)
    topics: dict[str, list[tuple[PetitionId, bytes]]] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    failures: int = 0
    arrived_of_failed: int = 0
    healthy: bool = True

    def __post_init__(self) -> None:
        self.open.set()

    async def publish(self, pending: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Come back when all of it has arrived."""
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        while self.failures:
            self.failures -= 1
            await turns(2)
            self._arrive(pending, self.arrived_of_failed)
        self._arrive(pending, None)
        self.log.append("publish")

    def _arrive(self, pending: Mapping[PetitionId, Sequence[Pending]], most: int | None) -> None:
        for petition, facts in pending.items():
            for fact in facts[:most]:
                for topic in fact.topics:
                    self.topics.setdefault(topic, []).append((petition, fact.value))

    def messages(self, topic: str, petition: PetitionId | None = None) -> list[Message]:
        """What has arrived on a topic, repeats included."""
        return [read(value) for of, value in self.topics.get(topic, ()) if petition in {None, of}]


@dataclass
class Bench:
    """Batches over the stand-ins; `log` has what reached the store and the producer, in order."""

    service: Service[Any]
    clock: Clock = field(default_factory=Clock)
    kept: int = 0
    clear_at_once: bool = True

    def __post_init__(self) -> None:
        self.log: list[str] = []
        self.store = MemoryStore(self.service, log=self.log)
        self.publisher = ScriptedPublisher(log=self.log)
        self.batches = self.instance()

    def instance(self) -> Batches:
        """One more process on the same database and broker."""
        return Batches(
            self.service,
            cast("Store", self.store),
            cast("Publisher", self.publisher),
            self.clock,
            clear_at_once=self.clear_at_once,
            kept=Kept(self.kept),
        )


def away() -> DatabaseError:
    """The database does not answer."""
    return DatabaseError("away")


async def turns(number: int) -> None:
    """Let whatever else is ready go first, so many times."""
    loop = asyncio.get_running_loop()
    for _ in range(number):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def whole(messages: Sequence[Message]) -> bool:
    """One petition's stream as a reader sees it: no gap, no forgery; what was heard before does not count."""
    ordinal, previous = 0, None
    for message in messages:
        if message.envelope.ordinal <= ordinal:
            continue
        if message.envelope.ordinal != ordinal + 1 or message.envelope.previous != previous:
            return False
        ordinal, previous = message.envelope.ordinal, message.digest
    return True
