"""退回: a body objects in its five working days, and is heard, refused or rid of the case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pytest

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import Outcome, ReturnReason
from contracts.mediation import CaseHandedBack, CaseKept, CaseOpened, CaseReturned
from contracts.topics import BODY_TOPICS
from contracts.workdays import Workdays
from runtime.service import Refused
from services.mediation import domain
from services.mediation.deadlines import Terms
from services.mediation.domain import Decision, Docket, Refusal, State
from tests.mediation.arrivals import (
    RETURN_BY,
    START,
    accepted,
    put_to_conference,
    referred,
    return_refused,
    routed,
    sent_to_triage,
)
from tests.mediation.test_domain import (
    EMPTY,
    LABOR,
    RURAL,
    TERMS,
    after,
    concluded,
    folded,
    in_hand,
    opened,
    told,
)

REASON = ReturnReason.NOT_OUR_MATTER


def objects(docket: Docket, now: datetime = START, suggested: Body | None = Body.RURAL) -> Decision:
    return domain.decide_return(docket, LABOR, REASON, suggested, now)


def returned() -> Docket:
    return folded(opened(), objects(opened()))


def test_a_body_objects_with_its_reason_and_keeps_the_case_until_that_is_decided() -> None:
    expected = CaseReturned(
        at=START,
        body=Body.LABOR,
        transfer=1,
        reason=REASON,
        suggested=Body.RURAL,
        return_by=RETURN_BY,
        by="mediator-7",
    )
    assert (expected,) == objects(opened())
    assert (State.RETURNED, Body.LABOR) == (returned().own.state, returned().own.body)


@pytest.mark.parametrize(
    ("now", "refused"),
    [
        (RETURN_BY - timedelta(microseconds=1), False),
        (RETURN_BY, True),
    ],
)
def test_an_objection_is_taken_to_the_last_moment_of_the_fifth_working_day(
    now: datetime, refused: bool
) -> None:
    assert refused == (Refused(Refusal.RETURN_TOO_LATE) == objects(opened(), now))


def test_holidays_and_the_weekends_worked_for_them_count_as_the_calendar_says() -> None:
    # Friday, 25 September 2026 is Mid-Autumn; 1 to 7 October are National Day, and 10 October is worked.
    begun = datetime(2026, 9, 23, 1, 0, tzinfo=UTC)
    docket = told(told(EMPTY, accepted(begun)), routed(at=begun))
    (fact,) = domain.decide_opening(docket, TERMS, begun)
    assert isinstance(fact, CaseOpened)
    # Thursday 24, Monday 28, Tuesday 29, Wednesday 30, then the eighth of October.
    assert datetime(2026, 10, 8, 16, 0, tzinfo=UTC) == fact.return_by
    longer = replace(TERMS, return_workdays=7)
    (fact,) = domain.decide_opening(docket, longer, begun)
    assert isinstance(fact, CaseOpened)
    assert datetime(2026, 10, 10, 16, 0, tzinfo=UTC) == fact.return_by, "the Saturday is worked"


LATE_IN_THE_YEAR = datetime(2031, 12, 29, 1, 0, tzinfo=UTC)


def opened_late(terms: Terms) -> tuple[Docket, CaseOpened]:
    docket = told(told(EMPTY, accepted(LATE_IN_THE_YEAR)), routed(at=LATE_IN_THE_YEAR))
    (fact,) = domain.decide_opening(docket, terms, LATE_IN_THE_YEAR)
    assert isinstance(fact, CaseOpened)
    return told(docket, fact), fact


def test_a_year_that_the_calendar_does_not_know_is_said_and_the_objection_says_it_too() -> None:
    docket, fact = opened_late(TERMS)
    assert (None, 2031) == (fact.return_by, fact.calendar_lacks)
    stated = objects(docket, LATE_IN_THE_YEAR + timedelta(days=300))
    assert not isinstance(stated, Refused)
    (objection,) = [one for one in stated if isinstance(one, CaseReturned)]
    assert (None, 2031) == (objection.return_by, objection.calendar_lacks)


def test_a_year_that_the_operator_adds_is_counted_with() -> None:
    years = {2031: MappingProxyType({date(2031, 12, 31): False}), 2032: MappingProxyType({})}
    _, fact = opened_late(replace(TERMS, workdays=Workdays("with-2031", MappingProxyType(years))))
    # Tuesday 30, Thursday 1, Friday 2, Monday 5, Tuesday 6.
    assert (datetime(2032, 1, 6, 16, 0, tzinfo=UTC), None) == (fact.return_by, fact.calendar_lacks)
    assert "with-2031" == fact.calendar


def bound() -> Docket:
    docket = told(told(EMPTY, accepted()), routed(conference=1))
    return folded(docket, domain.decide_opening(docket, TERMS, START))


@pytest.mark.parametrize(
    ("docket", "suggested", "expected"),
    [
        (EMPTY, None, Refusal.NO_CASE),
        (opened(Body.RURAL), None, Refusal.OTHER_BODY),
        (opened(), Body.LABOR, Refusal.OWN_BODY),
        (in_hand(), None, Refusal.ALREADY_ACCEPTED),
        (concluded(), None, Refusal.ALREADY_ACCEPTED),
        (returned(), None, Refusal.ALREADY_RETURNED),
        (bound(), Body.RURAL, Refusal.BOUND),
    ],
)
def test_an_objection_is_refused_when_it_is_not_the_bodys_to_make(
    docket: Docket, suggested: Body | None, expected: Refusal
) -> None:
    assert Refused(expected) == objects(docket, suggested=suggested)


def test_no_step_is_taken_while_the_objection_waits_and_nobody_is_late_with_it() -> None:
    docket = returned()
    steps: list[Decision] = [
        domain.decide_acceptance(docket, LABOR, "", START),
        domain.decide_conclusion(docket, LABOR, Outcome.EXPLAINED, agreement=False, now=START),
    ]
    assert [Refused(Refusal.ALREADY_RETURNED)] * 2 == steps
    assert () == domain.decide_overdue(docket, after(20))
    assert docket.own.due == domain.next_deadline(docket), "the 60 days go on"


def test_a_body_whose_objection_is_refused_has_the_case_as_before() -> None:
    docket = told(returned(), return_refused())
    facts = domain.decide_keeping(docket, after(1))
    assert (CaseKept(at=after(1), body=Body.LABOR, transfer=1),) == facts
    docket = folded(docket, facts)
    assert (State.OPENED, opened().own.accept_by) == (docket.own.state, docket.own.accept_by)
    assert () == domain.decide_keeping(docket, after(1)), "once"
    assert not isinstance(domain.decide_acceptance(docket, LABOR, "", after(2)), Refused)


def test_a_refusal_of_another_transfer_changes_nothing() -> None:
    assert () == domain.decide_keeping(told(returned(), return_refused(2)), after(1))


@pytest.mark.parametrize("away", [sent_to_triage, put_to_conference, referred])
@pytest.mark.parametrize("docket", [opened(), returned(), in_hand()])
def test_a_body_is_rid_of_the_case_when_routing_has_the_petition_again(
    away: Callable[[], Fact], docket: Docket
) -> None:
    docket = told(docket, away())
    facts = domain.decide_handing_back(docket, after(1))
    assert (CaseHandedBack(at=after(1), body=Body.LABOR, transfer=1),) == facts
    docket = folded(docket, facts)
    assert (BODY_TOPICS[Body.LABOR],) == domain.mirrors(docket, facts[0]), "the old body hears it"
    assert () == domain.decide_handing_back(docket, after(1))
    assert None is domain.next_deadline(docket)
    for step in (objects(docket), domain.decide_acceptance(docket, LABOR, "", after(2))):
        assert Refused(Refusal.HANDED_BACK) == step
    assert () == domain.decide_opening(docket, TERMS, after(2)), "nobody has it"


def test_an_outcome_stays_where_it_is_whatever_routing_says_later() -> None:
    assert () == domain.decide_handing_back(told(concluded(), sent_to_triage()), after(31))


@pytest.mark.parametrize(
    "before", [returned(), folded(returned(), (CaseHandedBack(at=START, body=Body.LABOR, transfer=1),))]
)
def test_the_next_body_has_days_of_its_own_to_object(before: Docket) -> None:
    docket = told(before, routed(Body.RURAL, 2, after(7)))
    docket = folded(docket, domain.decide_opening(docket, TERMS, after(7)))
    assert (State.OPENED, Body.RURAL, None) == (docket.own.state, docket.own.body, docket.own.return_reason)
    assert RETURN_BY + timedelta(days=7) == docket.own.return_by
    assert not isinstance(domain.decide_return(docket, RURAL, REASON, None, after(8)), Refused)
