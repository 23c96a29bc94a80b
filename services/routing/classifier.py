"""Which of the 15 bodies a petition is for, and the phrases that decided: pure, from its words alone.

Stands between the dossier that routing hears and the decision that it states; knows no petition and no clock.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind
from services.routing.lexicon import Lexicon, LexiconError, load
from services.routing.lexicon.entries import BODY_TARGETS, DOMAIN_TARGETS, JOINT, TARGETS

__all__ = ["Classification", "Lexicon", "LexiconError", "Reason", "classify", "load"]

_MOST_REASONS: Final = 5
_DOMAINS_FROM: Final = len(BODY_TARGETS)
_KINDS_FROM: Final = _DOMAINS_FROM + len(DOMAIN_TARGETS)
_JOINT_AT: Final = TARGETS.index(JOINT)
_JOINT_FROM: Final = 1.0
_BODIES: Final[tuple[Body | None, ...]] = (*Body, None)
_DOMAINS: Final = tuple(Domain)
_KINDS: Final = tuple(Kind)
_REPORT_AT: Final = _KINDS_FROM + _KINDS.index(Kind.REPORT)
# Hand-set weights of accusation are above this, learned side effects below.
_ACCUSING: Final = 2.0


@dataclass(frozen=True)
class Reason:
    """A phrase of the lexicon that spoke for the decision, and how strongly (always above nought)."""

    term: str
    weight: float


@dataclass(frozen=True)
class Classification:
    """What the words say; `body` is None where none of the 15 fits or nothing was recognised."""

    body: Body | None
    second: Body | None
    domain: Domain | None
    kind: Kind
    joint: bool
    confidence: float
    reasons: tuple[Reason, ...]
    sure: bool


_UNKNOWN: Final = Classification(
    body=None,
    second=None,
    domain=None,
    kind=Kind.REQUEST,
    joint=False,
    confidence=0.0,
    reasons=(),
    sure=False,
)


def classify(title: str, content: str, *, lexicon: Lexicon) -> Classification:
    """Decide by the lexicon alone; any two strings will do, and the same words give the same answer."""
    strengths = lexicon.weigh(title, content)
    if not strengths:
        return _UNKNOWN
    scores = list(lexicon.bias)
    for term, strength in strengths.items():
        for target, weight in lexicon.weights[term]:
            scores[target] += strength * weight
    bodies = scores[:_DOMAINS_FROM]
    best = _place_of_highest(bodies)
    body = _BODIES[best]
    others = (place for place in range(len(Body)) if place != best)
    second = _BODIES[max(others, key=bodies.__getitem__)]
    kind = _KINDS[_place_of_highest(scores[_KINDS_FROM:_JOINT_AT])]
    confidence = _confidence(bodies, best, len(strengths), lexicon.calibration)
    return Classification(
        body=body,
        second=second,
        domain=_DOMAINS[_place_of_highest(scores[_DOMAINS_FROM:_KINDS_FROM])],
        kind=kind,
        joint=scores[_JOINT_AT] >= _JOINT_FROM,
        confidence=confidence,
        reasons=tuple(_reasons(strengths.items(), best, lexicon)),
        sure=(
            body is not None
            and kind is not Kind.REPORT
            and confidence >= lexicon.threshold
            and not _accuses(strengths, lexicon)
        ),
    )


def _accuses(terms: Iterable[int], lexicon: Lexicon) -> bool:
    """Whether any phrase of accusation stands in the text: then a person looks, whatever the scores say.

    A report of wrongdoing must never reach the one accused (Regulations art. 22, 30), and the scores alone
    find only half of the reports.
    """
    return any(
        target == _REPORT_AT and weight >= _ACCUSING
        for term in terms
        for target, weight in lexicon.weights[term]
    )


def _place_of_highest(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def _confidence(
    scores: Sequence[float], best: int, found: int, calibration: tuple[float, float, float]
) -> float:
    """Return how often such a lead over the other bodies turned out right when the lexicon was fitted."""
    behind = sum(math.exp(score - scores[best]) for place, score in enumerate(scores) if place != best)
    odds = -math.log(max(behind, 1e-6))
    constant, odds_factor, found_factor = calibration
    lead = constant + odds_factor * odds + found_factor * math.log1p(found)
    return round(1.0 / (1.0 + math.exp(-lead)), 3)


def _reasons(strengths: Iterable[tuple[int, float]], best: int, lexicon: Lexicon) -> list[Reason]:
    """Return the phrases that spoke loudest for the best body; pairs help them but are not shown."""
    spoken = []
    for term, strength in strengths:
        if term >= lexicon.phrases:
            continue
        for target, weight in lexicon.weights[term]:
            if target == best and (share := round(strength * weight, 2)) > 0:
                spoken.append(Reason(lexicon.terms[term], share))
    return sorted(spoken, key=lambda reason: (-reason.weight, reason.term))[:_MOST_REASONS]
