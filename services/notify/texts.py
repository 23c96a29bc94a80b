"""The words: what a message of the table (`table.py`) says of one petition, alone or joined with others.

Values are cleaned before they go in and are never read as a template again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from contracts.bodies import Body, catalogue
from contracts.calendar import day
from contracts.fact import Fact
from contracts.policies import title
from contracts.registry import BY_TYPE
from services.notify.notices import Audience, Notice
from services.notify.segments import units
from services.notify.stories import place
from services.notify.table import (
    DATES,
    LONGEST,
    TABLE_FILE,
    VALUE_UNITS,
    VARIABLE,
    WORDED,
    Row,
    Table,
    in_use,
    read,
)
from services.notify.wording import clean, cut


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text without its signature, and what its variables were filled with."""

    text: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One message that may be joined with others: its template, the fact behind it, and what that offers."""

    template: str
    version: str
    cause: str
    values: Mapping[str, str]


class Texts:
    """The table in use."""

    def __init__(self, table: Table, public_url: str) -> None:
        self._table = table
        self._rows = {(row.template, row.version): row for row in table.message}
        self._public_url = public_url.rstrip("/")

    def notices(self) -> Mapping[type[Fact], tuple[Notice, ...]]:
        """Return who must hear of what: the last version of each template, by the fact."""
        notices: dict[type[Fact], tuple[Notice, ...]] = {}
        for row in in_use(self._table).values():
            kind = BY_TYPE[row.fact]
            notices[kind] = (*notices.get(kind, ()), row.notice())
        return notices

    def render(
        self, template: str, version: str, petition: str, values: Mapping[str, str]
    ) -> Rendered | None:
        """Fill in a text; None if this version is not in the table or a value is missing."""
        row = self._rows.get((template, version))
        if row is None:
            return None
        return self._filled_in(row.text, self._known(petition, row.audience, values))

    def render_joined(self, petition: str, parts: Sequence[Part]) -> Rendered | None:
        """Say several messages of one petition to the same person in one SMS, in the order of the journey.

        None where they cannot be joined: a row that does not join or is not in the table, different
        audiences, a missing value, or a text longer than a gateway takes. Send them one by one then; so too
        over a gateway that takes its vendor's templates only, since this text is in none of them.
        """
        said = [self._said(petition, part) for part in sorted(parts, key=lambda part: place(part.cause))]
        whole = [one for one in said if one is not None]
        if len(whole) < len(parts) or len({audience for audience, _ in whole}) != 1:
            return None
        statements = "；".join(dict.fromkeys(statement for _, statement in whole))
        known = self._known(petition, whole[0][0], {}) | {"statements": statements}
        joined = self._filled_in(self._table.frames[whole[0][0]], known)
        return joined if joined and units(joined.text) <= LONGEST else None

    def _said(self, petition: str, part: Part) -> tuple[Audience, str] | None:
        row: Row | None = self._rows.get((part.template, part.version))
        if row is None or not row.joins:
            return None
        found = self._filled_in(row.joined, self._known(petition, row.audience, part.values))
        return (row.audience, found.text) if found else None

    def _known(self, petition: str, audience: Audience, values: Mapping[str, str]) -> dict[str, str]:
        known = {"petition": petition}
        if self._public_url and audience is Audience.PETITIONER:
            known["link"] = f"{self._public_url}/petitions/{petition}"
        for name, value in values.items():
            known |= self._shown(name, value)
        return known

    def _filled_in(self, text: str, known: Mapping[str, str]) -> Rendered | None:
        """Fill in a text, once: braces within values stay braces."""
        params = {name: self._filled(name, known) for name in VARIABLE.findall(text)}
        full = {name: value for name, value in params.items() if value is not None}
        if len(full) < len(params):
            return None
        return Rendered(VARIABLE.sub(lambda found: full[found[1]], text), full)

    def _filled(self, name: str, known: Mapping[str, str]) -> str | None:
        phrase = self._table.phrases.get(name)
        if phrase is None:
            return known.get(name)
        if any(inner not in known for inner in VARIABLE.findall(phrase)):
            return ""
        return VARIABLE.sub(lambda found: known[found[1]], phrase)

    def _shown(self, name: str, value: str) -> dict[str, str]:
        """Return what a kept value gives to a text."""
        if name in DATES:
            return {name: day(datetime.fromisoformat(value))}
        if name == "step":
            return {name: self._table.words[name][value], "todo": self._table.words["todo"][value]}
        if name in WORDED:
            return {name: self._table.words[name][value]}
        if name == "body":
            entry = catalogue().entries[Body(value)]
            return {"body": entry.name, "phone": entry.phone}
        if name == "policy":
            code, _, version = value.rpartition("/")
            return {name: _short(title(code, int(version)))}
        return {name: _short(value)}


def load(path: Path = TABLE_FILE, *, public_url: str = "") -> Texts:
    """Read and check the table; raises TextError (`table.py`) naming every fault in it."""
    return Texts(read(path), public_url)


def _short(value: str) -> str:
    return cut(clean(value), VALUE_UNITS)
