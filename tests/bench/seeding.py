"""Fills databases with many petitions: dockets that the services have stored, each many times under new ids.

Bulk inserts straight into a mongod of its own, with the services' real indexes; nothing of it is in a topic.
A docket's copies differ in the petition's id and in the request's key, which is unique; both are replaced
byte for byte where they stand, and have the same length.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from contracts.identity import CHANCE_RANGE, PetitionId, make
from local import ports, services
from local.supervisor import Supervisor
from runtime.store import Store
from tests.bench import figures
from tests.bench.stage import Stage, database, database_of_one
from tests.stores.services import SERVICES

AT_ONCE = 5000
BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
FAST = WriteConcern(w=1, j=False)


def named(stored: int) -> str:
    """The name of the part of a run that finds so many petitions stored."""
    return f"stored-{stored}"


@contextlib.contextmanager
def filled(
    stage: Stage, folder: Path, originals: Sequence[Mapping[str, bytes]], sizes: Sequence[int]
) -> Iterator[Stage]:
    """A stage with a database of its own that holds, for each size, the dockets of so many petitions.

    What the folder holds already is not made again.
    """
    with Supervisor(folder / "logs") as supervisor:
        port = ports.free()
        alone = database(supervisor, folder / "data", port)
        _empty(f"mongodb://{ports.HOST}:{port}")
        for size in sizes:
            _fill(f"mongodb://{ports.HOST}:{port}", size, originals)
        alone.stop(120)
        supervisor.forget(alone)
        # Only now: a member of a replica set writes everything a second time, into its log for the others.
        url, child = database_of_one(supervisor, folder / "data", port)
        yield replace(stage, mongo=url, pids={**stage.pids, "mongod": child.process.pid})


def _empty(url: str) -> None:
    """A kept folder has the reference's petitions of the last run, and was a replica set at another port."""
    client: MongoClient[RawBSONDocument] = MongoClient(url)
    with client:
        client.drop_database("local")
        for name in services.NAMES:
            client.drop_database(f"{named(0)}-{name}")


def _fill(url: str, size: int, originals: Sequence[Mapping[str, bytes]]) -> None:
    began = time.monotonic()
    client: MongoClient[RawBSONDocument] = MongoClient(url)
    with client:
        for name in services.NAMES:
            place = f"{named(size)}-{name}"
            asyncio.run(_prepared(f"{url}/{place}", name))
            dockets = client[place].get_collection("dockets", write_concern=FAST)
            if dockets.estimated_document_count() >= size:
                continue
            moulds = [Mould.of(original[name]) for original in originals]
            for first in range(0, size, AT_ONCE):
                numbers = range(first, min(size, first + AT_ONCE))
                dockets.insert_many([moulds[n % len(moulds)].copy(n) for n in numbers], ordered=False)
    figures.tell(f"{size} petitions stored in four databases after {time.monotonic() - began:.0f} s")


async def _prepared(url: str, name: str) -> None:
    store = Store(url, SERVICES[name])
    await store.prepare()
    store.close()


@dataclass(frozen=True)
class Mould:
    """A stored docket, and the two values in it that each petition has of its own."""

    docket: bytes
    petition: bytes
    request: bytes

    @classmethod
    def of(cls, docket: bytes) -> Mould:
        """Read the two values."""
        document: dict[str, Any] = bson.decode(docket)
        return cls(docket, document["_id"].encode(), document["parts"]["own"].get("request", "").encode())

    def copy(self, number: int) -> RawBSONDocument:
        """The docket of the petition with this number."""
        found = self.docket.replace(self.petition, petition(number).encode())
        if self.request:
            found = found.replace(self.request, sha256(f"seeded {number}".encode()).hexdigest().encode())
        return RawBSONDocument(found)


def petition(number: int) -> PetitionId:
    """The id of a stored petition: they came in one after the other, long ago."""
    return make(BEGAN + timedelta(seconds=number), number * 7919 % CHANCE_RANGE)
