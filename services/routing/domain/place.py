"""Where a petition is: what routing knows of it, and the folds of the four streams behind that.

A petition is at any time with exactly one of a body, the triage desk, the joint conference, discipline
inspection, or at its end; `place` tells with which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Kind, ReturnReason, Urgency
from contracts.mediation import (
    CaseAnswered,
    CaseConcluded,
    CaseHandedBack,
    CaseOpened,
    CommonPolicyDeclined,
)
from contracts.routing import (
    ConferenceDecided,
    ConferenceFollowedUp,
    ConferenceGround,
    Occasion,
    Office,
    PetitionEscalated,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    Reason,
    ReturnAgreed,
    ReturnReceived,
    ReturnRefused,
    Tier,
    TriageReason,
)
from services.routing.domain.membership import Membership, evolve_membership
from services.routing.joint import NO_RULES, JointRules


class Place(StrEnum):
    """With whom a petition is."""

    BODY = "body"
    TRIAGE = "triage"
    CONFERENCE = "conference"
    DISCIPLINE = "discipline-inspection"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Term:
    """One phrase of the lexicon that weighed in."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What the classifier found, kept so that the triage desk sees it."""

    why: TriageReason
    first: Body | None
    second: Body | None
    domain: Domain | None
    area: str | None
    kind: Kind
    confidence: float
    reasons: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided at the triage desk, beside what the machine thought: training material."""

    at: datetime
    to: str
    why: TriageReason
    first: Body | None
    second: Body | None

    @property
    def agrees(self) -> bool:
        """Whether the person chose the machine's first choice."""
        return self.first is not None and self.to == self.first


@dataclass(frozen=True, slots=True)
class Objection:
    """A body's objection that waits for the router; `timely` None: the calendar does not know the year."""

    reason: ReturnReason
    suggested: Body | None
    timely: bool | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item on the joint conference's agenda; `lead` and the dates are there once it has decided."""

    number: int
    why: ConferenceGround
    group: str
    put_at: datetime
    lead: Body | None = None
    helpers: tuple[str, ...] = ()
    finish_by: datetime | None = None
    followed_up: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the history: where the petition went, on what occasion, and with what reasons."""

    at: datetime
    place: Place
    to: str = ""
    occasion: Occasion | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """The fold of petition-routing-v1.

    At most one of `body`, `triage_due`, `conference_due` and `office` is set. `return_due` is set exactly
    while a body's objection waits, `follow_up_at` while the conference's office must look again.
    """

    body: Body | None = None
    transfer: int = 0
    triage_due: datetime | None = None
    conference_due: datetime | None = None
    office: Office | None = None
    return_due: datetime | None = None
    follow_up_at: datetime | None = None
    guess: Guess | None = None
    objection: Objection | None = None
    item: Item | None = None
    escalations: int = 0
    tier: Tier | None = None
    kind: Kind | None = None
    domain: Domain | None = None
    area: str | None = None
    urgency: Urgency | None = None
    urgent_phrase: str | None = None
    history: tuple[Move, ...] = ()
    decisions: tuple[Decision, ...] = ()
    decided_at: datetime | None = None
    membership: Membership = field(default_factory=Membership)

    @property
    def begun(self) -> bool:
        """Whether anything was ever decided."""
        return bool(self.history)


@dataclass(frozen=True, slots=True)
class Dossier:
    """The fold of petition-dossiers-v1: the text that is classified, and when it last became another."""

    title: str = ""
    content: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """The fold of petition-intake-v1."""

    area: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The fold of petition-mediation-v1: which body has a case of it, and how far it is from its end."""

    body: Body | None = None
    transfer: int = 0
    concluded: bool = False
    answered: bool = False
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Docket:
    """All that routing knows of one petition."""

    petition: PetitionId
    own: Routing
    dossier: Dossier
    intake: Intake
    mediation: Case = Case()


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions that every routing fact names, and the times and bounds that the operator sets."""

    lexicon_version: str
    catalogue_version: str
    triage_within: timedelta
    return_within: timedelta = timedelta(days=2)
    conference_within: timedelta = timedelta(days=10)
    most_transfers: int = 3
    joint: JointRules = NO_RULES

    def helpers(self, docket: "Docket", lead: Body, area: str | None) -> tuple[str, ...]:
        """Return who handles the matter together with its lead."""
        return self.joint.helpers(f"{docket.dossier.title}\n{docket.dossier.content}", lead, area)


def place(docket: Docket) -> Place | None:
    """Tell with whom a petition is; None before the first decision.

    An outcome that a body reached while routing was about to take the petition away counts: it is that
    body's, which still owes the answer.
    """
    own, case = docket.own, docket.mediation
    if case.answered:
        return Place.ENDED
    if case.concluded:
        return Place.BODY
    if own.office is Office.PETITION_OFFICE:
        return Place.ENDED
    if own.office is Office.DISCIPLINE_INSPECTION:
        return Place.DISCIPLINE
    if own.conference_due is not None:
        return Place.CONFERENCE
    if own.triage_due is not None:
        return Place.TRIAGE
    return Place.BODY if own.body is not None else None


def body_of(docket: Docket) -> Body | None:
    """Return the body that has the petition; None where none has."""
    if place(docket) is not Place.BODY:
        return None
    return docket.mediation.body if docket.mediation.concluded else docket.own.body


def is_settled(docket: Docket) -> bool:
    """Whether the matter has its outcome, so that nothing is decided about its place any more."""
    return docket.mediation.concluded or docket.mediation.answered


def evolve_own(part: Routing, fact: Fact) -> Routing:
    """Fold petition-routing-v1."""
    membership = evolve_membership(part.membership, fact)
    match fact:
        case PetitionRouted() | PetitionSentToTriage() | PetitionPutToConference() | PetitionReferred():
            return _moved(part, membership, fact)
        case ReturnReceived():
            objection = Objection(fact.reason, fact.suggested, fact.timely)
            return replace(part, return_due=fact.due, objection=objection)
        case ReturnAgreed() | ReturnRefused():
            return replace(part, return_due=None, objection=None)
        case ConferenceDecided() if part.item is not None:
            decided = replace(part.item, lead=fact.lead, helpers=fact.helpers, finish_by=fact.finish_by)
            return replace(part, item=decided, follow_up_at=fact.follow_up_at)
        case ConferenceFollowedUp() if part.item is not None:
            looked = replace(part.item, followed_up=part.item.followed_up + 1)
            return replace(part, item=looked, follow_up_at=fact.next_at)
        case PetitionEscalated():
            return replace(part, escalations=fact.number, tier=fact.to_tier)
        case _:
            return part if membership is part.membership else replace(part, membership=membership)


def _moved(
    part: Routing,
    membership: Membership,
    fact: PetitionRouted | PetitionSentToTriage | PetitionPutToConference | PetitionReferred,
) -> Routing:
    """Give the petition its new place and leave the old one: it is never in two."""
    body, triage_due, conference_due, office = None, None, None, None
    transfer, guess, item, follow_up_at = part.transfer, part.guess, part.item, part.follow_up_at
    kind, domain, area = part.kind, part.domain, part.area
    urgency, urgent_phrase = part.urgency, part.urgent_phrase
    match fact:
        case PetitionRouted():
            body, transfer = fact.body, fact.transfer
            kind, domain, area = fact.kind, fact.domain, fact.grid or fact.area
            urgency, urgent_phrase = fact.urgency, fact.urgent_phrase
        case PetitionSentToTriage():
            triage_due, guess = fact.due, _guess(fact)
            kind, domain, area = fact.kind, fact.domain, fact.grid or fact.area
            urgency, urgent_phrase = fact.urgency, fact.urgent_phrase
        case PetitionPutToConference():
            conference_due, follow_up_at = fact.due, None
            item = Item(fact.item, fact.ground, fact.group or "", fact.at)
        case PetitionReferred():
            office = fact.office
    # All at once: to copy twenty fields five times was a tenth of routing's time.
    return replace(
        _decided(part, fact),
        body=body,
        transfer=transfer,
        triage_due=triage_due,
        conference_due=conference_due,
        office=office,
        return_due=None,
        follow_up_at=follow_up_at,
        guess=guess,
        objection=None,
        item=item,
        kind=kind,
        domain=domain,
        area=area,
        urgency=urgency,
        urgent_phrase=urgent_phrase,
        history=(*part.history, _line(fact)),
        membership=membership,
    )


def _guess(fact: PetitionSentToTriage) -> Guess:
    return Guess(
        why=fact.why,
        first=fact.first,
        second=fact.second,
        domain=fact.domain,
        area=fact.grid or fact.area,
        kind=fact.kind,
        confidence=fact.confidence,
        reasons=tuple(Term(reason.term, reason.weight) for reason in fact.reasons),
    )


def _decided(part: Routing, fact: Fact) -> Routing:
    """Note what a person decided at the desk."""
    if part.triage_due is None or part.guess is None:
        return part
    match fact:
        case PetitionRouted(body=to) | PetitionReferred(office=to):
            guess = part.guess
            decision = Decision(fact.at, to, guess.why, guess.first, guess.second)
            return replace(part, decisions=(*part.decisions, decision), decided_at=fact.at)
        case _:
            return part


def _line(
    fact: PetitionRouted | PetitionSentToTriage | PetitionPutToConference | PetitionReferred,
) -> Move:
    match fact:
        case PetitionRouted():
            phrases = ",".join(reason.term for reason in fact.reasons)
            return Move(fact.at, Place.BODY, fact.body, fact.occasion, phrases)
        case PetitionSentToTriage():
            return Move(fact.at, Place.TRIAGE, "", fact.occasion, fact.why)
        case PetitionPutToConference():
            return Move(fact.at, Place.CONFERENCE, fact.group or "", None, fact.ground)
        case PetitionReferred(office=Office.DISCIPLINE_INSPECTION):
            return Move(fact.at, Place.DISCIPLINE, fact.office)
        case PetitionReferred():
            return Move(fact.at, Place.ENDED, fact.office)


def evolve_dossier(part: Dossier, fact: Fact) -> Dossier:
    """Fold petition-dossiers-v1."""
    if not isinstance(fact, DossierSaved):
        return part
    same = (part.title, part.content) in {("", ""), (fact.title, fact.content)}
    return Dossier(fact.title, fact.content, part.changed_at if same else fact.at)


def evolve_intake(part: Intake, fact: Fact) -> Intake:
    """Fold petition-intake-v1."""
    match fact:
        case PetitionRegistered():
            return replace(part, area=fact.grid or fact.area)
        case PetitionAccepted():
            return replace(part, due=fact.due)
        case _:
            return part


def evolve_mediation(part: Case, fact: Fact) -> Case:
    """Fold petition-mediation-v1."""
    match fact:
        case CaseOpened():
            return Case(fact.body, fact.transfer)
        case CaseHandedBack():
            return replace(part, body=None)
        case CaseConcluded():
            return replace(part, concluded=True)
        case CaseAnswered():
            return replace(part, answered=True)
        case CommonPolicyDeclined():
            return replace(part, declined=True)
        case _:
            return part


def as_reasons(terms: Sequence[Term]) -> tuple[Reason, ...]:
    """Return phrases as a fact carries them."""
    return tuple(Reason(term=term.term, weight=round(term.weight, 3)) for term in terms)
