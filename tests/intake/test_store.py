"""Intake's queries on the real database: each is served by its index, and one request has one petition."""

from __future__ import annotations

import pytest

from contracts.identity import PetitionId
from services.intake.store import INDEXES, by_request, find_by_request
from tests.intake.conftest import Desk

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]


async def test_a_request_is_found_by_its_index(desk: Desk) -> None:
    await desk.submitted()
    plan = (await desk.process.store.explain(by_request("1" * 64)))["queryPlanner"]["winningPlan"]
    assert INDEXES[0].name in str(plan)
    assert "COLLSCAN" not in str(plan)


async def test_a_request_finds_the_petition_that_it_has_made(desk: Desk) -> None:
    petition = PetitionId((await desk.submitted())["petition_id"])
    request = (await desk.process.store.load([petition]))[petition].parts["own"].request
    found = await find_by_request(desk.process.store, request)
    assert found is not None
    assert petition == found.petition
    assert await find_by_request(desk.process.store, "0" * 64) is None
