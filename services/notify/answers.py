"""What people answer by SMS: kept first, then understood, then put to the question that it answers.

The words are personal: they stay on a shelf (`letters.py`), where staff read them; a fact carries a code.
A reply is put to a question by the digits behind the sender's number, else only if exactly one is open.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.notify import ReplyKind
from runtime.clock import Clock
from runtime.commands import Asked, UnavailableError
from runtime.store import DatabaseError, Store
from services.notify import replies
from services.notify.docket import Docket
from services.notify.ledger import Ledger, Question
from services.notify.letters import DONE, KEPT, NEW, SHELF, STAFF, in_state
from services.notify.metrics import REPLIES
from services.notify.numbers import Usable, read
from services.notify.outcomes import Reply, decide_reply
from services.notify.sms import Inbound
from services.notify.standing import Standing
from services.notify.trail import Asker

log = structlog.get_logger()

# What this process took and did not get done is taken up again after this long.
LEFT_BEHIND: Final = timedelta(seconds=30)
AT_ONCE: Final = 200


class Answers:
    """Takes replies in and brings them to their petitions."""

    def __init__(self, store: Store, asker: Asker, standing: Standing, ledger: Ledger, clock: Clock) -> None:
        self._store, self._asker, self._standing = store, asker, standing
        self._ledger, self._clock = ledger, clock

    async def take(self, batch: Sequence[Inbound]) -> None:
        """Keep replies, once each, and deal with them; what is kept is dealt with later if not now."""
        now = self._clock.now()
        documents = {_id(inbound): _document(inbound, now) for inbound in batch}
        new = await self._store.shelf(SHELF).add(list(documents.values()))
        for reply in new:
            try:
                await self._deal(documents[reply])
            except (UnavailableError, DatabaseError) as error:
                log.warning("reply_kept", reason=type(error).__name__)

    async def left_behind(self) -> int:
        """Deal with what was kept and not dealt with (somebody died); returns how many."""
        query = in_state(NEW) | {"at": {"$lt": self._clock.now() - LEFT_BEHIND}}
        found = await self._store.shelf(SHELF).find(query, limit=AT_ONCE)
        for document in found:
            await self._deal(document)
        return len(found)

    async def _deal(self, document: dict[str, Any]) -> None:
        sender = read(document["sender"])
        understood = replies.understand(document["text"])
        if not isinstance(sender, Usable):
            return await self._done(document, STAFF, ReplyKind.UNCLEAR, None)
        match understood:
            case replies.OptOut() | replies.OptIn():
                return await self._opt(document, sender.e164, out=isinstance(understood, replies.OptOut))
            case replies.Rating(score=score):
                question = await self._question(document, sender.e164)
                return await self._rate(document, sender.e164, question, score)
            case replies.RatingFor(last4=last, score=score):
                open_ones = await self._ledger.questions(sender.e164, self._clock.now())
                fitting = [q for q in open_ones if replies.last_four(q.petition) == last]
                question = fitting[0] if len({q.petition for q in fitting}) == 1 else None
                return await self._rate(document, sender.e164, question, score)
            case _:
                return await self._unclear(document, sender.e164)

    async def _question(self, document: dict[str, Any], e164: str) -> Question | None:
        """Return the question that a reply answers: never one of two."""
        questions = await self._ledger.questions(e164, self._clock.now())
        if document["extension"]:
            named = [q for q in questions if q.extension == document["extension"]]
            return named[0] if len(named) == 1 else None
        return questions[0] if len(questions) == 1 else None

    async def _rate(self, document: dict[str, Any], e164: str, question: Question | None, score: int) -> None:
        if question is None:
            return await self._unclear(document, e164)
        await self._state(
            question.petition, Reply(document["_id"], ReplyKind.RATING, question.message, score)
        )
        await self._ledger.close(question)
        return await self._done(document, DONE, ReplyKind.RATING, question.petition)

    async def _opt(self, document: dict[str, Any], e164: str, *, out: bool) -> None:
        """An opt-out holds for the number, whichever petition it was told of last."""
        await self._ledger.opt(e164, out=out, now=self._clock.now())
        kind = ReplyKind.OPT_OUT if out else ReplyKind.OPT_IN
        last = await self._ledger.last(e164)
        if last is not None:
            await self._state(last, Reply(document["_id"], kind))
        await self._done(document, DONE, kind, last)

    async def _unclear(self, document: dict[str, Any], e164: str) -> None:
        """Nobody guesses: staff read it, and if a question is open the sender is told once how to answer."""
        questions = await self._ledger.questions(e164, self._clock.now())
        petition = questions[0].petition if questions else await self._ledger.last(e164)
        if petition is not None:
            message = questions[0].message if questions else ""
            await self._state(petition, Reply(document["_id"], ReplyKind.UNCLEAR, message))
        await self._done(document, STAFF, ReplyKind.UNCLEAR, petition)

    async def _state(self, petition: PetitionId, reply: Reply) -> None:
        (answer,) = await self._asker.ask_all([Asked(petition, partial(_decide, self._standing, reply))])
        if isinstance(answer, UnavailableError):
            raise answer

    async def _done(
        self, document: dict[str, Any], state: str, kind: ReplyKind, petition: PetitionId | None
    ) -> None:
        REPLIES.labels(kind).inc()
        change = {"state": state, "kind": str(kind), "petition": petition or ""}
        await self._store.shelf(SHELF).change([(document["_id"], {"$set": change})])


def _id(inbound: Inbound) -> str:
    """Return the name of a reply: the same however often the gateway brings it, and never a number."""
    return sha256(f"{inbound.gateway}/{inbound.id}".encode()).hexdigest()[:32]


def _document(inbound: Inbound, now: datetime) -> dict[str, Any]:
    return {
        "_id": _id(inbound),
        "gateway": inbound.gateway,
        "sender": inbound.sender,
        "text": inbound.text,
        "extension": inbound.extension,
        "at": now,
        "sent": inbound.at,
        "state": NEW,
        "kind": "",
        "petition": "",
        "until": now + KEPT,
    }


def _decide(standing: Standing, reply: Reply, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_reply(standing.rules, docket, reply, now)
