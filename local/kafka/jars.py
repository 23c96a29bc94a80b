"""Fetches the jars of Apache Kafka with Maven, and checks each against the committed list of SHA-256 sums."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local import java
from local.paths import DOWNLOADS
from local.progress import Say, silent
from local.supervisor import leashed
from local.trouble import LocalError

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
SUMS = HERE / "jars.sha256"
_STATED = re.search(r"kafka_2\.13</artifactId>\s*<version>([^<]+)<", POM.read_text(encoding="utf-8"))
VERSION = _STATED[1] if _STATED else ""


class MavenError(LocalError):
    """Maven is missing, or could not fetch the jars."""


def fetch(say: Say = silent, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with exactly the listed jars; fetches them first if they are not there or not right.

    Raises `MavenError` where Maven is missing or has failed, `LocalError` where what came is not as listed.
    """
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    target = DOWNLOADS / "kafka" / VERSION
    with (DOWNLOADS / "kafka.lock").open("w") as lock:  # two test runs at once fetch once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir() and not differences(target):
            return target
        maven = shutil.which("mvn", path=environ.get("PATH", ""))
        if maven is None:
            raise MavenError(
                f"Apache Kafka {VERSION} is not here yet and Maven, which fetches it, is not installed.",
                "`apt-get install maven`, then start again.",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            jars = Path(scratch) / "jars"
            download(Path(maven), jars, say, environ)
            wrong = differences(jars)
            if wrong:
                raise LocalError(
                    f"The jars that Maven fetched for Apache Kafka {VERSION} are not the listed ones: "
                    f"{', '.join(wrong[:5])}.",
                    "nothing was started. Remove Maven's copies (usually in ~/.m2) and try again; if "
                    f"{POM.name} was changed on purpose, make the list anew with `python -m local jars` "
                    "and look at the difference.",
                )
            shutil.rmtree(target, ignore_errors=True)
            jars.rename(target)
    return target


def download(maven: Path, jars: Path, say: Say, environ: Mapping[str, str]) -> None:
    """Let Maven copy everything that the pom asks for into `jars`, counting the files aloud."""
    env = {**environ, "JAVA_HOME": str(java.find(environ).home)}
    with tempfile.TemporaryDirectory() as scratch:
        shutil.copy(POM, scratch)
        command = [str(maven), "-B", "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        # A machine without a way out must hear so soon, not after minutes of waiting.
        command += ["-Dmaven.wagon.http.connectionTimeout=10000", "-Daether.connector.connectTimeout=10000"]
        command += ["-DincludeScope=runtime", "-f", str(Path(scratch) / POM.name)]
        lines: list[str] = []
        files = 0
        with subprocess.Popen(
            leashed(command),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    if line.startswith(("Downloaded", "[INFO] Downloaded")) and ".jar" in line:
                        files += 1
                        say(f"broker: fetching Apache Kafka {VERSION} with Maven, file {files}")
                    elif "Download" not in line and "Progress" not in line:
                        lines.append(line.rstrip())
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            errors = [line for line in lines if line.startswith("[ERROR]")] or lines
            full = any("No space left" in line for line in lines)
            raise MavenError(
                f"Maven could not fetch Apache Kafka {VERSION}:\n"
                + "\n".join(f"    {e}" for e in errors[:6]),
                "make room on the disk and start again." if full else "mend that and start again.",
            )


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every jar in a folder, by file name."""
    return {
        jar.name: hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in sorted(folder.iterdir())
        if jar.is_file()
    }


def listed() -> dict[str, str]:
    """The committed list: file name to SHA-256."""
    lines = SUMS.read_text(encoding="ascii").splitlines() if SUMS.exists() else []
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def differences(folder: Path) -> list[str]:
    """Files that are missing, are too many, or have other bytes than listed."""
    found, expected = sums(folder), listed()
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def write_list() -> int:
    """Fetch anew and write the list of sums; the number of jars. For whoever raises the version."""
    maven = shutil.which("mvn")
    if maven is None:
        raise MavenError("Maven is not installed.", "`apt-get install maven`, then start again.")
    with tempfile.TemporaryDirectory() as scratch:
        jars = Path(scratch) / "jars"
        download(Path(maven), jars, silent, os.environ)
        found = sums(jars)
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()), encoding="ascii")
    return len(found)
