"""What notify keeps of its own facts: each message with where it stands, replies heard, calls to make.

The fold of petition-notify-v1: who replays the topic through `evolve_own` gets the same.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from contracts.fact import Fact
from contracts.notify import (
    CallTaskDone,
    CallTaskRaised,
    ReplyKind,
    ReplyReceived,
    SmsClaimed,
    SmsDecided,
    SmsDelivered,
    SmsJoined,
    SmsNotSent,
    SmsPostponed,
    SmsQueued,
    SmsSent,
    SmsSkipped,
    SmsUndelivered,
    SmsUnknown,
)


class State(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    JOINED = "joined"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


# The states that staff look for; the others are many and need nobody.
ATTENTION: Final = (State.QUEUED, State.NOT_SENT, State.UNKNOWN, State.UNDELIVERED, State.SKIPPED)
# Stands among them in the index while somebody must call the petitioner.
CALL: Final = "call"


@dataclass(frozen=True, slots=True)
class Sms:
    """One message: `until` is the end of the lease or of the pause, `claim` the number of its last claim.

    `recipient` is "" for the petitioner; `gateway` the one of the last claim or offer; `into` the message
    within whose text this one went out. What is `offered` is claimed when its gateway has room for it.
    """

    message: str
    template: str
    version: str
    cause: str
    queued_at: datetime
    changed_at: datetime
    state: State = State.QUEUED
    attempt: int = 0
    until: datetime | None = None
    claim: int = 0
    asked: int = 0
    reason: str = ""
    reference: str = ""
    segments: int = 0
    recipient: str = ""
    gateway: str = ""
    valid_until: datetime | None = None
    into: str = ""
    offered: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody must call the petitioner: no SMS told him what `message` says."""

    message: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Messages:
    """The fold of petition-notify-v1: `heard` counts its facts, `replies` names those that were taken."""

    heard: int = 0
    messages: tuple[Sms, ...] = ()
    attention: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    opted_out: bool = False
    call: Call | None = None

    def find(self, message: str) -> Sms | None:
        """Return the message of this id."""
        for known in reversed(self.messages):
            if known.message == message:
                return known
        return None


def number_of(message_id: str) -> int:
    """Return the ordinal that ends the id of a message on a topic."""
    return int(message_id.rpartition("/")[2])


def name_of(template: str, cause: str, recipient: str = "") -> str:
    """Return a message's id within its petition: each cause makes one message of a template a recipient."""
    name = f"{template}.{number_of(cause)}"
    return f"{name}.{recipient}" if recipient else name


def evolve_own(part: Messages, fact: Fact) -> Messages:
    """Fold notify's own facts."""
    part = replace(part, heard=part.heard + 1)
    match fact:
        case SmsQueued():
            return _with(part, _queued(fact, part.heard))
        case SmsSkipped():
            return _with(part, _skipped(part, fact))
        case ReplyReceived():
            out = {ReplyKind.OPT_OUT: True, ReplyKind.OPT_IN: False}.get(fact.kind, part.opted_out)
            return replace(part, replies=(*part.replies, fact.reply), opted_out=out)
        case CallTaskRaised():
            return _attended(replace(part, call=Call(fact.message, fact.reason, fact.at)))
        case CallTaskDone():
            return _attended(replace(part, call=None))
        case _:
            known = part.find(getattr(fact, "message", ""))
            return part if known is None else _with(part, _changed(known, fact, part.heard))


def _changed(message: Sms, fact: Fact, heard: int) -> Sms:
    match fact:
        case SmsPostponed() | SmsJoined():
            return _waited(message, fact)
        case SmsClaimed() | SmsSent() | SmsNotSent() | SmsUnknown():
            return _moved(message, fact, heard)
        case SmsDelivered() | SmsUndelivered() | SmsDecided():
            return _settled(message, fact)
        case _:
            return message


def _queued(fact: SmsQueued, heard: int) -> Sms:
    queued = Sms(
        fact.message,
        fact.template,
        fact.template_version,
        fact.cause,
        queued_at=fact.at,
        changed_at=fact.at,
        until=fact.not_before,
        recipient=fact.recipient or "",
        valid_until=fact.valid_until,
    )
    if fact.lease_until is None:
        return replace(queued, gateway=fact.gateway or "", offered=fact.gateway is not None)
    return replace(
        queued,
        state=State.CLAIMED,
        attempt=1,
        until=fact.lease_until,
        claim=heard,
        gateway=fact.gateway or "",
    )


def _skipped(part: Messages, fact: SmsSkipped) -> Sms:
    message = name_of(fact.template, fact.cause, fact.recipient or "")
    known = part.find(message) or Sms(
        message,
        fact.template,
        "",
        fact.cause,
        queued_at=fact.at,
        changed_at=fact.at,
        recipient=fact.recipient or "",
    )
    return replace(
        known, state=State.SKIPPED, reason=fact.reason, until=None, changed_at=fact.at, offered=False
    )


def _waited(message: Sms, fact: SmsPostponed | SmsJoined) -> Sms:
    if isinstance(fact, SmsPostponed):
        return replace(
            message,
            until=fact.not_before,
            changed_at=fact.at,
            gateway=fact.gateway or message.gateway,
            offered=fact.gateway is not None,
        )
    return replace(message, state=State.JOINED, into=fact.into, until=None, changed_at=fact.at, offered=False)


def _moved(message: Sms, fact: SmsClaimed | SmsSent | SmsNotSent | SmsUnknown, heard: int) -> Sms:
    """Move a message on by what happened to one of its attempts."""
    moved = replace(message, attempt=fact.attempt, changed_at=fact.at, until=None, offered=False)
    match fact:
        case SmsClaimed():
            return replace(
                moved,
                state=State.CLAIMED,
                until=fact.lease_until,
                claim=heard,
                asked=0,
                reason="",
                gateway=fact.gateway,
            )
        case SmsSent():
            return replace(
                moved,
                state=State.SENT,
                reference=fact.reference,
                segments=fact.segments,
                gateway=fact.gateway,
            )
        case SmsNotSent():
            return replace(moved, state=State.NOT_SENT, until=fact.retry_at, reason=fact.reason)
        case SmsUnknown():
            return replace(moved, state=State.UNKNOWN, asked=message.asked + 1)


def _settled(message: Sms, fact: SmsDelivered | SmsUndelivered | SmsDecided) -> Sms:
    """Move a message on by what its gateway or a person said of it."""
    moved = replace(message, attempt=fact.attempt, changed_at=fact.at, until=None)
    match fact:
        case SmsDelivered():
            return replace(moved, state=State.DELIVERED, reason="")
        case SmsUndelivered():
            return replace(moved, state=State.UNDELIVERED, reason=fact.code)
        case SmsDecided(sent=True):
            return replace(moved, state=State.SENT)
        case _:
            return replace(moved, state=State.NOT_SENT, until=fact.at, reason="decided")


def _with(part: Messages, changed: Sms) -> Messages:
    if part.find(changed.message) is None:
        messages = (*part.messages, changed)
    else:
        messages = tuple(changed if known.message == changed.message else known for known in part.messages)
    return _attended(replace(part, messages=messages))


def _attended(part: Messages) -> Messages:
    """Say in the docket's index what staff look for."""
    states = {message.state for message in part.messages}
    wanted = tuple(str(state) for state in ATTENTION if state in states)
    return replace(part, attention=(*wanted, CALL) if part.call else wanted)
