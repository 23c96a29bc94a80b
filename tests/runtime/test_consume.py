"""The order of a batch: saved, then answered, then published, then cleared; a petition keeps its order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.mediation import CaseAccepted, CaseRated
from contracts.topics import MEDIATION
from runtime.consume import Answer, Ask, Clash, Parked, Redrive, Stated, Wake, guarded
from runtime.draft import Failure, Outcome
from runtime.service import Refused
from runtime.store import DatabaseError
from tests.eventually import eventually
from tests.runtime import toy
from tests.runtime.scripted import Bench, away, turns, whole
from tests.runtime.toy import DAY, Streams, petition

OWN = MEDIATION.name


@pytest.fixture
def bench() -> Bench:
    """The toy on a store and a producer in memory."""
    return Bench(toy.service())


def ask(score: int = 1) -> Ask:
    """Somebody states a rating."""
    return asking(lambda _docket, now: (CaseRated(at=now, score=score),))


def asking(decide: Any) -> Ask:
    """A command with its asker."""
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    return Ask(decide, answer, "http", None)


def scores(bench: Bench) -> list[int]:
    """The ratings that readers see, repeats of a number left out."""
    found: dict[int, int] = {}
    for message in bench.publisher.messages(OWN, petition()):
        assert isinstance(message.fact, CaseRated)
        found.setdefault(message.envelope.ordinal, message.fact.score)
    return list(found.values())


async def test_nothing_is_published_before_it_is_saved_or_cleared_before_it_is_published(
    bench: Bench,
) -> None:
    steps: list[str] = []

    async def on_step(name: str) -> None:
        steps.append(name)

    bench.batches.on_step = on_step
    await bench.batches.handle({petition(): [Streams().write(toy.rated())]})
    assert ["load", "save", "publish", "clear"] == bench.log
    assert ["loaded", "decided", "saved", "published", "cleared"] == steps
    assert () == bench.store.record(petition()).pending


async def test_all_petitions_of_a_batch_share_each_step(bench: Bench) -> None:
    works = {petition(n): [Streams(petition(n)).write(toy.rated(n % 5 + 1))] for n in range(50)}
    await bench.batches.handle(works)
    assert ["load", "save", "publish", "clear"] == bench.log
    assert {*works} == {message.petition for message in bench.publisher.messages(OWN)}


async def test_what_was_heard_is_not_saved_again_and_what_it_left_pending_is_published(bench: Bench) -> None:
    delivery = Streams().write(toy.rated())

    async def dies(name: str) -> None:
        if name == "saved":
            raise ConnectionResetError

    bench.batches.on_step = dies
    with pytest.raises(ConnectionResetError):
        await bench.batches.handle({petition(): [delivery]})
    before = bench.store.record(petition())
    assert [1] == [len(before.pending)]
    assert not bench.publisher.topics
    outcomes: list[Outcome] = []
    again = bench.instance()
    again.outcomes = lambda outcome, _topic: outcomes.append(outcome)
    await again.handle({petition(): [delivery]})
    after = bench.store.record(petition())
    assert ([Outcome.HEARD], before.version, ()) == (outcomes, after.version, after.pending)
    assert [before.pending[0].value] == [value for _, value in bench.publisher.topics[OWN]]


async def test_a_batch_that_was_published_and_not_cleared_says_the_same_again(bench: Bench) -> None:
    delivery = Streams().write(toy.rated())
    bench.store.trouble["clear"] = [away()]
    with pytest.raises(DatabaseError):
        await bench.batches.handle({petition(): [delivery]})
    await bench.instance().handle({petition(): [delivery]})
    values = [value for _, value in bench.publisher.topics[OWN]]
    assert 2 == len(values)
    assert 1 == len(set(values))
    assert () == bench.store.record(petition()).pending


async def test_an_asker_hears_of_it_once_after_it_is_saved_and_before_it_is_published(bench: Bench) -> None:
    one = ask()
    seen: list[bool] = []

    async def on_step(_name: str) -> None:
        seen.append(one.answer.done())

    bench.batches.on_step = on_step
    bench.publisher.open.clear()
    handling = asyncio.create_task(bench.batches.handle({petition(): [one]}))
    answer = await one.answer
    assert Stated((CaseRated(at=toy.NOW, score=1),)) == answer
    assert [False, False, False] == seen, "loaded, decided, saved"
    assert ["load", "save"] == bench.log
    bench.publisher.open.set()
    await handling
    assert answer is one.answer.result()


async def test_nobody_is_answered_what_was_not_saved(bench: Bench) -> None:
    one = ask()
    bench.store.trouble["save"] = [away()]
    with pytest.raises(DatabaseError):
        await bench.batches.handle({petition(): [one]})
    assert not one.answer.done()
    assert not bench.publisher.topics


async def test_a_lost_race_is_decided_again_on_what_the_other_has_saved(bench: Bench) -> None:
    other, decided = bench.instance(), 0
    mine, theirs = Streams(), ask(5)

    def decide(docket: Any, now: Any) -> Sequence[Fact]:
        nonlocal decided
        decided += 1
        return (CaseRated(at=now, score=1 + len(docket.own.scores)),)

    one = asking(decide)
    raced = False

    async def first(name: str) -> None:
        nonlocal raced
        if name == "decided" and not raced:
            raced = True
            await other.handle({petition(): [theirs]})

    bench.batches.on_step = first
    await bench.batches.handle({petition(): [one], petition(2): [Streams(petition(2)).write(toy.rated(2))]})
    assert 2 == decided
    assert Stated((CaseRated(at=toy.NOW, score=2),)) == await one.answer
    assert [5, 2] == scores(bench)
    assert whole(bench.publisher.messages(OWN, petition()))
    assert 1 == len(bench.publisher.messages(OWN, petition(2))), "the winner is not decided again"
    assert mine.petition == petition()


async def test_two_batches_with_one_petition_publish_in_the_order_of_their_numbers(bench: Bench) -> None:
    bench.publisher.open.clear()
    one, two = ask(1), ask(2)
    first = asyncio.create_task(bench.batches.handle({petition(): [one]}))
    await one.answer
    second = asyncio.create_task(bench.batches.handle({petition(): [two], petition(2): [ask(3)]}))
    await two.answer
    assert 1 == bench.publisher.waiting, "the second waits for the first, not beside it"
    bench.publisher.open.set()
    await asyncio.gather(first, second)
    assert [1, 2] == [m.envelope.ordinal for m in bench.publisher.messages(OWN, petition())]
    assert 1 == len(bench.publisher.messages(OWN, petition(2)))


async def test_batches_about_different_petitions_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.publisher.open.clear()
    tasks = [
        asyncio.create_task(bench.batches.handle({petition(n): [Streams(petition(n)).write(toy.rated())]}))
        for n in range(3)
    ]
    await eventually(lambda: bench.publisher.waiting == 3)
    bench.publisher.open.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("arrived", [0, 1, 2])
async def test_a_publish_that_fails_and_recovers_never_reorders_a_petition(
    bench: Bench, arrived: int
) -> None:
    bench.publisher.open.clear()
    bench.publisher.failures, bench.publisher.arrived_of_failed = 2, arrived
    asks = [ask(n) for n in (1, 2, 3)]
    tasks = []
    for one in asks:
        tasks.append(asyncio.create_task(bench.batches.handle({petition(): [one, ask(5)]})))
        await one.answer
    bench.publisher.open.set()
    await asyncio.gather(*tasks)
    assert whole(bench.publisher.messages(OWN, petition()))
    assert [1, 5, 2, 5, 3, 5] == scores(bench)
    assert () == bench.store.record(petition()).pending


async def test_the_order_holds_when_the_earlier_batch_is_cancelled(bench: Bench) -> None:
    bench.publisher.open.clear()
    one, two = ask(1), ask(2)
    first = asyncio.create_task(bench.batches.handle({petition(): [one]}))
    await one.answer
    second = asyncio.create_task(bench.batches.handle({petition(): [two]}))
    await two.answer
    first.cancel()
    await asyncio.wait({first})
    bench.publisher.open.set()
    await second
    assert [1, 2] == scores(bench)
    assert 0.0 == bench.batches.flush.oldest_unpublished()


async def test_the_sweeper_beside_a_batch_neither_reorders_nor_repeats(bench: Bench) -> None:
    one = ask(1)
    bench.publisher.open.clear()
    handling = asyncio.create_task(bench.batches.handle({petition(): [one]}))
    await one.answer
    # The sweeper has read the docket before the batch could clear it.
    pending = bench.store.record(petition()).pending
    sweeping = asyncio.create_task(bench.batches.flush.publish({petition(): pending}))
    bench.publisher.open.set()
    await asyncio.gather(handling, sweeping)
    assert [1] == [m.envelope.ordinal for m in bench.publisher.messages(OWN)]


async def test_an_asker_who_went_away_disturbs_nobody(bench: Bench) -> None:
    gone, stays = ask(1), ask(2)
    gone.answer.cancel()
    await bench.batches.handle({petition(): [gone, stays]})
    assert Stated((CaseRated(at=toy.NOW, score=2),)) == await stays.answer
    assert [1, 2] == scores(bench)


async def test_a_refusal_and_a_failure_are_answered_and_change_nothing(bench: Bench) -> None:
    def fails(_docket: Any, _now: Any) -> Sequence[Fact]:
        raise ZeroDivisionError("张三")

    no, failing = asking(lambda *_: Refused("no")), asking(fails)
    await bench.batches.handle({petition(): [no, failing]})
    assert Refused("no") == await no.answer
    failure = await failing.answer
    assert isinstance(failure, Failure)
    assert "ZeroDivisionError at test_consume.py" in failure.detail
    assert "张三" not in failure.detail
    assert {} == bench.store.documents


async def test_a_unique_rule_is_answered_by_its_key_to_those_who_ran_into_it(bench: Bench) -> None:
    bench.store.clashes[petition()] = "parts.own.request"
    one, other = ask(), ask()
    await bench.batches.handle({petition(): [one], petition(2): [other]})
    assert Clash("parts.own.request") == await one.answer
    assert isinstance(await other.answer, Stated)
    assert {petition(2)} == {message.petition for message in bench.publisher.messages(OWN)}


async def test_no_command_is_taken_on_a_parked_petition_while_others_go_on(bench: Bench) -> None:
    streams = Streams()
    streams.write(toy.rated())
    await bench.batches.handle({petition(): [streams.write(toy.rated())]})
    one, other = ask(), ask()
    await bench.batches.handle({petition(): [one], petition(2): [other]})
    assert isinstance(await one.answer, Parked)
    assert isinstance(await other.answer, Stated)


async def test_redrive_publishes_what_was_held_up(bench: Bench) -> None:
    broken = True

    def handler(docket: Any, heard: Any, now: Any) -> Sequence[Fact]:
        if broken:
            raise KeyError
        return toy.on_rated(docket, heard, now)

    bench = Bench(toy.service(hears={type(toy.rated()): handler}))
    streams = Streams()
    await bench.batches.handle({petition(): [streams.write(toy.rated(n)) for n in (1, 2)]})
    assert not bench.publisher.topics
    broken = False
    await bench.batches.handle({petition(): [Redrive()]})
    assert [1, 2] == scores(bench)
    assert bench.store.record(petition()).parked is None


async def test_what_the_service_does_outside_follows_the_save_and_names_the_facts(bench: Bench) -> None:
    told: list[tuple[list[str], bool, list[str]]] = []
    contexts: list[str | None] = []

    class Effects:
        async def start(self) -> None:
            """Need nothing."""

        async def stop(self) -> None:
            """Hold nothing."""

        def saved(self, _docket: Any, facts: Sequence[Fact], *, woken: bool, traceparent: str | None) -> None:
            contexts.append(traceparent)
            told.append((list(bench.log), woken, [type(fact).__name__ for fact in facts]))

    bench.batches.effects = Effects()
    delivery = Streams().write(toy.referred())
    await bench.batches.handle({petition(): [delivery]})
    await bench.batches.handle({petition(): [delivery]})
    bench.clock.forward(DAY)
    await bench.batches.handle({petition(): [Wake()]})
    first = ["load", "save"]
    done = [*first, "publish", "clear"]
    heard = ["load"]
    assert [
        (first, False, ["CaseAccepted"]),
        ([*done, *heard, *first], True, ["CaseOverdue"]),
    ] == [(log, woken, names) for log, woken, names in told]
    assert [delivery.message and delivery.message.envelope.traceparent, None] == contexts


@dataclass(frozen=True)
class Plan:
    """Commands in batches, each for one of two instances; how often each step lets the others go first."""

    batches: list[tuple[int, list[int], bool]]
    pauses: list[int]
    failures: int
    arrived: int


PLANS = st.builds(
    Plan,
    batches=st.lists(
        st.tuples(st.integers(0, 1), st.lists(st.integers(0, 2), min_size=1, max_size=3), st.booleans()),
        max_size=7,
    ),
    pauses=st.lists(st.integers(0, 5), min_size=1, max_size=9),
    failures=st.integers(0, 3),
    arrived=st.integers(0, 2),
)


@given(PLANS, st.booleans())
def test_whatever_runs_beside_each_other_readers_see_one_history(plan: Plan, remembering: bool) -> None:
    asyncio.run(side_by_side(plan, remembering=remembering))


async def side_by_side(plan: Plan, *, remembering: bool) -> None:
    """Two instances, batches side by side, failing publishes: numbers whole, nothing lost or doubled."""
    bench = Bench(toy.service(), kept=2 if remembering else 0, clear_at_once=not remembering)
    instances, pauses = [bench.batches, bench.instance()], cycle(plan.pauses)

    async def on_step(_name: str) -> None:
        await turns(next(pauses))

    bench.publisher.failures, bench.publisher.arrived_of_failed = plan.failures, plan.arrived
    tasks, asks = [], list[tuple[PetitionId, Ask]]()
    for instance, petitions, waits in plan.batches:
        instances[instance].on_step = on_step
        works: dict[PetitionId, list[Ask]] = {}
        for chance in petitions:
            asks.append((petition(chance), ask(len(asks) % 5 + 1)))
            works.setdefault(petition(chance), []).append(asks[-1][1])
        tasks.append(asyncio.create_task(instances[instance].handle(works)))
        if waits:
            await asyncio.wait(tasks)
    await asyncio.gather(*tasks)
    for each in instances:
        await each.flush.clear()
    assert all(isinstance(one.answer.result(), Stated) for _, one in asks)
    for of in {of for of, _ in asks}:
        messages, stated = bench.publisher.messages(OWN, of), [one for to, one in asks if to == of]
        assert whole(messages)
        assert {*range(1, len(stated) + 1)} == {message.envelope.ordinal for message in messages}
        distinct = {message.envelope.id: message.fact for message in messages}
        said = [one.answer.result() for one in stated]
        assert Counter(distinct.values()) == Counter(a.facts[0] for a in said if isinstance(a, Stated))
        assert () == bench.store.record(of).pending


def test_a_failure_names_the_line_and_never_the_words() -> None:
    def wrong() -> None:
        CaseAccepted(at=toy.NOW, handler="张三 13800138000")

    found = guarded(wrong)
    assert isinstance(found, Failure)
    assert "张三" not in found.detail
    assert "ValidationError" in found.detail


async def test_a_heard_fact_that_a_unique_rule_refuses_is_parked_and_not_passed_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = bench.store.save

    async def refusing(drafts: Sequence[Any]) -> dict[Any, str]:
        refused = {d.record.petition: "parts.own.request" for d in drafts if d.parked is None}
        return {**await save([d for d in drafts if d.parked is not None]), **refused}

    monkeypatch.setattr(bench.store, "save", refusing)
    delivery = Streams().write(toy.referred())
    for work in (delivery, delivery, Redrive()):
        await bench.batches.handle({petition(): [work]})
        parked = bench.store.record(petition()).parked
        assert parked is not None
        assert ("unique-rule", "parts.own.request") == (parked.reason, parked.detail)
        assert [delivery.value] == [message.value for message in parked.messages]
    assert "publish" not in bench.log
    monkeypatch.setattr(bench.store, "save", save)
    await bench.batches.handle({petition(): [Redrive()]})
    assert bench.store.record(petition()).parked is None
