"""A message centre of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.peers.centre import Centre, running
from tests.notify.peers.node import MissingError
from tests.notify.smpp.line import Kept


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    """One that behaves well until it is asked for something else; skips where there is no Node."""
    try:
        with running(tmp_path) as made:
            yield made
    except MissingError as missing:
        pytest.skip(f"no message centre: {missing}")


@pytest.fixture
def sink() -> Kept:
    return Kept()
