"""The rules of ruff that guard the design turn red when their faults are planted."""

import json

import pytest

from tests.architecture.programs import run

# Rule, the file that the fault would stand in, the fault.
FAULTS = [
    ("BLE001", "services/intake/http.py", "try:\n    f()\nexcept Exception:\n    g()\n"),
    ("S110", "services/intake/http.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    ("E722", "services/intake/http.py", "try:\n    f()\nexcept:\n    g()\n"),
    ("TRY400", "services/intake/http.py", "try:\n    f()\nexcept OSError:\n    log.error('it_failed')\n"),
    ("DTZ001", "services/mediation/deadlines.py", "from datetime import datetime\n\ndatetime(2026, 11, 2)\n"),
    ("DTZ007", "services/intake/http.py", "from datetime import datetime\n\ndatetime.strptime(a, '%Y')\n"),
    ("TID251", "services/mediation/domain.py", "from datetime import UTC, datetime\n\ndatetime.now(UTC)\n"),
    ("TID251", "services/mediation/domain.py", "import datetime as d\n\nd.datetime.utcnow()\n"),
    ("TID251", "tests/routing/test_domain.py", "import time\n\ntime.sleep(1)\n"),
    ("TID251", "tests/routing/test_domain.py", "from asyncio import sleep\n\nsleep(1)\n"),
    ("T201", "services/intake/http.py", "print('petition')\n"),
    ("G004", "runtime/sweep.py", "import logging\n\nlogging.getLogger('a').info(f'{petition}')\n"),
    ("D103", "services/intake/domain.py", "def decide_registration():\n    return 1\n"),
    ("D100", "services/intake/domain.py", "x = 1\n"),
    ("ANN401", "services/intake/domain.py", "from typing import Any\n\n\ndef f(a: Any) -> None: ...\n"),
    ("ERA001", "services/intake/domain.py", "# x = f(1)\n"),
    ("FIX002", "services/intake/domain.py", "# TODO: later\n"),
    ("B904", "services/intake/http.py", "try:\n    f()\nexcept OSError:\n    raise ValueError('x')\n"),
    ("SLF001", "services/intake/store.py", "store._dockets.find({})\n"),
    ("PGH004", "services/intake/http.py", "import os  # noqa\n"),
    ("PGH003", "services/intake/http.py", "x = f()  # type: ignore\n"),
]


@pytest.mark.parametrize(("rule", "path", "fault"), FAULTS)
def test_the_linter_turns_red_when_a_fault_is_planted(rule: str, path: str, fault: str) -> None:
    report = run(
        "ruff", "check", "--no-cache", "--output-format", "json", "--stdin-filename", path, "-", text=fault
    )
    assert rule in {finding["code"] for finding in json.loads(report.stdout)}


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("TID251", "tests/eventually.py", "import asyncio\n\nasyncio.sleep(1)\n"),
        ("TID251", "local/tokens.py", "from datetime import UTC, datetime\n\ndatetime.now(UTC)\n"),
        ("T201", "local/progress.py", "print('ready')\n"),
    ],
)
def test_the_linter_stays_green_when_a_file_has_leave(rule: str, path: str, text: str) -> None:
    report = run(
        "ruff", "check", "--no-cache", "--output-format", "json", "--stdin-filename", path, "-", text=text
    )
    assert rule not in {finding["code"] for finding in json.loads(report.stdout)}


def test_the_formatter_turns_red_when_a_line_is_out_of_shape() -> None:
    report = run(
        "ruff", "format", "--no-cache", "--check", "--stdin-filename", "runtime/a.py", "-", text="x  =  1\n"
    )
    assert 1 == report.returncode
