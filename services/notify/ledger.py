"""What notify must know of a telephone number across petitions: how much it got today, and its opt-out.

Stands between a claim and the gateway: the last look. Numbers stand here as hashes, so that nothing personal
stays behind when a person is erased; whoever has the database can still guess them, so it stays closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from contracts.identity import PetitionId
from contracts.notify import SkipReason
from runtime.service import Index, ShelfPlan
from runtime.store import Store
from services.notify.rules import ZONE

NUMBERS: Final = "numbers"
OPT_OUTS: Final = "opt-outs"
QUESTIONS: Final = "questions"
# So long a reply without a question is put to the last petition that the number was told of.
REMEMBERED: Final = timedelta(days=60)
# So long a reply answers the question (facts: the vendors take replies for 48 hours).
ANSWERED_WITHIN: Final = timedelta(hours=48)
MOST_QUESTIONS: Final = 50

SHELVES: Final = (
    ShelfPlan(NUMBERS, expires="until"),
    ShelfPlan(OPT_OUTS),
    ShelfPlan(QUESTIONS, (Index("number", (("number", 1), ("asked", -1))),), expires="until"),
)


@dataclass(frozen=True, slots=True)
class Caps:
    """How many SMS a number gets a day (Asia/Shanghai) at most, in all and of one template; 0: no cap."""

    number: int
    template: int


@dataclass(frozen=True, slots=True)
class Going:
    """A message that is about to leave."""

    to: str
    petition: PetitionId
    message: str
    template: str
    statutory: bool
    question: bool
    extension: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a number was asked."""

    petition: PetitionId
    message: str
    extension: str


def key(e164: str) -> str:
    """Return how a number stands on the shelves."""
    return sha256(e164.encode()).hexdigest()


class Ledger:
    """The numbers of one notify database."""

    def __init__(self, store: Store, caps: Caps) -> None:
        self._store, self._caps = store, caps

    async def look(self, batch: Sequence[Going], now: datetime) -> list[SkipReason | None]:
        """Say of each message why it must not leave; None if it may. Two queries at most for a batch."""
        keys = {going.to: key(going.to) for going in batch}
        wanted = {"_id": {"$in": list(keys.values())}}
        found = await self._store.shelf(NUMBERS).find(wanted, limit=len(keys))
        counted = {entry["_id"]: entry for entry in found if entry["day"] == _day(now)}
        out = await self._opted_out([keys[going.to] for going in batch if not going.statutory])
        return [self._reason(going, counted.get(keys[going.to]), keys[going.to] in out) for going in batch]

    async def _opted_out(self, keys: Sequence[str]) -> set[str]:
        if not keys:
            return set()
        found = await self._store.shelf(OPT_OUTS).find({"_id": {"$in": list(keys)}}, limit=len(keys))
        return {entry["_id"] for entry in found}

    def _reason(self, going: Going, entry: dict[str, Any] | None, opted_out: bool) -> SkipReason | None:
        if opted_out and not going.statutory:
            return SkipReason.OPTED_OUT
        if entry is None:
            return None
        of_template = entry["by"].get(going.template, 0)
        full = bool(self._caps.number) and entry["count"] >= self._caps.number
        return SkipReason.CAP if full or 0 < self._caps.template <= of_template else None

    async def note(self, batch: Sequence[Going], now: datetime) -> None:
        """Count messages that leave, remember what each number was told of last, and what it was asked."""
        numbers = self._store.shelf(NUMBERS)
        await numbers.change([(key(going.to), _counted(going, now)) for going in batch], add=True)
        await self._store.shelf(QUESTIONS).add(
            [
                {
                    "_id": f"{going.petition}.{going.message}",
                    "number": key(going.to),
                    "petition": going.petition,
                    "message": going.message,
                    "extension": going.extension,
                    "asked": now,
                    "until": now + REMEMBERED,
                }
                for going in batch
                if going.question
            ]
        )

    async def questions(self, e164: str, now: datetime) -> list[Question]:
        """Return what a number was asked lately, the newest first (index `number`)."""
        query = asked_of(key(e164), now)
        found = await self._store.shelf(QUESTIONS).find(query, sort=[("asked", -1)], limit=MOST_QUESTIONS)
        return [Question(PetitionId(q["petition"]), q["message"], q["extension"]) for q in found]

    async def close(self, question: Question) -> None:
        """A question was answered: the next reply is to another one."""
        change = {"$set": {"asked": datetime.min.replace(year=2000, tzinfo=ZONE)}}
        await self._store.shelf(QUESTIONS).change([(f"{question.petition}.{question.message}", change)])

    async def last(self, e164: str) -> PetitionId | None:
        """Return the petition that a number was told of last."""
        found = await self._store.shelf(NUMBERS).find({"_id": key(e164)}, limit=1)
        return PetitionId(found[0]["last"]) if found else None

    async def opt(self, e164: str, *, out: bool, now: datetime) -> None:
        """Keep that a number wants no messages any more that it need not get, or wants them again."""
        shelf = self._store.shelf(OPT_OUTS)
        if out:
            await shelf.add([{"_id": key(e164), "at": now}])
        else:
            await shelf.remove({"_id": key(e164)})


def asked_of(number: str, now: datetime) -> dict[str, Any]:
    """Return the query for the questions that a number may still answer."""
    return {"number": number, "asked": {"$gt": now - ANSWERED_WITHIN}}


def _day(now: datetime) -> str:
    return now.astimezone(ZONE).date().isoformat()


def _counted(going: Going, now: datetime) -> list[dict[str, Any]]:
    """Return the change that counts one message; the counts of another day are forgotten by it."""
    day = _day(now)
    today = {"$eq": ["$day", day]}
    of_template = {"$ifNull": [f"$by.{going.template}", 0]}
    one_more = {"$mergeObjects": ["$by", {going.template: {"$add": [of_template, 1]}}]}
    return [
        {
            "$set": {
                "count": {"$cond": [today, {"$add": ["$count", 1]}, 1]},
                "by": {"$cond": [today, one_more, {"$literal": {going.template: 1}}]},
                "day": day,
                "last": going.petition,
                "until": now + REMEMBERED,
            }
        }
    ]
