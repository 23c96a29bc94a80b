"""One petition's messages in any order that a broker may bring them lead to one state and one history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.envelope import digest, read, seal
from contracts.fact import Fact
from contracts.mediation import CaseAccepted, CaseOverdue, CaseRated
from contracts.routing import PetitionReferred
from contracts.topics import BODY_TOPICS, DOSSIERS, MEDIATION
from runtime import draft as drafts
from runtime.consume import guarded
from runtime.draft import Delivery, Draft, Failure, Outcome, ParkReason
from runtime.record import Mark, Record, empty, from_document
from runtime.service import Refused, Service
from tests.runtime import toy
from tests.runtime.scripted import document, whole
from tests.runtime.toy import DAY, NOW, Streams, petition

SERVICE = toy.service()


class Life:
    """One petition over many batches; every docket goes through its stored form between two of them."""

    def __init__(self, service: Service[Any] = SERVICE) -> None:
        self.service = service
        self.record: Record = empty(petition(), service)
        self.stated: list[Fact] = []
        self.values: list[bytes] = []

    def draft(self) -> Draft:
        """Begin a batch."""
        return Draft(self.record, self.service, guarded)

    def hear(self, *deliveries: Delivery) -> list[Outcome]:
        """Take these in one batch."""
        draft = self.draft()
        outcomes = [draft.hear(delivery, NOW) for delivery in deliveries]
        self.keep(draft)
        return outcomes

    def redrive(self) -> Outcome:
        """Replay what is parked."""
        draft = self.draft()
        outcome = draft.redrive(NOW)
        self.keep(draft)
        return outcome

    def keep(self, draft: Draft) -> None:
        """Save, publish and clear."""
        if draft.changed:
            self.record = from_document(document(draft), self.service)
            self.record = replace(self.record, pending=())
        self.stated.extend(draft.facts)
        self.values.extend(fact.value for fact in draft.new)

    @property
    def told(self) -> tuple[list[int], list[str]]:
        """What was stated, for each cause by itself."""
        return (
            [fact.score for fact in self.stated if isinstance(fact, CaseRated)],
            [fact.handler for fact in self.stated if isinstance(fact, CaseAccepted)],
        )


FACTS = st.one_of(
    st.integers(1, 5).map(toy.rated),
    st.sampled_from(["a", "b", "c"]).map(toy.referred),
    st.sampled_from(["供水", "𠮷野家", "工资"]).map(toy.dossier),
    st.just(toy.accepted()),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Delivery]:
    """What others have written about one petition, in the order in which they wrote it."""
    streams = Streams()
    return [streams.write(fact) for fact in draw(st.lists(FACTS, min_size=1, max_size=10))]


@st.composite
def delivered(draw: st.DrawFn) -> tuple[list[Delivery], list[list[Delivery]]]:
    """A history, and how a broker may bring it: each topic in order, stretches repeated, cut into batches."""
    history = draw(histories())
    queues = [[d for d in history if d.topic == topic] for topic in sorted({d.topic for d in history})]
    places = [0] * len(queues)
    brought: list[Delivery] = []
    while unfinished := [i for i, queue in enumerate(queues) if places[i] < len(queue)]:
        i = draw(st.sampled_from(unfinished))
        brought.append(queues[i][places[i]])
        # After a crash a partition is read again from an earlier place.
        back = draw(st.integers(0, 2)) if draw(st.booleans()) else 0
        places[i] = max(0, places[i] + 1 - back) if len(brought) < 30 else places[i] + 1
    return history, cut(draw, brought)


def cut(draw: Any, brought: list[Delivery]) -> list[list[Delivery]]:
    """Cut into batches."""
    batches: list[list[Delivery]] = [[]]
    for delivery in brought:
        if batches[-1] and draw(st.booleans()):
            batches.append([])
        batches[-1].append(delivery)
    return batches


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Delivery], list[list[Delivery]]]:
    """A history in any order at all, with repeats."""
    history = draw(histories())
    again = draw(st.lists(st.sampled_from(history), max_size=4))
    return history, cut(draw, draw(st.permutations([*history, *again])))


def in_order(history: Sequence[Delivery], service: Service[Any] = SERVICE) -> Life:
    """Each message once, in order, in one batch."""
    life = Life(service)
    life.hear(*history)
    return life


def same(expected: Life, found: Life) -> None:
    assert expected.record.parts == found.record.parts
    assert expected.told == found.told
    assert found.record.parked is None
    assert whole([read(value) for value in expected.values])
    assert whole([read(value) for value in found.values])
    assert [*range(1, len(found.values) + 1)] == [read(v).envelope.ordinal for v in found.values]


@given(delivered())
def test_whatever_a_broker_may_do_the_petition_has_one_history(
    case: tuple[list[Delivery], list[list[Delivery]]],
) -> None:
    history, batches = case
    life = Life()
    outcomes = [outcome for batch in batches for outcome in life.hear(*batch)]
    same(in_order(history), life)
    assert {Outcome.APPLIED, Outcome.HEARD} >= set(outcomes)
    assert len(history) == outcomes.count(Outcome.APPLIED)


@given(shuffled())
def test_any_disorder_heals_once_everything_has_arrived(
    case: tuple[list[Delivery], list[list[Delivery]]],
) -> None:
    history, batches = case
    life = Life()
    for batch in batches:
        life.hear(*batch)
    same(in_order(history), life)


@given(delivered())
def test_a_second_delivery_of_everything_changes_nothing(
    case: tuple[list[Delivery], list[list[Delivery]]],
) -> None:
    history, batches = case
    life = in_order(history)
    before = life.record
    for batch in batches:
        assert {Outcome.HEARD} == set(life.hear(*batch))
    assert before == life.record
    assert not life.draft().changed


@given(histories(), st.integers(0, 9))
def test_what_comes_after_a_gap_waits_in_order_and_is_never_decided(
    history: list[Delivery], place: int
) -> None:
    missing = history[place % len(history)]
    rest = [delivery for delivery in history if delivery is not missing]
    life = Life()
    life.hear(*rest)
    after = [d for d in rest if d.topic == missing.topic and d.offset > missing.offset]
    parked = life.record.parked
    if not after or missing.topic == DOSSIERS.name:
        assert parked is None
        return
    assert parked is not None
    assert ParkReason.GAP == parked.reason
    waiting = [_as_delivery(message) for message in parked.messages]
    assert after == [delivery for delivery in waiting if delivery.topic == missing.topic]
    for topic in {delivery.topic for delivery in rest}:
        # Of every other topic the first ones are applied and the others wait, in order.
        mine = [delivery for delivery in rest if delivery.topic == topic]
        applied = life.record.marks.get(SERVICE.by_topic[topic].name, Mark()).ordinal
        assert [d for d in mine if d.offset >= applied] == [d for d in waiting if d.topic == topic]


def _as_delivery(message: Any) -> Delivery:
    return Delivery(message.topic, message.partition, message.offset, message.value, read(message.value))


@given(histories(), st.integers(0, 9))
def test_redrive_after_the_fix_equals_never_having_failed(history: list[Delivery], place: int) -> None:
    poison = history[place % len(history)]
    assert poison.message is not None
    bad = poison.message.envelope.id

    def broken(handler: Any) -> Any:
        def fails(docket: Any, heard: Any, now: Any) -> Any:
            if heard.id == bad:
                raise ZeroDivisionError("张三 13800138000")
            return handler(docket, heard, now)

        return fails

    service = toy.service(hears={kind: broken(handler) for kind, handler in SERVICE.hears.items()})
    life = Life(service)
    life.hear(*history)
    if type(poison.message.fact) in SERVICE.hears:
        assert life.record.parked is not None
        assert ParkReason.DECISION == life.record.parked.reason
        assert "张三" not in life.record.parked.detail
        assert history[history.index(poison) :] == [_as_delivery(m) for m in life.record.parked.messages]
        first = life.record.parked
        # Before the fix it is parked again, with all after it, and the alarm keeps its age.
        assert Outcome.PARKED == life.redrive()
        assert life.record.parked is not None
        assert first.since == life.record.parked.since
        assert {m.value for m in first.messages} == {m.value for m in life.record.parked.messages} | set(
            _applied(life, first.messages)
        )
        life.service = SERVICE
        assert Outcome.APPLIED == life.redrive()
    else:
        assert Outcome.HEARD == life.redrive()
    same(in_order(history), life)


def _applied(life: Life, messages: Any) -> list[bytes]:
    found = []
    for message in messages:
        mark = life.record.marks.get(SERVICE.by_topic[message.topic].name)
        if mark is not None and read(message.value).envelope.ordinal <= mark.ordinal:
            found.append(message.value)
    return found


def test_new_facts_are_numbered_chained_and_mirrored_with_the_message_as_their_cause() -> None:
    streams, life = Streams(), Life()
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    first, second = streams.write(toy.rated(5), traceparent=trace), streams.write(toy.rated(2))
    draft = life.draft()
    draft.hear(first, NOW)
    draft.hear(second, NOW)
    found = [read(fact.value) for fact in draft.new]
    assert [1, 2, 3] == [message.envelope.ordinal for message in found]
    assert [None, found[0].digest, found[1].digest] == [message.envelope.previous for message in found]
    causes = [f"petition-intake-v1/{petition()}/{n}" for n in (1, 1, 2)]
    assert causes == [message.envelope.causationid for message in found]
    assert [trace, trace, None] == [message.envelope.traceparent for message in found]
    topics = (MEDIATION.name, BODY_TOPICS[Body.LABOR].name)
    assert [topics] * 3 == [fact.topics for fact in draft.new]
    assert [f"{MEDIATION.name}/{petition()}/{n}" for n in (1, 2, 3)] == [fact.id for fact in draft.new]


def test_a_command_is_decided_on_what_came_before_it_in_the_batch() -> None:
    life = Life()
    draft = life.draft()
    draft.hear(Streams().write(toy.rated(4)), NOW)
    answer = draft.ask(
        lambda docket, now: (CaseRated(at=now, score=docket.own.scores[0]),),
        NOW,
        cause="http",
        traceparent=None,
    )
    assert (CaseRated(at=NOW, score=4),) == answer
    assert [1, 2] == [read(fact.value).envelope.ordinal for fact in draft.new]


def _state(draft: Draft) -> Any:
    return (dict(draft.parts), dict(draft.marks), draft.parked, list(draft.new), list(draft.facts))


def _raises(_docket: Any, _now: Any) -> Sequence[Fact]:
    raise ZeroDivisionError("张三")


@pytest.mark.parametrize(
    ("decide", "answer"),
    [
        (lambda _docket, _now: Refused("no"), Refused),
        (_raises, Failure),
        # The second fact cannot be stated here: the first is not kept either.
        (lambda _docket, now: (CaseRated(at=now, score=1), toy.rated()), Failure),
    ],
)
def test_a_refusal_or_a_failure_changes_nothing(decide: Any, answer: type) -> None:
    life = Life()
    life.hear(Streams().write(toy.rated(5)))
    draft = life.draft()
    before = _state(draft)
    found = draft.ask(decide, NOW, cause=None, traceparent=None)
    assert isinstance(found, answer)
    assert before == _state(draft)
    assert not draft.changed
    assert "张三" not in str(found)


def test_a_forged_message_parks_and_the_chain_before_it_stands() -> None:
    streams, life = Streams(), Life()
    first = streams.write(toy.rated(1))
    other = seal(
        toy.rated(2), petition=petition(), ordinal=2, previous=digest(b"x"), cause=None, traceparent=None
    )
    forged = Delivery(first.topic, 0, 1, other, read(other))
    assert [Outcome.APPLIED, Outcome.PARKED] == life.hear(first, forged)
    assert life.record.parked is not None
    assert (ParkReason.CHAIN, "at 2") == (life.record.parked.reason, life.record.parked.detail)
    assert ([1], []) == life.told


def test_a_type_that_is_not_known_waits_until_it_is() -> None:
    streams, life = Streams(), Life()
    first = streams.write(toy.rated(1))
    assert first.value is not None
    value = first.value.replace(b"PetitionRated.v1", b"PetitionRated.v9")
    later = streams.write(toy.rated(2))
    assert [Outcome.PARKED, Outcome.PARKED] == life.hear(
        replace(first, value=value, message=read(value)), later
    )
    assert life.record.parked is not None
    assert ParkReason.UNKNOWN_TYPE == life.record.parked.reason
    assert Outcome.PARKED == life.redrive()
    assert life.record.parked is not None
    assert 2 == len(life.record.parked.messages)


def test_on_a_compacted_topic_a_higher_number_is_newer_and_a_null_value_erases() -> None:
    streams, life = Streams(), Life()
    old, skipped, new = (streams.write(toy.dossier(title)) for title in ("旧", "中", "新"))
    assert [Outcome.APPLIED, Outcome.APPLIED, Outcome.HEARD] == life.hear(old, new, skipped)
    assert "新" == life.record.parts["dossier"].title
    assert [Outcome.ERASED] == life.hear(toy.tombstone())
    assert toy.Title() == life.record.parts["dossier"]


def test_what_was_erased_does_not_come_back_when_an_old_message_is_delivered_again() -> None:
    streams, life = Streams(), Life()
    old = streams.write(toy.dossier("旧"))
    life.hear(old, toy.tombstone())
    assert [Outcome.HEARD] == life.hear(old)
    assert toy.Title() == life.record.parts["dossier"]
    assert [Outcome.APPLIED] == life.hear(streams.write(toy.dossier("新")))
    assert "新" == life.record.parts["dossier"].title


def test_what_was_erased_is_gone_from_what_is_parked_and_does_not_come_back_by_redrive() -> None:
    streams, life = Streams(), Life(toy.service(hears={type(toy.rated()): _fails}))
    waiting = streams.write(toy.rated())
    life.hear(waiting, streams.write(toy.dossier("旧")), toy.tombstone())
    assert life.record.parked is not None
    assert [waiting.value] == [message.value for message in life.record.parked.messages]
    life.service = SERVICE
    assert Outcome.APPLIED == life.redrive()
    assert toy.Title() == life.record.parts["dossier"]


def test_a_petition_that_waits_for_nothing_but_what_was_erased_is_well_again() -> None:
    streams, life = Streams(), Life()
    message = streams.write(toy.dossier())
    assert message.value is not None
    newer = message.value.replace(b"DossierSaved.v1", b"DossierSaved.v9")
    life.hear(replace(message, value=newer, message=read(newer)))
    assert life.record.parked is not None
    life.hear(toy.tombstone())
    assert life.record.parked is None


def _fails(_docket: Any, _heard: Any, _now: Any) -> Sequence[Fact]:
    raise ZeroDivisionError


def test_what_the_clock_decides_is_stated_once() -> None:
    life = Life()
    life.hear(Streams().write(toy.referred()))
    assert NOW + DAY == life.record.wake_at
    draft = life.draft()
    assert isinstance(draft.wake(NOW + DAY), tuple)
    assert draft.woken
    life.keep(draft)
    assert [CaseOverdue] == [type(fact) for fact in life.stated[1:]]
    assert "clock" == read(life.values[-1]).envelope.causationid
    assert life.record.wake_at is None


def test_a_petition_whose_waking_raises_is_parked_and_not_woken_again_until_redrive() -> None:
    broken = toy.service(woken=_raises)
    life = Life(broken)
    streams = Streams()
    first, later = streams.write(toy.referred()), streams.write(toy.referred("b"))
    life.hear(first)
    draft = life.draft()
    assert isinstance(draft.wake(NOW + DAY), Failure)
    life.keep(draft)
    assert life.record.parked is not None
    assert ParkReason.DECISION == life.record.parked.reason
    assert life.record.wake_at is None
    assert [Outcome.PARKED] == life.hear(later)
    # An instance that saw it due before it was parked comes too late.
    life.service = SERVICE
    late = life.draft()
    assert () == late.wake(NOW + DAY)
    assert not late.changed
    assert life.record.parked is not None
    assert [later.value] == [message.value for message in life.record.parked.messages]
    assert Outcome.APPLIED == life.redrive()
    assert NOW + DAY == life.record.wake_at
    assert ["clerk-1", "b"] == life.told[1]


def test_a_message_that_comes_twice_while_parked_is_kept_once() -> None:
    streams, life = Streams(), Life()
    streams.write(toy.rated())
    second, third = streams.write(toy.rated()), streams.write(toy.rated())
    life.hear(second, third, second, third)
    life.hear(third, second)
    assert life.record.parked is not None
    assert [second.value, third.value] == [message.value for message in life.record.parked.messages]


def test_the_alarm_of_a_gap_keeps_its_age() -> None:
    streams, life = Streams(), Life()
    streams.write(toy.rated())
    life.hear(streams.write(toy.rated()))
    draft = life.draft()
    assert Outcome.PARKED == draft.hear(streams.write(toy.rated()), NOW + timedelta(hours=1))
    assert draft.parked is not None
    assert NOW == draft.parked.since


def test_more_than_the_most_is_not_parked_so_nothing_is_lost_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MOST_PARKED", 3)
    streams, life = Streams(), Life()
    streams.write(toy.rated())
    life.hear(*(streams.write(toy.rated()) for _ in range(3)))
    draft, late = life.draft(), streams.write(toy.rated())
    assert Outcome.DEAD_LETTER == draft.hear(late, NOW)
    assert [late] == draft.surplus
    assert life.record.parked is not None
    assert 3 == len(life.record.parked.messages)


def test_parked_messages_stay_within_what_the_database_takes_for_one_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drafts, "MOST_PARKED_BYTES", 2000)
    streams, life = Streams(), Life()
    streams.write(toy.rated())
    outcomes = life.hear(*(streams.write(toy.rated()) for _ in range(9)))
    assert {Outcome.PARKED, Outcome.DEAD_LETTER} == set(outcomes)
    assert life.record.parked is not None
    assert sum(len(m.value) for m in life.record.parked.messages) <= 2000


def test_a_fault_in_wake_parks_its_petition_and_raises_nothing() -> None:
    def broken(_docket: object) -> None:
        raise ZeroDivisionError

    life = Life(replace(SERVICE, wake=broken))
    assert [Outcome.PARKED] == life.hear(Streams().write(toy.accepted()))
    assert life.record.parked is not None
    assert "ZeroDivisionError" in life.record.parked.detail
    life.service = SERVICE
    assert Outcome.APPLIED == life.redrive()
    assert life.record.parked is None


def test_a_heard_fact_without_a_handler_is_folded_and_states_nothing() -> None:
    life = Life()
    assert [Outcome.APPLIED] == life.hear(Streams().write(toy.accepted()))
    assert 1 == life.record.marks["ratings"].ordinal
    assert [] == life.stated


def test_no_service_states_what_belongs_to_another() -> None:
    life = Life(toy.service(hears={PetitionReferred: lambda *_: (toy.rated(),)}))
    assert [Outcome.PARKED] == life.hear(Streams().write(toy.referred()))
    assert life.record.parked is not None
    assert "ValueError" in life.record.parked.detail
