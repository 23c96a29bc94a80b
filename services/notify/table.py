"""The table of who is told what (`texts.toml`), checked when it is read; `texts.py` fills it in.

One row per fact, audience, channel and version. Every fault is named with its line, its row and the reason,
so that whoever edits the words finds it. Rules that come from a vendor are those of Aliyun's templates.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, ValidationError

from contracts import edited
from contracts.edited import EditError, Lines
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Outcome, SessionKind
from contracts.mediation import CaseAnswered, CaseConcluded, Step
from contracts.notify import ReplyReceived
from contracts.registry import BY_TYPE
from contracts.routing import (
    ConferenceGround,
    Occasion,
    Office,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
)
from contracts.topics import MEDIATION
from services.notify.notices import STAFF, VALID, Audience, Notice
from services.notify.segments import units
from services.notify.stories import OFFERS

TABLE_FILE: Final = Path(__file__).parent / "texts.toml"
# Received, taken up, sent where (Regulations art. 22, 23), and every outcome (art. 32, 34): never left out.
MUST_TELL: Final[frozenset[type[Fact]]] = frozenset(
    {
        PetitionRegistered,
        PetitionAccepted,
        PetitionRouted,
        PetitionSentToTriage,
        PetitionPutToConference,
        PetitionReferred,
        PetitionJoinedCampaign,
        PetitionLeftCampaign,
        CaseConcluded,
        CaseAnswered,
    }
)
DATES: Final = frozenset({"tell_by", "due", "accept_by", "review_by", "since"})
# Codes and their words; "todo" is what to do about a step that is late.
WORDED: Final[Mapping[str, type[StrEnum]]] = {
    "office": Office,
    "outcome": Outcome,
    "kind": SessionKind,
    "step": Step,
    "todo": Step,
    "occasion": Occasion,
    "ground": ConferenceGround,
}
# What may be missing, and therefore stands in phrases only.
OPTIONAL: Final = frozenset({"reason", "link", "occasion", "policy", "handler"})
VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")
# Aliyun takes 500 characters with the signature; ours has at most 12 and its brackets.
LONGEST: Final = 500 - 14
# No value is longer; what has its own measure, or is none of these, stands below.
VALUE_UNITS: Final = 60
_UNITS: Final = {"petition": 17, "number": 10, "score": 1, "link": 120}
_DATE_UNITS: Final = 11
_PAIR: Final = re.compile(r"\}\s*\{")
_SHORTEST_VALID, _LONGEST_VALID = timedelta(hours=1), timedelta(days=60)


class TextError(EditError):
    """The table is wrong; each of `faults` says where and what to do."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def _iso(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("P"):
        raise ValueError("write a duration as ISO 8601 does, PT72H or P7D")
    return value


class Row(BaseModel):
    """One row: who hears of a fact, how, how urgently, and the words. The flags are those of `Notice`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    template: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,20}$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    fact: str
    audience: Audience
    channel: Literal["sms"] = "sms"
    urgent: StrictBool = False
    statutory: StrictBool = True
    valid: Annotated[
        timedelta, BeforeValidator(_iso), Field(ge=_SHORTEST_VALID, le=_LONGEST_VALID, validate_default=False)
    ] = VALID
    question: StrictBool = False
    joins: StrictBool = False
    text: Annotated[str, Field(min_length=1, max_length=400)]
    joined: Annotated[str, Field(max_length=200)] = ""

    def notice(self) -> Notice:
        """Return what the rules need of it."""
        return Notice(
            self.template,
            self.version,
            self.audience,
            urgent=self.urgent,
            statutory=self.statutory,
            valid=self.valid,
            question=self.question,
            joins=self.joins,
        )


class Table(BaseModel):
    """The whole table. `frames` is what joined statements stand in, by audience."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    message: tuple[Row, ...]
    phrases: dict[str, str]
    frames: dict[Audience, str]
    words: dict[str, dict[str, str]]


def read(path: Path) -> Table:
    """Read and check a table; raises TextError naming every fault in it."""
    lines, data = edited.load(path, "[[message]]", TextError)
    places = _Places(lines, data)
    try:
        table = Table.model_validate(data)
    except ValidationError as error:
        told = [places.malformed(fault["loc"], fault["msg"]) for fault in error.errors(include_url=False)]
        raise TextError(*told) from error
    faults = [places.row(number, reason) for number, reason in _row_faults(table)]
    faults += [f"{path.name}: {reason}" for reason in [*_word_faults(table), *_missing(table)]]
    if faults:
        raise TextError(*faults)
    return table


def offered(kind: type[Fact], audience: Audience) -> set[str]:
    """Return the variables that a text about this fact may use.

    A petitioner reads no name of the staff; only he has the code that opens the link.
    """
    names = {"petition", *OFFERS[kind]}
    if "body" in names:
        names.add("phone")
    if "step" in names:
        names.add("todo")
    if audience not in STAFF:
        names.discard("handler")
    return names | {"link"} if audience is Audience.PETITIONER else names


def used(text: str, phrases: Mapping[str, str]) -> Sequence[str]:
    """Return the variables of a text, with those of its phrases."""
    names = []
    for name in VARIABLE.findall(text):
        names += VARIABLE.findall(phrases[name]) if name in phrases else [name]
    return names


def in_use(table: Table) -> Mapping[str, Row]:
    """Return the last version of each template."""
    return {row.template: row for row in table.message}


def most_units(text: str, phrases: Mapping[str, str]) -> int:
    """Return what a text can grow to, in UTF-16 units."""
    length = units(VARIABLE.sub("", text))
    for name in VARIABLE.findall(text):
        if name in phrases:
            length += most_units(phrases[name], {})
        else:
            length += _DATE_UNITS if name in DATES else _UNITS.get(name, VALUE_UNITS)
    return length


def _row_faults(table: Table) -> Iterator[tuple[int, str]]:
    """Yield the number of a row and what is wrong with it."""
    seen: set[tuple[str, str]] = set()
    stands_for: dict[str, tuple[str, Audience]] = {}
    told_by: dict[tuple[str, Audience, bool, str], str] = {}
    current = in_use(table)
    for number, row in enumerate(table.message):
        if (row.template, row.version) in seen:
            yield number, "the same version stands above; a changed text gets a new one"
        seen.add((row.template, row.version))
        about = row.fact, row.audience
        if stands_for.setdefault(row.template, about) != about:
            yield number, "a template stands for one fact and one audience; give this one its own name"
        # What answers a reply depends on the reply, and is chosen by its name (`outcomes.py`).
        kind_of_row = (*about, row.question, row.template if row.fact == ReplyReceived.TYPE else "")
        if (other := told_by.setdefault(kind_of_row, row.template)) != row.template:
            yield number, f"{other} tells the {row.audience} of this fact already"
        kind = BY_TYPE.get(row.fact)
        if reason := _untriggered(kind, row.audience):
            yield number, reason
        elif kind is not None:
            yield from ((number, fault) for fault in _use_faults(row, kind, table))
        yield from ((number, fault) for fault in _shape_faults(row, table.phrases))
        if row is current[row.template]:
            yield from ((number, fault) for fault in _vendor_faults(row.text))


def _untriggered(kind: type[Fact] | None, audience: Audience) -> str:
    if kind is None:
        return "there is no such fact"
    if kind not in OFFERS:
        return f"notify does not hear {kind.TYPE}"
    if audience in STAFF and kind.TOPIC != MEDIATION:
        return f"nobody handles the case yet at {kind.TYPE}, so no {audience} can be told"
    return ""


def _use_faults(row: Row, kind: type[Fact], table: Table) -> Iterator[str]:
    """Hold a row against its fact."""
    known = offered(kind, row.audience)
    for text in (row.text, row.joined):
        for name in used(text, table.phrases):
            if name not in known | (OPTIONAL - {"link", "handler"}):
                yield f"{row.fact} offers no {name} to the {row.audience}"
        for name in VARIABLE.findall(text):
            if name in OPTIONAL:
                yield f"{name} may be missing, so put it into a phrase"
    if row.audience is Audience.PETITIONER and kind in MUST_TELL and not (row.statutory or row.question):
        yield "the law wants the petitioner told of this: statutory"
    if row.joins and row.audience not in table.frames:
        yield f"there is no frame to join messages to the {row.audience} in"


def _shape_faults(row: Row, phrases: Mapping[str, str]) -> Iterator[str]:
    if "{petition}" not in row.text:
        yield "does not name the petition"
    for text in (row.text, row.joined):
        if set("【】{}") & set(VARIABLE.sub("", text)):
            yield "stray brackets; the signature is put before it, and { } hold a variable's name"
    if most_units(row.text, phrases) > LONGEST:
        yield f"may grow beyond {LONGEST} characters"
    if row.joins != bool(row.joined):
        yield "joins needs a joined phrase, and a joined phrase joins"
    if "{petition}" in row.joined or row.joined.endswith("。"):
        yield "a joined phrase has neither the petition's number nor a full stop: the frame has both"
    if row.joins and row.question:
        yield "a question is asked by itself, so that a reply has one meaning"


def _vendor_faults(text: str) -> Iterator[str]:
    """What no vendor takes as a template. Older versions go out as they were queued."""
    if _PAIR.search(text):
        yield "two variables side by side; put words between them"
    if not re.search(r"\w", VARIABLE.sub("", text)):
        yield "a text of variables alone"


def _word_faults(table: Table) -> Iterator[str]:
    for name, codes in WORDED.items():
        for code in codes:
            word = table.words.get(name, {}).get(code, "")
            if not word:
                yield f"words.{name} lacks {code}"
            elif units(word) > VALUE_UNITS or set("【】{}") & set(word):
                yield f"words.{name}: {code} is longer than {VALUE_UNITS} characters or has stray brackets"
    for name, phrase in table.phrases.items():
        names = VARIABLE.findall(phrase)
        if not names or set(names) & table.phrases.keys():
            yield f"phrases.{name} needs a variable, and none that is a phrase itself"
        if set("【】{}") & set(VARIABLE.sub("", phrase)):
            yield f"phrases.{name} has stray brackets"
    for audience, frame in table.frames.items():
        names = VARIABLE.findall(frame)
        if sorted({*names} - {"query"}) != ["petition", "statements"] or len(names) != len({*names}):
            yield f"frames.{audience} takes {{petition}} and {{statements}}, once each, and {{query}}"
        if set("【】{}") & set(VARIABLE.sub("", frame)):
            yield f"frames.{audience} has stray brackets"


def _missing(table: Table) -> list[str]:
    told = {row.fact for row in in_use(table).values() if row.audience is Audience.PETITIONER}
    return [f"nobody is told of {name}" for name in sorted({kind.TYPE for kind in MUST_TELL} - told)]


@dataclass(frozen=True)
class _Places:
    """Finds the line and the name of a row."""

    lines: Lines
    data: Mapping[str, object]

    def row(self, number: int, reason: str) -> str:
        rows = self.data.get("message")
        row = rows[number] if isinstance(rows, list) else {}
        name = f"{row.get('template', '?')} {row.get('version', '?')}" if isinstance(row, Mapping) else "?"
        return self.lines.fault(number, "template", f"{name}: {reason}")

    def malformed(self, where: tuple[int | str, ...], reason: str) -> str:
        """Name a fault by pydantic's path to it."""
        if len(where) > 1 and where[0] == "message" and isinstance(where[1], int):
            return self.row(where[1], f"{'.'.join(map(str, where[2:])) or 'row'}: {reason}")
        return f"{self.lines.file}, {'.'.join(map(str, where))}: {reason}"
