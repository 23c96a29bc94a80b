"""Saving, losing a race, clearing, what the sweeper asks for: in memory and on the database alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from contracts.identity import PetitionId
from contracts.mediation import CaseRated
from runtime.consume import guarded
from runtime.draft import Draft, Failure
from runtime.record import Record
from runtime.store import Store
from tests.runtime import toy
from tests.runtime.scripted import MemoryStore
from tests.runtime.toy import DAY, NOW, Streams, petition

Either = Store | MemoryStore
SERVICE = toy.service()
MINUTE = timedelta(minutes=1)


async def load(store: Either, of: PetitionId) -> Record:
    return (await store.load([of]))[of]


async def draft(store: Either, chance: int = 1) -> Draft:
    return Draft(await load(store, petition(chance)), SERVICE, guarded)


def state(working: Draft, *scores: int, minutes: int = 0) -> Draft:
    """State ratings."""
    now = NOW + minutes * MINUTE
    answer = working.ask(
        lambda _docket, at: [CaseRated(at=at, score=score) for score in scores],
        now,
        cause=None,
        traceparent=None,
    )
    assert isinstance(answer, tuple)
    return working


def ids(record: Record) -> list[str]:
    return [fact.id.rpartition("/")[2] for fact in record.pending]


async def test_an_unknown_petition_comes_back_empty(store: Either) -> None:
    record = await load(store, petition())
    assert (0, (), None, None) == (record.version, record.pending, record.parked, record.wake_at)
    assert {"own", "ratings", "offices", "dossier"} == set(record.parts)


async def test_what_was_saved_is_loaded(store: Either) -> None:
    working = state(await draft(store), 1, 5)
    working.hear(Streams().write(toy.dossier("𠮷野家👩‍👩‍👧‍👦")), NOW)
    assert {} == await store.save([working])
    record = await load(store, petition())
    assert working.parts == record.parts
    assert working.marks == record.marks
    assert tuple(working.new) == record.pending
    assert 1 == record.version


async def test_a_lost_race_changes_nothing_and_is_named_for_that_petition_alone(store: Either) -> None:
    drafts = [state(await draft(store, n), 2) for n in range(1, 6)]
    assert {} == await store.save([state(await draft(store, 3), 1)])
    assert {petition(3): "_id"} == await store.save(drafts)
    for n in (1, 2, 4, 5):
        assert (2,) == (await load(store, petition(n))).parts["own"].scores
    record = await load(store, petition(3))
    assert ((1,), 1) == (record.parts["own"].scores, record.version)


async def test_a_save_on_a_version_that_has_moved_changes_nothing(store: Either) -> None:
    await store.save([state(await draft(store), 1)])
    early, late = await draft(store), await draft(store)
    assert {} == await store.save([state(late, 2)])
    before = await load(store, petition())
    assert {petition(): "_id"} == await store.save([state(early, 3)])
    assert before == await load(store, petition())


async def test_clearing_takes_off_what_was_published_and_leaves_what_came_later(store: Either) -> None:
    await store.save([state(await draft(store), 1, 2)])
    published = (await load(store, petition())).pending
    await store.save([state(await draft(store), 3)])
    await store.save([state(await draft(store, 2), 4)])
    await store.clear({petition(): published[:1]})
    assert ["2", "3"] == ids(await load(store, petition()))
    await store.clear({petition(): published})
    assert ["3"] == ids(await load(store, petition()))
    assert ["1"] == ids(await load(store, petition(2)))


async def test_clearing_does_not_make_a_save_lose_its_race(store: Either) -> None:
    await store.save([state(await draft(store), 1)])
    working = state(await draft(store), 2)
    await store.clear({petition(): working.record.pending})
    assert {} == await store.save([working])
    assert ["2"] == ids(await load(store, petition()))


async def test_a_save_leaves_out_what_is_published_and_keeps_the_rest_in_order(store: Either) -> None:
    await store.save([state(await draft(store), 1, 2)])
    for published in ([], ["1"], ["1", "2", "3"]):
        record = await load(store, petition())
        left = tuple(fact for fact in record.pending if fact.id.rpartition("/")[2] not in published)
        working = Draft(record, toy.service(), guarded, left=left if published else None)
        assert {} == await store.save([state(working, 3)])
        assert working.stored() == await load(store, petition())
    assert ["4", "5"] == ids(await load(store, petition()))


async def test_a_save_without_anything_left_to_publish_leaves_no_trace_for_the_sweeper(store: Either) -> None:
    await store.save([state(await draft(store), 1)])
    working = Draft(await load(store, petition()), toy.service(), guarded, left=())
    working.hear(Streams().write(toy.accepted()), NOW)
    assert {} == await store.save([working])
    assert () == (await load(store, petition())).pending
    assert [] == await store.forgotten(NOW + 99 * MINUTE, 10)


async def test_forgotten_facts_are_found_when_they_are_old_the_oldest_first(store: Either) -> None:
    # Petition 1 has an old and a young fact, 2 only a young one, 3 and 4 old ones.
    for chance, minutes in ((3, 5), (2, 30), (1, 0), (4, 9), (1, 30), (3, 6)):
        await store.save([state(await draft(store, chance), 1, minutes=minutes)])
    found = await store.forgotten(NOW + 10 * MINUTE, 10)
    assert [petition(1), petition(3), petition(4)] == [record.petition for record in found]
    assert [2, 2, 1] == [len(record.pending) for record in found]
    assert [petition(1), petition(3)] == [r.petition for r in await store.forgotten(NOW + 10 * MINUTE, 2)]
    await store.clear({record.petition: record.pending for record in found})
    assert [] == await store.forgotten(NOW + 10 * MINUTE, 10)


async def refer(store: Either, chance: int) -> None:
    working = await draft(store, chance)
    working.hear(Streams(petition(chance)).write(toy.referred()), NOW)
    await store.save([working])


async def test_a_petition_is_due_from_its_time_on_and_not_once_it_was_looked_at(store: Either) -> None:
    for chance in (1, 2):
        await refer(store, chance)
    assert [] == await store.due(NOW + DAY - timedelta(milliseconds=1), 10)
    assert {petition(1), petition(2)} == set(await store.due(NOW + DAY, 10))
    assert 1 == len(await store.due(NOW + DAY, 1))
    working = await draft(store)
    working.wake(NOW + DAY)
    await store.save([working])
    assert [petition(2)] == await store.due(NOW + DAY, 10)


def _raises(_docket: Any, _now: Any) -> Sequence[Any]:
    raise KeyError


async def test_parked_petitions_are_found_longest_parked_first_and_are_not_due(store: Either) -> None:
    broken = toy.service(woken=_raises)
    for chance, hours in ((1, 3), (2, 1), (3, 2)):
        await refer(store, chance)
        working = Draft(await load(store, petition(chance)), broken, guarded)
        assert isinstance(working.wake(NOW + DAY + timedelta(hours=hours)), Failure)
        assert {} == await store.save([working])
    await refer(store, 4)
    assert [petition(2), petition(3), petition(1)] == [record.petition for record in await store.parked()]
    assert 3 == await store.count_parked()
    assert [petition(4)] == await store.due(NOW + DAY, 10)
    mended = await draft(store)
    mended.redrive(NOW + DAY)
    await store.save([mended])
    assert 2 == await store.count_parked()
    assert {petition(1), petition(4)} == set(await store.due(NOW + DAY, 10))


async def test_what_is_parked_is_kept_to_the_byte(store: Either) -> None:
    streams = Streams()
    streams.write(toy.rated())
    late = [streams.write(toy.rated(score)) for score in (1, 2)]
    working = await draft(store)
    for delivery in late:
        working.hear(delivery, NOW)
    await store.save([working])
    record = await load(store, petition())
    assert working.parked == record.parked
    assert record.parked is not None
    assert [delivery.value for delivery in late] == [message.value for message in record.parked.messages]
    again = Draft(record, SERVICE, guarded)
    again.hear(Streams().write(toy.rated()), NOW)
    await store.save([again])
    healed = await load(store, petition())
    assert (None, 3) == (healed.parked, healed.marks["ratings"].ordinal)
