"""What a bench stands on: one Apache Kafka and one mongod for the whole run, the four services for each part.

The mongod is a replica set of one: that is what runs in service, and the reference's transactions need it.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local import kafka, mongod, ports, services, topics
from local.secrets import Secrets
from local.supervisor import Child, Supervisor
from local.wire import answers
from tests.bench import figures

SECRETS = Secrets(staff_key="k" * 40, code_secret="c" * 40)
OURS = services.PROGRAM
TEXTBOOK = (OURS[0], "-m", "tests.bench.textbook", "{name}")
LEAVE_WITHIN = 20.0


@dataclass(frozen=True)
class Stage:
    """The broker and the database, and a folder for logs and outboxes.

    `mark` stands before the names of topics and databases where others use broker and database too.
    """

    folder: Path
    bootstrap: str
    mongo: str
    pids: Mapping[str, int]
    mark: str = ""

    def surroundings(self, name: str) -> services.Surroundings:
        """Topics, databases, ports and an outbox that no other part of the run has; topics are created."""
        prefix = f"{self.mark}{name}-"
        topics.create(self.bootstrap, prefix=prefix, wait=60)
        return services.Surroundings(
            bootstrap=self.bootstrap,
            mongo=self.mongo,
            secrets=SECRETS,
            ports={service: ports.free() for service in services.NAMES},
            outbox=self.folder / f"{name}.jsonl",
            topic_prefix=prefix,
            database_prefix=prefix,
        )

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client of the database, for looking at what the services have stored."""
        return MongoClient(self.mongo)


@dataclass(frozen=True)
class Line:
    """The four services, ready."""

    stage: Stage
    around: services.Surroundings
    extra: Mapping[str, str]
    supervisor: Supervisor
    children: dict[str, Child]

    @property
    def pids(self) -> dict[str, int]:
        """The services' processes."""
        return {service: child.process.pid for service, child in self.children.items()}

    def everybody(self) -> dict[str, int]:
        """The processes by name, broker and database included."""
        return {**self.stage.pids, **self.pids}


@contextlib.contextmanager
def standing() -> Iterator[Stage]:
    """Start broker and database in a folder of this run; both end with it."""
    with (
        tempfile.TemporaryDirectory(prefix="petition-bench-") as directory,
        Supervisor(Path(directory) / "logs") as supervisor,
    ):
        folder = Path(directory)
        address, broker = kafka.start(supervisor, folder / "kafka", port=ports.free())
        url, base = database_of_one(supervisor, folder / "mongod", ports.free())
        supervisor.wait_until(lambda: answers(address), what="answer", child=broker)
        figures.tell(f"Kafka at {address}, mongod at {url}")
        yield Stage(folder, address, url, {"kafka": broker.process.pid, "mongod": base.process.pid})


def database(supervisor: Supervisor, folder: Path, port: int, *options: str) -> Child:
    """Start a mongod on a folder; it listens when this returns. Every bench has the same cache."""
    folder.mkdir(parents=True, exist_ok=True)
    child = supervisor.start(
        "mongod",
        [
            *(mongod.find(), "--dbpath", folder, "--bind_ip", ports.HOST, "--port", str(port)),
            *("--nounixsocket", "--wiredTigerCacheSizeGB", "1", *options),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ],
    )
    supervisor.wait_until(lambda: ports.is_taken(port), what="listen", child=child)
    return child


def database_of_one(supervisor: Supervisor, folder: Path, port: int) -> tuple[str, Child]:
    """Start a replica set of one on a folder, empty or filled; its URL, and the process."""
    child = database(supervisor, folder, port, "--replSet", "bench", "--oplogSize", "2048")
    address = f"{ports.HOST}:{port}"
    alone: MongoClient[dict[str, Any]] = MongoClient(f"mongodb://{address}/?directConnection=true")
    alone.admin.command("replSetInitiate", {"_id": "bench", "members": [{"_id": 0, "host": address}]})

    def is_primary() -> bool:
        try:
            return bool(alone.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False

    supervisor.wait_until(is_primary, what="become primary", child=child)
    alone.close()
    return f"mongodb://{address}/?replicaSet=bench", child


@contextlib.contextmanager
def running(
    stage: Stage, name: str, *, program: Sequence[str] = OURS, extra: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """All four services on topics and databases of their own, ready; stopped at the end."""
    with _line(stage, stage.surroundings(name), name, program, extra or {}) as line:
        yield line


@contextlib.contextmanager
def second(line: Line, where: Mapping[str, int] | None = None) -> Iterator[Line]:
    """A second instance of each service beside the first, ready; at the end they leave in order."""
    around = replace(line.around, ports=where or {service: ports.free() for service in services.NAMES})
    with _line(line.stage, around, f"{around.topic_prefix}second", OURS, line.extra) as other:
        yield other
        other.supervisor.check()
        for child in other.children.values():
            child.signal(signal.SIGTERM)
        for child in other.children.values():
            child.stop(LEAVE_WITHIN)
            other.supervisor.forget(child)


@contextlib.contextmanager
def _line(
    stage: Stage,
    around: services.Surroundings,
    name: str,
    program: Sequence[str],
    extra: Mapping[str, str],
) -> Iterator[Line]:
    with Supervisor(stage.folder / "logs" / name) as supervisor:
        line = Line(stage, around, extra, supervisor, {})
        for service in services.NAMES:
            start(line, service, program)
        services.wait_ready(supervisor, around)
        told = ", ".join(f"{service} {pid}" for service, pid in line.pids.items())
        figures.tell(f"{name}: four services ready ({told})")
        yield line
        supervisor.check()


def start(line: Line, service: str, program: Sequence[str] = OURS) -> None:
    """Start one service of a line without waiting for it."""
    environ = environment(service, line.around, line.extra)
    line.children[service] = services.spawn(line.supervisor, service, environ, program=program)


def kill(line: Line, service: str) -> None:
    """End one service of a line as a crash would."""
    child = line.children.pop(service)
    line.supervisor.forget(child)
    child.kill()


def environment(service: str, around: services.Surroundings, extra: Mapping[str, str]) -> dict[str, str]:
    """The variables of one service; its consumer group is of this part of the run alone."""
    group = {f"{service.upper()}_GROUP": f"{around.topic_prefix}{service}"}
    return {**services.environment(service, around), **group, **extra}
