"""The short form of `make fuzz` for what needs no server: the same values in every run."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from tests.fuzz import messages, words
from tests.fuzz.rounds import Target, one_round

SEED = 20260101
EXAMPLES = 60
TARGETS = {target.name: target for target in (*messages.TARGETS, *words.TARGETS)}


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_has_one_meaning_or_is_refused(name: str) -> None:
    failure, count = one_round(TARGETS[name], SEED, EXAMPLES)
    assert not failure
    assert count >= EXAMPLES


def test_a_fault_is_found_and_told_with_its_value_and_seed() -> None:
    def believes_too_much(value: int) -> None:
        assert value < 1000

    failure, _ = one_round(Target("planted", st.integers(), believes_too_much), SEED, 200)
    assert failure.startswith(f"seed {SEED}: 1000: AssertionError")


def test_the_same_seed_tries_the_same_values() -> None:
    seen: list[list[bytes]] = [[], []]
    for values in seen:
        one_round(Target("planted", messages.messages(), values.append), SEED, 20)
    assert seen[0] == seen[1]
