"""Measures a classifier on labelled petitions: one JSON object whose names other programs rely on."""

from collections.abc import Sequence
from time import perf_counter
from typing import Final

import numpy as np

from services.routing.classifier import Classification, Classifier, classify_all
from services.routing.learning.samples import Sample
from services.routing.learning.training import calibration_error
from services.routing.lexicon import words
from services.routing.lexicon.entries import BODY_TARGETS, NO_BODY

_BATCH: Final = 100


def measure(samples: Sequence[Sample], by: Classifier) -> dict[str, object]:
    """Return accuracy, coverage, calibration and speed; shares are of 1, times in milliseconds.

    `coverage` is the share that would go to a body without a person, `precision_at_coverage` the share of
    these that is right. Time is from title and content to the answer, a hundred texts at once.
    """
    begun = perf_counter()
    found: list[Classification] = []
    for start in range(0, len(samples), _BATCH):
        read = [words(sample.title, sample.content) for sample in samples[start : start + _BATCH]]
        found += classify_all(read, by=by)
    taken = perf_counter() - begun
    pairs = list(zip(samples, found, strict=True))
    right = [sample.body == _code(one) for sample, one in pairs]
    sure = [hit for hit, one in zip(right, found, strict=True) if one.sure]
    confidence = np.array([one.confidence for one in found])
    return {
        "n": len(samples),
        "body_accuracy": _share(right),
        "body_top2": _share([s.body in {_code(one), one.runner_up or NO_BODY} for s, one in pairs]),
        "domain_accuracy": _share([s.domain == one.domain for s, one in pairs if s.domain is not None]),
        "kind_accuracy": _share([s.kind == one.kind for s, one in pairs if s.kind is not None]),
        "joint_f1": _f1([(s.joint, one.joint) for s, one in pairs if s.joint is not None]),
        "coverage": round(len(sure) / len(samples), 4),
        "precision_at_coverage": _share(sure),
        "calibration_error": calibration_error(confidence, np.array(right)),
        "per_body": {body: _body(body, pairs) for body in BODY_TARGETS},
        "ms_per_text": round(1000 * taken / len(samples), 4),
    }


def _code(one: Classification) -> str:
    return one.body or NO_BODY


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else 0.0


def _f1(pairs: Sequence[tuple[bool, bool]]) -> float:
    hits = sum(wanted and found for wanted, found in pairs)
    named = sum(wanted + found for wanted, found in pairs)
    return round(2 * hits / named, 4) if named else 0.0


def _body(body: str, pairs: Sequence[tuple[Sample, Classification]]) -> dict[str, float]:
    wanted = [_code(one) == body for sample, one in pairs if sample.body == body]
    named = [sample.body == body for sample, one in pairs if _code(one) == body]
    return {"n": len(wanted), "recall": _share(wanted), "precision": _share(named)}
