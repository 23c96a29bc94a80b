"""The rules of a case, called plainly, and what must hold whatever comes in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.intake import PetitionRated
from contracts.kinds import Outcome, SessionKind
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    SessionHeld,
    Step,
)
from contracts.routing import PetitionRouted
from contracts.topics import BODY_TOPICS, INTAKE, ROUTING
from runtime.service import Refused
from services.mediation import domain
from services.mediation.deadlines import Terms
from services.mediation.domain import Asker, Decision, Docket, Refusal, Session, State
from tests.mediation.arrivals import DUE, RETURN_BY, START, accepted, petition, rated, registered, routed

TERMS = Terms()
LABOR = Asker("mediator-7", frozenset({Body.LABOR}))
RURAL = Asker("mediator-9", frozenset({Body.RURAL}))
LEADER = Asker("leader-1", frozenset(Body))
MEETING = Session(SessionKind.MEDIATION, participants=3, units=("street-office",))
EMPTY = Docket(petition())

Deciding = Callable[[Docket, datetime, Asker], Decision]


def after(days: float) -> datetime:
    return START + timedelta(days=days)


def told(docket: Docket, fact: Fact) -> Docket:
    """The docket with one fact folded into the part of its topic."""
    if type(fact).TOPIC is INTAKE:
        return replace(docket, intake=domain.evolve_intake(docket.intake, fact))
    if type(fact).TOPIC is ROUTING:
        return replace(docket, routing=domain.evolve_routing(docket.routing, fact))
    return replace(docket, own=domain.evolve_own(docket.own, fact))


def hear(docket: Docket, fact: Fact, now: datetime) -> tuple[Docket, Sequence[Fact]]:
    """Fold what was heard, decide, fold what was decided."""
    docket = told(docket, fact)
    if isinstance(fact, PetitionRated):
        stated = domain.decide_rating(docket, now)
    else:
        stated = domain.decide_opening(docket, TERMS, now)
    return folded(docket, stated), stated


def folded(docket: Docket, facts: Decision) -> Docket:
    assert not isinstance(facts, Refused), facts
    for fact in facts:
        docket = told(docket, fact)
    return docket


def opened(body: Body = Body.LABOR) -> Docket:
    docket = told(told(EMPTY, accepted()), routed(body))
    return folded(docket, domain.decide_opening(docket, TERMS, START))


def in_hand() -> Docket:
    docket = opened()
    return folded(docket, domain.decide_acceptance(docket, LABOR, "", after(1)))


def concluded(outcome: Outcome = Outcome.SETTLED) -> Docket:
    docket = in_hand()
    return folded(docket, domain.decide_conclusion(docket, LABOR, outcome, agreement=False, now=after(30)))


def answered() -> Docket:
    docket = concluded()
    return folded(docket, domain.decide_answer(docket, LABOR, TERMS, after(31)))


def test_a_case_opens_when_the_petition_is_routed_after_its_acceptance() -> None:
    docket = told(told(EMPTY, accepted()), routed())
    expected = CaseOpened(
        at=after(1),
        body=Body.LABOR,
        transfer=1,
        accept_by=routed().at + timedelta(days=15),
        due=DUE,
        return_by=RETURN_BY,
        calendar=TERMS.workdays.name,
    )
    assert (expected,) == domain.decide_opening(docket, TERMS, after(1))


@pytest.mark.parametrize("known", [(), (accepted(),), (routed(),)])
def test_no_case_opens_while_one_of_the_two_is_missing(known: Sequence[Fact]) -> None:
    docket = EMPTY
    for fact in known:
        docket = told(docket, fact)
    assert () == domain.decide_opening(docket, TERMS, START)


def test_a_case_opens_only_once_for_a_transfer() -> None:
    assert () == domain.decide_opening(opened(), TERMS, START)


def test_a_new_body_has_its_own_fifteen_days_and_the_old_end_when_a_petition_is_routed_again() -> None:
    docket, stated = hear(in_hand(), routed(Body.RURAL, 2, after(20)), after(20))
    assert [CaseOpened] == [type(fact) for fact in stated]
    assert (State.OPENED, Body.RURAL, 2) == (docket.own.state, docket.own.body, docket.own.transfer)
    assert (after(35), DUE) == (docket.own.accept_by, docket.own.due)
    assert ("", None) == (docket.own.handler, docket.own.accepted_at)


def test_a_case_keeps_its_end_when_a_later_acceptance_names_another() -> None:
    docket, _ = hear(opened(), accepted(after(10)), after(10))
    docket, _ = hear(docket, routed(Body.RURAL, 2, after(20)), after(20))
    assert DUE == docket.own.due


@pytest.mark.parametrize("docket", [concluded(), answered()])
def test_nothing_opens_anew_when_there_is_an_outcome(docket: Docket) -> None:
    assert () == domain.decide_opening(told(docket, routed(Body.RURAL, 2)), TERMS, after(40))


def test_an_older_transfer_opens_nothing() -> None:
    docket, _ = hear(opened(), routed(Body.RURAL, 2), after(2))
    assert () == domain.decide_opening(told(docket, routed(Body.LABOR, 1)), TERMS, after(3))


def test_the_asker_is_the_handler_when_none_is_named() -> None:
    assert (CaseAccepted(at=after(1), handler="mediator-7"),) == domain.decide_acceptance(
        opened(), LABOR, "", after(1)
    )
    assert (CaseAccepted(at=after(1), handler="wang"),) == domain.decide_acceptance(
        opened(), LABOR, "wang", after(1)
    )


def test_sessions_are_numbered_when_they_are_held() -> None:
    docket = in_hand()
    for number in (1, 2, 3):
        held = domain.decide_session(docket, LABOR, MEETING, after(5))
        expected = SessionHeld(
            at=after(5),
            number=number,
            kind=SessionKind.MEDIATION,
            participants=3,
            units=("street-office",),
        )
        assert (expected,) == held
        docket = folded(docket, held)


def test_a_session_is_entered_once_when_its_number_is_given_and_the_request_is_repeated() -> None:
    first = replace(MEETING, number=1)
    docket = in_hand()
    docket = folded(docket, domain.decide_session(docket, LABOR, first, after(5)))
    assert Refused(Refusal.OTHER_SESSION) == domain.decide_session(docket, LABOR, first, after(5))


def test_session_numbers_go_on_when_the_case_goes_to_another_body() -> None:
    docket = in_hand()
    docket = folded(docket, domain.decide_session(docket, LABOR, MEETING, after(5)))
    docket, _ = hear(docket, routed(Body.RURAL, 2), after(6))
    docket = folded(docket, domain.decide_acceptance(docket, RURAL, "", after(7)))
    docket = folded(docket, domain.decide_session(docket, RURAL, MEETING, after(8)))
    assert 2 == docket.own.sessions


def test_a_matter_is_concluded_and_then_answered_with_that_outcome() -> None:
    docket = in_hand()
    facts = domain.decide_conclusion(docket, LABOR, Outcome.SETTLED, agreement=True, now=after(30))
    assert (CaseConcluded(at=after(30), outcome=Outcome.SETTLED, agreement=True, by="mediator-7"),) == facts
    facts = domain.decide_answer(folded(docket, facts), LEADER, TERMS, after(31))
    expected = CaseAnswered(at=after(31), outcome=Outcome.SETTLED, by="leader-1", review_by=after(61))
    assert (expected,) == facts


def test_there_is_no_agreement_when_nothing_was_settled() -> None:
    for outcome in set(Outcome) - {Outcome.SETTLED}:
        refused = domain.decide_conclusion(in_hand(), LABOR, outcome, agreement=True, now=after(3))
        assert Refused(Refusal.NO_SETTLEMENT) == refused


def accept(docket: Docket, now: datetime, asker: Asker) -> Decision:
    return domain.decide_acceptance(docket, asker, "", now)


def session(docket: Docket, now: datetime, asker: Asker) -> Decision:
    return domain.decide_session(docket, asker, MEETING, now)


def conclude(docket: Docket, now: datetime, asker: Asker) -> Decision:
    return domain.decide_conclusion(docket, asker, Outcome.EXPLAINED, agreement=False, now=now)


def answer(docket: Docket, now: datetime, asker: Asker) -> Decision:
    return domain.decide_answer(docket, asker, TERMS, now)


@pytest.mark.parametrize(
    ("docket", "decide", "expected"),
    [
        (opened(), session, Refusal.NOT_ACCEPTED),
        (opened(), conclude, Refusal.NOT_ACCEPTED),
        (opened(), answer, Refusal.NOT_CONCLUDED),
        (in_hand(), accept, Refusal.ALREADY_ACCEPTED),
        (in_hand(), answer, Refusal.NOT_CONCLUDED),
        (concluded(), accept, Refusal.ALREADY_ACCEPTED),
        (concluded(), session, Refusal.ALREADY_CONCLUDED),
        (concluded(), conclude, Refusal.ALREADY_CONCLUDED),
        (answered(), accept, Refusal.ALREADY_ACCEPTED),
        (answered(), session, Refusal.ALREADY_CONCLUDED),
        (answered(), conclude, Refusal.ALREADY_CONCLUDED),
        (answered(), answer, Refusal.ALREADY_ANSWERED),
    ],
)
def test_a_step_is_refused_when_it_is_not_its_turn(
    docket: Docket, decide: Deciding, expected: Refusal
) -> None:
    assert Refused(expected) == decide(docket, after(40), LABOR)


@pytest.mark.parametrize("step", [accept, session, conclude, answer])
def test_a_step_is_refused_to_another_body_and_open_to_a_leader(step: Deciding) -> None:
    ready_for: dict[Deciding, Docket] = {
        accept: opened(),
        session: in_hand(),
        conclude: in_hand(),
        answer: concluded(),
    }
    ready = ready_for[step]
    assert Refused(Refusal.OTHER_BODY) == step(ready, after(2), RURAL)
    assert Refused(Refusal.NO_CASE) == step(EMPTY, after(2), LEADER)
    assert not isinstance(step(ready, after(2), LEADER), Refused)


def test_a_rating_reaches_the_case_when_it_was_answered() -> None:
    docket, stated = hear(answered(), rated(5), after(40))
    assert (CaseRated(at=after(40), score=5),) == stated
    assert (State.RATED, 5) == (docket.own.state, docket.own.score)


@pytest.mark.parametrize("docket", [EMPTY, opened(), in_hand(), concluded()])
def test_a_rating_counts_nothing_when_there_was_no_answer(docket: Docket) -> None:
    assert () == domain.decide_rating(told(docket, rated()), after(40))


def test_a_second_rating_counts_nothing() -> None:
    docket, _ = hear(answered(), rated(5), after(40))
    assert () == hear(docket, rated(1), after(41))[1]


def test_a_case_is_overdue_once_for_each_step_that_was_not_taken() -> None:
    docket = opened()
    assert docket.own.accept_by == domain.next_deadline(docket)
    late = domain.decide_overdue(docket, after(16))
    assert (CaseOverdue(at=after(16), step=Step.ACCEPT, since=docket.own.accept_by),) == late
    docket = folded(docket, late)
    assert ((), DUE) == (domain.decide_overdue(docket, after(17)), domain.next_deadline(docket))
    late = domain.decide_overdue(docket, after(61))
    assert (CaseOverdue(at=after(61), step=Step.FINISH, since=DUE),) == late
    docket = folded(docket, late)
    assert ((), None) == (domain.decide_overdue(docket, after(99)), domain.next_deadline(docket))


def test_the_clock_rings_at_the_deadline_itself_so_that_it_does_not_ring_again() -> None:
    docket = opened()
    deadline = domain.next_deadline(docket)
    assert deadline is not None
    assert () != domain.decide_overdue(docket, deadline)


def test_an_outcome_that_nobody_was_told_is_overdue_when_the_sixty_days_are_over() -> None:
    assert [Step.FINISH] == [
        fact.step for fact in domain.decide_overdue(concluded(), after(61)) if isinstance(fact, CaseOverdue)
    ]


def test_nothing_is_awaited_when_the_answer_was_given() -> None:
    assert (None, ()) == (domain.next_deadline(answered()), domain.decide_overdue(answered(), after(99)))


def test_a_late_step_is_entered_as_late_when_the_clock_has_not_rung_yet() -> None:
    facts = accept(opened(), after(16), LABOR)
    assert not isinstance(facts, Refused)
    assert [CaseOverdue, CaseAccepted] == [type(fact) for fact in facts]


def test_the_old_bodys_delay_is_stated_before_the_new_body_has_the_case() -> None:
    docket = told(opened(), routed(Body.RURAL, 2, after(16)))
    facts = domain.decide_opening(docket, TERMS, after(16))
    assert [CaseOverdue, CaseOpened] == [type(fact) for fact in facts]
    late = told(docket, facts[0])
    assert (BODY_TOPICS[Body.LABOR],) == domain.mirrors(late, facts[0])
    assert (BODY_TOPICS[Body.RURAL],) == domain.mirrors(told(late, facts[1]), facts[1])


def test_facts_that_lead_nowhere_change_nothing() -> None:
    assert EMPTY == told(EMPTY, registered())


steps = st.sampled_from([accept, session, conclude, answer])
askers = st.sampled_from([LABOR, RURAL, LEADER])
pauses = st.integers(0, 40)
intake_stream = [registered(), accepted()]
routings = st.lists(st.sampled_from([Body.LABOR, Body.RURAL, Body.FINANCE]), min_size=1, max_size=4).map(
    lambda bodies: [routed(body, number, after(number)) for number, body in enumerate(bodies, start=1)]
)


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Two interleavings of the same streams: each keeps its own order, as a topic does."""
    routing = draw(routings)
    length = len(routing) + len(intake_stream)

    def merged() -> list[Fact]:
        places = draw(
            st.sets(st.integers(0, length - 1), min_size=len(intake_stream), max_size=len(intake_stream))
        )
        intake, other = iter(intake_stream), iter(routing)
        return [next(intake) if place in places else next(other) for place in range(length)]

    return merged(), merged()


@given(interleaved())
def test_a_case_is_the_same_in_whatever_order_the_streams_arrived(
    orders: tuple[list[Fact], list[Fact]],
) -> None:
    cases = []
    for order in orders:
        docket, opens = EMPTY, []
        for fact in order:
            docket, stated = hear(docket, fact, after(10))
            opens += [one.transfer for one in stated if isinstance(one, CaseOpened)]
        assert sorted(set(opens)) == opens
        cases.append(docket.own)
    assert cases[0] == cases[1]
    assert State.OPENED == cases[0].state


@given(
    st.lists(st.tuples(st.one_of(steps, st.just(None), st.sampled_from(Body)), askers, pauses), max_size=20)
)
def test_a_case_always_has_an_owner_and_a_due_time_or_an_outcome_that_was_told(
    tried: list[tuple[Deciding | Body | None, Asker, int]],
) -> None:
    docket, now, transfer, stream = opened(), START, 1, list[Fact]()
    for step, asker, pause in tried:
        now += timedelta(days=pause)
        if step is None:
            facts: Decision = domain.decide_overdue(docket, now)
        elif isinstance(step, Body):
            transfer += 1
            docket = told(docket, routed(step, transfer, now))
            facts = domain.decide_opening(docket, TERMS, now)
        else:
            facts = step(docket, now, asker)
        if isinstance(facts, Refused):
            continue
        docket = folded(docket, facts)
        stream += facts
        case = docket.own
        assert case.body is not None
        assert DUE == case.due
        assert (case.answered_at is None) or (case.outcome is not None)
        waiting = case.answered_at is None
        assert not waiting or Step.FINISH in case.overdue or domain.next_deadline(docket) is not None
    finish = [fact for fact in stream if isinstance(fact, CaseOverdue) and fact.step is Step.FINISH]
    assert len(finish) <= 1
    since_open: list[Step] = []
    for fact in stream:
        if isinstance(fact, CaseOpened):
            since_open = []
        if isinstance(fact, CaseOverdue):
            assert fact.step not in since_open
            since_open.append(fact.step)


def test_every_transfer_counts_when_a_case_goes_from_body_to_body() -> None:
    docket, bodies = opened(), [Body.RURAL, Body.FINANCE, Body.LABOR]
    for number, body in enumerate(bodies, start=2):
        fact: PetitionRouted = routed(body, number, after(number))
        docket, stated = hear(docket, fact, after(number))
        assert [CaseOpened] == [type(one) for one in stated]
        assert (body, number) == (docket.own.body, docket.own.transfer)
