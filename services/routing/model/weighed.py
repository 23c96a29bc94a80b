"""The model ready for use: weighs one text, runs of characters and phrases of the lexicon together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.lexicon import Lexicon, Words
from services.routing.lexicon.entries import BODY_TARGETS, DOMAIN_TARGETS, NO_BODY, TARGETS, USUAL_DOMAIN
from services.routing.model.figures import Figures, Floats
from services.routing.model.ngrams import BITS, content_ngrams, title_ngrams

BODIES: Final = slice(0, len(BODY_TARGETS))
DOMAINS: Final = slice(BODIES.stop, BODIES.stop + len(DOMAIN_TARGETS))
KINDS: Final = slice(DOMAINS.stop, len(TARGETS))
REPORT_AT: Final = TARGETS.index("kind:report")
# Hand-written weights go up to 10; the figures beside them are about 1.
_HAND_SCALE: Final = np.float32(0.1)
_NONE_AT: Final = BODY_TARGETS.index(NO_BODY)
_USUAL: Final = tuple(
    DOMAIN_TARGETS.index(f"domain:{USUAL_DOMAIN[name]}") if name in USUAL_DOMAIN else -1
    for name in BODY_TARGETS
)


@dataclass(frozen=True)
class Weighed:
    """One text's scores in the order of TARGETS, the lexicon's own beside them, and how much was known."""

    scores: Floats
    hand: Floats
    known: int
    length: float


@dataclass(frozen=True)
class Model:
    """Figures laid out for speed: `slots` leads from a run's number to its row, or to -1.

    `inside` is what the runs inside each phrase say of the bodies; with `phrase_weights`, the whole phrase.
    """

    figures: Figures
    slots: NDArray[np.int32]
    hand: Floats
    phrase_weights: Floats
    inside: Floats

    def says(self, strengths: Mapping[int, float], body: int, length: float) -> list[float]:
        """Return what each phrase adds to a body's score in a text whose runs have this length."""
        terms = np.fromiter(strengths.keys(), np.intp, len(strengths))
        strong = np.fromiter(strengths.values(), np.float32, len(strengths))
        alone = strong * self.phrase_weights[terms, body]
        said: list[float] = (alone + self.inside[terms, body] / np.float32(max(length, 1.0))).tolist()
        return said

    def weigh(self, words: Words, strengths: Mapping[int, float]) -> Weighed:
        """Return the scores; `strengths` are what the lexicon found in the same words."""
        rows, values, length = self._runs(words)
        scores = self.figures.bias + values @ self.figures.weights[rows]
        hand = np.zeros(len(TARGETS), np.float32)
        if strengths:
            terms = np.fromiter(strengths.keys(), np.intp, len(strengths))
            strong = np.fromiter(strengths.values(), np.float32, len(strengths))
            scores = scores + strong @ self.phrase_weights[terms]
            hand = strong @ self.hand[terms]
        return Weighed(scores, hand, len(rows) + len(strengths), length)

    def _runs(self, words: Words) -> tuple[NDArray[np.int32], Floats, float]:
        """Return rows, their values (content and title each of length 1), and the content's length before."""
        found = self.slots[np.concatenate((content_ngrams(words), title_ngrams(words)))]
        rows, counts = np.unique(found[found >= 0], return_counts=True)
        values = ((1.0 + np.log(counts)) * self.figures.rarity[rows]).astype(np.float32)
        cut = int(np.searchsorted(rows, self.figures.contents))
        length = float(np.sqrt(values[:cut] @ values[:cut]))
        title_length = float(np.sqrt(values[cut:] @ values[cut:]))
        values[:cut] /= np.float32(length or 1.0)
        values[cut:] /= np.float32(title_length or 1.0)
        return rows, values, length


def model(figures: Figures, lexicon: Lexicon) -> Model:
    """Lay figures out beside a lexicon; a phrase that is newer than the figures has its hand weight alone."""
    slots = np.full(1 << BITS, -1, np.int32)
    slots[figures.numbers] = np.arange(len(figures.numbers), dtype=np.int32)
    hand = by_hand(lexicon)
    learned = {phrase: place for place, phrase in enumerate(figures.phrases)}
    phrase_weights = hand_inputs(hand) @ figures.hand_weights
    for term, phrase in enumerate(lexicon.terms):
        if (place := learned.get(phrase)) is not None:
            phrase_weights[term] += figures.phrase_weights[place]
    inside = np.zeros((lexicon.phrases, len(BODY_TARGETS)), np.float32)
    for term, phrase in enumerate(lexicon.terms[: lexicon.phrases]):
        rows = slots[content_ngrams(Words("", phrase))]
        rows = rows[rows >= 0]
        inside[term] = figures.rarity[rows] @ figures.weights[rows, BODIES]
    return Model(figures, slots, hand, phrase_weights, inside)


def by_hand(lexicon: Lexicon) -> Floats:
    """Return the hand-written weights, one row a term."""
    weights = np.zeros((len(lexicon.terms), len(TARGETS)), np.float32)
    for term, row in enumerate(lexicon.weights):
        for target, weight in row:
            weights[term, target] = weight
    return weights


def hand_inputs(hand: Floats) -> Floats:
    """Return hand-written weights or scores as inputs of the model, each as a lead over its family."""
    inputs: Floats = hand * _HAND_SCALE
    for family in (BODIES, DOMAINS, KINDS):
        inputs[..., family] -= inputs[..., family].mean(axis=-1, keepdims=True)
    return inputs


def signs(weighed: Weighed) -> tuple[float, ...]:
    """Return what tells whether the best body is the right one: the inputs of the calibration."""
    bodies = weighed.scores[BODIES]
    best = int(bodies.argmax())
    ordered = np.sort(bodies)
    hand = weighed.hand[BODIES]
    hand_lead = float(hand[best] - np.delete(hand, best).max())
    domain = int(weighed.scores[DOMAINS].argmax())
    return (
        1.0,
        float(ordered[-1] - ordered[-2]),
        float(ordered[-1]),
        float(np.tanh(hand_lead / 3.0)),
        float(domain == _USUAL[best]),
        float(best == _NONE_AT),
        float(np.log1p(weighed.known)) / 5.0,
    )
