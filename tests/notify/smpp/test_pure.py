"""The other pure parts: bodies, pace, outcomes, names and settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notify.smpp import compose, naming, outcome
from services.notify.smpp.outcome import Answer, Lost, Rejected, Taken, Unwritten
from services.notify.smpp.pace import Pace
from services.notify.smpp.pdu import ShortMessage, Tag
from services.notify.sms import (
    Accepted,
    Down,
    Fault,
    Misconfigured,
    NotSent,
    Refused,
    Throttled,
    Unknown,
    mark,
)
from tests.notify.smpp.messages import SIGN, SOURCE, START, outbound, settings

LINE = settings(2775)


# Bodies.


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_the_parts_of_any_text_make_it_again_and_fit(text: str) -> None:
    bodies = compose.bodies(outbound(text=text), 7, LINE)
    assert isinstance(bodies, list)
    parts = [ShortMessage.decode(body) for body in bodies]
    assert all(len(part.message) <= 140 for part in parts)
    contents = [part.message[6:] if part.esm_class else part.message for part in parts]
    assert f"【{SIGN}】{text}" == "".join(content.decode("utf-16-be") for content in contents)
    if len(parts) > 1:
        assert [bytes((5, 0, 3, 7, len(parts), n)) for n in range(1, len(parts) + 1)] == [
            part.message[:6] for part in parts
        ]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"to": "+86138x"}, Refused("smpp.number", Fault.NUMBER)),
        ({"to": ""}, Refused("smpp.number", Fault.NUMBER)),
        ({"to": "1" * 21}, Refused("smpp.number", Fault.NUMBER)),
        ({"extension": "00042"}, Refused("smpp.extension", Fault.PARAMETER)),
        ({"extension": "x"}, Refused("smpp.extension", Fault.PARAMETER)),
        ({"text": "\ud800"}, Refused("smpp.text", Fault.CONTENT)),
        ({"text": "字" * 20_000}, Refused("smpp.length", Fault.CONTENT)),
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, Any], refused: Refused) -> None:
    assert refused == compose.bodies(outbound(**changes), 1, LINE)


def test_nothing_is_asked_or_echoed_where_the_operator_does_not_want_it() -> None:
    bodies = compose.bodies(outbound(), 1, settings(1, receipts=False, echo=False))
    assert isinstance(bodies, list)
    message = ShortMessage.decode(bodies[0])
    assert (0, {}, "", SOURCE) == (
        message.registered_delivery,
        message.tlvs,
        message.validity_period,
        message.source.number,
    )


def test_the_reference_goes_with_it_as_far_as_it_fits() -> None:
    bodies = compose.bodies(outbound(), 1, LINE)
    assert isinstance(bodies, list)
    echoed = ShortMessage.decode(bodies[0]).tlvs[Tag.USER_MESSAGE_REFERENCE]
    assert mark(outbound().reference) == int.from_bytes(echoed, "big")


def test_a_time_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 450_000, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert "261121170203400+" == compose.until(moment)


# Pace.


def test_the_pace_is_the_granted_rate_and_what_was_missed_is_not_made_up_for() -> None:
    pace, now, left = Pace(100), 0.0, []
    while now < 1:
        now += pace.wait(now)
        pace.take(now)
        left.append(now)
    assert 100 == pytest.approx(len(left), abs=6)
    now += 60
    at_once = 0
    while not pace.wait(now):
        pace.take(now)
        at_once += 1
    assert 6 >= at_once


def test_what_was_under_way_when_it_was_too_fast_slows_down_once() -> None:
    pace = Pace(100)
    turns = [pace.take(0.0) for _ in range(20)]
    for turn in turns:
        pace.throttled(turn, 1.0)
    assert 50 == pace.rate
    assert 0.5 == pace.wait(1.0)


def test_each_time_is_slower_and_the_rate_comes_back_by_itself() -> None:
    pace, now = Pace(100), 0.0
    waits = []
    for _ in range(10):
        pace.throttled(pace.take(now), now)
        waits.append(pace.wait(now))
        now += waits[-1]
    assert [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30] == waits
    slow = pace.rate
    assert 25 > slow
    for _ in range(2000):
        now += pace.wait(now)
        pace.accepted(pace.take(now))
    assert 100 == pace.rate
    pace.throttled(pace.take(now), now)
    assert 0.5 == pace.wait(now)


# Outcomes.

REFERENCE = outbound().reference


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ([Taken("1")], Accepted(REFERENCE, 1, ("1",))),
        ([Taken("1"), Taken("2")], Accepted(REFERENCE, 2, ("1", "2"))),
        ([Taken("")], Accepted(REFERENCE, 1)),
        ([Rejected(0x58, 2.0)], Throttled(timedelta(seconds=2))),
        ([Rejected(0x14, 1.0)], Throttled(timedelta(seconds=1))),
        ([Unwritten("too-fast", 3.0)], Throttled(timedelta(seconds=3))),
        ([Unwritten("lease-expired")], NotSent("smpp.lease-expired")),
        ([Rejected(0x04)], NotSent("smpp.0x04")),
        ([Rejected(0x50)], Refused("smpp.0x50", Fault.NUMBER)),
        ([Rejected(0x400)], Refused("smpp.0x400", Fault.PARAMETER)),
        ([Lost("no-answer")], Unknown("smpp.no-answer")),
        ([Taken("1"), Lost("no-answer"), Taken("3")], Unknown("smpp.no-answer", ("1", "3"))),
        ([Taken("1"), Rejected(0x58)], Unknown("smpp.partly-sent.0x58", ("1",))),
        ([Taken("1"), Unwritten("lease-expired")], Unknown("smpp.partly-sent.lease-expired", ("1",))),
        ([Taken("1"), Rejected(0x0B), Lost("no-answer")], Unknown("smpp.no-answer", ("1",))),
    ],
)
def test_what_the_answers_mean_for_the_message(answers: list[Answer], result: object) -> None:
    assert result == outcome.of_message(REFERENCE, answers)


some_answers = st.one_of(
    st.builds(Taken, st.sampled_from(["", "1"])),
    st.builds(Rejected, st.integers(1, 0x4FF)),
    st.builds(Lost, st.just("no-answer")),
    st.builds(Unwritten, st.just("lease-expired"), st.sampled_from([0.0, 1.0])),
)


@given(st.lists(some_answers, min_size=1, max_size=5))
def test_what_may_have_left_is_never_offered_for_sending_again(answers: list[Answer]) -> None:
    result = outcome.of_message(REFERENCE, answers)
    may_have_left = any(isinstance(answer, Taken | Lost) for answer in answers)
    if may_have_left:
        assert isinstance(result, Accepted | Unknown)
    assert all(isinstance(answer, Taken) for answer in answers) == isinstance(result, Accepted)


def test_a_refused_bind_is_ours_to_mend_or_the_centres() -> None:
    assert [Misconfigured("smpp.0x0e"), Down("smpp.0x08")] == [outcome.of_bind(0x0E), outcome.of_bind(0x08)]


# Names.

KEY = naming.key("secret", "smpp bridge")


def test_a_key_is_always_the_same_and_each_account_has_its_own() -> None:
    assert KEY == naming.key("secret", "smpp bridge") != naming.key("secret", "smpp other")


def test_an_equal_reply_after_the_hour_or_from_another_number_is_another() -> None:
    names = naming.Names(KEY)
    five, other = names.print_of(b"861", b"1069", b"5"), names.print_of(b"862", b"1069", b"5")
    assert five != names.print_of(b"8611069", b"", b"5")
    first = names.name(five, START)
    assert first == names.name(five, START + timedelta(minutes=30)) != names.name(other, START)
    names.acknowledged(five, START)
    assert first != names.name(five, START + timedelta(hours=1))
    assert first == naming.Names(KEY).name(five, START + timedelta(minutes=59))


def test_what_was_acknowledged_long_before_the_connection_broke_is_in_no_doubt() -> None:
    names = naming.Names(KEY)
    five = names.print_of(b"5")
    first = names.name(five, START)
    names.acknowledged(five, START)
    names.disconnected(START + timedelta(seconds=61))
    second = names.name(five, START)
    assert first != second
    names.acknowledged(five, START)
    names.disconnected(START + timedelta(seconds=59))
    assert second == names.name(five, START)


def test_names_remember_so_many_and_no_more() -> None:
    names = naming.Names(KEY, most=3)
    for n in range(10):
        names.name(names.print_of(bytes((n,))), START)
    assert 3 == len(names)


# Settings.


@pytest.mark.parametrize(
    "change",
    [
        {"password": "longer than eight"},
        {"source": "+86106"},
        {"source": "1" * 18, "extension": 4},
        {"rate": 0},
        {"zone": "Mars/Olympus"},
        {"ids": "roman"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_them(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(2775, **change)
    assert str(change.get("password", "***")) not in str(refused.value)


def test_the_password_is_shown_nowhere() -> None:
    assert "secret" not in repr(LINE)
    assert datetime(2026, 11, 22, 2, tzinfo=UTC) == START
