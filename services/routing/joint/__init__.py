"""Who handles a matter together with the body that leads it: departments, and the street's office.

Pure, from the text's words and the rules beside it (`rules.toml`); stands below the decisions.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.bodies import Body
from contracts.units import STREET, roster
from services.routing.lexicon.wording import plain

RULES: Final = Path(__file__).parent / "rules.toml"
STREET_OFFICE: Final = "street-office"
_STREET_DIGITS: Final = 9
_FIELDS: Final = frozenset({"name", "bodies", "words", "units", "street"})


class JointError(ValueError):
    """The rules cannot be used; the message names the rule and the reason."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; every group of words must have one in the text."""

    name: str
    bodies: frozenset[Body]
    words: tuple[tuple[str, ...], ...]
    units: tuple[str, ...]
    street: bool


@dataclass(frozen=True, slots=True)
class JointRules:
    """All rules with the version that facts name."""

    version: str
    rules: tuple[Rule, ...] = ()

    def helpers(self, text: str, lead: Body, area: str | None) -> tuple[str, ...]:
        """Return the codes of those who help the lead, each once, the street's office last."""
        speaking = [rule for rule in self.rules if lead in rule.bodies]
        read = plain(text) if speaking else ""
        applies = [
            rule for rule in speaking if all(any(word in read for word in group) for group in rule.words)
        ]
        units = dict.fromkeys(unit for rule in applies for unit in rule.units)
        if any(rule.street for rule in applies):
            known = area is not None and len(area) >= _STREET_DIGITS
            units[f"{STREET}{area[:_STREET_DIGITS]}" if known and area else STREET_OFFICE] = None
        return tuple(units)


NO_RULES: Final = JointRules("none")


def read(path: Path = RULES) -> JointRules:
    """Read and check the rules; raises JointError."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise JointError(f"{path.name}: {error}") from error
    return JointRules(data["version"], tuple(_rule(path.name, row) for row in data["rule"]))


def _rule(file: str, row: dict[str, object]) -> Rule:
    name = str(row.get("name", "a rule without a name"))
    if row.keys() != _FIELDS:
        raise JointError(f"{file}, {name}: a rule has {', '.join(sorted(_FIELDS))}")
    bodies, words, units = _texts(row["bodies"]), row["words"], _texts(row["units"])
    groups = tuple(_texts(group) for group in words) if isinstance(words, list) else ()
    if strangers := [code for code in bodies if code not in set(Body)]:
        raise JointError(f"{file}, {name}: {strangers[0]} is no body")
    if strangers := [code for code in units if code not in roster().units]:
        raise JointError(f"{file}, {name}: {strangers[0]} is no unit of the joint conference")
    if not groups or not all(groups):
        raise JointError(f"{file}, {name}: without words it would apply to everything")
    if unread := [word for group in groups for word in group if plain(word) != word]:
        raise JointError(f"{file}, {name}: {unread[0]} is never found, texts are read as {plain(unread[0])}")
    return Rule(name, frozenset(Body(code) for code in bodies), groups, units, street=row["street"] is True)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()
