"""Replays what a service of the running local system has parked, with that service's own environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from local import secrets
from local.paths import ROOT
from local.services import Surroundings, environment
from local.trouble import LocalError


def redrive(state: Path, service: str, petition: str | None) -> int:
    """Run `python -m services.<service> redrive` against the system whose note stands in `state`."""
    try:
        note = json.loads((state / "running.json").read_text("utf-8"))
    except FileNotFoundError:
        raise LocalError("The system is not running.", "`make up` first, and redrive beside it.") from None
    if not note["database"]:
        raise LocalError(
            "The database was given from outside, and its address is not noted.",
            f"set the {service.upper()}_ variables and run `python -m services.{service} redrive`.",
        )
    around = Surroundings(
        bootstrap=note["broker"],
        mongo=note["database"],
        secrets=secrets.load(state),
        ports={name: urlsplit(url).port or 0 for name, url in note["services"].items()},
        outbox=Path(note["outbox"]),
        idempotent=note["idempotent"],
    )
    words = [sys.executable, "-m", f"services.{service}", "redrive"]
    if petition is not None:
        words += ["--petition", petition]
    return subprocess.run(words, cwd=ROOT, env=environment(service, around), check=False).returncode
