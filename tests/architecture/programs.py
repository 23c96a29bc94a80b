"""Runs the gates that are programs of their own, on planted faults."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.architecture.source import ROOT

BIN: Final = Path(sys.executable).parent


def run(program: str, *arguments: str, cwd: Path = ROOT, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of the test environment; `text` is what it reads."""
    return subprocess.run(
        [BIN / program, *arguments], cwd=cwd, input=text, capture_output=True, text=True, check=False
    )
