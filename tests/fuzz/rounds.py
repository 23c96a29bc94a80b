"""One property, tried with ever new values for a bounded time; a seed repeats the run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy

EACH_ROUND = 200
# What the strategies make takes its time, and that is no fault of the code they are made for.
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@dataclass(frozen=True)
class Target:
    """What is tried: `check` raises AssertionError, or anything else, for a value that is handled wrongly."""

    name: str
    values: SearchStrategy[Any]
    check: Callable[[Any], None]


@dataclass(frozen=True)
class Tried:
    """How a target stood: `failure` holds the smallest failing value that was found, and why."""

    name: str
    cases: int
    seconds: float
    failure: str = ""


def tried(target: Target, first_seed: int, budget: float) -> Tried:
    """Try a target for `budget` seconds: round after round, each with the next seed."""
    began = time.monotonic()
    cases = rounds = 0
    while rounds == 0 or time.monotonic() - began < budget:
        failure, count = one_round(target, first_seed + rounds, EACH_ROUND)
        rounds, cases = rounds + 1, cases + count
        if failure:
            return Tried(target.name, cases, time.monotonic() - began, failure)
    return Tried(target.name, cases, time.monotonic() - began)


def one_round(target: Target, its_seed: int, examples: int) -> tuple[str, int]:
    """Try so many values; why the smallest failing one fails (or nothing), and how many were tried."""
    count = 0
    last: Any = None

    @seed(its_seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=CHECKS,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    @given(target.values)
    def test(value: Any) -> None:
        nonlocal count, last
        count, last = count + 1, value
        target.check(value)

    with warnings.catch_warnings(), ThreadPoolExecutor(1) as pool:
        warnings.simplefilter("ignore", HypothesisWarning)
        # Whatever a target raises is what is looked for, so it is taken as a result, as of any task.
        error = pool.submit(test).exception()
    if error is None:
        return "", count
    return f"seed {its_seed}: {shown(last)}: {type(error).__name__}: {str(error)[:500]}", count


def shown(value: Any) -> str:
    """A value in a line that can be pasted into a test, cut where it is endless."""
    text = repr(value)
    return text if len(text) <= 2000 else f"{text[:2000]}… ({len(text)} characters)"
