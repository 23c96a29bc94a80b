"""Runs notify, and sends itself a signal when it reaches a step: `stopping.py SIGNAL STEP NTH`."""

from __future__ import annotations

import os
import signal
import sys

from runtime import logs
from runtime.process import serve
from services.notify.app import build
from services.notify.settings import Settings


def run(name: str, step: str, nth: int) -> int:
    """Serve; the nth time that the step is reached ends the process, or holds it until it is continued."""
    reached = 0

    async def on_step(now: str) -> None:
        nonlocal reached
        reached += now == step
        if now == step and reached == nth:
            os.kill(os.getpid(), signal.Signals[name])

    logs.configure("notify")
    return serve(Settings(), build, on_step=on_step)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
