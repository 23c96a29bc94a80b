"""What notify keeps of other services' facts: the numbers to reach, and what each fact offers to a text."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered, PetitionSupplemented
from contracts.mediation import (
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseHandedBack,
    CaseOpened,
    CaseOverdue,
    CaseRated,
    SessionHeld,
)
from contracts.notify import ReplyReceived
from contracts.routing import (
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnRefused,
)
from contracts.topics import INTAKE, MEDIATION, NOTIFY, ROUTING
from services.notify import numbers

# The streams in the order of the journey.
STREAMS: Final = (INTAKE.name, ROUTING.name, MEDIATION.name, NOTIFY.name)
# What a text may say of each fact; of a reply, which is notify's own fact, it can only say how to go on.
# Only codes, numbers and times are kept; "reason" is the phrase of the
# published lexicon that weighed most, "policy" is code and version of a published policy; "body", "due" and
# "handler" (the code of who answers for the case) come from the case where the fact does not name them.
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
    CaseAccepted: ("body", "handler", "due"),
    SessionHeld: ("body", "number", "kind"),
    CaseConcluded: ("body", "outcome", "policy"),
    CaseAnswered: ("body", "outcome", "review_by", "policy"),
    CaseRated: ("body", "score"),
    CaseOverdue: ("body", "step", "since", "handler"),
    ReplyReceived: (),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """The fold of petition-dossiers-v1: the numbers as they were written, and nothing else of the persons.

    `others` are those of representatives (`r1` …) and co-signers (`c1` …), by their keys in the dossier.
    `e164` is the petitioner's in the one form by which a reply is found.
    """

    phone: str = ""
    others: dict[str, str] = field(default_factory=dict)
    e164: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """What one fact offers to a text."""

    ordinal: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """The fold of another service's topic: what its facts offer to texts. `heard` counts all its facts.

    Of a case it keeps who has it now: the body, the code of the handler once there is one, and until when.
    """

    heard: int = 0
    body: str = ""
    handler: str = ""
    due: str = ""
    tellings: tuple[Telling, ...] = ()

    def values(self, ordinal: int) -> dict[str, str] | None:
        """Return what the fact of this number offers; None if it was not heard or offers nothing."""
        return next((telling.values for telling in self.tellings if telling.ordinal == ordinal), None)


def place(cause: str) -> tuple[int, int]:
    """Return where a fact stands on the journey, by its message id: first its stream, then its number."""
    topic, _, rest = cause.partition("/")
    return STREAMS.index(topic), int(rest.rpartition("/")[2])


def evolve_dossier(part: Contact, fact: Fact) -> Contact:
    """Fold the dossier: the newest numbers count."""
    if not isinstance(fact, DossierSaved):
        return part
    number = numbers.read(fact.phone)
    return Contact(
        phone=fact.phone,
        others={other.key: other.phone for other in fact.others or ()},
        e164=number.e164 if isinstance(number, numbers.Usable) else "",
    )


def evolve_story(part: Story, fact: Fact) -> Story:
    """Fold another service's topic: keep what each fact offers to a text."""
    part = _case(replace(part, heard=part.heard + 1), fact)
    if type(fact) not in OFFERS:
        return part
    values = {name: value for name in OFFERS[type(fact)] if (value := _value(fact, name, part))}
    return replace(part, tellings=(*part.tellings, Telling(part.heard, values)))


def _case(part: Story, fact: Fact) -> Story:
    """Keep who has the case."""
    match fact:
        case CaseOpened():
            return replace(part, body=fact.body, handler="", due=fact.due.isoformat())
        case CaseAccepted():
            return replace(part, handler=fact.handler)
        case CaseHandedBack():
            return replace(part, handler="", due="")
        case _ if type(fact) in OFFERS:
            return replace(part, body=str(getattr(fact, "body", "") or part.body))
        case _:
            return part


def _value(fact: Fact, name: str, part: Story) -> str:
    if name == "body":
        return part.body
    if isinstance(fact, CaseAccepted | CaseOverdue) and name in {"handler", "due"}:
        return part.handler if name == "handler" else part.due
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
