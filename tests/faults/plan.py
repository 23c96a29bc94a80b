"""What goes wrong, in which order: drawn from a seed alone, so that the same seed plans the same run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.topics import SERVICES
from tests.faults.proxy import CUTS, Mode

LONGEST_CUT = 15.0
LONGEST_CALM = 4.0
ALSO_KILLED = 0.3


class Kind(StrEnum):
    """The sorts of faults."""

    SERVICES = "kill services"
    BROKER = "kill broker"
    DATABASE = "kill database"
    BOTH = "kill a broker and a database"
    ZOMBIE = "zombie"
    CUT_BROKER = "cut broker"
    CUT_DATABASE = "cut database"
    FULL = "fill volume"
    DUPLICATES = "duplicates"
    REORDERED = "reordered"
    NEWER_FIELDS = "newer fields"
    UNKNOWN_TYPE = "unknown type"


INJECTIONS = frozenset({Kind.DUPLICATES, Kind.REORDERED, Kind.NEWER_FIELDS, Kind.UNKNOWN_TYPE})
Deck = Sequence[tuple[Kind, int]]
# How often each comes before the cards are shuffled anew.
WHOLE: Deck = (
    (Kind.SERVICES, 5),
    (Kind.BROKER, 2),
    (Kind.DATABASE, 2),
    (Kind.BOTH, 1),
    (Kind.ZOMBIE, 2),
    (Kind.CUT_BROKER, 3),
    (Kind.CUT_DATABASE, 3),
    (Kind.FULL, 1),
    (Kind.DUPLICATES, 2),
    (Kind.REORDERED, 2),
    (Kind.NEWER_FIELDS, 1),
    (Kind.UNKNOWN_TYPE, 1),
)
SHORT: Deck = tuple((kind, 1) for kind, _ in WHOLE if kind not in {Kind.ZOMBIE, Kind.FULL, Kind.BOTH})
CLUSTER: Deck = (
    (Kind.SERVICES, 2),
    (Kind.BROKER, 3),
    (Kind.DATABASE, 3),
    (Kind.BOTH, 2),
    (Kind.ZOMBIE, 1),
    (Kind.DUPLICATES, 1),
    (Kind.REORDERED, 1),
    (Kind.UNKNOWN_TYPE, 1),
)


@dataclass(frozen=True)
class Fault:
    """One fault: `victims` are services, `pick` in [0, 1) chooses among whatever there is to choose from.

    `besides`: the victims are killed too, in the middle of whatever else is the matter.
    """

    kind: Kind
    victims: tuple[str, ...]
    mode: Mode
    seconds: float
    calm: float
    pick: float
    besides: bool


def planned(seed: int, deck: Deck, *, longest: float = LONGEST_CUT) -> Iterator[Fault]:
    """Faults without end."""
    chance = random.Random(seed)  # noqa: S311 - a plan, not a secret
    # Every way of cutting comes up before one comes up again.
    modes: list[Mode] = []
    while True:
        cards = [kind for kind, times in deck for _ in range(times)]
        chance.shuffle(cards)
        for kind in cards:
            modes = modes or chance.sample(CUTS, len(CUTS))
            yield Fault(
                kind=kind,
                victims=tuple(chance.sample(SERVICES, chance.choice((1, 1, 2)))),
                mode=modes.pop() if kind in {Kind.CUT_BROKER, Kind.CUT_DATABASE} else Mode.PASS,
                seconds=round(chance.uniform(1.0, longest), 1),
                calm=round(chance.uniform(0.0, LONGEST_CALM), 1),
                pick=chance.random(),
                besides=chance.random() < ALSO_KILLED,
            )
