"""Notify on the real broker and database: what it hears stands in the outbox once, whoever dies when."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.dossiers import DossierSaved
from contracts.envelope import Message
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.mediation import CaseOpened
from contracts.notify import SmsClaimed, SmsQueued, SmsSent
from contracts.routing import PetitionRouted
from contracts.topics import NOTIFY
from local.ports import free
from tests.eventually import eventually
from tests.line import Line, token
from tests.notify.journey import START, TOLD, Journey, fact_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

COMING_IN = (DossierSaved, PetitionRegistered, PetitionAccepted, PetitionRouted, CaseOpened)
TEMPLATES = ("registered", "accepted", "routed", "case-opened")
SHORT = timedelta(seconds=1)
DEADLINE = 60.0


def petitions(count: int) -> list[PetitionId]:
    """Petitions that came in at the same time."""
    return [make(START, chance) for chance in range(count)]


async def publish(line: Line, petition: PetitionId, kinds: Sequence[type[Fact]] = COMING_IN) -> None:
    """Publish what the neighbours state about a petition."""
    journey = Journey(petition)
    for kind in kinds:
        delivery = journey.deliver(TOLD[kind])
        assert delivery.value is not None
        await line.send(delivery.topic, delivery.value, key=petition)


def written(line: Line) -> list[dict[str, Any]]:
    """The lines of the outbox."""
    path = Path(line.outbox)
    return [msgspec.json.decode(row) for row in path.read_bytes().splitlines()] if path.exists() else []


def times(line: Line) -> Counter[tuple[str, str]]:
    """How often each petition has each message in the outbox."""
    return Counter((row["petition"], row["template"]) for row in written(line))


def has(line: Line, petition: PetitionId, template: str) -> bool:
    """Whether a message stands in the outbox."""
    return times(line)[petition, template] > 0


def once(wanted: Iterable[PetitionId], templates: Sequence[str] = TEMPLATES) -> Counter[tuple[str, str]]:
    """Each message of each petition once."""
    return Counter((petition, template) for petition in wanted for template in templates)


async def stated(line: Line, wanted: Sequence[PetitionId]) -> list[Message]:
    """What notify states, once every message of these petitions is stated as sent."""
    expected = once(wanted)

    async def all_sent() -> list[Message]:
        messages = await line.messages(NOTIFY.name)
        distinct = {message.envelope.id: message for message in messages}.values()
        sent = Counter(
            (message.petition, message.fact.message.partition(".")[0])
            for message in distinct
            if isinstance(message.fact, SmsSent)
        )
        assert sent == expected
        return list(distinct)

    return await eventually(all_sent, deadline=DEADLINE, every=0.3)


def whole(messages: Iterable[Message]) -> None:
    """Numbers without gaps, and each message holds the hash of the one before."""
    chains: dict[str, dict[int, Message]] = {}
    for message in messages:
        chains.setdefault(message.petition, {})[message.envelope.ordinal] = message
    for chain in chains.values():
        assert sorted(chain) == list(range(1, len(chain) + 1))
        digests = [None, *(chain[ordinal].digest for ordinal in sorted(chain))]
        assert digests[:-1] == [chain[ordinal].envelope.previous for ordinal in sorted(chain)]


async def test_what_is_heard_stands_in_the_outbox_once(line: Line) -> None:
    wanted = petitions(5)
    async with line.running("notify", changes={"lease": timedelta(seconds=10)}):
        await asyncio.gather(*(publish(line, petition) for petition in wanted))
        messages = await stated(line, wanted)
    assert once(wanted) == times(line)
    whole(messages)
    for message in messages:
        if isinstance(message.fact, SmsSent):
            claims = [m for m in messages if m.envelope.id == message.envelope.causationid]
            assert [message.fact.message] == [
                claim.fact.message for claim in claims if isinstance(claim.fact, SmsClaimed | SmsQueued)
            ]


async def test_a_stopped_service_leaves_nothing_half_done(line: Line) -> None:
    wanted = petitions(3)
    for petition in wanted:
        async with line.running("notify", changes={"lease": timedelta(seconds=10)}):
            await publish(line, petition)
            await eventually(partial(has, line, petition, "case-opened"), deadline=DEADLINE)
    async with line.running("notify", changes={"lease": timedelta(seconds=10)}):
        messages = await stated(line, wanted)
    assert once(wanted) == times(line)
    # A claim of its own has only what was queued before the number was known.
    kinds = {type(message.fact).__name__ for message in messages}
    assert {"SmsQueued", "SmsSent"} == kinds - {"SmsClaimed"}


@pytest.mark.parametrize(
    ("step", "nth"), [("sending", 1), ("sending", 2), ("sent", 1), ("sent", 2), ("reported", 1)]
)
async def test_a_sender_killed_at_any_step_sends_each_message_once(line: Line, step: str, nth: int) -> None:
    wanted = petitions(6)
    async with line.spawned(
        "notify", "SIGKILL", step, str(nth), module="tests.notify.stopping", port=free()
    ) as first:
        if nth > 1:
            # A first call must be over before the facts come that lead to the second.
            await publish(line, wanted[0])
            await eventually(partial(has, line, wanted[0], "registered"), deadline=DEADLINE)
        for petition in wanted[nth > 1 :]:
            await publish(line, petition)
        assert -signal.SIGKILL == await asyncio.wait_for(first.wait(), DEADLINE)
    async with line.running("notify", changes={"lease": SHORT}):
        whole(await stated(line, wanted))
    assert once(wanted) == times(line)


@pytest.mark.parametrize("step", ["asking", "asked"])
async def test_whoever_asks_the_gateway_may_be_killed_too(line: Line, step: str) -> None:
    wanted = petitions(2)
    async with line.spawned(
        "notify", "SIGKILL", "sent", "1", module="tests.notify.stopping", port=free()
    ) as one:
        for petition in wanted:
            await publish(line, petition)
        await asyncio.wait_for(one.wait(), DEADLINE)
    async with line.spawned(
        "notify", "SIGKILL", step, "1", module="tests.notify.stopping", port=free()
    ) as two:
        assert -signal.SIGKILL == await asyncio.wait_for(two.wait(), DEADLINE)
    async with line.running("notify", changes={"lease": SHORT}):
        whole(await stated(line, wanted))
    assert once(wanted) == times(line)


@pytest.mark.parametrize("step", ["sending", "sent"])
async def test_a_sender_that_was_frozen_past_its_lease_repeats_nothing_when_it_comes_back(
    line: Line, step: str
) -> None:
    wanted = petitions(3)
    async with AsyncExitStack() as stack:
        frozen = await stack.enter_async_context(
            line.spawned("notify", "SIGSTOP", step, "1", module="tests.notify.stopping", port=free())
        )
        await publish(line, wanted[0])
        await eventually(lambda: _is_stopped(frozen.pid), deadline=DEADLINE)
        await stack.enter_async_context(line.running("notify", changes={"lease": SHORT}, ready=False))
        for petition in wanted[1:]:
            await publish(line, petition)
        await stated(line, wanted)
        frozen.send_signal(signal.SIGCONT)
        more = make(START, 99)
        await publish(line, more)
        whole(await stated(line, [*wanted, more]))
        assert frozen.returncode is None
    assert once([*wanted, more]) == times(line)


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_two_instances_share_one_outbox(line: Line) -> None:
    wanted = petitions(40)
    async with line.running("notify"), AsyncExitStack() as stack:
        await asyncio.gather(*(publish(line, petition) for petition in wanted[:20]))
        await stack.enter_async_context(line.running("notify"))
        await asyncio.gather(*(publish(line, petition) for petition in wanted[20:]))
        whole(await stated(line, wanted))
    assert once(wanted) == times(line)


async def test_staff_see_the_state_and_never_the_number(line: Line) -> None:
    (petition,) = petitions(1)
    async with line.running("notify") as (_, client):
        await publish(line, petition)
        await stated(line, [petition])
        answer = await client.get(f"/messages/{petition}", headers={"Authorization": token("clerk")})
        spoken = await client.get(
            f"/messages/{petition.lower().replace('-', ' ')}", headers={"Authorization": token("auditor")}
        )
    assert answer.status_code == 200
    assert answer.json() == spoken.json()
    found = answer.json()
    assert (petition, "138****0004", None) == (found["petition_id"], found["number"], found["number_fault"])
    assert sorted(TEMPLATES) == sorted(message["template"] for message in found["messages"])
    assert {"sent"} == {message["state"] for message in found["messages"]}
    assert all(1 == message["attempts"] and message["queued_at"] for message in found["messages"])
    assert "13800000004" not in answer.text.replace(" ", "")
    assert "您好" not in answer.text


async def test_staff_find_who_was_not_reached_and_why(line: Line) -> None:
    lost, reached, waiting = petitions(3)
    async with line.running("notify") as (process, client):
        for petition, phone in ((lost, "0731-85555555"), (reached, "13800138000")):
            journey = Journey(petition)
            for fact in (fact_of(DossierSaved, phone=phone), TOLD[PetitionRegistered]):
                delivery = journey.deliver(fact)
                await line.send(delivery.topic, delivery.value or b"", key=petition)
        await publish(line, waiting, [PetitionRegistered])

        async def states() -> dict[str, list[str]]:
            found = {}
            for state in ("skipped", "queued", "unknown", "not-sent"):
                answer = await client.get(
                    "/messages", params={"state": state}, headers={"Authorization": token("operator")}
                )
                assert answer.status_code == 200
                found[state] = [row["petition_id"] for row in answer.json()["petitions"]]
            return found

        async def settled() -> bool:
            expected = {"skipped": [lost], "queued": [waiting], "unknown": [], "not-sent": []}
            return expected == await states() and bool(times(line)[reached, "registered"])

        await eventually(settled, deadline=DEADLINE)
        answer = await client.get(f"/messages/{lost}", headers={"Authorization": token("operator")})
        assert ("073****5555", "landline") == (answer.json()["number"], answer.json()["number_fault"])
        page = await client.get(
            "/messages", params={"state": "skipped", "limit": 1}, headers={"Authorization": token("clerk")}
        )
        assert lost == page.json()["next"]
        rest = await client.get(
            "/messages",
            params={"state": "skipped", "limit": 1, "after": lost},
            headers={"Authorization": token("clerk")},
        )
        assert {"petitions": [], "next": None} == rest.json()
        assert process.health.more is not None


@pytest.mark.parametrize(
    ("path", "role", "status", "code"),
    [
        ("/messages/2B7K9-0M4QX-7T1CW", "clerk", 404, "no-such-petition"),
        ("/messages/nonsense", "clerk", 404, "no-such-petition"),
        (f"/messages/{make(START, 5)}", "clerk", 404, "no-such-petition"),
        (f"/messages/{make(START, 5)}", "mediator", 403, "role-not-allowed"),
        (f"/messages/{make(START, 5)}", None, 401, "token-missing"),
        ("/messages?state=unknown", "router", 403, "role-not-allowed"),
        ("/messages?state=sent", "operator", 422, "invalid-input"),
        ("/messages", "operator", 422, "invalid-input"),
    ],
)
async def test_a_wrong_question_gets_a_clear_answer(
    line: Line, path: str, role: str | None, status: int, code: str
) -> None:
    headers = {"Authorization": token(role)} if role else {}
    async with line.running("notify", ready=False) as (_, client):
        answer = await client.get(path, headers=headers)
    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert answer.headers["content-type"].startswith("application/problem+json")
