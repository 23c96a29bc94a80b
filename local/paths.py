"""Where the local system keeps things: downloads that can be fetched again, and state that cannot."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOWNLOADS = ROOT / ".local"


def state_directory() -> Path:
    """The folder with data, logs, secrets and the outbox; LOCAL_STATE moves it."""
    return Path(os.environ.get("LOCAL_STATE") or ROOT / ".local").resolve()
