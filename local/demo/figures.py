"""Rates, each said with what it divides by what; checked with the figures of the report we start from."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# The report: "共收集问题13670个，解决问题13208个，解决率达96.62%"
REPORTED_SOLVED, REPORTED_COLLECTED, REPORTED_RATE = 13_208, 13_670, Decimal("96.62")
_HUNDREDTH = Decimal("0.01")


def percent(part: int, whole: int) -> Decimal | None:
    """Return `part` of `whole` in per cent with two decimals, half up; None of nothing."""
    if whole == 0:
        return None
    return (Decimal(100 * part) / whole).quantize(_HUNDREDTH, ROUND_HALF_UP)


def said(part: int, whole: int) -> str:
    """Say a rate with its two numbers: "7 of 10 (70.00 %)"."""
    rate = percent(part, whole)
    return f"{part} of {whole}" if rate is None else f"{part} of {whole} ({rate} %)"


def check() -> list[str]:
    """Return what is wrong with the formula, measured by the report's own numbers."""
    rate = percent(REPORTED_SOLVED, REPORTED_COLLECTED)
    if rate == REPORTED_RATE:
        return []
    return [f"{REPORTED_SOLVED} of {REPORTED_COLLECTED} comes out as {rate} %, not as {REPORTED_RATE} %."]
