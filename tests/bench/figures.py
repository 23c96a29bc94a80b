"""One measured figure as it is printed: one JSON object a line, with what it is compared to."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any


def show(bench: str, value: float, unit: str, *, reference: float | None = None, **more: Any) -> None:
    """Print a figure; `ratio` is the value over its reference."""
    ratio = round(value / reference, 3) if reference else None
    line = {
        "bench": bench,
        "value": round(value, 2),
        "unit": unit,
        "reference": None if reference is None else round(reference, 2),
        "ratio": ratio,
        **more,
    }
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def tell(sentence: str) -> None:
    """Say on stderr how far the run has come."""
    sys.stderr.write(f"bench: {sentence}\n")
    sys.stderr.flush()


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The three percentiles, in whole tenths of the values' unit; empty if there are no values."""
    if not values:
        return {}
    ordered = sorted(values)
    return {
        f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)
        for share in (50, 95, 99)
    }
