"""Each handler through the runtime, in memory: first delivery, second delivery, failure then redelivery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contracts.bodies import Body
from contracts.envelope import read
from contracts.fact import Fact
from contracts.kinds import Outcome, ReturnReason
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseHandedBack,
    CaseKept,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    CommonPolicyDeclined,
)
from contracts.topics import BODY_TOPICS, MEDIATION
from runtime.consume import guarded
from runtime.draft import Delivery, Draft, ParkReason
from runtime.draft import Outcome as Became
from runtime.record import Record
from runtime.service import Service
from services.mediation import domain
from services.mediation.app import service
from services.mediation.deadlines import Terms
from services.mediation.domain import Asker, Docket
from tests.mediation.arrivals import (
    RETURN_BY,
    START,
    Streams,
    accepted,
    policy_applied,
    put_to_conference,
    rated,
    referred,
    registered,
    return_refused,
    routed,
    sent_to_triage,
    stored,
    unknown,
)

TERMS = Terms()
SERVICE = service(TERMS)
NOW = START + timedelta(minutes=1)
LABOR = Asker("mediator-7", frozenset({Body.LABOR}))


def heard(record: Record, *deliveries: Delivery, by: Service[Docket] = SERVICE) -> Draft:
    """The draft after these messages."""
    draft = Draft(record, by, guarded)
    for delivery in deliveries:
        draft.hear(delivery, NOW)
    return draft


def names(draft: Draft) -> list[str]:
    return [type(fact).__name__ for fact in draft.facts]


def answered(streams: Streams) -> Record:
    """The record of a case that has its answer."""
    draft = heard(unknown(SERVICE), *(streams.write(fact) for fact in (registered(), accepted(), routed())))
    steps: Sequence[Callable[[Docket, Any], Any]] = (
        lambda docket, now: domain.decide_acceptance(docket, LABOR, "", now),
        lambda docket, now: domain.decide_conclusion(
            docket, LABOR, Outcome.EXPLAINED, agreement=False, now=now
        ),
        lambda docket, now: domain.decide_answer(docket, LABOR, TERMS, now),
    )
    for step in steps:
        draft.ask(step, NOW, cause="http", traceparent=None)
    assert ["CaseOpened", "CaseAccepted", "CaseConcluded", "CaseAnswered"] == names(draft)
    return stored(draft)


def before_acceptance(streams: Streams) -> tuple[Record, Delivery]:
    record = stored(heard(unknown(SERVICE), streams.write(routed()), streams.write(registered())))
    return record, streams.write(accepted())


def before_routing(streams: Streams) -> tuple[Record, Delivery]:
    record = stored(heard(unknown(SERVICE), streams.write(registered()), streams.write(accepted())))
    return record, streams.write(routed())


def before_rating(streams: Streams) -> tuple[Record, Delivery]:
    return answered(streams), streams.write(rated(5))


def before_policy_too_late(streams: Streams) -> tuple[Record, Delivery]:
    return answered(streams), streams.write(policy_applied())


def returned(streams: Streams) -> Record:
    """The record of a case whose body objects."""
    draft = heard(unknown(SERVICE), *(streams.write(fact) for fact in (registered(), accepted(), routed())))
    draft.ask(
        lambda docket, now: domain.decide_return(docket, LABOR, ReturnReason.NOT_OUR_MATTER, None, now),
        NOW,
        cause="http",
        traceparent=None,
    )
    assert ["CaseOpened", "CaseReturned"] == names(draft)
    return stored(draft)


def before_refusal(streams: Streams) -> tuple[Record, Delivery]:
    return returned(streams), streams.write(return_refused())


def before_triage(streams: Streams) -> tuple[Record, Delivery]:
    return returned(streams), streams.write(sent_to_triage())


def before_conference(streams: Streams) -> tuple[Record, Delivery]:
    return returned(streams), streams.write(put_to_conference())


def before_referral(streams: Streams) -> tuple[Record, Delivery]:
    return returned(streams), streams.write(referred())


each_handler = pytest.mark.parametrize(
    ("arrange", "expected"),
    [
        pytest.param(before_acceptance, CaseOpened, id="on_petition_accepted"),
        pytest.param(before_routing, CaseOpened, id="on_petition_routed"),
        pytest.param(before_refusal, CaseKept, id="on_return_refused"),
        pytest.param(before_triage, CaseHandedBack, id="on_petition_sent_to_triage"),
        pytest.param(before_conference, CaseHandedBack, id="on_petition_put_to_conference"),
        pytest.param(before_referral, CaseHandedBack, id="on_petition_referred"),
        pytest.param(before_policy_too_late, CommonPolicyDeclined, id="on_common_policy_applied"),
        pytest.param(before_rating, CaseRated, id="on_petition_rated"),
    ],
)
Arrange = Callable[[Streams], tuple[Record, Delivery]]


@each_handler
def test_the_first_delivery_states_the_fact(arrange: Arrange, expected: type[Fact]) -> None:
    record, delivery = arrange(Streams())
    draft = Draft(record, SERVICE, guarded)
    assert Became.APPLIED == draft.hear(delivery, NOW)
    assert [expected.__name__] == names(draft)
    assert draft.changed


@each_handler
def test_the_second_delivery_changes_nothing(arrange: Arrange, expected: type[Fact]) -> None:
    record, delivery = arrange(Streams())
    after = stored(heard(record, delivery))
    again = Draft(after, SERVICE, guarded)
    assert Became.HEARD == again.hear(delivery, NOW)
    assert ([], False) == (names(again), again.changed)
    twice = heard(record, delivery, delivery)
    assert [expected.__name__] == names(twice)


@each_handler
def test_a_redelivery_states_what_a_failure_kept_back(arrange: Arrange, expected: type[Fact]) -> None:
    record, delivery = arrange(Streams())

    def broken(*_: object) -> Sequence[Fact]:
        raise RuntimeError("a bug in this release")

    faulty = replace(SERVICE, hears=dict.fromkeys(SERVICE.hears, broken))
    parked = heard(record, delivery, by=faulty)
    assert parked.parked is not None
    assert ([], ParkReason.DECISION) == (names(parked), parked.parked.reason)
    well = Draft(stored(parked), SERVICE, guarded)
    well.hear(delivery, NOW)
    assert Became.APPLIED == well.redrive(NOW)
    assert ([expected.__name__], None) == (names(well), well.parked)


@each_handler
def test_a_batch_that_was_not_saved_states_the_same_bytes_when_it_comes_again(
    arrange: Arrange, expected: type[Fact]
) -> None:
    record, delivery = arrange(Streams())
    first, second = heard(record, delivery), heard(record, delivery)
    assert [expected.__name__] == names(first)
    assert first.new == second.new


def test_every_fact_goes_to_the_bodys_topic_too() -> None:
    streams = Streams()
    draft = heard(unknown(SERVICE), *(streams.write(fact) for fact in (registered(), accepted(), routed())))
    draft.hear(streams.write(routed(Body.RURAL, 2)), NOW)
    bodies = [Body.LABOR, Body.RURAL]
    assert [(MEDIATION.name, BODY_TOPICS[body].name) for body in bodies] == [p.topics for p in draft.new]
    assert [1, 2] == [read(pending.value).envelope.ordinal for pending in draft.new]


def test_the_clock_makes_a_case_overdue_once_and_sets_itself_to_the_next_deadline() -> None:
    record, delivery = before_routing(Streams())
    record = stored(heard(record, delivery))
    assert record.wake_at == routed().at + TERMS.accept
    draft = Draft(record, SERVICE, guarded)
    draft.wake(record.wake_at)
    assert ["CaseOverdue"] == names(draft)
    later = stored(draft)
    assert later.wake_at == accepted().due
    again = Draft(later, SERVICE, guarded)
    again.wake(record.wake_at)
    assert [] == names(again)


def test_a_stored_case_is_the_case_that_the_stream_rebuilds() -> None:
    record = answered(Streams())
    rebuilt = domain.Case()
    draft_facts = [
        CaseOpened(
            at=NOW,
            body=Body.LABOR,
            transfer=1,
            accept_by=routed().at + TERMS.accept,
            due=accepted().due,
            return_by=RETURN_BY,
        ),
        CaseAccepted(at=NOW, handler="mediator-7"),
        CaseConcluded(at=NOW, outcome=Outcome.EXPLAINED, by="mediator-7"),
        CaseAnswered(at=NOW, outcome=Outcome.EXPLAINED, by="mediator-7", review_by=NOW + TERMS.review),
    ]
    for fact in draft_facts:
        rebuilt = domain.evolve_own(rebuilt, fact)
    assert rebuilt == record.parts["own"]


def test_a_late_acceptance_says_so_in_the_stream_when_it_comes_before_the_clock() -> None:
    record, delivery = before_routing(Streams())
    draft = heard(record, delivery)
    late = NOW + timedelta(days=16)
    draft.ask(
        lambda docket, now: domain.decide_acceptance(docket, LABOR, "", now),
        late,
        cause="http",
        traceparent=None,
    )
    assert [CaseOpened, CaseOverdue, CaseAccepted] == [type(fact) for fact in draft.facts]
