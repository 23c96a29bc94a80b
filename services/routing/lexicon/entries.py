"""Reads the lexicon's data files, which clerks edit, and says with file and line what is wrong in them.

The first step on the way from words to a body: entries -> lexicon -> classification.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind, Urgency
from services.routing.lexicon.wording import plain

DATA: Final = Path(__file__).parent / "data"
NO_BODY: Final = "none"
# What a phrase can speak for, in the order in which scores are kept.
BODY_TARGETS: Final = (*(body.value for body in Body), NO_BODY)
DOMAIN_TARGETS: Final = tuple(f"domain:{domain}" for domain in Domain)
KIND_TARGETS: Final = tuple(f"kind:{kind}" for kind in Kind)
TARGETS: Final = (*BODY_TARGETS, *DOMAIN_TARGETS, *KIND_TARGETS)
USUAL_DOMAIN: Final[dict[str, Domain]] = {
    Body.LABOR: Domain.LABOR_SOCIAL_SECURITY,
    Body.SOCIAL_SECURITY: Domain.LABOR_SOCIAL_SECURITY,
    Body.PROPERTY: Domain.URBAN_RURAL_CONSTRUCTION,
    Body.REALESTATE: Domain.HOUSING,
    Body.EXPROPRIATION: Domain.NATURAL_RESOURCES,
    Body.CONSTRUCTION: Domain.URBAN_RURAL_CONSTRUCTION,
    Body.UTILITIES: Domain.URBAN_RURAL_CONSTRUCTION,
    Body.TRANSPORT: Domain.TRANSPORT,
    Body.ENVIRONMENT: Domain.ENVIRONMENT,
    Body.MEDICAL: Domain.HEALTH,
    Body.EDUCATION: Domain.EDUCATION,
    Body.CONSUMER: Domain.COMMERCE,
    Body.FINANCE: Domain.FINANCE,
    Body.RURAL: Domain.AGRICULTURE,
    Body.LITIGATION: Domain.JUSTICE,
}
_NOT_URGENT: Final = "-"
_HEAVIEST: Final = 10.0
_SHORTEST, _LONGEST = 2, 12


class LexiconError(ValueError):
    """A data file of the lexicon cannot be used; the message names file, line and reason."""


class Where(StrEnum):
    """How close the two groups of a pair must stand."""

    SENTENCE = "sentence"
    TEXT = "text"


@dataclass(frozen=True)
class Phrase:
    """One row of a phrase or kind file: what the phrase speaks for and how loudly (1 faint .. 7 decisive)."""

    text: str
    target: str
    weight: float
    domain: Domain | None = None


@dataclass(frozen=True)
class Pair:
    """Two groups of phrases that together speak for, or against, a body."""

    first: str
    second: str
    where: Where
    target: str
    weight: float

    @property
    def key(self) -> str:
        """The name under which figures are kept for the pair."""
        return f"{self.first}+{self.second}/{self.where}"


@dataclass(frozen=True)
class Weighing:
    """How strongly a place in the text counts; see settings.toml for each number's meaning."""

    edition: date
    title: float
    title_end: float
    repeat: float
    echo: float
    pair: float
    pair_title: float
    content_chars: int


@dataclass(frozen=True)
class Entries:
    """All that the data files say, checked but not yet compiled."""

    phrases: tuple[Phrase, ...]
    groups: dict[str, tuple[str, ...]]
    pairs: tuple[Pair, ...]
    urgent: dict[str, Urgency | None]
    departments: dict[str, tuple[str, ...]]
    weighing: Weighing


def read(folder: Path = DATA) -> Entries:
    """Read and check every data file in `folder`; raises LexiconError."""
    groups = _groups(folder / "groups.tsv")
    return Entries(
        phrases=(
            *(phrase for target in BODY_TARGETS for phrase in _phrases(folder / "phrases", target)),
            *_kinds(folder / "kinds.tsv"),
        ),
        groups=groups,
        pairs=tuple(_pairs(folder / "pairs.tsv", groups)),
        urgent=_urgent(folder / "urgency.tsv"),
        departments=_groups(folder / "departments.tsv", shortest=_SHORTEST),
        weighing=_settings(folder / "settings.toml"),
    )


def files(folder: Path = DATA) -> list[Path]:
    """List the files that together make the lexicon, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix in {".tsv", ".toml"})


def _rows(path: Path, fewest: int, most: int) -> Iterator[tuple[str, list[str]]]:
    """Yield (place, cells) of every row that is neither empty nor a comment."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(f"{path.name}: cannot be read as UTF-8 text ({error})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"{path.name}, line {number}"
        cells = [cell.strip() for cell in line.split("\t")]
        if not fewest <= len(cells) <= most:
            raise LexiconError(
                f"{place}: {len(cells)} columns, expected {fewest} to {most}, separated by tabs"
            )
        yield place, cells


def _weight(place: str, cell: str) -> float:
    try:
        weight = float(cell)
    except ValueError as error:
        raise LexiconError(f"{place}: weight {cell!r} is not a number") from error
    if not -_HEAVIEST <= weight <= _HEAVIEST or weight == 0:
        raise LexiconError(f"{place}: weight {cell} must be between -10 and 10 and not 0")
    return weight


def _wording(place: str, text: str, shortest: int = _SHORTEST) -> str:
    if not shortest <= len(text) <= _LONGEST:
        raise LexiconError(f"{place}: phrase {text!r} must have {shortest} to {_LONGEST} characters")
    if plain(text) != text:
        raise LexiconError(f"{place}: phrase {text!r} must be written {plain(text)!r}")
    return text


def _phrases(folder: Path, target: str) -> Iterator[Phrase]:
    seen: set[str] = set()
    for place, cells in _rows(folder / f"{target}.tsv", fewest=2, most=4):
        text = _wording(place, cells[0])
        if text in seen:
            raise LexiconError(f"{place}: phrase {text!r} stands twice in this file")
        seen.add(text)
        domain = cells[2] if len(cells) > 2 else ""  # noqa: PLR2004 - the third column
        if domain and domain not in set(Domain):
            raise LexiconError(f"{place}: {domain!r} is none of the {len(Domain)} domains")
        yield Phrase(
            text=text,
            target=target,
            weight=_weight(place, cells[1]),
            domain=Domain(domain) if domain else USUAL_DOMAIN.get(target),
        )


def _kinds(path: Path) -> Iterator[Phrase]:
    for place, (text, kind, weight, *_) in _rows(path, fewest=3, most=4):
        if kind not in set(Kind):
            raise LexiconError(f"{place}: {kind!r} is no kind")
        yield Phrase(text=_wording(place, text), target=f"kind:{kind}", weight=_weight(place, weight))


def _groups(path: Path, shortest: int = 1) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for place, (name, phrases) in _rows(path, fewest=2, most=2):
        if name in groups:
            raise LexiconError(f"{place}: group {name!r} stands twice")
        groups[name] = tuple(_wording(place, text, shortest) for text in phrases.split())
    return groups


def _pairs(path: Path, groups: dict[str, tuple[str, ...]]) -> Iterator[Pair]:
    for place, (first, second, where, target, weight, *_) in _rows(path, fewest=5, most=6):
        for name in (first, second):
            if name not in groups:
                raise LexiconError(f"{place}: there is no group {name!r} in groups.tsv")
        if where not in set(Where):
            raise LexiconError(f"{place}: {where!r} is neither 'sentence' nor 'text'")
        if target not in BODY_TARGETS:
            raise LexiconError(f"{place}: {target!r} is no body")
        yield Pair(first, second, Where(where), target, _weight(place, weight))


def _urgent(path: Path) -> dict[str, Urgency | None]:
    urgent: dict[str, Urgency | None] = {}
    for place, (why, phrases) in _rows(path, fewest=2, most=2):
        if why != _NOT_URGENT and why not in set(Urgency):
            raise LexiconError(f"{place}: {why!r} must be one of {', '.join(Urgency)}, or {_NOT_URGENT!r}")
        meaning = None if why == _NOT_URGENT else Urgency(why)
        for text in phrases.split():
            if _wording(place, text) in urgent:
                raise LexiconError(f"{place}: phrase {text!r} stands twice in this file")
            urgent[text] = meaning
    return urgent


def _settings(path: Path) -> Weighing:
    try:
        return Weighing(**tomllib.loads(path.read_text("utf-8"))["weighing"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LexiconError(f"{path.name}: {error}") from error
