"""One run from nothing: build up, load, damage, heal, wait until all is drained, and account."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.demo.streams import Reader
from local.paths import state_directory
from local.supervisor import Supervisor
from tests.bench.pace import pause
from tests.faults import told
from tests.faults.account import Account, account, sentences
from tests.faults.crew import PREFIX, Crew, surroundings
from tests.faults.damage import Damage
from tests.faults.evidence import gathered, parked_in
from tests.faults.ground import Ground, cluster, single
from tests.faults.injected import Injector
from tests.faults.keeper import Keeper
from tests.faults.plan import CLUSTER, SHORT, WHOLE, planned
from tests.faults.traffic import Traffic
from tests.line import Line

# Below so many minutes only faults that fit in are planned.
SHORT_BELOW = 3.0
SHORT_CUT = 4.0
# Petitions that come through before the first fault and after the last.
WARM = 5.0
DRAIN_WITHIN = 300.0
# Beyond that nobody waits for what the gateway cannot tell about: the petition is settled either way.
UNKNOWN_WITHIN = 100.0
LOOK_EVERY = 3.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to do: how long faults go on, and what the random choices come from."""

    minutes: float
    seed: int
    per_second: float
    copies: bool = False


async def run(order: Order) -> tuple[dict[str, Any], list[str]]:
    """The figures, and a sentence for each thing that does not hold."""
    with (
        tempfile.TemporaryDirectory(prefix="petition-faults-") as directory,
        Supervisor(_emptied(state_directory() / "faults-logs")) as supervisor,
    ):
        folder, keeper = Path(directory), Keeper(supervisor)
        told.tell(f"SEED={order.seed} repeats the plan; logs are in {supervisor.logs}")
        _cancelled_by_sigterm()
        async with (
            _going_on(keeper.watch()),
            (cluster if order.copies else single)(folder, keeper) as ground,
        ):
            return await _on(ground, folder, order)


def _emptied(logs: Path) -> Path:
    """The logs of the last run are kept until the next one."""
    shutil.rmtree(logs, ignore_errors=True)
    return logs


def _cancelled_by_sigterm() -> None:
    """End in good order, so that nothing stays mounted."""
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _on(ground: Ground, folder: Path, order: Order) -> tuple[dict[str, Any], list[str]]:
    crew = Crew(ground, await surroundings(ground, folder))
    crew.begin()
    await crew.ready()
    told.tell("the four services are ready")
    traffic = Traffic(crew.open_doors, crew.around.outbox, order.seed, order.per_second)
    line = Line(ground.bootstrap, ground.mongo, str(crew.around.outbox), name=PREFIX.removesuffix("-"))
    async with Reader(ground.bootstrap, prefix=PREFIX) as reader:
        injector = Injector(line, reader, order.seed, functools.partial(parked_in, crew))
        damage = Damage(ground, crew, traffic, injector, from_the_kill=order.copies)
        async with _going_on(traffic.watch()):
            async with _going_on(traffic.run()):
                await pause(WARM)
                short = order.minutes < SHORT_BELOW
                deck = CLUSTER if order.copies else SHORT if short else WHOLE
                plan = planned(order.seed, deck, **({"longest": SHORT_CUT} if short else {}))
                await damage.do(plan, time.monotonic() + order.minutes * 60)
                await pause(WARM)
            found, drained = await _accounted(crew, traffic, reader, injector)
    figures = (
        found.figures
        | damage.figures()
        | {
            "seed": order.seed,
            "minutes": order.minutes,
            "per_second": order.per_second,
            "cluster": order.copies,
            "drained_s": round(drained, 1),
            "not_created": {str(status): count for status, count in traffic.refused.items()},
            "injected": {
                "repeats": injector.done.repeats,
                "parked_meanwhile": injector.done.parked_meanwhile,
                "unknown_types": len(injector.done.unknown),
                **dict(injector.done.guests_of),
            },
        }
    )
    return figures, sentences(found.findings)


async def _accounted(
    crew: Crew, traffic: Traffic, reader: Reader, injector: Injector
) -> tuple[Account, float]:
    """Wait until everything that was asked is answered, ask again, and account until nothing is amiss."""
    began = time.monotonic()
    for proxy in crew.ground.proxies():
        proxy.heal()
    told.tell(f"all is healed; {len(traffic.asked)} petitions were posted; draining")
    # Who has no answer by then is found in the account.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(traffic.answered(), DRAIN_WITHIN)
        await asyncio.wait_for(traffic.ask_again(), DRAIN_WITHIN)
    while True:
        # In a thread: the proxies must not stand still meanwhile.
        evidence = await gathered(crew, reader, traffic.asked, injector.done)
        found = await asyncio.to_thread(account, evidence)
        took = time.monotonic() - began
        if not found.findings and (not found.unsettled or took > UNKNOWN_WITHIN):
            return found, took
        if took > DRAIN_WITHIN:
            return found, took
        first = "; ".join(sentences(found.findings[:1]))
        told.tell(f"not yet: {found.figures['findings']}, {found.unsettled} SMS unknown; {first}")
        await pause(LOOK_EVERY)


@contextlib.asynccontextmanager
async def _going_on(work: Any) -> AsyncIterator[None]:
    """Something that goes on meanwhile; if it ends by a fault of its own, that is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
