"""Notify's rules: who must hear of a fact, when a message may be sent, and what its end means.

Every message is queued, claimed (at once where it can be), then sent. A claim is saved before the gateway is
called; what may have left is never sent again until the gateway has said that it does not have it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zlib import crc32

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.notify import SkipReason, SmsClaimed, SmsNotSent, SmsQueued, SmsSent, SmsSkipped, SmsUnknown
from contracts.topics import INTAKE, MEDIATION, ROUTING
from services.notify import numbers, sms
from services.notify.notices import Audience, Notice
from services.notify.stories import Contact, Story

FIRST_PAUSE: Final = timedelta(seconds=5)
STREAMS: Final = (INTAKE.name, ROUTING.name, MEDIATION.name)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# What the gateway refuses for its words waits for staff, and is tried once a day in case they changed.
REFUSED_PAUSE: Final = timedelta(days=1)


class State(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


# The states that staff look for; the others are many and need nobody.
ATTENTION: Final = (State.QUEUED, State.NOT_SENT, State.UNKNOWN, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class Sms:
    """One message: `until` is the end of the lease or of the pause, `claim` the number of its last claim."""

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


@dataclass(frozen=True, slots=True)
class Messages:
    """The fold of petition-notify-v1. `heard` is the number of its last fact."""

    heard: int = 0
    messages: tuple[Sms, ...] = ()
    attention: tuple[State, ...] = ()

    def find(self, message: str) -> Sms | None:
        """Return the message of this id."""
        for known in reversed(self.messages):
            if known.message == message:
                return known
        return None


@dataclass(frozen=True, slots=True)
class Docket:
    """All that notify knows of one petition."""

    petition: PetitionId
    own: Messages
    dossier: Contact
    intake: Story
    routing: Story
    mediation: Story

    def values(self, cause: str) -> dict[str, str] | None:
        """Return what the fact of this message id offers to a text; None if it was not heard."""
        stories = {INTAKE.name: self.intake, ROUTING.name: self.routing, MEDIATION.name: self.mediation}
        return stories.get(cause.partition("/")[0], Story()).values(number_of(cause))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the operator sets. `ask_after` are the pauses between questions to the gateway about one attempt.

    `grace` keeps two instances apart whose clocks differ: a lease ends a little later for all but its holder.
    """

    notices: Mapping[type[Fact], tuple[Notice, ...]]
    gateway: str
    lease: timedelta
    contact_wait: timedelta
    grace: timedelta = timedelta(seconds=2)
    ask_after: tuple[timedelta, ...] = (
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=6),
        timedelta(hours=24),
        timedelta(hours=42),
    )

    def without_questions(self) -> "Rules":
        """Return the rules for a gateway that cannot be asked: an unknown message waits for staff."""
        return replace(self, ask_after=())


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended, or what the gateway says of it; `result` None means that it cannot tell."""

    message: str
    attempt: int
    result: sms.Result | sms.Found | sms.NotFound | None


def number_of(message_id: str) -> int:
    """Return the ordinal that ends the id of a message on a topic."""
    return int(message_id.rpartition("/")[2])


def name_of(template: str, cause: str) -> str:
    """Return a message's id within its petition: each cause makes one message of a template."""
    return f"{template}.{number_of(cause)}"


def unique(petition: PetitionId, message: str) -> str:
    """Return the name of a message over all its attempts and all petitions."""
    return f"{petition}.{message}"


def reference(petition: PetitionId, message: str, attempt: int) -> str:
    """Return the name of one attempt: the same for whoever asks."""
    return f"{unique(petition, message)}.{attempt}"


def decide_tell(rules: Rules, docket: Docket, cause: str, fact: Fact, now: datetime) -> list[Fact]:
    """Queue what the petitioner must hear of this fact, claimed at once if the number is known."""
    facts: list[Fact] = []
    for notice in rules.notices.get(type(fact), ()):
        if notice.audience is not Audience.PETITIONER or notice.question:
            continue  # the others are not reached yet, and no reply is taken
        message = name_of(notice.template, cause)
        if docket.own.find(message) is not None:
            continue
        waiting = Sms(message, notice.template, notice.version, cause, queued_at=now, changed_at=now)
        queued = SmsQueued(
            at=now,
            message=message,
            template=notice.template,
            template_version=notice.version,
            cause=cause,
        )
        match _next(rules, docket, waiting, now):
            case SmsSkipped() as skipped:
                facts.append(skipped)
            case SmsClaimed(gateway=gateway, lease_until=lease_until):
                facts.append(queued.model_copy(update={"gateway": gateway, "lease_until": lease_until}))
            case _:
                facts.append(queued)
    return facts


def decide_waiting(rules: Rules, docket: Docket, now: datetime) -> list[Fact]:
    """Claim what has waited for the number or its turn, in the order of the journey."""
    waiting = [message for message in docket.own.messages if message.state is State.QUEUED]
    waiting.sort(key=lambda message: STREAMS.index(message.cause.partition("/")[0]))
    return [fact for message in waiting if (fact := _next(rules, docket, message, now))]


def decide_reported(rules: Rules, docket: Docket, report: Report, now: datetime) -> Sequence[Fact]:
    """State how an attempt ended; what is known already, or is about another attempt, changes nothing."""
    message = docket.own.find(report.message)
    if message is None or message.attempt != report.attempt or not _is_open(message):
        return []
    return _ended(rules, docket, message, report, now)


def decide_woken(rules: Rules, docket: Docket, now: datetime) -> list[Fact]:
    """Do what is due: ask about what may have left, try again what did not, give up waiting for a number."""
    facts: list[Fact] = []
    for message in docket.own.messages:
        due = due_at(rules, message)
        if due is None or due > now:
            continue
        match message.state:
            case State.CLAIMED | State.UNKNOWN:
                facts.append(SmsUnknown(at=now, message=message.message, attempt=message.attempt))
            case _:
                facts.append(
                    _next(rules, docket, message, now) or _skipped(message, SkipReason.NO_CONTACT, now)
                )
    return facts


def wake_at(rules: Rules, docket: Docket) -> datetime | None:
    """Return when a message of this petition is due next."""
    return min((due for message in docket.own.messages if (due := due_at(rules, message))), default=None)


def due_at(rules: Rules, message: Sms) -> datetime | None:
    """Return when something must be done about a message if nothing is heard before."""
    match message.state:
        case State.QUEUED:
            return message.queued_at + rules.contact_wait
        case State.CLAIMED if message.until:
            return message.until + rules.grace
        case State.NOT_SENT:
            return message.until
        case State.UNKNOWN if message.asked <= len(rules.ask_after):
            return message.changed_at + rules.ask_after[message.asked - 1]
        case _:
            return None


def _next(rules: Rules, docket: Docket, message: Sms, now: datetime) -> SmsClaimed | SmsSkipped | None:
    """Claim the message, or say why it will not go out; None while it waits for the number or its turn."""
    if not docket.dossier.phone:
        # An empty dossier where there was a number means that the person was erased.
        erased = any(other.attempt for other in docket.own.messages)
        return _skipped(message, SkipReason.ERASED, now) if erased else None
    if isinstance(numbers.read(docket.dossier.phone), numbers.Unusable):
        return _skipped(message, SkipReason.NUMBER_UNUSABLE, now)
    if not _in_turn(docket, message):
        return None
    return SmsClaimed(
        at=now,
        message=message.message,
        attempt=message.attempt + 1,
        gateway=rules.gateway,
        lease_until=now + rules.lease,
    )


def _in_turn(docket: Docket, message: Sms) -> bool:
    """Whether what comes before on the journey has been heard: nobody reads "handed over" before "received".

    The streams are not in step: a later service may be heard of before the earlier one.
    """
    topic = message.cause.partition("/")[0]
    if topic == INTAKE.name:
        return True
    received = docket.intake.heard > 0
    return received and (topic == ROUTING.name or docket.routing.heard > 0)


def _skipped(message: Sms, reason: SkipReason, now: datetime) -> SmsSkipped:
    return SmsSkipped(at=now, template=message.template, cause=message.cause, reason=reason)


def _is_open(message: Sms) -> bool:
    return message.state in {State.CLAIMED, State.UNKNOWN}


def _ended(rules: Rules, docket: Docket, message: Sms, report: Report, now: datetime) -> Sequence[Fact]:
    match report.result:
        case (
            sms.Accepted(reference=at_gateway, segments=segments)
            | sms.Found(reference=at_gateway, segments=segments)
        ):
            return [
                SmsSent(
                    at=now,
                    message=message.message,
                    attempt=message.attempt,
                    gateway=rules.gateway,
                    reference=at_gateway,
                    segments=segments,
                )
            ]
        case sms.Unknown() if message.state is State.CLAIMED:
            return [SmsUnknown(at=now, message=message.message, attempt=message.attempt)]
        case sms.Unknown() | None:
            return []
        case sms.NotFound():
            return [
                _not_sent(message, "not-found-at-gateway", now, now),
                *_again(rules, docket, message, now),
            ]
        case sms.Refused(code=code, kind=sms.Fault.NUMBER):
            facts = [_not_sent(message, f"refused.{code}", now, now + REFUSED_PAUSE)]
            return [*facts, _skipped(message, SkipReason.NUMBER_UNUSABLE, now)]
        case sms.Refused(code=code):
            return [_not_sent(message, f"refused.{code}", now, now + REFUSED_PAUSE)]
        case sms.Throttled(retry_after=pause):
            return [_not_sent(message, "throttled", now, now + pause)]
        case sms.NotSent(reason=reason) | sms.Down(reason=reason) | sms.Misconfigured(reason=reason):
            return [_not_sent(message, reason, now, now + _pause(docket.petition, message.attempt))]


def _again(rules: Rules, docket: Docket, message: Sms, now: datetime) -> list[Fact]:
    fact = _next(rules, docket, message, now)
    return [] if fact is None else [fact]


def _not_sent(message: Sms, reason: str, now: datetime, retry_at: datetime) -> SmsNotSent:
    return SmsNotSent(
        at=now, message=message.message, attempt=message.attempt, reason=reason, retry_at=retry_at
    )


def _pause(petition: PetitionId, attempt: int) -> timedelta:
    """Double with each attempt, spread by the petition so that not all come back at once."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(attempt - 1, 10), LONGEST_PAUSE)
    spread: float = 0.75 + crc32(petition.encode()) % 1000 / 2000
    return pause * spread


def evolve_own(part: Messages, fact: Fact) -> Messages:
    """Fold notify's own facts."""
    heard = part.heard + 1
    match fact:
        case SmsQueued():
            queued = Sms(
                fact.message,
                fact.template,
                fact.template_version,
                fact.cause,
                queued_at=fact.at,
                changed_at=fact.at,
            )
            if fact.lease_until is not None:
                queued = replace(queued, state=State.CLAIMED, attempt=1, until=fact.lease_until, claim=heard)
            return _with(part, heard, queued)
        case SmsSkipped():
            message = name_of(fact.template, fact.cause)
            known = part.find(message) or Sms(
                message, fact.template, "", fact.cause, queued_at=fact.at, changed_at=fact.at
            )
            changed = replace(known, state=State.SKIPPED, reason=fact.reason, until=None, changed_at=fact.at)
            return _with(part, heard, changed)
        case SmsClaimed() | SmsSent() | SmsNotSent() | SmsUnknown():
            found = part.find(fact.message)
            return (
                replace(part, heard=heard)
                if found is None
                else _with(part, heard, _moved(found, fact, heard))
            )
        case _:
            return replace(part, heard=heard)


def _moved(message: Sms, fact: SmsClaimed | SmsSent | SmsNotSent | SmsUnknown, heard: int) -> Sms:
    """Move a message on by what happened to one of its attempts."""
    moved = replace(message, attempt=fact.attempt, changed_at=fact.at, until=None)
    match fact:
        case SmsClaimed():
            return replace(
                moved, state=State.CLAIMED, until=fact.lease_until, claim=heard, asked=0, reason=""
            )
        case SmsSent():
            return replace(moved, state=State.SENT, reference=fact.reference, segments=fact.segments)
        case SmsNotSent():
            return replace(moved, state=State.NOT_SENT, until=fact.retry_at, reason=fact.reason)
        case SmsUnknown():
            return replace(moved, state=State.UNKNOWN, asked=message.asked + 1)


def _with(part: Messages, heard: int, changed: Sms) -> Messages:
    if part.find(changed.message) is None:
        messages = (*part.messages, changed)
    else:
        messages = tuple(changed if known.message == changed.message else known for known in part.messages)
    states = {message.state for message in messages}
    return Messages(heard, messages, tuple(state for state in ATTENTION if state in states))
