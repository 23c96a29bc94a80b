"""No query of the runtime or of a service reads more than it gives: its index leads it, in its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from contracts.bodies import Body
from contracts.identity import PetitionId, make
from runtime.consume import guarded
from runtime.draft import Draft
from runtime.record import Mark, Parked, ParkedMessage, Pending, Record, to_document
from runtime.service import Service
from runtime.store import Store
from services.intake.store import find_by_request
from services.mediation import store as mediation
from services.mediation.domain import State
from services.notify.messages import State as SmsState
from services.notify.store import of_petition, with_state
from services.routing import store as routing
from services.routing.domain import Membership
from tests.runtime import toy
from tests.runtime.toy import NOW, petition
from tests.stores.conftest import Database
from tests.stores.profiled import Ran, profiled
from tests.stores.services import SERVICES

pytestmark = pytest.mark.real

MANY = 3000
SECOND = timedelta(seconds=1)


def numbered(n: int) -> PetitionId:
    return make(NOW, n)


def pending(n: int, count: int) -> list[dict[str, Any]]:
    return [
        to_document(Pending(f"{n}/{i}", ("t",), b"{}", NOW + (n + 10 * i) * SECOND)) for i in range(count)
    ]


def docket(n: int) -> dict[str, Any]:
    """The n-th of many: most are quiet, some of each kind wait for something."""
    found: dict[str, Any] = {"_id": numbered(n), "version": 1, "parts": {}, "marks": {}}
    if n % 3 == 0:
        found["pending"] = pending(n, 1 + n % 2)
    elif n % 3 == 1:
        found["pending"] = []
    if n % 4 == 0:
        found["wake_at"] = NOW + n * SECOND
    if n % 5 == 0:
        message = ParkedMessage("t", 0, n, b"{}")
        found["parked"] = to_document(Parked("gap", "", NOW + n * SECOND, (message,)))
    return found


async def fill(database: Database, parts: Callable[[int], Mapping[str, Any]] = lambda _n: {}) -> None:
    await database["dockets"].insert_many([{**docket(n), "parts": parts(n)} for n in range(MANY)])


def no_more_than(ran: list[Ran], documents: int) -> None:
    """Every command was led by an index and read no more documents than that."""
    assert ran
    for one in ran:
        assert one.indexed, one
        assert one.documents <= documents, one


@pytest.fixture
async def many(toy_store: Store, database: Database) -> Store:
    """Many dockets of the toy."""
    await fill(database)
    return toy_store


QUERIES: dict[str, tuple[Callable[[Store], Awaitable[Any]], int]] = {
    "load": (lambda store: store.load([numbered(n) for n in range(100)]), 100),
    "load one": (lambda store: store.load([numbered(7)]), 1),
    "sweep": (lambda store: store.forgotten(NOW + MANY * SECOND, 50), 60),
    "sweep nothing": (lambda store: store.forgotten(NOW - SECOND, 50), 0),
    "wake": (lambda store: store.due(NOW + MANY * SECOND, 50), 50),
    "wake nothing": (lambda store: store.due(NOW - SECOND, 50), 0),
    "parked": (lambda store: store.parked(50), 50),
    "count parked": (lambda store: store.count_parked(), MANY // 5),
    "clear": (
        lambda store: store.clear(
            {numbered(n): [Pending(f"{n}/0", ("t",), b"{}", NOW)] for n in range(0, 150, 3)}
        ),
        50,
    ),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_the_runtimes_queries_are_led_by_an_index(many: Store, database: Database, name: str) -> None:
    call, documents = QUERIES[name]
    async with profiled(database) as ran:
        await call(many)
    no_more_than(ran, documents)


async def test_what_is_swept_first_is_the_oldest_though_there_are_many(many: Store) -> None:
    found = await many.forgotten(NOW + MANY * SECOND, 20)
    assert [numbered(n) for n in range(0, 60, 3)] == [record.petition for record in found]


async def test_a_batch_is_saved_by_id(many: Store, database: Database) -> None:
    drafts = []
    for record in (await many.load([petition(n) for n in range(20)])).values():
        draft = Draft(record, toy.service(), guarded)
        draft.marks = {"own": Mark(9, "0" * 64)}
        drafts.append(draft)
    async with profiled(database) as ran:
        assert {} == await many.save(drafts)
    assert 20 == len(ran)
    no_more_than(ran, 1)


async def test_limits_are_counted_and_read_by_id(many: Store, database: Database) -> None:
    await database["limits"].insert_many(
        [{"_id": f"k{n}", "count": 1, "until": NOW + timedelta(days=9999)} for n in range(MANY)]
    )
    async with profiled(database) as ran:
        await many.count(["k1", "k2", "new"], timedelta(days=1), NOW)
        await many.used(["k1", "k2"], NOW)
    no_more_than(ran, 3)


BODIES, STATES = list(Body), list(State)


def case(n: int) -> dict[str, Any]:
    if n % 2:
        return {}
    own = {"body": BODIES[n // 2 % 15], "state": STATES[n // 30 % 5], "due": NOW + n * SECOND}
    return {"own": to_document(own)}


def in_triage(n: int) -> dict[str, Any]:
    """The later the number, the earlier the due time: ids alone would give the wrong order."""
    return {"own": {"triage_due": NOW + (MANY - n) * SECOND if n % 7 == 0 else None}}


def in_campaign(n: int) -> dict[str, Any]:
    membership = Membership(
        subject=f"labor/430102/讨薪{n % 30}",
        free=n % 3 == 0,
        campaign="c1" if n % 3 == 1 else "",
        order="c1.1" if n % 6 == 1 else "",
    )
    ended = {"concluded": n % 6 == 1, "answered": n % 6 == 1, "declined": n % 12 == 1}
    return {
        "own": {"membership": to_document(membership)},
        "dossier": {"title": f"title {n}", "content": "text"},
        "mediation": ended,
    }


async def members(store: Store) -> Any:
    page = await routing.members(store, "c1", after=("", ""), limit=3)
    behind = (page[-1].order, page[-1].petition)
    found = await routing.members(store, "c1", after=behind, limit=3)
    assert not {m.petition for m in page} & {m.petition for m in found}
    assert 6 == len({m.petition for m in (*page, *found)})


async def unsettled(store: Store) -> Any:
    page = await routing.unsettled(store, "c1", after="", limit=20)
    found = await routing.unsettled(store, "c1", after=page[-1], limit=20)
    assert 40 == len({*page, *found})
    assert sorted([*page, *found]) == [*page, *found]


async def counted(store: Store) -> Any:
    counts = await routing.counts(store, "c1.1")
    assert (500, 250, 250) == (counts.applied, counts.answered, counts.declined)
    assert 500 == await routing.size(store, "c1", unsettled_only=True)


async def free(store: Store) -> Any:
    page = await routing.free(store, after="", limit=20)
    found = await routing.free(store, after=page[-1].petition, limit=20)
    assert 40 == len({r.petition for r in (*page, *found)})
    newest = await routing.newest(store, limit=20)
    assert sorted((c.petition for c in newest), reverse=True) == [c.petition for c in newest]


async def clusters(store: Store) -> Any:
    assert 100 == len(await routing.same_subject(store, "labor/430102/讨薪3", limit=200))
    newest = await routing.newest(store, limit=20)
    # Read by their ids; none of these was heard of by a dossier, so none has a text.
    assert [] == await routing.texts(store, [candidate.petition for candidate in newest])


def sms(n: int) -> dict[str, Any]:
    states = {0: ["queued", "unknown"], 1: ["not-sent"], 2: ["skipped"]}.get(n % 10, [])
    return {"own": {"attention": states}}


async def cases(store: Store) -> Any:
    page, after = await mediation.cases(store, {Body.LABOR}, {State.OPENED}, after=None, limit=3)
    assert 3 == len(page)
    assert after is not None
    found, _ = await mediation.cases(store, {Body.LABOR}, {State.OPENED}, after=after, limit=3)
    assert not {d.petition for d in page} & {d.petition for d in found}
    everything, _ = await mediation.cases(store, set(Body), set(State), after=after, limit=20)
    assert 20 == len(everything)


async def oldest_due_first(count: int, awaitable: Awaitable[list[Record]]) -> None:
    due = [record.parts["own"].triage_due for record in await awaitable]
    assert count == len(due)
    assert sorted(due) == due


async def some(count: int, awaitable: Awaitable[list[Any]]) -> None:
    assert count == len(await awaitable)


async def number_of(expected: int, awaitable: Awaitable[int]) -> None:
    assert expected == await awaitable


async def same(expected: object, awaitable: Awaitable[object]) -> None:
    assert expected == await awaitable


async def one(awaitable: Awaitable[Any]) -> None:
    assert await awaitable


SCREENS: dict[str, tuple[str, Callable[[int], dict[str, Any]], Callable[[Store], Awaitable[Any]], int]] = {
    "mediation's cases": ("mediation", case, cases, 23),
    "mediation's case": ("mediation", case, lambda store: one(mediation.case(store, numbered(8))), 1),
    "routing's triage": (
        "routing",
        in_triage,
        lambda store: oldest_due_first(30, routing.queue(store, routing.TRIAGE, limit=30)),
        30,
    ),
    "routing's overdue": (
        "routing",
        in_triage,
        lambda store: same((2, NOW + 4 * SECOND), routing.overdue(store, routing.TRIAGE, NOW + 14 * SECOND)),
        3,
    ),
    "routing's load": (
        "routing",
        lambda n: {
            "own": {"body": BODIES[n % 15] if n % 2 else None},
            "mediation": {"answered": n % 4 == 1},
        },
        lambda store: number_of(50, routing.open_at(store, Body.LABOR)),
        50,
    ),
    "a campaign's members": ("routing", in_campaign, members, 6),
    "what a batch has yet to settle": ("routing", in_campaign, unsettled, 40),
    "how far a batch is": ("routing", in_campaign, counted, 500),
    "what is in no campaign": ("routing", in_campaign, free, 60),
    "a proposed cluster": ("routing", in_campaign, clusters, 140),
    "intake's request": (
        "intake",
        lambda n: {"own": {"request": f"r{n}"}},
        lambda store: one(find_by_request(store, "r77")),
        1,
    ),
    "notify's attention": (
        "notify",
        sms,
        lambda store: some(30, with_state(store, SmsState.UNKNOWN, after="", limit=30)),
        30,
    ),
    "notify's next page": (
        "notify",
        sms,
        lambda store: some(30, with_state(store, SmsState.SKIPPED, after=numbered(900), limit=30)),
        30,
    ),
    "notify's petition": ("notify", sms, lambda store: one(of_petition(store, numbered(8))), 1),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_the_services_queries_are_led_by_an_index(
    open_store: Callable[[Service[Any]], Store], database: Database, name: str
) -> None:
    service, parts, call, documents = SCREENS[name]
    store = open_store(SERVICES[service])
    await store.prepare()
    await fill(database, parts)
    async with profiled(database) as ran:
        await call(store)
    no_more_than(ran, documents)


async def test_a_query_without_an_index_is_found_out(many: Store, database: Database) -> None:
    async with profiled(database) as ran:
        await many.find({"parts.own.nothing": 1})
        await many.find({}, sort=[("version", 1)])
    assert [False, False] == [one.indexed for one in ran]
