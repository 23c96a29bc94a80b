"""One message or one request, one transaction: inbox, document and outbox change together or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from contracts.identity import PetitionId
from runtime import metrics
from runtime.consume import Answer, Ask, Batches, Clash, Stated, Wake, Work, guarded
from runtime.draft import Delivery, Draft, Outcome
from runtime.record import Pending, empty, from_document, to_document

# They wait for the journal, not for each other, so several are under way; more fill no more of two cores.
AT_ONCE: Final = 16
DURABLE: Final = WriteConcern(w="majority", j=True)


class Transactions(Batches):
    """Takes the place of `Batches`; what is decided is the same, how it is kept and carried is not."""

    def __init__(self, *parts: Any, url: str) -> None:
        super().__init__(*parts)
        self._client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url, tz_aware=True)
        options: CodecOptions[Any] = CodecOptions(tz_aware=True)
        database = self._client.get_default_database().with_options(codec_options=options)
        self._documents, self._inbox, self._outbox = database.dockets, database.inbox, database.outbox
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._locks: WeakValueDictionary[PetitionId, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self) -> None:
        """Collections must be there before a transaction writes to them."""
        await self._outbox.create_index("since", name="relay")
        await self._inbox.create_index("at", name="age")

    async def handle(self, works: Mapping[PetitionId, Sequence[Work]]) -> None:
        """Take the sweeper's wake-ups; messages and requests come by `one`."""
        for petition, items in works.items():
            for work in items:
                await self.one(petition, work)

    async def one(self, petition: PetitionId, work: Work) -> Answer | None:
        """Decide in a transaction, then publish row by row, then clear; the answer to a request."""
        async with self._alone(petition):
            async with self._slots, await self._client.start_session() as session:
                try:
                    decided: tuple[Draft, Answer | None] = await session.with_transaction(
                        lambda session: self._decide(session, petition, work), write_concern=DURABLE
                    )
                    draft, answer = decided
                except DuplicateKeyError as error:
                    if isinstance(work, Ask):
                        return Clash(",".join((error.details or {}).get("keyPattern", {})))
                    return None  # heard before: the inbox has it
            if isinstance(work, Delivery):
                metrics.MESSAGES.labels(work.topic, Outcome.APPLIED).inc()
            if self.effects is not None and draft.changed:
                self.effects.saved(
                    draft.docket, draft.facts, woken=draft.woken, traceparent=draft.traceparent
                )
            await self.send(petition, draft.new)
            return answer

    async def send(self, petition: PetitionId, rows: Sequence[Pending]) -> None:
        """Publish each row and wait for it, then take the rows out of the outbox."""
        for row in rows:
            await self.publisher.publish({petition: (row,)})
        if rows:
            await self._outbox.delete_many({"_id": {"$in": [row.id for row in rows]}})

    async def relay(self, before: datetime) -> int:
        """Publish what a crash has left in the outbox, oldest first."""
        rows = await self._outbox.find({"since": {"$lte": before}}).sort("since", 1).to_list(500)
        for row in rows:
            petition = PetitionId(row["petition"])
            async with self._alone(petition):
                await self.send(
                    petition, (Pending(row["_id"], tuple(row["topics"]), row["value"], row["since"]),)
                )
        return len(rows)

    @asynccontextmanager
    async def _alone(self, petition: PetitionId) -> AsyncIterator[None]:
        # Facts of one petition are published in their order, whoever of this process stated them.
        lock = self._locks.setdefault(petition, asyncio.Lock())
        async with lock:
            yield

    async def _decide(
        self, session: AsyncIOMotorClientSession, petition: PetitionId, work: Work
    ) -> tuple[Draft, Answer | None]:
        now = self.clock.now()
        if isinstance(work, Delivery) and work.message is not None:
            await self._inbox.insert_one({"_id": work.message.envelope.id, "at": now}, session=session)
        document = await self._documents.find_one({"_id": petition}, session=session)
        record = from_document(document, self.service) if document else empty(petition, self.service)
        draft, answer = Draft(record, self.service, guarded), None
        if isinstance(work, Delivery):
            if draft.hear(work, now) is Outcome.PARKED and draft.parked is not None:
                raise RuntimeError(f"{petition}: {draft.parked.reason} {draft.parked.detail}")
        elif isinstance(work, Ask):
            said = draft.ask(work.decide, now, cause=work.cause, traceparent=work.traceparent)
            answer = Stated(said) if isinstance(said, tuple) else said
        elif isinstance(work, Wake):
            draft.wake(now)
        if draft.changed:
            await self._save(session, draft)
        return draft, answer

    async def _save(self, session: AsyncIOMotorClientSession, draft: Draft) -> None:
        record, changes = draft.record, {"version": draft.record.version + 1}
        for name, part in draft.parts.items():
            if part is not record.parts.get(name) or record.version == 0:
                changes[f"parts.{name}"] = to_document(part)
        for name, mark in draft.marks.items():
            if mark is not record.marks.get(name):
                changes[f"marks.{name}"] = to_document((mark.ordinal, mark.digest))
        update: dict[str, Any] = {"$set": changes}
        if draft.wake_at is not None:
            update["$set"]["wake_at"] = draft.wake_at
        elif record.wake_at is not None:
            update["$unset"] = {"wake_at": ""}
        await self._documents.update_one({"_id": record.petition}, update, upsert=True, session=session)
        if draft.new:
            rows = [
                {
                    "_id": fact.id,
                    "petition": record.petition,
                    "topics": list(fact.topics),
                    "value": fact.value,
                    "since": fact.since,
                }
                for fact in draft.new
            ]
            await self._outbox.insert_many(rows, session=session)
