"""`python -m local redrive`: says what to do when there is nothing to redrive beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.redrive import redrive
from local.trouble import LocalError


def test_it_says_what_to_do_when_the_system_is_not_running(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="make up"):
        redrive(tmp_path, "routing", None)


def test_it_says_what_to_do_when_the_database_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text('{"database": ""}', encoding="utf-8")
    with pytest.raises(LocalError, match="ROUTING_"):
        redrive(tmp_path, "routing", None)
