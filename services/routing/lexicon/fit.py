"""Learns corrections to the hand-written weights from labelled petitions: `python -m ...lexicon.fit FILE`.

Off the way of a fact: run by hand when the lexicon or the labelled texts change. It writes figures only,
into `data/figures.tsv` and the second table of `data/settings.toml`; no text leaves the files it reads.
A corrected weight is the hand-written one plus a figure that is pulled towards nought, so a phrase that no
labelled text holds keeps the weight that a person gave it. Needs nothing that the service does not need.
"""

import argparse
import json
import math
import random
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.routing.lexicon.compiled import Lexicon, compiled
from services.routing.lexicon.entries import (
    BIAS,
    BODY_TARGETS,
    DATA,
    DOMAIN_TARGETS,
    KIND_TARGETS,
    NO_BODY,
    TARGETS,
    read,
)

_TITLE: Final = re.compile(r"(.{1,59}?[。?？!！])(.*)", re.DOTALL)
_TITLE_GUESS: Final = 24
_FOLDS: Final = 5
_ROUNDS: Final = 20
_SMALLEST: Final = 0.04
_FURTHER: Final = 0.8
# How strongly figures are pulled towards nought, per family of targets.
_PULL: Final = {BODY_TARGETS: 0.2, DOMAIN_TARGETS: 0.4, KIND_TARGETS: 0.4}
# Asked for on the labelled texts; on those that nobody read while writing the lexicon it is some 0.02 less.
_RIGHT_ENOUGH: Final = 0.965

Row = list[float]


@dataclass(frozen=True)
class Sample:
    """One labelled petition, reduced to strengths of phrases; `labels` are places in TARGETS."""

    strengths: tuple[tuple[int, float], ...]
    labels: tuple[int, ...]
    importance: float


@dataclass
class Model:
    """Weights of one family of targets: hand-written plus corrections."""

    family: tuple[str, ...]
    weights: list[Row]
    bias: Row

    def scores(self, strengths: Iterable[tuple[int, float]]) -> Row:
        """Return the score of each target of the family."""
        totals = self.bias[:]
        for term, strength in strengths:
            for target, weight in enumerate(self.weights[term]):
                totals[target] += strength * weight
        return totals


def split(text: str) -> tuple[str, str]:
    """Split a labelled text, which carries its title as the first sentence, into title and content."""
    if found := _TITLE.match(text):
        return found[1], found[2]
    return text[:_TITLE_GUESS], text[_TITLE_GUESS:]


def shares(scores: Sequence[float]) -> Row:
    """Return the scores as probabilities (softmax)."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def samples(lexicon: Lexicon, rows: Iterable[dict[str, object]], importance: float) -> list[Sample]:
    """Reduce labelled rows (`text`, `body`, perhaps `domain` and `kind`) to samples."""
    found = []
    for row in rows:
        labels = [str(row["body"])]
        labels += [f"{name}:{row[name]}" for name in ("domain", "kind") if name in row]
        strengths = tuple(lexicon.weigh(*split(str(row["text"]))).items())
        found.append(Sample(strengths, tuple(map(TARGETS.index, labels)), importance))
    return found


def written(lexicon: Lexicon, family: tuple[str, ...]) -> Model:
    """Return the family's model as people wrote it."""
    first = TARGETS.index(family[0])
    weights = [[0.0] * len(family) for _ in lexicon.terms]
    for term, row in enumerate(lexicon.weights):
        for target, weight in row:
            if first <= target < first + len(family):
                weights[term][target - first] = weight
    return Model(family, weights, [0.0] * len(family))


def fit(start: Model, training: Sequence[Sample]) -> Model:
    """Return `start` corrected by multinomial logistic regression with a pull towards `start` (AdaGrad)."""
    first, size = TARGETS.index(start.family[0]), len(start.family)
    usable = [
        (sample, label - first)
        for sample in training
        for label in sample.labels
        if first <= label < first + size
    ]
    model = Model(start.family, [row[:] for row in start.weights], start.bias[:])
    squares: dict[int, Row] = {}
    last_seen: dict[int, int] = {}
    bias_squares = [1.0] * size
    pull = _PULL[start.family] / max(1, len(usable))
    shuffled = random.Random(20261122)  # noqa: S311 - an order, not a secret
    step = 0
    for _ in range(_ROUNDS):
        shuffled.shuffle(usable)
        for sample, label in usable:
            step += 1
            errors = [sample.importance * share for share in shares(model.scores(sample.strengths))]
            errors[label] -= sample.importance
            for target, error in enumerate(errors):
                bias_squares[target] += error * error
                model.bias[target] -= 0.3 * error / math.sqrt(bias_squares[target])
            for term, strength in sample.strengths:
                row, origin = model.weights[term], start.weights[term]
                grown = squares.setdefault(term, [0.05] * size)
                due = pull * min(step - last_seen.get(term, 0), len(usable))
                last_seen[term] = step
                for target, error in enumerate(errors):
                    slope = strength * error
                    grown[target] += slope * slope
                    slope += due * (row[target] - origin[target])
                    row[target] -= 0.5 * slope / math.sqrt(grown[target])
    return model


def crossed(start: Model, every: Sequence[Sample], further: Sequence[Sample], seed: int = 0) -> list[Row]:
    """Return, for each sample, the scores of a model that was fitted without it."""
    order = list(range(len(every)))
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    scores: list[Row] = [[] for _ in every]
    for fold in range(_FOLDS):
        held_out = set(order[fold::_FOLDS])
        training = [sample for number, sample in enumerate(every) if number not in held_out]
        model = fit(start, [*training, *further])
        for number in held_out:
            scores[number] = model.scores(every[number].strengths)
    return scores


def calibrate(evidence: Sequence[tuple[float, float, bool]]) -> tuple[float, float, float]:
    """Fit confidence = logistic(a + b * odds + c * length) to what turned out right; returns (a, b, c)."""
    weights = [0.0, 1.0, 0.0]
    rate = 2.0 / len(evidence)
    for _ in range(4000):
        slopes = [0.0, 0.0, 0.0]
        for odds, length, right in evidence:
            inputs = (1.0, odds, length)
            guess = 1.0 / (1.0 + math.exp(-sum(w * x for w, x in zip(weights, inputs, strict=True))))
            for place, value in enumerate(inputs):
                slopes[place] += (guess - right) * value
        weights = [w - rate * 0.3 * s for w, s in zip(weights, slopes, strict=True)]
    return weights[0], weights[1], weights[2]


def evidence(scores: Row, strengths: Sequence[tuple[int, float]], label: int) -> tuple[float, float, bool]:
    """Return what the confidence is computed from, and whether the best body was the right one."""
    best = max(range(len(scores)), key=scores.__getitem__)
    share = min(max(shares(scores)[best], 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share)), math.log1p(len(strengths)), best == label


def threshold(judged: Sequence[tuple[float, bool]], wanted: float) -> float:
    """Return the lowest confidence from which on at least `wanted` of the decisions are right."""
    best, right = 1.0, 0
    for number, (confidence, correct) in enumerate(sorted(judged, reverse=True), start=1):
        right += correct
        if right / number >= wanted:
            best = confidence
    return math.ceil(best * 1000) / 1000


def main(arguments: Sequence[str]) -> None:
    """Fit, measure by cross-validation, and write the figures and the second table of the settings."""
    parser = argparse.ArgumentParser(prog="python -m services.routing.lexicon.fit", description=__doc__)
    parser.add_argument("labelled", type=Path, help="JSONL with text, body, domain, kind")
    parser.add_argument("--further", type=Path, help="TSV of id and body for texts in --texts")
    parser.add_argument("--texts", type=Path, help="JSONL with id and text")
    parser.add_argument("--right", type=float, default=_RIGHT_ENOUGH, help="wanted share of right decisions")
    asked = parser.parse_args(arguments)
    plain_lexicon = compiled(read(DATA), version="fitting", learned=False)
    every = samples(plain_lexicon, _json_lines(asked.labelled), 1.0)
    further = samples(plain_lexicon, _further(asked.further, asked.texts), _FURTHER) if asked.further else []
    sys.stdout.write(json.dumps(_fit_and_write(plain_lexicon, every, further, asked.right)) + "\n")


def _fit_and_write(
    lexicon: Lexicon, every: Sequence[Sample], further: Sequence[Sample], wanted: float
) -> dict[str, object]:
    report: dict[str, object] = {"n": len(every), "further": len(further)}
    figures: dict[str, dict[str, float]] = {}
    for family in _PULL:
        start = written(lexicon, family)
        crossed_scores = crossed(start, every, further)
        first = TARGETS.index(family[0])
        truth = [next(x - first for x in s.labels if first <= x < first + len(family)) for s in every]
        proofs = [
            evidence(scores, sample.strengths, label)
            for scores, sample, label in zip(crossed_scores, every, truth, strict=True)
        ]
        name = "body" if family is BODY_TARGETS else family[0].split(":")[0]
        report[f"{name}_accuracy"] = sum(right for *_, right in proofs) / len(proofs)
        if family is BODY_TARGETS:
            # "No body" always goes to a person, however clear it is.
            proposed = [scores.index(max(scores)) != family.index(NO_BODY) for scores in crossed_scores]
            report |= _decide(proofs, proposed, wanted)
        _collect(figures, lexicon, start, fit(start, [*every, *further]))
    _write_figures(figures)
    return report


def _decide(
    proofs: Sequence[tuple[float, float, bool]], proposed: Sequence[bool], wanted: float
) -> dict[str, object]:
    constant, odds_factor, length_factor = calibrate(proofs)
    judged = [
        (1 / (1 + math.exp(-(constant + odds_factor * odds + length_factor * length))), right)
        for odds, length, right in proofs
    ]
    offered = [decision for decision, names_body in zip(judged, proposed, strict=True) if names_body]
    limit = threshold(offered, wanted)
    sure = [right for confidence, right in offered if confidence >= limit]
    path = DATA / "settings.toml"
    head = path.read_text("utf-8").split("[deciding]")[0]
    numbers = ", ".join(f"{number:.4f}" for number in (constant, odds_factor, length_factor))
    path.write_text(f"{head}[deciding]\nthreshold = {limit}\ncalibration = [{numbers}]\n", "utf-8")
    return {
        "threshold": limit,
        "coverage": len(sure) / len(judged),
        "precision_at_coverage": sum(sure) / max(1, len(sure)),
        "calibration_error": _calibration_error(judged),
    }


def _calibration_error(judged: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    boxes: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, right in judged:
        boxes[min(bins - 1, int(confidence * bins))].append((confidence, right))
    gaps = (abs(sum(c for c, _ in box) - sum(right for _, right in box)) for box in boxes)
    return sum(gaps) / len(judged)


def _collect(figures: dict[str, dict[str, float]], lexicon: Lexicon, start: Model, fitted: Model) -> None:
    biases = {name: round(value, 2) for name, value in zip(start.family, fitted.bias, strict=True)}
    figures.setdefault(BIAS, {}).update(biases)
    for term, (origin, row) in enumerate(zip(start.weights, fitted.weights, strict=True)):
        changes = {
            name: round(after - before, 2)
            for name, before, after in zip(start.family, origin, row, strict=True)
            if abs(after - before) >= _SMALLEST
        }
        if changes:
            figures.setdefault(lexicon.terms[term], {}).update(changes)


def _write_figures(figures: dict[str, dict[str, float]]) -> None:
    lines = [
        "# Written by `python -m services.routing.lexicon.fit`: what is added to the hand-written weights."
    ]
    for key in sorted(figures):
        items = " ".join(f"{name}={value:g}" for name, value in sorted(figures[key].items()))
        lines.append(f"{key}\t{items}")
    (DATA / "figures.tsv").write_text("\n".join(lines) + "\n", "utf-8")


def _json_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _further(labels: Path, texts: Path) -> list[dict[str, object]]:
    rows = (line.split("\t") for line in labels.read_text("utf-8").splitlines() if not line.startswith("#"))
    bodies = {row[0]: row[1] for row in rows}
    return [
        {"text": row["text"], "body": bodies.pop(str(row["id"]))}
        for row in _json_lines(texts)
        if row["id"] in bodies
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
