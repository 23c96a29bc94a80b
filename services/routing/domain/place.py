"""Where a petition is: what routing knows of it, and the folds of the three streams behind that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Kind
from contracts.routing import (
    Office,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    Reason,
    TriageReason,
)


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


@dataclass(frozen=True, slots=True)
class Rules:
    """The versions that every routing fact names, and the time that a person has."""

    lexicon_version: str
    catalogue_version: str
    triage_within: timedelta


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


def as_reasons(terms: Sequence[Term]) -> tuple[Reason, ...]:
    """Return phrases as a fact carries them."""
    return tuple(Reason(term=term.term, weight=round(term.weight, 3)) for term in terms)
