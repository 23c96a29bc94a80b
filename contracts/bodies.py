"""The 15 specialised mediation bodies: their codes (fixed: topics are named after them) and their catalogue.

The catalogue (names, what each takes, where, telephone, hours, capacity) is data that the operator edits:
`data/bodies.toml`, or the file that the environment's BODIES_CATALOGUE names. An edit counts as soon as
somebody looks; a broken one is refused with its line and its reason, and what was in force stays in force.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts import areas, edited

SHIPPED: Final = Path(__file__).parent / "data" / "bodies.toml"
CATALOGUE_FILE: Final = Path(os.environ.get("BODIES_CATALOGUE") or SHIPPED)


class Body(StrEnum):
    """The code of one of the 15 bodies (domain.md, “The 15 bodies”)."""

    LABOR = "labor"
    SOCIAL_SECURITY = "social-security"
    PROPERTY = "property"
    REALESTATE = "realestate"
    EXPROPRIATION = "expropriation"
    CONSTRUCTION = "construction"
    UTILITIES = "utilities"
    TRANSPORT = "transport"
    ENVIRONMENT = "environment"
    MEDICAL = "medical"
    EDUCATION = "education"
    CONSUMER = "consumer"
    FINANCE = "finance"
    RURAL = "rural"
    LITIGATION = "litigation"


class CatalogueError(edited.EditError):
    """A catalogue cannot be used; the message names file, line and reason."""


class Entry(BaseModel):
    """One row: a body, or its branch for some areas; `takes` is one English sentence for the docs.

    `capacity` is how many open petitions it can handle at once. A row with `until` is retired from that day;
    its `successor` takes what was its. The code of a retired row need not be one of the 15.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z-]{1,30}$")
    name: str = Field(min_length=2, max_length=40)
    takes: str = Field(min_length=10, max_length=300)
    phone: str = Field(pattern=r"^[0-9-]{3,20}$")
    hours: str = Field(min_length=2, max_length=80)
    areas: tuple[str, ...] = (areas.CITY,)
    capacity: int = Field(default=1000, ge=1, le=1_000_000)
    since: date
    until: date | None = None
    successor: str | None = None

    def covers(self, area: str) -> bool:
        """Whether an area lies within this row's."""
        return any(own in {areas.CITY, area[: len(own)]} for own in self.areas)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")
    since: date
    body: tuple[Entry, ...]


@dataclass(frozen=True)
class Catalogue:
    """All 15 bodies with the version that every routing fact names, in force `since` its day.

    `entries` has each body's first row, `rows` all that are not retired, `successors` the body that the
    matters of each retired code go to.
    """

    version: str
    since: date
    entries: dict[Body, Entry]
    rows: tuple[Entry, ...]
    successors: Mapping[str, Body]

    def name(self, body: Body) -> str:
        """Return the Chinese name that petitioners read."""
        return self.entries[body].name

    def entry(self, body: Body, area: str | None) -> Entry:
        """Return the row that answers for a body in an area; without an area the first one."""
        rows = (row for row in self.rows if row.code == body and area is not None and row.covers(area))
        return next(rows, self.entries[body])

    def capacity(self, body: Body) -> int:
        """Return how many open petitions a body can handle, all its branches together."""
        return sum(row.capacity for row in self.rows if row.code == body)


def read(path: Path) -> Catalogue:
    """Read and check a catalogue; raises CatalogueError for the first fault, with its line."""
    lines, data = edited.load(path, "[[body]]", CatalogueError)
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        row = first["loc"][1] if len(first["loc"]) > 1 and isinstance(first["loc"][1], int) else None
        name = str(first["loc"][-1])
        raise CatalogueError(lines.fault(row, name, f"{name}: {first['msg']}")) from error
    for row, name, told in _faults(file):
        raise CatalogueError(lines.fault(row, name, told))
    active = tuple(row for row in file.body if row.until is None)
    entries = {Body(row.code): row for row in reversed(active)}
    retired = {row.code: row.successor or "" for row in file.body if row.until is not None}
    return Catalogue(
        version=file.version,
        since=file.since,
        entries={body: entries[body] for body in Body},
        rows=active,
        successors={code: Body(_last(code, retired)) for code in retired},
    )


_Fault = tuple[int | None, str, str]
_Active = list[tuple[int, Entry]]


def _faults(file: _File) -> Iterator[_Fault]:
    """Yield what is wrong: the number of the row, the field, and the reason."""
    active = [(number, row) for number, row in enumerate(file.body) if row.until is None]
    yield from _row_faults(active)
    yield from _coverage_faults(active)
    yield from _succession_faults(file)


def _row_faults(active: _Active) -> Iterator[_Fault]:
    for number, row in active:
        if row.code not in set(Body):
            yield number, "code", f"{row.code} is none of the {len(Body)} codes, and is not retired"
        if row.successor is not None:
            yield number, "successor", f"{row.code} has a successor and no day from which it is retired"
        if strange := [area for area in row.areas if not areas.is_area(area)]:
            yield number, "areas", f"{strange[0]} is no area of the city"
        if any(_overlap(row, other) for earlier, other in active if earlier < number):
            yield number, "areas", f"{row.code} has an area twice: each is covered by exactly one row"


def _coverage_faults(active: _Active) -> Iterator[_Fault]:
    for body in Body:
        rows = [(number, row) for number, row in active if row.code == body]
        if not rows:
            yield None, "body", f"{body} is missing: all {len(Body)} bodies must be listed"
            return
        for area, name in areas.NAMES.items():
            if area != areas.CITY and not any(row.covers(area) for _, row in rows):
                yield rows[0][0], "areas", f"nobody takes {body} in {area} {name}"


def _succession_faults(file: _File) -> Iterator[_Fault]:
    retired = {row.code: row.successor or "" for row in file.body if row.until is not None}
    for number, row in enumerate(file.body):
        if row.until is None:
            continue
        last = _last(row.code, retired)
        if row.until <= row.since:
            yield number, "until", f"{row.code} ends on {row.until}, before it began"
        if last in retired:
            yield number, "successor", f"the successors of {row.code} go in a circle"
        if last not in set(Body):
            yield number, "successor", f"{row.code} is retired and has no successor among the bodies"


def _overlap(one: Entry, other: Entry) -> bool:
    return one.code == other.code and (
        any(other.covers(area) for area in one.areas) or any(one.covers(area) for area in other.areas)
    )


def _last(code: str, retired: Mapping[str, str]) -> str:
    """Follow successors to the end; a circle ends where it was entered."""
    seen = {code}
    while code in retired and retired[code] not in seen:
        code = retired[code]
        seen.add(code)
    return code


class Shelf(edited.Shelf[Catalogue]):
    """Holds the catalogue in force and looks whether its file was edited."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read)


SHELF: Final = Shelf(CATALOGUE_FILE)


def catalogue() -> Catalogue:
    """Return the catalogue in force now."""
    return SHELF.look()
