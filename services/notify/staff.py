"""The staff directory: where handlers and their superiors are told, looked up by the codes that facts name.

A file of the office (`NOTIFY_STAFF_DIRECTORY`), edited while everything runs. It holds personal data: a fault
is named by line, code and reason, never by the number, and nothing here shows one when it is printed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts import edited
from contracts.fact import Code
from services.notify import numbers

_HEAD: Final = "[[staff]]"


class DirectoryError(edited.EditError):
    """A directory cannot be used; the message names file, line and reason."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: Code
    phone: str = Field(max_length=40)
    superior: Code | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    staff: tuple[_Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """One entry: a person by the `sub` of his token, or a body's duty desk by the body's code."""

    phone: str = field(repr=False)
    superior: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is reached where (E.164); an empty one reaches nobody."""

    people: Mapping[str, Person] = field(default_factory=dict)

    def handler(self, code: str, body: str) -> str | None:
        """Return where the handler is told; if there is none or he is not listed, the body's desk."""
        found = self.people.get(code) or self.people.get(body)
        return found.phone if found else None

    def superior(self, code: str, body: str) -> str | None:
        """Return where the handler's superior is told; if none is listed, the superior of the body's desk."""
        for subordinate in (code, body):
            found = self.people.get(subordinate)
            if found and found.superior:
                return self.people[found.superior].phone
        return None


def read(path: Path) -> Directory:
    """Read and check a directory; raises DirectoryError for the first fault, with its line."""
    lines, data = edited.load(path, _HEAD, DirectoryError)
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = next((part for part in first["loc"] if isinstance(part, int)), None)
        name = str(first["loc"][-1])
        raise DirectoryError(lines.fault(place, name, f"{name}: {first['msg']}")) from None
    people: dict[str, Person] = {}
    for number, row in enumerate(file.staff):
        found = numbers.read(row.phone)
        if isinstance(found, numbers.Unusable):
            raise DirectoryError(
                lines.fault(number, "phone", f"{row.code}: no SMS reaches it: {found.fault}")
            )
        if people.setdefault(row.code, one := Person(found.e164, row.superior)) is not one:
            raise DirectoryError(lines.fault(number, "code", f"{row.code} is listed above already"))
    for number, told in _superior_faults(file):
        raise DirectoryError(lines.fault(number, "superior", told))
    return Directory(people)


def _superior_faults(file: _File) -> Iterator[tuple[int, str]]:
    above = {row.code: row.superior for row in file.staff}
    for number, row in enumerate(file.staff):
        if row.superior is not None and row.superior not in above:
            yield number, f"{row.code}: the superior {row.superior} is not listed"
        seen, code = {row.code}, row.superior
        while code is not None and code in above:
            if code in seen:
                yield number, f"{row.code}: the superiors go in a circle"
                break
            seen.add(code)
            code = above[code]


class Shelf(edited.Shelf[Directory]):
    """Holds the directory in force and looks whether its file was edited."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read)
