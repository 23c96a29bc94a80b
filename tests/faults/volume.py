"""A small file system for the database's data, to be filled up and emptied again; needs root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIZE = "700m"


@dataclass(frozen=True)
class Volume:
    """A mounted file system; `reason` says why there is none, and `path` is a plain folder then."""

    path: Path
    reason: str = ""

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self) -> int:
        """Take all the room that is left; the number of bytes."""
        with self._ballast.open("wb") as file:
            taken, step = 0, shutil.disk_usage(self.path).free
            while step >= os.sysconf("SC_PAGE_SIZE"):
                try:
                    os.posix_fallocate(file.fileno(), taken, step)
                except OSError:
                    step //= 2  # somebody else took some of it meanwhile
                else:
                    taken += step
                    step = shutil.disk_usage(self.path).free
        return taken

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Volume]:
    """A file system at `path`, gone at the end with all that it held."""
    path.mkdir(parents=True)
    if os.geteuid():
        yield Volume(path, "not root")
        return
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "petition-faults", str(path)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        yield Volume(path, f"mount said: {result.stderr.strip()}")
        return
    try:
        yield Volume(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False, capture_output=True)
