"""A common policy comes to a case: it is concluded and answered on its own, once, or says why it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.bodies import Body
from contracts.kinds import Outcome
from contracts.mediation import CaseAnswered, CaseConcluded, CaseOverdue, CommonPolicyDeclined, NotApplied
from runtime.consume import guarded
from runtime.draft import Delivery, Draft
from runtime.record import Record
from services.mediation import domain
from services.mediation.app import service
from services.mediation.deadlines import Terms
from services.mediation.domain import Asker, State
from tests.mediation.arrivals import (
    START,
    Streams,
    accepted,
    policy_applied,
    put_to_conference,
    registered,
    routed,
    stored,
    unknown,
)

SERVICE = service(Terms())
NOW = START + timedelta(minutes=1)
LABOR = Asker("mediator-7", frozenset({Body.LABOR}))


def names(draft: Draft) -> list[str]:
    return [type(fact).__name__ for fact in draft.facts]


def heard(record: Record, *deliveries: Delivery) -> Draft:
    draft = Draft(record, SERVICE, guarded)
    for delivery in deliveries:
        draft.hear(delivery, NOW)
    return draft


def opened(streams: Streams) -> Record:
    return stored(heard(unknown(SERVICE), *map(streams.write, (registered(), accepted(), routed()))))


def test_a_case_gets_its_own_answer_with_thirty_days_for_a_review() -> None:
    streams = Streams()
    draft = heard(opened(streams), streams.write(policy_applied()))
    concluded, answered = draft.facts
    assert isinstance(concluded, CaseConcluded)
    assert isinstance(answered, CaseAnswered)
    assert (Outcome.SUPPORTED, "leader-7") == (answered.outcome, answered.by)
    assert timedelta(days=30) == answered.review_by - answered.at
    assert concluded.by_policy == answered.by_policy
    assert answered.by_policy is not None
    assert ("wages-2026.1", "5" * 64) == (answered.by_policy.order, answered.by_policy.sha256)
    assert State.ANSWERED == draft.docket.own.state


def test_nothing_is_awaited_of_a_body_any_more_when_a_policy_has_answered_its_case() -> None:
    streams = Streams()
    draft = heard(opened(streams), streams.write(policy_applied()))
    assert domain.next_deadline(draft.docket) is None


@pytest.mark.parametrize("order", range(6))
def test_a_case_is_settled_once_in_whichever_order_policy_and_acceptance_arrive(order: int) -> None:
    streams = Streams()
    intake = [streams.write(registered()), streams.write(accepted())]
    routing = [streams.write(routed()), streams.write(policy_applied())]
    ways: Sequence[Sequence[Delivery]] = [
        way
        for way in permutations((*intake, *routing))
        if all(way.index(first) < way.index(second) for first, second in (intake, routing))
    ]
    assert ["CaseOpened", "CaseConcluded", "CaseAnswered"] == names(heard(unknown(SERVICE), *ways[order]))


def test_a_second_order_or_delivery_never_settles_a_case_twice() -> None:
    streams = Streams()
    record, first = opened(streams), streams.write(policy_applied())
    settled = stored(heard(record, first))
    assert [] == names(heard(settled, first))
    assert ["CommonPolicyDeclined"] == names(heard(settled, streams.write(policy_applied("wages-2026.2"))))


def test_an_outcome_of_its_own_stands_when_a_policy_comes_too_late() -> None:
    streams = Streams()
    draft = heard(opened(streams))
    steps: Sequence[Callable[[domain.Docket, Any], Any]] = (
        lambda docket, now: domain.decide_acceptance(docket, LABOR, "", now),
        lambda docket, now: domain.decide_conclusion(
            docket, LABOR, Outcome.EXPLAINED, agreement=False, now=now
        ),
    )
    for step in steps:
        draft.ask(step, NOW, cause="http", traceparent=None)
    late = heard(stored(draft), streams.write(policy_applied()))
    (fact,) = late.facts
    assert isinstance(fact, CommonPolicyDeclined)
    assert (NotApplied.CONCLUDED, Outcome.EXPLAINED) == (fact.why, late.docket.own.outcome)


def test_a_case_that_its_body_no_longer_has_says_so() -> None:
    streams = Streams()
    gone = stored(heard(opened(streams), streams.write(put_to_conference())))
    (fact,) = heard(gone, streams.write(policy_applied())).facts
    assert isinstance(fact, CommonPolicyDeclined)
    assert NotApplied.NOT_IN_HAND == fact.why


def test_a_late_case_is_said_to_be_late_before_it_is_settled() -> None:
    streams = Streams()
    draft = Draft(opened(streams), SERVICE, guarded)
    draft.hear(streams.write(policy_applied()), START + timedelta(days=70))
    assert [CaseOverdue, CaseOverdue, CaseConcluded, CaseAnswered] == [type(fact) for fact in draft.facts]
