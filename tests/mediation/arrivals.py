"""What reaches mediation from its neighbours, as bytes in a whole chain, and records to work on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.envelope import digest, read, seal
from contracts.fact import Fact
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered
from contracts.kinds import Channel, DecidedBy, Kind, Outcome, Urgency
from contracts.routing import (
    CommonPolicyApplied,
    ConferenceGround,
    Office,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnGround,
    ReturnRefused,
    TriageReason,
)
from runtime.draft import Delivery, Draft
from runtime.record import Record, empty, from_document, to_document
from runtime.service import Service

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DUE = START + timedelta(days=60)
# Five working days after Monday, 2 March: the Tuesday to Friday and the next Monday, to its end in the city.
RETURN_BY = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)


def petition(chance: int = 1) -> PetitionId:
    """A petition id; another `chance` is another petition."""
    return make(START, chance)


def registered(at: datetime = START) -> PetitionRegistered:
    """The petition is in the system."""
    return PetitionRegistered(
        at=at,
        channel=Channel.NETWORK,
        first_receiver="petition-office",
        dossier_sha256="0" * 64,
        request="1" * 64,
        payload="2" * 64,
        tell_by=at + timedelta(days=15),
    )


def accepted(at: datetime = START) -> PetitionAccepted:
    """The 60 days begin."""
    return PetitionAccepted(at=at, due=at + timedelta(days=60))


def rated(score: int = 4, at: datetime = START + timedelta(days=50)) -> PetitionRated:
    """The petitioner was asked."""
    return PetitionRated(at=at, score=score)


def routed(
    body: Body = Body.LABOR,
    transfer: int = 1,
    at: datetime = START + timedelta(seconds=1),
    conference: int | None = None,
) -> PetitionRouted:
    """The petition goes to a body."""
    return PetitionRouted(
        at=at,
        body=body,
        domain=Domain.LABOR_SOCIAL_SECURITY,
        area="430102",
        kind=Kind.REQUEST,
        co_handlers=("traffic-police", "street-office"),
        decided_by=DecidedBy.MACHINE,
        transfer=transfer,
        rule_version="1",
        catalogue_version="1",
        due=at + timedelta(days=15),
        conference=conference,
        urgency=Urgency.CUT_OFF,
        urgent_phrase="已经停水",
    )


def policy_applied(order: str = "wages-2026.1", at: datetime = START) -> CommonPolicyApplied:
    """A campaign's common policy comes to the petition."""
    return CommonPolicyApplied(
        at=at,
        campaign="wages-2026",
        order=order,
        policy="training-refund",
        version=1,
        sha256="5" * 64,
        outcome=Outcome.SUPPORTED,
        by="leader-7",
    )


def return_refused(transfer: int = 1, at: datetime = START) -> ReturnRefused:
    """The router leaves the petition where it is."""
    return ReturnRefused(
        at=at, body=Body.LABOR, transfer=transfer, ground=ReturnGround.WITHIN_DUTIES, by="router-1"
    )


def sent_to_triage(at: datetime = START) -> PetitionSentToTriage:
    """A person must look again."""
    return PetitionSentToTriage(
        at=at, why=TriageReason.RETURNED, kind=Kind.REQUEST, confidence=0, rule_version="1", due=at
    )


def put_to_conference(at: datetime = START) -> PetitionPutToConference:
    """The joint conference has it."""
    return PetitionPutToConference(at=at, item=1, ground=ConferenceGround.TRANSFERS_EXHAUSTED, due=at)


def referred(at: datetime = START) -> PetitionReferred:
    """An office outside the bodies has it."""
    return PetitionReferred(at=at, office=Office.PETITION_OFFICE, by="router-1")


@dataclass
class Streams:
    """One petition's streams as its neighbours write them: numbered and chained per topic."""

    petition: PetitionId = field(default_factory=petition)
    _written: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def write(self, fact: Fact) -> Delivery:
        """Append a fact to its topic and return the message as it is delivered."""
        topic, before = type(fact).TOPIC, self._written[type(fact).TOPIC.name]
        value = seal(
            fact,
            petition=self.petition,
            ordinal=len(before) + 1,
            previous=digest(before[-1]) if before else None,
            cause=None,
            traceparent=None,
        )
        before.append(value)
        return Delivery(topic.name, 0, len(before) - 1, value, read(value))


def stored(draft: Draft) -> Record:
    """The record that the next batch loads after this draft was saved, through the stored form and back."""
    service: Service[Any] = draft.service
    document = {
        "_id": draft.record.petition,
        "version": draft.record.version + 1,
        "parts": {name: to_document(part) for name, part in draft.parts.items()},
        "marks": {name: [mark.ordinal, mark.digest] for name, mark in draft.marks.items()},
        "wake_at": service.wake(draft.docket),
        "parked": draft.parked and to_document(draft.parked),
    }
    return from_document(document, service)


def unknown(service: Service[Any], of: PetitionId | None = None) -> Record:
    """The record of a petition that mediation has not heard of."""
    return empty(of or petition(), service)
