"""A process that cannot do all of its work says so and ends."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.process import Process
from tests.eventually import eventually
from tests.runtime import toy
from tests.runtime.test_listen import settings


async def nothing() -> None:
    """Connect to nothing."""


@pytest.fixture
async def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    """A process that connects to nothing."""
    made = Process(settings(), toy.service())
    for part, name in (
        (made.store, "prepare"),
        (made.publisher, "start"),
        (made.publisher, "stop"),
        (made.listener, "start"),
        (made.listener, "stop"),
    ):
        monkeypatch.setattr(part, name, nothing)
    return made


async def test_a_sweeper_that_ends_by_a_bug_ends_the_process(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    async def bug(*_: Any) -> Any:
        raise KeyError

    monkeypatch.setattr(process.store, "forgotten", bug)
    process.on_fail(lambda: ended.append(True))
    await process.start()
    await eventually(lambda: ended)
    assert not process.health.alive()
    assert "sweeper" in process.health.failed
    await process.stop()


async def test_a_process_that_is_stopped_has_not_failed(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(process.store, "forgotten", none)
    monkeypatch.setattr(process.store, "due", none)
    await process.start()
    await process.stop()
    assert process.health.alive()
