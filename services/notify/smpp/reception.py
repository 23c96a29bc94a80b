"""Takes what the centre delivers to the sink, in batches, and acknowledges only what the sink has durable.

What the sink does not take is answered with "temporary error" (0x64): the centre keeps it and delivers it
again. One round at a time, so that a slow database slows the centre down; what comes when too much waits is
refused in the same way.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from runtime.clock import Clock
from services.notify.gateway import Sink
from services.notify.metrics import SMPP_HEARD
from services.notify.smpp import receipts
from services.notify.smpp.joining import Joining, Whole
from services.notify.smpp.naming import Names
from services.notify.smpp.outcome import Rejected, Taken, code
from services.notify.smpp.pdu import Frame, MalformedError, ShortMessage, Status
from services.notify.smpp.receipts import Said, Told
from services.notify.smpp.session import Session
from services.notify.smpp.settings import Settings
from services.notify.sms import Delivery, Inbound, Receipt

log = structlog.get_logger()

BATCH: Final = 500
MOST_WAITING: Final = 5_000
LOOK_EVERY: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A deliver_sm that waits for its answer."""

    session: Session
    sequence: int

    def answer(self, status: Status) -> bool:
        return self.session.answer(self.sequence, status)


@dataclass(slots=True)
class _Reply:
    """A text that is handed over: whole from the beginning, or joined."""

    inbound: Inbound
    fingerprint: bytes
    tickets: list[_Ticket] = field(default_factory=list)
    joined: Whole[_Ticket] | None = None


@dataclass
class _Round:
    """What is handed over together."""

    receipts: list[Receipt] = field(default_factory=list)
    tickets: list[_Ticket] = field(default_factory=list)
    replies: dict[str, _Reply] = field(default_factory=dict)


class Reception:
    """One for each gateway; it outlives sessions, since a long reply may come over two of them."""

    def __init__(self, name: str, settings: Settings, names: Names, clock: Clock, sink: Sink) -> None:
        self._name, self._settings, self._names, self._clock, self._sink = name, settings, names, clock, sink
        self._zone = ZoneInfo(settings.zone)
        self._joining: Joining[_Ticket] = Joining(wait=settings.part_wait, age=settings.part_age)
        self._waiting: deque[tuple[Session, Frame]] = deque()
        self._late: deque[Receipt] = deque(maxlen=MOST_WAITING)
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    # What sessions say.

    def delivered(self, session: Session, frames: Sequence[Frame]) -> None:
        """Take what came together."""
        for frame in frames:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append((session, frame))
            else:
                session.answer(frame.sequence, Status.TEMPORARY_ERROR)
                SMPP_HEARD.labels("refused").inc()
        self._wanted.set()

    def late(self, reference: str, answer: Taken | Rejected) -> None:
        """Take an answer to a submit_sm that counts as unknown already: it is not unknown any more."""
        taken = isinstance(answer, Taken)
        self._late.append(
            Receipt(
                gateway=self._name,
                delivery=Delivery.PENDING if taken else Delivery.FAILED,
                at=self._clock.now(),
                id=self._settings.ids.of_answer(answer.id) if isinstance(answer, Taken) else "",
                reference=reference,
                code="smpp.late" if isinstance(answer, Taken) else code(answer.status),
            )
        )
        self._wanted.set()

    def disconnected(self) -> None:
        """Doubt the last acknowledgements."""
        self._names.disconnected(self._clock.now())

    async def drained(self) -> None:
        """Wait until nothing waits to be handed over; parts that wait for others do not count."""
        while self._waiting or not self._idle.is_set():
            self._wanted.set()
            await asyncio.sleep(0)
            await self._idle.wait()

    # What becomes of it.

    async def run(self) -> None:
        """Hand over what has come, round after round, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY if len(self._joining) or self._late else None):
                    await self._wanted.wait()
            self._wanted.clear()
            self._idle.clear()
            more = True
            while more:
                await self._hand_over(self._gather())
                more = bool(self._waiting)
            self._idle.set()

    def _gather(self) -> _Round:
        found = _Round(receipts=list(self._late))
        late = len(self._late)
        self._late.clear()
        for _ in range(min(BATCH - min(late, BATCH - 1), len(self._waiting))):
            session, frame = self._waiting.popleft()
            self._read(_Ticket(session, frame.sequence), frame, found)
        wholes, again = self._joining.due(self._clock.now())
        for whole in wholes:
            self._add_whole(whole, found)
        for ticket in again:
            ticket.answer(Status.TEMPORARY_ERROR)
        return found

    def _read(self, ticket: _Ticket, frame: Frame, found: _Round) -> None:
        try:
            told = receipts.read(ShortMessage.decode(frame.body), self._settings.ids, self._zone)
        except MalformedError:
            # The same octets would come again and again.
            log.warning("smpp_delivery_skipped", reason="malformed")
            SMPP_HEARD.labels("unreadable").inc()
            ticket.answer(Status.PERMANENT_ERROR)
            return
        if told is None:
            log.warning("smpp_delivery_skipped", reason="receipt-without-id")
            SMPP_HEARD.labels("unreadable").inc()
            ticket.answer(Status.OK)
        elif isinstance(told, Told):
            found.receipts.append(self._receipt(told))
            found.tickets.append(ticket)
        elif told.place is None:
            self._add_single(told, ticket, found)
        else:
            wholes, known = self._joining.add(told, ticket, self._clock.now())
            for whole in wholes:
                self._add_whole(whole, found)
            if known:
                ticket.answer(Status.OK)

    def _receipt(self, told: Told) -> Receipt:
        return Receipt(
            gateway=self._name,
            delivery=told.delivery,
            at=told.at or self._clock.now(),
            id=told.id,
            to=told.to,
            code=told.code,
            mark=told.mark,
        )

    def _add_single(self, said: Said, ticket: _Ticket, found: _Round) -> None:
        fingerprint = self._print(said, said.content)
        reply = self._reply(said, fingerprint, receipts.text(said.coding, said.content))
        found.replies.setdefault(reply.inbound.id, reply).tickets.append(ticket)

    def _add_whole(self, whole: Whole[_Ticket], found: _Round) -> None:
        fingerprint = self._print(whole.first, repr(whole.key[2:]).encode() + whole.content)
        reply = self._reply(whole.first, fingerprint, whole.text)
        reply.joined = whole
        found.replies[reply.inbound.id] = reply

    def _print(self, said: Said, content: bytes) -> bytes:
        return self._names.print_of(
            said.sender.encode(), said.to.encode(), said.coding.to_bytes(1, "big"), content
        )

    def _reply(self, said: Said, fingerprint: bytes, text: str) -> _Reply:
        now = self._clock.now()
        inbound = Inbound(
            gateway=self._name,
            id=self._names.name(fingerprint, now),
            sender=said.sender,
            text=text,
            at=now,
            extension=receipts.extension(said.to, self._settings.source),
        )
        return _Reply(inbound, fingerprint)

    async def _hand_over(self, found: _Round) -> None:
        """Wait until both are durable or refused, and answer accordingly."""
        replies = list(found.replies.values())
        for_receipts, for_replies = await asyncio.gather(
            self._sink.receipts(found.receipts) if found.receipts else _nothing(),
            self._sink.inbound([reply.inbound for reply in replies]) if replies else _nothing(),
            return_exceptions=True,
        )
        status = self._status(for_receipts, len(found.tickets))
        SMPP_HEARD.labels("refused" if status else "receipt").inc(len(found.receipts))
        if status:
            # Nobody repeats a late answer but we ourselves.
            self._late.extend(one for one in found.receipts if one.reference)
        for ticket in found.tickets:
            ticket.answer(status)
        status = self._status(for_replies, len(replies))
        SMPP_HEARD.labels("refused" if status else "reply").inc(len(replies))
        for reply in replies:
            self._answer(reply, status)

    def _answer(self, reply: _Reply, status: Status) -> None:
        tickets = reply.tickets
        if reply.joined is not None:
            joining = self._joining
            tickets += joining.refused(reply.joined) if status else joining.durable(reply.joined)
        answered = [ticket.answer(status) for ticket in tickets]
        if not status and any(answered):
            self._names.acknowledged(reply.fingerprint, self._clock.now())

    @staticmethod
    def _status(outcome: BaseException | None, count: int) -> Status:
        if outcome is None:
            return Status.OK
        log.warning("smpp_delivery_refused", reason=type(outcome).__name__, count=count)
        return Status.TEMPORARY_ERROR


async def _nothing() -> None:
    return None
