"""Working days as the city's offices keep them: public holidays and the weekends that are worked for them.

The days come from the library `chinesecalendar`; an operator adds the years that it does not know yet. A year
that nobody knows is said, never counted as if it had no holidays.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import chinese_calendar

from contracts.calendar import SHANGHAI, here

LIBRARY: Final = "chinesecalendar"
_SATURDAY: Final = 5
_FIELDS: Final = frozenset({"year", "holidays", "workdays"})


class WorkdaysError(ValueError):
    """A file of further years cannot be used; the message names file, year and reason."""


@dataclass(frozen=True, slots=True)
class UnknownYear:
    """The answer where a term reaches into a year whose holidays nobody knows yet."""

    year: int


@dataclass(frozen=True, slots=True)
class Workdays:
    """The calendar in use; `name` is what facts name, `further` the operator's years: day, whether worked."""

    name: str
    further: Mapping[int, Mapping[date, bool]] = field(default_factory=lambda: MappingProxyType({}))

    def is_worked(self, day: date) -> bool | UnknownYear:
        """Tell whether offices work on a day."""
        if (year := self.further.get(day.year)) is not None:
            return year.get(day, day.weekday() < _SATURDAY)
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:  # how the library says that it has no data of the year
            return UnknownYear(day.year)

    def end_of(self, days: int, begun: datetime) -> datetime | UnknownYear:
        """Return the instant at which a term of working days ends: midnight in the city after its last day.

        The day on which it begins does not count.
        """
        day = here(begun).date()
        while days > 0:
            day += timedelta(days=1)
            worked = self.is_worked(day)
            if isinstance(worked, UnknownYear):
                return worked
            days -= worked
        return datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)


def shipped() -> Workdays:
    """Return the calendar of the library alone."""
    return Workdays(f"{LIBRARY}-{version(LIBRARY)}")


def read(path: Path) -> Workdays:
    """Read an operator's file of further years; raises WorkdaysError.

    It holds `[[year]]` tables: `year`, `holidays` (days off), `workdays` (worked weekend days). A year
    in the file stands instead of the library's.
    """
    try:
        rows = tomllib.loads(path.read_text("utf-8"))["year"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise WorkdaysError(f"{path.name}: {error!s}; it needs [[year]] tables") from error
    further: dict[int, Mapping[date, bool]] = {}
    for row in rows:
        if row.keys() != _FIELDS:
            raise WorkdaysError(f"{path.name}: a [[year]] has year, holidays, workdays and nothing else")
        year, off, worked = row["year"], row["holidays"], row["workdays"]
        strange = [day for day in (*off, *worked) if type(day) is not date or day.year != year]
        if strange:
            raise WorkdaysError(f"{path.name}, year {year}: {strange[0]} is no day of that year")
        if not off:
            raise WorkdaysError(f"{path.name}, year {year}: no year is without holidays")
        if both := set(off) & set(worked):
            raise WorkdaysError(f"{path.name}, year {year}: {min(both)} is both off and worked")
        further[year] = MappingProxyType(dict.fromkeys(off, False) | dict.fromkeys(worked, True))
    added = "-".join(map(str, sorted(further)))
    return Workdays(f"{shipped().name}-and-{added}", MappingProxyType(further))
