"""Poison, gaps, forgeries and bugs: one petition waits with all that comes after it, the others go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.envelope import digest, seal
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted
from runtime.clock import SystemClock
from runtime.consume import Parked, Redrive
from runtime.draft import Outcome
from runtime.process import Process
from services.mediation.domain import opening
from tests.broker.test_killed import WAGES, distinct
from tests.eventually import eventually
from tests.line import Line

pytestmark = pytest.mark.real


def accepted(petition: PetitionId, ordinal: int, previous: bytes | None) -> bytes:
    """The bytes of one PetitionAccepted at a place in its stream."""
    now = SystemClock().now()
    return seal(
        PetitionAccepted(at=now, due=now),
        petition=petition,
        ordinal=ordinal,
        previous=digest(previous) if previous else None,
        cause=None,
        traceparent=None,
    )


def some_petition(chance: int) -> PetitionId:
    """An id that no other petition of the test has."""
    return make(SystemClock().now(), chance)


async def heard(process: Process, petition: PetitionId) -> int:
    """How many facts of petition-intake-v1 the process has heard of a petition."""
    mark = (await process.store.load([petition]))[petition].marks.get("intake")
    return mark.ordinal if mark else 0


async def parked(process: Process, petition: PetitionId) -> Any:
    """Why a petition is parked, or None."""
    return (await process.store.load([petition]))[petition].parked


async def test_undecodable_bytes_become_dead_letters_with_reason_and_place_while_others_go_on(
    line: Line,
) -> None:
    petition = some_petition(1)
    good = accepted(petition, 1, None)
    broken = good.replace(b'"due"', b'"dun"')
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", b"\xff\x00not json", broken, key=petition)
        await line.send("petition-intake-v1", good, key=some_petition(2))
        await line.send("petition-intake-v1", good, key=petition)
        await eventually(lambda: heard(process, petition))
        letters = await line.records("mediation-dead-letters-v1", at_least=3)
    found = {(letter.value, dict(letter.headers)["reason"]) for letter in letters}
    assert {(b"\xff\x00not json", b"envelope"), (broken, b"data"), (good, b"key")} == found
    for letter in letters:
        place = dict(letter.headers)
        assert b"petition-intake-v1" == place["topic"]
        assert place["offset"].isdigit()
        assert place["partition"].isdigit()


async def test_a_gap_parks_the_petition_until_the_missing_message_arrives(line: Line) -> None:
    petition, other = some_petition(1), some_petition(2)
    first = accepted(petition, 1, None)
    second = accepted(petition, 2, first)
    third = accepted(petition, 3, second)
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", first, third, key=petition)
        await line.send("petition-intake-v1", accepted(other, 1, None), key=other)
        await eventually(lambda: heard(process, other))
        found = await eventually(lambda: parked(process, petition))
        assert ("gap", "expected 2 got 3") == (found.reason, found.detail)
        await line.send("petition-intake-v1", second, key=petition)

        async def healed() -> bool:
            return await parked(process, petition) is None and await heard(process, petition) == 3

        await eventually(healed)


async def test_a_forged_message_parks_the_petition_and_names_the_place(line: Line) -> None:
    petition = some_petition(1)
    first = accepted(petition, 1, None)
    forged = accepted(petition, 2, b"another history")
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", first, forged, key=petition)
        found = await eventually(lambda: parked(process, petition))
        assert ("broken-chain", "at 2") == (found.reason, found.detail)
        assert 1 == await heard(process, petition)


async def test_a_type_of_a_newer_release_is_kept_and_not_skipped(line: Line) -> None:
    petition = some_petition(1)
    first = accepted(petition, 1, None)
    newer = accepted(petition, 2, first).replace(b"PetitionAccepted.v1", b"PetitionAccepted.v9")
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", first, newer, key=petition)
        found = await eventually(lambda: parked(process, petition))
        assert "unknown-type" == found.reason
        assert newer == found.messages[0].value


async def test_a_petition_whose_decision_raises_waits_with_its_later_messages_and_redrive_applies_them(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = opening.decide_opening
    broken = True

    def decide_opening(docket: Any, *arguments: Any) -> Any:
        if broken and docket.petition == receipt["petition_id"]:
            raise ZeroDivisionError("张三 13800138000")
        return healthy(docket, *arguments)

    monkeypatch.setattr(opening, "decide_opening", decide_opening)
    async with (
        line.running("intake") as (_, intake),
        line.running("mediation") as (process, _),
    ):
        receipt = (await intake.post("/petitions", json=WAGES)).json()
        async with line.running("routing"):
            petition = PetitionId(receipt["petition_id"])
            found = await eventually(lambda: parked(process, petition))
            assert "decision-raised" == found.reason
            assert "ZeroDivisionError" in found.detail
            assert "张三" not in found.detail
            other = (await intake.post("/petitions", json={**WAGES, "title": "又一件欠薪"})).json()
            cases = await line.messages("petition-mediation-v1", at_least=1)
            assert {other["petition_id"]} == set(distinct(cases, "CaseOpened"))
            answer = await process.commands.ask(petition, lambda _docket, _now: ())
            assert isinstance(answer, Parked)
            broken = False
            await process.batches.handle({petition: (Redrive(),)})
            assert await parked(process, petition) is None
            cases = await line.messages("petition-mediation-v1", at_least=2)
            assert 1 == distinct(cases, "CaseOpened")[petition]


async def test_the_redrive_command_replays_what_is_parked(line: Line) -> None:
    petition = some_petition(1)
    first = accepted(petition, 1, None)
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", accepted(petition, 2, first), key=petition)
        await eventually(lambda: parked(process, petition))
    command = line.spawned("mediation", "redrive", "--petition", petition.lower())
    async with command as redrive:
        assert 1 == await asyncio.wait_for(redrive.wait(), 30), "still parked, so the command says so"
    async with line.running("mediation") as (process, _):
        await line.send("petition-intake-v1", first, key=petition)
        await eventually(lambda: heard(process, petition))
    async with line.spawned("mediation", "redrive") as redrive:
        assert 0 == await asyncio.wait_for(redrive.wait(), 30)


async def test_a_service_stops_when_most_of_what_it_hears_is_parked(line: Line) -> None:
    async with line.running("mediation") as (process, client):
        for chance in range(30):
            petition = some_petition(chance)
            await line.send(
                "petition-intake-v1", accepted(petition, 2, accepted(petition, 1, None)), key=petition
            )
        await eventually(lambda: process.health.failed)
        assert 503 == (await client.get("/livez")).status_code
        assert 503 == (await client.get("/readyz")).status_code


async def test_second_deliveries_are_counted_as_heard_and_change_nothing(line: Line) -> None:
    petition = some_petition(1)
    first = accepted(petition, 1, None)
    outcomes: list[str] = []
    async with line.running("mediation") as (process, _):
        process.batches.outcomes = lambda outcome, _topic: outcomes.append(outcome)
        await line.send("petition-intake-v1", first, first, first, key=petition)
        await eventually(lambda: len(outcomes) >= 3)
        version = (await process.store.load([petition]))[petition].version
    assert 1 == outcomes.count(Outcome.APPLIED)
    assert 2 == outcomes.count(Outcome.HEARD)
    assert version <= 3
