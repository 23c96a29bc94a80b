"""The four services, each started again when it ends, and a second instance of one when it is wanted."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from local import ports, services, topics
from tests.bench.stage import SECRETS, environment
from tests.eventually import eventually
from tests.faults.ground import UP_WITHIN, Ground

PREFIX = "faults-"


@dataclass
class Crew:
    """`around` is what the first instances find around them."""

    ground: Ground
    around: services.Surroundings
    doors: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Start all four without waiting."""
        for name in services.NAMES:
            self._start(name, name, self.around)

    def _start(self, name: str, service: str, around: services.Surroundings) -> None:
        env = environment(service, around, {})
        keeper = self.ground.keeper
        # Instances of one service share a log: which of them spoke, its process number tells.
        keeper.keep(name, functools.partial(services.spawn, keeper.supervisor, service, env))
        if service == "intake":
            self.doors[name] = around.ports[service]

    async def ready(self) -> None:
        """Wait until all four say that they are."""
        for name in services.NAMES:
            url = self.around.url(name)
            await eventually(
                functools.partial(asyncio.to_thread, services.is_ready, url), deadline=UP_WITHIN, every=0.1
            )

    def open_doors(self) -> Sequence[int]:
        """The ports of intake that a load balancer would send petitioners to."""
        return tuple(self.doors.values())

    async def second(self, service: str) -> str:
        """Start one more instance of a service and wait until it works; its name."""
        name = f"{service}-2"
        around = replace(self.around, ports={**self.around.ports, service: ports.free()})
        self._start(name, service, around)
        url = around.url(service)
        await eventually(
            functools.partial(asyncio.to_thread, services.is_ready, url), deadline=UP_WITHIN, every=0.1
        )
        return name

    async def dismiss(self, name: str) -> None:
        """Stop a second instance in good order."""
        self.doors.pop(name, None)
        await self.ground.keeper.dismiss(name)

    def freeze(self, service: str) -> None:
        """SIGSTOP: it does not know that time passes."""
        self.ground.keeper.kept[service].signal(signal.SIGSTOP)

    def thaw(self, service: str) -> None:
        """SIGCONT: it goes on in the middle of what it was doing."""
        self.ground.keeper.kept[service].signal(signal.SIGCONT)


async def surroundings(ground: Ground, folder: Path) -> services.Surroundings:
    """Topics and names of this run; topics are created in as many copies as the ground has."""
    around = services.Surroundings(
        bootstrap=ground.bootstrap,
        mongo=ground.mongo,
        secrets=SECRETS,
        ports={name: ports.free() for name in services.NAMES},
        outbox=folder / "outbox.jsonl",
        topic_prefix=PREFIX,
        database_prefix=PREFIX,
    )
    await asyncio.to_thread(
        functools.partial(
            topics.create, ground.bootstrap, prefix=PREFIX, wait=UP_WITHIN, replication=ground.copies
        )
    )
    return around
