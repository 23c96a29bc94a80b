"""Dockets in memory between batches: they spare the load and never the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.fact import Fact
from contracts.mediation import CaseRated
from contracts.topics import MEDIATION
from runtime.consume import Answer, Ask, Stated
from runtime.kept import Kept
from runtime.record import Parked, Record
from runtime.service import Refused
from tests.runtime import toy
from tests.runtime.scripted import Bench, away
from tests.runtime.toy import Streams, petition

OWN = MEDIATION.name


@pytest.fixture
def bench() -> Bench:
    """The toy with a memory, which clears what it has published later."""
    return Bench(toy.service(), kept=100, clear_at_once=False)


def ask(decide: Any = None) -> Ask:
    """Somebody rates 1, or asks what `decide` answers."""
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    return Ask(decide or (lambda _docket, now: (CaseRated(at=now, score=1),)), answer)


def once(docket: Any, now: datetime) -> Sequence[Fact] | Refused:
    """Rate if nobody has rated."""
    return Refused("rated") if docket.own.scores else (CaseRated(at=now, score=1),)


async def test_the_next_batch_about_a_petition_loads_nothing(bench: Bench) -> None:
    streams = Streams()
    await bench.batches.handle({petition(): [streams.write(toy.rated())]})
    await bench.batches.handle({petition(): [streams.write(toy.rated())]})
    assert ["load", "save", "publish", "save", "publish"] == bench.log


async def test_what_was_published_goes_with_the_next_save_and_is_not_cleared_again(bench: Bench) -> None:
    await bench.batches.handle({petition(): [ask()]})
    assert 1 == len(bench.store.record(petition()).pending)
    await bench.batches.handle({petition(): [ask()]})
    assert [2] == [int(fact.id.rpartition("/")[2]) for fact in bench.store.record(petition()).pending]
    await bench.batches.flush.clear()
    assert () == bench.store.record(petition()).pending
    assert 1 == bench.log.count("clear")
    assert [1, 2] == [message.envelope.ordinal for message in bench.publisher.messages(OWN)]


async def test_many_batches_are_cleared_in_one_update(bench: Bench) -> None:
    for chance in range(9):
        await bench.batches.handle({petition(chance): [ask()]})
    await bench.batches.flush.clear()
    await bench.batches.flush.clear()
    assert 1 == bench.log.count("clear")
    assert not any(bench.store.record(petition(chance)).pending for chance in range(9))


async def test_what_could_not_be_cleared_is_cleared_the_next_time(bench: Bench) -> None:
    await bench.batches.handle({petition(): [ask()]})
    bench.store.trouble["clear"] = [away()]
    clearing = asyncio.create_task(bench.batches.flush.keep_clearing(0))
    while bench.store.record(petition()).pending:
        await asyncio.wait({clearing}, timeout=0.01)
    clearing.cancel()
    await asyncio.wait({clearing})
    assert 2 == bench.log.count("clear")


async def test_a_process_that_dies_before_it_has_cleared_leaves_no_gap_and_no_other_bytes(
    bench: Bench,
) -> None:
    await bench.batches.handle({petition(): [ask()]})
    after = bench.instance()
    await after.handle({petition(): [ask()]})
    await after.flush.clear()
    messages = bench.publisher.messages(OWN)
    assert [1, 1, 2] == [message.envelope.ordinal for message in messages]
    assert 2 == len({message.digest for message in messages})
    assert () == bench.store.record(petition()).pending


async def test_a_copy_that_another_instance_has_overtaken_loses_the_race_and_decides_again(
    bench: Bench,
) -> None:
    await bench.batches.handle({petition(): [ask()]})
    await bench.instance().handle({petition(): [ask()]})
    last = ask()
    await bench.batches.handle({petition(): [last]})
    assert (1, 1, 1) == bench.store.record(petition()).parts["own"].scores
    stated = await last.answer
    assert isinstance(stated, Stated)


async def test_a_no_out_of_memory_is_asked_of_the_database_before_it_is_given(bench: Bench) -> None:
    await bench.batches.handle({petition(): [ask()]})
    # Another instance takes the rating back, as far as the toy can: the docket is gone.
    del bench.store.documents[petition()]
    second = ask(once)
    await bench.batches.handle({petition(): [second]})
    assert isinstance(await second.answer, Stated)


async def test_a_petition_whose_id_was_made_just_now_is_not_looked_for(bench: Bench) -> None:
    one = replace(ask(once), fresh=True)
    await bench.batches.handle({petition(): [one]})
    assert isinstance(await one.answer, Stated)
    assert ["save", "publish"] == bench.log


async def test_an_id_that_two_made_at_once_belongs_to_whoever_was_saved_first(bench: Bench) -> None:
    await bench.batches.handle({petition(): [ask(once)]})
    second = replace(ask(once), fresh=True)
    await bench.instance().handle({petition(): [second]})
    assert Refused("rated") == await second.answer


async def test_a_batch_that_could_not_be_saved_leaves_nothing_in_memory(bench: Bench) -> None:
    await bench.batches.handle({petition(): [ask()]})
    bench.store.trouble["save"] = [away()]
    with pytest.raises(type(away())):
        await bench.batches.handle({petition(): [ask()]})
    assert 0 == len(bench.batches.kept)
    await bench.batches.handle({petition(): [ask()]})
    assert 2 == bench.log.count("load")


async def test_two_batches_about_one_petition_wait_for_each_other_instead_of_racing(bench: Bench) -> None:
    asks = [ask() for _ in range(20)]
    await asyncio.gather(*(bench.batches.handle({petition(): [one]}) for one in asks))
    assert (1,) * 20 == bench.store.record(petition()).parts["own"].scores
    assert (1, 20) == (bench.log.count("load"), bench.log.count("save"))


def test_the_longest_kept_go_when_there_are_too_many() -> None:
    kept = Kept(2)
    for chance in (1, 2, 3):
        kept.put(Record(petition(chance), version=1))
    assert {petition(2), petition(3)} == set(kept.take([petition(n) for n in (1, 2, 3)]))
    assert 0 == len(kept)


def test_an_older_copy_does_not_take_the_place_of_a_newer_one() -> None:
    kept = Kept(2)
    kept.put(Record(petition(), version=2))
    kept.put(Record(petition(), version=1))
    assert 2 == kept.take([petition()])[petition()].version


def test_what_is_kept_for_too_long_is_forgotten() -> None:
    kept = Kept(2, longest=timedelta(0))
    kept.put(Record(petition(), version=1))
    assert {} == kept.take([petition()])


def test_a_parked_petition_is_not_kept() -> None:
    kept = Kept(2)
    kept.put(Record(petition(), version=1, parked=Parked("gap", "", toy.NOW, ())))
    assert 0 == len(kept)
