"""How often somebody has tried is counted per window, and a window is not prolonged by trying."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from runtime.store import Store
from tests.runtime.scripted import Clock

pytestmark = pytest.mark.real

WINDOW = timedelta(minutes=10)
# The database throws away what is past by its own clock, so the test's clock runs in the future.
FUTURE = timedelta(days=40_000)


@pytest.fixture
def clock() -> Clock:
    """A clock far in the future."""
    clock = Clock()
    clock.forward(FUTURE)
    return clock


async def test_a_key_that_nobody_has_tried_has_no_count(toy_store: Store, clock: Clock) -> None:
    assert [0, 0] == await toy_store.used(["a", "b"], clock.now())


async def test_tries_are_counted_per_key_and_told_in_the_order_of_the_question(
    toy_store: Store, clock: Clock
) -> None:
    for keys in (["a", "b"], ["a"], ["a"]):
        await toy_store.count(keys, WINDOW, clock.now())
    assert [1, 0, 3] == await toy_store.used(["b", "c", "a"], clock.now())


async def test_a_window_ends_by_its_first_try_however_often_is_tried_later(
    toy_store: Store, clock: Clock
) -> None:
    await toy_store.count(["a"], WINDOW, clock.now())
    clock.forward(WINDOW - timedelta(milliseconds=1))
    await toy_store.count(["a"], WINDOW, clock.now())
    assert [2] == await toy_store.used(["a"], clock.now())
    clock.forward(timedelta(milliseconds=1))
    assert [0] == await toy_store.used(["a"], clock.now())


async def test_the_next_window_begins_anew(toy_store: Store, clock: Clock) -> None:
    for _ in range(3):
        await toy_store.count(["a"], WINDOW, clock.now())
    clock.forward(WINDOW)
    await toy_store.count(["a"], WINDOW, clock.now())
    assert [1] == await toy_store.used(["a"], clock.now())
    clock.forward(WINDOW - timedelta(milliseconds=1))
    assert [1] == await toy_store.used(["a"], clock.now())


async def test_tries_at_the_same_moment_are_all_counted(toy_store: Store, clock: Clock) -> None:
    now = clock.now()
    await asyncio.gather(*(toy_store.count(["a", "b"], WINDOW, now) for _ in range(20)))
    assert [20, 20] == await toy_store.used(["a", "b"], now)
