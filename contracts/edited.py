"""Data files that people edit while everything runs: the line of a fault; a broken edit changes nothing."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

Held = TypeVar("Held")
_Stamp = tuple[int, int, int] | None


class EditError(ValueError):
    """An edited file cannot be used; the message names file, line and reason."""


@dataclass(frozen=True)
class Lines:
    """A TOML file with its lines; `head` begins each of its rows (`[[body]]`)."""

    file: str
    text: str
    head: str

    def fault(self, row: int | None, name: str, told: str) -> str:
        """Say what is wrong at a row's field, or in the whole file if there is no row."""
        return f"{self.file}, line {self.line(row, name)}: {told}"

    def line(self, row: int | None, name: str) -> int:
        """Return the line of a row's field; of its head if the field is not there."""
        lines = self.text.splitlines()
        heads = [number for number, line in enumerate(lines) if line.strip() == self.head]
        begin = heads[row] if row is not None and row < len(heads) else 0
        end = next((head for head in heads if head > begin), len(lines)) if row is not None else len(lines)
        named = (n for n in range(begin, end) if re.match(rf"\s*{re.escape(name)}\s*=", lines[n]))
        return next(named, begin) + 1


def load(path: Path, head: str, refusal: type[EditError]) -> tuple[Lines, dict[str, object]]:
    """Read a TOML file; raises `refusal` with the line where it is none."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(f"{path.name}: {error}") from error
    try:
        return Lines(path.name, text, head), tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = place[1] if place else str(text.count("\n") + 1)
        raise refusal(f"{path.name}, line {line}: {error}") from error


@dataclass
class Shelf(Generic[Held]):
    """Holds what is in force and looks whether its file was edited; `refused` says why an edit is not.

    `read` takes the file and those `beside` it that make one thing with it. `follows`, where given, takes
    what is in force and what would replace it, and raises EditError for what may not change any more.
    """

    path: Path
    read: Callable[..., Held]
    refused: str = ""
    beside: tuple[Path, ...] = ()
    follows: Callable[[Held, Held], None] | None = None
    _held: Held | None = field(default=None, repr=False)
    _seen: tuple[_Stamp, ...] = field(default=(), repr=False)

    def look(self) -> Held:
        """Return what is in force; raises EditError if there has never been anything."""
        seen = tuple(_stamp(file) for file in (self.path, *self.beside))
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
        found = self.read(self.path, *self.beside)
        if self._held is not None and self.follows is not None:
            self.follows(self._held, found)
        return found


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
