"""The seven worked examples as data (`journeys.toml`): who comes in how, with what words, what is done."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from contracts.bodies import Body
from contracts.kinds import Channel, Outcome, SessionKind

FILE = Path(__file__).with_name("journeys.toml")
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either a session that was held or, with `outcome`, the end of the case and its answer."""

    session: SessionKind | None = None
    participants: int = 0
    units: tuple[str, ...] = ()
    outcome: Outcome | None = None
    agreement: bool = False


class Conference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The petition is put before the joint conference, which decides who leads and who helps."""

    group: str
    helpers: tuple[str, ...]


class Petition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One petition: who enters it, who asks, where it may rightly go, what is done, how it is rated."""

    role: str
    who: str
    unit: str
    channel: Channel
    area: str
    signatories: int = 1
    name: str
    phone: str
    title: str
    content: str
    bodies: tuple[Body, ...]
    handler: str
    steps: tuple[Step, ...]
    score: Score | None = None
    conference: Conference | None = None


class Journey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One worked example; `not_yet` is what it needs beyond what this version can do."""

    number: int
    name: str
    chinese: str
    way_in: str
    not_yet: tuple[str, ...]
    petitions: tuple[Petition, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    journeys: tuple[Journey, ...]


def load() -> tuple[Journey, ...]:
    """Read the journeys in their order; raises msgspec.ValidationError naming the place that is wrong."""
    return msgspec.convert(tomllib.loads(FILE.read_text("utf-8")), _File).journeys
