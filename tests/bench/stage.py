"""What a bench stands on: one Apache Kafka and one mongod for the whole run, the four services for each part.

The mongod is a replica set of one: that is what runs in service, and the reference's transactions need it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Stage:
    """The broker and the database, and a folder for logs and outboxes."""

    folder: Path
    bootstrap: str
    mongo: str
    pids: Mapping[str, int]

    def surroundings(self, name: str) -> services.Surroundings:
        """Topics, databases, ports and an outbox that no other part of the run has; topics are created."""
        topics.create(self.bootstrap, prefix=f"{name}-", wait=60)
        return services.Surroundings(
            bootstrap=self.bootstrap,
            mongo=self.mongo,
            secrets=SECRETS,
            ports={service: ports.free() for service in services.NAMES},
            outbox=self.folder / f"{name}.jsonl",
            topic_prefix=f"{name}-",
            database_prefix=f"{name}-",
        )

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client of the database, for looking at what the services have stored."""
        return MongoClient(self.mongo)


@dataclass(frozen=True)
class Line:
    """The four services, ready."""

    stage: Stage
    around: services.Surroundings
    pids: Mapping[str, int]

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
        url, database = _database(supervisor, folder / "mongod", ports.free())
        supervisor.wait_until(lambda: answers(address), what="answer", child=broker)
        figures.tell(f"Kafka at {address}, mongod at {url}")
        yield Stage(folder, address, url, {"kafka": broker.process.pid, "mongod": database.process.pid})


def _database(supervisor: Supervisor, folder: Path, port: int) -> tuple[str, Child]:
    folder.mkdir(parents=True)
    child = supervisor.start(
        "mongod",
        [
            *(mongod.find(), "--dbpath", folder, "--bind_ip", ports.HOST, "--port", str(port)),
            *("--nounixsocket", "--wiredTigerCacheSizeGB", "1", "--replSet", "bench", "--oplogSize", "2048"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ],
    )
    address = f"{ports.HOST}:{port}"
    supervisor.wait_until(lambda: ports.is_taken(port), what="listen", child=child)
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
    around = stage.surroundings(name)
    with Supervisor(stage.folder / "logs" / name) as supervisor:
        children = {
            service: services.spawn(
                supervisor, service, environment(service, around, extra or {}), program=program
            )
            for service in services.NAMES
        }
        services.wait_ready(supervisor, around)
        pids = {service: child.process.pid for service, child in children.items()}
        figures.tell(f"{name}: four services ready ({', '.join(f'{s} {p}' for s, p in pids.items())})")
        yield Line(stage, around, pids)
        supervisor.check()


def environment(service: str, around: services.Surroundings, extra: Mapping[str, str]) -> dict[str, str]:
    """The variables of one service; its consumer group is of this part of the run alone."""
    group = {f"{service.upper()}_GROUP": f"{around.topic_prefix}{service}"}
    return {**services.environment(service, around), **group, **extra}
