"""Finds free ports, and says who holds a taken one; nothing that listens is ever pushed away."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

from local.trouble import LocalError

HOST = "127.0.0.1"
RANGE = (12_000, 32_000)
LISTENING = "0A"
LOCAL_COLUMN, STATE_COLUMN, INODE_COLUMN = 1, 3, 9


def free() -> int:
    """A port of the loopback address that nobody held a moment ago.

    Below the range that the kernel gives to outgoing connections: one of those may otherwise hold the port
    when the server comes to listen, or a client may even connect to itself.
    """
    while True:
        port = random.randrange(*RANGE)  # noqa: S311 - a port, not a secret
        if not is_taken(port):
            return port


def is_taken(port: int) -> bool:
    """Whether a program could not listen on the port now; connections of an ended program do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False


def owner(port: int) -> str | None:
    """Who listens on the port, as "process 123 (java -Xmx512m …)", where /proc tells us."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(handle.readlink().name in inodes for handle in (process / "fd").iterdir()):
                words = (
                    (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                )
                return f"process {process.name} ({words[:80]})"
    return None


def _listening_inodes(port: int) -> set[str]:
    """The names of the listening sockets of a port as they stand in /proc/<pid>/fd."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[STATE_COLUMN] == LISTENING and columns[LOCAL_COLUMN].endswith(f":{port:04X}"):
                    found.add(f"socket:[{columns[INODE_COLUMN]}]")
    return found


def require_free(port: int, *, purpose: str, variable: str) -> None:
    """Raise if the port is taken; the sentence names the holder and the variable that moves our side."""
    if is_taken(port):
        holder = owner(port) or "a process that cannot be seen from here"
        raise LocalError(
            f"Port {port}, needed for {purpose}, is taken by {holder}.",
            f"stop that process, or choose another port, for example `make up {variable}={port + 1000}`.",
        )
