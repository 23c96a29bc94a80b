"""Lets the contracts create the topics that are missing on a broker."""

from __future__ import annotations

import subprocess
import sys

from local.paths import ROOT
from local.trouble import LocalError


def create(bootstrap: str, *, prefix: str = "", wait: float = 10.0, replication: int = 1) -> int:
    """Create what is missing and compare the rest; the number of topics that were created."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "contracts", "topics", "--bootstrap", bootstrap),
            *("--prefix", prefix, "--wait", str(wait), "--replication", str(replication)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110 + wait,
    )
    lines = (result.stdout + result.stderr).splitlines()
    if result.returncode:
        wrong = [line for line in lines if not line.startswith(("created", "present"))] or lines[-5:]
        raise LocalError(
            "The topics are not as the contracts say:\n" + "\n".join(f"    {line}" for line in wrong),
            "do what the lines say, or throw this machine's state away with `make clean-local`.",
        )
    return sum(line.startswith("created") for line in lines)
