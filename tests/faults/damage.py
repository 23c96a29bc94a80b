"""Does the faults of the plan, one after the other, and measures when petitions come through again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from local import ports
from tests.bench.figures import percentiles
from tests.bench.pace import pause
from tests.faults import told
from tests.faults.crew import Crew
from tests.faults.ground import Ground
from tests.faults.injected import Injector
from tests.faults.plan import INJECTIONS, Fault, Kind
from tests.faults.proxy import Mode
from tests.faults.traffic import Traffic

FROZEN_FOR = 20.0
FULL_FOR = 8.0
# The outage is written down as that long if nothing came through by then.
RECOVERED_WITHIN = 120.0
LOOK_EVERY = 0.05


@dataclass
class Damage:
    """`from_the_kill` measures from the last blow itself (with copies, traffic should hardly stop)."""

    ground: Ground
    crew: Crew
    traffic: Traffic
    injector: Injector
    from_the_kill: bool
    kills: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    outages: dict[Kind, list[float]] = field(default_factory=lambda: defaultdict(list))
    skipped: dict[str, str] = field(default_factory=dict)
    _last_blow: float = 0.0

    async def do(self, faults: Iterable[Fault], until: float) -> None:
        """Do one after the other as long as there is time; a fault that has begun is brought to its end."""
        for fault in faults:
            await pause(fault.calm)
            left = until - time.monotonic()
            if left <= 0:
                return
            if fault.kind is Kind.ZOMBIE and left < FROZEN_FOR:
                continue
            await self._doing(fault.kind)(fault)
            if fault.kind in INJECTIONS or fault.kind.value in self.skipped:
                continue
            # A zombie is not healed: others take over, and the time counts from when it fell silent.
            from_the_blow = self.from_the_kill or fault.kind is Kind.ZOMBIE
            await self._recovered(fault.kind, self._last_blow if from_the_blow else time.monotonic())
            if self.from_the_kill:
                await self.ground.whole()

    def _doing(self, kind: Kind) -> Callable[[Fault], Awaitable[None]]:
        return {
            Kind.SERVICES: self._kill_services,
            Kind.BROKER: self._kill_broker,
            Kind.DATABASE: self._kill_database,
            Kind.BOTH: self._kill_both,
            Kind.ZOMBIE: self._zombie,
            Kind.CUT_BROKER: self._cut,
            Kind.CUT_DATABASE: self._cut,
            Kind.FULL: self._fill,
            Kind.DUPLICATES: self._inject,
            Kind.REORDERED: self._inject,
            Kind.NEWER_FIELDS: self._inject,
            Kind.UNKNOWN_TYPE: self._inject,
        }[kind]

    async def _recovered(self, kind: Kind, since: float) -> None:
        """Wait for the first petition that was posted since then and came through."""
        while (end := self.traffic.recovered(since)) is None:
            if time.monotonic() - since > RECOVERED_WITHIN:
                told.tell(f"nothing has come through for {RECOVERED_WITHIN:.0f} s")
                end = time.monotonic()
                break
            await pause(LOOK_EVERY)
        self.outages[kind].append(end - since)
        told.tell(f"  … petitions come through again after {end - since:.1f} s")

    async def _kill_services(self, fault: Fault) -> None:
        told.tell(f"SIGKILL {', '.join(fault.victims)}")
        self._last_blow = time.monotonic()
        for victim in fault.victims:
            self.ground.keeper.kill(victim)
            self.kills[victim] += 1

    async def _kill_broker(self, fault: Fault) -> None:
        brokers = self.ground.brokers
        await self._kill_for(fault, brokers[int(fault.pick * len(brokers))])

    async def _kill_database(self, fault: Fault) -> None:
        await self._kill_for(fault, await self._database(fault.pick))

    async def _kill_both(self, fault: Fault) -> None:
        brokers = self.ground.brokers
        broker = brokers[int(fault.pick * len(brokers))]
        await self._kill_for(fault, broker, await self._database(fault.pick))

    async def _database(self, pick: float) -> str:
        """Every second time the primary, else any."""
        names = list(self.ground.databases)
        return (pick < 0.5 and await self.ground.primary()) or names[int(pick * len(names))]

    async def _kill_for(self, fault: Fault, *names: str) -> None:
        primary = await self.ground.primary()
        roles = [f"{name} (primary)" if name == primary else name for name in names]
        told.tell(f"SIGKILL {', '.join(roles)} for {fault.seconds} s")
        self._last_blow = time.monotonic()
        for name in names:
            self.ground.keeper.kill(name, stay_dead=True)
            self.kills[name] += 1
        await self._lasting(fault)
        for name in names:
            self.ground.keeper.start(name)

    async def _zombie(self, fault: Fault) -> None:
        victim = fault.victims[0]
        told.tell(f"SIGSTOP {victim} for {FROZEN_FOR:.0f} s, a second one takes over")
        self._last_blow = time.monotonic()
        thaw_at = self._last_blow + FROZEN_FOR
        self.crew.freeze(victim)
        self.kills["stopped"] += 1
        second = await self.crew.second(victim)
        await pause(max(0.0, thaw_at - time.monotonic()))
        self.crew.thaw(victim)
        told.tell(f"SIGCONT {victim}, which does not know what it has missed")
        await pause(fault.seconds)
        await self.crew.dismiss(second)

    async def _cut(self, fault: Fault) -> None:
        broker = fault.kind is Kind.CUT_BROKER
        proxy = self.ground.broker_proxy if broker else self.ground.database_proxy
        if proxy is None:
            self.skipped[fault.kind.value] = "no proxy before a cluster"
            return
        # New connections work at once there: the time counts from the moment when the old ones died.
        lasting = fault.mode is not Mode.HALF_OPEN
        told.tell(f"{fault.kind.value}: {fault.mode.value}{f' for {fault.seconds} s' if lasting else ''}")
        self.cuts[f"{'broker' if broker else 'database'} {fault.mode.value}"] += 1
        proxy.cut(fault.mode)
        if lasting:
            await self._lasting(fault)
        proxy.heal()

    async def _lasting(self, fault: Fault) -> None:
        """Let the fault last; sometimes services die in the middle of it."""
        if fault.besides:
            await pause(fault.seconds / 2)
            await self._kill_services(fault)
            await pause(fault.seconds / 2)
        else:
            await pause(fault.seconds)

    async def _fill(self, _fault: Fault) -> None:
        volume = self.ground.volume
        if volume is None or volume.reason:
            self.skipped[Kind.FULL.value] = volume.reason if volume else "not with a cluster"
            return
        taken = await asyncio.to_thread(volume.fill)
        told.tell(f"the database's volume is full ({taken >> 20} MB of ballast)")
        self.cuts["volume full"] += 1
        database = next(iter(self.ground.databases))
        # Whatever a full disk makes of it, nobody starts it again before there is room.
        kept = self.ground.keeper.kept[database]
        kept.wanted, kept.asked = False, True
        await asyncio.to_thread(_checkpoint, self.ground.databases[database])
        await pause(FULL_FOR)
        code = kept.child.process.poll()
        told.tell(f"{database} {'goes on' if code is None else f'has ended with code {code}'}; making room")
        await asyncio.to_thread(volume.empty)
        kept.asked = code is not None
        self.ground.keeper.start(database)

    async def _inject(self, fault: Fault) -> None:
        do = {
            Kind.DUPLICATES: self.injector.duplicates,
            Kind.REORDERED: self.injector.reordered,
            Kind.NEWER_FIELDS: self.injector.newer_fields,
            Kind.UNKNOWN_TYPE: self.injector.unknown_type,
        }[fault.kind]
        told.tell(f"{fault.kind.value}: {await do(fault.pick)}")

    def figures(self) -> dict[str, object]:
        """What was done and how long it took until petitions came through again."""
        every = [outage for found in self.outages.values() for outage in found]
        return {
            "kills": sum(self.kills.values()),
            "cuts": sum(self.cuts.values()),
            "recovered_p95_s": percentiles(every).get("p95"),
            "recovered_max_s": round(max(every), 1) if every else None,
            "killed": dict(self.kills),
            "cut": dict(self.cuts),
            "recovered_s": {
                kind.value: {"count": len(found), "max": round(max(found), 1), **percentiles(found)}
                for kind, found in self.outages.items()
            },
            "skipped": self.skipped,
            "ended_unasked": dict(self.ground.keeper.unasked),
        }


def _checkpoint(port: int) -> None:
    """Have the database write to its files now, as it does every minute; how it fares is what is tried."""
    url = f"mongodb://{ports.HOST}:{port}/?directConnection=true"
    with MongoClient[dict[str, object]](url, timeoutMS=5000, serverSelectionTimeoutMS=5000) as client:
        try:
            client.admin.command("fsync")
        except PyMongoError as error:
            told.tell(f"the checkpoint failed: {type(error).__name__}")
