"""The words: the table of who is told what (`texts.toml`), checked when it is read, and filled in to send.

Values are cleaned before they go in and are never read as a template again.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.bodies import Body, catalogue
from contracts.calendar import day
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Outcome, SessionKind
from contracts.mediation import CaseAnswered, CaseConcluded, Step
from contracts.policies import title
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
from services.notify.notices import Notice
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
WORDED: Final[Mapping[str, type[StrEnum]]] = {
    "office": Office,
    "outcome": Outcome,
    "kind": SessionKind,
    "step": Step,
    "occasion": Occasion,
    "ground": ConferenceGround,
}
# What may be missing, and therefore stands in phrases only.
OPTIONAL: Final = frozenset({"reason", "link", "occasion", "policy"})
_VARIABLE: Final = re.compile(r"\{([a-z_]+)\}")
_BRACKETS: Final = str.maketrans("【】", "〔〕")


class TextError(ValueError):
    """The table is wrong; the message says where and what to do."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    template: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,20}$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    fact: str
    audience: Literal["petitioner"]
    text: Annotated[str, Field(min_length=1, max_length=400)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    message: tuple[_Row, ...]
    phrases: dict[str, str]
    words: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text without its signature, and what its variables were filled with."""

    text: str
    params: dict[str, str]


class Texts:
    """The table in use."""

    def __init__(self, table: _Table, public_url: str) -> None:
        self._rows = {(row.template, row.version): row for row in table.message}
        self._phrases, self._words = table.phrases, table.words
        self._public_url = public_url.rstrip("/")

    def notices(self) -> Mapping[type[Fact], tuple[Notice, ...]]:
        """Return who must hear of what: the last version of each template, by the fact."""
        last = {row.template: row for row in self._rows.values()}
        notices: dict[type[Fact], tuple[Notice, ...]] = {}
        for row in last.values():
            kind = BY_TYPE[row.fact]
            notices[kind] = (*notices.get(kind, ()), Notice(row.template, row.version))
        return notices

    def render(
        self, template: str, version: str, petition: str, values: Mapping[str, str]
    ) -> Rendered | None:
        """Fill in a text; None if this version is not in the table or a value is missing."""
        row = self._rows.get((template, version))
        if row is None:
            return None
        shown = {"petition": petition}
        if self._public_url:
            shown["link"] = f"{self._public_url}/petitions/{petition}"
        for name, value in values.items():
            shown |= self._shown(name, value)
        wanted = _VARIABLE.findall(row.text)
        params = {name: self._filled(name, shown) for name in wanted}
        if any(value is None for value in params.values()):
            return None
        full = {name: value for name, value in params.items() if value is not None}
        return Rendered(_VARIABLE.sub(lambda found: full[found[1]], row.text), full)

    def _filled(self, name: str, shown: Mapping[str, str]) -> str | None:
        phrase = self._phrases.get(name)
        if phrase is None:
            return shown.get(name)
        if any(inner not in shown for inner in _VARIABLE.findall(phrase)):
            return ""
        return _VARIABLE.sub(lambda found: shown[found[1]], phrase)

    def _shown(self, name: str, value: str) -> dict[str, str]:
        """Return what a kept value gives to a text."""
        if name in DATES:
            return {name: day(datetime.fromisoformat(value))}
        if name in WORDED:
            return {name: self._words[name][value]}
        if name == "body":
            entry = catalogue().entries[Body(value)]
            return {"body": entry.name, "phone": entry.phone}
        if name == "policy":
            code, _, version = value.rpartition("/")
            return {name: clean(title(code, int(version)))}
        return {name: clean(value)}


def clean(value: str) -> str:
    """Take out of a value what must not stand in an SMS: what cannot be seen, and a second signature."""
    seen = (c for c in unicodedata.normalize("NFC", value) if unicodedata.category(c) not in {"Cc", "Cf"})
    return "".join(seen).translate(_BRACKETS)


def load(path: Path = TABLE_FILE, *, public_url: str = "") -> Texts:
    """Read and check the table; raises TextError naming every fault in it."""
    try:
        table = _Table.model_validate(tomllib.loads(path.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise TextError(f"{path.name} is not TOML: {error}") from error
    except ValidationError as error:
        raise TextError(f"{path.name}: {error}") from error
    faults = [*_row_faults(table), *_word_faults(table), *_missing(table)]
    if faults:
        raise TextError(f"{path.name}: " + "; ".join(faults))
    return Texts(table, public_url)


def _row_faults(table: _Table) -> list[str]:
    faults = []
    facts: dict[str, str] = {}
    if len({(row.template, row.version) for row in table.message}) < len(table.message):
        faults.append("a template has the same version twice")
    for row in table.message:
        if facts.setdefault(row.template, row.fact) != row.fact:
            faults.append(f"template {row.template} stands for two facts; give each its own")
        kind = BY_TYPE.get(row.fact)
        if kind is None or kind not in OFFERS:
            faults.append(f"template {row.template}: notify does not hear {row.fact}")
            continue
        known = offered(kind) | set(table.phrases)
        faults += [
            f"template {row.template}: {row.fact} offers no {name}"
            for name in _used(row.text, table.phrases)
            if name not in known | OPTIONAL
        ]
        faults += [
            f"template {row.template}: {name} may be missing, so put it into a phrase"
            for name in _VARIABLE.findall(row.text)
            if name in OPTIONAL
        ]
        if "{petition}" not in row.text:
            faults.append(f"template {row.template} does not name the petition")
        if "【" in row.text or set("{}") & set(_VARIABLE.sub("", row.text)):
            faults.append(f"template {row.template} has stray brackets; the signature is put before it")
    return faults


def _word_faults(table: _Table) -> list[str]:
    return [
        f"words.{name} lacks {code}"
        for name, codes in WORDED.items()
        for code in codes
        if not table.words.get(name, {}).get(code)
    ]


def _missing(table: _Table) -> list[str]:
    told = {row.fact for row in table.message}
    return [f"nobody is told of {name}" for name in sorted({kind.TYPE for kind in MUST_TELL} - told)]


def offered(kind: type[Fact]) -> set[str]:
    """Return the variables that a text about this fact may use."""
    names = {"petition", *OFFERS[kind]}
    return names | {"phone"} if "body" in names else names


def _used(text: str, phrases: Mapping[str, str]) -> Sequence[str]:
    """Return the variables of a text, with those of its phrases."""
    names = []
    for name in _VARIABLE.findall(text):
        names += _VARIABLE.findall(phrases[name]) if name in phrases else [name]
    return names
