"""What the clock does: what a dead instance left unpublished is published, what is due is looked at."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from contracts.mediation import CaseOverdue
from contracts.topics import MEDIATION
from runtime.store import Store
from runtime.sweep import Sweeper
from tests.eventually import eventually
from tests.runtime import toy
from tests.runtime.scripted import Bench, away
from tests.runtime.toy import DAY, Streams, petition

AFTER = timedelta(seconds=5)


@pytest.fixture
def bench() -> Bench:
    """The toy on a store and a producer in memory."""
    return Bench(toy.service())


def sweeper(bench: Bench, *, every: timedelta = timedelta(0)) -> Sweeper:
    return Sweeper(cast("Store", bench.store), bench.batches, bench.clock, every=every, after=AFTER)


async def leave_unpublished(bench: Bench, *chances: int) -> None:
    """An instance dies between save and publish."""

    async def dies(name: str) -> None:
        if name == "saved":
            raise ConnectionResetError

    dying = bench.instance()
    dying.on_step = dies
    with pytest.raises(ConnectionResetError):
        await dying.handle({petition(n): [Streams(petition(n)).write(toy.referred())] for n in chances})


async def test_what_was_left_unpublished_is_published_once_it_is_old(bench: Bench) -> None:
    await leave_unpublished(bench, 1, 2)
    assert 0 == await sweeper(bench).sweep()
    assert not bench.publisher.topics
    bench.clock.forward(AFTER)
    assert 2 == await sweeper(bench).sweep()
    assert {petition(1), petition(2)} == {m.petition for m in bench.publisher.messages(MEDIATION.name)}
    assert 0 == await sweeper(bench).sweep()
    assert 2 == len(bench.publisher.messages(MEDIATION.name))


async def test_a_petition_whose_time_has_come_is_looked_at_once(bench: Bench) -> None:
    await bench.batches.handle({petition(): [Streams().write(toy.referred())]})
    assert 0 == await sweeper(bench).wake()
    bench.clock.forward(DAY)
    assert 1 == await sweeper(bench).wake()
    assert 0 == await sweeper(bench).wake()
    facts = [type(m.fact) for m in bench.publisher.messages(MEDIATION.name)]
    assert 1 == facts.count(CaseOverdue)


async def test_a_database_that_is_away_for_a_while_does_not_end_the_sweeper(bench: Bench) -> None:
    await leave_unpublished(bench, 1)
    bench.clock.forward(AFTER)
    bench.store.trouble["forgotten"] = [away(), away()]
    running = asyncio.create_task(sweeper(bench).run())
    await eventually(lambda: bench.publisher.messages(MEDIATION.name), every=0)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def test_a_petition_that_cannot_be_woken_is_parked_and_the_others_are_woken(bench: Bench) -> None:
    def woken(docket: Any, now: Any) -> Any:
        if docket.petition == petition(1):
            raise KeyError
        return toy.woken(docket, now)

    bench = Bench(toy.service(woken=woken))
    await bench.batches.handle({petition(n): [Streams(petition(n)).write(toy.referred())] for n in range(3)})
    bench.clock.forward(DAY)
    assert 3 == await sweeper(bench).wake()
    assert 0 == await sweeper(bench).wake()
    assert [petition(1)] == [record.petition for record in await bench.store.parked()]
