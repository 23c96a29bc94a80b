"""Receipts on their way from a gateway to the message that they are about.

A receipt names the message by our own reference, or by an id that the gateway gave to one segment. It may
come before that id is known here: then it waits on a shelf until the id is registered. What fits nothing
stays there for a while, counted, and may still settle the one message to its number whose end nobody knew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId, parse
from runtime.clock import Clock
from runtime.commands import Asked, UnavailableError
from runtime.service import Index, ShelfPlan
from runtime.store import Store
from services.notify.docket import Docket
from services.notify.domain import Report, decide_reported
from services.notify.ledger import key as hashed
from services.notify.messages import Sms, State
from services.notify.metrics import RECEIPTS
from services.notify.numbers import Usable, read
from services.notify.outcomes import Told, decide_receipt
from services.notify.sms import Accepted, Delivery, Receipt, mark
from services.notify.standing import Standing
from services.notify.store import with_state
from services.notify.trail import Asker, Sent
from services.notify.turns import reference

log = structlog.get_logger()

SENT_IDS: Final = "sent-ids"
WAITING: Final = "receipts"
# Vendors keep receipts for days at most; ours are looked for as long as the longest of them.
KEPT: Final = timedelta(days=10)
# A receipt that came early finds its message within moments: only older ones are guessed about.
EARLY: Final = timedelta(seconds=10)
MOST_GUESSED: Final = 500
# More segments than any message has: what is said of some says nothing of the whole.
NOT_KNOWN: Final = 1000

SHELVES: Final = (
    ShelfPlan(SENT_IDS, (Index("ids", (("ids", 1),)),), expires="until"),
    ShelfPlan(WAITING, (Index("name", (("name", 1),)), Index("at", (("at", 1),))), expires="until"),
)


@dataclass(frozen=True, slots=True)
class Lost:
    """A message of which nobody knows whether it left."""

    petition: PetitionId
    message: Sms
    segments: int

    @property
    def reference(self) -> str:
        """The name of its last attempt."""
        return reference(self.petition, self.message.message, self.message.attempt)


class Receipts:
    """Matches receipts and states what they say.

    `segments` tells of a message of which nobody knows the end in how many segments it leaves.
    """

    def __init__(
        self,
        store: Store,
        asker: Asker,
        standing: Standing,
        clock: Clock,
        segments: Callable[[Docket, Sms], int],
    ) -> None:
        self._store, self._asker, self._standing, self._clock = store, asker, standing, clock
        self._segments = segments

    async def register(self, sent: Sequence[Sent], now: datetime) -> None:
        """Keep the ids, then take up the receipts that came before them."""
        await self._store.shelf(SENT_IDS).add(
            [
                {
                    "_id": f"{one.petition}.{one.message}.{one.attempt}",
                    "petition": one.petition,
                    "message": one.message,
                    "attempt": one.attempt,
                    "ids": [f"{one.gateway}/{id_}" for id_ in one.ids],
                    "expected": one.expected,
                    "got": {},
                    "until": now + KEPT,
                }
                for one in sent
            ]
        )
        await self._early([f"{one.gateway}/{id_}" for one in sent for id_ in one.ids])

    async def _early(self, names: Sequence[str]) -> None:
        """Take up the receipts that came before their ids were known."""
        waiting = self._store.shelf(WAITING)
        if not names:
            return
        early = await waiting.find(named(names), limit=len(names) * len(Delivery))
        if early:
            await self._apply([_receipt(document) for document in early])
            await waiting.remove({"_id": {"$in": [document["_id"] for document in early]}})

    async def take(self, batch: Sequence[Receipt]) -> None:
        """Take receipts; when this returns each is stated, or kept on the shelf."""
        await self._answered_late([receipt for receipt in batch if receipt.id and receipt.reference])
        foreign = await self._apply([receipt for receipt in batch if not (receipt.id and receipt.reference)])
        if foreign:
            await self._keep(foreign)
            # The id may have been registered just between the look and the shelf.
            foreign = await self._apply(foreign)
        waiting = Counter(receipt.gateway for receipt in foreign)
        for gateway, count in Counter(receipt.gateway for receipt in batch).items():
            RECEIPTS.labels(gateway, "waiting").inc(waiting[gateway])
            RECEIPTS.labels(gateway, "applied").inc(count - waiting[gateway])

    async def _answered_late(self, batch: Sequence[Receipt]) -> None:
        """Take in ids that an answer named when its message counted as unknown already."""
        if not batch:
            return
        shelf = self._store.shelf(SENT_IDS)
        known = {r.reference: said for r in batch if (said := _by_reference(r))}
        changes = [(r.reference, _named_late(r, *known[r.reference], self._clock.now())) for r in batch]
        await shelf.change(changes, add=True)
        found = await shelf.find({"_id": {"$in": list(known)}}, limit=len(known))
        await self._ask(
            [
                (known[d["_id"]][0], partial(_decide_sent, self._standing, _accepted(d)))
                for d in found
                if len(d["ids"]) == d["expected"]
            ]
        )
        await self._early([_name(receipt) for receipt in batch])

    async def _apply(self, batch: Sequence[Receipt]) -> list[Receipt]:
        """State what the receipts say; returns those whose message is not known."""
        ours = [(receipt, said) for receipt in batch if (said := _by_reference(receipt))]
        named_ones = [receipt for receipt in batch if _by_reference(receipt) is None]
        told = [said for _, said in ours]
        found, foreign = await self._by_id(named_ones)
        await self._state([*told, *found])
        return foreign

    async def _by_id(self, batch: Sequence[Receipt]) -> tuple[list[tuple[PetitionId, Told]], list[Receipt]]:
        if not batch:
            return [], []
        shelf = self._store.shelf(SENT_IDS)
        query = with_ids({_name(receipt) for receipt in batch})
        known = {i: d for d in await shelf.find(query, limit=len(batch)) for i in d["ids"]}
        matched = [receipt for receipt in batch if _name(receipt) in known]
        changes = [
            (known[_name(r)]["_id"], {"$set": {f"got.{known[_name(r)]['ids'].index(_name(r))}": _got(r)}})
            for r in matched
            if known[_name(r)]["expected"] > 1
        ]
        if changes:
            # Another segment's receipt may be in another process's hands: look again at what is stored.
            await shelf.change(changes)
            again = {"_id": {"$in": [key for key, _ in changes]}}
            known |= {i: d for d in await shelf.find(again, limit=len(changes)) for i in d["ids"]}
        told = [_together(known[_name(receipt)], receipt) for receipt in matched]
        return told, [receipt for receipt in batch if _name(receipt) not in known]

    async def _state(self, told: Iterable[tuple[PetitionId, Told]]) -> None:
        await self._ask(
            [
                (petition, partial(_decide, self._standing, one))
                for petition, one in told
                if one.delivery is not Delivery.PENDING
            ]
        )

    async def _ask(self, decisions: Sequence[tuple[PetitionId, Callable[[Any, datetime], Any]]]) -> None:
        if not decisions:
            return
        asked = [Asked(petition, decide) for petition, decide in decisions]
        for answer in await self._asker.ask_all(asked):
            if isinstance(answer, UnavailableError):
                raise answer

    async def _keep(self, batch: Sequence[Receipt]) -> None:
        now = self._clock.now()
        await self._store.shelf(WAITING).add(
            [
                {
                    "_id": f"{_name(receipt)}/{receipt.delivery}",
                    "name": _name(receipt),
                    "gateway": receipt.gateway,
                    "id": receipt.id,
                    "delivery": str(receipt.delivery),
                    "code": receipt.code,
                    "to": _number(receipt.to),
                    "mark": receipt.mark,
                    "at": now,
                    "said": receipt.at,
                    "until": now + KEPT,
                }
                for receipt in batch
            ]
        )

    async def guess(self) -> int:
        """Settle unknown messages by receipts that fit nothing else; returns how many.

        Receipts fit if their gateway has exactly one unknown message to that number (and with that mark,
        where it echoes one). Delivered is what all segments are.
        """
        waiting = await self._left_behind()
        shelf = self._store.shelf(WAITING)
        if not any(document["to"] for document in waiting):
            return 0
        unknown = await self._unknown()
        told: list[tuple[PetitionId, Told]] = []
        used: list[str] = []
        places: dict[tuple[str, str, int | None], list[dict[str, Any]]] = {}
        for document in waiting:
            place = (document["gateway"], document["to"], document["mark"])
            places.setdefault(place, []).append(document)
        for (gateway, number, echoed), documents in places.items():
            fits = [
                one for one in unknown.get((gateway, number), []) if echoed in {None, mark(one.reference)}
            ]
            if len(fits) == 1 and (said := _said(fits[0], documents)) is not None:
                told.append((fits[0].petition, said))
                used += [document["_id"] for document in documents]
        await self._state(told)
        if used:
            await shelf.remove({"_id": {"$in": used}})
        return len(told)

    async def _left_behind(self) -> list[dict[str, Any]]:
        """Return receipts that fit nothing, the newest first; those whose id is known by now are applied."""
        query = before(self._clock.now() - EARLY)
        shelf = self._store.shelf(WAITING)
        waiting = await shelf.find(query, sort=[("at", -1)], limit=MOST_GUESSED)
        foreign = {_name(receipt) for receipt in await self._apply([_receipt(one) for one in waiting])}
        done = [one["_id"] for one in waiting if one["name"] not in foreign]
        if done:
            await shelf.remove({"_id": {"$in": done}})
        return [one for one in waiting if one["name"] in foreign]

    async def _unknown(self) -> dict[tuple[str, str], list[Lost]]:
        found: dict[tuple[str, str], list[Lost]] = {}
        for record in await with_state(self._store, State.UNKNOWN, after="", limit=MOST_GUESSED):
            docket = Docket(petition=record.petition, **record.parts)
            number = _number(docket.dossier.phone)
            for message in docket.own.messages:
                if message.state is State.UNKNOWN and not message.recipient and number:
                    lost = Lost(docket.petition, message, self._segments(docket, message))
                    found.setdefault((message.gateway, number), []).append(lost)
        return found


def _said(lost: Lost, documents: Sequence[dict[str, Any]]) -> Told | None:
    """Take together what is said of a message; None while a segment is silent."""
    told = partial(Told, lost.message.message, lost.message.attempt)
    failed = next((d["code"] for d in documents if d["delivery"] == Delivery.FAILED), None)
    if failed is not None:
        return told(Delivery.FAILED, failed)
    delivered = sum(document["delivery"] == Delivery.DELIVERED for document in documents)
    return told(Delivery.DELIVERED) if 0 < lost.segments <= delivered else None


def named(names: Iterable[str]) -> dict[str, Any]:
    """Return the query for receipts that wait for these ids."""
    return {"name": {"$in": list(names)}}


def with_ids(names: Iterable[str]) -> dict[str, Any]:
    """Return the query for the attempts with these ids."""
    return {"ids": {"$in": list(names)}}


def before(moment: datetime) -> dict[str, Any]:
    """Return the query for receipts that have waited since before `moment`."""
    return {"at": {"$lt": moment}}


def _name(receipt: Receipt) -> str:
    return f"{receipt.gateway}/{receipt.id or receipt.reference}"


def _got(receipt: Receipt) -> list[str]:
    return [str(receipt.delivery), receipt.code]


def _number(written: str) -> str:
    number = read(written) if written else None
    return hashed(number.e164) if isinstance(number, Usable) else ""


def _by_reference(receipt: Receipt) -> tuple[PetitionId, Told] | None:
    """Read our own reference: petition, message, attempt."""
    unique, _, attempt = receipt.reference.rpartition(".")
    written, _, message = unique.partition(".")
    petition = parse(written)
    if petition is None or not message or not attempt.isdecimal():
        return None
    return petition, Told(message, int(attempt), receipt.delivery, receipt.code)


def _together(document: dict[str, Any], receipt: Receipt) -> tuple[PetitionId, Told]:
    """Take the segments of an attempt together: delivered if all are, failed if one is."""
    told = partial(Told, document["message"], document["attempt"])
    petition = PetitionId(document["petition"])
    if document["expected"] == 1:
        return petition, told(receipt.delivery, receipt.code)
    got = document["got"].values()
    failed = next((code for delivery, code in got if delivery == Delivery.FAILED), None)
    if failed is not None:
        return petition, told(Delivery.FAILED, failed)
    delivered = sum(delivery == Delivery.DELIVERED for delivery, _ in got)
    return petition, told(Delivery.DELIVERED if delivered == document["expected"] else Delivery.PENDING)


def _named_late(receipt: Receipt, petition: PetitionId, told: Told, now: datetime) -> dict[str, Any]:
    """Return the change that adds an id to its attempt; how many there are to be was kept with the others."""
    return {
        "$addToSet": {"ids": _name(receipt)},
        "$setOnInsert": {
            "petition": petition,
            "message": told.message,
            "attempt": told.attempt,
            "expected": NOT_KNOWN,
            "got": {},
            "until": now + KEPT,
        },
    }


def _accepted(document: dict[str, Any]) -> Report:
    first = document["ids"][0].partition("/")[2]
    result = Accepted(first, document["expected"])
    return Report(document["message"], document["attempt"], result)


def _decide_sent(standing: Standing, report: Report, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_reported(standing.rules, docket, report, now)


def _receipt(document: dict[str, Any]) -> Receipt:
    return Receipt(
        gateway=document["gateway"],
        id=document["id"],
        delivery=Delivery(document["delivery"]),
        code=document["code"],
        at=document["said"],
    )


def _decide(standing: Standing, told: Told, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_receipt(standing.rules, docket, told, now)
