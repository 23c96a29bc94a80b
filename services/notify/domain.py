"""Notify's rules: who must hear of a fact, when a message may be sent, and what its end means.

Every message is queued, claimed (at once where it can be), then sent. A claim is saved before the gateway is
called; what may have left is never sent again until the gateway has said that it does not have it.
What comes back later (receipts, replies, staff's decisions) is decided in `outcomes.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.notify import (
    CallTaskRaised,
    SkipReason,
    SmsClaimed,
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
from services.notify import numbers, recipients, sms
from services.notify.docket import Docket
from services.notify.messages import Sms, State, name_of
from services.notify.notices import Notice
from services.notify.recipients import PETITIONER
from services.notify.rules import Rules
from services.notify.stories import place
from services.notify.turns import REFUSED, due_at, folded, in_turn, is_open, next_step, skipped

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# What the gateway refuses for its words waits for staff, and is tried once a day in case they changed.
REFUSED_PAUSE: Final = timedelta(days=1)
NO_RECEIPT: Final = "no-receipt"
# So many statements a reader still takes in at once.
MOST_JOINED: Final = 5
# Skipped for these reasons the petitioner has not been told, and somebody must call.
CALLED_FOR: Final = frozenset(
    {SkipReason.NUMBER_UNUSABLE, SkipReason.NO_CONTACT, SkipReason.EXPIRED, SkipReason.REFUSED}
)


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended, or what the gateway says of it; `result` None means that it cannot tell."""

    message: str
    attempt: int
    result: sms.Result | sms.Found | sms.NotFound | None


def decide_tell(rules: Rules, docket: Docket, cause: str, fact: Fact, now: datetime) -> list[Fact]:
    """Queue what somebody must hear of this fact, claimed at once where the number is known."""
    facts: list[Fact] = []
    told: dict[str, str] = {}
    for notice in rules.notices.get(type(fact), ()):
        if notice.question and not rules.hears_replies:
            continue
        for recipient in recipients.of(rules, docket, notice.audience):
            if docket.own.find(name_of(notice.template, cause, recipient)) is not None:
                continue
            facts.append(queue(rules, docket, notice, cause, now, recipient=recipient, told=told))
    return with_call(docket, facts, now)


def queue(
    rules: Rules,
    docket: Docket,
    notice: Notice,
    cause: str,
    now: datetime,
    *,
    recipient: str = PETITIONER,
    told: dict[str, str] | None = None,
) -> Fact:
    """Queue one message; `told` says who has heard of this cause at which number, and gets this one."""
    message = Sms(
        name_of(notice.template, cause, recipient),
        notice.template,
        notice.version,
        cause,
        queued_at=now,
        changed_at=now,
        recipient=recipient,
        valid_until=now + notice.valid,
    )
    if told is not None and _told(rules, docket, recipient, told):
        return skipped(message, SkipReason.DUPLICATE, now)
    queued = SmsQueued(
        at=now,
        message=message.message,
        template=notice.template,
        template_version=notice.version,
        cause=cause,
        recipient=recipient or None,
        valid_until=message.valid_until,
    )
    match next_step(rules, docket, message, notice, now):
        case SmsSkipped() as fact:
            return fact
        case SmsClaimed(gateway=gateway, lease_until=lease_until):
            return queued.model_copy(update={"gateway": gateway, "lease_until": lease_until})
        case SmsPostponed(not_before=not_before, gateway=gateway):
            return queued.model_copy(update={"not_before": not_before, "gateway": gateway})
        case None:
            return queued


def _told(rules: Rules, docket: Docket, recipient: str, told: dict[str, str]) -> bool:
    """Whether this number has heard of the cause as somebody else's; one may be there in two roles."""
    number = numbers.read(recipients.phone(rules, docket, recipient))
    if isinstance(number, numbers.Unusable):
        return False
    return told.setdefault(number.e164, recipient) != recipient


def decide_waiting(rules: Rules, docket: Docket, now: datetime) -> list[Fact]:
    """Claim what has waited for the number or its turn, in the order of the journey."""
    waiting = [message for message in docket.own.messages if message.state is State.QUEUED]
    waiting.sort(key=lambda message: place(message.cause))
    return with_call(docket, _taken(rules, docket, waiting, now), now)


def _taken(
    rules: Rules,
    docket: Docket,
    waiting: Sequence[Sms],
    now: datetime,
    company: Sequence[Sms] | None = None,
) -> list[Fact]:
    """Move messages on, one after the other; what one takes with it of the others is not taken again."""
    facts: list[Fact] = []
    joined: set[str] = set()
    for message in waiting:
        if message.message in joined:
            continue
        notice = rules.notice(message.template)
        fact = next_step(rules, docket, message, notice, now)
        if fact is None:
            continue
        facts.append(fact)
        if isinstance(fact, SmsClaimed) and _may_join(rules, notice):
            others = [
                other
                for other in (waiting if company is None else company)
                if _joins(rules, docket, other, message) and other.message not in joined
            ]
            with_it = [other.message for other in others[: MOST_JOINED - 1]]
            joined |= {message.message, *with_it}
            facts += [SmsJoined(at=now, message=other, into=message.message) for other in with_it]
    return facts


def _may_join(rules: Rules, notice: Notice | None) -> bool:
    return notice is not None and notice.joins and bool(rules.join_window) and rules.free_text


def _joins(rules: Rules, docket: Docket, other: Sms, message: Sms) -> bool:
    """Whether another waiting message may go out within the text of this one."""
    notice = rules.notice(other.template)
    return (
        other is not message
        and other.recipient == message.recipient
        and other.state is State.QUEUED
        and _may_join(rules, notice)
        and in_turn(docket, other)
    )


def decide_taken(rules: Rules, docket: Docket, message: str, now: datetime) -> Sequence[Fact]:
    """Claim what was offered: its gateway has room. What is offered no more changes nothing.

    Everything that can hold a message up is looked at once more; the offer may be seconds old.
    """
    known = docket.own.find(message)
    way = rules.way(known.gateway) if known is not None and known.offered else None
    if known is None or way is None:
        return []
    here = replace(rules, ways=(replace(way, query=True),), closed=frozenset())
    waiting = [other for other in docket.own.messages if other.state is State.QUEUED]
    return with_call(docket, _taken(here, docket, [known], now, company=waiting), now)


def decide_reported(rules: Rules, docket: Docket, report: Report, now: datetime) -> Sequence[Fact]:
    """State how an attempt ended; what is known already, or is about another attempt, changes nothing."""
    message = docket.own.find(report.message)
    if message is None or message.attempt != report.attempt or not is_open(message):
        return []
    facts = _ended(rules, docket, message, report, now)
    return [*with_call(docket, facts, now), *_released(rules, docket, facts, now)]


def _released(rules: Rules, docket: Docket, facts: Sequence[Fact], now: datetime) -> list[Fact]:
    """Claim what had to wait behind a message that did not go out."""
    if not any(message.state is State.QUEUED for message in docket.own.messages):
        return []
    return decide_waiting(rules, folded(docket, facts), now)


def decide_woken(rules: Rules, docket: Docket, now: datetime) -> list[Fact]:
    """Do what is due: ask about what may have left, try again what did not, give up waiting."""
    facts: list[Fact] = []
    due = [m for m in docket.own.messages if (at := due_at(rules, docket, m)) is not None and at <= now]
    waiting = [message for message in due if message.state in {State.QUEUED, State.NOT_SENT}]
    for message in due:
        match message.state:
            case State.CLAIMED | State.UNKNOWN:
                facts.append(SmsUnknown(at=now, message=message.message, attempt=message.attempt))
            case State.SENT:
                silent = SmsUndelivered(
                    at=now, message=message.message, attempt=message.attempt, code=NO_RECEIPT
                )
                facts.append(silent)
    facts += _taken(rules, docket, waiting, now)
    moved = folded(docket, facts).own
    for message in waiting:
        if moved.find(message.message) == message:
            # Its time is over, and nothing stands in the way but that nobody can be reached.
            reachable = recipients.phone(rules, docket, message.recipient)
            facts.append(skipped(message, SkipReason.EXPIRED if reachable else SkipReason.NO_CONTACT, now))
    return [*with_call(docket, facts, now), *_released(rules, docket, facts, now)]


def with_call(docket: Docket, facts: Sequence[Fact], now: datetime) -> list[Fact]:
    """Add a call task where the petitioner was not told; one is enough, whoever calls tells everything."""
    if docket.own.call is None:
        for fact in facts:
            reason = _call_reason(docket, fact)
            if reason is not None:
                return [*facts, CallTaskRaised(at=now, message=reason[0], reason=reason[1])]
    return list(facts)


def _call_reason(docket: Docket, fact: Fact) -> tuple[str, str] | None:
    match fact:
        case SmsSkipped(recipient=None) if fact.reason in CALLED_FOR:
            return name_of(fact.template, fact.cause), str(fact.reason)
        case SmsUndelivered() if fact.code != NO_RECEIPT:
            message = docket.own.find(fact.message)
            ours = message is not None and not message.recipient
            return (fact.message, fact.code) if ours else None
        case _:
            return None


def _ended(rules: Rules, docket: Docket, message: Sms, report: Report, now: datetime) -> Sequence[Fact]:
    match report.result:
        case (
            sms.Accepted(reference=at_gateway, segments=segments)
            | sms.Found(reference=at_gateway, segments=segments)
        ):
            sent = SmsSent(
                at=now,
                message=message.message,
                attempt=message.attempt,
                gateway=message.gateway or rules.ways[0].name,
                reference=at_gateway,
                segments=segments,
            )
            return [sent, *_known_end(message, report.result, now)]
        case sms.Unknown() if message.state is State.CLAIMED:
            return [SmsUnknown(at=now, message=message.message, attempt=message.attempt)]
        case sms.Unknown() | None:
            return []
        case sms.NotFound():
            return _again(rules, docket, message, "not-found-at-gateway", now)
        case sms.Withheld(reason=reason):
            return [_not_sent(message, reason, now, now), skipped(message, SkipReason(reason), now)]
        case sms.Refused() as refused:
            return _refused(message, refused, now)
        case _:
            return _failed(rules, docket, message, report.result, now)


def _known_end(message: Sms, result: sms.Accepted | sms.Found, now: datetime) -> list[Fact]:
    """Add what a gateway knows already of a message that it was asked about."""
    name, attempt = message.message, message.attempt
    match result:
        case sms.Found(delivery=sms.Delivery.DELIVERED):
            return [SmsDelivered(at=now, message=name, attempt=attempt)]
        case sms.Found(delivery=sms.Delivery.FAILED, code=code):
            return [SmsUndelivered(at=now, message=name, attempt=attempt, code=code or "failed")]
        case _:
            return []


def _refused(message: Sms, refused: sms.Refused, now: datetime) -> list[Fact]:
    """A number is refused for good; what is refused for its words is tried again once they may be mended."""
    facts: list[Fact] = [_not_sent(message, f"{REFUSED}{refused.code}", now, now + REFUSED_PAUSE)]
    if refused.kind is sms.Fault.NUMBER:
        facts.append(skipped(message, SkipReason.NUMBER_UNUSABLE, now))
    elif refused.kind is sms.Fault.BLACKLIST:
        facts.append(skipped(message, SkipReason.REFUSED, now))
    return facts


def _failed(
    rules: Rules, docket: Docket, message: Sms, result: sms.NotSentResult, now: datetime
) -> Sequence[Fact]:
    match result:
        case sms.Throttled(retry_after=pause, scope=sms.Scope.NUMBER):
            return [_not_sent(message, "throttled", now, now + pause)]
        case sms.Throttled(retry_after=pause):
            return _over(rules, docket, message, "throttled", now, pause)
        case sms.NotSent(reason=reason) | sms.Down(reason=reason) | sms.Misconfigured(reason=reason):
            return _over(rules, docket, message, reason, now, _pause(rules, docket.petition, message.attempt))


def _over(
    rules: Rules, docket: Docket, message: Sms, reason: str, now: datetime, pause: timedelta
) -> list[Fact]:
    """Give the message to another gateway at once; after each has had its turn, or if there is none, wait."""
    if rules.other(message.gateway) and message.attempt % len(rules.ways):
        return _again(rules, docket, message, reason, now)
    return [_not_sent(message, reason, now, now + pause)]


def _again(rules: Rules, docket: Docket, message: Sms, reason: str, now: datetime) -> list[Fact]:
    failed = _not_sent(message, reason, now, now)
    after = folded(docket, [failed])
    moved = after.own.find(message.message) or message
    fact = next_step(rules, after, moved, rules.notice(message.template), now)
    return [failed] if fact is None else [failed, fact]


def _not_sent(message: Sms, reason: str, now: datetime, retry_at: datetime) -> SmsNotSent:
    return SmsNotSent(
        at=now, message=message.message, attempt=message.attempt, reason=reason, retry_at=retry_at
    )


def _pause(rules: Rules, petition: PetitionId, attempt: int) -> timedelta:
    """Double with each round of the gateways, spread by petition so that not all come back at once."""
    rounds = (attempt - 1) // len(rules.ways)
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(rounds, 10), LONGEST_PAUSE)
    spread: float = 0.75 + crc32(petition.encode()) % 1000 / 2000
    return pause * spread
