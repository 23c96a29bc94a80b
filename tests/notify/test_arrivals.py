"""Receipts and replies through the whole of notify, on the real broker and database; a scripted gateway."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionRegistered, PetitionSupplemented
from contracts.mediation import CaseAnswered, CaseOpened
from contracts.notify import (
    ReplyKind,
    ReplyReceived,
    SkipReason,
    SmsDelivered,
    SmsQueued,
    SmsSent,
    SmsSkipped,
    SmsUndelivered,
    SmsUnknown,
)
from contracts.routing import PetitionRouted
from contracts.topics import NOTIFY
from runtime.process import Process
from services.notify import app
from services.notify.gateway import Caps, Sink
from services.notify.messages import Messages, State
from services.notify.sms import Accepted, Delivery, Inbound, Outbound, Receipt, Result, Unknown
from tests.eventually import eventually
from tests.line import Line
from tests.notify.journey import START, Journey, fact_of
from tests.notify.test_line import DEADLINE, petitions

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

PHONE = "+8613800138000"
ASKED = (DossierSaved, PetitionRegistered, PetitionRouted, CaseOpened, CaseAnswered)
Answer = Callable[["Centre", Outbound], Result]


def take(_centre: Centre, message: Outbound) -> Result:
    """Accept in one segment."""
    return Accepted(message.reference, 1, (f"id-{message.reference}",))


@dataclass
class Centre:
    """A gateway that sends receipts and replies when the test says so."""

    answer: Answer = take
    caps: Caps = field(
        default_factory=lambda: Caps(
            batch=10, window=4, query=False, receipts=True, replies=True, extension=4
        )
    )
    name: str = "centre"
    sent: list[Outbound] = field(default_factory=list)
    sink: Sink | None = None
    early: list[Receipt] = field(default_factory=list)

    async def start(self, sink: Sink) -> Result | None:
        """Keep where arrivals go."""
        self.sink = sink
        return None

    def routes(self) -> None:
        """Nobody calls it."""

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Do as the test says; what is in `early` goes out before the answer."""
        results = [self.answer(self, message) for message in batch]
        self.sent.extend(batch)
        early, self.early = self.early, []
        if early and self.sink is not None:
            await self.sink.receipts(early)
        return results

    async def query(self, attempts: Sequence[Any]) -> Sequence[None]:
        """It cannot be asked."""
        return [None] * len(attempts)

    async def stop(self) -> None:
        """Nothing is held."""

    async def receipt(self, id_: str, delivery: Delivery = Delivery.DELIVERED, **more: Any) -> None:
        """Send one receipt."""
        assert self.sink is not None
        await self.sink.receipts([_receipt(id_, delivery, **more)])

    async def reply(self, text: str, *, id_: str, extension: str = "", sender: str = PHONE) -> None:
        """Bring one reply."""
        assert self.sink is not None
        reply = Inbound(gateway=self.name, id=id_, sender=sender, text=text, at=START, extension=extension)
        await self.sink.inbound([reply])


def _receipt(id_: str, delivery: Delivery, **more: Any) -> Receipt:
    return Receipt(gateway="centre", delivery=delivery, at=START, id=id_, **more)


@asynccontextmanager
async def running(
    line: Line, patch: pytest.MonkeyPatch, centre: Centre, **changes: object
) -> AsyncIterator[Process]:
    """Notify with this gateway."""
    patch.setattr(app, "build", partial(_build, gateway=centre))
    async with line.running("notify", changes=changes) as (process, _):
        yield process


_build = app.build


async def tell(line: Line, petition: PetitionId, kinds: Sequence[type[Fact]], phone: str = PHONE) -> None:
    """Publish what the neighbours state."""
    journey = Journey(petition)
    for kind in kinds:
        delivery = journey.deliver(fact_of(kind, **({"phone": phone} if kind is DossierSaved else {})))
        assert delivery.value is not None
        await line.send(delivery.topic, delivery.value, key=petition)


async def stated(line: Line) -> list[tuple[PetitionId, Fact]]:
    """All that notify has stated."""
    distinct = {message.envelope.id: message for message in await line.messages(NOTIFY.name)}
    return [(message.petition, message.fact) for message in distinct.values() if message.fact is not None]


async def facts(line: Line, kind: type[Fact], count: int) -> list[Any]:
    """The facts of a kind once there are so many; what is too many comes too."""

    async def found() -> list[Fact]:
        of_kind = [fact for _, fact in await stated(line) if type(fact) is kind]
        assert len(of_kind) >= count, Counter(type(fact).__name__ for _, fact in await stated(line))
        return of_kind

    return await eventually(found, deadline=DEADLINE, every=0.2)


async def messages_of(process: Process, petition: PetitionId) -> Messages:
    """Where the messages of a petition stand."""
    record = (await process.store.load([petition]))[petition]
    own: Messages = record.parts["own"]
    return own


async def test_a_receipt_that_comes_before_the_answer_finds_its_message(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 5: it waits until its id is known."""

    def early(centre: Centre, message: Outbound) -> Result:
        accepted = take(centre, message)
        assert isinstance(accepted, Accepted)
        centre.early.append(_receipt(accepted.ids[0], Delivery.DELIVERED))
        return accepted

    (petition,) = petitions(1)
    async with running(line, monkeypatch, Centre(early)):
        await tell(line, petition, (DossierSaved, PetitionRegistered))
        await facts(line, SmsDelivered, 1)
    kinds = [type(fact) for _, fact in await stated(line)]
    assert kinds.count(SmsDelivered) == 1
    assert SmsUndelivered not in kinds


async def test_an_early_receipt_is_not_forgotten_when_the_database_goes_away_between(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is kept and nobody has taken up the receipt: the next look does."""
    centre = Centre()
    (petition,) = petitions(1)
    monkeypatch.setattr("services.notify.receipts.EARLY", timedelta(0))
    monkeypatch.setattr("services.notify.arrivals.EVERY", 0.5)
    async with running(line, monkeypatch, centre) as process:
        await tell(line, petition, (DossierSaved, PetitionRegistered))
        await facts(line, SmsSent, 1)
        left = {"_id": "centre/left/delivered", "name": f"centre/id-{petition}.registered.1.1"}
        said = {"gateway": "centre", "id": f"id-{petition}.registered.1.1", "delivery": "delivered"}
        more = {"code": "", "to": "", "mark": None, "at": START, "said": START}
        await process.store.shelf("receipts").add([left | said | more])
        await facts(line, SmsDelivered, 1)

        async def gone() -> bool:
            return not await process.store.shelf("receipts").find({}, limit=5)

        await eventually(gone, deadline=DEADLINE)


async def test_receipts_in_any_order_doubled_and_foreign_move_each_message_once(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 6, with two segments: delivered is what is delivered whole."""

    def in_two(_centre: Centre, message: Outbound) -> Result:
        return Accepted(message.reference, 2, (f"{message.reference}-1", f"{message.reference}-2"))

    centre = Centre(in_two)
    first, second = petitions(2)
    async with running(line, monkeypatch, centre) as process:
        await asyncio.gather(*(tell(line, p, (DossierSaved, PetitionRegistered)) for p in (first, second)))
        await facts(line, SmsSent, 2)
        whole, broken = (f"{petition}.registered.1.1" for petition in (first, second))
        await centre.receipt(f"{whole}-2")
        await centre.receipt(f"{broken}-2")
        await centre.receipt("of-somebody-else")
        own = await messages_of(process, first)
        assert own.messages[0].state is State.SENT, "half a message is not delivered"
        for _ in range(2):
            await centre.receipt(f"{whole}-1")
            await centre.receipt(f"{broken}-1", Delivery.FAILED, code="UNDELIV")
        await facts(line, SmsDelivered, 1)
        failed = await facts(line, SmsUndelivered, 1)
        foreign = await process.store.shelf("receipts").find({"name": "centre/of-somebody-else"}, limit=5)
    counted = Counter((petition, type(fact)) for petition, fact in await stated(line))
    assert (counted[first, SmsDelivered], counted[second, SmsUndelivered]) == (1, 1)
    assert counted[second, SmsDelivered] == counted[first, SmsUndelivered] == 0
    assert [fact.code for fact in failed] == ["UNDELIV"]
    assert len(foreign) == 1
    assert PHONE not in repr(foreign)


async def test_an_unknown_message_is_settled_by_the_only_receipt_that_fits(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 2, its end: the answer was lost, so its id is not known; the number tells."""
    centre = Centre(lambda _centre, _message: Unknown("no-answer"))
    first, other = petitions(2)
    monkeypatch.setattr("services.notify.receipts.EARLY", timedelta(0))
    monkeypatch.setattr("services.notify.arrivals.EVERY", 0.2)
    async with running(line, monkeypatch, centre) as process:
        await tell(line, first, (DossierSaved, PetitionRegistered))
        await tell(line, other, (DossierSaved, PetitionRegistered), "13900000001")
        await facts(line, SmsUnknown, 2)
        # It leaves in two segments: one receipt says nothing of the whole.
        await centre.receipt("smsc-77", to="8613800138000")
        await centre.receipt("smsc-78", to="8613800138000")
        (delivered,) = await facts(line, SmsDelivered, 1)
        assert delivered.message == "registered.1"
        own = await messages_of(process, other)
        assert own.messages[0].state is State.UNKNOWN
        assert not await process.store.shelf("receipts").find({}, limit=5)
    assert [first] == [petition for petition, fact in await stated(line) if isinstance(fact, SmsDelivered)]


async def test_an_answer_that_comes_late_names_its_message(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 3, its end: the message counted as unknown, was never sent again, and is known after all."""
    centre = Centre(lambda _centre, _message: Unknown("no-answer"))
    (petition,) = petitions(1)
    async with running(line, monkeypatch, centre) as process:
        await tell(line, petition, (DossierSaved, PetitionRegistered))
        await facts(line, SmsUnknown, 1)
        for id_ in ("a", "b"):
            await centre.receipt(id_, Delivery.PENDING, reference=f"{petition}.registered.1.1")
        (sent,) = await facts(line, SmsSent, 1)
        assert (sent.segments, sent.reference) == (2, "a")
        await centre.receipt("a")
        assert (await messages_of(process, petition)).messages[0].state is State.SENT
        await centre.receipt("b")
        await facts(line, SmsDelivered, 1)
    assert len(centre.sent) == 1


async def asked(line: Line, centre: Centre, wanted: Sequence[PetitionId]) -> dict[PetitionId, Outbound]:
    """Let these petitions be asked for a rating; answers the questions."""
    await asyncio.gather(*(tell(line, petition, ASKED) for petition in wanted))

    def questions() -> dict[PetitionId, Outbound]:
        found = {PetitionId(m.petition): m for m in centre.sent if m.template == "rating-asked"}
        assert set(found) == set(wanted)
        return found

    return await eventually(questions, deadline=DEADLINE)


async def test_with_three_open_questions_a_five_rates_only_what_it_names(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 19: by the extension, else by the end of the petition's id, else nothing is rated."""
    centre = Centre()
    one, two, three = wanted = petitions(3)
    async with running(line, monkeypatch, centre):
        questions = await asked(line, centre, wanted)
        assert len({question.extension for question in questions.values()}) == 3
        assert all(len(question.extension) == 4 for question in questions.values())
        await centre.reply("5", id_="mo-1")
        await facts(line, ReplyReceived, 1)
        await centre.reply("5", id_="mo-2", extension=questions[two].extension)
        await centre.reply(f"{three[-4:]} 2", id_="mo-3")
        await facts(line, ReplyReceived, 3)
        await eventually(lambda: "rating-help" in {m.template for m in centre.sent}, deadline=DEADLINE)
        # Now one question is open, so a bare score is clear.
        await centre.reply("非常满意", id_="mo-4")
        await facts(line, ReplyReceived, 4)
    rated = {
        petition: fact.score
        for petition, fact in await stated(line)
        if isinstance(fact, ReplyReceived) and fact.kind is ReplyKind.RATING
    }
    assert rated == {two: 5, three: 2, one: 5}


async def test_a_reply_that_the_gateway_repeats_is_one_reply(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 20, for the service: the adapter joins the parts, the shelf keeps the reply once."""
    centre = Centre()
    (petition,) = petitions(1)
    async with running(line, monkeypatch, centre) as process:
        await asked(line, centre, [petition])
        await asyncio.gather(*(centre.reply("４分", id_="mo-1") for _ in range(5)))
        await centre.reply("４分", id_="mo-1")
        (received,) = await facts(line, ReplyReceived, 1)
        assert (received.kind, received.score, received.message) == (ReplyKind.RATING, 4, "rating-asked.2")
        kept = await process.store.shelf("replies").find({}, limit=5)
    assert [(reply["state"], reply["petition"]) for reply in kept] == [("done", petition)]
    assert 1 == sum(isinstance(fact, ReplyReceived) for _, fact in await stated(line))


async def test_thanks_for_nothing_in_particular_are_kept_for_staff(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = Centre()
    (petition,) = petitions(1)
    async with running(line, monkeypatch, centre) as process:
        await tell(line, petition, (DossierSaved, PetitionRegistered))
        await facts(line, SmsSent, 1)
        await centre.reply("谢谢你们，孩子上学的事办好了", id_="mo-1")
        await centre.reply("谁啊", id_="mo-2", sender="13700000009")
        (received,) = await facts(line, ReplyReceived, 1)
        kept = await process.store.shelf("replies").find({"state": "staff"}, limit=5)
    assert received.kind is ReplyKind.UNCLEAR
    assert {(reply["text"], reply["petition"]) for reply in kept} == {
        ("谢谢你们，孩子上学的事办好了", petition),
        ("谁啊", ""),
    }
    assert ["registered"] == [message.template for message in centre.sent], "who was not asked is not taught"


async def test_an_opt_out_holds_for_the_number_but_not_for_what_the_law_has_us_tell(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 18: in another petition of the same person too."""
    centre = Centre()
    told, other = petitions(2)
    async with running(line, monkeypatch, centre):
        await tell(line, told, (DossierSaved, PetitionRegistered))
        await facts(line, SmsSent, 1)
        await centre.reply("ＴＤ", id_="mo-1")
        await eventually(lambda: "opted-out" in {m.template for m in centre.sent}, deadline=DEADLINE)
        await tell(line, other, (DossierSaved, PetitionRegistered, PetitionSupplemented))
        (skipped,) = await facts(line, SmsSkipped, 1)
        assert (skipped.template, skipped.reason) == ("supplemented", SkipReason.OPTED_OUT)
        await centre.reply("DY", id_="mo-2")
        await facts(line, ReplyReceived, 2)
    assert Counter(message.template for message in centre.sent) == {"registered": 2, "opted-out": 1}


async def test_a_number_gets_no_more_than_its_cap_a_day(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    centre = Centre()
    wanted = petitions(5)
    async with running(line, monkeypatch, centre, cap_number=3, cap_template=0):
        for petition in wanted:
            await tell(line, petition, (DossierSaved, PetitionRegistered))
            await facts(line, SmsQueued, 1 + wanted.index(petition))
            await eventually(partial(_ended, line, 1 + wanted.index(petition)), deadline=DEADLINE)
    skipped = [fact.reason for _, fact in await stated(line) if isinstance(fact, SmsSkipped)]
    assert (len(centre.sent), skipped) == (3, [SkipReason.CAP] * 2)


async def _ended(line: Line, count: int) -> bool:
    return count == sum(isinstance(fact, SmsSent | SmsSkipped) for _, fact in await stated(line))
