"""Labelled petitions as training and measuring read them: JSON lines, or labels by id beside texts."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind
from services.routing.lexicon import Words, words
from services.routing.lexicon.entries import NO_BODY

_TITLE: Final = re.compile(r"(.{1,59}?[。?？!！])(.*)", re.DOTALL)
_TITLE_GUESS: Final = 24
_BODIES: Final = {*(body.value for body in Body), NO_BODY}
_DOMAINS: Final = {domain.value for domain in Domain}
_KINDS: Final = {kind.value for kind in Kind}
# How far a label is believed, by the annotator's own confidence (3 certain, 2 likely, 1 guess).
_BELIEVED: Final = {1: 0.7, 2: 1.0, 3: 1.0}
_COLUMNS: Final = 7


class SampleError(ValueError):
    """A file of labelled petitions cannot be used; the message names file, line and reason, never a text."""


@dataclass(frozen=True)
class Sample:
    """One labelled petition; what was not labelled is None. `importance` is its weight in the training."""

    words: Words
    title: str
    content: str
    body: str
    domain: str | None
    kind: str | None
    joint: bool | None
    importance: float


def split(text: str) -> tuple[str, str]:
    """Split a text, which carries its title as the first sentence, into title and content."""
    if found := _TITLE.match(text):
        return found[1], found[2]
    return text[:_TITLE_GUESS], text[_TITLE_GUESS:]


def labelled(path: Path) -> list[Sample]:
    """Read JSON lines with text, body, domain, kind, joint and conf; raises SampleError."""
    found = []
    for place, row in _json_lines(path):
        text, body = row.get("text"), row.get("body")
        if not isinstance(text, str) or not text.strip():
            raise SampleError(f"{place}: needs a `text`")
        if body not in _BODIES:
            raise SampleError(f"{place}: `body` must be one of the 15 codes or {NO_BODY!r}")
        domain, kind, joint, conf = (row.get(name) for name in ("domain", "kind", "joint", "conf"))
        if domain is not None and domain not in _DOMAINS:
            raise SampleError(f"{place}: `domain` must be one of the {len(_DOMAINS)} codes, or left out")
        if kind is not None and kind not in _KINDS:
            raise SampleError(f"{place}: `kind` must be one of {', '.join(sorted(_KINDS))}, or left out")
        if joint is not None and not isinstance(joint, bool):
            raise SampleError(f"{place}: `joint` must be true or false, or left out")
        believed = _BELIEVED.get(conf, 1.0) if isinstance(conf, int) else 1.0
        found.append(_sample(text, str(body), domain, kind, joint, believed))
    if not found:
        raise SampleError(f"{path.name}: holds no labelled petition")
    return found


def further(labels: Path, texts: Path) -> list[Sample]:
    """Read tab-separated labels (id, body, second, domain, kind, joint, conf; `-` for none) and their texts.

    `joint` is left out: it was marked too seldom there to learn from.
    """
    rows: dict[str, tuple[str, list[str]]] = {}
    for number, line in enumerate(_lines(labels), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place, cells = f"{labels.name}, line {number}", line.split("\t")
        if len(cells) != _COLUMNS:
            raise SampleError(f"{place}: {len(cells)} columns, expected {_COLUMNS}, separated by tabs")
        if cells[1] not in _BODIES:
            raise SampleError(f"{place}: {cells[1]!r} is no body")
        rows[cells[0]] = place, cells
    found = []
    for _, row in _json_lines(texts):
        if (labelled_as := rows.pop(str(row.get("id")), None)) is not None:
            _, (_, body, _, domain, kind, _, conf) = labelled_as
            believed = _BELIEVED.get(int(conf) if conf.isdigit() else 0, 0.7)
            found.append(
                _sample(
                    str(row["text"]), body, _known(domain, _DOMAINS), _known(kind, _KINDS), None, believed
                )
            )
    return found


def _known(cell: str, codes: set[str]) -> str | None:
    return cell if cell in codes else None


def _sample(
    text: str, body: str, domain: object, kind: object, joint: bool | None, importance: float
) -> Sample:
    title, content = split(text)
    return Sample(
        words=words(title, content),
        title=title,
        content=content,
        body=body,
        domain=None if domain is None else str(domain),
        kind=None if kind is None else str(kind),
        joint=joint,
        importance=importance,
    )


def _json_lines(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        place = f"{path.name}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise SampleError(f"{place}: is no JSON object") from error
        if not isinstance(row, dict):
            raise SampleError(f"{place}: is no JSON object")
        yield place, row


def _lines(path: Path) -> Iterable[str]:
    try:
        # Only the line feed ends a line: a text may hold other separators.
        return path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SampleError(f"{path.name}: cannot be read as UTF-8 text ({type(error).__name__})") from error
