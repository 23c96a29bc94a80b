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
    # Not stated yet; on the wire from the first release, since a new value would break old readers.
    OPTED_OUT = "opted-out"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    CAP = "cap"
    REFUSED = "refused"


class SmsQueued(Fact):
    """The petitioner will be told; `message` is unique within the petition, `cause` is the fact's id.

    With `gateway` and `lease_until` its first attempt is claimed at once, as `SmsClaimed` would say.
    """

    TYPE: ClassVar[str] = "cn.petition.notify.SmsQueued.v1"
    TOPIC: ClassVar[Topic] = NOTIFY

    message: Code
    template: Code
    template_version: Code
    cause: str = Field(min_length=1, max_length=200)
    gateway: Code | None = None
    lease_until: Moment | None = None


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
