"""The session's broker and database as the stage of the short form; no processes of theirs are measured."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.bench.stage import Stage


@pytest.fixture
def stage(broker: str, mongo: str, broker_guarantees: str, tmp_path: Path) -> Stage:
    """Lines on it have topics and databases that no other test has."""
    if broker_guarantees != "kafka":
        pytest.skip("the benches measure Apache Kafka")
    return Stage(tmp_path, broker, mongo, {}, mark=f"b{secrets.token_hex(4)}-")
