"""The 15 specialised mediation bodies: their codes (fixed: topics are named after them) and their catalogue.

The catalogue (names, what each takes, telephone, hours) is data that the operator edits: `data/bodies.toml`.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

CATALOGUE_FILE: Final = Path(__file__).parent / "data" / "bodies.toml"


class Body(StrEnum):
    """The code of one of the 15 bodies (domain.md, “The 15 bodies”)."""

    LABOR = "labor"
    SOCIAL_SECURITY = "social-security"
    PROPERTY = "property"
    REALESTATE = "realestate"
    EXPROPRIATION = "expropriation"
    CONSTRUCTION = "construction"
    UTILITIES = "utilities"
    TRANSPORT = "transport"
    ENVIRONMENT = "environment"
    MEDICAL = "medical"
    EDUCATION = "education"
    CONSUMER = "consumer"
    FINANCE = "finance"
    RURAL = "rural"
    LITIGATION = "litigation"


@dataclass(frozen=True)
class Entry:
    """What clerks and petitioners need to know of one body; `takes` is one English sentence for the docs."""

    code: Body
    name: str
    takes: str
    phone: str
    hours: str


@dataclass(frozen=True)
class Catalogue:
    """All 15 bodies with the version that every routing fact names."""

    version: str
    entries: dict[Body, Entry]

    def name(self, body: Body) -> str:
        """Return the Chinese name that petitioners read."""
        return self.entries[body].name


@cache
def catalogue() -> Catalogue:
    """Read the shipped catalogue; raises ValueError naming what is wrong with it."""
    data = tomllib.loads(CATALOGUE_FILE.read_text("utf-8"))
    entries = {Body(row["code"]): Entry(**{**row, "code": Body(row["code"])}) for row in data["body"]}
    if set(entries) != set(Body) or len(data["body"]) != len(Body):
        raise ValueError(f"{CATALOGUE_FILE.name} must list each of the {len(Body)} bodies exactly once")
    return Catalogue(version=data["version"], entries=entries)
