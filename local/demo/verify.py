"""What must hold in the streams, checked on the messages as they lie in the topics; says what does not.

Reads after all services have spoken and changes nothing. Every function is pure, and every finding is a
sentence that names the petition, the topic and the number.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from contracts import identity
from contracts.envelope import Message, UndecodableError, message_id, read
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated, PetitionRegistered
from contracts.mediation import CaseAnswered, CaseConcluded, CaseOpened, CaseRated
from contracts.notify import SmsQueued, SmsSent, SmsSkipped
from contracts.routing import (
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
)
from contracts.topics import (
    ALL_TOPICS,
    BODY_TOPICS,
    DEAD_LETTERS,
    DOSSIERS,
    FACT_TOPICS,
    INTAKE,
    MEDIATION,
    NOTIFY,
    ROUTING,
)
from local.demo.records import Recorded, Sms

F = TypeVar("F", bound=Fact)
VIEWS = frozenset(topic.name for topic in BODY_TOPICS.values())
LETTERS = frozenset(topic.name for topic in DEAD_LETTERS.values())
PERSONAL = frozenset(topic.name for topic in ALL_TOPICS if topic.personal)
KNOWN = frozenset(topic.name for topic in FACT_TOPICS) | VIEWS
# The petitioner must hear: received, accepted, with whom (Regulations art. 22, 23), and every outcome.
OWED: tuple[type[Fact], ...] = (
    PetitionRegistered,
    PetitionAccepted,
    PetitionRouted,
    PetitionSentToTriage,
    PetitionPutToConference,
    PetitionReferred,
    CaseConcluded,
    CaseAnswered,
)
# Each of these gives a petition its place, with an owner and a due time; routing's others leave it there.
PLACES: tuple[type[Fact], ...] = (
    PetitionRouted,
    PetitionSentToTriage,
    PetitionPutToConference,
    PetitionReferred,
)
HELD = (
    "every message can be read and says the same petition as its key; nothing lies in the dead letters",
    "the messages of each petition in each topic are numbered 1, 2, 3 … without a gap",
    "each names the hash of the one before it: the chain is whole",
    "the bodies' topics hold the very bytes of the cases' topic, all of them and no others",
    "each registration names the hash of its dossier",
    "every petition has an owner and a due time, or an outcome",
    "every registration, acceptance, transfer and outcome was told to the petitioner, by one SMS each",
    "no name, number, text or query code stands outside the dossiers",
)


@dataclass(frozen=True)
class Read:
    """One message with the place that it was found at."""

    topic: str
    petition: str
    value: bytes
    message: Message

    @property
    def number(self) -> int:
        """Its number within the petition and the topic."""
        return self.message.envelope.ordinal

    @property
    def place(self) -> str:
        """How a finding names it."""
        return f"{self.petition} in {self.topic}: number {self.number}"


# The first copy of each message of a petition, by topic and then in the order in which they lie there.
Lines = Mapping[str, Mapping[str, Sequence[Read]]]


def verify(
    records: Iterable[Recorded], texts: Iterable[Sms] = (), personal: Mapping[str, str] | None = None
) -> list[str]:
    """Return all findings. `personal` maps each word that must not be found to what it is ("a name")."""
    records = list(records)
    messages, findings = decoded(records)
    findings += personal_data(records, personal or {})
    findings += repeats(messages)
    petitions = first_copies(messages)
    erased = {record.key for record in records if record.topic == DOSSIERS.name and record.value is None}
    for petition, topics in petitions.items():
        findings += numbers(topics)
        findings += chain(topics)
        findings += views(petition, topics)
        if petition not in erased:
            findings += dossier(petition, topics)
        findings += custody(petition, topics)
        findings += told(petition, topics)
    findings += sent_once(petitions, texts)
    return findings


def decoded(records: Iterable[Recorded]) -> tuple[list[Read], list[str]]:
    """Decode what can be decoded, and say what cannot or does not belong where it lies."""
    messages, findings = [], []
    for record in records:
        where = f"{record.key or 'A message without a key'} in {record.topic}"
        if record.topic in LETTERS:
            findings.append(f"{where}: a dead letter lies at offset {record.offset}.")
        if record.topic not in KNOWN:
            continue
        if record.value is None:
            if record.topic != DOSSIERS.name:
                findings.append(f"{where}: the message at offset {record.offset} is empty.")
            continue
        try:
            message = read(record.value)
        except UndecodableError as error:
            findings.append(f"{where}: the message at offset {record.offset} is unreadable ({error.reason}).")
            continue
        found = Read(record.topic, record.key, record.value, message)
        findings += _belongs(found)
        messages.append(found)
    return messages, findings


def _belongs(found: Read) -> Iterator[str]:
    envelope, fact = found.message.envelope, found.message.fact
    if envelope.subject != found.petition:
        yield f"{found.place} says that it is about {envelope.subject}."
    if identity.parse(found.petition) != found.petition:
        yield f"{found.place} has a key that is no petition's."
    if fact is None:
        yield f"{found.place} is of the type {envelope.type}, which is unknown here."
        return
    home = type(fact).TOPIC
    if home.name != found.topic and not (found.topic in VIEWS and home == MEDIATION):
        yield f"{found.place} is a {type(fact).__name__}, which belongs in {home.name}."
    elif envelope.id != message_id(home, message_subject(found), found.number):
        yield f"{found.place} calls itself {envelope.id}."


def message_subject(found: Read) -> identity.PetitionId:
    """Return the petition that the message itself names."""
    return found.message.petition


def repeats(messages: Iterable[Read]) -> Iterator[str]:
    """A message may lie there twice (a sender died and began again), but then with the same bytes."""
    known: dict[tuple[str, str, int], bytes] = {}
    for found in messages:
        if known.setdefault((found.topic, found.petition, found.number), found.value) != found.value:
            yield f"{found.place} was published twice, with different bytes."


def first_copies(messages: Iterable[Read]) -> Lines:
    """Sort the messages by petition and topic, without repeats."""
    lines: defaultdict[str, defaultdict[str, list[Read]]] = defaultdict(lambda: defaultdict(list))
    known: set[tuple[str, str, int]] = set()
    for found in messages:
        if (name := (found.topic, found.petition, found.number)) not in known:
            known.add(name)
            lines[found.petition][found.topic].append(found)
    return lines


def numbers(topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """Numbers go up by one; in a body's topic, and where only the newest is kept, they may jump forwards."""
    for topic, line in topics.items():
        may_jump = topic in VIEWS or topic == DOSSIERS.name
        last = 0
        for found in line:
            if found.number < last:
                yield f"{found.place} comes after number {last}."
            elif found.number != last + 1 and not may_jump:
                yield f"{found.place} follows number {last}: numbers are missing between them."
            last = max(last, found.number)


def chain(topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """Each names the SHA-256 of its predecessor's bytes; one that is missing is a gap and reported there."""
    for topic, line in topics.items():
        if topic in VIEWS:
            continue
        digests = {found.number: found.message.digest for found in line}
        for found in line:
            before, named = found.number - 1, found.message.envelope.previous
            if before == 0 and named is not None:
                yield f"{found.place} is the first and yet names a predecessor."
            if before in digests and named != digests[before]:
                yield f"{found.place} does not name the hash of number {before}: one of them was altered."


def views(petition: str, topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """The body that has the petition gets every fact of the case, byte for byte, and nobody else does."""
    owed: dict[str, dict[int, bytes]] = defaultdict(dict)
    body = ""
    for found in topics.get(MEDIATION.name, ()):
        if isinstance(fact := found.message.fact, CaseOpened):
            body = BODY_TOPICS[fact.body].name
        if body:
            owed[body][found.number] = found.value
    for topic in sorted(VIEWS & topics.keys()):
        for found in topics[topic]:
            original = owed[topic].pop(found.number, None)
            if original is None:
                yield f"{found.place} is none of this body's."
            elif original != found.value:
                yield f"{found.place} differs from the original in {MEDIATION.name}."
    for topic, missing in owed.items():
        for number in missing:
            yield f"{petition} in {topic}: number {number} of {MEDIATION.name} is missing."


def dossier(petition: str, topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """The registration names the SHA-256 of the `data` of the dossier that came with it, number 1."""
    kept = {found.number: found for found in topics.get(DOSSIERS.name, ())}
    registered = list(_facts(topics, INTAKE.name, PetitionRegistered))
    for found, fact in registered:
        if not kept:
            yield f"{found.place} names a dossier, and there is none in {DOSSIERS.name}."
        elif 1 in kept and fact.dossier_sha256 != sha256(bytes(kept[1].message.envelope.data)).hexdigest():
            yield f"{found.place} does not name the hash of its dossier, number 1 in {DOSSIERS.name}."
    if not registered:
        yield f"{petition} in {INTAKE.name}: nothing says that it was registered."


def custody(petition: str, topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """No petition is without an owner and a due time, unless it has its outcome; no rating gets lost."""
    cases = [found.message.fact for found in topics.get(MEDIATION.name, ())]
    routings = [found for found in topics.get(ROUTING.name, ()) if isinstance(found.message.fact, PLACES)]
    if not any(True for _ in _facts(topics, INTAKE.name, PetitionAccepted)):
        yield f"{petition} in {INTAKE.name}: it was not accepted, so it has no due time."
    last = routings[-1].message.fact if routings else None
    if last is None:
        yield f"{petition} in {ROUTING.name}: it has neither a body nor a place at the triage desk."
    has_outcome = any(isinstance(fact, CaseConcluded) for fact in cases)
    if isinstance(last, PetitionRouted) and not has_outcome:
        opened = [fact for fact in cases if isinstance(fact, CaseOpened)]
        if not opened or opened[-1].body != last.body:
            number = routings[-1].number
            why = f"number {number} of {ROUTING.name} gave it to {last.body}"
            yield f"{petition} in {MEDIATION.name}: {why}, which has no case of it."
    yield from _outcomes(petition, topics, cases)


def _outcomes(
    petition: str, topics: Mapping[str, Sequence[Read]], cases: Sequence[Fact | None]
) -> Iterator[str]:
    outcome = None
    for found in topics.get(MEDIATION.name, ()):
        match found.message.fact:
            case CaseConcluded() as concluded:
                outcome = concluded.outcome
            case CaseAnswered() as answered if answered.outcome != outcome:
                yield f"{found.place} answers with {answered.outcome}, the outcome is {outcome or 'missing'}."
    rated = any(True for _ in _facts(topics, INTAKE.name, PetitionRated))
    if rated and not any(isinstance(fact, CaseRated) for fact in cases):
        yield f"{petition} in {MEDIATION.name}: the petitioner's rating has not reached the case."


def told(petition: str, topics: Mapping[str, Sequence[Read]]) -> Iterator[str]:
    """What is owed to the petitioner was queued; what was queued was sent, once."""
    line = list(topics.get(NOTIFY.name, ()))
    queued = {fact.cause: fact.message for _, fact in _facts(topics, NOTIFY.name, SmsQueued)}
    skipped = {fact.cause: fact.reason for _, fact in _facts(topics, NOTIFY.name, SmsSkipped)}
    sent = Counter(fact.message for _, fact in _facts(topics, NOTIFY.name, SmsSent))
    for topic in (INTAKE.name, ROUTING.name, MEDIATION.name):
        for found in topics.get(topic, ()):
            cause = found.message.envelope.id
            if isinstance(found.message.fact, OWED) and cause not in queued and cause not in skipped:
                yield f"{found.place} ({_name(found)}) was not told to the petitioner."
    for cause, reason in skipped.items():
        yield f"{petition} in {NOTIFY.name}: the message about {cause} was left out ({reason})."
    for cause, message in queued.items():
        if not sent[message] and cause not in skipped:
            yield f"{petition} in {NOTIFY.name}: the message {message} about {cause} was not sent."
    for found in line:
        fact = found.message.fact
        if isinstance(fact, SmsSent) and fact.message not in queued.values():
            yield f"{found.place} sends the message {fact.message}, which was never queued."
    for message, count in sent.items():
        if count > 1:
            yield f"{petition} in {NOTIFY.name}: the message {message} was sent {count} times."


def sent_once(petitions: Lines, texts: Iterable[Sms]) -> Iterator[str]:
    """Every SMS that notify says it has sent stands in the outbox once, and no other does."""
    outbox = Counter((sms.petition, sms.reference) for sms in texts)
    for petition, topics in petitions.items():
        for found, fact in _facts(topics, NOTIFY.name, SmsSent):
            count = outbox.pop((petition, fact.reference), 0)
            if count != 1:
                yield f"{found.place} names the SMS {fact.reference}, which the outbox has {count} times."
    for petition, reference in outbox:
        yield f"{petition} in {NOTIFY.name}: no message names the SMS {reference}, which the outbox has."


def personal_data(records: Iterable[Recorded], personal: Mapping[str, str]) -> Iterator[str]:
    """Look for the words of the petitioners in every topic but those that are meant for them."""
    for record in records:
        if record.topic in PERSONAL:
            continue
        text = f"{record.key}\n{_plain(record.value or b'')}"
        for kind in sorted({kind for word, kind in personal.items() if word in text}):
            number = _number(record.value or b"")
            yield f"{record.key} in {record.topic}: number {number} holds {kind} of a petitioner."


def _plain(value: bytes) -> str:
    """Return a message's text, with letters that JSON has escaped as the letters that they are."""
    try:
        return json.dumps(json.loads(value), ensure_ascii=False) + value.decode("utf-8", "replace")
    except ValueError:
        return value.decode("utf-8", "replace")


def _number(value: bytes) -> int | str:
    try:
        return read(value).envelope.ordinal
    except UndecodableError:
        return "?"


def _name(found: Read) -> str:
    return type(found.message.fact).__name__


def _facts(topics: Mapping[str, Sequence[Read]], topic: str, kind: type[F]) -> Iterator[tuple[Read, F]]:
    for found in topics.get(topic, ()):
        if isinstance(fact := found.message.fact, kind):
            yield found, fact
