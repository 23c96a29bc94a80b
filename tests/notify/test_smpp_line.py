"""Notify as a process with a message centre that is not ours: from a fact to the telephone and back."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionRegistered
from contracts.notify import ReplyReceived, SmsDelivered, SmsSent, SmsUnknown
from contracts.topics import NOTIFY
from local.ports import free
from tests.eventually import eventually
from tests.line import Line
from tests.notify.journey import Journey, fact_of
from tests.notify.peers.centre import Centre, reply, running
from tests.notify.peers.node import MissingError
from tests.notify.test_arrivals import ASKED, PHONE
from tests.notify.test_line import DEADLINE, petitions

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

MESSAGES = 1500
KILLS = 20
RATE = 200
BEGUN = (DossierSaved, PetitionRegistered)


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """A centre, and notify's environment for it."""
    try:
        with running(tmp_path) as made:
            for name, value in {
                "GATEWAYS": "smpp",
                "SMPP_HOST": "127.0.0.1",
                "SMPP_PORT": str(made.port),
                "SMPP_SYSTEM_ID": "bridge",
                "SMPP_PASSWORD": "secret",
                "SMPP_SOURCE": "106912345",
                "SMPP_EXTENSION": "4",
                "SMPP_RATE": str(RATE),
                "SMPP_RECONNECT_FROM": "PT0.2S",
            }.items():
                monkeypatch.setenv(f"NOTIFY_{name}", value)
            yield made
    except MissingError as missing:
        pytest.skip(f"no message centre: {missing}")


async def publish(line: Line, told: Sequence[tuple[PetitionId, str]], kinds: Sequence[type[Fact]]) -> None:
    """Publish what the neighbours state about petitions, each with its telephone."""
    producer = AIOKafkaProducer(bootstrap_servers=line.broker, acks="all")
    await producer.start()
    try:
        for petition, phone in told:
            journey = Journey(petition)
            for kind in kinds:
                changes = {"phone": phone} if kind is DossierSaved else {}
                delivery = journey.deliver(fact_of(kind, **changes))
                await producer.send(line.prefix + delivery.topic, delivery.value, key=petition.encode())
        await producer.flush()
    finally:
        await producer.stop()


async def stated(line: Line) -> list[tuple[PetitionId, Fact]]:
    """All that notify has stated."""
    distinct = {message.envelope.id: message for message in await line.messages(NOTIFY.name)}
    return [(message.petition, message.fact) for message in distinct.values() if message.fact is not None]


async def test_a_question_goes_out_is_delivered_and_answered(line: Line, centre: Centre) -> None:
    """From the written answer to the petitioner's five stars, all by SMS."""
    (petition,) = petitions(1)
    async with line.spawned("notify", port=free()):
        await publish(line, [(petition, PHONE)], ASKED)

        async def questions() -> list[dict[str, Any]]:
            return [one for one in await centre.got() if "您对办理满意吗" in one["text"]]

        (question, *_) = await eventually(questions, deadline=DEADLINE)
        await centre.deliver(reply("5分", sender="8613800138000", to=question["from"]))

        async def rated() -> list[int | None]:
            return [fact.score for _, fact in await stated(line) if isinstance(fact, ReplyReceived)]

        assert [5] == await eventually(rated, deadline=DEADLINE, every=0.3)

        async def delivered() -> bool:
            facts = [fact for _, fact in await stated(line)]
            sent = {fact.message for fact in facts if isinstance(fact, SmsSent)}
            return len(sent) > 3 and sent == {f.message for f in facts if isinstance(f, SmsDelivered)}

        await eventually(delivered, deadline=DEADLINE, every=0.3)


async def test_the_same_facts_five_times_and_two_instances_make_one_message(
    line: Line, centre: Centre
) -> None:
    """Case 1: whoever hears what how often, one telephone rings once."""
    wanted = [(petition, f"138{number:08d}") for number, petition in enumerate(petitions(20))]
    async with line.spawned("notify", port=free()), line.spawned("notify", port=free()):
        for _ in range(5):
            await publish(line, wanted, BEGUN)

        async def all_sent() -> bool:
            sent = {petition for petition, fact in await stated(line) if isinstance(fact, SmsSent)}
            return sent == {petition for petition, _ in wanted}

        await eventually(all_sent, deadline=DEADLINE, every=0.3)
    # Both have stopped: nothing is under way any more.
    segments = Counter(
        (one["to"], one["udh"][0] if one["udh"] else "", one["text"]) for one in await centre.got()
    )
    assert {1} == set(segments.values())
    assert {f"86{phone}" for _, phone in wanted} == {to for to, _, _ in segments}


async def test_with_one_gateway_refusing_its_bind_all_goes_over_the_other_until_it_is_mended(
    line: Line, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 9: the breaker opens, nobody waits for it, and when the password is right again it is used."""
    monkeypatch.setenv("NOTIFY_GATEWAYS", "smpp=1000,outbox=1")
    await centre.ask(bind=0x0D)
    before, after = petitions(95)[:15], petitions(95)[15:]

    async def sent(wanted: Sequence[PetitionId]) -> list[str]:
        gateways = {p: fact.gateway for p, fact in await stated(line) if isinstance(fact, SmsSent)}
        assert set(wanted) <= set(gateways)
        return [gateways[petition] for petition in wanted]

    async with line.spawned("notify", port=free()):
        await publish(line, [(petition, PHONE) for petition in before], BEGUN)
        first = await eventually(lambda: sent(before), deadline=DEADLINE, every=0.3)
        assert {"outbox"} == set(first)
        await centre.ask(bind=0)

        async def bound() -> bool:
            return bool((await centre.counts())["sessions"])

        await eventually(bound, deadline=DEADLINE, every=0.3)
        for petition in after:
            # The gateway is probed after its pause; until then the other one goes on.
            await publish(line, [(petition, PHONE)], BEGUN)
            if "smpp" in await eventually(partial(sent, [petition]), deadline=DEADLINE, every=0.3):
                break
        else:
            pytest.fail("the mended gateway is not used")
    ends = Counter(p for p, fact in await stated(line) if isinstance(fact, SmsSent))
    assert {1} == set(ends.values())


def segments_of(got: Sequence[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    """How often each telephone got each segment."""
    return Counter((one["to"], one["udh"][0] if one["udh"] else "", one["text"]) for one in got)


async def killed_after(line: Line, centre: Centre, more: int) -> None:
    """Run notify and kill it with -9 once the centre has got so many more."""
    had = (await centre.counts())["accepted"]
    async with line.spawned("notify", port=free()) as process:

        async def enough() -> bool:
            assert process.returncode is None
            return bool((await centre.counts())["accepted"] >= had + more)

        await eventually(enough, deadline=DEADLINE, every=0.005)
        process.kill()
        await process.wait()


async def test_notify_killed_twenty_times_sends_nothing_twice_and_says_what_is_unknown(
    line: Line, centre: Centre
) -> None:
    """Case 2, for the whole service: broker, dockets and centre are real, and it dies while it sends."""
    chance = random.Random(20)  # noqa: S311 - when to kill
    wanted = [(p, f"138{number:08d}") for number, p in enumerate(petitions(MESSAGES))]
    await centre.ask(slow=20, receipts="no")  # so that some are under way whenever it dies
    await publish(line, wanted, BEGUN)
    for _ in range(KILLS):
        await killed_after(line, centre, chance.randrange(4, 20))

    async def ends() -> dict[PetitionId, type[Fact]]:
        found: dict[PetitionId, type[Fact]] = {}
        for petition, fact in await stated(line):
            if isinstance(fact, SmsSent | SmsUnknown):
                found[petition] = type(fact)
        assert len(found) == MESSAGES, len(found)
        return found

    async with line.spawned("notify", port=free()):
        ended = await eventually(ends, deadline=120, every=0.5)

    got = await centre.got()
    segments = segments_of(got)
    assert [] == [segment for segment, count in segments.items() if count > 1], "sent twice"
    arrived = {one["to"] for one in got}
    unknown = {petition for petition, kind in ended.items() if kind is SmsUnknown}
    numbers = {petition: f"86{phone}" for petition, phone in wanted}
    assert {numbers[p] for p in ended if p not in unknown} <= arrived, (
        "nothing counts as sent that is not there"
    )
    # Never more at a kill than leaves in a tenth of a second: what only waited is sent later.
    assert 0 < len(unknown) <= KILLS * (RATE // 10 + RATE // 20)
    of_these = len({numbers[petition] for petition in unknown} & arrived)
    sys.stdout.write(f"{KILLS} kills, {len(unknown)} unknown, {of_these} of these had arrived\n")
