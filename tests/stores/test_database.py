"""What only the real database can show: unique rules, durability, how large a docket becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import bson
import pytest

from contracts.identity import PetitionId, make
from contracts.intake import DossierRead, PetitionRegistered
from contracts.kinds import Channel
from contracts.mediation import CaseRated
from runtime.consume import Batches, guarded
from runtime.draft import Draft
from runtime.publish import Publisher
from runtime.record import Record, empty
from runtime.service import Index, Service
from runtime.store import DatabaseError, Store
from tests.runtime import toy
from tests.runtime.scripted import Clock, ScriptedPublisher
from tests.runtime.toy import NOW, Streams, petition
from tests.stores.conftest import Database
from tests.stores.services import SERVICES

pytestmark = pytest.mark.real

UNIQUE = toy.service(
    indexes=(Index("scores", (("parts.own.scores", 1),), unique=True, partial="parts.own.scores", above=0),)
)


def stating(service: Service[Any], score: int, record: Record) -> Draft:
    draft = Draft(record, service, guarded)
    answer = draft.ask(
        lambda _docket, now: (CaseRated(at=now, score=score),), NOW, cause=None, traceparent=None
    )
    assert isinstance(answer, tuple)
    return draft


async def test_a_unique_rule_is_named_by_its_key_for_those_who_ran_into_it_alone(
    open_store: Callable[[Service[Any]], Store],
) -> None:
    store = open_store(UNIQUE)
    await store.prepare()
    records = await store.load([petition(n) for n in range(4)])
    assert {} == await store.save([stating(UNIQUE, 5, records[petition(0)])])
    drafts = [stating(UNIQUE, score, records[petition(n)]) for n, score in ((1, 5), (2, 4), (3, 4))]
    lost = stating(UNIQUE, 1, records[petition(0)])
    clashes = await store.save([*drafts, lost])
    key = "parts.own.scores"
    assert key == clashes.pop(petition(1))
    assert "_id" == clashes.pop(petition(0)), "a lost race is one, whatever else is in the batch"
    # Of two that run into each other one is saved.
    assert [key] == list(clashes.values())
    saved = await store.load([petition(n) for n in range(4)])
    assert [0, 1] == sorted(saved[petition(n)].version for n in (2, 3))
    assert (0, (5,)) == (saved[petition(1)].version, saved[petition(0)].parts["own"].scores)


async def test_an_acknowledged_save_is_on_the_disk_of_the_majority(toy_store: Store) -> None:
    concern = toy_store._dockets.write_concern  # noqa: SLF001 - the promise is made here
    assert {"w": "majority", "j": True} == concern.document


async def test_times_come_back_aware(toy_store: Store) -> None:
    record = (await toy_store.load([petition()]))[petition()]
    await toy_store.save([stating(toy.service(), 1, record)])
    (pending,) = (await toy_store.load([petition()]))[petition()].pending
    assert NOW == pending.since
    assert pending.since.utcoffset() is not None


def batches(store: Store, service: Service[Any]) -> Batches:
    publisher = cast("Publisher", ScriptedPublisher())
    return Batches(service, store, publisher, Clock())


async def size(database: Database, of: PetitionId) -> int:
    found = await database["dockets"].find_one({"_id": of})
    assert found is not None
    return len(bson.encode(found))


async def test_a_docket_does_not_grow_with_what_was_heard(
    open_store: Callable[[Service[Any]], Store], database: Database
) -> None:
    """What the runtime keeps of a stream is one mark; only what a part chooses to remember takes room."""
    counting = toy.service(hears={})
    parts = tuple(
        replace(part, evolve=lambda state, _fact: state) if part.name == "ratings" else part
        for part in counting.parts
    )
    service = replace(counting, parts=parts)
    store = open_store(service)
    await store.prepare()
    streams, sizes = Streams(), []
    for _ in range(4):
        await batches(store, service).handle({petition(): [streams.write(toy.rated()) for _ in range(250)]})
        sizes.append(await size(database, petition()))
    assert (await store.load([petition()]))[petition()].marks["ratings"].ordinal == 1000
    assert max(sizes) - min(sizes) <= 16
    assert max(sizes) < 1000


async def test_what_was_stated_is_gone_from_the_docket_once_it_is_published(
    open_store: Callable[[Service[Any]], Store], database: Database
) -> None:
    def quiet(part: toy.Own, _fact: Any) -> toy.Own:
        return part

    whole = toy.service()
    parts = tuple(
        replace(part, evolve=quiet) if part.name in {"own", "ratings"} else part for part in whole.parts
    )
    service = replace(whole, parts=parts)
    store = open_store(service)
    await store.prepare()
    streams, sizes = Streams(), []
    for _ in range(4):
        await batches(store, service).handle({petition(): [streams.write(toy.rated(5)) for _ in range(100)]})
        sizes.append(await size(database, petition()))
    assert max(sizes) - min(sizes) <= 16


async def test_intakes_docket_stays_small_however_often_its_dossier_is_read(
    open_store: Callable[[Service[Any]], Store], database: Database
) -> None:
    service = SERVICES["intake"]
    store = open_store(service)
    await store.prepare()
    handling, sizes = batches(store, service), []
    reading = DossierRead(at=NOW, reader="clerk-1", role="clerk", why="handling")
    for _ in range(3):
        record = (await store.load([petition()]))[petition()]
        draft = Draft(record, service, guarded)
        draft.ask(lambda _docket, _now: [reading] * 100, NOW, cause=None, traceparent=None)
        assert {} == await store.save([draft])
        await handling.flush.publish({petition(): draft.new})
        sizes.append(await size(database, petition()))
    assert max(sizes) - min(sizes) <= 16


async def test_a_database_that_is_away_is_said_within_the_time_that_is_given() -> None:
    store = Store("mongodb://127.0.0.1:1/nowhere", toy.service(), timeout=timedelta(milliseconds=50))
    try:
        with pytest.raises(DatabaseError):
            await store.load([petition()])
        with pytest.raises(DatabaseError):
            await store.ping()
    finally:
        store.close()


async def test_indexes_are_made_once_and_again_without_harm(
    open_store: Callable[[Service[Any]], Store], database: Database
) -> None:
    for _ in range(2):
        await open_store(UNIQUE).prepare()
    found = await database["dockets"].index_information()
    assert {"_id_", "sweep", "wake", "parked", "scores"} == set(found)
    assert found["scores"]["unique"]
    limits = await database["limits"].index_information()
    assert 0 == limits["expiry"]["expireAfterSeconds"]


async def test_one_request_makes_one_petition_whichever_instance_takes_it(
    open_store: Callable[[Service[Any]], Store],
) -> None:
    service = SERVICES["intake"]
    stores = [open_store(service), open_store(service)]
    await stores[0].prepare()

    def registering(n: int, request: str) -> Draft:
        of = make(NOW, n)
        draft = Draft(empty(of, service), service, guarded)
        fact = PetitionRegistered(
            at=NOW,
            channel=Channel.NETWORK,
            first_receiver="network",
            dossier_sha256="0" * 64,
            request=request,
            payload="1" * 64,
            tell_by=NOW,
        )
        answer = draft.ask(lambda _docket, _now: [fact], NOW, cause=None, traceparent=None)
        assert isinstance(answer, tuple)
        return draft

    assert {} == await stores[0].save([registering(1, "a" * 64), registering(2, "b" * 64)])
    clashes = await stores[1].save([registering(3, "a" * 64), registering(4, "c" * 64)])
    assert {make(NOW, 3): "parts.own.request"} == clashes
