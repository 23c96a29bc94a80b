"""Drives one petition through the interfaces that people use, from its real way in to its end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from contracts.bodies import Body
from local import tokens
from local.demo.journeys import Petition, Step
from local.demo.system import System

T = TypeVar("T")
PATIENCE = 30.0
LOOK_EVERY = 0.05
BUSY = 503


class StuckError(Exception):
    """A step was refused or did not happen in time; the sentence says which and what to look at."""


@dataclass
class Ride:
    """What became of one petition; `noted` are the steps that were taken, for the progress lines."""

    petition: Petition
    petition_id: str = ""
    query_code: str = ""
    body: Body | None = None
    by_person: bool = False
    state: str = ""
    trouble: str = ""
    noted: list[str] = field(default_factory=list)


class Driver:
    """Speaks to the four services as petitioners and staff do."""

    def __init__(self, system: System, client: httpx.AsyncClient) -> None:
        self._system = system
        self._client = client

    async def ride(self, petition: Petition, say: Callable[[str], None]) -> Ride:
        """Take a petition from submission to as far as its steps go; trouble is noted, not raised."""
        ride = Ride(petition)
        try:
            await self._submit(ride)
            say(f"{ride.petition_id} submitted ({petition.channel}): {petition.title}")
            await self._route(ride, say)
            await self._confer(ride, say)
            await self._handle(ride)
            await self._follow_up(ride)
            await self._rate(ride)
        except (StuckError, httpx.HTTPError) as error:
            ride.trouble = str(error) or type(error).__name__
            say(f"stuck: {ride.trouble}")
        else:
            say(f"{ride.petition_id} {ride.state}: {', '.join(ride.noted)}")
        return ride

    async def _submit(self, ride: Ride) -> None:
        petition = ride.petition
        asked = {
            "title": petition.title,
            "content": petition.content,
            "channel": petition.channel,
            "area": petition.area,
            "signatories": petition.signatories,
            "petitioner": {"name": petition.name, "phone": petition.phone},
        }
        headers = {
            **self._staff(petition.role, petition.who, unit=petition.unit),
            "Idempotency-Key": secrets.token_hex(16),
        }
        receipt = await self._ask("intake", "POST", "/petitions", json=asked, headers=headers)
        ride.petition_id, ride.query_code = receipt["petition_id"], receipt["query_code"]

    async def _route(self, ride: Ride, say: Callable[[str], None]) -> None:
        """Wait until a body has opened a case; where the machine is unsure, a person decides."""
        story = await self._reaches(ride, lambda story: story["state"] != "accepted")
        if story["state"] == "in-triage":
            await self._decide(ride, say)
        story = await self._reaches(ride, lambda story: _has(story, "CaseOpened"))
        ride.body = Body(story["body"])
        if ride.body not in ride.petition.bodies:
            wanted = " or ".join(ride.petition.bodies)
            raise StuckError(f"{ride.petition_id} went to {ride.body}; it belongs to {wanted}.")

    async def _decide(self, ride: Ride, say: Callable[[str], None]) -> None:
        clerk = self._staff("router", "triage-desk-1")

        async def waiting() -> dict[str, Any] | None:
            queue = await self._ask("routing", "GET", "/triage", params={"limit": 500}, headers=clerk)
            found = (entry for entry in queue["waiting"] if entry["petition_id"] == ride.petition_id)
            return next(found, None)

        entry = await self._until(waiting, f"{ride.petition_id} does not appear at the triage desk")
        body = ride.petition.bodies[0]
        guesses = ", ".join(guess["body"] for guess in entry["candidates"])
        say(f"{ride.petition_id} waits at the triage desk (guesses: {guesses}); a person sends it to {body}")
        # Who decides has read the text, and that reading is a fact too.
        await self._ask("intake", "GET", f"/petitions/{ride.petition_id}/dossier?why=routing", headers=clerk)
        path = f"/triage/{ride.petition_id}/decision"
        await self._ask("routing", "POST", path, json={"body": body}, headers=clerk)
        ride.by_person = True

    async def _confer(self, ride: Ride, say: Callable[[str], None]) -> None:
        """Put before the joint conference what needs several departments; it names the lead and who helps."""
        conference = ride.petition.conference
        if conference is None:
            return
        path = f"/conference/{ride.petition_id}"
        asked = {"why": "several-departments", "group": conference.group}
        office = self._staff("router", "conference-office-1")
        await self._ask("routing", "POST", f"{path}/agenda", json=asked, headers=office)
        await self._reaches(ride, lambda story: story["state"] == "in-conference")
        lead, today = ride.petition.bodies[0], datetime.now(UTC)
        decision = {
            "lead": lead,
            "helpers": list(conference.helpers),
            "finish_by": (today + timedelta(days=30)).isoformat(),
            "follow_up_at": (today + timedelta(days=20)).isoformat(),
        }
        chair = self._staff("leader", "conference-chair-1")
        await self._ask("routing", "POST", f"{path}/decision", json=decision, headers=chair)
        say(
            f"{ride.petition_id}: the joint conference decides that {lead} leads and "
            f"{len(conference.helpers)} others help"
        )
        # The lead may be the body that had it before: its second case is the one that counts.
        await self._reaches(ride, lambda story: _cases(story) > 1)
        ride.body = lead
        ride.noted.append("joint conference")

    async def _follow_up(self, ride: Ride) -> None:
        """Let the conference's office look whether its decision was carried out."""
        if ride.petition.conference is not None:
            path, office = (
                f"/conference/{ride.petition_id}/follow-up",
                self._staff("router", "conference-office-1"),
            )
            await self._ask("routing", "POST", path, json={"result": "done"}, headers=office)

    async def _handle(self, ride: Ride) -> None:
        """Let the body read the dossier, accept, hold its sessions, conclude and answer."""
        mediator = self._staff("mediator", f"mediator-{ride.body}", body=ride.body)
        await self._ask(
            "intake", "GET", f"/petitions/{ride.petition_id}/dossier?why=handling", headers=mediator
        )
        await self._step(ride, "accept", mediator, {"handler": ride.petition.handler})
        for number, step in enumerate(ride.petition.steps, start=1):
            await self._take(ride, number, step, mediator)
        wanted = len(ride.petition.steps)
        await self._reaches(ride, lambda story: _count(story) >= wanted)

    async def _take(self, ride: Ride, number: int, step: Step, mediator: dict[str, str]) -> None:
        if step.outcome is None:
            held = {
                "kind": step.session,
                "participants": step.participants,
                "units": list(step.units),
                "number": number,
            }
            await self._step(ride, "sessions", mediator, held)
            ride.noted.append(str(step.session))
            return
        await self._step(ride, "conclusion", mediator, {"outcome": step.outcome, "agreement": step.agreement})
        await self._step(ride, "answer", mediator, {})
        await self._reaches(ride, lambda story: _has(story, "CaseAnswered"))
        ride.noted.append(str(step.outcome))

    async def _rate(self, ride: Ride) -> None:
        """Let the petitioner look up the end with number and code, and say how satisfied he is."""
        if ride.petition.score is not None:
            path = f"/petitions/{ride.petition_id}/rating"
            await self._ask("intake", "POST", path, json={"score": ride.petition.score}, headers=_code(ride))
            ride.noted.append(f"{ride.petition.score} of 5")
        ride.state = (await self._story(ride))["state"]

    async def _step(self, ride: Ride, step: str, mediator: dict[str, str], asked: dict[str, Any]) -> None:
        path = f"/cases/{ride.petition_id}/{step}"
        await self._ask("mediation", "POST", path, json=asked, headers=mediator)

    async def _story(self, ride: Ride) -> dict[str, Any]:
        story: dict[str, Any] = await self._ask(
            "intake", "GET", f"/petitions/{ride.petition_id}", headers=_code(ride)
        )
        return story

    async def _reaches(self, ride: Ride, there: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Look the petition up as the petitioner does, until its story has got there."""

        async def look() -> dict[str, Any] | None:
            story = await self._story(ride)
            return story if there(story) else None

        return await self._until(look, f"{ride.petition_id} does not get on; its services' logs say why")

    async def _until(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        limit = time.monotonic() + PATIENCE
        while (found := await look()) is None:
            if time.monotonic() > limit:
                raise StuckError(f"{what} (waited {PATIENCE:.0f} s).")
            await asyncio.sleep(LOOK_EVERY)
        return found

    async def _ask(self, service: str, method: str, path: str, **how: Any) -> Any:  # noqa: ANN401 - JSON
        """Send one request; a service that says it is busy for a moment is asked again."""
        limit = time.monotonic() + PATIENCE
        while True:
            answer = await self._client.request(method, self._system.services[service] + path, **how)
            if answer.is_success:
                return answer.json() if answer.content else None
            if answer.status_code != BUSY or time.monotonic() > limit:
                break
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", "1")), 2.0))
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        said = f"{problem.get('code', '')} {problem.get('title', '')}".strip()
        raise StuckError(f"{service} answers {answer.status_code} to {method} {path}: {said}.")

    def _staff(
        self, role: str, who: str, *, unit: str | None = None, body: Body | None = None
    ) -> dict[str, str]:
        token = tokens.mint(self._system.staff_key, role=role, who=who, unit=unit, body=body)
        return {"Authorization": f"Bearer {token}"}


def _code(ride: Ride) -> dict[str, str]:
    return {"X-Query-Code": ride.query_code}


def _has(story: dict[str, Any], fact: str) -> bool:
    return any(line["fact"] == fact for line in story["story"])


def _cases(story: dict[str, Any]) -> int:
    return sum(line["fact"] == "CaseOpened" for line in story["story"])


def _count(story: dict[str, Any]) -> int:
    """Count the steps of the case that the story tells of."""
    return sum(line["fact"] in {"SessionHeld", "CaseAnswered"} for line in story["story"])
