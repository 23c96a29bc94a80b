"""Dockets in MongoDB: with `shelf.py` the only module that knows the driver, so that its successor is near.

Every call takes a batch and is one round trip (two where a save has both new and known dockets). A save is
conditional on the version read: a new docket is inserted, a known one updated by an upsert filtered by id and
version, so a lost race shows as a duplicate key on that very operation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Final

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from contracts.identity import PetitionId
from runtime.draft import Draft
from runtime.record import Pending, Record, empty, from_document, pending_document, to_document
from runtime.service import Service
from runtime.shelf import Shelf

DatabaseError = PyMongoError
DUPLICATE_KEY: Final = 11000
DOCKETS: Final = "dockets"
LIMITS: Final = "limits"
DEFINITIONS: Final = "definitions"


@dataclass(frozen=True, slots=True)
class Definition:
    """Something that a service keeps and that is no petition; `version` 0 means that it is not stored yet."""

    key: str
    version: int
    value: Mapping[str, Any]


class Store:
    """The dockets of one service."""

    def __init__(self, url: str, service: Service[Any], *, timeout: timedelta = timedelta(seconds=5)) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        self._service = service
        self._client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
            url,
            tz_aware=True,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            appname=service.name,
        )
        options: CodecOptions[Any] = CodecOptions(tz_aware=True)
        database = self._client.get_default_database().with_options(codec_options=options)
        # An acknowledged save is on disk, on most members: a killed database loses nothing that was answered
        # for, and nothing is found heard that a new primary could take back.
        self._dockets = database.get_collection(
            DOCKETS,
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        self._shelves = {
            plan.name: Shelf(
                database.get_collection(
                    plan.name,
                    write_concern=WriteConcern(w="majority", j=True),
                    read_concern=ReadConcern("majority"),
                ),
                plan,
            )
            for plan in service.shelves
        }
        self._limits = database.get_collection(LIMITS, write_concern=WriteConcern(w=1))
        self._definitions = database.get_collection(
            DEFINITIONS,
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )

    async def prepare(self) -> None:
        """Create the indexes of the sweeper, of the waker and of the service's own queries."""
        await self._dockets.create_index(
            "pending.since", name="sweep", partialFilterExpression={"pending.since": {"$exists": True}}
        )
        await self._dockets.create_index(
            "wake_at", name="wake", partialFilterExpression={"wake_at": {"$exists": True}}
        )
        await self._dockets.create_index(
            "parked.since", name="parked", partialFilterExpression={"parked.since": {"$exists": True}}
        )
        for index in self._service.indexes:
            options: dict[str, Any] = {"name": index.name, "unique": index.unique}
            if index.partial:
                condition = {"$exists": True} if index.above is None else {"$gt": index.above}
                options["partialFilterExpression"] = {index.partial: condition}
            await self._dockets.create_index(list(index.keys), **options)
        await self._limits.create_index("until", name="expiry", expireAfterSeconds=0)
        for shelf in self._shelves.values():
            await shelf.prepare()

    def shelf(self, name: str) -> Shelf:
        """Return a shelf that the service has planned."""
        return self._shelves[name]

    async def ping(self) -> None:
        """Raise DatabaseError if the database does not answer."""
        await self._client.admin.command("ping")

    async def load(self, petitions: Iterable[PetitionId]) -> dict[PetitionId, Record]:
        """Load the records of all `petitions` in one query; unknown ones come back empty."""
        wanted = list(petitions)
        found = await self._dockets.find({"_id": {"$in": wanted}}).to_list(length=len(wanted))
        records = {record.petition: record for record in (from_document(d, self._service) for d in found)}
        return {petition: records.get(petition) or empty(petition, self._service) for petition in wanted}

    async def save(self, drafts: Sequence[Draft]) -> dict[PetitionId, str]:
        """Save all drafts in one unordered bulk write.

        Returns, for each petition that was not saved, the index that it clashed with: `_id` is a lost race
        (decide again), another one is a unique rule of the service.
        """
        if not drafts:
            return {}
        try:
            await self._dockets.bulk_write([self._operation(draft) for draft in drafts], ordered=False)
        except BulkWriteError as error:
            return self._clashes(error, drafts)
        return {}

    def _operation(self, draft: Draft) -> UpdateOne | InsertOne[dict[str, Any]]:
        return InsertOne(_whole(draft)) if draft.record.version == 0 else self._change(draft)

    def _change(self, draft: Draft) -> UpdateOne:
        record, gone = draft.record, {}
        changes: dict[str, Any] = {"version": record.version + 1}
        for name, part in draft.parts.items():
            if part is not record.parts.get(name):
                changes[f"parts.{name}"] = to_document(part)
        for name, mark in draft.marks.items():
            if mark is not record.marks.get(name):
                changes[f"marks.{name}"] = [mark.ordinal, mark.digest]
        # A parked petition is not woken: its decisions wait for the redrive.
        wake_at = None if draft.parked else draft.wake_at
        if wake_at is not None:
            changes["wake_at"] = wake_at
        elif record.wake_at is not None:
            gone["wake_at"] = ""
        if draft.parked is not None:
            if draft.parked is not record.parked:
                changes["parked"] = to_document(draft.parked)
        elif record.parked is not None:
            gone["parked"] = ""
        update: dict[str, Any] = {"$set": changes, **_pending(draft, changes, gone)}
        if gone:
            update["$unset"] = gone
        return UpdateOne({"_id": record.petition, "version": record.version}, update, upsert=True)

    @staticmethod
    def _clashes(error: BulkWriteError, drafts: Sequence[Draft]) -> dict[PetitionId, str]:
        details: Mapping[str, Any] = error.details or {}
        failures = details.get("writeErrors", [])
        if details.get("writeConcernErrors") or any(f.get("code") != DUPLICATE_KEY for f in failures):
            raise error
        clashes = {}
        for failure in failures:
            keys = tuple(failure.get("keyPattern", {}))
            clashes[drafts[failure["index"]].record.petition] = ",".join(keys)
        return clashes

    async def clear(self, published: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Take what was published off the dockets, in one update.

        Facts are taken off by their ids, so facts that were stated meanwhile stay, whoever saved them.
        """
        ids = sorted(fact.id for facts in published.values() for fact in facts)
        await self._dockets.update_many(
            {"_id": {"$in": list(published)}}, {"$pull": {"pending": {"id": {"$in": ids}}}}
        )

    async def forgotten(self, before: datetime, limit: int) -> list[Record]:
        """Return dockets whose pending facts are older than `before`, oldest first (index `sweep`)."""
        # Walked in the order of its index: a sort by a field of an array would have the database read and
        # sort the whole backlog for each batch.
        cursor = self._dockets.find({"pending.since": {"$lte": before}}).hint("sweep").limit(limit)
        return [from_document(d, self._service) for d in await cursor.to_list(length=limit)]

    async def due(self, now: datetime, limit: int) -> list[PetitionId]:
        """Return petitions that the service wants to look at by `now`, longest due first (index `wake`)."""
        cursor = self._dockets.find({"wake_at": {"$lte": now}}, {"_id": 1}).sort("wake_at", 1).limit(limit)
        return [PetitionId(d["_id"]) for d in await cursor.to_list(length=limit)]

    async def parked(self, limit: int = 1000) -> list[Record]:
        """Return parked dockets, longest parked first (index `parked`)."""
        query = {"parked.since": {"$exists": True}}
        cursor = self._dockets.find(query).sort("parked.since", 1).limit(limit)
        return [from_document(d, self._service) for d in await cursor.to_list(length=limit)]

    async def count_parked(self) -> int:
        """Return how many petitions are parked."""
        return int(await self._dockets.count_documents({"parked.since": {"$exists": True}}))

    async def find(
        self, query: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 100
    ) -> list[Record]:
        """Run one of the service's own queries (its `store.py`), which an index of the service must serve."""
        cursor = self._dockets.find(dict(query)).limit(limit)
        if sort:
            cursor = cursor.sort(list(sort))
        return [from_document(d, self._service) for d in await cursor.to_list(length=limit)]

    async def pick(
        self,
        query: Mapping[str, Any],
        fields: Sequence[str],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int,
    ) -> list[tuple[Any, ...]]:
        """Return some fields (dotted) of the dockets of a service's own query; what is absent is None."""
        wanted = {"_id": 0} | dict.fromkeys(fields, 1)
        cursor = self._dockets.find(dict(query), wanted).limit(limit)
        if sort:
            cursor = cursor.sort(list(sort))
        return [
            tuple(reduce(_within, field.split("."), document) for field in fields)
            for document in await cursor.to_list(length=limit)
        ]

    async def how_many(self, query: Mapping[str, Any]) -> int:
        """Count the dockets of a service's own query, which an index of the service must serve."""
        return int(await self._dockets.count_documents(dict(query)))

    async def definitions(self) -> list[Definition]:
        """Return all that the service keeps besides dockets, by key; they are few."""
        found = await self._definitions.find({}).sort("_id", 1).to_list(length=None)
        return [Definition(d["_id"], d["version"], d["value"]) for d in found]

    async def define(self, definition: Definition) -> bool:
        """Save a definition if nobody has saved it since it was read; False if somebody has."""
        update = {"$set": {"version": definition.version + 1, "value": dict(definition.value)}}
        unchanged = {"_id": definition.key, "version": definition.version}
        try:
            await self._definitions.update_one(unchanged, update, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def explain(
        self, query: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = ()
    ) -> dict[str, Any]:
        """Return the database's plan for a query, for the tests that every query has its index."""
        cursor = self._dockets.find(dict(query))
        if sort:
            cursor = cursor.sort(list(sort))
        plan: dict[str, Any] = await cursor.explain()
        return plan

    async def used(self, keys: Sequence[str], now: datetime) -> list[int]:
        """Return how often each key was counted in its current window."""
        found = await self._limits.find({"_id": {"$in": list(keys)}, "until": {"$gt": now}}).to_list(
            len(keys)
        )
        counts = {document["_id"]: int(document["count"]) for document in found}
        return [counts.get(key, 0) for key in keys]

    async def count(self, keys: Sequence[str], window: timedelta, now: datetime) -> None:
        """Count one more for each key; a window begins at its first count and is not prolonged."""
        await self._limits.delete_many({"_id": {"$in": list(keys)}, "until": {"$lte": now}})
        await self._limits.bulk_write(
            [
                UpdateOne(
                    {"_id": key}, {"$inc": {"count": 1}, "$setOnInsert": {"until": now + window}}, upsert=True
                )
                for key in keys
            ],
            ordered=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _whole(draft: Draft) -> dict[str, Any]:
    """Return a new docket as it is stored: an insert costs the database half of an upsert."""
    document: dict[str, Any] = {
        "_id": draft.record.petition,
        "version": 1,
        "parts": {name: to_document(part) for name, part in draft.parts.items()},
        "marks": {name: [mark.ordinal, mark.digest] for name, mark in draft.marks.items()},
    }
    if draft.pending:
        document["pending"] = [pending_document(fact) for fact in draft.pending]
    if draft.parked is not None:
        document["parked"] = to_document(draft.parked)
    elif draft.wake_at is not None:
        document["wake_at"] = draft.wake_at
    return document


def _pending(draft: Draft, changes: dict[str, Any], gone: dict[str, str]) -> dict[str, Any]:
    """Add to a save what becomes of the pending facts; returns what no `$set` or `$unset` can say."""
    if draft.left is None:
        return (
            {"$push": {"pending": {"$each": [pending_document(f) for f in draft.new]}}} if draft.new else {}
        )
    # Whole: the version read says what was pending, and since then it can only have become less.
    if draft.pending:
        changes["pending"] = [pending_document(fact) for fact in draft.pending]
    else:
        gone["pending"] = ""
    return {}


def _within(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None
