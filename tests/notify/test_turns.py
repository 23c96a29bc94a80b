"""When a message may leave: at night, after another, over which gateway, to whom, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from contracts.dossiers import DossierSaved, Role
from contracts.dossiers import Person as Other
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRegistered, PetitionSupplemented
from contracts.mediation import CaseAccepted, CaseAnswered, CaseOpened
from contracts.notify import (
    CallTaskRaised,
    SkipReason,
    SmsClaimed,
    SmsJoined,
    SmsNotSent,
    SmsPostponed,
    SmsQueued,
    SmsSent,
    SmsSkipped,
)
from contracts.routing import PetitionRouted
from services.notify import recipients
from services.notify.domain import Report, decide_reported, decide_taken
from services.notify.messages import State
from services.notify.notices import Audience
from services.notify.rules import ZONE, Quiet, Rules, Way
from services.notify.sms import Accepted, Down, Result, Scope, Throttled, Withheld
from services.notify.staff import Directory, Person
from services.notify.standing import Standing
from tests.notify.journey import RULES, TOLD, Clock, Journey, fact_of

NIGHTLY = replace(RULES, quiet=Quiet(time(22), time(8)))
TWO = replace(RULES, ways=(Way("a"), Way("b")))
JOINING = replace(RULES, join_window=timedelta(hours=1))
DOSSIER, REGISTERED = TOLD[DossierSaved], TOLD[PetitionRegistered]


def journey_of(rules: Rules, *, at: datetime | None = None) -> Journey:
    """A petition under these rules."""
    clock = Clock(at) if at else Clock()
    return Journey(clock=clock, standing=Standing(rules))


def reported(journey: Journey, message: str, result: Result, attempt: int = 1) -> list[Fact]:
    """Report how an attempt ended."""
    report = Report(message, attempt, result)
    rules = journey.standing.rules
    return list(journey.ask(lambda docket, now: decide_reported(rules, docket, report, now)))


def kinds(facts: Sequence[Fact]) -> list[str]:
    """The names of facts."""
    return [type(fact).__name__ for fact in facts]


def night(hour: int, minute: int = 0, day: int = 22) -> datetime:
    """A moment in Changsha."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def test_at_half_past_eleven_only_what_is_urgent_leaves() -> None:
    """Case 11: the rest waits for eight o'clock, over a restart too, for the time stands in the docket."""
    journey = journey_of(NIGHTLY, at=night(23, 30))
    (registered,) = journey.tell(DOSSIER, REGISTERED)
    assert isinstance(registered, SmsQueued)
    assert registered.lease_until is not None, "that it has arrived is said at once, at night too"
    (accepted,) = journey.tell(TOLD[PetitionAccepted])
    assert isinstance(accepted, SmsQueued)
    assert (accepted.lease_until, accepted.not_before) == (None, night(8, day=23))
    reported(journey, "registered.1", Accepted("1", 1))
    assert journey.record.wake_at == night(8, day=23)
    journey.clock.time = night(7, 59, day=23)
    assert not journey.wake()
    journey.clock.time = night(8, day=23)
    (claimed,) = journey.wake()
    assert isinstance(claimed, SmsClaimed)
    assert claimed.message == "accepted.2"


def test_a_number_that_comes_at_night_wakes_nobody() -> None:
    journey = journey_of(NIGHTLY, at=night(21))
    journey.tell(REGISTERED, TOLD[PetitionAccepted])
    journey.clock.time = night(23)
    claimed, postponed = journey.tell(DOSSIER)
    assert isinstance(claimed, SmsClaimed)
    assert isinstance(postponed, SmsPostponed)
    assert (postponed.message, postponed.not_before) == ("accepted.2", night(8, day=23))
    assert not journey.wake(), "it is said once"


def test_what_failed_in_the_evening_is_tried_again_in_the_morning() -> None:
    journey = journey_of(NIGHTLY, at=night(21, 59, day=22))
    journey.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted])
    reported(journey, "registered.1", Accepted("1", 1))
    reported(journey, "accepted.2", Down("away"))
    journey.clock.time = night(22, 5)
    (postponed,) = journey.wake()
    assert isinstance(postponed, SmsPostponed)
    assert not journey.wake()
    journey.clock.time = night(8, day=23)
    assert ["SmsClaimed"] == kinds(journey.wake())


def test_what_would_be_pointless_in_the_morning_is_skipped_and_somebody_calls() -> None:
    notices = {
        kind: tuple(replace(notice, valid=timedelta(hours=4)) for notice in told)
        for kind, told in RULES.notices.items()
    }
    journey = journey_of(replace(NIGHTLY, notices=notices), at=night(23))
    journey.tell(DOSSIER, REGISTERED)
    skipped, call = journey.tell(TOLD[PetitionAccepted])
    assert isinstance(skipped, SmsSkipped)
    assert skipped.reason is SkipReason.EXPIRED
    assert isinstance(call, CallTaskRaised)


def test_both_gateways_are_tried_at_once_and_then_the_message_rests() -> None:
    """Case 9: what certainly did not leave over one gateway leaves over the other."""
    journey = journey_of(TWO)
    journey.tell(DOSSIER, REGISTERED)
    first = journey.messages[0].gateway
    failed, claimed = reported(journey, "registered.1", Down("refused"))
    assert isinstance(failed, SmsNotSent)
    assert isinstance(claimed, SmsClaimed)
    assert {first, claimed.gateway} == {"a", "b"}
    (rests,) = reported(journey, "registered.1", Down("refused"), attempt=2)
    assert isinstance(rests, SmsNotSent)
    assert rests.retry_at > journey.clock.now()


def test_a_closed_gateway_gets_nothing_and_no_message_goes_back_to_it() -> None:
    journey = journey_of(replace(TWO, closed=frozenset({"a"})))
    journey.tell(DOSSIER, REGISTERED)
    assert journey.messages[0].gateway == "b"
    assert ["SmsNotSent"] == kinds(reported(journey, "registered.1", Down("refused")))


def test_what_a_number_is_throttled_for_does_not_go_over_another_gateway() -> None:
    """Case 8: the limit is the person's, not the gateway's."""
    journey = journey_of(TWO)
    journey.tell(DOSSIER, REGISTERED)
    throttled = Throttled(timedelta(minutes=1), Scope.NUMBER)
    assert ["SmsNotSent"] == kinds(reported(journey, "registered.1", throttled))


def test_after_ten_minutes_without_a_gateway_each_message_leaves_once_in_order() -> None:
    """Case 10: nothing is lost, nothing twice, and nobody reads the later step first."""
    journey = journey_of(TWO)
    journey.tell(DOSSIER, REGISTERED)
    end = journey.clock.now() + timedelta(minutes=10)
    while journey.clock.now() < end:
        all_fail(journey)
        if len(journey.messages) == 1:
            journey.tell(TOLD[PetitionAccepted], TOLD[PetitionRouted])
            assert [State.QUEUED] * 2 == [later.state for later in list(journey.messages)[1:]]
        journey.clock.time = max(journey.record.wake_at or end, journey.clock.now() + timedelta(seconds=1))
        journey.wake()
    sent: list[str] = []
    for _ in range(10):
        for message in journey.messages:
            if message.state is State.CLAIMED:
                told = reported(journey, message.message, Accepted("1", 1), attempt=message.attempt)
                sent += [fact.message for fact in told if isinstance(fact, SmsSent)]
        journey.clock.forward(timedelta(minutes=1))
        journey.wake()
    assert sent == ["registered.1", "accepted.2", "routed.1"]
    assert 4 < journey.messages[0].attempt < 30


def all_fail(journey: Journey) -> None:
    """No gateway takes anything."""
    while claimed := [message for message in journey.messages if message.state is State.CLAIMED]:
        for message in claimed:
            reported(journey, message.message, Down("away"), attempt=message.attempt)


def test_past_its_validity_a_message_is_given_up_and_somebody_calls() -> None:
    journey = journey_of(TWO)
    journey.tell(DOSSIER, REGISTERED)
    valid_until = journey.messages[0].valid_until
    assert valid_until is not None
    while journey.messages[0].state is not State.SKIPPED:
        all_fail(journey)
        assert journey.record.wake_at is not None
        journey.clock.time = max(journey.clock.now(), journey.record.wake_at)
        journey.wake()
    assert journey.clock.now() == valid_until
    assert journey.messages[0].reason == SkipReason.EXPIRED
    assert journey.docket.own.call is not None


def test_what_need_not_be_told_waits_an_hour_and_goes_together() -> None:
    journey = journey_of(JOINING)
    journey.tell(DOSSIER, REGISTERED)
    reported(journey, "registered.1", Accepted("1", 1))
    first, second = journey.tell(
        fact_of(PetitionSupplemented, number=1), fact_of(PetitionSupplemented, number=2)
    )
    for queued in (first, second):
        assert isinstance(queued, SmsQueued)
        assert queued.not_before == journey.clock.now() + timedelta(hours=1)
    journey.clock.forward(timedelta(hours=1))
    claimed, joined = journey.wake()
    assert isinstance(claimed, SmsClaimed)
    assert isinstance(joined, SmsJoined)
    assert (joined.message, joined.into) == ("supplemented.3", "supplemented.2")
    assert [State.SENT, State.CLAIMED, State.JOINED] == [m.state for m in journey.messages]
    reported(journey, "supplemented.2", Accepted("2", 2))
    assert journey.record.wake_at is None


def test_what_the_law_has_us_tell_does_not_wait_for_company() -> None:
    journey = journey_of(JOINING)
    journey.tell(DOSSIER, REGISTERED)
    told = journey.tell(TOLD[PetitionAccepted], TOLD[PetitionRouted])
    assert [True, True] == [isinstance(f, SmsQueued) and f.lease_until is not None for f in told]


def test_nothing_is_joined_where_a_gateway_takes_its_vendors_templates_only() -> None:
    way = Way("aliyun", free_text=False)
    journey = journey_of(replace(JOINING, ways=(way,)))
    journey.tell(REGISTERED, TOLD[PetitionAccepted])
    assert ["SmsClaimed", "SmsClaimed"] == kinds(journey.tell(DOSSIER))
    other = journey_of(JOINING)
    other.tell(REGISTERED, TOLD[PetitionAccepted])
    assert ["SmsClaimed", "SmsJoined"] == kinds(other.tell(DOSSIER))


def test_a_gateway_that_cannot_be_asked_claims_when_it_has_room_and_not_before() -> None:
    """What dies claimed is unknown for good there, so nothing is claimed that would only wait."""
    rules = replace(RULES, ways=(Way("smpp", query=False),))
    journey = journey_of(rules)
    (offered,) = journey.tell(DOSSIER, REGISTERED)
    assert isinstance(offered, SmsQueued)
    assert (offered.gateway, offered.lease_until) == ("smpp", None)
    assert journey.record.wake_at == offered.not_before == journey.clock.now() + rules.lease
    # Its process died, or the gateway was away: it is offered anew, and nothing is unknown.
    journey.clock.forward(rules.lease)
    (again,) = journey.wake()
    assert isinstance(again, SmsPostponed)
    assert again.gateway == "smpp"
    (claimed,) = taken(journey, "registered.1")
    assert isinstance(claimed, SmsClaimed)
    assert not taken(journey, "registered.1"), "two lanes may have it; one gets it"
    reported(journey, "registered.1", Accepted("1", 1))
    assert not taken(journey, "registered.1")


def taken(journey: Journey, message: str) -> Sequence[Fact]:
    """The gateway has room."""
    rules = journey.standing.rules
    return journey.ask(lambda docket, now: decide_taken(rules, docket, message, now))


def test_an_offer_that_comes_into_the_night_waits_for_the_morning() -> None:
    journey = journey_of(replace(NIGHTLY, ways=(Way("smpp", query=False),)), at=night(21, 59))
    journey.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted])
    journey.clock.time = night(22)
    (postponed,) = taken(journey, "accepted.2")
    assert isinstance(postponed, SmsPostponed)
    assert (postponed.gateway, postponed.not_before) == (None, night(8, day=23))
    assert ["SmsClaimed"] == kinds(taken(journey, "registered.1")), "what is urgent leaves"


@pytest.mark.parametrize("reason", [SkipReason.CAP, SkipReason.OPTED_OUT])
def test_what_the_last_look_withholds_is_skipped_with_the_reason(reason: SkipReason) -> None:
    journey = journey_of(RULES)
    journey.tell(DOSSIER, REGISTERED)
    not_sent, skipped = reported(journey, "registered.1", Withheld(reason))
    assert isinstance(not_sent, SmsNotSent)
    assert isinstance(skipped, SmsSkipped)
    assert skipped.reason is reason
    assert journey.messages[0].state is State.SKIPPED


def people(*others: tuple[str, Role, str]) -> Fact:
    """A dossier with further people."""
    told = tuple(Other(key=key, role=role, name="某某", phone=phone) for key, role, phone in others)
    return fact_of(DossierSaved, others=told)


def test_representatives_and_signers_are_told_each_once_and_nobody_twice_on_one_telephone() -> None:
    journey = journey_of(RULES)
    petitioner = fact_of(DossierSaved).phone  # type: ignore[attr-defined] # a dossier
    told = journey.tell(
        people(
            ("r1", Role.REPRESENTATIVE, "13900000001"),
            ("r2", Role.REPRESENTATIVE, "139 0000 0001"),
            ("c1", Role.CO_SIGNER, "13900000003"),
            ("c2", Role.CO_SIGNER, petitioner),
        ),
        REGISTERED,
    )
    queued = {fact.message for fact in told if isinstance(fact, SmsQueued)}
    assert queued == {"registered.1", "registered-reps.1.r1", "registered-signers.1.c1"}
    skipped = {(f.recipient, f.reason) for f in told if isinstance(f, SmsSkipped)}
    assert skipped == {("r2", SkipReason.DUPLICATE), ("c2", SkipReason.DUPLICATE)}
    assert journey.docket.own.call is None


def test_recipients_come_in_the_order_of_their_keys() -> None:
    journey = journey_of(RULES)
    journey.tell(people(*((f"c{n}", Role.CO_SIGNER, f"138000{n:05}") for n in (10, 2, 1))))
    assert ["c1", "c2", "c10"] == list(recipients.of(RULES, journey.docket, Audience.CO_SIGNERS))
    assert [] == list(recipients.of(RULES, journey.docket, Audience.REPRESENTATIVES))
    assert [""] == list(recipients.of(RULES, journey.docket, Audience.PETITIONER))
    assert recipients.phone(RULES, journey.docket, "c2") == "13800000002"


def test_a_question_beside_the_news_is_no_duplicate() -> None:
    journey = journey_of(replace(RULES, ways=(Way("smpp", replies=True),)))
    journey.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted], TOLD[PetitionRouted], TOLD[CaseOpened])
    told = [fact.template for fact in journey.tell(TOLD[CaseAnswered]) if isinstance(fact, SmsQueued)]
    assert told == ["case-answered", "rating-asked"]
    silent = journey_of(RULES)
    silent.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted], TOLD[PetitionRouted], TOLD[CaseOpened])
    told = [fact.template for fact in silent.tell(TOLD[CaseAnswered]) if isinstance(fact, SmsQueued)]
    assert told == ["case-answered"], "nobody is asked where nobody can answer"


def test_staff_are_told_by_the_directory_and_without_one_nobody_misses_them() -> None:
    opened, accepted = TOLD[CaseOpened], TOLD[CaseAccepted]
    handler = accepted.handler  # type: ignore[attr-defined] # CaseAccepted
    directory = Directory({handler: Person("+8613900000007")})
    journey = journey_of(replace(RULES, staff=directory))
    journey.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted], TOLD[PetitionRouted], opened)
    to_staff = [f.recipient for f in journey.tell(accepted) if isinstance(f, SmsQueued) and f.recipient]
    assert to_staff == ["handler"]
    alone = journey_of(RULES)
    alone.tell(DOSSIER, REGISTERED, TOLD[PetitionAccepted], TOLD[PetitionRouted], opened)
    assert all(fact.recipient is None for fact in alone.tell(accepted) if isinstance(fact, SmsQueued))
    assert not [fact for fact in alone.stated if isinstance(fact, SmsSkipped)]
