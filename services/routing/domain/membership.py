"""Whether a petition belongs to a campaign, and what makes it like others; a fold of routing's own facts."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.fact import Fact
from contracts.routing import (
    CommonPolicyApplied,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
)

# Neighbours complain of one thing, and some name their community while others name the street alone.
_STREET_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Membership:
    """The part of routing's fold that campaigns look at.

    `free` petitions are with a body and in no campaign; `subject` is what was complained of and where, as one
    code. `order` names the batch whose policy settled the petition, `left` the campaigns it was taken out of.
    """

    subject: str = ""
    with_body: bool = False
    free: bool = False
    campaign: str = ""
    joined_at: datetime | None = None
    order: str = ""
    left: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether a common policy was applied; that happens once."""
        return bool(self.order)


def evolve_membership(part: Membership, fact: Fact) -> Membership:
    """Fold petition-routing-v1 as far as campaigns are concerned."""
    match fact:
        case PetitionRouted():
            free = not part.campaign and not part.settled
            return replace(part, subject=_subject(fact), with_body=True, free=free)
        case PetitionSentToTriage() | PetitionPutToConference() | PetitionReferred():
            return replace(part, subject="", with_body=False, free=False)
        case PetitionJoinedCampaign():
            return replace(part, campaign=fact.campaign, joined_at=fact.at, free=False)
        case PetitionLeftCampaign():
            left = tuple(dict.fromkeys((*part.left, fact.campaign)))
            return replace(part, campaign="", joined_at=None, free=part.with_body, left=left)
        case CommonPolicyApplied():
            return replace(part, order=fact.order, free=False)
        case _:
            return part


def _subject(fact: PetitionRouted) -> str:
    """Return body, weightiest phrase and area as one code; empty where one of them is not known."""
    if not fact.reasons or fact.area is None:
        return ""
    term = max(fact.reasons, key=lambda reason: reason.weight).term
    return f"{fact.body}/{fact.area[:_STREET_DIGITS]}/{term}"
