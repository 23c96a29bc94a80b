"""A line of its own for each test, with short leases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.line import Line


@pytest.fixture
async def line(
    broker: str, mongo: str, broker_guarantees: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Line:
    """Topics, a database and an outbox that no other test has."""
    monkeypatch.setenv("NOTIFY_LEASE", "PT1S")
    made = Line(broker, mongo, str(tmp_path / "outbox.jsonl"), idempotent=broker_guarantees == "kafka")
    await made.provide()
    return made
