"""What reaches notify of one petition, as bytes in whole chains, and the docket it makes of it, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import examples
from contracts.envelope import digest, read, seal
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.registry import FACTS, short_name
from contracts.topics import Topic
from runtime.consume import guarded
from runtime.draft import Delivery, Draft, Outcome
from runtime.record import Mark, Record, empty, from_document, to_document
from services.notify import texts
from services.notify.app import service
from services.notify.docket import Docket
from services.notify.messages import Sms
from services.notify.notices import Audience
from services.notify.rules import Rules, Way
from services.notify.standing import Standing

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LEASE = timedelta(seconds=10)
RULES = Rules(
    notices=texts.load().notices(), ways=(Way("outbox"),), lease=LEASE, contact_wait=timedelta(hours=72)
)
SERVICE = service(Standing(RULES))
PETITION = make(START, 7)
# One fact of each kind that notify hears, from the committed examples for its reader.
TOLD: dict[type[Fact], Fact] = {
    kind: fact
    for kind in FACTS
    if "notify" in kind.TOPIC.readers and kind.TOPIC.writer != "notify"
    if (fact := read(examples.every()[f"{short_name(kind)}/notify"]).fact)
}


def owed(kind: type[Fact]) -> int:
    """How many messages a fact makes."""
    told = RULES.notices.get(kind, ())
    return sum(notice.audience is Audience.PETITIONER and not notice.question for notice in told)


def fact_of(kind: type[Fact], **changes: Any) -> Fact:
    """The example fact of a kind, changed."""
    return TOLD[kind].model_copy(update=changes)


@dataclass
class Clock:
    """Time that the test moves."""

    time: datetime = START

    def now(self) -> datetime:
        """The time now."""
        return self.time

    def forward(self, by: timedelta) -> datetime:
        """Let time pass."""
        self.time += by
        return self.time


@dataclass
class Journey:
    """One petition: seals what its neighbours state, and keeps notify's record of it as the store would."""

    petition: PetitionId = PETITION
    clock: Clock = field(default_factory=Clock)
    standing: Standing = field(default_factory=lambda: Standing(RULES))

    def __post_init__(self) -> None:
        self.service = service(self.standing)
        self.record: Record = empty(self.petition, self.service)
        self.stated: list[Fact] = []
        self._marks: dict[Topic, Mark] = defaultdict(Mark)

    def deliver(self, fact: Fact) -> Delivery:
        """Seal a fact as the next of its stream."""
        topic, mark = type(fact).TOPIC, self._marks[type(fact).TOPIC]
        value = seal(
            fact,
            petition=self.petition,
            ordinal=mark.ordinal + 1,
            previous=mark.digest,
            cause=None,
            traceparent=None,
        )
        self._marks[topic] = Mark(mark.ordinal + 1, digest(value))
        return Delivery(topic.name, 0, mark.ordinal, value, read(value))

    def hear(self, *deliveries: Delivery) -> list[Outcome]:
        """Take deliveries in one batch and save; answers what became of each."""
        draft = Draft(self.record, self.service, guarded)
        outcomes = [draft.hear(delivery, self.clock.now()) for delivery in deliveries]
        self._save(draft)
        return outcomes

    def tell(self, *facts: Fact) -> Sequence[Fact]:
        """Hear facts for the first time; answers what notify states."""
        before = len(self.stated)
        self.hear(*(self.deliver(fact) for fact in facts))
        assert self.record.parked is None, self.record.parked
        return self.stated[before:]

    def erase(self, topic: Topic) -> None:
        """Hear the tombstone of a compacted topic."""
        self.hear(Delivery(topic.name, 0, 99, None, None))

    def ask(self, decide: Any) -> Sequence[Fact]:
        """Run a command and save."""
        draft = Draft(self.record, self.service, guarded)
        answer = draft.ask(decide, self.clock.now(), cause=None, traceparent=None)
        assert isinstance(answer, tuple), answer
        self._save(draft)
        return answer

    def wake(self) -> Sequence[Fact]:
        """Look again, as the sweeper does."""
        draft = Draft(self.record, self.service, guarded)
        answer = draft.wake(self.clock.now())
        assert isinstance(answer, tuple), answer
        self._save(draft)
        return answer

    def redrive(self) -> None:
        """Replay what is parked."""
        draft = Draft(self.record, self.service, guarded)
        draft.redrive(self.clock.now())
        self._save(draft)

    @property
    def docket(self) -> Docket:
        """The docket as decisions see it."""
        docket: Docket = self.service.assemble(self.petition, self.record.parts)
        return docket

    @property
    def messages(self) -> tuple[Sms, ...]:
        """All messages of the petition."""
        return self.docket.own.messages

    def _save(self, draft: Draft) -> None:
        """Go through the stored form, as a real record does."""
        self.stated.extend(draft.facts)
        document = {
            "_id": self.petition,
            "version": self.record.version + 1,
            "parts": {name: to_document(part) for name, part in draft.parts.items()},
            "marks": {name: [mark.ordinal, mark.digest] for name, mark in draft.marks.items()},
            "wake_at": None if draft.parked else self.service.wake(draft.docket),
        }
        self.record = replace(from_document(document, self.service), parked=draft.parked)
