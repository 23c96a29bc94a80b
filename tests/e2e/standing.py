"""A petition's messages as they stand on the topics after a whole journey, for tests that spoil one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.envelope import digest, message_id, seal
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered
from contracts.kinds import Channel, DecidedBy, Kind, Outcome, SessionKind
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseRated,
    SessionHeld,
)
from contracts.notify import SmsClaimed, SmsQueued, SmsSent
from contracts.routing import PetitionRouted
from contracts.topics import BODY_TOPICS
from local.demo.records import Recorded, Sms
from local.demo.verify import OWED

BEGAN = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
DUE = BEGAN + timedelta(days=60)
NAME, PHONE = "甄无名", "13800138999"
CONTENT = "我在工地做了三个月的泥工，包工头一直拖着不给工钱。"
PERSONAL = {NAME: "the name", PHONE: "the number", CONTENT: "words"}


@dataclass
class Standing:
    """The messages of one petition in the order in which they were published, and its SMS."""

    petition: PetitionId = field(default_factory=lambda: make(BEGAN, 7))
    body: Body = Body.LABOR
    records: list[Recorded] = field(default_factory=list)
    texts: list[Sms] = field(default_factory=list)
    _marks: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def state(self, *facts: Fact) -> None:
        """Publish facts as their services do, and tell the petitioner what is owed."""
        for fact in facts:
            cause = self._publish(fact)
            if isinstance(fact, OWED):
                self._tell(cause)

    def _publish(self, fact: Fact) -> str:
        topic = type(fact).TOPIC
        number, previous = self._marks.get(topic.name, (0, None))
        number += 1
        value = seal(
            fact, petition=self.petition, ordinal=number, previous=previous, cause=None, traceparent=None
        )
        self._marks[topic.name] = (number, digest(value))
        self.put(topic.name, value)
        if topic.name == "petition-mediation-v1":
            self.put(BODY_TOPICS[self.body].name, value)
        return message_id(topic, self.petition, number)

    def put(self, topic: str, value: bytes | None) -> None:
        """Lay bytes on a topic as they are."""
        offset = sum(record.topic == topic for record in self.records)
        self.records.append(Recorded(topic, 0, offset, self.petition, value))

    def _tell(self, cause: str) -> None:
        message = f"m{len(self.texts) + 1}"
        reference = f"{self.petition}.{message}.1"
        lease = BEGAN + timedelta(seconds=10)
        said = {"at": BEGAN, "message": message}
        self.state(
            SmsQueued(**said, template="registered", template_version="1", cause=cause),
            SmsClaimed(**said, attempt=1, gateway="outbox", lease_until=lease),
            SmsSent(**said, attempt=1, gateway="outbox", reference=reference, segments=1),
        )
        self.texts.append(Sms(reference, self.petition, "+8613800138999", "您好"))


def registered(standing: Standing) -> None:
    """Submit the petition and route it."""
    dossier = DossierSaved(
        at=BEGAN,
        name=NAME,
        phone=PHONE,
        title="拖欠工资",
        content=CONTENT,
        code_salt="00",
        code_hash=sha256(b"code").hexdigest(),
    )
    asked = sha256(standing.petition.encode()).hexdigest()
    standing.state(
        dossier,
        PetitionRegistered(
            at=BEGAN,
            channel=Channel.NETWORK,
            first_receiver="petition-office",
            dossier_sha256=sha256(dossier.data()).hexdigest(),
            request=asked,
            payload=asked,
            tell_by=BEGAN + timedelta(days=15),
        ),
        PetitionAccepted(at=BEGAN, due=DUE),
        PetitionRouted(
            at=BEGAN,
            body=standing.body,
            kind=Kind.REQUEST,
            decided_by=DecidedBy.MACHINE,
            transfer=1,
            rule_version="1",
            catalogue_version="1",
            due=DUE,
        ),
    )


def opened(standing: Standing) -> None:
    """Open the case with the body."""
    accept_by = BEGAN + timedelta(days=15)
    standing.state(CaseOpened(at=BEGAN, body=standing.body, transfer=1, accept_by=accept_by, due=DUE))


def ended(standing: Standing) -> None:
    """Take the case to its rated answer."""
    answered = CaseAnswered(at=BEGAN, outcome=Outcome.SETTLED, by="mediator", review_by=DUE)
    standing.state(
        CaseAccepted(at=BEGAN, handler="handler"),
        SessionHeld(at=BEGAN, number=1, kind=SessionKind.MEDIATION, participants=3),
        CaseConcluded(at=BEGAN, outcome=Outcome.SETTLED, agreement=True, by="mediator"),
        answered,
        PetitionRated(at=BEGAN, score=5),
        CaseRated(at=BEGAN, score=5),
    )


def whole() -> Standing:
    """Return a journey with nothing wrong in it."""
    standing = Standing()
    registered(standing)
    opened(standing)
    ended(standing)
    return standing
