"""The model ready for use: weighs one text, runs of characters and phrases of the lexicon together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.lexicon import Lexicon, Words
from services.routing.lexicon.entries import BODY_TARGETS, DOMAIN_TARGETS, NO_BODY, TARGETS, USUAL_DOMAIN
from services.routing.model.figures import Figures, Floats
from services.routing.model.ngrams import BITS, all_ngrams, content_ngrams
from services.routing.model.stacked import COUNT, OPINIONS, stacked

BODIES: Final = slice(0, len(BODY_TARGETS))
DOMAINS: Final = slice(BODIES.stop, BODIES.stop + len(DOMAIN_TARGETS))
KINDS: Final = slice(DOMAINS.stop, len(TARGETS))
REPORT_AT: Final = TARGETS.index("kind:report")
# The bodies once more, as one part of the words tells them alone.
ALONE: Final = slice(len(TARGETS), len(TARGETS) + COUNT)
# Hand-written weights go up to 10; the figures beside them are about 1.
_HAND_SCALE: Final = np.float32(0.1)
_ONE: Final = np.float32(1.0)
_NONE_AT: Final = BODY_TARGETS.index(NO_BODY)
_USUAL: Final = tuple(
    DOMAIN_TARGETS.index(f"domain:{USUAL_DOMAIN[name]}") if name in USUAL_DOMAIN else -1
    for name in BODY_TARGETS
)


@dataclass(frozen=True)
class Weighed:
    """One text's scores in the order of TARGETS, the lexicon's own beside them, and how much was known.

    The bodies' scores are logarithms of probabilities, weighed together from the four `opinions`.
    """

    scores: Floats
    hand: Floats
    opinions: Floats
    known: int
    length: float


@dataclass(frozen=True)
class Model:
    """Figures laid out for speed: `slots` leads from a run's number to its row, or to -1.

    `phrases` are the lexicon's, pairs left out; `inside` remembers what the runs in some of them say.
    """

    figures: Figures
    slots: NDArray[np.int32]
    hand: Floats
    phrase_weights: Floats
    phrases: tuple[str, ...]
    inside: dict[int, list[float]] = field(default_factory=dict)

    def says(self, strengths: Mapping[int, float], body: int, length: float) -> list[float]:
        """Return what each phrase adds to a body's score in a text whose runs have this length."""
        longest = max(length, 1.0)
        return [
            strong * float(self.phrase_weights[term, body]) + self._inside(term)[body] / longest
            for term, strong in strengths.items()
        ]

    def _inside(self, term: int) -> list[float]:
        """Return what the runs inside a phrase say of the bodies: few phrases are ever asked for."""
        if (known := self.inside.get(term)) is None:
            rows = self.slots[content_ngrams(Words("", self.phrases[term]))]
            rows = rows[rows >= 0]
            said: list[float] = (self.figures.rarity[rows] @ self.figures.weights[rows, BODIES]).tolist()
            known = self.inside[term] = said
        return known

    def weigh(self, words: Words, strengths: Mapping[int, float]) -> Weighed:
        """Return the scores; `strengths` are what the lexicon found in the same words."""
        return self.weigh_all([words], [strengths])[0]

    def weigh_all(self, every: Sequence[Words], strengths: Sequence[Mapping[int, float]]) -> list[Weighed]:
        """Return the scores of many texts, which costs less than one after the other."""
        numbers, owners = all_ngrams(every)
        found = self.slots[numbers]
        known = found >= 0
        keys, counts = _counted(owners[known] * len(self.figures.rarity) + found[known])
        whose, rows = np.divmod(keys, len(self.figures.rarity))
        values = (_ONE + np.log(counts)) * self.figures.rarity[rows]
        # Content and title are of length 1 each.
        part = 2 * whose + (rows >= self.figures.contents)
        lengths = np.sqrt(np.bincount(part, values * values, 2 * len(every))).astype(np.float32)
        values /= lengths[part]
        ends = np.searchsorted(whose, np.arange(len(every) + 1))
        return [
            self._weighed(rows[start:stop], values[start:stop], found_here, float(length))
            for start, stop, found_here, length in zip(
                ends[:-1].tolist(), ends[1:].tolist(), strengths, lengths[::2].tolist(), strict=True
            )
        ]

    def _weighed(
        self, rows: NDArray[np.int64], values: Floats, strengths: Mapping[int, float], length: float
    ) -> Weighed:
        weights, cut = self.figures.weights, int(np.searchsorted(rows, self.figures.contents))
        content, title = values[:cut] @ weights[rows[:cut]], values[cut:] @ weights[rows[cut:]]
        phrases = np.zeros(ALONE.stop, np.float32)
        hand = np.zeros(len(TARGETS), np.float32)
        if strengths:
            terms = np.fromiter(strengths.keys(), np.intp, len(strengths))
            strong = np.fromiter(strengths.values(), np.float32, len(strengths))
            phrases = strong @ self.phrase_weights[terms]
            hand = strong @ self.hand[terms]
        bias = self.figures.bias
        scores = bias[: len(TARGETS)] + (content + title + phrases)[: len(TARGETS)]
        opinions = np.concatenate((scores[BODIES], content[ALONE], title[ALONE], phrases[ALONE]))
        opinions[COUNT:] += bias[len(TARGETS) :]
        scores[BODIES] = stacked(opinions, self.figures.stack)
        return Weighed(scores, hand, opinions, len(rows) + len(strengths), length)


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
    return Model(figures, slots, hand, phrase_weights, lexicon.terms[: lexicon.phrases])


def _counted(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Return each key once, in order, and how often it stood there: `np.unique` at half its price."""
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[first], np.diff(first, append=len(keys)).astype(np.float32)


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
    scores, hand = weighed.scores.tolist(), weighed.hand[BODIES].tolist()
    bodies, domains = scores[BODIES], scores[DOMAINS]
    best = bodies.index(max(bodies))
    first, second = bodies[best], max(bodies[:best] + bodies[best + 1 :])
    hand_lead = hand[best] - max(hand[:best] + hand[best + 1 :])
    agreeing = (weighed.opinions.reshape(OPINIONS, COUNT).argmax(axis=1) == best).sum()
    return (
        1.0,
        first - second,
        first,
        math.tanh(hand_lead / 3.0),
        float(domains.index(max(domains)) == _USUAL[best]),
        float(best == _NONE_AT),
        math.log1p(weighed.known) / 5.0,
        float(agreeing) / OPINIONS,
    )
