"""No look at notify's shelves reads more than it gives: numbers, questions, receipts, replies, spending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.identity import PetitionId, make
from runtime.commands import Asked, UnavailableError
from runtime.consume import Answer, Stated
from runtime.service import Service
from runtime.store import Store
from services.notify import answers, ledger, letters, receipts, spending
from services.notify.answers import Answers
from services.notify.ledger import UNCOUNTED, Caps, Going, Ledger
from services.notify.letters import Letters, Place
from services.notify.receipts import Receipts
from services.notify.rules import Prices
from services.notify.sms import Accepted, Delivery, Inbound, Receipt
from services.notify.spending import Spending
from services.notify.standing import Standing
from services.notify.trail import Sent
from tests.notify.journey import RULES, START, Clock
from tests.stores.conftest import Database
from tests.stores.profiled import profiled
from tests.stores.services import SERVICES

pytestmark = pytest.mark.real

MANY = 2000
TEN = range(10)
FAR = START + timedelta(days=36500)
PLANNED = SERVICES["notify"].shelves


def number(n: int) -> str:
    return f"+86139{n:08d}"


def petition(n: int) -> PetitionId:
    return make(START, n)


def shelved(n: int) -> dict[str, dict[str, Any]]:
    """The n-th of many on each shelf."""
    key, at = ledger.key(number(n)), START - timedelta(minutes=n)
    state = (letters.STAFF, letters.READ, letters.DONE, letters.NEW)[n % 4]
    return {
        ledger.NUMBERS: {"_id": key, "day": "2026-11-22", "count": 1, "by": {}, "last": petition(n)},
        ledger.OPT_OUTS: {"_id": key, "at": START},
        ledger.QUESTIONS: {
            "_id": f"{petition(n)}.rating-asked.1",
            "number": ledger.key(number(n % 100)),
            "petition": petition(n),
            "message": "rating-asked.1",
            "extension": "",
            "asked": at,
        },
        receipts.SENT_IDS: {
            "_id": f"{petition(n)}.registered.1.1",
            "petition": petition(n),
            "message": "registered.1",
            "attempt": 1,
            "ids": [f"smpp/{n}-1", f"smpp/{n}-2"],
            "expected": 2,
            "got": {},
        },
        receipts.WAITING: {
            "_id": f"smpp/w{n}/delivered",
            "name": f"smpp/w{n}",
            "gateway": "smpp",
            "id": f"w{n}",
            "delivery": "delivered",
            "mark": "",
            "code": "",
            "to": key,
            "at": at,
            "said": at,
        },
        letters.SHELF: {
            "_id": f"{n:032x}",
            "gateway": "smpp",
            "sender": number(n),
            "text": "谢谢",
            "extension": "",
            "at": at,
            "sent": at,
            "state": state,
            "kind": "unclear",
            "petition": petition(n) if n % 2 else "",
        },
        spending.SHELF: {"_id": f"2024-01-{n}/smpp", "segments": 1, "results": {}},
    }


class Deaf:
    """Takes whatever it is asked, and states nothing."""

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Take all."""
        return [Stated(())] * len(asked)


class Shelves:
    """All that uses notify's shelves."""

    def __init__(self, store: Store) -> None:
        standing, clock = Standing(RULES), Clock()
        self.ledger = Ledger(store, Caps(number=100, template=50))
        self.receipts = Receipts(store, Deaf(), standing, clock, lambda _docket, _message: 1)
        self.answers = Answers(store, Deaf(), standing, self.ledger, clock)
        self.letters = Letters(store)
        self.spending = Spending(store, Prices(Decimal(0)), clock)

    async def counts(self) -> None:
        """Count messages to numbers that got so many today that they are counted on the shelf."""
        for _ in range(UNCOUNTED + 1):
            await self.ledger.note([going(n) for n in TEN], START)

    async def looks(self) -> None:
        """Look whether such numbers may get more."""
        await self.counts()
        await self.ledger.look([going(n) for n in TEN], START)

    async def keeps(self) -> None:
        """Keep what was counted."""
        self.spending.note("smpp", [Accepted("a", 2)])
        await self.spending.keep()


def going(n: int) -> Going:
    return Going(
        to=number(n),
        petition=petition(n),
        message="registered.1",
        template="registered",
        statutory=False,
        question=n % 2 == 0,
        extension="",
    )


def receipt(name: str, to: str = "") -> Receipt:
    return Receipt(gateway="smpp", delivery=Delivery.DELIVERED, at=START, id=name, to=to)


def inbound(n: int, text: str) -> Inbound:
    return Inbound(gateway="smpp", id=f"new-{n}", sender=number(n), text=text, at=START)


LOOKS: dict[str, tuple[Callable[[Shelves], Awaitable[Any]], int]] = {
    "the last look": (Shelves.looks, 10),
    "counting": (Shelves.counts, 1),
    "a number's questions": (lambda all_: all_.ledger.questions(number(7), START), 20),
    "a number's last petition": (lambda all_: all_.ledger.last(number(7)), 1),
    "opting out": (lambda all_: all_.ledger.opt(number(7), out=False, now=START), 1),
    "registering": (
        lambda all_: all_.receipts.register(
            [Sent("smpp", petition(n), f"w.{n}", 1, (f"w{n}",), 1) for n in TEN],
            START,
        ),
        10,
    ),
    "receipts": (lambda all_: all_.receipts.take([receipt(f"{n}-1") for n in TEN]), 10),
    "foreign receipts": (lambda all_: all_.receipts.take([receipt(f"x{n}") for n in TEN]), 0),
    "guessing": (lambda all_: all_.receipts.guess(), receipts.MOST_GUESSED),
    "a reply": (lambda all_: all_.answers.take([inbound(7, "谢谢你们")]), 20),
    "an opt-out": (lambda all_: all_.answers.take([inbound(7, "TD")]), 1),
    "replies left behind": (lambda all_: all_.answers.left_behind(), answers.AT_ONCE),
    "replies to read": (lambda all_: all_.letters.listed(letters.STAFF, after=None, limit=30), 30),
    "the next page": (
        lambda all_: all_.letters.listed(
            letters.STAFF, after=Place(START - timedelta(minutes=400), f"{400:032x}"), limit=30
        ),
        31,
    ),
    "a petition's replies": (lambda all_: all_.letters.of(petition(7)), 1),
    "one reply": (lambda all_: all_.letters.one(f"{7:032x}"), 1),
    "read": (lambda all_: all_.letters.read(f"{7:032x}", by="clerk-1", now=START), 1),
    "shown": (lambda all_: all_.letters.shown(f"{7:032x}", to="clerk-1"), 1),
    "the erased": (lambda all_: all_.letters.forget_erased(), letters.AT_ONCE),
    "today": (lambda all_: all_.spending.today(["smpp", "aliyun"]), 2),
    "keeping": (Shelves.keeps, 1),
}


@pytest.fixture
async def shelves(open_store: Callable[[Service[Any]], Store], database: Database) -> Shelves:
    """All shelves, with many things on each."""
    store = open_store(SERVICES["notify"])
    await store.prepare()
    for plan in PLANNED:
        rows = ({**shelved(n)[plan.name], "until": FAR} for n in range(MANY))
        await database[plan.name].insert_many(list(rows))
    return Shelves(store)


@pytest.mark.parametrize("name", LOOKS)
async def test_each_look_at_a_shelf_is_led_by_an_index(
    shelves: Shelves, database: Database, name: str
) -> None:
    call, documents = LOOKS[name]
    async with profiled(database) as ran:
        await call(shelves)
    assert ran
    for one in ran:
        assert one.indexed, one
        assert one.documents <= documents, one


async def test_every_shelf_is_looked_at_by_some_test(shelves: Shelves, database: Database) -> None:
    looked_at = set()
    for call, _ in LOOKS.values():
        async with profiled(database) as ran:
            await call(shelves)
        looked_at |= {plan.name for plan in PLANNED for one in ran if f"'{plan.name}'" in one.command}
    assert {plan.name for plan in PLANNED} == looked_at


async def test_a_look_without_an_index_is_found_out(shelves: Shelves, database: Database) -> None:
    del shelves
    async with profiled(database) as ran:
        await database[letters.SHELF].find({"text": "谢谢"}).to_list(length=1)
        await database[letters.SHELF].find({"state": letters.STAFF}).sort("gateway", 1).to_list(length=1)
    assert [False, False] == [one.indexed for one in ran]
