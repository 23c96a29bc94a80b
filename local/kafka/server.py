"""Formats the storage and runs `kafka.Kafka`: one process as broker and controller, or a cluster of them."""

from __future__ import annotations

import base64
import contextlib
import functools
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import java, ports
from local.kafka.jars import HERE, fetch
from local.supervisor import Child, Supervisor
from local.trouble import LocalError
from local.wire import answers

LOGGING = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
# Measured on two cores with a million messages of 1 KB: the light compiler and the plain collector take 7 s
# of processor time where the defaults take 11.5 s (nothing is compiled twice, no thread waits for its turn);
# the broker starts in 2.0 s instead of 2.5 s. On a large machine the defaults would win.
JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
HEAP = "512m"
ADVICE = "Start again: what was acknowledged is on the disk and is recovered."


@dataclass(frozen=True)
class Node:
    """One Kafka process: its number, its two ports and its folder.

    `told_port` is the one that clients are sent to: another than `port` where a proxy stands before it.
    """

    number: int
    port: int
    controller_port: int
    directory: Path
    told_port: int | None = None

    @property
    def address(self) -> str:
        """Where it listens for clients."""
        return f"{ports.HOST}:{self.port}"

    @property
    def told(self) -> str:
        """Where clients are told to reach it."""
        return f"{ports.HOST}:{self.told_port or self.port}"

    @property
    def controller(self) -> str:
        """Where the other nodes reach its controller."""
        return f"{ports.HOST}:{self.controller_port}"


def settings(node: Node, nodes: Sequence[Node]) -> str:
    """The server.properties of a node: few threads, small internal topics, nothing created by accident."""
    copies = min(3, len(nodes))
    values = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.bootstrap.servers": ",".join(other.controller for other in nodes),
        "listeners": f"CLIENTS://{node.address},CONTROLLER://{node.controller}",
        "advertised.listeners": f"CLIENTS://{node.told},CONTROLLER://{node.controller}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENTS",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": node.directory / "data",
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": max(1, copies - 1),
        # A group of one machine is complete when its first member asks.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # Two cores: more threads would only take turns.
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.replica.fetchers": 1,
        "num.recovery.threads.per.data.dir": 2,
        "background.threads": 2,
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        # Two index files a partition are laid out in full length when a segment is opened.
        "log.index.size.max.bytes": 2 * 1024 * 1024,
        "controlled.shutdown.max.retries": 1,
        # A broker that was killed is let in again only when its old session is over: 9 s by default.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def prepare(jars: Path, node: Node, nodes: Sequence[Node], *, cluster_id: str, voters: str | None) -> None:
    """Write the settings and, the first time, format the storage. `voters` is None for a node on its own."""
    node.directory.mkdir(parents=True, exist_ok=True)
    properties = node.directory / "server.properties"
    properties.write_text(settings(node, nodes), encoding="utf-8")
    if (node.directory / "data" / "meta.properties").exists():
        return
    quorum = ["--standalone"] if voters is None else ["--initial-controllers", voters]
    runtime = java.find()
    result = subprocess.run(
        [
            *(str(runtime.program), "-Xmx256m", "-XX:TieredStopAtLevel=1", LOGGING, "-cp", f"{jars}/*"),
            *("kafka.tools.StorageTool", "format", *quorum, "-t", cluster_id, "-c", str(properties)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if result.returncode:
        lines = (result.stdout + result.stderr).strip().splitlines()
        full = any("No space left" in line for line in lines)
        raise LocalError(
            f"The storage of Apache Kafka in {node.directory} could not be formatted:\n"
            + "\n".join(f"    {line}" for line in lines[-5:]),
            "make room on the disk and start again." if full else "`make clean-local` and start again.",
        )


def launch(supervisor: Supervisor, jars: Path, node: Node, name: str, *, heap: str = HEAP) -> Child:
    """Start one prepared node without waiting for it."""
    runtime = java.find()
    # Kafka unmaps files through sun.misc.Unsafe; newer Javas warn until they are told that it is meant.
    meant = ("--sun-misc-unsafe-memory-access=allow",) if runtime.version >= 23 else ()  # noqa: PLR2004 - the first Java that knows the option
    program = (runtime.program, f"-Xmx{heap}", *JVM, *meant, LOGGING, "-cp", f"{jars}/*", "kafka.Kafka")
    return supervisor.start(name, [*program, node.directory / "server.properties"], advice=ADVICE)


def start(
    supervisor: Supervisor,
    directory: Path,
    *,
    port: int,
    controller_port: int | None = None,
    jars: Path | None = None,
) -> tuple[str, Child]:
    """Start a broker on its own with its data in `directory`; its address, and the child to wait for.

    Returns before the broker answers, so that other things can start meanwhile: `supervisor.wait_until(...)`
    with `local.wire.answers` tells when it does.
    """
    node = Node(1, port, controller_port or ports.free(), directory)
    folder = jars or fetch()
    prepare(folder, node, [node], cluster_id=new_id(), voters=None)
    return node.address, launch(supervisor, folder, node, "kafka")


@contextlib.contextmanager
def running(directory: Path, port: int | None = None) -> Iterator[str]:
    """A broker of one's own, its data in `directory/data`: its "host:port". Stopped at the end, data kept."""
    with Supervisor(directory / "logs") as supervisor:
        address, child = start(supervisor, directory, port=port or ports.free())
        supervisor.wait_until(lambda: answers(address), what="answer", child=child)
        yield address


def formed(jars: Path, directory: Path, size: int) -> list[Node]:
    """The nodes of a new cluster, each broker and controller, prepared and ready to be launched."""
    nodes = [Node(n, ports.free(), ports.free(), directory / f"node-{n}") for n in range(1, size + 1)]
    voters = ",".join(f"{node.number}@{node.controller}:{new_id()}" for node in nodes)
    cluster_id = new_id()
    for node in nodes:
        prepare(jars, node, nodes, cluster_id=cluster_id, voters=voters)
    return nodes


@contextlib.contextmanager
def cluster(directory: Path, size: int = 3) -> Iterator[tuple[str, dict[int, Child]]]:
    """Several nodes, each broker and controller: "host:port,host:port,…", and the processes by number."""
    jars = fetch()
    nodes = formed(jars, directory, size)
    with Supervisor(directory / "logs") as supervisor:
        children = {node.number: launch(supervisor, jars, node, f"kafka-{node.number}") for node in nodes}
        for node in nodes:
            ready = functools.partial(answers, node.address)
            supervisor.wait_until(ready, what="answer", child=children[node.number])
        yield ",".join(node.address for node in nodes), children


def new_id() -> str:
    """A random id in the form that Kafka gives to clusters and folders."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not text.startswith("-"):  # the command line would take it for an option
            return text
