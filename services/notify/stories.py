"""What notify keeps of other services' facts: the number to reach, and what each fact offers to a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered, PetitionSupplemented
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    SessionHeld,
)
from contracts.routing import (
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnRefused,
)

# What a text may say of each fact. Only codes, numbers and times are kept; "reason" is the phrase of the
# published lexicon that weighed most, "policy" is code and version of a published policy, "body" comes from
# the case where the fact itself does not name it.
OFFERS: Final[Mapping[type[Fact], tuple[str, ...]]] = {
    PetitionRegistered: ("tell_by",),
    PetitionAccepted: ("due",),
    PetitionSupplemented: ("number",),
    PetitionRated: ("score",),
    PetitionRouted: ("body", "reason", "occasion"),
    PetitionSentToTriage: ("due", "occasion"),
    PetitionPutToConference: ("due", "ground"),
    ReturnRefused: ("body",),
    PetitionReferred: ("office",),
    PetitionJoinedCampaign: (),
    PetitionLeftCampaign: ("body",),
    CaseOpened: ("body", "accept_by", "due"),
    CaseAccepted: ("body",),
    SessionHeld: ("body", "number", "kind"),
    CaseConcluded: ("body", "outcome", "policy"),
    CaseAnswered: ("body", "outcome", "review_by", "policy"),
    CaseRated: ("body", "score"),
    CaseOverdue: ("body", "step", "since"),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """The fold of petition-dossiers-v1: the number as it was written, and nothing else of the person."""

    phone: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """What one fact offers to a text."""

    ordinal: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """The fold of another service's topic: what its facts offer to texts. `heard` counts all its facts."""

    heard: int = 0
    body: str = ""
    tellings: tuple[Telling, ...] = ()

    def values(self, ordinal: int) -> dict[str, str] | None:
        """Return what the fact of this number offers; None if it was not heard or offers nothing."""
        return next((telling.values for telling in self.tellings if telling.ordinal == ordinal), None)


def evolve_dossier(part: Contact, fact: Fact) -> Contact:
    """Fold the dossier: the newest number counts."""
    return Contact(fact.phone) if isinstance(fact, DossierSaved) else part


def evolve_story(part: Story, fact: Fact) -> Story:
    """Fold another service's topic: keep what each fact offers to a text."""
    heard = part.heard + 1
    body = str(getattr(fact, "body", "") or part.body) if type(fact) in OFFERS else part.body
    values = {name: value for name in OFFERS.get(type(fact), ()) if (value := _value(fact, name, body))}
    tellings = (*part.tellings, Telling(heard, values)) if type(fact) in OFFERS else part.tellings
    return Story(heard, body, tellings)


def _value(fact: Fact, name: str, body: str) -> str:
    if name == "body":
        return body
    if name == "reason":
        reasons = fact.reasons if isinstance(fact, PetitionRouted) else ()
        return max(reasons, key=lambda reason: reason.weight).term if reasons else ""
    if name == "policy":
        by = fact.by_policy if isinstance(fact, CaseConcluded | CaseAnswered) else None
        return f"{by.policy}/{by.version}" if by else ""
    value = getattr(fact, name)
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
