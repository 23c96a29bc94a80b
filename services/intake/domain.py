"""Intake's rules: what a submission leads to, who may rate and when, and the folds behind the story."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from contracts import areas, dossiers
from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import (
    DossierRead,
    PetitionAccepted,
    PetitionRated,
    PetitionRegistered,
    PetitionSupplemented,
)
from contracts.kinds import Channel, Outcome
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseHandedBack,
    CaseOpened,
    CaseOverdue,
    CaseReturned,
    SessionHeld,
)
from contracts.notify import (
    SmsClaimed,
    SmsDelivered,
    SmsJoined,
    SmsNotSent,
    SmsQueued,
    SmsSent,
    SmsSkipped,
    SmsUndelivered,
    SmsUnknown,
)
from contracts.routing import (
    ConferenceDecided,
    PetitionEscalated,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnAgreed,
    ReturnRefused,
)
from runtime.service import Refused


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the story: the fact's name, when, and the few codes that its sentence needs."""

    at: datetime
    fact: str
    codes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intake:
    """The fold of petition-intake-v1."""

    registered_at: datetime | None = None
    channel: Channel | None = None
    area: str | None = None
    signatories: int = 1
    first_receiver: str = ""
    tell_by: datetime | None = None
    due: datetime | None = None
    request: str = ""
    payload: str = ""
    score: int | None = None
    supplements: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody beside the petitioner; `key` is his for good (`contracts/dossiers.py`)."""

    key: str
    role: dossiers.Role
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """The fold of petition-dossiers-v1: the personal part as it stands."""

    name: str = ""
    phone: str = ""
    title: str = ""
    content: str = ""
    code_salt: str = ""
    code_hash: str = ""
    others: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """The fold of petition-routing-v1, as far as the story needs it."""

    body: Body | None = None
    in_triage: bool = False
    triage_due: datetime | None = None
    in_conference: bool = False
    referred_to: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """The fold of petition-mediation-v1, as far as the story needs it."""

    opened: bool = False
    accepted: bool = False
    due: datetime | None = None
    outcome: Outcome | None = None
    answered: bool = False
    review_by: datetime | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Sms:
    """One message to the petitioner: which, and how far it has come."""

    message: str
    template: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Messages:
    """The fold of petition-notify-v1."""

    sms: tuple[Sms, ...] = ()


@dataclass(frozen=True, slots=True)
class Docket:
    """All that intake knows of one petition."""

    petition: PetitionId
    own: Intake
    dossier: Dossier
    routing: Routing
    mediation: Case
    notify: Messages


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """What was asked, with the randomness and the hashes that the edge has made."""

    name: str
    phone: str
    title: str
    content: str
    channel: Channel
    area: str | None
    signatories: int
    first_receiver: str
    request: str
    payload: str
    code_salt: str
    code_hash: str
    tell_within: timedelta
    finish_within: timedelta
    others: tuple[Person, ...] = ()


# Regulations art. 20.
MOST_REPRESENTATIVES = 5


def beside(role: dossiers.Role, people: Iterable[tuple[str, str]]) -> tuple[Person, ...]:
    """Give those who come with a submission (name, number) their keys, in the order in which they stand."""
    return tuple(
        Person(f"{role[0]}{number}", role, name, phone)
        for number, (name, phone) in enumerate(people, start=1)
    )


def decide_submit(docket: Docket, asked: Submission, now: datetime) -> Sequence[Fact] | Refused:
    """登记 and 受理: a complete submission is registered and accepted at once (Regulations art. 21, 22)."""
    if docket.own.registered_at is not None:
        return Refused("id-taken")
    dossier = DossierSaved(
        at=now,
        name=asked.name,
        phone=asked.phone,
        title=asked.title,
        content=asked.content,
        code_salt=asked.code_salt,
        code_hash=asked.code_hash,
        others=_others(asked.others),
    )
    registered = PetitionRegistered(
        at=now,
        channel=asked.channel,
        area=areas.community(asked.area),
        grid=areas.grid(asked.area),
        # Whoever is named here stands behind the matter, even if the number of signatures was left out.
        signatories=max(asked.signatories, 1 + len(asked.others)),
        first_receiver=asked.first_receiver,
        dossier_sha256=sha256(dossier.data()).hexdigest(),
        request=asked.request,
        payload=asked.payload,
        tell_by=now + asked.tell_within,
    )
    return (dossier, registered, PetitionAccepted(at=now, due=now + asked.finish_within))


MOST_SUPPLEMENTS = 20
LONGEST_TEXT = 20_000


def decide_supplement(docket: Docket, text: str, request: str, now: datetime) -> Sequence[Fact] | Refused:
    """补充: add to the text while the matter is open; the same request adds once, and no clock moves."""
    own, dossier = docket.own, docket.dossier
    if own.registered_at is None or not dossier.name:
        return Refused("no-such-petition")
    if request in own.supplements:
        return ()
    if docket.mediation.answered or docket.routing.referred_to:
        return Refused("already-answered")
    content = f"{dossier.content}\n\n（{len(own.supplements) + 1}）补充：{text}"
    if len(own.supplements) >= MOST_SUPPLEMENTS or len(content) > LONGEST_TEXT:
        return Refused("supplement-too-long")
    saved = DossierSaved(
        at=now,
        name=dossier.name,
        phone=dossier.phone,
        title=dossier.title,
        content=content,
        code_salt=dossier.code_salt,
        code_hash=dossier.code_hash,
        others=_others(dossier.others),
    )
    supplemented = PetitionSupplemented(
        at=now,
        number=len(own.supplements) + 1,
        dossier_sha256=sha256(saved.data()).hexdigest(),
        request=request,
    )
    return (saved, supplemented)


def decide_rate(docket: Docket, score: int, now: datetime) -> Sequence[Fact] | Refused:
    """评价: once, and only when there is an answer to rate."""
    if not docket.mediation.answered:
        return Refused("not-answered-yet")
    if docket.own.score is not None:
        return Refused("already-rated")
    return (PetitionRated(at=now, score=score),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Who wants to read the personal part, and why."""

    reader: str
    role: str
    body: Body | None
    why: str


def decide_read_dossier(docket: Docket, asked: Reading, now: datetime) -> Sequence[Fact] | Refused:
    """A mediator reads only what is with his body; every reading is a fact (design.md, law 5)."""
    if docket.own.registered_at is None:
        return Refused("no-such-petition")
    if asked.role == "mediator" and (asked.body is None or asked.body != docket.routing.body):
        return Refused("not-your-petition")
    return (DossierRead(at=now, reader=asked.reader, role=asked.role, body=asked.body, why=asked.why),)


def evolve_own(part: Intake, fact: Fact) -> Intake:
    """Fold petition-intake-v1."""
    match fact:
        case PetitionRegistered():
            return replace(
                part,
                registered_at=fact.at,
                channel=fact.channel,
                area=fact.grid or fact.area,
                signatories=fact.signatories,
                first_receiver=fact.first_receiver,
                tell_by=fact.tell_by,
                request=fact.request,
                payload=fact.payload,
                events=(*part.events, _event(fact)),
            )
        case PetitionAccepted():
            return replace(part, due=fact.due, events=(*part.events, _event(fact)))
        case PetitionSupplemented():
            events = (*part.events, _event(fact, number=str(fact.number)))
            return replace(part, supplements=(*part.supplements, fact.request), events=events)
        case PetitionRated():
            events = (*part.events, _event(fact, score=str(fact.score)))
            return replace(part, score=fact.score, events=events)
        case _:
            return part


def evolve_dossier(part: Dossier, fact: Fact) -> Dossier:
    """Fold petition-dossiers-v1: the newest stands."""
    if not isinstance(fact, DossierSaved):
        return part
    others = tuple(Person(other.key, other.role, other.name, other.phone) for other in fact.others or ())
    return Dossier(fact.name, fact.phone, fact.title, fact.content, fact.code_salt, fact.code_hash, others)


def _others(people: Iterable[Person]) -> tuple[dossiers.Person, ...] | None:
    others = (
        dossiers.Person(key=person.key, role=person.role, name=person.name, phone=person.phone)
        for person in people
    )
    return tuple(others) or None


def evolve_routing(part: Routing, fact: Fact) -> Routing:
    """Fold petition-routing-v1."""
    match fact:
        case PetitionRouted():
            reasons = "、".join(reason.term for reason in fact.reasons[:3])
            event = _event(
                fact, body=fact.body, reasons=reasons, by=fact.decided_by, occasion=fact.occasion or ""
            )
            return replace(_left(part, event), body=fact.body)
        case PetitionSentToTriage():
            return replace(_left(part, _event(fact)), in_triage=True, triage_due=fact.due)
        case PetitionPutToConference():
            return replace(_left(part, _event(fact, ground=fact.ground)), in_conference=True)
        case PetitionReferred():
            return replace(_left(part, _event(fact, office=fact.office)), referred_to=fact.office)
        case ReturnAgreed() | ReturnRefused() | ConferenceDecided() | PetitionEscalated():
            return replace(part, events=(*part.events, _ruling(fact)))
        case PetitionJoinedCampaign() | PetitionLeftCampaign():
            return replace(part, events=(*part.events, _event(fact)))
        case _:
            return part


def _ruling(fact: ReturnAgreed | ReturnRefused | ConferenceDecided | PetitionEscalated) -> Event:
    match fact:
        case ReturnAgreed():
            return _event(fact, body=fact.body, reason=fact.reason)
        case ReturnRefused():
            return _event(fact, body=fact.body)
        case ConferenceDecided():
            return _event(fact, body=fact.lead, helpers="、".join(fact.helpers))
        case PetitionEscalated():
            return _event(fact, tier=fact.to_tier)


def _left(part: Routing, event: Event) -> Routing:
    """Take the petition from whoever had it: a body that had it before may no longer read the dossier.

    A report of wrongdoing is never shown to those whom it names (art. 30).
    """
    return Routing(events=(*part.events, event))


def evolve_mediation(part: Case, fact: Fact) -> Case:
    """Fold petition-mediation-v1."""
    match fact:
        case CaseOpened():
            event = _event(fact, body=fact.body, due=fact.due.isoformat())
            return replace(part, opened=True, accepted=False, due=fact.due, events=(*part.events, event))
        case CaseHandedBack():
            return replace(part, opened=False, accepted=False)
        case CaseAccepted():
            return replace(part, accepted=True, events=(*part.events, _event(fact)))
        case SessionHeld() | CaseReturned() | CaseOverdue():
            return replace(part, events=(*part.events, _step(fact)))
        case CaseConcluded():
            event = _event(fact, outcome=fact.outcome)
            return replace(part, outcome=fact.outcome, events=(*part.events, event))
        case CaseAnswered():
            by = fact.by_policy
            policy = {"policy": by.policy, "version": str(by.version), "sha256": by.sha256} if by else {}
            event = _event(fact, outcome=fact.outcome, review_by=fact.review_by.isoformat(), **policy)
            return replace(part, answered=True, review_by=fact.review_by, events=(*part.events, event))
        case _:
            return part  # a rating is told from intake's own fact, an objection's end from routing's


def _step(fact: SessionHeld | CaseReturned | CaseOverdue) -> Event:
    match fact:
        case SessionHeld():
            return _event(fact, number=str(fact.number), kind=fact.kind)
        case CaseReturned():
            return _event(fact, body=fact.body, reason=fact.reason)
        case CaseOverdue():
            return _event(fact, step=fact.step)


def evolve_notify(part: Messages, fact: Fact) -> Messages:
    """Fold petition-notify-v1: each message to the petitioner with its newest state."""
    match fact:
        case SmsQueued(recipient=None):
            state = "sending" if fact.lease_until else "queued"
            return Messages((*part.sms, Sms(fact.message, fact.template, state, fact.at)))
        case SmsSkipped(recipient=None):
            return Messages((*part.sms, Sms(f"skipped:{fact.cause}", fact.template, "skipped", fact.at)))
        case _ if type(fact) in _SMS_STATES:
            named, state = getattr(fact, "message", ""), _SMS_STATES[type(fact)]
            sms = (replace(m, state=state, at=fact.at) if m.message == named else m for m in part.sms)
            return Messages(tuple(sms))
        case _:
            return part


_SMS_STATES: dict[type[Fact], str] = {
    SmsClaimed: "sending",
    SmsSent: "sent",
    SmsNotSent: "queued",
    SmsUnknown: "unknown",
    SmsJoined: "sent",
    SmsDelivered: "delivered",
    SmsUndelivered: "undelivered",
}


def _event(fact: Fact, **codes: str) -> Event:
    return Event(fact.at, type(fact).__name__, dict(codes))
