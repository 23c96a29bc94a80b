"""What routing states on `petition-routing-v1`: which body has the petition and why, or who must look."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import AreaCode, Code, Count, Fact, Moment
from contracts.kinds import DecidedBy, Kind
from contracts.topics import ROUTING, Topic


class Reason(BaseModel):
    """One phrase of the published lexicon that weighed in; never the petitioner's own words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    term: str = Field(min_length=1, max_length=40)
    weight: float = Field(allow_inf_nan=False)


class TriageReason(StrEnum):
    """Why the machine did not decide."""

    UNSURE = "unsure"
    NO_BODY = "no-body"
    REPORT = "report-of-wrongdoing"
    # Not stated yet; on the wire from the first release, since a new value would break old readers.
    AREA_UNKNOWN = "area-unknown"
    RETURNED = "returned"


class Office(StrEnum):
    """Where a petition goes that none of the 15 bodies takes."""

    DISCIPLINE_INSPECTION = "discipline-inspection"
    PETITION_OFFICE = "petition-office"


class PetitionRouted(Fact):
    """转送/交办: the petition is with `body` from now on; `transfer` counts its bodies from 1."""

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


class PetitionReferred(Fact):
    """A person passed the petition to an office outside the 15 bodies; our part of the journey ends there."""

    TYPE: ClassVar[str] = "cn.petition.routing.PetitionReferred.v1"
    TOPIC: ClassVar[Topic] = ROUTING

    office: Office
    by: Code
