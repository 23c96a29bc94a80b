"""Progress on stderr: a line for each thing that happens, with the seconds since the start."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


def tell(sentence: str) -> None:
    """Say what happens now."""
    sys.stderr.write(f"faults: {time.monotonic() - _BEGAN:7.1f} s  {sentence}\n")
    sys.stderr.flush()
