"""The joint conference's office, its 13 working groups and 58 member units: facts carry their codes.

Names and memberships are data that the operator edits: `data/units.toml`.
"""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from contracts import areas, places
from contracts.bodies import Body, catalogue

FILE: Final = Path(__file__).parent / "data" / "units.toml"
GROUPS: Final = 13
MEMBERS: Final = 58
# A street's or township's office is named by its area: `street-430121001`.
STREET: Final = "street-"
_STREET: Final = re.compile(r"street-([0-9]{9})")


@dataclass(frozen=True)
class Group:
    """One working group and the units that sit in it."""

    code: str
    name: str
    units: tuple[str, ...]


@dataclass(frozen=True)
class Unit:
    """One member: the bodies that it leads or sits in, and the words by which a text names it."""

    code: str
    name: str
    bodies: frozenset[Body]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Roster:
    """The whole conference; `units` are names by code."""

    version: str
    office: str
    office_name: str
    groups: dict[str, Group]
    units: dict[str, str]
    members: tuple[Unit, ...] = ()

    def named_in(self, text: str) -> frozenset[str]:
        """Return the units and bodies that a text names, by code."""
        units = {unit.code for unit in self.members if any(word in text for word in unit.words)}
        return frozenset(units | {body for body in Body if catalogue().name(body) in text})

    def bodies_of(self, codes: Collection[str]) -> frozenset[Body]:
        """Return the bodies that are, or contain, one of these units."""
        led = {body for unit in self.members if unit.code in codes for body in unit.bodies}
        return frozenset(led | {body for body in Body if body in codes})

    def knows(self, code: str) -> bool:
        """Whether a code stands for somebody who can help: a member, a body, or a street's office."""
        street = _STREET.fullmatch(code)
        return code in self.units or code in set(Body) or (street is not None and areas.is_area(street[1]))

    def name(self, code: str) -> str:
        """Return the Chinese name for a code; the code itself if nobody knows it."""
        if code in self.units:
            return self.units[code]
        if code in set(Body):
            return catalogue().name(Body(code))
        street = _STREET.fullmatch(code)
        if street is not None and areas.is_area(street[1]):
            return places.name(street[1])
        return code


@cache
def roster() -> Roster:
    """Read the shipped roster; raises ValueError naming what is wrong with it."""
    data = tomllib.loads(FILE.read_text("utf-8"))
    units = {row["code"]: row["name"] for row in data["unit"]}
    members = tuple(_unit(row) for row in data["unit"])
    groups = {row["code"]: Group(row["code"], row["name"], tuple(row["units"])) for row in data["group"]}
    counts = (len(units), len(data["unit"]), len(groups), len(data["group"]))
    if counts != (MEMBERS, MEMBERS, GROUPS, GROUPS):
        raise ValueError(f"{FILE.name} must list {GROUPS} groups and {MEMBERS} units, each code once")
    for group in groups.values():
        if strangers := [unit for unit in group.units if unit not in units]:
            raise ValueError(f"{FILE.name}: {group.code} names {strangers[0]}, which is no unit")
    return Roster(data["version"], data["office"]["code"], data["office"]["name"], groups, units, members)


def _unit(row: dict[str, str | list[str]]) -> Unit:
    name = str(row["name"])
    bodies = frozenset(Body(code) for code in row.get("bodies", ()))
    return Unit(str(row["code"]), name, bodies, (name, *row.get("called", ())))
