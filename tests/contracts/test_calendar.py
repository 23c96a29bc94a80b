"""Days and hours are told as the city's clocks show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.calendar import day, here, minute


def test_a_day_is_the_day_in_the_city() -> None:
    assert "2027年1月21日" == day(datetime(2027, 1, 20, 16, 0, tzinfo=UTC))
    assert "2027年1月20日" == day(datetime(2027, 1, 20, 15, 59, tzinfo=UTC))


def test_the_hour_is_eight_ahead_in_summer_too() -> None:
    assert "2027年7月21日 09:05" == minute(datetime(2027, 7, 21, 1, 5, tzinfo=UTC))
    assert timedelta(hours=8) == here(datetime(2027, 7, 1, tzinfo=UTC)).utcoffset()
