"""The real broker and the real database that tests share: each started once per session, on a free port."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from local import broker as brokers
from local import mongod
from local.trouble import LocalError


@pytest.fixture(scope="session")
def broker_choice() -> brokers.Choice:
    """What BROKER means on this machine; skips where none can be had, unless one was asked for by name."""
    wanted = os.environ.get("BROKER") or "auto"
    try:
        return brokers.choose(wanted)
    except LocalError as trouble:
        if wanted == "auto":
            pytest.skip(f"no broker: {trouble.what}")
        raise


@pytest.fixture(scope="session")
def broker_guarantees(broker_choice: brokers.Choice) -> Literal["kafka", "tansu"]:
    """Which promises the broker keeps: a test of what only Kafka promises skips on "tansu"."""
    return "tansu" if broker_choice.kind == "tansu" else "kafka"


@pytest.fixture(scope="session")
def broker(broker_choice: brokers.Choice) -> Iterator[str]:
    """The "host:port" of a real broker. Topics are the test's own: use a prefix of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="petition-broker-") as directory,
        brokers.running(Path(directory), broker_choice) as address,
    ):
        yield address


@pytest.fixture(scope="session")
def mongo() -> Iterator[str]:
    """The URL of a real mongod, without a database name: a test uses a database of its own."""
    given = os.environ.get("MONGO") or "auto"
    if given != "auto":
        yield given.rstrip("/")
        return
    try:
        mongod.find()
    except LocalError as trouble:
        if os.environ.get("BROKER"):  # whoever names the broker wants the real parts, and nothing skipped
            raise
        pytest.skip(f"no database: {trouble.what}")
    with (
        tempfile.TemporaryDirectory(prefix="petition-mongod-") as directory,
        mongod.running(Path(directory)) as url,
    ):
        yield url
