"""Learns the model's figures, and how far to trust them: from texts that a fit did not learn from."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.domains import Domain
from contracts.kinds import Kind
from services.routing.learning.fitting import Prepared, fit, prepared
from services.routing.learning.samples import Sample, SampleError
from services.routing.learning.stacking import FEWEST, learned
from services.routing.lexicon import SEVERAL, Lexicon
from services.routing.lexicon.entries import BODY_TARGETS, DOMAIN_TARGETS, KIND_TARGETS, NO_BODY
from services.routing.model.figures import Figures, Floats, Sureness
from services.routing.model.stacked import stacked, unstacked
from services.routing.model.weighed import (
    BODIES,
    DOMAINS,
    KINDS,
    REPORT_AT,
    Weighed,
    model,
    signs,
)

_FOLDS: Final = 5
_SEED: Final = 20261122
# What goes to a body without a person must be right as often as this.
RIGHT_ENOUGH: Final = 0.97
# Of the reports against officials, this share at most may score below the limit from which a person looks:
# phrases of accusation, the kind and the confidence keep back most of these too.
_MISSED_REPORTS: Final = 0.1
# Fewer decisions than this prove nothing about a threshold.
_PROVING: Final = 30
# Two texts of whose rarest sixteen runs of characters so many are the same are one text with small changes.
_SKETCH: Final = 16
_ALIKE: Final = 6
_NEVER: Final = 1.01
_NO_LIMIT: Final = 1e6
_REPORT: Final = KIND_TARGETS.index(f"kind:{Kind.REPORT}")
_NONE_AT: Final = BODY_TARGETS.index(NO_BODY)

Inputs = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """A labelled sample as a model weighed it that had not learned from it."""

    sample: Sample
    weighed: Weighed
    accuses: bool
    joint: bool


@dataclass(frozen=True)
class Answer:
    """What a trial comes to: whether its body is right, how sure that is, and whether nobody need look."""

    right: bool
    confidence: float
    sure: bool


@dataclass(frozen=True)
class Trained:
    """Figures with their sureness, and what the cross-validation measured."""

    figures: Figures
    report: dict[str, object]


def train(
    reference: Sequence[Sample],
    lexicon: Lexicon,
    *,
    more: Sequence[Sample] = (),
    written: Sequence[Sample] = (),
    right: float = RIGHT_ENOUGH,
) -> Trained:
    """Fit on everything; calibrate and measure by five-fold cross-validation on reference and further texts.

    The written ones are only learned from: how well the model knows texts made for it says nothing.
    """
    judged = [*reference, *more]
    ready, always = prepared(judged, lexicon), prepared(written, lexicon)
    trials, stack = _stacked(_crossed(judged, ready, always, lexicon))
    answers = answered(trials, right)
    report = measured(trials[: len(reference)], answers[: len(reference)])
    if more:
        report["reference_and_further"] = measured(trials, answers)
    figures = fit([*ready, *always], lexicon)
    card: dict[str, object] = {
        "reference": len(reference),
        "further": len(more),
        "written": len(written),
        "rows": len(figures.numbers),
        "cross_validated": report,
    }
    figures = replace(figures, stack=stack, sureness=sureness(trials, right), card=card)
    return Trained(figures, report)


def _crossed(
    judged: Sequence[Sample], ready: Sequence[Prepared], always: Sequence[Prepared], lexicon: Lexicon
) -> list[Trial]:
    """Return each judged sample, weighed by a model fitted without it and without its near-duplicates."""
    order = np.random.default_rng(_SEED).permutation(len(judged))
    sketches = [_sketch(one) for one in chain(ready, always)]
    trials: dict[int, Trial] = {}
    if len(judged) < _FOLDS:
        raise SampleError(f"holds {len(judged)} labelled petitions; at least {_FOLDS} are needed")
    for fold in range(_FOLDS):
        held_out = sorted(int(place) for place in order[fold::_FOLDS])
        without = {*held_out, *_alike(sketches, held_out)}
        training = [one for place, one in enumerate(chain(ready, always)) if place not in without]
        if not training:
            raise SampleError("holds too few different petitions to learn from")
        fitted = model(fit(training, lexicon), lexicon)
        for place in held_out:
            strengths, words = ready[place].strengths, judged[place].words
            trials[place] = Trial(
                judged[place],
                fitted.weigh(words, strengths),
                accuses=lexicon.accuses(strengths),
                joint=lexicon.departments_named(words) >= SEVERAL,
            )
    return [trials[place] for place in range(len(judged))]


def _stacked(trials: Sequence[Trial]) -> tuple[list[Trial], Floats]:
    """Return the trials weighed by opinions that were stacked without them, and the stack of all."""
    if len(trials) < FEWEST:
        return list(trials), unstacked()
    opinions = np.array([trial.weighed.opinions for trial in trials])
    bodies = np.array([BODY_TARGETS.index(trial.sample.body) for trial in trials])
    folds = _folds(len(trials))
    told = np.zeros((len(trials), len(BODY_TARGETS)), np.float32)
    for fold in range(_FOLDS):
        told[folds == fold] = stacked(
            opinions[folds == fold], learned(opinions[folds != fold], bodies[folds != fold])
        )
    return [_restacked(*each) for each in zip(trials, told, strict=True)], learned(opinions, bodies)


def _folds(count: int) -> NDArray[np.intp]:
    """Return the fold of each trial, the same for all that is learned from trials."""
    folds: NDArray[np.intp] = np.random.default_rng(_SEED + 1).permutation(count) % _FOLDS
    return folds


def _restacked(trial: Trial, bodies: Floats) -> Trial:
    scores = trial.weighed.scores.copy()
    scores[BODIES] = bodies
    return replace(trial, weighed=replace(trial.weighed, scores=scores))


def _sketch(one: Prepared) -> frozenset[int]:
    """Return the smallest numbers of a text's runs: alike texts share many of them (bottom-k sketch)."""
    return frozenset(one.content[0][:_SKETCH].tolist())


def _alike(sketches: Sequence[frozenset[int]], others: Iterable[int]) -> Iterator[int]:
    """Yield the places of texts that are nearly the same as one of the others."""
    holding: dict[int, list[int]] = defaultdict(list)
    for other in others:
        for number in sketches[other]:
            holding[number].append(other)
    for place, sketch in enumerate(sketches):
        shared = Counter(other for number in sketch for other in holding.get(number, ()))
        if shared and max(shared.values()) >= _ALIKE:
            yield place


def sureness(trials: Sequence[Trial], right: float) -> Sureness:
    """Return how scores become a confidence, and the lowest threshold that is right often enough."""
    inputs, truths = _evidence(trials)
    calibration = _logistic(inputs, truths)
    limit = _report_limit(trials)
    confidence = _confidences(inputs, calibration)
    return Sureness(
        calibration=tuple(round(float(weight), 4) for weight in calibration),
        threshold=_threshold(confidence, truths, _offered(trials, limit), right),
        report_limit=limit,
    )


def answered(trials: Sequence[Trial], right: float) -> list[Answer]:
    """Return confidence and sureness of each; calibration, threshold and limit are of the other folds."""
    inputs, truths = _evidence(trials)
    confidence = np.zeros(len(trials))
    sure = np.zeros(len(trials), np.bool_)
    folds = _folds(len(trials))
    for fold in range(_FOLDS):
        here, there = folds == fold, folds != fold
        offered = _offered(trials, _report_limit([trials[place] for place in np.flatnonzero(there).tolist()]))
        calibration = _logistic(inputs[there], truths[there])
        confidence[here] = _confidences(inputs[here], calibration)
        enough = _threshold(_confidences(inputs[there], calibration), truths[there], offered[there], right)
        sure[here] = offered[here] & (confidence[here] >= enough)
    each = zip(truths.tolist(), confidence.tolist(), sure.tolist(), strict=True)
    return [Answer(*one) for one in each]


def measured(trials: Sequence[Trial], answers: Sequence[Answer]) -> dict[str, object]:
    """Return what trials and their answers show."""
    truths = np.array([answer.right for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    sure = np.array([answer.sure for answer in answers])
    scores = np.array([trial.weighed.scores for trial in trials])
    bodies = [BODY_TARGETS.index(trial.sample.body) for trial in trials]
    second_best = np.argsort(-scores[:, BODIES], axis=1)[:, :2]
    reports = np.array([trial.sample.kind == Kind.REPORT for trial in trials])
    accusations = np.array([_accuses_officials(trial.sample) for trial in trials])
    return {
        "n": len(trials),
        "body_accuracy": _share(truths),
        "body_top2": _share(np.array([body in row for body, row in zip(bodies, second_best, strict=True)])),
        "domain_accuracy": _share(
            _right(scores[:, DOMAINS], [f"domain:{t.sample.domain}" for t in trials], DOMAIN_TARGETS)
        ),
        "kind_accuracy": _share(
            _right(scores[:, KINDS], [f"kind:{t.sample.kind}" for t in trials], KIND_TARGETS)
        ),
        "coverage": _share(sure),
        "precision_at_coverage": _share(truths[sure]),
        "calibration_error": calibration_error(confidence, truths),
        "joint_f1": _joint_f1(trials),
        "reports": int(reports.sum()),
        "reports_sent_on": int(np.sum(sure & reports)),
        "against_officials": int(accusations.sum()),
        "against_officials_sent_on": int(np.sum(sure & accusations)),
    }


def _joint_f1(trials: Sequence[Trial]) -> float:
    """Return the harmonic mean of precision and recall of `joint`."""
    judged = [trial for trial in trials if trial.sample.joint is not None]
    hits = sum(trial.joint and bool(trial.sample.joint) for trial in judged)
    named = sum(trial.joint + bool(trial.sample.joint) for trial in judged)
    return round(2 * hits / named, 4) if named else 0.0


def calibration_error(confidence: Inputs, truths: Truths, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float(np.sum(confidence[places == b]) - np.sum(truths[places == b]))) for b in range(bins)]
    return round(sum(gaps) / max(1, len(truths)), 4)


def _share(truths: NDArray[np.bool_]) -> float:
    return round(float(np.mean(truths)), 4) if len(truths) else 0.0


def _right(scores: NDArray[np.float32], labels: Sequence[str], targets: Sequence[str]) -> Truths:
    """Return which are right, of those that have a label."""
    return np.array(
        [
            targets[int(row.argmax())] == label
            for row, label in zip(scores, labels, strict=True)
            if label in targets
        ],
        np.bool_,
    )


def _evidence(trials: Sequence[Trial]) -> tuple[Inputs, Truths]:
    inputs = np.array([signs(trial.weighed) for trial in trials])
    best = [BODY_TARGETS[int(trial.weighed.scores[BODIES].argmax())] for trial in trials]
    return inputs, np.array([trial.sample.body == body for trial, body in zip(trials, best, strict=True)])


def _offered(trials: Sequence[Trial], report_limit: float) -> Truths:
    """Return which may go to a body at all: "no body" and what may be a report always go to a person."""
    return np.array(
        [
            int(trial.weighed.scores[BODIES].argmax()) != _NONE_AT
            and float(trial.weighed.scores[REPORT_AT]) < report_limit
            and int(trial.weighed.scores[KINDS].argmax()) != _REPORT
            and not trial.accuses
            for trial in trials
        ]
    )


def _logistic(inputs: Inputs, truths: Truths) -> Inputs:
    """Fit a logistic function by Newton's method, pulled a little towards nought."""
    weights = np.zeros(inputs.shape[1])
    pull = np.eye(inputs.shape[1])
    for _ in range(30):
        guess = _confidences(inputs, weights)
        slope = inputs.T @ (guess - truths) + pull @ weights
        bend = (inputs * (guess * (1 - guess))[:, None]).T @ inputs + pull
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def _confidences(inputs: Inputs, weights: Inputs) -> Inputs:
    confidence: Inputs = 1.0 / (1.0 + np.exp(-np.clip(inputs @ weights, -30, 30)))
    return confidence


def _threshold(confidence: Inputs, truths: Truths, offered: Truths, right: float) -> float:
    """Return the lowest confidence from which on the decisions are right often enough; above 1 if none is."""
    order = np.argsort(-confidence[offered], kind="stable")
    sorted_confidence, sorted_truths = confidence[offered][order], truths[offered][order]
    shares = np.cumsum(sorted_truths) / np.arange(1, len(order) + 1)
    good = np.flatnonzero((shares >= right) & (np.arange(1, len(order) + 1) >= _PROVING))
    return round(float(sorted_confidence[good[-1]]), 4) if len(good) else _NEVER


def _report_limit(trials: Sequence[Trial]) -> float:
    """Return the score from which on a person looks, rounded so that the report that sets it is held back.

    All reports set it where few are against officials; where none is known, none can be held back.
    """
    reports = [trial for trial in trials if trial.sample.kind == Kind.REPORT]
    against = [trial for trial in reports if _accuses_officials(trial.sample)]
    known = against if len(against) >= _PROVING else reports
    scores = sorted(float(trial.weighed.scores[REPORT_AT]) for trial in known)
    return math.floor(scores[int(len(scores) * _MISSED_REPORTS)] * 1e4) / 1e4 if scores else _NO_LIMIT


def _accuses_officials(sample: Sample) -> bool:
    """Whether a report is one that no body may get; that of a company's wrongdoing has a body."""
    return sample.kind == Kind.REPORT and (sample.body == NO_BODY or sample.domain == Domain.DISCIPLINE)
