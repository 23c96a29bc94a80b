"""What mediation states on `petition-mediation-v1`: the case from its opening to the rated answer."""

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from contracts.bodies import Body
from contracts.fact import Code, Count, Fact, Moment, Sha256
from contracts.kinds import Outcome, ReturnReason, SessionKind
from contracts.topics import MEDIATION, Topic


class Step(StrEnum):
    """A step of a case that has a due time."""

    ACCEPT = "accept"
    FINISH = "finish"


class ByPolicy(BaseModel):
    """The published policy that settled a case in a campaign, as `CommonPolicyApplied` named it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    campaign: Code
    order: Code
    policy: Code
    version: Count
    sha256: Sha256


class NotApplied(StrEnum):
    """Why a common policy did not settle a case."""

    CONCLUDED = "already-concluded"
    NOT_IN_HAND = "not-in-hand"


class CaseOpened(Fact):
    """立案: the body has a case, to take up by `accept_by` (15 days, art. 23), to end by `due` (art. 34).

    Until `return_by` it may object that the matter is not its business (5 working days, art. 23), counted by
    `calendar`. Where that calendar does not know a year yet, `calendar_lacks` names the year and there is no
    `return_by`.
    """

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseOpened.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    body: Body
    transfer: Count
    accept_by: Moment
    due: Moment
    return_by: Moment | None = None
    calendar: Code | None = None
    calendar_lacks: Count | None = None


class CaseReturned(Fact):
    """退回: the body objects with a reason; the case stays with it until routing has decided (art. 23).

    `suggested` is the body that it thinks is right. `calendar_lacks` names the year that kept the time of
    objecting from being known: whoever decides sees that nobody has checked it.
    """

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseReturned.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    body: Body
    transfer: Count
    reason: ReturnReason
    suggested: Body | None = None
    return_by: Moment | None = None
    calendar_lacks: Count | None = None
    by: Code


class CaseKept(Fact):
    """The objection was refused: the body has the case as before, with the same times."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseKept.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    body: Body
    transfer: Count


class CaseHandedBack(Fact):
    """The body no longer has the case; routing says who has the petition now."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseHandedBack.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    body: Body
    transfer: Count


class CaseAccepted(Fact):
    """A named handler of the body answers for the case from now on."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseAccepted.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    handler: Code


class SessionHeld(Fact):
    """The parties met; `number` counts the case's sessions from 1, `units` are the departments present."""

    TYPE: ClassVar[str] = "cn.petition.mediation.SessionHeld.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    number: Count
    kind: SessionKind
    participants: Count
    units: tuple[Code, ...] = ()


class CaseConcluded(Fact):
    """办结: the matter has an outcome; `agreement` tells whether both sides signed (art. 33).

    `by_policy` is there if a common policy settled it: then `by` is the leader who ordered that.
    """

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseConcluded.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    outcome: Outcome
    agreement: bool = False
    by: Code
    by_policy: ByPolicy | None = None


class CaseAnswered(Fact):
    """答复: the petitioner has the written answer; review may be asked for until `review_by` (art. 35)."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseAnswered.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    outcome: Outcome
    by: Code
    review_by: Moment
    by_policy: ByPolicy | None = None


class CaseRated(Fact):
    """The petitioner's rating has reached the case; it counts in the body's assessment."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseRated.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    score: int = Field(ge=1, le=5)


class CaseOverdue(Fact):
    """A due time passed without the step; supervision (督办) begins here."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CaseOverdue.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    step: Step
    since: Moment


class CommonPolicyDeclined(Fact):
    """A common policy came to a case that had an outcome of its own, which stands."""

    TYPE: ClassVar[str] = "cn.petition.mediation.CommonPolicyDeclined.v1"
    TOPIC: ClassVar[Topic] = MEDIATION

    campaign: Code
    order: Code
    policy: Code
    version: Count
    why: NotApplied
