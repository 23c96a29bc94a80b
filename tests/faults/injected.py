"""What is slipped into the topics: repeats, facts out of order, fields and types of a release to come.

Petitions that are ours alone ("guests") take the whole way like any other; intake has not spoken for them.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec

from contracts.dossiers import DossierSaved
from contracts.envelope import digest, message_id, read, seal
from contracts.fact import Fact
from contracts.identity import CHANCE_RANGE, PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Channel
from contracts.notify import SmsSent
from contracts.topics import DOSSIERS, FACT_TOPICS, INTAKE, NOTIFY
from local.demo.streams import Reader
from local.demo.verify import decoded, first_copies
from runtime.clock import SystemClock
from tests.bench import texts
from tests.bench.pace import pause
from tests.line import Line

STREAMS = frozenset(topic.name for topic in FACT_TOPICS)
MADE_UP = "cn.petition.intake.PetitionTranslated.v1"
# What one petition is told until its case is open; after that its streams are quiet.
SMS_OF_A_CASE = 4
AT_ONCE = 8
# Routing, mediation and notify hear intake's facts.
READERS = 3
# How long readers have to notice that something is missing.
NOTICED_WITHIN = 10.0


@dataclass
class Injected:
    """What was slipped in, so that the account can tell it apart."""

    repeats: int = 0
    guests: set[str] = field(default_factory=set)
    guests_of: Counter[str] = field(default_factory=Counter)
    parked_meanwhile: int = 0
    unknown: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Injector:
    """`reader` reads the topics of the run; `line` publishes on them as somebody else would.

    `parked` names the services in which a petition is parked.
    """

    line: Line
    reader: Reader
    seed: int
    parked: Callable[[PetitionId], Awaitable[list[str]]]
    done: Injected = field(default_factory=Injected)

    async def duplicates(self, pick: float) -> str:
        """Publish petitions' messages again, the very bytes, each stream from its end to its beginning."""
        await self.reader.catch_up()
        records = [r for r in self.reader.records if r.topic in STREAMS and r.value is not None]
        petitions = sorted({r.key for r in records})
        first = int(pick * max(1, len(petitions) - AT_ONCE))
        chosen = set(petitions[first : first + AT_ONCE])
        count = 0
        for topic in sorted(STREAMS):
            for key in sorted(chosen):
                values = [r.value for r in records if r.topic == topic and r.key == key and r.value]
                count += len(values)
                await self.line.send(topic, *reversed(values), key=key)
        self.done.repeats += count
        return f"{count} messages of {len(chosen)} petitions again, backwards"

    async def reordered(self, pick: float) -> str:
        """A guest's second fact comes first; the first comes when all who hear them have parked it."""
        guest = Guest(self._guest("reordered"), self.seed, pick)
        dossier, registered, accepted = guest.values()
        await self.line.send(DOSSIERS.name, dossier, key=guest.petition)
        await self.line.send(INTAKE.name, accepted, key=guest.petition)
        give_up = time.monotonic() + NOTICED_WITHIN
        while len(found := await self.parked(guest.petition)) < READERS and time.monotonic() < give_up:
            await pause(0.1)
        self.done.parked_meanwhile += len(found)
        await self.line.send(INTAKE.name, registered, accepted, registered, key=guest.petition)
        return f"{guest.petition}: number 2 came before number 1, parked by {', '.join(found) or 'nobody'}"

    async def newer_fields(self, pick: float) -> str:
        """A guest's facts carry fields that this release does not know."""
        guest = Guest(self._guest("newer fields"), self.seed, pick, newer={"language": "zh", "weight": 3})
        dossier, registered, accepted = guest.values()
        await self.line.send(DOSSIERS.name, dossier, key=guest.petition)
        await self.line.send(INTAKE.name, registered, accepted, key=guest.petition)
        return f"{guest.petition}: all facts with two more fields"

    async def unknown_type(self, pick: float) -> str:
        """A petition whose case is open gets a fact of a type that this release does not know."""
        await self.reader.catch_up()
        lines = await asyncio.to_thread(lambda: first_copies(decoded(list(self.reader.records))[0]))
        quiet = sorted(
            petition
            for petition, topics in lines.items()
            if petition not in self.done.guests | self.done.unknown.keys() and _told(topics) >= SMS_OF_A_CASE
        )
        if not quiet:
            return "no petition has come to its end yet"
        petition = quiet[int(pick * len(quiet))]
        last = lines[petition][INTAKE.name][-1]
        value = of_unknown_type(last.value)
        self.done.unknown[petition] = value
        await self.line.send(INTAKE.name, value, key=petition)
        return f"{petition}: number {last.number + 1} of {INTAKE.name} is of an unknown type"

    def _guest(self, what: str) -> PetitionId:
        petition = make(SystemClock().now(), secrets.randbelow(CHANCE_RANGE))
        self.done.guests.add(petition)
        self.done.guests_of[what] += 1
        return petition


@dataclass(frozen=True)
class Guest:
    """One petition of our own, as intake would state it."""

    petition: PetitionId
    seed: int
    pick: float
    newer: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> tuple[bytes, bytes, bytes]:
        """The bytes of dossier, registration and acceptance."""
        now, text = SystemClock().now(), next(texts.made(self.seed + int(self.pick * 1_000_000)))
        mark = sha256(self.petition.encode()).hexdigest()
        dossier = self._sealed(
            DossierSaved(
                at=now,
                name=text.name,
                phone=text.phone,
                title=text.title,
                content=text.content,
                code_salt="00",
                code_hash=mark,
            ),
            1,
            None,
        )
        registered = self._sealed(
            PetitionRegistered(
                at=now,
                channel=Channel.NETWORK,
                first_receiver="petition-office",
                dossier_sha256=sha256(bytes(read(dossier).envelope.data)).hexdigest(),
                request=mark,
                payload=mark,
                tell_by=now + timedelta(days=15),
            ),
            1,
            None,
        )
        accepted = self._sealed(PetitionAccepted(at=now, due=now + timedelta(days=60)), 2, registered)
        return dossier, registered, accepted

    def _sealed(self, fact: Fact, ordinal: int, before: bytes | None) -> bytes:
        previous = digest(before) if before else None
        value = seal(
            fact, petition=self.petition, ordinal=ordinal, previous=previous, cause=None, traceparent=None
        )
        if not self.newer:
            return value
        message = msgspec.json.decode(value)
        return msgspec.json.encode({**message, "data": message["data"] | self.newer, "hint": "newer"})


def _told(topics: Mapping[str, Any]) -> int:
    return sum(isinstance(found.message.fact, SmsSent) for found in topics.get(NOTIFY.name, ()))


def of_unknown_type(last: bytes) -> bytes:
    """What a newer intake might state after `last`."""
    message = read(last)
    ordinal = message.envelope.ordinal + 1
    return msgspec.json.encode(
        msgspec.json.decode(last)
        | {
            "id": message_id(INTAKE, message.petition, ordinal),
            "type": MADE_UP,
            "dataschema": "urn:petition-bridge:intake:PetitionTranslated.v1",
            "ordinal": ordinal,
            "previous": message.digest,
            "data": {"at": SystemClock().now().isoformat(), "language": "zh"},
        }
    )
