"""What stands there after a run: topics, outbox and dockets, beside what was asked and slipped in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.identity import PetitionId
from local import services
from local.demo.records import Recorded, Sms
from local.demo.streams import Reader, read_outbox
from runtime.record import Record
from runtime.store import Store
from tests.faults.crew import Crew
from tests.faults.injected import Injected
from tests.faults.traffic import Asked
from tests.stores.services import SERVICES

PAGE = 500


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`answers` are the petitions that each request's key was answered with; `dockets` by service, petition.

    `guests` are petitions that intake has not spoken for, `unknown` the message that parks a petition.
    """

    answers: Mapping[str, frozenset[str]]
    records: Sequence[Recorded]
    texts: Sequence[Sms]
    dockets: Mapping[str, Mapping[PetitionId, Record]]
    guests: frozenset[str] = frozenset()
    unknown: Mapping[str, bytes] = field(default_factory=dict)

    def accepted(self) -> list[str]:
        """Every petition that somebody was told of, by the time of its id."""
        return sorted({petition for petitions in self.answers.values() for petition in petitions})


async def gathered(crew: Crew, reader: Reader, asked: Sequence[Asked], injected: Injected) -> Evidence:
    """Read on in the topics, and everything else anew."""
    await reader.catch_up(patience=60.0)
    return Evidence(
        answers={one.key: frozenset(one.answers) for one in asked},
        records=list(reader.records),
        texts=await read_outbox(crew.around.outbox),
        dockets={name: await _dockets(name, crew) for name in services.NAMES},
        guests=frozenset(injected.guests),
        unknown=dict(injected.unknown),
    )


async def parked_in(crew: Crew, petition: PetitionId) -> list[str]:
    """The services in which a petition is parked now."""
    found = []
    for name in services.NAMES:
        store = _store(name, crew)
        try:
            if (await store.load([petition]))[petition].parked is not None:
                found.append(name)
        finally:
            store.close()
    return found


def _store(name: str, crew: Crew) -> Store:
    """A service's own store.

    A driver blocks while it closes; through the proxies, on this very loop, it would wait for itself.
    """
    itself = replace(crew.around, mongo=crew.ground.mongo_itself)
    return Store(services.environment(name, itself)[f"{name.upper()}_DATABASE"], SERVICES[name])


async def _dockets(name: str, crew: Crew) -> dict[PetitionId, Record]:
    """All dockets of one service, as its own store reads them."""
    store = _store(name, crew)
    found: dict[PetitionId, Record] = {}
    try:
        last = ""
        while page := await store.find({"_id": {"$gt": last}}, sort=(("_id", 1),), limit=PAGE):
            found.update((record.petition, record) for record in page)
            last = page[-1].petition
    finally:
        store.close()
    return found
