"""What the operator sets: quiet hours over midnight, gateways by weight without those that take nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.notices import Notice
from services.notify.rules import ZONE, Quiet, Way
from tests.notify.journey import RULES

NIGHT = Quiet(time(22), time(8))
SEVERAL = replace(RULES, ways=(Way("a", 3), Way("b", 1)), quiet=NIGHT)


def shanghai(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment by the clock of Changsha."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "leaves"),
    [
        (shanghai(22, 21, 59), shanghai(22, 21, 59)),
        (shanghai(22, 22), shanghai(23, 8)),
        (shanghai(22, 23, 30), shanghai(23, 8)),
        (shanghai(23, 0), shanghai(23, 8)),
        (shanghai(23, 7, 59), shanghai(23, 8)),
        (shanghai(23, 8), shanghai(23, 8)),
        (datetime(2026, 11, 22, 15, 30, tzinfo=UTC), shanghai(23, 8)),
    ],
)
def test_at_night_a_message_waits_for_the_morning(moment: datetime, leaves: datetime) -> None:
    assert leaves == NIGHT.over(moment)
    assert leaves == SEVERAL.awake(Notice("told", "1"), moment)
    assert moment == SEVERAL.awake(Notice("told", "1", urgent=True), moment)
    assert moment == RULES.awake(Notice("told", "1"), moment)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds
    st.times(),
    st.times(),
)
def test_what_is_over_is_never_quiet_and_never_far(moment: datetime, begins: time, ends: time) -> None:
    quiet = Quiet(begins.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0))
    if quiet.begins == quiet.ends:
        return
    over = quiet.over(moment)
    assert over == quiet.over(over)
    assert moment <= over < moment + timedelta(days=1, minutes=1)


def test_gateways_get_messages_by_their_weights_and_each_message_always_the_same_one() -> None:
    names = [f"07X19-P1ZP0-00071.registered.{number}" for number in range(4000)]
    chosen = Counter(SEVERAL.choose(name) for name in names)
    assert 2800 < chosen["a"] < 3200
    assert [SEVERAL.choose(name) for name in names] == [SEVERAL.choose(name) for name in names]


def test_a_gateway_that_takes_nothing_is_left_out_and_so_is_the_one_that_just_failed() -> None:
    names = [f"07X19-P1ZP0-00071.registered.{number}" for number in range(50)]
    assert {"b"} == {replace(SEVERAL, closed=frozenset({"a"})).choose(name) for name in names}
    assert {"b"} == {SEVERAL.choose(name, avoid="a") for name in names}
    assert {"b"} == {replace(SEVERAL, closed=frozenset({"a"})).choose(name, avoid="b") for name in names}
    # With none left it is tried all the same: nothing is lost by asking.
    assert {"a", "b"} == {replace(SEVERAL, closed=frozenset({"a", "b"})).choose(name) for name in names}
    assert not replace(SEVERAL, closed=frozenset({"b"})).other("a")
    assert SEVERAL.other("a")
