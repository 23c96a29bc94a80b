"""mypy's strict settings turn red when faults are planted; and pytest's own, which keep the tests honest."""

from pathlib import Path

import pytest

from tests.architecture.programs import run
from tests.architecture.source import ROOT

UNTYPED = """
import json


def decide_route(docket):
    return docket


def decide_bodies(docket: dict) -> list[str]:
    return json.loads("[]")


def first(bodies: list[str]) -> str:
    return bodies.get(0)


def second(body: str | None) -> str:
    return body
"""


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of mypy on a file full of faults, under the project's settings."""
    planted = tmp_path_factory.mktemp("types") / "planted.py"
    planted.write_text(UNTYPED, "utf-8")
    config = ROOT / "pyproject.toml"
    return run("mypy", "--no-incremental", "--config-file", str(config), str(planted)).stdout


@pytest.mark.parametrize(
    "code", ["no-untyped-def", "type-arg", "no-any-return", "attr-defined", "return-value"]
)
def test_the_type_check_turns_red_when_a_fault_is_planted(types: str, code: str) -> None:
    assert f"[{code}]" in types


def test_the_test_runner_turns_red_when_a_test_warns_or_has_an_unknown_mark(tmp_path: Path) -> None:
    (tmp_path / "test_warns.py").write_text(
        "import warnings\n\n\ndef test_that_warns():\n    warnings.warn('old', DeprecationWarning)\n", "utf-8"
    )
    (tmp_path / "test_marked.py").write_text(
        "import pytest\n\n\n@pytest.mark.flaky\ndef test_that_is_rerun():\n    pass\n", "utf-8"
    )
    report = run(
        *("pytest", "-q", "--continue-on-collection-errors", "-p", "no:cacheprovider"),
        *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path)),
    ).stdout
    assert "DeprecationWarning: old" in report
    assert "'flaky' not found in `markers`" in report
    assert "1 failed, 1 error" in report
