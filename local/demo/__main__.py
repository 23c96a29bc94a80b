"""`make demo`: drives the worked examples through the real system, shows them, verifies the streams."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from local.demo import figures, report, verify
from local.demo.drive import Driver, Ride
from local.demo.journeys import Journey, load
from local.demo.records import Recorded, Sms
from local.demo.report import Seen
from local.demo.streams import Reader, read_outbox
from local.demo.system import System, running
from local.progress import Progress
from local.trouble import LocalError

# Facts and messages that are still under way when the last step is taken have so long to arrive.
SETTLE_WITHIN = 20.0
# No phrase of the lexicon is as long as this, so a part of a text that is stands in no fact by chance.
TELLING = 13
_STOPS = re.compile(r"[。，；：？！、\s]+")


@dataclass(frozen=True)
class Found:
    """What stands in topics and outbox when all is quiet, and what is wrong with it."""

    records: Sequence[Recorded]
    texts: Sequence[Sms]
    findings: Sequence[str]


async def demonstrate(system: System, journeys: Sequence[Journey], told: Progress) -> list[str]:
    """Drive, show and verify; the findings."""
    async with httpx.AsyncClient(timeout=20.0, trust_env=False) as client, Reader(system.bootstrap) as reader:
        driver = Driver(system, client)
        driven: list[tuple[Journey, list[Ride]]] = []
        for journey in journeys:
            told.say(f"journey {journey.number} of {len(journeys)}: {journey.name}")
            driven.append((journey, await drive(driver, journey, told)))
        rides = [ride for _, driven_rides in driven for ride in driven_rides]
        told.say("all driven; reading every topic and the SMS outbox, and verifying them")
        found = await settled(system, reader, rides)
        told.say(f"{len(found.records)} messages and {len(found.texts)} SMS read")
    lines = verify.first_copies(verify.decoded(found.records)[0])
    seen = Seen(lines, {sms.reference: sms for sms in found.texts})
    for journey, its in driven:
        print(report.journey(journey, its, seen))
    print(report.summary(rides, seen))
    stuck = [
        f"Journey {journey.number}: {ride.trouble}" for journey, its in driven for ride in its if ride.trouble
    ]
    return [*stuck, *figures.check(), *found.findings]


async def drive(driver: Driver, journey: Journey, told: Progress) -> list[Ride]:
    """Drive a journey's petitions, those that come in in bulk side by side."""
    quiet = len(journey.petitions) > 1
    say = told.hint if quiet else told.say
    rides = await asyncio.gather(*(driver.ride(petition, say) for petition in journey.petitions))
    if quiet:
        told.say(f"{len(rides)} petitions entered and handled")
    return rides


async def settled(system: System, reader: Reader, rides: Sequence[Ride]) -> Found:
    """Read until everything holds and nothing more arrives; what does not hold by then is a finding."""
    ours = {ride.petition_id for ride in rides}
    limit = time.monotonic() + SETTLE_WITHIN
    while True:
        arrived = await reader.catch_up()
        records = [record for record in reader.records if system.alone or record.key in ours]
        texts = [sms for sms in await read_outbox(system.outbox) if system.alone or sms.petition in ours]
        findings = verify.verify(records, texts, personal(rides))
        late = time.monotonic() > limit
        if late or not (findings or arrived):
            return Found(records, texts, findings)


def personal(rides: Sequence[Ride]) -> Mapping[str, str]:
    """Return every word of the petitioners that may stand in the dossiers alone, and what it is."""
    words: dict[str, str] = {}
    for ride in rides:
        petition = ride.petition
        words |= {petition.name: "the name", petition.phone: "the number"}
        words |= {part: "words" for part in _STOPS.split(petition.content) if len(part) >= TELLING}
        words |= {petition.title: "the title"}
        if ride.query_code:
            words |= dict.fromkeys({ride.query_code, ride.query_code.replace("-", "")}, "the query code")
    return words


def conclude(findings: Sequence[str]) -> int:
    """Print what holds or what does not; the exit code."""
    if findings:
        print(f"\nVerification: {len(findings)} findings")
        print(report.listed(findings, "   ✗ "))
        return 1
    print("\nVerification: all of this holds")
    print(report.listed(verify.HELD, "   ✓ "))
    return 0


def main() -> int:
    """0 if all journeys came to their end and everything holds in the streams."""
    told = Progress()
    # Whoever ends us gently finds nothing left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(told) as system:
            findings = asyncio.run(demonstrate(system, load(), told))
            code = conclude(findings)
    except LocalError as trouble:
        print(trouble, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nstopped before the end", file=sys.stderr, flush=True)
        return 130
    print(f"\n{told.elapsed:.0f} s; exit code {code}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
