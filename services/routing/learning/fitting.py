"""Fits the model's weights: many linear machines at once, one a target, by dual coordinate descent.

L2-regularised squared hinge loss, one target against the rest (Hsieh et al., ICML 2008, algorithm 1); all
targets of one text are moved together, so that numpy does the work and no solver needs to be installed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.learning.samples import Sample
from services.routing.lexicon import Lexicon
from services.routing.lexicon.entries import BODY_TARGETS, TARGETS
from services.routing.model.figures import Figures, Floats, Sureness
from services.routing.model.ngrams import content_ngrams, title_ngrams
from services.routing.model.stacked import unstacked
from services.routing.model.weighed import ALONE, BODIES, REPORT_AT, by_hand, hand_inputs

_COST: Final = 0.4
_ROUNDS: Final = 8
# A run of characters that stands in fewer texts says something about these texts only.
_FEWEST: Final = 3
_MOST_ROWS: Final = 70_000
_SEED: Final = 20261125
# A run of characters counts by how rare it is, and by how much it tells of the body: at least this much.
_TELLING_LEAST: Final = 0.1
# So many texts with the usual mixture of bodies are added to those that hold a run: few texts prove little.
_USUAL_TEXTS: Final = 4.0
# A step that is smaller moves nothing any more.
_SETTLED: Final = 1e-5
NOT_YET_SURE: Final = Sureness((0.0,) * 8, threshold=1.0, report_limit=0.0)

Counted = tuple[NDArray[np.uint32], Floats]
Placed = tuple[NDArray[np.int64], Floats]


@dataclass(frozen=True)
class Prepared:
    """A sample taken apart: runs of content and title with 1 + log(count), phrases with their strengths."""

    content: Counted
    title: Counted
    strengths: dict[int, float]
    wanted: Floats
    importance: float


@dataclass(frozen=True)
class _Inputs:
    """A sample as columns and values of the machines' inputs, one pair a part of the words."""

    content: Placed
    title: Placed
    lexicon: Placed
    always: Placed


def prepared(samples: Sequence[Sample], lexicon: Lexicon) -> list[Prepared]:
    """Take samples apart, once for all fits."""
    return [
        Prepared(
            content=_counted(content_ngrams(sample.words)),
            title=_counted(title_ngrams(sample.words)),
            strengths=lexicon.weigh(sample.words),
            wanted=_wanted(sample),
            importance=sample.importance,
        )
        for sample in samples
    ]


def fit(samples: Sequence[Prepared], lexicon: Lexicon) -> Figures:
    """Return figures fitted to the samples, pruned to what a small file holds; not yet calibrated."""
    bodies, shares = _bodies(samples)
    contents, content_rarity = _vocabulary([sample.content[0] for sample in samples], bodies, shares)
    titles, title_rarity = _vocabulary([sample.title[0] for sample in samples], bodies, shares)
    apart = ~np.isin(titles, contents)
    titles, title_rarity = titles[apart], title_rarity[apart]
    hand = by_hand(lexicon)
    terms_from = len(contents) + len(titles)
    hand_from = terms_from + len(lexicon.terms)
    size = hand_from + len(TARGETS) + 1
    inputs = [
        _Inputs(
            content=_placed(sample.content, contents, content_rarity, 0),
            title=_placed(sample.title, titles, title_rarity, len(contents)),
            lexicon=_found(sample.strengths, hand, terms_from, hand_from),
            always=(np.array([size - 1]), np.ones(1, np.float32)),
        )
        for sample in samples
    ]
    weights, bias = _weights(inputs, samples, size, (len(contents), terms_from))
    kept = _loudest(weights[:terms_from])
    return Figures(
        numbers=np.concatenate((contents, titles))[kept],
        contents=int(np.searchsorted(kept, len(contents))),
        rarity=np.concatenate((content_rarity, title_rarity))[kept],
        weights=weights[kept],
        phrases=lexicon.terms,
        phrase_weights=weights[terms_from:hand_from],
        hand_weights=weights[hand_from:],
        bias=bias,
        stack=unstacked(),
        sureness=NOT_YET_SURE,
        card={},
        digest="unwritten",
    )


def _found(strengths: dict[int, float], hand: Floats, terms_from: int, hand_from: int) -> Placed:
    """Return the phrases as inputs, and what clerks wrote of them."""
    terms = np.fromiter(strengths.keys(), np.int64, len(strengths))
    strong = np.fromiter(strengths.values(), np.float32, len(strengths))
    written = hand_inputs(strong @ hand[terms])
    columns = np.concatenate((terms + terms_from, np.arange(hand_from, hand_from + len(TARGETS))))
    return columns, np.concatenate((strong, written), dtype=np.float32)


def _weights(
    inputs: Sequence[_Inputs], samples: Sequence[Prepared], size: int, parts: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Return the weights of all targets by all inputs, then of the bodies by each part alone, and the bias.

    `parts` are where the title's inputs begin and where the lexicon's do.
    """
    wanted, lift = np.array([sample.wanted for sample in samples]), _lift(samples)
    importance = [sample.importance for sample in samples]
    together = [_joined(one.content, one.title, one.lexicon, one.always) for one in inputs]
    fitted = _descend(together, wanted, lift, importance, size)
    weights = np.zeros((size - 1, ALONE.stop), np.float32)
    weights[:, : len(TARGETS)] = fitted[:-1]
    bias = [fitted[-1]]
    begins = (0, *parts, size - 1)
    for number, part in enumerate(("content", "title", "lexicon")):
        alone = [_joined(getattr(one, part), one.always) for one in inputs]
        fitted = _descend(alone, wanted[:, BODIES], lift[BODIES], importance, size)
        rows = slice(begins[number], begins[number + 1])
        weights[rows, ALONE] = fitted[rows]
        bias.append(fitted[-1])
    return weights, np.concatenate(bias)


def _joined(*parts: Placed) -> Placed:
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _counted(numbers: NDArray[np.uint32]) -> Counted:
    unique, counts = np.unique(numbers, return_counts=True)
    return unique, (1.0 + np.log(counts)).astype(np.float32)


def _wanted(sample: Sample) -> Floats:
    """Return 1 for the targets that were labelled, -1 for their rivals, 0 where there is no label."""
    labels = (
        sample.body,
        None if sample.domain is None else f"domain:{sample.domain}",
        None if sample.kind is None else f"kind:{sample.kind}",
    )
    wanted = np.zeros(len(TARGETS), np.float32)
    for place, target in enumerate(TARGETS):
        family = 1 if target.startswith("domain:") else 2 if target.startswith("kind:") else 0
        if (label := labels[family]) is not None:
            wanted[place] = 1.0 if label == target else -1.0
    return wanted


def _bodies(samples: Sequence[Prepared]) -> tuple[NDArray[np.intp], Floats]:
    """Return the body of each sample as a number, and how large a share of all each body has."""
    bodies = np.array([sample.wanted[BODIES].argmax() for sample in samples])
    counts = np.bincount(bodies, minlength=len(BODY_TARGETS))
    return bodies, ((counts + 1) / (counts + 1).sum()).astype(np.float32)


def _vocabulary(
    every: Sequence[NDArray[np.uint32]], bodies: NDArray[np.intp], shares: Floats
) -> tuple[NDArray[np.uint32], Floats]:
    """Return the runs that stand in enough texts, and the weight of each: how rare it is times how telling.

    Telling is how far the bodies of the texts that hold it differ from the usual mixture (relative entropy).
    """
    numbers, inverse, texts = np.unique(np.concatenate(every), return_inverse=True, return_counts=True)
    enough = texts >= min(_FEWEST, 1 + len(every) // 100)
    rarity = np.log((1 + len(every)) / (1 + texts[enough])) + 1.0
    owners = np.repeat(bodies, [len(one) for one in every])
    told = np.full(int(enough.sum()), _TELLING_LEAST)
    for body, share in enumerate(shares):
        held = np.bincount(inverse[owners == body], minlength=len(numbers))[enough]
        found = (held + _USUAL_TEXTS * share) / (texts[enough] + _USUAL_TEXTS)
        told += found * np.log(found / share)
    return numbers[enough], (rarity * told).astype(np.float32)


def _placed(counted: Counted, vocabulary: NDArray[np.uint32], rarity: Floats, start: int) -> Placed:
    numbers, counts = counted
    places = np.searchsorted(vocabulary, numbers)
    known = places < len(vocabulary)
    known[known] = vocabulary[places[known]] == numbers[known]
    places = places[known]
    values = counts[known] * rarity[places]
    length = float(np.sqrt(values @ values)) or 1.0
    return places.astype(np.int64) + start, values / np.float32(length)


def _descend(
    inputs: Sequence[Placed], wanted: Floats, lift: Floats, importance: Sequence[float], size: int
) -> Floats:
    weights = np.zeros((size, wanted.shape[1]), np.float32)
    duals = np.zeros(wanted.shape, np.float32)
    order = np.random.default_rng(_SEED)
    for _ in range(_ROUNDS):
        for place in order.permutation(len(inputs)):
            (columns, values), want, dual = inputs[place], wanted[place], duals[place]
            cost = np.where(want > 0, lift, np.float32(1.0)) * np.float32(importance[place] * _COST)
            softness = np.float32(0.5) / cost
            slope = want * (values @ weights[columns]) - 1.0 + softness * dual
            moved = np.maximum(dual - slope / (values @ values + softness), 0.0)
            moved[want == 0] = 0.0
            step = (moved - dual) * want
            if np.abs(step).max() > _SETTLED:
                duals[place] = moved
                weights[columns] += values[:, None] * step
    return weights


def _lift(samples: Sequence[Prepared]) -> Floats:
    """Return how much more a text counts for the targets that it belongs to.

    A missed report weighs more than a false one, by the root of how rare they are.
    """
    wanted = np.array([sample.wanted for sample in samples])
    lift = np.ones(len(TARGETS), np.float32)
    there, rest = (wanted[:, REPORT_AT] > 0).sum(), (wanted[:, REPORT_AT] < 0).sum()
    lift[REPORT_AT] = np.sqrt(rest / there) if there and rest else 1.0
    return lift


def _loudest(weights: Floats) -> NDArray[np.int64]:
    """Return the places of the rows that say most, in order."""
    if len(weights) <= _MOST_ROWS:
        return np.arange(len(weights))
    loudness = np.square(weights).sum(axis=1)
    return np.sort(np.argpartition(-loudness, _MOST_ROWS)[:_MOST_ROWS])
