"""Looks whether there is room before anything is written, and recognises a disk that has run full."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from local.trouble import LocalError

MEGABYTE = 1024 * 1024
NEEDED = 512 * MEGABYTE
NOTHING_LEFT = 8 * MEGABYTE
WORDS = ("No space left on device", "ENOSPC", "Disk quota exceeded")


def require_space(folder: Path, needed: int = NEEDED) -> None:
    """Raise if the disk under `folder` has less than `needed` bytes left."""
    left = _free(folder)
    if left < needed:
        raise LocalError(
            f"The disk with {folder} has {left // MEGABYTE} MB left and {needed // MEGABYTE} MB are needed.",
            "make room there, or keep the state elsewhere: `make up LOCAL_STATE=/another/folder`.",
        )


def is_full(folder: Path, lines: str = "") -> bool:
    """Whether the disk under `folder` is full, or a program's last lines say so."""
    return any(word in lines for word in WORDS) or _free(folder) < NOTHING_LEFT


def is_full_error(error: OSError) -> bool:
    """Whether a write failed because there is no room."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
