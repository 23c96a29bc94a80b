"""Processor time of processes by name, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

TICK = 1000 / os.sysconf("SC_CLK_TCK")
USER, SYSTEM, RESIDENT = 11, 12, 21


def used(pids: Mapping[str, int]) -> dict[str, float]:
    """Milliseconds of processor time so far, all threads, user and system."""
    found = {}
    for name, pid in pids.items():
        fields = _fields(pid)
        found[name] = (int(fields[USER]) + int(fields[SYSTEM])) * TICK
    return found


def busy() -> float:
    """Milliseconds that all processors of the machine together have worked so far, for whomever."""
    fields = [
        int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    ]
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are counted among users.
    return (sum(fields[:3]) + sum(fields[5:7])) * TICK


def resident(pids: Mapping[str, int]) -> dict[str, int]:
    """Megabytes of memory held now."""
    page = os.sysconf("SC_PAGE_SIZE")
    return {name: int(_fields(pid)[RESIDENT]) * page // 2**20 for name, pid in pids.items()}


def most_resident(pids: Mapping[str, int]) -> dict[str, int]:
    """Megabytes of memory held at most, ever since each was started."""
    found = {}
    for name, pid in pids.items():
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        found[name] = next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    return found


def _fields(pid: int) -> list[str]:
    # The program's name stands in round brackets and may hold spaces.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
