"""A batch: how soon a common policy has answered 10,000 petitions, and what ordinary ones feel of it.

The petitions come in by HTTP and join the campaign as they are routed. Then a leader orders the batch, while
ordinary petitions go on coming in at a fixed rate; the same rate alone, before the batch, is what they are
compared with.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pymongo.database import Database

from contracts.policies import published
from local import ports, tokens
from tests.bench import figures, processes, texts
from tests.bench.handed import Progress, Sms, Tail
from tests.bench.pace import pause
from tests.bench.settled import LeftOverError
from tests.bench.stage import SECRETS, Line, Stage, running
from tests.bench.web import Connection

MANY = int(os.environ.get("PETITIONS") or 10_000)
GOAL_S = 60.0
RATE = 10.0
CONNECTIONS = 32
GIVE_UP = 240.0
LOOK_EVERY = 0.005
CODE = "training-2026"
PHRASE = "线上钢琴陪练机构停业"
POLICY = published()[("training-refund", 1)]
CAMPAIGN = {
    "code": CODE,
    "name": "校外培训退费集中攻坚",
    "field": "教育培训",
    "begins": "2020-01-01T00:00:00+08:00",
    "ends": "2100-01-01T00:00:00+08:00",
    "rule": {"phrases": [PHRASE]},
}


@dataclass
class Street:
    """The people of the bench: they post petitions, and the outbox shows when each was told."""

    line: Line
    known: dict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))
    answers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    last_answer: float = 0.0
    posted: int = 0

    def __post_init__(self) -> None:
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(Connection(ports.HOST, (self.line.around.ports["intake"],)))
        self._tail = Tail(Path(self.line.around.outbox))

    async def watch(self) -> None:
        """Follow the outbox until cancelled."""
        while True:
            now = time.monotonic()
            for sms in self._tail.look():
                self._note(sms, now)
            await pause(LOOK_EVERY)

    def _note(self, sms: Sms, now: float) -> None:
        self.known[sms.petition].note(sms, now)
        if sms.template == "case-answered":
            self.answers[sms.petition] += 1
            self.last_answer = now

    async def post(self, title: str, content: str, key: str, phone: str = "13800138000") -> str:
        """Post one petition; its number."""
        due, connection = time.monotonic(), await self._free.get()
        person = {"name": "测试", "phone": phone}
        petition = {"title": title, "content": content, "area": texts.AREA, "petitioner": person}
        body = json.dumps(petition).encode()
        try:
            reply = await connection.post("/petitions", body, key)
        finally:
            self._free.put_nowait(connection)
        if reply.status != httpx.codes.CREATED:
            raise LeftOverError(f"a petition was answered {reply.status}")
        made: str = json.loads(reply.body)["petition_id"]
        self.known[made].posted = due
        return made

    async def ordinary(self, name: str, until: asyncio.Event) -> list[str]:
        """Post ordinary petitions at the rate until told to stop; waits for their last SMS."""
        began = time.monotonic()
        tasks: list[asyncio.Task[str]] = []
        made = texts.chosen(7, "")
        while not until.is_set():
            text = next(made)
            tasks.append(asyncio.create_task(self.post(text.title, text.content, f"{name}-{len(tasks)}")))
            await pause(max(0.0, began + len(tasks) / RATE - time.monotonic()))
        petitions = list(await asyncio.gather(*tasks))
        await until_true(lambda: all(self.known[p].whole for p in petitions), "ordinary petitions")
        return petitions

    def felt(self, petitions: list[str]) -> dict[str, float]:
        """From POST to the last SMS, in milliseconds."""
        return figures.percentiles([1000 * (self.known[p].last - self.known[p].posted) for p in petitions])


async def until_true(condition: Any, what: str) -> None:
    """Wait for something of this process; raise if it never comes."""
    limit = time.monotonic() + GIVE_UP
    while not condition():
        if time.monotonic() > limit:
            raise LeftOverError(f"{what}: not within {GIVE_UP:.0f} s")
        await pause(0.05)


def campaign(stage: Stage, seconds: float, _source: str) -> None:
    """Fill, order, and show how long it took and what others felt."""
    with running(stage, "campaign") as line, stage.client() as client:
        routing = client[f"{line.around.database_prefix}routing"]
        mediation = client[f"{line.around.database_prefix}mediation"]
        asyncio.run(_measured(line, routing, mediation, seconds))


async def _measured(line: Line, routing: Database[Any], mediation: Database[Any], seconds: float) -> None:
    street = Street(line)
    watching = asyncio.create_task(street.watch())
    leader = {"Authorization": f"Bearer {tokens.mint(SECRETS.staff_key, role='leader', who='leader-1')}"}
    base = f"http://{ports.HOST}:{line.around.ports['routing']}"
    async with httpx.AsyncClient(base_url=base, headers=leader, timeout=30) as desk:
        (await desk.post("/campaigns", json=CAMPAIGN)).raise_for_status()
        await pause(2)  # every instance knows it by then; there is one
        members = await _fill(street)
        await until_true(lambda: _members(routing) == len(members), "members")
        await until_true(lambda: all(street.known[p].whole for p in members), "their first SMS")

        figures.tell(f"campaign: {RATE:.0f} ordinary petitions a second alone, {seconds:.0f} s")
        alone = await _ordinary_alone(street, seconds)

        figures.tell(f"campaign: a policy for {len(members)} petitions")
        before, busy, began = processes.used(line.everybody()), processes.busy(), time.monotonic()
        stop = asyncio.Event()
        meanwhile = asyncio.create_task(street.ordinary("meanwhile", stop))
        order = {"policy": POLICY.code, "version": POLICY.version}
        ordered = time.monotonic()
        (await desk.post(f"/campaigns/{CODE}/orders", json=order)).raise_for_status()
        await _until_settled(desk)
        settled = time.monotonic()
        stop.set()
        beside = await meanwhile
        await until_true(lambda: len(street.answers) >= len(members), "the answers' SMS")
        after, took = processes.used(line.everybody()), time.monotonic() - began
        view = (await desk.get(f"/campaigns/{CODE}")).json()["orders"][-1]
    watching.cancel()
    _complain(street, members, view, mediation)
    theirs = sum(after.values()) - sum(before.values())
    idle = took * 1000 * (os.cpu_count() or 1)
    felt_alone, felt = street.felt(alone), street.felt(beside)
    figures.show(
        "campaign",
        settled - ordered,
        "s until every petition is answered",
        reference=GOAL_S,
        petitions=len(members),
        told_s=round(street.last_answer - ordered, 1),
        applied=view["applied"],
        answered=view["answered"],
        left=view["left"],
        sms_doubled=sum(count - 1 for count in street.answers.values()),
        ordinary_per_second=RATE,
        ordinary_alone_ms=felt_alone,
        ordinary_meanwhile_ms=felt,
        ordinary_ratio={name: round(felt[name] / felt_alone[name], 2) for name in felt},
        cpu_ms_per_petition=round(theirs / len(members), 2),
        others_share=round(max(0.0, processes.busy() - busy - theirs) / idle, 3),
    )


async def _fill(street: Street) -> list[str]:
    """Post the petitions that are alike, so many at once as there are connections."""
    began, found = time.monotonic(), []
    for start in range(0, MANY, CONNECTIONS):
        numbers = range(start, min(start + CONNECTIONS, MANY))
        found += await asyncio.gather(
            *(street.post(*_alike(n), f"alike-{n}", f"138{n:08d}") for n in numbers)
        )
    figures.tell(f"campaign: {len(found)} petitions posted in {time.monotonic() - began:.0f} s")
    return found


def _alike(number: int) -> tuple[str, str]:
    """One of many about the same matter; body and area are plain, so none of them waits for a person."""
    content = (
        f"我家孩子在芙蓉区一家{PHRASE}报名，缴费{3000 + number}元，还剩{number % 90 + 5}节课没有上。"
        "机构关门，老师联系不上，校外培训退费一直没有结果，请督促这家培训机构退还学费。"
    )
    return "培训机构停业不退学费", content


def _members(routing: Database[Any]) -> int:
    return routing.dockets.count_documents({"parts.own.membership.campaign": CODE})


def _answered(mediation: Database[Any]) -> int:
    return mediation.dockets.count_documents(
        {"parts.own.by_policy": f"{CODE}.1", "parts.own.state": "answered"}
    )


async def _ordinary_alone(street: Street, seconds: float) -> list[str]:
    stop = asyncio.Event()
    alone = asyncio.create_task(street.ordinary("alone", stop))
    await pause(seconds)
    stop.set()
    return await alone


async def _until_settled(desk: httpx.AsyncClient) -> None:
    """Wait until the order is done, then until mediation has answered and published all of it."""
    limit = time.monotonic() + GIVE_UP
    while time.monotonic() < limit:
        order = (await desk.get(f"/campaigns/{CODE}")).json()["orders"][-1]
        if order["done_at"] and order["answered"] + order["declined"] >= order["applied"]:
            return
        await pause(0.25)
    raise LeftOverError("the batch was not settled")


def _complain(street: Street, members: list[str], view: Mapping[str, Any], mediation: Database[Any]) -> None:
    """Raise if anything was lost, doubled or left over."""
    faults = []
    if not len(members) == view["applied"] == view["answered"] == _answered(mediation):
        faults.append(f"{len(members)} members, {view['applied']} applied, {view['answered']} answered")
    if set(street.answers) != set(members):
        faults.append(f"{len(set(members) ^ set(street.answers))} without their SMS, or with one too many")
    if doubled := sum(count - 1 for count in street.answers.values()):
        faults.append(f"{doubled} SMS doubled")
    if faults:
        raise LeftOverError("; ".join(faults))
