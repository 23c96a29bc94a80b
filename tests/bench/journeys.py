"""Takes petitions through the whole line, from submission to rating, as people do; gives their dockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import httpx
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from contracts.bodies import Body
from contracts.kinds import Channel, Outcome, SessionKind
from local import services
from local.demo.drive import Driver, Ride
from local.demo.journeys import Petition, Step
from local.demo.system import System
from tests.bench import figures, texts
from tests.bench.pace import pause
from tests.bench.settled import LeftOverError, unpublished
from tests.bench.stage import SECRETS, Line

AT_ONCE = 16
STILL_WITHIN = 60.0
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
STEPS = (
    Step(session=SessionKind.MEDIATION, participants=3, units=("street-office",)),
    Step(session=SessionKind.MEDIATION, participants=4),
    Step(outcome=Outcome.SETTLED, agreement=True),
)


def complete(line: Line, count: int, source: str) -> list[dict[str, bytes]]:
    """Take so many petitions to their rating; of each the four dockets as they are stored, by service.

    Returns when nothing is under way any more.
    """
    figures.tell(f"{count} petitions go the whole way")
    rides = asyncio.run(_ridden(line, count, source))
    asyncio.run(_still(line))
    found: dict[str, dict[str, bytes]] = {ride.petition_id: {} for ride in rides}
    client: MongoClient[RawBSONDocument] = MongoClient(line.stage.mongo)
    with client:
        for service in services.NAMES:
            dockets = client[line.around.database_prefix + service].get_collection("dockets", RAW)
            for docket in dockets.find({"_id": {"$in": list(found)}}):
                found[docket["_id"]][service] = bytes(docket.raw)
    return list(found.values())


async def _ridden(line: Line, count: int, source: str) -> Sequence[Ride]:
    around = line.around
    urls = {name: around.url(name) for name in services.NAMES}
    system = System(urls, around.bootstrap, around.outbox, SECRETS.staff_key, alone=True)
    slots = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=30.0) as client:
        driver = Driver(system, client)

        async def ridden(text: texts.Text) -> Ride:
            async with slots:
                return await driver.ride(_petition(text), lambda _sentence: None)

        chosen = zip(texts.chosen(7, source), range(count), strict=False)
        rides = await asyncio.gather(*(ridden(text) for text, _ in chosen))
    if stuck := [ride.trouble for ride in rides if ride.trouble]:
        line.supervisor.check()
        raise LeftOverError(f"{len(stuck)} journeys did not get to their end: {stuck[0]}")
    return rides


def _petition(text: texts.Text) -> Petition:
    return Petition(
        role="clerk",
        who="bench-clerk",
        unit="petition-office",
        channel=Channel.LETTER,
        area="430102",
        name=text.name,
        phone=text.phone,
        title=text.title,
        content=text.content,
        bodies=tuple(Body),
        handler="bench-mediator",
        steps=STEPS,
        score=5,
    )


async def _still(line: Line) -> None:
    """Wait until nothing is pending and no docket wants to be woken: each has had its last text."""
    limit = time.monotonic() + STILL_WITHIN
    with line.stage.client() as client:
        while left := unpublished(line, client) + [
            f"{name}: something is under way"
            for name in services.NAMES
            if client[line.around.database_prefix + name].dockets.find_one({"wake_at": {"$exists": True}})
        ]:
            if time.monotonic() > limit:
                raise LeftOverError("; ".join(left))
            await pause(0.5)
