"""What routing states on `petition-routing-v1`: which body has the petition and why, or who must look.

Every fact names the versions of the rules and of the catalogue that it was made by. Where these fields are
optional, the fact is older than they are.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import AreaCode, Code, Count, Fact, GridCode, Moment, Sha256
from contracts.kinds import DecidedBy, Kind, Outcome, ReturnReason, Urgency
from contracts.topics import ROUTING, Topic

# A phrase of the published lexicon; never the petitioner's own words.
Phrase = Annotated[str, Field(min_length=1, max_length=40)]


class Reason(BaseModel):
    """One phrase that weighed in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    term: Phrase
    weight: float = Field(allow_inf_nan=False)


class TriageReason(StrEnum):
    """Why the machine did not decide."""

    UNSURE = "unsure"
    NO_BODY = "no-body"
    REPORT = "report-of-wrongdoing"
    # On the wire from the first release, since a new value would break old readers.
    AREA_UNKNOWN = "area-unknown"
    RETURNED = "returned"


class Office(StrEnum):
    """Where a petition goes that none of the 15 bodies takes."""

    DISCIPLINE_INSPECTION = "discipline-inspection"
    PETITION_OFFICE = "petition-office"


class Occasion(StrEnum):
    """Why a petition that had a place already got a new one; absent the first time."""

    RETURNED = "returned"
    SUPPLEMENTED = "supplemented"
    CONFERENCE = "conference"
    RECONSIDERED = "reconsidered"


class ReturnGround(StrEnum):
    """Why an objection is refused: the body keeps the petition."""

    WITHIN_DUTIES = "within-duties"
    TOO_LATE = "too-late"
    NO_GROUNDS = "no-grounds"


class ConferenceGround(StrEnum):
    """Why a petition is put to the joint conference (Regulations art. 24)."""

    TRANSFERS_EXHAUSTED = "transfers-exhausted"
    BODIES_DISAGREE = "bodies-disagree"
    SEVERAL_DEPARTMENTS = "several-departments"
    ESCALATED = "escalated"


class Tier(StrEnum):
    """A tier of government; going up one is counted."""

    TOWNSHIP = "township"
    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"


class FollowUp(StrEnum):
    """What the conference's office found when it looked whether its decision was carried out."""

    DONE = "done"
    UNDER_WAY = "under-way"
    NOT_BEGUN = "not-begun"


class PetitionRouted(Fact):
    """转送/交办: the petition is with `body` from now on; `transfer` counts its bodies from 1.

    `conference` is the agenda item that decided it: that decision binds, the body cannot return it. `urgency`
    tells why the matter cannot wait its turn, `urgent_phrase` which words of the lexicon say so.
    """

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionRouted.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    body: Body
    second: Body | None = None
    domain: Domain | None = None
    area: AreaCode | None = None
    kind: Kind
    joint: bool = False
    co_handlers: tuple[Code, ...] = ()
    reasons: tuple[Reason, ...] = ()
    confidence: float | None = Field(default=None, ge=0, le=1)
    decided_by: DecidedBy
    transfer: Count
    rule_version: Code
    catalogue_version: Code
    due: Moment
    occasion: Occasion | None = None
    conference: Count | None = None
    urgency: Urgency | None = None
    urgent_phrase: Phrase | None = None
    grid: GridCode | None = None


class PetitionSentToTriage(Fact):
    """A person must look; the two best guesses and their reasons are there for him, `due` is his time."""

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionSentToTriage.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    why: TriageReason
    first: Body | None = None
    second: Body | None = None
    domain: Domain | None = None
    area: AreaCode | None = None
    kind: Kind
    reasons: tuple[Reason, ...] = ()
    confidence: float = Field(ge=0, le=1)
    rule_version: Code
    due: Moment
    occasion: Occasion | None = None
    catalogue_version: Code | None = None
    urgency: Urgency | None = None
    urgent_phrase: Phrase | None = None
    grid: GridCode | None = None


class PetitionReferred(Fact):
    """A person passed the petition to an office outside the 15 bodies; our part of the journey ends there."""

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionReferred.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    office: Office
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class ReturnReceived(Fact):
    """A body's objection lies before the router, who decides by `due`; the body has the petition meanwhile.

    `timely` tells whether it came within the 5 working days; absent if the calendar does not know the year.
    """

    TYPE: ClassVar[str] = "cn.petition.routing.ReturnReceived.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    body: Body
    transfer: Count
    reason: ReturnReason
    suggested: Body | None = None
    timely: bool | None = None
    due: Moment
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class ReturnAgreed(Fact):
    """The router agrees that the petition is not the body's; where it goes is the next fact."""

    TYPE: ClassVar[str] = "cn.petition.routing.ReturnAgreed.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    body: Body
    transfer: Count
    reason: ReturnReason
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class ReturnRefused(Fact):
    """The router refuses the objection: the body keeps the petition."""

    TYPE: ClassVar[str] = "cn.petition.routing.ReturnRefused.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    body: Body
    transfer: Count
    ground: ReturnGround
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class PetitionPutToConference(Fact):
    """联席会议: the petition is before the joint conference as agenda item `item`, decided by `due`.

    `by` is absent where the rule put it there: the transfers are exhausted. `item` counts from 1 within the
    petition; `group` is the working group that prepares it.
    """

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionPutToConference.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    item: Count
    ground: ConferenceGround
    group: Code | None = None
    by: Code | None = None
    due: Moment
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class ConferenceDecided(Fact):
    """The joint conference decided: who leads, who helps, until when; PetitionRouted follows and binds."""

    TYPE: ClassVar[str] = "cn.petition.routing.ConferenceDecided.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    item: Count
    lead: Body
    helpers: tuple[Code, ...] = ()
    finish_by: Moment
    follow_up_at: Moment
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class ConferenceFollowedUp(Fact):
    """The conference's office looked whether its decision is carried out; `next_at` absent: it is done."""

    TYPE: ClassVar[str] = "cn.petition.routing.ConferenceFollowedUp.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    item: Count
    result: FollowUp
    next_at: Moment | None = None
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class PetitionEscalated(Fact):
    """The matter went up a tier; `number` counts the petition's escalations from 1."""

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionEscalated.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    number: Count
    from_tier: Tier
    to_tier: Tier
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class PetitionJoinedCampaign(Fact):
    """集中攻坚: the petition is worked on together with others of its kind; it stays a matter of its own.

    `by` is the person who put it there, `rule_version` the campaign's rule that did; the version that is
    `rule_version` in all other facts is `routing_rule_version` here.
    """

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionJoinedCampaign.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    campaign: Code
    decided_by: DecidedBy
    by: Code | None = None
    rule_version: Count | None = None
    routing_rule_version: Code | None = None
    catalogue_version: Code | None = None


class PetitionLeftCampaign(Fact):
    """A person took the petition out again: its body handles it by itself, and no rule brings it back."""

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionLeftCampaign.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    campaign: Code
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None


class CommonPolicyApplied(Fact):
    """共性政策: this published policy settles the petition; mediation answers it, one petition at a time.

    `order` names the batch, `by` the leader who ordered it, `sha256` the very text (contracts/policies.py).
    """

    TYPE: ClassVar[str] = "cn.petition.routing.CommonPolicyApplied.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    campaign: Code
    order: Code
    policy: Code
    version: Count
    sha256: Sha256
    outcome: Outcome
    by: Code
    rule_version: Code | None = None
    catalogue_version: Code | None = None
