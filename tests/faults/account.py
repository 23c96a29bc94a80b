"""The account of a run: every accepted petition is ended, open or parked on purpose; nothing lost or doubled.

Pure: judges evidence by the contracts and by the services' own folds, and names ids only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contracts.identity import PetitionId
from contracts.intake import PetitionRegistered
from contracts.mediation import CaseOpened
from contracts.routing import PetitionRouted, PetitionSentToTriage
from contracts.topics import INTAKE, MEDIATION, NOTIFY, ROUTING
from local.demo import verify
from runtime.draft import ParkReason
from services.notify.messages import Messages, State, evolve_own
from services.notify.notices import Audience
from tests.faults.evidence import Evidence
from tests.faults.folding import Topics, differences
from tests.stores.services import NOTIFY_RULES, SERVICES

SETTLED = frozenset(
    {State.SENT, State.DELIVERED, State.UNDELIVERED, State.JOINED, State.UNKNOWN, State.SKIPPED}
)
# Who hears intake's facts, and so must park a petition at one that nobody here knows.
PARK_AT_INTAKE = ("routing", "mediation", "notify")


class Kind(StrEnum):
    """What a finding is about."""

    LOST = "lost"
    DOUBLED = "doubled"
    BROKEN = "broken"
    STRAY = "stray"
    PARKED = "parked"
    PENDING = "pending"
    LETTER = "dead letter"


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold, in a sentence."""

    kind: Kind
    petition: str
    says: str


class Standing(StrEnum):
    """Where a petition has come to; UNDER_WAY has neither an end nor somebody who must act next."""

    ENDED = "ended"
    OPEN = "open"
    PARKED = "parked"
    UNDER_WAY = "under way"


@dataclass
class Account:
    """The figures and all findings."""

    figures: dict[str, Any]
    findings: list[Finding]
    standings: Mapping[str, Standing] = field(default_factory=dict)

    @property
    def unsettled(self) -> int:
        """How many SMS nobody can tell about yet; the gateway is asked about them, later and later."""
        return int(self.figures["sms_unknown"])


def account(evidence: Evidence) -> Account:
    """Judge everything."""
    slipped_in = set(evidence.unknown.values())
    records = [record for record in evidence.records if record.value not in slipped_in]
    messages, unreadable = verify.decoded(records)
    lines = _in_order(verify.first_copies(messages), evidence.guests)
    messages_of = {petition: _messages(topics) for petition, topics in lines.items()}
    accepted = evidence.accepted()
    expected = {*accepted, *evidence.guests}

    findings = [_unreadable(sentence) for sentence in unreadable]
    findings += [Finding(Kind.DOUBLED, s.split(" ", 1)[0], s) for s in verify.repeats(messages)]
    findings += _keys(evidence, lines)
    findings += _strays(evidence, lines, expected)
    findings += _sms(evidence, messages_of)
    standings: dict[str, Standing] = {}
    for petition in sorted(expected):
        topics = lines.get(petition, {})
        findings += _streams(petition, topics)
        findings += _dockets(evidence, petition, topics)
        standing, why = _standing(evidence, petition, topics, messages_of.get(petition, Messages()))
        standings[petition] = standing
        findings += [Finding(Kind.LOST, petition, sentence) for sentence in why]

    lost = {finding.petition for finding in findings if finding.kind is Kind.LOST}
    found = Counter(finding.kind for finding in findings)
    counts = Counter(standings[petition] for petition in accepted)
    states = Counter(sms.state for messages in messages_of.values() for sms in messages.messages)
    figures = {
        "accepted": len(accepted),
        "ended": counts[Standing.ENDED],
        "open": counts[Standing.OPEN],
        "parked": counts[Standing.PARKED],
        "dead_lettered": found[Kind.LETTER],
        "lost": len(lost),
        "doubled": found[Kind.DOUBLED],
        "sms_sent": len(evidence.texts),
        "sms_duplicated": sum(count - 1 for count in _handed_over(evidence).values()),
        "sms_unknown": states[State.UNKNOWN],
        "sms_skipped": states[State.SKIPPED],
        "under_way": counts[Standing.UNDER_WAY],
        "findings": {kind.value: count for kind, count in found.items()},
        "messages": len(messages),
        "repeats": len(messages) - sum(len(line) for topics in lines.values() for line in topics.values()),
        "guests": len(evidence.guests),
        "guests_ended_or_open": sum(
            standings[guest] in {Standing.ENDED, Standing.OPEN} for guest in evidence.guests
        ),
    }
    return Account(figures, findings, standings)


def _in_order(lines: verify.Lines, guests: frozenset[str]) -> verify.Lines:
    """A guest's facts may have come out of order on purpose; what readers make of them must be in order."""

    def sorted_by_number(topics: Topics) -> Topics:
        return {topic: sorted(line, key=lambda found: found.number) for topic, line in topics.items()}

    return {
        petition: sorted_by_number(topics) if petition in guests else topics
        for petition, topics in lines.items()
    }


def _messages(topics: Topics) -> Messages:
    """Notify's own fold of one petition."""
    messages = Messages()
    for found in topics.get(NOTIFY.name, ()):
        if found.message.fact is not None:
            messages = evolve_own(messages, found.message.fact)
    return messages


def _unreadable(sentence: str) -> Finding:
    kind = Kind.LETTER if "a dead letter lies" in sentence else Kind.BROKEN
    return Finding(kind, sentence.split(" ", 1)[0], sentence)


def _keys(evidence: Evidence, lines: verify.Lines) -> Iterator[Finding]:
    """One request, one petition: as the answers say and as the registrations do."""
    for key, petitions in evidence.answers.items():
        if len(petitions) > 1:
            said = " and ".join(sorted(petitions))
            yield Finding(Kind.DOUBLED, min(petitions), f"The key {key} was answered with {said}.")
        if not petitions:
            yield Finding(Kind.LOST, key, f"The key {key} was never answered with a petition.")
    requests: dict[str, list[str]] = defaultdict(list)
    for petition, topics in lines.items():
        for found in topics.get(INTAKE.name, ()):
            if isinstance(fact := found.message.fact, PetitionRegistered):
                requests[fact.request].append(petition)
    for petitions_of_one in requests.values():
        if len(petitions_of_one) > 1:
            said = " and ".join(sorted(petitions_of_one))
            yield Finding(Kind.DOUBLED, min(petitions_of_one), f"One request registered {said}.")


def _strays(evidence: Evidence, lines: verify.Lines, expected: set[str]) -> Iterator[Finding]:
    for petition in sorted(lines.keys() - expected):
        yield Finding(Kind.STRAY, petition, f"{petition} stands in the topics and nobody was told of it.")
    for service, dockets in evidence.dockets.items():
        for petition in sorted(dockets.keys() - expected - lines.keys()):
            yield Finding(Kind.STRAY, petition, f"{service} has a docket of {petition}, and no topic has it.")


def _handed_over(evidence: Evidence) -> Counter[str]:
    """How often each message went out, whichever of its attempts did."""
    return Counter(sms.reference.rpartition(".")[0] for sms in evidence.texts)


def _sms(evidence: Evidence, messages_of: Mapping[str, Messages]) -> Iterator[Finding]:
    """One SMS for one notice, and what notify says of it is what the outbox has."""
    for unique, count in _handed_over(evidence).items():
        if count > 1:
            petition = unique.partition(".")[0]
            yield Finding(Kind.DOUBLED, petition, f"{petition}: the SMS {unique} went out {count} times.")
    outbox = {sms.reference: sms.petition for sms in evidence.texts}
    for petition, messages in messages_of.items():
        notices = Counter((sms.cause, sms.template) for sms in messages.messages)
        for (cause, template), count in notices.items():
            if count > 1:
                says = f"{petition}: {count} messages {template} about {cause}."
                yield Finding(Kind.DOUBLED, petition, says)
        for sms in messages.messages:
            if sms.state is State.SENT and outbox.pop(sms.reference, None) != petition:
                says = f"{petition}: {sms.message} is said to be sent, and the outbox has no {sms.reference}."
                yield Finding(Kind.LOST, petition, says)
            elif sms.state is State.UNKNOWN:
                # It may have left or not: that is what this state means.
                for attempt in range(1, sms.attempt + 1):
                    outbox.pop(f"{petition}.{sms.message}.{attempt}", None)
    for reference, petition in outbox.items():
        says = f"{petition}: the outbox has {reference}, and no fact says that it was sent."
        yield Finding(Kind.LOST, petition, says)


def _streams(petition: str, topics: Topics) -> Iterator[Finding]:
    """Whole numbers, whole chains, and everybody has what he must have."""
    if not topics:
        yield Finding(Kind.LOST, petition, f"{petition} was accepted and stands in no topic.")
        return
    for kind, check in (
        (Kind.LOST, verify.numbers(topics)),
        (Kind.BROKEN, verify.chain(topics)),
        (Kind.LOST, verify.views(petition, topics)),
        (Kind.BROKEN, verify.dossier(petition, topics)),
        (Kind.LOST, verify.custody(petition, topics)),
    ):
        for sentence in check:
            yield Finding(kind, petition, sentence)


def _dockets(evidence: Evidence, petition: str, topics: Topics) -> Iterator[Finding]:
    parked_in = set()
    for name, service in SERVICES.items():
        stored = evidence.dockets[name].get(PetitionId(petition))
        if stored is None:
            yield Finding(Kind.LOST, petition, f"{name} has no docket of {petition}.")
            continue
        guest = petition in evidence.guests
        for sentence in differences(service, stored, topics, guest=guest):
            yield Finding(Kind.LOST, petition, sentence)
        if stored.pending:
            says = f"{name} on {petition}: {len(stored.pending)} facts are stated and not published."
            yield Finding(Kind.PENDING, petition, says)
        if stored.parked is not None:
            parked_in.add(name)
            if petition not in evidence.unknown or stored.parked.reason != ParkReason.UNKNOWN_TYPE:
                says = f"{name} on {petition}: parked ({stored.parked.reason}: {stored.parked.detail})."
                yield Finding(Kind.PARKED, petition, says)
    if petition in evidence.unknown:
        for name in PARK_AT_INTAKE:
            if name not in parked_in:
                says = f"{name} on {petition}: a fact of an unknown type came and it is not parked."
                yield Finding(Kind.LOST, petition, says)


def _standing(
    evidence: Evidence, petition: str, topics: Topics, messages: Messages
) -> tuple[Standing, list[str]]:
    """Where the petition is on its way, and what it still waits for if nobody answers for it."""
    waits = list(_untold(petition, topics, messages))
    routings = [found.message.fact for found in topics.get(ROUTING.name, ())]
    cases = [found.message.fact for found in topics.get(MEDIATION.name, ())]
    last = routings[-1] if routings else None
    if isinstance(last, PetitionRouted):
        reached = Standing.ENDED
        if not any(isinstance(fact, CaseOpened) for fact in cases):
            waits.append(f"{petition} was routed to {last.body}, which has opened no case.")
    elif isinstance(last, PetitionSentToTriage):
        reached = Standing.OPEN  # the triage desk's, until the due time that stands in the fact
    else:
        reached = Standing.UNDER_WAY
        waits.append(f"{petition} has neither a body nor a place at the triage desk.")
    if waits:
        return Standing.UNDER_WAY, waits
    return (Standing.PARKED if petition in evidence.unknown else reached), []


def _untold(petition: str, topics: Topics, messages: Messages) -> Iterator[str]:
    """Facts that the petitioner must hear of and about which no message has come to its end."""
    settled = Counter(sms.cause for sms in messages.messages if sms.state in SETTLED)
    for topic in (INTAKE.name, ROUTING.name, MEDIATION.name):
        for found in topics.get(topic, ()):
            fact, cause = found.message.fact, found.message.envelope.id
            owed = sum(
                notice.audience is Audience.PETITIONER and not notice.question
                for notice in (NOTIFY_RULES.notices.get(type(fact), ()) if fact is not None else ())
            )
            if settled[cause] < owed:
                known = ", ".join(f"{s.message} {s.state}" for s in messages.messages if s.cause == cause)
                yield f"{petition} was not told of {cause} ({known or 'nothing queued'})."


def sentences(findings: Iterable[Finding]) -> list[str]:
    """How the findings are told."""
    return [f"{finding.kind.value}: {finding.says}" for finding in findings]
