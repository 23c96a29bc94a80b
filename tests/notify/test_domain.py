"""The rules: every cause makes one message, no message has two claims, nothing is sent without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.intake import DossierRead, PetitionAccepted, PetitionRegistered
from contracts.mediation import CaseAnswered, CaseConcluded, CaseOpened, SessionHeld
from contracts.notify import (
    CallTaskRaised,
    SkipReason,
    SmsClaimed,
    SmsNotSent,
    SmsQueued,
    SmsSent,
    SmsSkipped,
    SmsUnknown,
)
from contracts.routing import PetitionRouted
from contracts.topics import DOSSIERS, INTAKE
from services.notify import sms
from services.notify.domain import (
    LONGEST_PAUSE,
    REFUSED_PAUSE,
    Report,
    decide_reported,
    decide_taken,
    decide_tell,
)
from services.notify.messages import State
from services.notify.rules import Way
from services.notify.sms import Accepted, Down, Found, NotFound, Refused, Throttled, Unknown
from services.notify.standing import Standing
from services.notify.turns import due_at, reference, wake_at
from tests.notify.journey import LEASE, PETITION, RULES, TOLD, Journey, fact_of, owed

REGISTERED, DOSSIER = TOLD[PetitionRegistered], TOLD[DossierSaved]
SENT = Accepted(f"{PETITION}.registered.1.1", 2)
HEARD = [kind for kind in TOLD if kind not in {DossierSaved, DossierRead}]


def begun() -> Journey:
    """A petition whose first message is claimed."""
    journey = Journey()
    journey.tell(DOSSIER, REGISTERED)
    return journey


def report(
    journey: Journey,
    result: sms.Result | Found | NotFound | None,
    *,
    attempt: int = 1,
    message: str = "registered.1",
) -> list[str]:
    """Report how an attempt ended; answers the names of the facts stated."""
    decide = partial(decide_reported, RULES)
    facts = journey.ask(lambda docket, now: decide(docket, Report(message, attempt, result), now))
    return names(facts)


def names(facts: object) -> list[str]:
    """The kinds of facts, in order."""
    assert isinstance(facts, (list, tuple))
    return [type(fact).__name__ for fact in facts]


def claims(facts: Sequence[Fact]) -> list[str]:
    """The messages that were claimed, at once or later, in order."""
    return [
        fact.message
        for fact in facts
        if isinstance(fact, SmsClaimed) or (isinstance(fact, SmsQueued) and fact.lease_until is not None)
    ]


def test_a_known_number_is_claimed_with_the_cause() -> None:
    journey = Journey()
    (queued,) = journey.tell(DOSSIER, REGISTERED)
    assert isinstance(queued, SmsQueued)
    assert (queued.message, queued.cause) == ("registered.1", message_id(INTAKE, PETITION, 1))
    assert (queued.gateway, queued.lease_until) == (RULES.ways[0].name, journey.clock.now() + LEASE)


def test_a_message_waits_for_a_number_that_has_not_arrived() -> None:
    journey = Journey()
    assert ["SmsQueued", "SmsQueued"] == names(journey.tell(REGISTERED, TOLD[PetitionAccepted]))
    claimed = journey.tell(DOSSIER)
    assert [fact.message for fact in claimed if isinstance(fact, SmsClaimed)] == [
        "registered.1",
        "accepted.2",
    ]
    assert len(claimed) == 2


def test_a_new_number_does_not_repeat_what_was_claimed() -> None:
    journey = begun()
    assert [] == journey.tell(fact_of(DossierSaved, phone="13900139000"))


@pytest.mark.parametrize("phone", ["0731-85555555", "12345", "无", "13800138000 13900139000"])
def test_an_unusable_number_is_skipped_with_the_reason(phone: str) -> None:
    journey = Journey()
    skipped, call = journey.tell(fact_of(DossierSaved, phone=phone), REGISTERED)
    assert isinstance(skipped, SmsSkipped)
    assert isinstance(call, CallTaskRaised)
    assert (call.message, call.reason) == ("registered.1", "number-unusable")
    assert (skipped.reason, skipped.template) == (SkipReason.NUMBER_UNUSABLE, "registered")
    assert journey.messages[0].state is State.SKIPPED


def test_a_message_that_waited_for_an_unusable_number_is_skipped_once() -> None:
    journey = Journey()
    journey.tell(REGISTERED)
    assert ["SmsSkipped", "CallTaskRaised"] == names(journey.tell(fact_of(DossierSaved, phone="无")))
    assert [] == journey.tell(fact_of(DossierSaved, phone="13900139000"))
    assert len(journey.messages) == 1


def test_staff_must_find_another_way_when_no_number_comes() -> None:
    journey = Journey()
    journey.tell(REGISTERED)
    journey.clock.time = journey.record.wake_at or journey.clock.time
    assert timedelta(hours=72) == journey.clock.now() - journey.messages[0].queued_at
    skipped, call = journey.wake()
    assert isinstance(call, CallTaskRaised)
    assert isinstance(skipped, SmsSkipped)
    assert skipped.reason is SkipReason.NO_CONTACT
    assert journey.record.wake_at is None


def test_an_erased_person_is_told_nothing_more() -> None:
    journey = begun()
    report(journey, SENT)
    journey.erase(DOSSIERS)
    (skipped,) = journey.tell(TOLD[CaseOpened])
    assert isinstance(skipped, SmsSkipped)
    assert skipped.reason is SkipReason.ERASED


def test_what_did_not_leave_is_not_tried_again_after_an_erasure() -> None:
    journey = begun()
    report(journey, Down("away"))
    journey.erase(DOSSIERS)
    journey.clock.forward(LONGEST_PAUSE)
    (skipped,) = journey.wake()
    assert isinstance(skipped, SmsSkipped)
    assert skipped.reason is SkipReason.ERASED


def test_each_cause_makes_its_own_message_of_the_same_template() -> None:
    journey = begun()
    held = [fact_of(SessionHeld, number=number) for number in (1, 2)]
    journey.tell(TOLD[CaseOpened], *held)
    assert [m.message for m in journey.messages][-2:] == ["session-held.2", "session-held.3"]


def test_a_fact_that_nobody_is_told_of_says_nothing() -> None:
    assert [] == begun().tell(TOLD[DossierRead])


@pytest.mark.parametrize("kind", [CaseConcluded, CaseAnswered])
def test_every_outcome_has_a_message(kind: type[Fact]) -> None:
    told = begun().tell(TOLD[PetitionRouted], TOLD[CaseOpened], TOLD[kind])
    assert ["SmsQueued"] == names(told)[-1:]
    assert claims(told)[-1].startswith("case-")


def test_nobody_reads_of_the_end_before_the_beginning_whatever_stream_comes_first() -> None:
    journey = Journey()
    journey.tell(DOSSIER)
    assert ["SmsQueued"] == names(journey.tell(TOLD[CaseOpened]))
    assert ["SmsQueued"] == names(journey.tell(TOLD[PetitionRouted]))
    told = journey.tell(REGISTERED)
    assert ["registered.1", "routed.1", "case-opened.1"] == claims(told)


def test_deciding_twice_about_one_cause_tells_once() -> None:
    journey = begun()
    cause = message_id(INTAKE, PETITION, 1)
    assert [] == decide_tell(RULES, journey.docket, cause, REGISTERED, journey.clock.now())


def test_accepted_means_sent() -> None:
    journey = begun()
    assert ["SmsSent"] == report(journey, SENT)
    assert (State.SENT, 2) == (journey.messages[0].state, journey.messages[0].segments)
    assert wake_at(RULES, journey.docket) is None
    assert journey.docket.own.attention == ()


@pytest.mark.parametrize("result", [SENT, Down("away"), Unknown("cut"), NotFound(), Found("x", 1)])
def test_a_late_report_about_what_is_known_changes_nothing(result: sms.Result | Found | NotFound) -> None:
    journey = begun()
    report(journey, SENT)
    assert [] == report(journey, result)


@pytest.mark.parametrize("result", [SENT, Down("away"), Unknown("cut"), NotFound()])
def test_a_report_about_an_earlier_attempt_changes_nothing(result: sms.Result | NotFound) -> None:
    journey = begun()
    journey.clock.forward(LEASE + RULES.grace)
    journey.wake()
    report(journey, NotFound())
    assert 2 == journey.messages[0].attempt
    assert [] == report(journey, result, attempt=1)


def test_what_did_not_leave_is_claimed_again_after_a_growing_pause() -> None:
    journey = begun()
    pauses = []
    for attempt in range(1, 12):
        assert ["SmsNotSent"] == report(journey, Down("away"), attempt=attempt)
        due = journey.record.wake_at
        assert due is not None
        pauses.append(due - journey.clock.now())
        journey.clock.time = due
        assert ["SmsClaimed"] == names(journey.wake())
    assert pauses == sorted(pauses)
    assert timedelta(seconds=3) < pauses[0] < timedelta(seconds=7)
    assert pauses[-1] < LONGEST_PAUSE * 1.25


def test_a_throttled_message_waits_as_long_as_the_gateway_says() -> None:
    journey = begun()
    report(journey, Throttled(timedelta(seconds=33)))
    assert journey.record.wake_at == journey.clock.now() + timedelta(seconds=33)


def test_a_number_that_the_gateway_refuses_is_not_tried_again() -> None:
    journey = begun()
    stated = report(journey, Refused("0x0b", sms.Fault.NUMBER))
    assert ["SmsNotSent", "SmsSkipped", "CallTaskRaised"] == stated
    assert journey.record.wake_at is None


def test_refused_words_wait_for_staff_and_are_tried_once_a_day() -> None:
    journey = begun()
    assert ["SmsNotSent"] == report(journey, Refused("isv.TEMPLATE", sms.Fault.CONTENT))
    assert journey.record.wake_at == journey.clock.now() + REFUSED_PAUSE
    assert journey.docket.own.attention == (State.NOT_SENT,)


def test_a_claim_whose_lease_has_passed_is_unknown_and_not_claimed_again() -> None:
    journey = begun()
    journey.clock.forward(LEASE)
    assert () == journey.wake()
    journey.clock.forward(RULES.grace)
    assert ["SmsUnknown"] == names(journey.wake())
    assert journey.docket.own.attention == (State.UNKNOWN,)


def test_an_unknown_message_that_the_gateway_has_is_sent() -> None:
    journey = begun()
    journey.clock.forward(LEASE + RULES.grace)
    journey.wake()
    assert ["SmsSent"] == report(journey, Found(f"{PETITION}.registered.1.1", 2))


def test_an_unknown_message_that_the_gateway_does_not_have_is_claimed_again() -> None:
    journey = begun()
    journey.clock.forward(LEASE + RULES.grace)
    journey.wake()
    assert ["SmsNotSent", "SmsClaimed"] == report(journey, NotFound())
    assert (State.CLAIMED, 2) == (journey.messages[0].state, journey.messages[0].attempt)


def test_the_sender_itself_may_come_back_late_with_the_result() -> None:
    journey = begun()
    journey.clock.forward(LEASE + RULES.grace)
    journey.wake()
    assert ["SmsSent"] == report(journey, SENT)


def test_a_gateway_that_does_not_know_is_asked_more_and_more_rarely_and_then_no_more() -> None:
    journey = begun()
    report(journey, Unknown("cut"))
    began, asked = journey.clock.now(), 0
    while journey.record.wake_at is not None:
        journey.clock.time = journey.record.wake_at
        assert ["SmsUnknown"] == names(journey.wake())
        assert [] == report(journey, None)
        asked += 1
    assert 7 == asked
    assert timedelta(hours=72) < journey.clock.now() - began < timedelta(hours=73)
    assert journey.messages[0].state is State.UNKNOWN


def test_a_gateway_that_cannot_be_asked_leaves_the_message_to_staff() -> None:
    rules = replace(RULES, ways=(Way("outbox", query=False),))
    journey = Journey(standing=Standing(rules))
    journey.tell(DOSSIER, REGISTERED)
    journey.ask(lambda docket, now: decide_taken(rules, docket, "registered.1", now))
    report(journey, Unknown("cut"))
    assert journey.record.wake_at is None
    assert journey.docket.own.attention == (State.UNKNOWN,)


def test_waking_early_states_nothing() -> None:
    assert () == begun().wake()


def test_the_text_has_the_values_of_its_own_cause_whatever_came_later() -> None:
    journey = begun()
    first = fact_of(PetitionRouted, body=Body.LABOR, transfer=1)
    second = fact_of(PetitionRouted, body=Body.PROPERTY, transfer=2)
    journey.tell(first, second)
    causes = [message.cause for message in journey.messages if message.template == "routed"]
    bodies = [(journey.docket.values(cause) or {}).get("body") for cause in causes]
    assert bodies == ["labor", "property"]


def test_the_body_of_a_case_is_known_to_its_later_facts() -> None:
    journey = begun()
    journey.tell(fact_of(CaseOpened, body=Body.RURAL), TOLD[CaseConcluded])
    values = journey.docket.values(journey.messages[-1].cause)
    assert values is not None
    assert "rural" == values["body"]


def test_a_reference_is_a_code_that_a_fact_can_carry() -> None:
    name = reference(PETITION, "x" * 21 + ".2147483647", 2_147_483_647)
    SmsSent(at=REGISTERED.at, message="m", attempt=1, gateway="g", reference=name, segments=1)


MOVES = st.lists(
    st.one_of(
        st.sampled_from(HEARD),
        st.just(DossierSaved),
        st.sampled_from(["wake", "lease", "hour", "erase", "again"]),
        st.tuples(
            st.integers(0, 5),
            st.integers(-1, 0),
            st.sampled_from(
                [
                    SENT,
                    Down("away"),
                    Unknown("cut"),
                    NotFound(),
                    Found("found", 1),
                    Refused("no", sms.Fault.NUMBER),
                    None,
                ]
            ),
        ),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(MOVES)
def test_whatever_happens_the_rules_hold(moves: list[object]) -> None:
    journey, last, causes = Journey(), None, 0
    for move in moves:
        if isinstance(move, type):
            last = journey.deliver(TOLD[move])
            journey.hear(last)
            causes += owed(move)
        elif isinstance(move, tuple):
            place, older, result = move
            for message in journey.messages[place : place + 1]:
                report(journey, result, attempt=max(0, message.attempt + older), message=message.message)
        elif move == "again" and last is not None:
            before = len(journey.stated)
            journey.hear(last)
            assert len(journey.stated) == before
        elif move == "erase":
            journey.erase(DOSSIERS)
            last = None
        elif move in {"lease", "hour"}:
            journey.clock.forward(LEASE + RULES.grace if move == "lease" else timedelta(hours=1))
        else:
            journey.wake()
    assert journey.record.parked is None
    assert causes == len(journey.messages)
    assert causes == len({message.message for message in journey.messages})
    _the_stream_keeps_the_rules(journey.stated)
    for message in journey.messages:
        ended = message.state in {State.SENT, State.SKIPPED}
        given_up = message.state is State.UNKNOWN and message.asked > len(RULES.ask_after)
        assert ended or given_up or due_at(RULES, journey.docket, message) is not None


def _the_stream_keeps_the_rules(facts: list[Fact]) -> None:
    """Read the stream as an auditor does."""
    open_claims: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    attempts: Counter[str] = Counter()
    for fact in facts:
        match fact:
            case SmsQueued(lease_until=lease_until):
                open_claims[fact.message] += lease_until is not None
                attempts[fact.message] += lease_until is not None
            case SmsClaimed():
                assert 0 == open_claims[fact.message], "two claims are open"
                assert 0 == sent[fact.message], "claimed after it was sent"
                assert fact.attempt == attempts[fact.message] + 1
                open_claims[fact.message] += 1
                attempts[fact.message] += 1
            case SmsSent():
                assert 1 == open_claims[fact.message], "sent without a claim"
                sent[fact.message] += 1
                open_claims[fact.message] -= 1
            case SmsNotSent():
                assert 1 == open_claims[fact.message]
                open_claims[fact.message] -= 1
            case SmsUnknown():
                assert 1 == open_claims[fact.message], "unknown without a claim"
    assert all(count == 1 for count in sent.values())
