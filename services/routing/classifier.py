"""Which of the 15 bodies a petition is for, and the phrases that decided: pure, from its words alone.

Stands between the dossier that routing hears and the decision that it states; knows no petition and no clock.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind, Urgency
from services.routing.lexicon import SEVERAL, Lexicon, LexiconError, Words, words
from services.routing.lexicon import load as load_lexicon
from services.routing.model import Figures, Model, ModelError, Weighed, model, read
from services.routing.model.weighed import BODIES, DOMAINS, KINDS, REPORT_AT, signs

__all__ = [
    "Classification",
    "Classifier",
    "LexiconError",
    "ModelError",
    "Reason",
    "Urgency",
    "Words",
    "classifier",
    "classify",
    "classify_all",
    "load",
    "words",
]

_MOST_REASONS: Final = 5
_LEAST_SAID: Final = 0.01
# Fewer runs of characters than this, and no phrase, say nothing.
_FEWEST_KNOWN: Final = 12
_BODIES: Final[tuple[Body | None, ...]] = (*Body, None)
_DOMAINS: Final = tuple(Domain)
_KINDS: Final = tuple(Kind)


@dataclass(frozen=True)
class Reason:
    """A phrase of the lexicon that spoke for the decision, and how strongly (always above nought)."""

    term: str
    weight: float


@dataclass(frozen=True)
class Classification:
    """What the words say; `body` is None where none of the 15 fits or nothing was recognised.

    `second` is the next most likely body, `runner_up` the next most likely answer: it may be that none fits.
    """

    body: Body | None
    second: Body | None
    domain: Domain | None
    kind: Kind
    joint: bool
    confidence: float
    reasons: tuple[Reason, ...]
    sure: bool
    urgency: Urgency | None = None
    runner_up: Body | None = None
    urgent_phrase: str | None = None  # of the lexicon, like every reason


@dataclass(frozen=True)
class Classifier:
    """The lexicon that people write and the figures that were learned, ready to weigh a text."""

    lexicon: Lexicon
    model: Model

    @property
    def version(self) -> str:
        """The edition of the lexicon with digests of both: the same version gives the same answer."""
        return f"{self.lexicon.version}-{self.model.figures.digest}"


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


def load() -> Classifier:
    """Read, check and lay out what is shipped; raises LexiconError or ModelError with file and reason."""
    return classifier(load_lexicon(), read())


def classifier(lexicon: Lexicon, figures: Figures) -> Classifier:
    """Put a lexicon and figures together."""
    return Classifier(lexicon, model(figures, lexicon))


def classify(read: Words, *, by: Classifier) -> Classification:
    """Decide by lexicon and figures; any words will do, and the same words give the same answer."""
    return classify_all([read], by=by)[0]


def classify_all(every: Sequence[Words], *, by: Classifier) -> list[Classification]:
    """Decide on many texts at once, which costs less; the answers are those of `classify`, in order."""
    strengths = [by.lexicon.weigh(read) for read in every]
    weighed = by.model.weigh_all(every, strengths)
    return [_decided(*each, by=by) for each in zip(every, strengths, weighed, strict=True)]


def _decided(
    read: Words, strengths: Mapping[int, float], weighed: Weighed, *, by: Classifier
) -> Classification:
    urgency, urgent_phrase = by.lexicon.urgency(read) or (None, None)
    if not strengths and weighed.known < _FEWEST_KNOWN:
        return replace(_UNKNOWN, urgency=urgency, urgent_phrase=urgent_phrase)
    scores = weighed.scores.tolist()
    bodies = scores[BODIES]
    best = bodies.index(max(bodies))
    body = _BODIES[best]
    ranked = sorted((place for place in range(len(_BODIES)) if place != best), key=bodies.__getitem__)
    second = next(place for place in reversed(ranked) if _BODIES[place] is not None)
    domains, kinds = scores[DOMAINS], scores[KINDS]
    kind = _KINDS[kinds.index(max(kinds))]
    confidence = _confidence(weighed, by)
    sureness = by.model.figures.sureness
    return Classification(
        body=body,
        second=_BODIES[second],
        runner_up=_BODIES[ranked[-1]],
        domain=_DOMAINS[domains.index(max(domains))],
        kind=kind,
        joint=by.lexicon.departments_named(read) >= SEVERAL,
        confidence=confidence,
        reasons=_reasons(strengths, best, weighed.length, by),
        sure=(
            body is not None
            and kind is not Kind.REPORT
            and confidence >= sureness.threshold
            and scores[REPORT_AT] < sureness.report_limit
            and not by.lexicon.accuses(strengths)
        ),
        urgency=urgency,
        urgent_phrase=urgent_phrase,
    )


def _confidence(weighed: Weighed, by: Classifier) -> float:
    """Return how often such scores turned out right when the figures were learned."""
    calibration = by.model.figures.sureness.calibration
    odds = sum(weight * sign for weight, sign in zip(calibration, signs(weighed), strict=True))
    return round(1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0))), 3)


def _reasons(strengths: Mapping[int, float], best: int, length: float, by: Classifier) -> tuple[Reason, ...]:
    """Return the phrases that spoke loudest for the best body; pairs help them but are not shown."""
    phrases = {term: strength for term, strength in strengths.items() if term < by.lexicon.phrases}
    spoken = [
        Reason(by.lexicon.terms[term], round(share, 2))
        for term, share in zip(phrases, by.model.says(phrases, best, length), strict=True)
        if share >= _LEAST_SAID
    ]
    return tuple(sorted(spoken, key=lambda reason: (-reason.weight, reason.term))[:_MOST_REASONS])
