"""From a saved claim to the gateway and back: each claim is handed over once, and its end is stated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from contracts.dossiers import DossierSaved
from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.identity import make
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.notify import SmsQueued
from contracts.routing import PetitionRouted
from contracts.topics import DOSSIERS, NOTIFY
from services.notify.gateway import Caps, SmsGateway
from services.notify.messages import State
from services.notify.outbox import Outbox
from services.notify.sending import Sender
from services.notify.sms import Down, Found, Misconfigured, Outbound, Result, Unknown
from services.notify.standing import Standing
from services.notify.texts import load
from tests.eventually import eventually
from tests.notify.journey import LEASE, RULES, START, TOLD, Clock, Journey
from tests.notify.scripted import NOWHERE, Desk, Gateway, Permissive
from tests.notify.test_outbox import lines

BEGUN = (TOLD[DossierSaved], TOLD[PetitionRegistered])


@dataclass
class Line:
    """A sender between journeys and a gateway."""

    desk: Desk
    sender: Sender
    clock: Clock
    broken: list[str]

    def journey(self, number: int = 0) -> Journey:
        """One of the petitions."""
        return list(self.desk.journeys.values())[number]

    def tell(self, *facts: Fact, number: int = 0) -> None:
        """Let a petition hear facts; what it states is saved."""
        journey = self.journey(number)
        self.desk.saved(journey.petition, journey.tell(*facts))

    def wake(self, number: int = 0) -> None:
        """Let the sweeper look."""
        journey = self.journey(number)
        self.desk.saved(journey.petition, journey.wake())

    def states(self, number: int = 0) -> list[State]:
        """Where the messages of a petition stand."""
        return [message.state for message in self.journey(number).messages]

    async def until(self, *states: State, number: int = 0) -> None:
        """Wait until the messages stand so."""
        await eventually(lambda: self.states(number) == list(states), every=0.005)


def sender_for(gateway: SmsGateway, standing: Standing, clock: Clock) -> Sender:
    """A sender with this one gateway, by whose rules its journeys decide."""
    sender = Sender({gateway.name: (gateway, 1)}, load(), standing, clock, sign="长沙信访")
    standing.rules = replace(standing.rules, ways=tuple(lane.way for lane in sender.lanes.values()))
    return sender


@asynccontextmanager
async def line(gateway: SmsGateway, *, petitions: int = 1, clock: Clock | None = None) -> AsyncIterator[Line]:
    """A sender with petitions that share one clock."""
    time = clock or Clock()
    standing = Standing(RULES)
    journeys = {
        petition: Journey(petition, time, standing)
        for petition in (make(START, chance) for chance in range(petitions))
    }
    broken: list[str] = []
    desk, sender = Desk(journeys), sender_for(gateway, standing, time)
    desk.sender = sender
    sender.bind(desk, broken.append)
    sender.attend(Permissive(), NOWHERE)
    await sender.start()
    try:
        yield Line(desk, sender, time, broken)
    finally:
        await sender.stop()
    assert [] == broken


async def test_a_claim_is_handed_over_and_its_end_is_stated() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        made.tell(*BEGUN)
        await made.until(State.SENT)
    (message,) = gateway.sent
    petition = made.journey().petition
    assert message.to == "+8613800000004"
    assert message.sign == "长沙信访"
    assert message.reference == f"{petition}.registered.1.1"
    assert message.text.startswith(f"您好，您反映的事项我们已收到并登记，编号{petition}。")
    assert message.params == {"petition": petition, "tell_by": "2026年3月20日", "query": ""}
    assert message.lease_until == START + LEASE


async def test_the_end_names_its_claim_as_the_cause() -> None:
    async with line(Gateway()) as made:
        made.tell(*BEGUN)
        await made.until(State.SENT)
    assert made.desk.causes == [message_id(NOTIFY, made.journey().petition, 1)]


async def test_messages_that_come_meanwhile_leave_together_and_in_order() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        gateway.gate.clear()
        made.tell(*BEGUN)
        await eventually(lambda: gateway.batches, every=0.005)
        made.tell(TOLD[PetitionAccepted], TOLD[PetitionRouted])
        gateway.gate.set()
        await made.until(State.SENT, State.SENT, State.SENT)
    assert [["registered"], ["accepted", "routed"]] == [
        [message.template for message in batch] for batch in gateway.batches
    ]
    assert gateway.most_at_once == 1


async def test_a_gateway_gets_no_more_calls_at_once_than_it_can_take() -> None:
    gateway = Gateway(caps=Caps(batch=2, window=3, query=True))
    async with line(gateway, petitions=20) as made:
        gateway.gate.clear()
        for number in range(20):
            made.tell(*BEGUN, number=number)
        await eventually(lambda: gateway.at_once == 3, every=0.005)
        gateway.gate.set()
        for number in range(20):
            await made.until(State.SENT, number=number)
    assert gateway.most_at_once == 3
    assert len(gateway.sent) == 20


async def test_what_did_not_leave_is_sent_when_its_pause_is_over() -> None:
    results: list[Result] = [Down("away")]
    gateway = Gateway(answer=lambda m: results.pop() if results else accepted(m))
    async with line(gateway) as made:
        made.tell(*BEGUN)
        await made.until(State.NOT_SENT)
        assert ["gateway scripted: away"] == [r.partition(";")[0] for r in await reasons(made, gateway)]
        made.clock.forward(timedelta(minutes=5))
        made.wake()
        await made.until(State.SENT)
        assert [] == await made.sender.reasons()
    assert [1, 2] == [int(message.reference[-1]) for message in gateway.sent]


def accepted(message: Outbound) -> Result:
    """Take the message."""
    return Gateway().answer(message)


async def reasons(made: Line, gateway: Gateway) -> list[str]:
    """What readiness says while the gateway is still in trouble."""
    gateway.hindrance = Down("away")
    found = await made.sender.reasons()
    gateway.hindrance = None
    return found


async def test_a_gateway_that_raises_leaves_its_messages_unknown_and_the_sender_alive() -> None:
    def raising(_: Outbound) -> Result:
        raise RuntimeError("a fault of the adapter")

    gateway = Gateway(answer=raising, told=lambda _: None)
    async with line(gateway) as made:
        made.tell(*BEGUN)
        await made.until(State.UNKNOWN)
        gateway.answer = accepted
        made.tell(TOLD[PetitionAccepted])
        await made.until(State.UNKNOWN, State.SENT)
    assert 1 == [m.template for m in gateway.sent].count("registered")


async def test_a_gateway_that_answers_for_fewer_leaves_all_unknown() -> None:
    class Short(Gateway):
        async def send(self, batch: object) -> list[Result]:
            del batch
            return []

    async with line(Short(told=lambda _: None)) as made:
        made.tell(*BEGUN)
        await made.until(State.UNKNOWN)


async def test_an_unknown_message_is_asked_for_and_never_sent_blindly() -> None:
    gateway = Gateway(answer=lambda _: Unknown("cut"), told=lambda _: None)
    async with line(gateway) as made:
        made.tell(*BEGUN)
        await made.until(State.UNKNOWN)
        await eventually(lambda: len(gateway.asked) == 1, every=0.005)
        for pause in RULES.ask_after:
            made.clock.forward(pause)
            made.wake()
        await eventually(lambda: len(gateway.asked) == 1 + len(RULES.ask_after), every=0.005)
    assert [State.UNKNOWN] == made.states()
    assert 1 == len(gateway.sent)


async def test_a_claim_whose_sender_died_is_looked_up_and_found() -> None:
    gateway = Gateway(told=lambda attempt: Found(attempt.reference, 2))
    async with line(gateway) as made:
        made.journey().tell(*BEGUN)  # saved, and nobody took it up
        made.clock.forward(LEASE + RULES.grace)
        made.wake()
        await made.until(State.SENT)
    assert [] == gateway.sent


async def test_a_claim_whose_sender_died_before_sending_is_sent_by_another() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        made.journey().tell(*BEGUN)
        made.clock.forward(LEASE + RULES.grace)
        made.wake()
        await made.until(State.SENT)
    assert [f"{made.journey().petition}.registered.1.2"] == [m.reference for m in gateway.sent]


async def test_reports_are_repeated_while_the_database_is_away() -> None:
    async with line(Gateway()) as made:
        made.desk.unavailable = 3
        made.tell(*BEGUN)
        await made.until(State.SENT)


async def test_a_report_for_a_parked_petition_holds_up_nobody() -> None:
    async with line(Gateway(), petitions=2) as made:
        made.desk.parked = True
        made.tell(*BEGUN)
        await eventually(lambda: made.sender.idle, every=0.005)
        made.desk.parked = False
        made.tell(*BEGUN, number=1)
        await made.until(State.SENT, number=1)
        assert [State.CLAIMED] == made.states(0)


async def test_a_person_erased_between_claim_and_sending_gets_nothing() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        facts = made.journey().tell(*BEGUN)
        made.journey().erase(DOSSIERS)
        made.desk.saved(made.journey().petition, facts)
        await made.until(State.NOT_SENT)
        made.clock.forward(timedelta(minutes=5))
        made.wake()
        await made.until(State.SKIPPED)
    assert [] == gateway.sent


async def test_a_text_that_is_not_in_the_table_any_more_waits_visibly() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        journey = made.journey()
        facts = journey.tell(*BEGUN)
        own = journey.docket.own
        old = replace(own, messages=tuple(replace(m, version="1999-01-01") for m in own.messages))
        made.sender.saved(replace(journey.docket, own=old), facts, woken=False)
        await made.until(State.NOT_SENT)
    assert "text-missing" == made.journey().messages[0].reason
    assert [] == gateway.sent


async def test_a_gateway_that_cannot_start_is_a_reason_not_to_be_ready() -> None:
    async with line(Gateway(hindrance=Misconfigured("no-credentials"))) as made:
        (reason,) = await made.sender.reasons()
        assert reason.startswith("gateway scripted: no-credentials;")


async def test_stopping_finishes_what_is_under_way_and_takes_nothing_more() -> None:
    gateway = Gateway()
    async with line(gateway) as made:
        made.tell(*BEGUN)
        await eventually(lambda: gateway.batches, every=0.005)
        await made.sender.stop()
        assert [State.SENT] == made.states()
        made.tell(TOLD[PetitionAccepted])
        assert [State.SENT, State.CLAIMED] == made.states()
    assert gateway.stopped
    assert 1 == len(gateway.sent)


async def test_a_step_that_breaks_ends_the_process_and_not_silently() -> None:
    async def breaking(_: str) -> None:
        raise RuntimeError("a fault of ours")

    gateway = Gateway()
    async with line(gateway) as made:
        made.sender.on_step = breaking
        made.tell(*BEGUN)
        await eventually(lambda: made.broken, every=0.005)
        assert ["sending broke"] == made.broken
        made.broken.clear()
    assert [] == gateway.sent


async def test_the_real_file_has_each_message_once_through_crashes_of_its_senders(tmp_path: Path) -> None:
    clock = Clock()
    outbox = Outbox(tmp_path / "outbox.jsonl", clock)
    async with line(outbox, petitions=30, clock=clock) as made:
        for number in range(30):
            journey = made.journey(number)
            facts = journey.tell(*BEGUN)
            if number % 3 == 0:
                made.desk.saved(journey.petition, facts)  # all goes well
            elif number % 3 == 1:
                await _write_and_die(outbox, journey)
        for number in range(0, 30, 3):
            await made.until(State.SENT, number=number)
        clock.forward(LEASE + RULES.grace)
        for number in range(30):
            made.wake(number)
        for number in range(30):
            await made.until(State.SENT, number=number)
    written = [line["reference"].rpartition(".")[0] for line in lines(outbox)]
    assert sorted(written) == sorted(f"{petition}.registered.1" for petition in made.desk.journeys)


async def _write_and_die(outbox: Outbox, journey: Journey) -> None:
    """Append a claimed message as a sender does that is killed before it reports."""
    gateway = Gateway(name="outbox")
    sender = sender_for(gateway, Standing(RULES), journey.clock)
    sender.bind(Desk({journey.petition: journey}, parked=True), lambda _: None)
    sender.attend(Permissive(), NOWHERE)
    claimed = [fact for fact in journey.stated if isinstance(fact, SmsQueued)]
    sender.saved(journey.docket, claimed, woken=False)
    await eventually(lambda: gateway.sent, every=0.005)
    await sender.stop()
    await outbox.send(gateway.sent)


async def test_a_long_queue_drains(tmp_path: Path) -> None:
    clock, count = Clock(), 2000
    outbox = Outbox(tmp_path / "outbox.jsonl", clock)
    async with line(outbox, petitions=count, clock=clock) as made:
        for journey in made.desk.journeys.values():
            made.desk.saved(journey.petition, journey.tell(*BEGUN))
        last = list(made.desk.journeys.values())[-1]
        await eventually(lambda: last.messages[0].state is State.SENT, deadline=20)
        await eventually(lambda: made.sender.idle)
    assert count == len(lines(outbox))
