"""Routing's rules: to which body, why, and when a person must look instead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import DecidedBy, Kind
from contracts.routing import (
    Office,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    Reason,
    TriageReason,
)
from runtime.service import Refused


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
class Routing:
    """The fold of petition-routing-v1. `triage_due` is set exactly while a person must decide."""

    body: Body | None = None
    transfer: int = 0
    triage_due: datetime | None = None
    guess: Guess | None = None
    office: Office | None = None

    @property
    def begun(self) -> bool:
        """Whether anything was ever decided."""
        return self.body is not None or self.triage_due is not None or self.office is not None


@dataclass(frozen=True, slots=True)
class Dossier:
    """The fold of petition-dossiers-v1: the text that is classified."""

    title: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """The fold of petition-intake-v1."""

    area: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Docket:
    """All that routing knows of one petition."""

    petition: PetitionId
    own: Routing
    dossier: Dossier
    intake: Intake


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the classifier says of one text, in the contract's words; `sure` if no person need look."""

    body: Body | None
    second: Body | None
    domain: Domain | None
    area: str | None
    kind: Kind
    joint: bool
    confidence: float
    reasons: tuple[Term, ...]
    sure: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions that every routing fact names, and the time that a person has."""

    lexicon_version: str
    catalogue_version: str
    triage_within: timedelta


def ready(docket: Docket) -> bool:
    """Whether both streams have brought what a first decision needs, and none was made."""
    return docket.intake.due is not None and bool(docket.dossier.content) and not docket.own.begun


def decide_route(docket: Docket, found: Finding, rules: Rules, now: datetime) -> Sequence[Fact]:
    """转送/交办: route what the classifier is sure of; the rest, and every report, goes to a person."""
    if not ready(docket) or docket.intake.due is None:
        return ()
    area = docket.intake.area or found.area
    if found.sure and found.body is not None and found.kind is not Kind.REPORT:
        return (
            PetitionRouted(
                at=now,
                body=found.body,
                second=found.second,
                domain=found.domain,
                area=area,
                kind=found.kind,
                joint=found.joint,
                co_handlers=(found.second,) if found.joint and found.second else (),
                reasons=_reasons(found.reasons),
                confidence=found.confidence,
                decided_by=DecidedBy.MACHINE,
                transfer=1,
                rule_version=rules.lexicon_version,
                catalogue_version=rules.catalogue_version,
                due=docket.intake.due,
            ),
        )
    return (
        PetitionSentToTriage(
            at=now,
            why=_why(found),
            first=found.body,
            second=found.second,
            domain=found.domain,
            area=area,
            kind=found.kind,
            reasons=_reasons(found.reasons),
            confidence=found.confidence,
            rule_version=rules.lexicon_version,
            due=now + rules.triage_within,
        ),
    )


def decide_triage(
    docket: Docket, to: Body | Office, by: str, rules: Rules, now: datetime
) -> Sequence[Fact] | Refused:
    """A person decides what the machine did not, be it for an office outside the bodies (art. 22)."""
    guess = docket.own.guess
    if docket.own.triage_due is None or guess is None or docket.intake.due is None:
        return Refused("not-in-triage")
    if isinstance(to, Office):
        return (PetitionReferred(at=now, office=to, by=by),)
    return (
        PetitionRouted(
            at=now,
            body=to,
            second=guess.second if to == guess.first else guess.first,
            domain=guess.domain,
            area=guess.area,
            kind=guess.kind,
            reasons=_reasons(guess.reasons) if to == guess.first else (),
            decided_by=DecidedBy.PERSON,
            transfer=docket.own.transfer + 1,
            rule_version=rules.lexicon_version,
            catalogue_version=rules.catalogue_version,
            due=docket.intake.due,
        ),
    )


def evolve_own(part: Routing, fact: Fact) -> Routing:
    """Fold petition-routing-v1."""
    match fact:
        case PetitionRouted():
            return replace(part, body=fact.body, transfer=fact.transfer, triage_due=None)
        case PetitionSentToTriage():
            guess = Guess(
                why=fact.why,
                first=fact.first,
                second=fact.second,
                domain=fact.domain,
                area=fact.area,
                kind=fact.kind,
                confidence=fact.confidence,
                reasons=tuple(Term(reason.term, reason.weight) for reason in fact.reasons),
            )
            return replace(part, triage_due=fact.due, guess=guess)
        case PetitionReferred():
            return replace(part, office=fact.office, triage_due=None)
        case _:
            return part


def evolve_dossier(part: Dossier, fact: Fact) -> Dossier:
    """Fold petition-dossiers-v1."""
    return Dossier(fact.title, fact.content) if isinstance(fact, DossierSaved) else part


def evolve_intake(part: Intake, fact: Fact) -> Intake:
    """Fold petition-intake-v1."""
    match fact:
        case PetitionRegistered():
            return replace(part, area=fact.area)
        case PetitionAccepted():
            return replace(part, due=fact.due)
        case _:
            return part


def _why(found: Finding) -> TriageReason:
    if found.kind is Kind.REPORT:
        return TriageReason.REPORT
    return TriageReason.UNSURE if found.body else TriageReason.NO_BODY


def _reasons(terms: Sequence[Term]) -> tuple[Reason, ...]:
    return tuple(Reason(term=term.term, weight=round(term.weight, 3)) for term in terms)
