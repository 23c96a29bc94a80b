"""Data that the operator edits while everything runs: what is in force, and why an edit was not taken.

An edit counts as soon as somebody looks; a broken one is refused with its line and its reason, and what was
in force stays in force. Stands below every file of data that may be edited so: bodies, policies, place names.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

Held = TypeVar("Held")
_Stamp = tuple[int, int, int] | None


class EditError(ValueError):
    """A file of data cannot be used; the message names file, line and reason."""


@dataclass
class Shelf(Generic[Held]):
    """Holds what is in force and looks whether one of its files was edited.

    `read` takes the files and raises EditError. `follows`, where given, is asked with what is in force and
    what would replace it, and raises EditError for what may not be changed any more.
    """

    files: tuple[Path, ...]
    read: Callable[..., Held]
    follows: Callable[[Held, Held], None] | None = None
    refused: str = ""
    _held: Held | None = None
    _seen: tuple[_Stamp, ...] = field(default=(), repr=False)

    def look(self) -> Held:
        """Return what is in force; raises EditError if there has never been anything."""
        seen = tuple(_stamp(file) for file in self.files)
        if self._held is None or seen != self._seen:
            try:
                self._held, self.refused = self._next(), ""
            except EditError as error:
                if self._held is None:
                    raise
                self.refused = str(error)
            self._seen = seen
        return self._held

    def _next(self) -> Held:
        found = self.read(*self.files)
        if self._held is not None and self.follows is not None:
            self.follows(self._held, found)
        return found


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True)
class Lines:
    """Finds the line that a fault in a TOML file of rows is on; `head` begins a row, such as `[[body]]`."""

    file: str
    text: str
    head: str

    def fault(self, row: int | None, name: str, told: str) -> str:
        """Say what is wrong with a field of a row, and on which line."""
        return f"{self.file}, line {self.line(row, name)}: {told}"

    def line(self, row: int | None, name: str) -> int:
        """Return the line of a field of a row (from nought); without a row the field is the file's own."""
        lines = self.text.splitlines()
        heads = [number for number, line in enumerate(lines) if line.strip() == self.head]
        begin = heads[row] if row is not None and row < len(heads) else 0
        end = next((head for head in heads if head > begin), len(lines)) if row is not None else len(lines)
        named = (n for n in range(begin, end) if re.match(rf"\s*{re.escape(name)}\s*=", lines[n]))
        return next(named, begin) + 1

    def unread(self, error: Exception) -> str:
        """Say where a file stops being TOML."""
        place = re.search(r"line (\d+)", str(error))
        line = place[1] if place else str(self.text.count("\n") + 1)
        return f"{self.file}, line {line}: {error}"
