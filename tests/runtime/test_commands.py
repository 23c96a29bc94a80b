"""Commands are collected for a moment, answered when saved, refused when there are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from contracts.fact import Fact
from contracts.mediation import CaseRated
from contracts.topics import MEDIATION
from runtime import commands as queue
from runtime.commands import Asked, Commands, UnavailableError
from runtime.consume import Stated
from runtime.service import Refused
from tests.eventually import eventually
from tests.runtime import toy
from tests.runtime.scripted import Bench, away
from tests.runtime.toy import petition

pytestmark = pytest.mark.timeout(20)


def rate(_docket: Any, now: Any) -> Sequence[Fact]:
    return (CaseRated(at=now, score=3),)


@pytest.fixture
def bench() -> Bench:
    """The toy on a store and a producer in memory."""
    return Bench(toy.service())


def commands(
    bench: Bench,
    *,
    limit: int = 2000,
    unpublished: timedelta = timedelta(seconds=30),
    within: timedelta = timedelta(seconds=10),
) -> Commands:
    return Commands(
        bench.batches,
        wait=timedelta(milliseconds=3),
        waiting_limit=limit,
        unpublished_limit=unpublished,
        answer_within=within,
    )


async def test_commands_of_the_same_moment_are_saved_together(bench: Bench) -> None:
    desk = commands(bench)
    answers = await asyncio.gather(*(desk.ask(petition(n), rate) for n in range(100)))
    assert {Stated} == {type(answer) for answer in answers}
    assert 1 == bench.log.count("save")


async def test_two_commands_on_one_petition_are_decided_one_after_the_other(bench: Bench) -> None:
    desk = commands(bench)

    def once(docket: Any, now: Any) -> Sequence[Fact] | Refused:
        return Refused("already-rated") if docket.own.scores else rate(docket, now)

    answers = await asyncio.gather(*(desk.ask(petition(), once) for _ in range(3)))
    assert ["Refused", "Refused", "Stated"] == sorted(type(answer).__name__ for answer in answers)


async def test_a_batch_of_commands_has_a_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MOST_AT_ONCE", 10)
    desk = commands(bench)
    await asyncio.gather(*(desk.ask(petition(n), rate) for n in range(25)))
    assert 3 == bench.log.count("save")


async def test_a_command_after_a_quiet_time_is_taken_too(bench: Bench) -> None:
    desk = commands(bench)
    for n in range(3):
        assert isinstance(await desk.ask(petition(n), rate), Stated)
    assert 3 == bench.log.count("save")


async def test_more_than_may_wait_are_told_to_come_again(bench: Bench) -> None:
    desk = commands(bench, limit=2)
    first = [asyncio.create_task(desk.ask(petition(n), rate)) for n in range(2)]
    third = asyncio.create_task(desk.ask(petition(3), rate))
    with pytest.raises(UnavailableError):
        await third
    assert {Stated} == {type(answer) for answer in await asyncio.gather(*first)}
    assert isinstance(await desk.ask(petition(4), rate), Stated), "there is room again"


async def test_while_facts_cannot_be_published_for_too_long_no_command_is_taken(bench: Bench) -> None:
    desk = commands(bench, unpublished=timedelta(0))
    bench.publisher.open.clear()
    assert isinstance(await desk.ask(petition(), rate), Stated)
    assert desk.overloaded()
    with pytest.raises(UnavailableError) as refused:
        await desk.ask(petition(2), rate)
    assert refused.value.seconds > 0
    bench.publisher.open.set()
    await eventually(lambda: not desk.overloaded())
    assert isinstance(await desk.ask(petition(2), rate), Stated)


async def test_an_answer_does_not_wait_until_earlier_facts_are_published(bench: Bench) -> None:
    desk = commands(bench)
    bench.publisher.open.clear()
    for number in range(3 * queue.BATCHES_AT_ONCE):
        assert isinstance(await desk.ask(petition(number), rate), Stated), number
    assert "publish" not in bench.log
    bench.publisher.open.set()
    await desk.stop()
    assert 3 * queue.BATCHES_AT_ONCE == bench.log.count("clear")


async def test_nobody_waits_for_ever_for_a_database_that_hangs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, answers = commands(bench, within=timedelta(seconds=0.2)), asyncio.Event()
    load = bench.store.load

    async def hanging(petitions: Any) -> Any:
        await answers.wait()
        return await load(petitions)

    monkeypatch.setattr(bench.store, "load", hanging)
    for number in range(queue.BATCHES_AT_ONCE + 1):
        with pytest.raises(UnavailableError):
            await desk.ask(petition(number), rate)
    answers.set()
    assert isinstance(await desk.ask(petition(100), rate), Stated)
    last = petition(queue.BATCHES_AT_ONCE)
    assert last not in bench.store.documents, "who was told no before it began is not taken behind his back"


async def test_while_the_database_is_away_the_asker_is_told_at_once(bench: Bench) -> None:
    desk = commands(bench)
    bench.store.trouble["load"] = [away()]
    with pytest.raises(UnavailableError):
        await desk.ask(petition(), rate)
    assert {} == bench.store.documents
    assert isinstance(await desk.ask(petition(), rate), Stated)


async def test_an_asker_who_goes_away_leaves_room_for_the_next(bench: Bench) -> None:
    desk = commands(bench, limit=1)
    asking = asyncio.create_task(desk.ask(petition(), rate))
    await eventually(lambda: desk._taken == 1, every=0)  # noqa: SLF001 - the count is the point
    asking.cancel()
    await asyncio.wait({asking})
    assert isinstance(await desk.ask(petition(2), rate), Stated)


async def test_stopping_finishes_what_was_taken_and_takes_no_more(bench: Bench) -> None:
    desk = commands(bench)
    asking = [asyncio.create_task(desk.ask(petition(n), rate)) for n in range(5)]
    await eventually(lambda: desk._taken == 5, every=0)  # noqa: SLF001 - the count is the point
    await desk.stop()
    assert 5 == len(bench.publisher.messages(MEDIATION.name))
    assert {()} == {bench.store.record(petition(n)).pending for n in range(5)}
    assert {Stated} == {type(answer) for answer in await asyncio.gather(*asking)}
    with pytest.raises(UnavailableError):
        await desk.ask(petition(9), rate)


async def test_an_answer_is_not_held_up_by_the_broker(bench: Bench) -> None:
    desk = commands(bench)
    bench.publisher.open.clear()
    assert isinstance(await desk.ask(petition(), rate), Stated)
    assert ["load", "save"] == bench.log
    bench.publisher.open.set()
    await desk.stop()


async def test_many_are_answered_in_their_order_each_on_its_petition(bench: Bench) -> None:
    def refuse(_docket: Any, _now: Any) -> Refused:
        return Refused("no")

    desk = commands(bench)
    asked = [Asked(petition(n), refuse if n % 2 else rate) for n in range(6)]
    answers = await desk.ask_all(asked)
    assert [Stated, Refused] * 3 == [type(answer) for answer in answers]
    assert 1 == bench.log.count("save")


async def test_many_that_could_not_be_saved_are_each_to_be_asked_again(bench: Bench) -> None:
    desk = commands(bench)
    bench.store.trouble["save"] = [away()]
    answers = await desk.ask_all([Asked(petition(n), rate) for n in range(3)])
    assert [UnavailableError] * 3 == [type(answer) for answer in answers]
    answers = await desk.ask_all([Asked(petition(n), rate) for n in range(3)])
    assert [Stated] * 3 == [type(answer) for answer in answers]
