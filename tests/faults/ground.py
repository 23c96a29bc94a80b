"""What the services stand on: one broker and one database behind proxies, or three of each (CLUSTER=1)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local import kafka, mongod, ports
from local.supervisor import Child
from local.wire import answers
from tests.eventually import eventually
from tests.faults import told
from tests.faults.keeper import Keeper
from tests.faults.proxy import Proxy
from tests.faults.volume import Volume, mounted

SET = "faults"
COPIES = 3
HEAP = "320m"
# A start takes seconds; other work may keep the machine busy for minutes.
UP_WITHIN = 180.0


@dataclass(frozen=True)
class Ground:
    """`brokers` and `databases` are names in the keeper; without proxies nothing can be cut.

    `mongo` is what the services get; who judges them looks past the proxies, at `mongo_itself`.
    """

    bootstrap: str
    mongo: str
    mongo_itself: str
    keeper: Keeper
    brokers: Sequence[str]
    databases: dict[str, int]
    broker_proxy: Proxy | None = None
    database_proxy: Proxy | None = None
    volume: Volume | None = None

    @property
    def copies(self) -> int:
        """How many copies of everything there are."""
        return len(self.brokers)

    def proxies(self) -> tuple[Proxy, ...]:
        """Those that there are."""
        return tuple(proxy for proxy in (self.broker_proxy, self.database_proxy) if proxy)

    async def primary(self) -> str:
        """The name of the database that takes writes; "" if there is none now."""
        for name, port in self.databases.items():
            if await asyncio.to_thread(mongod.standing, port) == "primary":
                return name
        return ""

    async def whole(self) -> None:
        """Wait until every copy is there and up to date."""

        async def databases() -> bool:
            standings = [await asyncio.to_thread(mongod.standing, port) for port in self.databases.values()]
            return all(standings) and "primary" in standings

        await eventually(databases, deadline=UP_WITHIN, every=0.1)
        await eventually(self._in_sync, deadline=UP_WITHIN, every=0.2)

    async def _in_sync(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            await admin.start()
            rows = await admin.describe_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        partitions = [partition for row in rows for partition in row["partitions"]]
        return all(p["leader"] >= 0 and len(p["isr"]) == self.copies for p in partitions)


@contextlib.asynccontextmanager
async def single(folder: Path, keeper: Keeper) -> AsyncIterator[Ground]:
    """One of each, the database on a small volume where that can be."""
    broker_port, database_port = ports.free(), ports.free()
    with mounted(folder / "mongod") as volume:
        async with Proxy(broker_port) as to_broker, Proxy(database_port) as to_database:
            node = kafka.Node(1, broker_port, ports.free(), folder / "kafka", told_port=to_broker.port)
            jars = kafka.fetch()
            kafka.prepare(jars, node, [node], cluster_id=kafka.new_id(), voters=None)
            keeper.keep("kafka", functools.partial(kafka.launch, keeper.supervisor, jars, node, "kafka"))
            keeper.keep("mongod", _database(keeper, volume.path, database_port, "mongod"))
            await _up([node], {"mongod": database_port})
            ground = Ground(
                bootstrap=node.told,
                # The proxy stands before the only member: nobody asks the set who is in it.
                mongo=f"mongodb://{ports.HOST}:{to_database.port}/?directConnection=true",
                mongo_itself=f"mongodb://{ports.HOST}:{database_port}/?directConnection=true",
                keeper=keeper,
                brokers=("kafka",),
                databases={"mongod": database_port},
                broker_proxy=to_broker,
                database_proxy=to_database,
                volume=volume,
            )
            await ground.whole()
            told.tell(f"Kafka and mongod are up behind proxies{_without(volume)}")
            yield ground


def _without(volume: Volume) -> str:
    return f"; no volume to fill up ({volume.reason})" if volume.reason else ""


@contextlib.asynccontextmanager
async def cluster(folder: Path, keeper: Keeper) -> AsyncIterator[Ground]:
    """Three of each, that know of each other: what is acknowledged is on two at least."""
    jars = kafka.fetch()
    nodes = await asyncio.to_thread(kafka.formed, jars, folder / "kafka", COPIES)
    for node in nodes:
        name = f"kafka-{node.number}"
        launch = functools.partial(kafka.launch, keeper.supervisor, jars, node, name, heap=HEAP)
        keeper.keep(name, launch)
    databases = {f"mongod-{number}": ports.free() for number in range(1, COPIES + 1)}
    for name, port in databases.items():
        keeper.keep(name, _database(keeper, folder / name, port, name))
    await _up(nodes, databases)
    addresses = ",".join(f"{ports.HOST}:{port}" for port in databases.values())
    url = f"mongodb://{addresses}/?replicaSet={SET}"
    ground = Ground(
        bootstrap=",".join(node.told for node in nodes),
        mongo=url,
        mongo_itself=url,
        keeper=keeper,
        brokers=tuple(f"kafka-{node.number}" for node in nodes),
        databases=databases,
    )
    await ground.whole()
    told.tell(f"{COPIES} Kafka nodes and {COPIES} members of a mongod set are up")
    yield ground


def _database(keeper: Keeper, folder: Path, port: int, name: str) -> Callable[[], Child]:
    def launch() -> Child:
        return mongod.start(keeper.supervisor, folder, port=port, replica_set=SET, name=name)[1]

    return launch


async def _up(nodes: Sequence[kafka.Node], databases: dict[str, int]) -> None:
    for node in nodes:
        await eventually(functools.partial(answers, node.address), deadline=UP_WITHIN)
    for port in databases.values():
        await eventually(functools.partial(ports.is_taken, port), deadline=UP_WITHIN)
    members = [f"{ports.HOST}:{port}" for port in databases.values()]
    await asyncio.to_thread(mongod.initiate, SET, members)
