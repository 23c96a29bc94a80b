"""Fetches what the message centre in Node needs: once, by its lock, into a folder that git does not keep."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from local.paths import DOWNLOADS

FOLDER: Final = Path(__file__).with_name("smsc")
INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class MissingError(Exception):
    """Node or its packages cannot be had here; the sentence says what to do."""


def modules(folder: Path = DOWNLOADS / "npm") -> Path:
    """The folder with the packages of the lock (for NODE_PATH); raises MissingError."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise MissingError(f"{program} is not on the PATH: install Debian's nodejs and npm")
    lock = (FOLDER / "package-lock.json").read_bytes()
    place = folder / hashlib.sha256(lock).hexdigest()[:12]
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (place / "whole").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FOLDER / name, place)
            try:
                done = subprocess.run(
                    INSTALL, cwd=place, capture_output=True, text=True, timeout=100, check=False
                )
            except subprocess.TimeoutExpired:
                raise MissingError("npm did not fetch the packages within 100 s") from None
            if done.returncode:
                raise MissingError(f"npm could not fetch the packages: {done.stderr[-300:]}")
            (place / "whole").touch()
    return place / "node_modules"
