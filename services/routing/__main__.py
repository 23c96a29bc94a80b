"""Starts routing: `python -m services.routing`; with a word behind it, one of its tools."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contracts.bodies import CatalogueError, read
from runtime.process import main
from services.routing.app import build
from services.routing.http.triage import exported
from services.routing.learning import commands
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


def catalogue() -> int:
    """`catalogue check FILE`: tell whether an edited catalogue is whole, or line and reason why not."""
    if sys.argv[2:3] != ["check"] or len(sys.argv[3:]) != 1:
        sys.stderr.write(f"usage: {USAGE}\n")
        return 2
    try:
        found = read(Path(sys.argv[3]))
    except CatalogueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{found.version} of {found.since}: {len(found.entries)} bodies, every area covered\n")
    return 0


USAGE: Final = "python -m services.routing catalogue check FILE"
TOOLS: Final[dict[str, Callable[[], int]]] = {
    "export-decisions": export_decisions,
    "catalogue": catalogue,
}

if __name__ == "__main__":
    # These need neither broker nor database, so they are answered before the environment is read.
    if sys.argv[1:2] and sys.argv[1] in commands.NAMES:
        sys.exit(commands.main(sys.argv[1:]))
    tool = TOOLS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(tool() if tool else main("routing", Settings, build))
