"""The catalogue at work: an edit is in the next fact without a restart; a broken one is not taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts import bodies
from contracts.bodies import SHIPPED
from contracts.routing import PetitionRouted
from services.routing.app import build
from services.routing.settings import Settings
from tests.routing.dockets import FRESH, NOW

TEXT = SHIPPED.read_text("utf-8")


def edit(file: Path, text: str, seconds: int) -> None:
    file.write_text(text, "utf-8")
    os.utime(file, (1_800_000_000 + seconds,) * 2)


def settings() -> Settings:
    return Settings(
        broker="127.0.0.1:1",
        database="mongodb://127.0.0.1:1/routing",
        host="127.0.0.1",
        port=1,
        staff_key="k" * 32,
    )


def test_the_next_fact_names_the_edited_catalogue_and_a_broken_edit_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(file := tmp_path / "bodies.toml", TEXT, 0)
    shelf = bodies.Shelf(file)
    monkeypatch.setattr(bodies, "SHELF", shelf)
    _, process = build(settings())
    route = next(hear for kind, hear in process.service.hears.items() if kind.__name__ == "DossierSaved")

    def version() -> str:
        (fact,) = route(FRESH, None, NOW)  # type: ignore[arg-type] # it looks at the docket alone
        assert isinstance(fact, PetitionRouted)
        return fact.catalogue_version

    assert "2026-11-01" == version()
    edit(file, TEXT.replace('version = "2026-11-01"', 'version = "2026-12-01"'), 1)
    assert "2026-12-01" == version()
    edit(file, TEXT.replace('code = "labor"', 'code = "labour"'), 2)
    assert "2026-12-01" == version()
    assert "line" in shelf.refused


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (TEXT, 0, "15 bodies, every area covered"),
        (TEXT.replace('code = "labor"', 'code = "labour"'), 1, "bodies.toml, line 9: labour is none of"),
    ],
)
def test_the_tool_tells_whether_a_catalogue_is_whole(
    tmp_path: Path, text: str, status: int, told: str
) -> None:
    (file := tmp_path / "bodies.toml").write_text(text, "utf-8")
    command = [sys.executable, "-m", "services.routing", "catalogue", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (status, True) == (done.returncode, told in done.stdout + done.stderr), done.stderr
