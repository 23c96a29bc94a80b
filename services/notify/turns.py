"""When a message may leave, and when somebody must look at it again: each rule that can hold it up.

Stands between what was queued and a claim (`domain.py`). Nothing here states a fact by itself.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Final

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.notify import SkipReason, SmsClaimed, SmsPostponed, SmsSkipped
from contracts.topics import INTAKE, NOTIFY, ROUTING
from services.notify import numbers, recipients
from services.notify.docket import Docket
from services.notify.messages import Sms, State, evolve_own
from services.notify.notices import Notice
from services.notify.rules import Rules

# How the reason begins that a gateway gives for not taking a message's words.
REFUSED: Final = "refused."
_LEFT: Final = frozenset({State.CLAIMED, State.SENT, State.DELIVERED, State.UNKNOWN})


def unique(petition: PetitionId, message: str) -> str:
    """Return the name of a message over all its attempts and all petitions."""
    return f"{petition}.{message}"


def reference(petition: PetitionId, message: str, attempt: int) -> str:
    """Return the name of one attempt: the same for whoever asks."""
    return f"{unique(petition, message)}.{attempt}"


def folded(docket: Docket, facts: Iterable[Fact]) -> Docket:
    """Return the docket as it is once these facts are stated."""
    return replace(docket, own=reduce(evolve_own, facts, docket.own))


def is_open(message: Sms) -> bool:
    """Whether nobody knows yet how the last attempt ended."""
    return message.state in {State.CLAIMED, State.UNKNOWN}


def next_step(
    rules: Rules, docket: Docket, message: Sms, notice: Notice | None, now: datetime
) -> SmsClaimed | SmsSkipped | SmsPostponed | None:
    """Claim the message, or say why not now; None while it waits for the number, its turn, or another."""
    number = recipients.phone(rules, docket, message.recipient)
    if not number:
        return _unreachable(docket, message, now)
    if isinstance(numbers.read(number), numbers.Unusable):
        return skipped(message, SkipReason.NUMBER_UNUSABLE, now)
    if message.valid_until is not None and now >= message.valid_until:
        return skipped(message, SkipReason.EXPIRED, now)
    if docket.own.opted_out and not message.recipient and notice is not None and not notice.statutory:
        return skipped(message, SkipReason.OPTED_OUT, now)
    before = _before(docket, message)
    if not in_turn(docket, message) or (before is not None and message.state is State.QUEUED):
        return None
    # An offer that nobody took up is made again; anything else waits for its time.
    until = None if message.offered else message.until
    at = max(now, until or now, _apart(rules, docket, message, notice) or now)
    if before is not None and before.until is not None:
        at = max(at, before.until + timedelta(seconds=1))
    at = rules.awake(notice, at)
    if at <= now:
        return _leaving(rules, docket, message, now)
    if message.valid_until is not None and at >= message.valid_until:
        return skipped(message, SkipReason.EXPIRED, now)
    return None if at == message.until else SmsPostponed(at=now, message=message.message, not_before=at)


def _unreachable(docket: Docket, message: Sms, now: datetime) -> SmsSkipped | None:
    """Say why there is no number; None while the petitioner's may still come."""
    if recipients.is_staff(message.recipient):
        return skipped(message, SkipReason.NO_CONTACT, now)
    # An empty dossier where there was a number means that the person was erased.
    erased = message.recipient or any(other.attempt for other in docket.own.messages)
    return skipped(message, SkipReason.ERASED, now) if erased else None


def _leaving(rules: Rules, docket: Docket, message: Sms, now: datetime) -> SmsClaimed | SmsPostponed | None:
    """Claim the message, or offer it: a gateway that cannot be asked gets no claim before it has room.

    What is claimed when its process dies counts as unknown, and there only a person could say that it never
    left.
    """
    failed = message.gateway if message.state is State.NOT_SENT and not message.offered else ""
    gateway = rules.choose(unique(docket.petition, message.message), avoid=failed)
    way = rules.way(gateway)
    if way is not None and not way.query:
        if message.offered and message.until is not None and now < message.until:
            return None
        return SmsPostponed(at=now, message=message.message, not_before=now + rules.lease, gateway=gateway)
    return claim(rules, message, gateway, now)


def claim(rules: Rules, message: Sms, gateway: str, now: datetime) -> SmsClaimed:
    """State that this attempt is about to be made."""
    return SmsClaimed(
        at=now,
        message=message.message,
        attempt=message.attempt + 1,
        gateway=gateway,
        lease_until=now + rules.lease,
    )


def in_turn(docket: Docket, message: Sms) -> bool:
    """Whether what comes before on the journey has been heard: nobody reads "handed over" before "received".

    The streams are not in step: a later service may be heard of before the earlier one.
    """
    topic = message.cause.partition("/")[0]
    if topic in {INTAKE.name, NOTIFY.name}:
        return True
    received = docket.intake.heard > 0
    return received and (topic == ROUTING.name or docket.routing.heard > 0)


def _before(docket: Docket, message: Sms) -> Sms | None:
    """Return an earlier message to the same recipient that did not go out and will be tried again."""
    for earlier in docket.own.messages:
        if earlier.message == message.message:
            return None
        if (
            earlier.state is State.NOT_SENT
            and earlier.recipient == message.recipient
            and not earlier.reason.startswith(REFUSED)
        ):
            return earlier
    return None


def _apart(rules: Rules, docket: Docket, message: Sms, notice: Notice | None) -> datetime | None:
    """Return until when a message waits so that it can be joined: some time after the last one.

    Only what need not be sent at all waits. What the law has us tell leaves at once, and takes with it what
    waits for the same person.
    """
    if not rules.join_window or notice is None or not notice.joins or notice.statutory or message.attempt:
        return None
    left = [m.changed_at for m in docket.own.messages if _went(m, message)]
    return max(left) + rules.join_window if left else None


def _went(other: Sms, message: Sms) -> bool:
    return other.state in _LEFT and other.recipient == message.recipient and other is not message


def skipped(message: Sms, reason: SkipReason, now: datetime) -> SmsSkipped:
    """Say why a message will not go out."""
    return SmsSkipped(
        at=now,
        template=message.template,
        cause=message.cause,
        reason=reason,
        recipient=message.recipient or None,
    )


def wake_at(rules: Rules, docket: Docket) -> datetime | None:
    """Return when a message of this petition is due next."""
    return min(
        (due for message in docket.own.messages if (due := due_at(rules, docket, message))), default=None
    )


def due_at(rules: Rules, docket: Docket, message: Sms) -> datetime | None:
    """Return when something must be done about a message if nothing is heard before."""
    match message.state:
        case State.QUEUED if message.until:
            return _earlier(message.until, message.valid_until)
        case State.QUEUED:
            ready = recipients.phone(rules, docket, message.recipient) and in_turn(docket, message)
            patience = message.queued_at + rules.contact_wait
            return (message.valid_until or patience) if ready else patience
        case State.CLAIMED if message.until:
            return message.until + rules.grace
        case State.NOT_SENT if message.until:
            return _earlier(message.until, message.valid_until)
        case State.UNKNOWN if _can_be_asked(rules, message) and message.asked <= len(rules.ask_after):
            return message.changed_at + rules.ask_after[message.asked - 1]
        case State.SENT if (way := rules.way(message.gateway)) and way.receipts:
            return message.changed_at + rules.receipt_wait
        case _:
            return None


def _earlier(moment: datetime, limit: datetime | None) -> datetime:
    return moment if limit is None else min(moment, limit)


def _can_be_asked(rules: Rules, message: Sms) -> bool:
    way = rules.way(message.gateway) if message.gateway else rules.ways[0]
    return way is not None and way.query
