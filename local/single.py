"""Sees to it that one state folder is used by one running system at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from local.trouble import LocalError


@contextlib.contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the folder's lock; raises `LocalError` naming the holder's process where it is held.

    The kernel lets go of the lock when its holder ends, however it ends, so no stale lock can be left behind.
    """
    state.mkdir(parents=True, exist_ok=True)
    # The broker's and the database's files hold personal data: nobody else on the machine reads them.
    state.chmod(0o700)
    with (state / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            process = file.read().strip() or "?"
            raise LocalError(
                f"The system is running already in {state}, as process {process}.",
                f"use that one, or stop it first with Ctrl-C where it runs or with `kill {process}`.",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
