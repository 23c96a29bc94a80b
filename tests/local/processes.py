"""Looks at the processes of this machine, for tests that must see that none is left behind."""

from __future__ import annotations

import contextlib
from pathlib import Path

ZOMBIE = "Z"


def _fields(process: Path) -> list[str]:
    """State, parent, … as in /proc/<pid>/stat after the name, which may hold anything."""
    with contextlib.suppress(OSError):
        return (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return [ZOMBIE, "0"]


def children(pid: int) -> set[int]:
    """The living children of a process, theirs included."""
    parents = {
        int(process.name): int(fields[1])
        for process in Path("/proc").glob("[0-9]*")
        if (fields := _fields(process))[0] != ZOMBIE
    }
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that still run."""
    return {pid for pid in pids if _fields(Path("/proc") / str(pid))[0] != ZOMBIE}


def command(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
