"""What comes back: receipts move a message up only, replies count once, staff decide what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionRegistered
from contracts.notify import (
    CallOutcome,
    CallTaskDone,
    CallTaskRaised,
    ReplyKind,
    ReplyReceived,
    SmsDecided,
    SmsDelivered,
    SmsQueued,
    SmsUndelivered,
)
from runtime.service import Refused
from services.notify.docket import Docket
from services.notify.domain import Report, decide_reported, decide_taken
from services.notify.messages import CALL, State
from services.notify.outcomes import (
    Reply,
    Told,
    decide_called,
    decide_receipt,
    decide_reply,
    decide_unknown,
)
from services.notify.rules import Way
from services.notify.sms import Accepted, Delivery, Unknown
from services.notify.standing import Standing
from tests.notify.journey import RULES, TOLD, Journey

WITH_RECEIPTS = replace(RULES, ways=(Way("smpp", query=False, receipts=True, replies=True),))
SENT = Accepted("smsc-1", 1)


def sent(result: Accepted | Unknown | None = SENT) -> Journey:
    """A petition whose first message has left, or of which that is not known."""
    journey = Journey(standing=Standing(WITH_RECEIPTS))
    journey.tell(TOLD[DossierSaved], TOLD[PetitionRegistered])
    take(journey, "registered.1")
    if result is not None:
        report = Report("registered.1", 1, result)
        journey.ask(_reported(report))
    return journey


def take(journey: Journey, message: str) -> list[Fact]:
    """The gateway has room for what was offered to it."""
    return list(journey.ask(lambda docket, now: decide_taken(WITH_RECEIPTS, docket, message, now)))


def _reported(report: Report) -> Callable[[Docket, datetime], Sequence[Fact]]:
    return lambda docket, now: decide_reported(WITH_RECEIPTS, docket, report, now)


def receipt(journey: Journey, delivery: Delivery, *, code: str = "", attempt: int = 1) -> list[Fact]:
    """Let a receipt come; answers what is stated."""
    told = Told("registered.1", attempt, delivery, code)
    return list(journey.ask(lambda docket, now: decide_receipt(WITH_RECEIPTS, docket, told, now)))


def state(journey: Journey) -> State:
    """Where the first message stands."""
    return journey.messages[0].state


@pytest.mark.parametrize("before", [SENT, Unknown("no-answer"), None], ids=["sent", "unknown", "claimed"])
def test_a_receipt_settles_a_message_whatever_was_known_of_it(before: Accepted | Unknown | None) -> None:
    journey = sent(before)
    (delivered,) = receipt(journey, Delivery.DELIVERED)
    assert isinstance(delivered, SmsDelivered)
    assert not delivered.late
    assert (state(journey), journey.record.wake_at) == (State.DELIVERED, None)
    # The gateway's answer may come after the receipt, and its receipt twice.
    journey.ask(_reported(Report("registered.1", 1, SENT)))
    assert [] == receipt(journey, Delivery.DELIVERED)
    assert state(journey) is State.DELIVERED


def test_a_failed_delivery_has_somebody_call_and_what_arrives_later_is_said_to_be_late() -> None:
    journey = sent()
    failed, call = receipt(journey, Delivery.FAILED, code="UNDELIV")
    assert isinstance(failed, SmsUndelivered)
    assert isinstance(call, CallTaskRaised)
    assert (call.message, call.reason) == ("registered.1", "UNDELIV")
    assert {str(State.UNDELIVERED), CALL} == set(journey.docket.own.attention)
    assert [] == receipt(journey, Delivery.FAILED, code="UNDELIV")
    (delivered,) = receipt(journey, Delivery.DELIVERED)
    assert isinstance(delivered, SmsDelivered)
    assert delivered.late


def test_what_the_telephone_has_stays_delivered() -> None:
    journey = sent()
    receipt(journey, Delivery.DELIVERED)
    assert [] == receipt(journey, Delivery.FAILED, code="EXPIRED")
    assert [] == receipt(journey, Delivery.PENDING)
    assert state(journey) is State.DELIVERED


def test_a_receipt_about_another_attempt_changes_nothing() -> None:
    journey = sent()
    assert [] == receipt(journey, Delivery.DELIVERED, attempt=2)
    assert state(journey) is State.SENT


def test_no_receipt_within_72_hours_and_one_on_the_fourth_day() -> None:
    """Case 7: silence is no delivery, and what is heard late is said to be late."""
    journey = sent()
    assert journey.record.wake_at == journey.clock.now() + timedelta(hours=72)
    journey.clock.forward(timedelta(hours=72))
    (silent,) = journey.wake()
    assert isinstance(silent, SmsUndelivered)
    assert silent.code == "no-receipt"
    assert journey.docket.own.call is None, "a gateway that says nothing is no reason to call thousands"
    journey.clock.forward(timedelta(hours=24))
    (delivered,) = receipt(journey, Delivery.DELIVERED)
    assert isinstance(delivered, SmsDelivered)
    assert delivered.late


def test_an_unknown_message_of_a_gateway_that_cannot_be_asked_waits_for_a_receipt_or_a_person() -> None:
    journey = sent(Unknown("no-answer"))
    assert (state(journey), journey.record.wake_at) == (State.UNKNOWN, None)
    journey.clock.forward(timedelta(days=30))
    assert not journey.wake()


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_person_decides_about_an_unknown_message_and_only_about_that(was_sent: bool) -> None:
    journey = sent(Unknown("no-answer"))

    def decide(message: str) -> list[Fact]:
        return list(
            journey.ask(
                lambda docket, now: decide_unknown(
                    WITH_RECEIPTS, docket, message, sent=was_sent, by="operator-1", now=now
                )
            )
        )

    decided = decide("registered.1")[0]
    assert isinstance(decided, SmsDecided)
    assert (decided.sent, decided.by) == (was_sent, "operator-1")
    if not was_sent:
        journey.wake()
        assert ["SmsClaimed"] == [type(fact).__name__ for fact in take(journey, "registered.1")]
        assert (state(journey), journey.messages[0].attempt) == (State.CLAIMED, 2)
    again = decide_unknown(
        WITH_RECEIPTS, journey.docket, "registered.1", sent=True, by="x", now=journey.clock.now()
    )
    assert Refused("message-not-unknown") == again
    other = decide_unknown(WITH_RECEIPTS, journey.docket, "nothing.1", sent=True, by="x", now=decided.at)
    assert Refused("no-such-message") == other


def test_a_call_is_made_once() -> None:
    journey = sent()
    receipt(journey, Delivery.FAILED, code="UNDELIV")
    decide = partial(decide_called, outcome=CallOutcome.REACHED, by="clerk-1")
    (done,) = journey.ask(lambda docket, now: decide(docket, now=now))
    assert isinstance(done, CallTaskDone)
    assert CALL not in journey.docket.own.attention
    assert Refused("no-call-task") == decide(journey.docket, now=done.at)


def answered(journey: Journey, reply: Reply) -> list[Fact]:
    """Let a reply come."""
    return list(journey.ask(lambda docket, now: decide_reply(WITH_RECEIPTS, docket, reply, now)))


def test_a_reply_counts_once_however_often_the_gateway_brings_it() -> None:
    journey = sent()
    rating = Reply("a" * 32, ReplyKind.RATING, "rating-asked.1", 5)
    (received,) = answered(journey, rating)
    assert isinstance(received, ReplyReceived)
    assert (received.score, received.message) == (5, "rating-asked.1")
    assert [] == answered(journey, rating)


def test_what_nobody_can_read_is_answered_once_with_how_to_answer() -> None:
    journey = sent()
    told = [answered(journey, Reply(name * 32, ReplyKind.UNCLEAR, "rating-asked.1")) for name in "abc"]
    assert [2, 1, 1] == [len(facts) for facts in told]
    assert isinstance(told[0][1], SmsQueued)
    assert told[0][1].template == "rating-help"
    assert (journey.messages[-1].state, journey.messages[-1].offered) == (State.QUEUED, True)
    # A reply to nothing in particular is for staff: nobody is told how to answer what was not asked.
    assert 1 == len(answered(sent(), Reply("d" * 32, ReplyKind.UNCLEAR)))


def test_an_opt_out_holds_for_what_need_not_be_sent_and_is_confirmed_once() -> None:
    """Case 18, in the docket: what the law has us tell still goes out."""
    journey = sent()
    received, confirmation = answered(journey, Reply("a" * 32, ReplyKind.OPT_OUT))
    assert isinstance(received, ReplyReceived)
    assert isinstance(confirmation, SmsQueued)
    assert confirmation.template == "opted-out"
    assert 1 == len(answered(journey, Reply("b" * 32, ReplyKind.OPT_OUT)))
    assert journey.docket.own.opted_out
    answered(journey, Reply("c" * 32, ReplyKind.OPT_IN))
    assert not journey.docket.own.opted_out
