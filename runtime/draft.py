"""Step 3 of a batch, in memory: one petition's messages and commands become facts; nothing here does I/O.

A draft starts from a record, takes work in order, and ends as the changes that the store saves. A decision
that raises leaves the draft as it was: see `consume.guarded`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from contracts.envelope import Message, UndecodableError, digest, message_id, read, seal
from contracts.fact import Fact
from contracts.topics import Topic
from runtime.record import Mark, Parked, ParkedMessage, Pending, Record
from runtime.service import Heard, Part, Refused, Service


class Outcome(StrEnum):
    """What became of one message; each is counted (`metrics.MESSAGES`)."""

    APPLIED = "applied"
    HEARD = "already-heard"
    PARKED = "parked"
    ERASED = "erased"
    DEAD_LETTER = "dead-lettered"


class ParkReason(StrEnum):
    """Why a petition is parked."""

    GAP = "gap"
    CHAIN = "broken-chain"
    UNKNOWN_TYPE = "unknown-type"
    DECISION = "decision-raised"
    CLASH = "unique-rule"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came: the canonical topic name, its place, its bytes, and what they say."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    message: Message | None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A decision raised: the error's type and the line, never its words (they may repeat personal data)."""

    detail: str


Guard = Callable[[Callable[[], Any]], Any]
# A parked petition keeps its messages in its docket; the database refuses documents over 16 MB.
MOST_PARKED: Final = 5000
MOST_PARKED_BYTES: Final = 8 * 1024 * 1024


class Draft:
    """The working copy of one petition during one batch."""

    def __init__(
        self,
        record: Record,
        service: Service[Any],
        guard: Guard,
        *,
        left: tuple[Pending, ...] | None = None,
    ) -> None:
        self.record = record
        self.service = service
        self.parts = dict(record.parts)
        self.marks = dict(record.marks)
        self.parked = record.parked
        self.new: list[Pending] = []
        self.facts: list[Fact] = []
        self.woken = False
        self.wake_at = record.wake_at
        # What did not fit behind a parked message any more: the batch makes dead letters of it.
        self.surplus: list[Delivery] = []
        self.traceparent: str | None = None
        # What was pending and is not published yet, if something of it is: a save leaves out the rest.
        self.left = left
        self._guard = guard

    @property
    def docket(self) -> Any:  # noqa: ANN401 - each service has its own docket type
        """The docket as decisions see it now."""
        return self.service.assemble(self.record.petition, self.parts)

    @property
    def changed(self) -> bool:
        """Whether there is anything to save."""
        return bool(
            self.new
            or self.woken
            or self.parked is not self.record.parked
            or any(self.marks.get(name) is not mark for name, mark in self._marks_before())
            or len(self.marks) != len(self.record.marks)
        )

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What is to be published, in order, as far as this process knows."""
        return (*(self.record.pending if self.left is None else self.left), *self.new)

    def stored(self) -> Record:
        """Return the record as it is stored once this draft is saved."""
        if not self.changed:
            return self.record
        return Record(
            petition=self.record.petition,
            version=self.record.version + 1,
            parts=self.parts,
            marks=self.marks,
            pending=self.pending,
            wake_at=None if self.parked else self.wake_at,
            parked=self.parked,
        )

    def _marks_before(self) -> Sequence[tuple[str, Mark]]:
        return tuple(self.record.marks.items())

    def ask(
        self,
        decide: Callable[[Any, datetime], Sequence[Fact] | Refused],
        now: datetime,
        *,
        cause: str | None,
        traceparent: str | None,
    ) -> tuple[Fact, ...] | Refused | Failure:
        """Let somebody's request decide on this docket; a refusal or a failure changes nothing."""
        answer = self._guard(lambda: self._decided(decide(self.docket, now), cause, traceparent, now))
        return answer if isinstance(answer, (Refused, Failure)) else self._take(answer)

    def wake(self, now: datetime) -> tuple[Fact, ...] | Failure:
        """Look again at a petition whose time has come; a parked one waits for its redrive."""
        if self.parked is not None:
            return ()
        answer = self._guard(lambda: self._decided(self.service.woken(self.docket, now), "clock", None, now))
        if isinstance(answer, Failure):
            self.parked = Parked(ParkReason.DECISION, answer.detail, now, ())
            return answer
        self.woken = True
        return self._take(answer)

    def hear(self, delivery: Delivery, now: datetime, traceparent: str | None = None) -> Outcome:
        """Apply one message, or find it heard, or park the petition with it.

        `traceparent` goes on in the facts that it causes; without one the message's own does.
        """
        part = self.service.by_topic[delivery.topic]
        if delivery.value is None:
            self._erase(part, now)
            return Outcome.ERASED
        if self.parked is not None and not self._known(delivery):
            if not self._park_more(delivery):
                return Outcome.DEAD_LETTER
            if self.parked.reason == ParkReason.GAP:
                self.redrive(now)
            return Outcome.PARKED if self.parked else Outcome.APPLIED
        return self._hear(delivery, now, traceparent)

    def refuse(self, index: str, now: datetime) -> None:
        """Park the petition before anything is heard: what that leads to breaks a unique rule."""
        self.parked = self.parked or Parked(ParkReason.CLASH, index, now, ())

    def _erase(self, part: Part, now: datetime) -> None:
        """Forget what a stream told, what is parked of it too.

        The number stays: a message from before the erasure, delivered again, is still one that was heard.
        """
        self.parts[part.name] = part.state()
        self.marks[part.name] = replace(self.marks.get(part.name, Mark()))
        if self.parked is not None:
            left = tuple(m for m in self.parked.messages if m.topic != part.topic.name)
            if len(left) < len(self.parked.messages):
                self.parked = replace(self.parked, messages=left) if left else None
        self._look_again(now)

    def _look_again(self, now: datetime) -> None:
        """Ask the service anew when it wants to be woken; its failure parks the petition."""
        answer = self._guard(lambda: self._stated(dict(self.parts), dict(self.marks), (), None, None, now))
        if not isinstance(answer, Failure):
            self.wake_at = answer.wake_at
        elif self.parked is None:
            self.parked = Parked(ParkReason.DECISION, answer.detail, now, ())

    def _known(self, delivery: Delivery) -> bool:
        mark = self.marks.get(self.service.by_topic[delivery.topic].name, Mark())
        return delivery.message is not None and delivery.message.envelope.ordinal <= mark.ordinal

    def redrive(self, now: datetime) -> Outcome:
        """Replay what is parked, in order per stream; what still fails is parked again with all after it."""
        if self.parked is None:
            return Outcome.HEARD
        waiting = [_delivery(message) for message in self.parked.messages]
        waiting.sort(key=lambda d: (d.topic, d.message.envelope.ordinal if d.message else 0))
        before, self.parked = self.parked, None
        for delivery in waiting:
            if self.parked is None:
                self._hear(delivery, now)
            else:
                self._park_more(delivery)
        if self.parked is not None:
            # The alarm keeps its age while the cause is the same.
            since = before.since if self.parked.reason == before.reason else now
            self.parked = replace(self.parked, since=since)
            return Outcome.PARKED
        self._look_again(now)
        return Outcome.PARKED if self.parked else Outcome.APPLIED

    def _hear(self, delivery: Delivery, now: datetime, traceparent: str | None = None) -> Outcome:
        part = self.service.by_topic[delivery.topic]
        message = delivery.message
        if message is None:
            return self._park(ParkReason.UNKNOWN_TYPE, "undecodable", delivery, now)
        mark = self.marks.get(part.name, Mark())
        ordinal = message.envelope.ordinal
        if ordinal <= mark.ordinal:
            return Outcome.HEARD
        if not part.topic.compact:
            if ordinal > mark.ordinal + 1:
                return self._park(ParkReason.GAP, f"expected {mark.ordinal + 1} got {ordinal}", delivery, now)
            if message.envelope.previous != mark.digest:
                return self._park(ParkReason.CHAIN, f"at {ordinal}", delivery, now)
        if message.fact is None:
            return self._park(ParkReason.UNKNOWN_TYPE, message.envelope.type, delivery, now)
        answer = self._guard(lambda: self._heard(message, part.name, now, traceparent))
        if isinstance(answer, Failure):
            return self._park(ParkReason.DECISION, answer.detail, delivery, now)
        self._take(answer)
        return Outcome.APPLIED

    def _heard(self, message: Message, name: str, now: datetime, traceparent: str | None) -> "_Decided":
        fact = message.fact
        if fact is None:
            raise UndecodableError("type")
        part = self.service.by_topic[type(fact).TOPIC.name]
        parts = {**self.parts, name: part.evolve(self.parts[name], fact)}
        marks = {**self.marks, name: Mark(message.envelope.ordinal, message.digest)}
        handler = self.service.hears.get(type(fact))
        if handler is None:
            return self._stated(parts, marks, (), None, None, now)
        docket = self.service.assemble(self.record.petition, parts)
        facts = handler(docket, Heard(fact, message.envelope.id), now)
        context = traceparent or message.envelope.traceparent
        return self._stated(parts, marks, facts, message.envelope.id, context, now)

    def _decided(
        self, answer: Sequence[Fact] | Refused, cause: str | None, traceparent: str | None, now: datetime
    ) -> "_Decided | Refused":
        if isinstance(answer, Refused):
            return answer
        return self._stated(dict(self.parts), dict(self.marks), answer, cause, traceparent, now)

    def _stated(
        self,
        parts: dict[str, Any],
        marks: dict[str, Mark],
        facts: Sequence[Fact],
        cause: str | None,
        traceparent: str | None,
        now: datetime,
    ) -> "_Decided":
        """Number, chain and fold new facts."""
        petition, pending = self.record.petition, []
        for fact in facts:
            topic: Topic = type(fact).TOPIC
            part = self.service.by_topic[topic.name]
            if topic.writer != self.service.name:
                raise ValueError(f"{self.service.name} may not write to {topic.name}")
            mark = marks.get(part.name, Mark())
            ordinal = mark.ordinal + 1
            value = seal(
                fact,
                petition=petition,
                ordinal=ordinal,
                previous=mark.digest,
                cause=cause,
                traceparent=traceparent,
            )
            parts[part.name] = part.evolve(parts[part.name], fact)
            marks[part.name] = Mark(ordinal, digest(value))
            names = (topic.name, *(mirror.name for mirror in self.service.also_to(petition, parts, fact)))
            pending.append(Pending(message_id(topic, petition, ordinal), names, value, now))
        wake_at = self.service.wake_at(petition, parts)
        return _Decided(parts, marks, tuple(pending), tuple(facts), wake_at, traceparent)

    def _take(self, decided: "_Decided") -> tuple[Fact, ...]:
        self.parts, self.marks, self.wake_at = decided.parts, decided.marks, decided.wake_at
        self.new.extend(decided.pending)
        self.facts.extend(decided.facts)
        self.traceparent = decided.traceparent or self.traceparent
        return decided.facts

    def _park(self, reason: ParkReason, detail: str, delivery: Delivery, now: datetime) -> Outcome:
        self.parked = Parked(reason, detail, now, (_parked(delivery),))
        return Outcome.PARKED

    def _park_more(self, delivery: Delivery) -> bool:
        """Keep a message behind the one that parked the petition, once however often it is delivered.

        Returns False when no more fits: the message is in `surplus` then, and its absence will be a gap.
        """
        if self.parked is None:
            return False
        message, kept = _parked(delivery), self.parked.messages
        if any(m.place == message.place for m in kept):
            return True
        if len(kept) >= MOST_PARKED or sum(len(m.value) for m in (*kept, message)) > MOST_PARKED_BYTES:
            self.surplus.append(delivery)
            return False
        self.parked = replace(self.parked, messages=(*kept, message))
        return True


@dataclass(frozen=True, slots=True)
class _Decided:
    parts: dict[str, Any]
    marks: dict[str, Mark]
    pending: tuple[Pending, ...]
    facts: tuple[Fact, ...]
    wake_at: datetime | None
    traceparent: str | None = None


def _parked(delivery: Delivery) -> ParkedMessage:
    return ParkedMessage(delivery.topic, delivery.partition, delivery.offset, delivery.value or b"")


def _delivery(parked: ParkedMessage) -> Delivery:
    """Read a parked message again: after an upgrade its type may be known."""
    try:
        message = read(parked.value)
    except UndecodableError:
        message = None
    return Delivery(parked.topic, parked.partition, parked.offset, parked.value, message)
