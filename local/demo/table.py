"""Lays text out in columns of a terminal, where a Chinese character is as wide as two letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

GAP = "  "
MORE = "…"
# What a line may not begin with stays with the character before it.
CLOSING = frozenset("，。；：、！？）】》”’…")
# And what a line may not end with stays with the one after it.
OPENING = frozenset("（【《“‘")


def width(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(_width(letter) for letter in text)


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def padded(text: str, columns: int) -> str:
    """Return the text with spaces up to its column's width."""
    return text + " " * max(0, columns - width(text))


def wrapped(text: str, columns: int, most: int | None = None) -> list[str]:
    """Break a text into lines of at most `columns`, at spaces or beside wide characters; `most` lines of it.

    What is left out is marked by "…". A word that is longer than a line is broken where the line ends.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if width(line) + width(piece.rstrip()) > columns and line:
            lines.append(line.rstrip())
            line = ""
        for part in _chopped(piece if line else piece.lstrip(), columns):
            if width(line) + width(part.rstrip()) > columns:
                lines.append(line.rstrip())
                line = ""
            line += part
    lines.append(line.rstrip())
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1] + lines[most], columns)]
    return lines


def _pieces(text: str) -> Iterator[str]:
    """Yield what must stay together: a wide character or a word, each with what closes it."""
    piece = ""
    for letter in text:
        wide = _width(letter) > 1
        apart = wide or (piece != "" and _width(piece[0]) > 1) or (piece.endswith(" ") and letter != " ")
        if piece and apart and letter not in CLOSING and piece[-1] not in OPENING:
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def _chopped(piece: str, columns: int) -> Iterator[str]:
    if width(piece.rstrip()) <= columns:
        yield piece
        return
    for start in range(0, len(piece), columns):
        yield piece[start : start + columns]


def _cut(text: str, columns: int) -> str:
    kept = ""
    for letter in text:
        if width(kept) + _width(letter) > columns - width(MORE):
            break
        kept += letter
    return kept.rstrip() + MORE


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], columns: Sequence[int], *, most: int | None = None
) -> str:
    """Return a table with its heads underlined; a cell takes as many lines as it needs, at most `most`."""
    lines = [_line(heads, columns), _line(["─" * count for count in columns], columns)]
    for row in rows:
        cells = [wrapped(cell, count, most) for cell, count in zip(row, columns, strict=True)]
        height = max(len(cell) for cell in cells)
        lines.extend(
            _line([cell[place] if place < len(cell) else "" for cell in cells], columns)
            for place in range(height)
        )
    return "\n".join(lines)


def _line(cells: Sequence[str], columns: Sequence[int]) -> str:
    return GAP.join(padded(cell, count) for cell, count in zip(cells, columns, strict=True)).rstrip()
