"""What a service keeps beside its dockets because it belongs to no single petition, or is no fact at all.

A shelf is a collection of small documents with an `_id` that the service chooses. Nothing on a shelf decides
what is true of a petition: that is in its docket. Like a docket, what a call has put there is on disk when it
returns, on most members of the database.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from runtime.service import ShelfPlan

DUPLICATE_KEY: Final = 11000
Document = Mapping[str, Any]


class Shelf:
    """One shelf of one service."""

    def __init__(self, collection: AsyncIOMotorCollection[Any], plan: ShelfPlan) -> None:
        self._collection, self._plan = collection, plan

    async def prepare(self) -> None:
        """Create its indexes; documents go by themselves once the time in `expires` has passed."""
        for index in self._plan.indexes:
            options: dict[str, Any] = {"name": index.name, "unique": index.unique}
            if index.partial:
                condition = {"$exists": True} if index.above is None else {"$gt": index.above}
                options["partialFilterExpression"] = {index.partial: condition}
            await self._collection.create_index(list(index.keys), **options)
        if self._plan.expires:
            await self._collection.create_index(self._plan.expires, name="expiry", expireAfterSeconds=0)

    async def add(self, documents: Sequence[Document]) -> list[str]:
        """Add documents in one write; those whose `_id` is there already stay as they are.

        Returns the ids that were new.
        """
        if not documents:
            return []
        there: set[int] = set()
        try:
            await self._collection.insert_many([dict(d) for d in documents], ordered=False)
        except BulkWriteError as error:
            details: Mapping[str, Any] = error.details or {}
            failures = details.get("writeErrors", [])
            if details.get("writeConcernErrors") or any(f.get("code") != DUPLICATE_KEY for f in failures):
                raise
            there = {failure["index"] for failure in failures}
        return [str(d["_id"]) for place, d in enumerate(documents) if place not in there]

    async def change(self, changes: Sequence[tuple[str, Any]], *, add: bool = False) -> None:
        """Change documents by id, in one write; with `add` those that are not there come into being."""
        if changes:
            operations = [UpdateOne({"_id": key}, change, upsert=add) for key, change in changes]
            await self._collection.bulk_write(operations, ordered=False)

    async def remove(self, query: Document) -> int:
        """Remove what a query finds, which an index must serve; returns how many there were."""
        return int((await self._collection.delete_many(dict(query))).deleted_count)

    async def find(
        self, query: Document, *, sort: Sequence[tuple[str, int]] = (), limit: int
    ) -> list[dict[str, Any]]:
        """Return what a query finds, which an index of the plan (or `_id`) must serve."""
        cursor = self._collection.find(dict(query)).limit(limit)
        if sort:
            cursor = cursor.sort(list(sort))
        return list(await cursor.to_list(length=limit))

    async def explain(self, query: Document, *, sort: Sequence[tuple[str, int]] = ()) -> dict[str, Any]:
        """Return the database's plan for a query, for the tests that every query has its index."""
        cursor = self._collection.find(dict(query))
        if sort:
            cursor = cursor.sort(list(sort))
        plan: dict[str, Any] = await cursor.explain()
        return plan
