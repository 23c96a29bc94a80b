"""What notify states on `petition-notify-v1`: the life of each message, without number, name or text."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from contracts.fact import Code, Count, Fact, Moment
from contracts.topics import NOTIFY, Topic


class SkipReason(StrEnum):
    """Why a message that was owed did not go out; each is shown to staff."""

    NUMBER_UNUSABLE = "number-unusable"
    NO_CONTACT = "no-contact"
    ERASED = "erased"
    OPTED_OUT = "opted-out"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    CAP = "cap"
    REFUSED = "refused"


class ReplyKind(StrEnum):
    """What somebody's answer by SMS was understood as."""

    RATING = "rating"
    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
    UNCLEAR = "unclear"


class CallOutcome(StrEnum):
    """How a call task ended."""

    REACHED = "reached"
    NOT_REACHED = "not-reached"
    OTHER_WAY = "other-way"


class SmsQueued(Fact):
    """Somebody will be told; `message` is unique within the petition, `cause` is the fact's id.

    With `gateway` and `lease_until` its first attempt is claimed at once, as `SmsClaimed` would say; with
    `gateway` alone it is offered to that gateway, which claims it when it can leave at once, or it is offered
    anew from `not_before` on.
    `recipient` is absent for the petitioner, else the key of another person of the dossier, or `handler` or
    `superior`. It leaves not before `not_before` (quiet hours) and not after `valid_until`.
    """

    TYPE: ClassVar[str] = "cn.petition.notify.SmsQueued.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    template: Code
    template_version: Code
    cause: str = Field(min_length=1, max_length=200)
    gateway: Code | None = None
    lease_until: Moment | None = None
    recipient: Code | None = None
    not_before: Moment | None = None
    valid_until: Moment | None = None


class SmsPostponed(Fact):
    """The message waits until `not_before`: it is night, or another one about the petition has just left.

    With `gateway` it is offered to that gateway until then, which claims it when it can leave at once.
    """

    TYPE: ClassVar[str] = "cn.petition.notify.SmsPostponed.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    not_before: Moment
    gateway: Code | None = None


class SmsJoined(Fact):
    """What the message says goes out within the text of the message `into`."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsJoined.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    into: Code


class SmsClaimed(Fact):
    """One sender took a waiting message until `lease_until`; stated before the gateway is called."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsClaimed.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    gateway: Code
    lease_until: Moment


class SmsSent(Fact):
    """The gateway has the message."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsSent.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    gateway: Code
    reference: Code
    segments: Count


class SmsNotSent(Fact):
    """Nothing left us in this attempt, that is certain; the next one comes not before `retry_at`."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsNotSent.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    reason: Code
    retry_at: Moment


class SmsUnknown(Fact):
    """The message may have left or not; the machine never sends it again, the gateway is asked instead."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsUnknown.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count


class SmsSkipped(Fact):
    """The message was owed and will not go out; staff see the reason and tell the petitioner another way."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsSkipped.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    template: Code
    cause: str = Field(min_length=1, max_length=200)
    reason: SkipReason
    recipient: Code | None = None


class SmsDelivered(Fact):
    """The gateway says that the telephone has it; `late` if after it had been given up."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsDelivered.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    late: bool = False


class SmsUndelivered(Fact):
    """The telephone did not get it, says the gateway with its `code`; `no-receipt` if it never said."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsUndelivered.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    code: Code


class SmsDecided(Fact):
    """A person decided about a message of which nobody knows: count it as `sent`, or let it be sent again."""

    TYPE: ClassVar[str] = "cn.petition.notify.SmsDecided.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    attempt: Count
    sent: bool
    by: Code


class ReplyReceived(Fact):
    """Somebody answered by SMS. The words are personal and stay with notify; `reply` names them there.

    `message` is the question that it answers, `score` (1 to 5) is there for a rating.
    """

    TYPE: ClassVar[str] = "cn.petition.notify.ReplyReceived.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    reply: Code
    kind: ReplyKind
    message: Code | None = None
    score: int | None = Field(default=None, ge=1, le=5)


class CallTaskRaised(Fact):
    """No SMS reached the petitioner, so somebody must call. `reason` is that of the message."""

    TYPE: ClassVar[str] = "cn.petition.notify.CallTaskRaised.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    reason: Code


class CallTaskDone(Fact):
    """Somebody on the staff called, or told the petitioner another way."""

    TYPE: ClassVar[str] = "cn.petition.notify.CallTaskDone.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    outcome: CallOutcome
    by: Code
