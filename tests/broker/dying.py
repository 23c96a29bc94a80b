"""Runs one service that kills itself (SIGKILL) after a step of the batch: `dying.py SERVICE STEP NTH`."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

from runtime import logs
from runtime.process import serve


def run(service: str, step: str, nth: int) -> int:
    """Serve until the step was reached for the nth time since the service was ready to work."""
    reached = 0

    async def on_step(name: str) -> None:
        nonlocal reached
        reached += name == step
        if reached >= nth:
            os.kill(os.getpid(), signal.SIGKILL)

    logs.configure(service)
    settings = import_module(f"services.{service}.settings").Settings()
    return serve(settings, import_module(f"services.{service}.app").build, on_step=on_step)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
