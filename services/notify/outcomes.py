"""What comes back after a message has left: receipts, replies, and what staff decide. Pure, like `domain.py`.

A message moves up only: what the telephone has stays delivered whatever is said later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.notify import (
    CallOutcome,
    CallTaskDone,
    ReplyKind,
    ReplyReceived,
    SmsDecided,
    SmsDelivered,
    SmsUndelivered,
)
from contracts.topics import NOTIFY
from runtime.service import Refused
from services.notify.docket import Docket
from services.notify.domain import decide_waiting, queue, with_call
from services.notify.messages import Sms, State
from services.notify.rules import Rules
from services.notify.sms import Delivery
from services.notify.turns import folded, is_open

HELP: Final = "rating-help"
OPTED_OUT: Final = "opted-out"


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway says of one attempt, all its segments taken together."""

    message: str
    attempt: int
    delivery: Delivery
    code: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered, as understood; `message` is the question that it answers, "" if none."""

    reply: str
    kind: ReplyKind
    message: str = ""
    score: int | None = None


def decide_receipt(rules: Rules, docket: Docket, told: Told, now: datetime) -> Sequence[Fact]:
    """State what became of a message. It proves that a message left of which nobody knew that."""
    message = docket.own.find(told.message)
    if message is None or message.attempt != told.attempt or told.delivery is Delivery.PENDING:
        return []
    if told.delivery is Delivery.DELIVERED:
        if not (is_open(message) or message.state in {State.SENT, State.UNDELIVERED}):
            return []
        late = message.state is State.UNDELIVERED
        delivered = SmsDelivered(at=now, message=message.message, attempt=message.attempt, late=late)
        return _and_those_behind(rules, docket, [delivered], now)
    if not (is_open(message) or message.state is State.SENT):
        return []
    failed = SmsUndelivered(
        at=now, message=message.message, attempt=message.attempt, code=told.code or "unknown"
    )
    return _and_those_behind(rules, docket, with_call(docket, [failed], now), now)


def _and_those_behind(rules: Rules, docket: Docket, facts: Sequence[Fact], now: datetime) -> Sequence[Fact]:
    return [*facts, *decide_waiting(rules, folded(docket, facts), now)]


def decide_reply(rules: Rules, docket: Docket, reply: Reply, now: datetime) -> Sequence[Fact]:
    """State a reply once, however often the gateway brings it; at most one text answers it."""
    if reply.reply in docket.own.replies:
        return []
    received = ReplyReceived(
        at=now,
        reply=reply.reply,
        kind=reply.kind,
        message=reply.message or None,
        score=reply.score if reply.kind is ReplyKind.RATING else None,
    )
    template = ""
    if reply.kind is ReplyKind.OPT_OUT and not docket.own.opted_out:
        template = OPTED_OUT
    elif reply.kind is ReplyKind.UNCLEAR and reply.message and not _helped(docket):
        template = HELP
    notice = rules.notice(template) if template else None
    if notice is None:
        return [received]
    # It is caused by the fact stated just before it.
    cause = message_id(NOTIFY, docket.petition, docket.own.heard + 1)
    return [received, queue(rules, docket, notice, cause, now)]


def _helped(docket: Docket) -> bool:
    return any(message.template == HELP for message in docket.own.messages)


def decide_unknown(
    rules: Rules, docket: Docket, message: str, *, sent: bool, by: str, now: datetime
) -> Sequence[Fact] | Refused:
    """Take a person's word for a message of which the machine cannot know whether it left."""
    known = docket.own.find(message)
    if known is None:
        return Refused("no-such-message")
    if known.state is not State.UNKNOWN:
        return Refused("message-not-unknown")
    decided = SmsDecided(at=now, message=message, attempt=known.attempt, sent=sent, by=by)
    return _and_those_behind(rules, docket, [decided], now)


def decide_called(docket: Docket, outcome: CallOutcome, by: str, now: datetime) -> Sequence[Fact] | Refused:
    """Close the call task."""
    if docket.own.call is None:
        return Refused("no-call-task")
    return [CallTaskDone(at=now, outcome=outcome, by=by)]


def open_question(docket: Docket, questions: frozenset[str]) -> Sms | None:
    """Return the newest question to the petitioner that was sent and has no rating yet."""
    asked = [
        message
        for message in docket.own.messages
        if message.template in questions
        and not message.recipient
        and message.state in {State.CLAIMED, State.SENT, State.DELIVERED, State.UNKNOWN}
    ]
    return asked[-1] if asked else None
