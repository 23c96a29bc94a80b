"""Working days: what the library knows, what an operator adds, and what nobody knows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.workdays import UnknownYear, WorkdaysError, read, shipped

YEAR = """
[[year]]
year = 2031
holidays = [2031-01-01]
workdays = [2031-01-04]
"""


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 10, 1), False),  # National Day, a Thursday
        (date(2026, 10, 10), True),  # a Saturday worked for it
        (date(2026, 10, 11), False),  # a Sunday like any other
        (date(2026, 10, 12), True),
        (date(2031, 1, 2), UnknownYear(2031)),
    ],
)
def test_the_shipped_calendar_knows_holidays_and_the_weekends_worked_for_them(
    day: date, worked: bool | UnknownYear
) -> None:
    assert worked == shipped().is_worked(day)


def test_a_year_that_the_operator_adds_is_known_from_then_on(tmp_path: Path) -> None:
    (file := tmp_path / "workdays.toml").write_text(YEAR, "utf-8")
    calendar = read(file)
    days = [date(2031, 1, number) for number in (1, 2, 3, 4, 5, 6)]
    assert [False, True, True, True, False, True] == [calendar.is_worked(day) for day in days]
    assert calendar.name.endswith("-and-2031")
    assert calendar.is_worked(date(2026, 10, 1)) is False
    begun = datetime(2031, 1, 1, 20, 0, tzinfo=UTC)  # already 2 January in the city
    assert datetime(2031, 1, 4, 16, 0, tzinfo=UTC) == calendar.end_of(2, begun)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("year = ", "workdays.toml"),
        ("", "[[year]]"),
        (YEAR.replace("workdays = [2031-01-04]", ""), "nothing else"),
        (YEAR.replace("2031-01-04", "2030-01-04"), "2030-01-04 is no day of that year"),
        (YEAR.replace("2031-01-04", "2031-01-01"), "both off and worked"),
        (YEAR.replace("[2031-01-01]", "[]"), "without holidays"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    (file := tmp_path / "workdays.toml").write_text(text, "utf-8")
    with pytest.raises(WorkdaysError) as error:
        read(file)
    assert told in str(error.value)
