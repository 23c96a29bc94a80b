"""A database of its own for each test, and the dockets of the toy in it or in memory."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from runtime.service import Service
from runtime.store import Store
from tests.runtime import toy
from tests.runtime.scripted import MemoryStore

Database = AsyncIOMotorDatabase[dict[str, Any]]


@pytest.fixture
async def database(mongo: str) -> AsyncIterator[Database]:
    """An empty database, thrown away afterwards; what the test itself reads and writes goes through this."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo, tz_aware=True)
    name = f"t{secrets.token_hex(6)}"
    yield client[name]
    await client.drop_database(name)
    client.close()


@pytest.fixture
async def open_store(mongo: str, database: Database) -> AsyncIterator[Callable[[Service[Any]], Store]]:
    """Makes stores of services on the test's database."""
    opened: list[Store] = []

    def opens(service: Service[Any]) -> Store:
        opened.append(Store(f"{mongo}/{database.name}", service))
        return opened[-1]

    yield opens
    for store in opened:
        store.close()


@pytest.fixture
async def toy_store(open_store: Callable[[Service[Any]], Store]) -> Store:
    """The toy's dockets in the database."""
    found = open_store(toy.service())
    await found.prepare()
    return found


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
def store(request: pytest.FixtureRequest) -> Store | MemoryStore:
    """The toy's dockets: one suite for the stand-in and for the real one."""
    if request.param == "memory":
        return MemoryStore(toy.service())
    found: Store = request.getfixturevalue("toy_store")
    return found
