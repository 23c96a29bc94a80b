"""What notify must know of a telephone number across petitions: how much it got today, and its opt-out.

Stands between a claim and the gateway: the last look. Numbers stand on its shelves as hashes, so that nothing
personal stays behind when a person is erased; who has the database can still guess them, so it stays closed.
"""

from collections import Counter
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
from services.notify.store import last_told

NUMBERS: Final = "numbers"
OPT_OUTS: Final = "opt-outs"
QUESTIONS: Final = "questions"
# So many messages a day are counted in this process alone: nearly every number gets fewer, and for these
# the database is not asked. A cap therefore holds to within so many for each instance that runs.
UNCOUNTED: Final = 10
# Beyond so many numbers the day's count begins anew rather than filling the memory.
MOST_REMEMBERED: Final = 500_000
# So long a reply answers the question (facts: the vendors take replies for 48 hours).
ANSWERED_WITHIN: Final = timedelta(hours=48)
MOST_QUESTIONS: Final = 50
NEVER: Final = datetime(2000, 1, 1, tzinfo=ZONE)

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
        self._capped = bool(caps.number or caps.template)
        self._day = ""
        self._today: Counter[str] = Counter()

    async def look(self, batch: Sequence[Going], now: datetime) -> list[SkipReason | None]:
        """Say of each message why it must not leave; None if it may. Two queries at most for a batch."""
        counted = await self._counted(batch, now)
        out = await self._opted_out([key(going.to) for going in batch if not going.statutory])
        return [self._reason(going, counted.get(going.to), out) for going in batch]

    async def _counted(self, batch: Sequence[Going], now: datetime) -> dict[str, dict[str, Any]]:
        """Return what is stored of the numbers that got many messages today."""
        if not self._capped:
            return {}
        self._begin(now)
        many = {going.to: key(going.to) for going in batch if self._today[going.to] >= UNCOUNTED}
        if not many:
            return {}
        query = {"_id": {"$in": list(many.values())}}
        found = {d["_id"]: d for d in await self._store.shelf(NUMBERS).find(query, limit=len(many))}
        return {
            to: found[name] for to, name in many.items() if name in found and found[name]["day"] == self._day
        }

    async def _opted_out(self, keys: Sequence[str]) -> set[str]:
        if not keys:
            return set()
        found = await self._store.shelf(OPT_OUTS).find({"_id": {"$in": list(keys)}}, limit=len(keys))
        return {entry["_id"] for entry in found}

    def _reason(self, going: Going, entry: dict[str, Any] | None, out: set[str]) -> SkipReason | None:
        if not going.statutory and key(going.to) in out:
            return SkipReason.OPTED_OUT
        if not self._capped:
            return None
        here, kind = self._today[going.to], self._today[f"{going.to} {going.template}"]
        in_all = min(here, UNCOUNTED) + (entry["count"] if entry else 0)
        of_kind = max(kind, entry["by"].get(going.template, 0) if entry else 0)
        full = 0 < self._caps.number <= in_all or 0 < self._caps.template <= of_kind
        return SkipReason.CAP if full else None

    def _begin(self, now: datetime) -> None:
        day = now.astimezone(ZONE).date().isoformat()
        if day != self._day or len(self._today) > MOST_REMEMBERED:
            self._day = day
            self._today.clear()

    async def note(self, batch: Sequence[Going], now: datetime) -> None:
        """Count messages that leave, and remember what numbers were asked."""
        if self._capped:
            self._begin(now)
            many = [going for going in batch if self._today[going.to] >= UNCOUNTED]
            for going in batch:
                self._today[going.to] += 1
                self._today[f"{going.to} {going.template}"] += 1
            changes = [(key(going.to), _one_more(going, self._day, now)) for going in many]
            await self._store.shelf(NUMBERS).change(changes, add=True)
        await self._store.shelf(QUESTIONS).add(
            [
                {
                    "_id": f"{going.petition}.{going.message}",
                    "number": key(going.to),
                    "petition": going.petition,
                    "message": going.message,
                    "extension": going.extension,
                    "asked": now,
                    "until": now + ANSWERED_WITHIN,
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
        change = {"$set": {"asked": NEVER}}
        await self._store.shelf(QUESTIONS).change([(f"{question.petition}.{question.message}", change)])

    async def last(self, e164: str) -> PetitionId | None:
        """Return the newest petition of a number."""
        return await last_told(self._store, e164)

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


def _one_more(going: Going, day: str, now: datetime) -> list[dict[str, Any]]:
    """Return the change that counts one message; the counts of another day are forgotten by it."""
    today = {"$eq": ["$day", day]}
    of_template = {"$ifNull": [f"$by.{going.template}", 0]}
    one_more = {"$mergeObjects": ["$by", {going.template: {"$add": [of_template, 1]}}]}
    return [
        {
            "$set": {
                "count": {"$cond": [today, {"$add": ["$count", 1]}, 1]},
                "by": {"$cond": [today, one_more, {"$literal": {going.template: 1}}]},
                "day": day,
                "until": now + timedelta(days=2),
            }
        }
    ]
