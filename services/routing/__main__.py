"""Starts routing: `python -m services.routing`; with a word behind it, one of its tools."""

import asyncio
import sys
from collections.abc import Callable
from typing import Final

from runtime.process import main
from services.routing.app import build
from services.routing.http.triage import exported
from services.routing.settings import Settings


async def _export() -> int:
    _, process = build(Settings())
    try:
        async for line in exported(process.store):
            sys.stdout.buffer.write(line)
    finally:
        process.store.close()
    return 0


def export_decisions() -> int:
    """Write what persons decided at the triage desk, one JSON object a line; it holds petitioners' texts."""
    return asyncio.run(_export())


TOOLS: Final[dict[str, Callable[[], int]]] = {"export-decisions": export_decisions}

if __name__ == "__main__":
    tool = TOOLS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(tool() if tool else main("routing", Settings, build))
