"""The triage desk over HTTP, on the real parts: who sees it, who decides, and that a decision is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.line import Line, token

pytestmark = pytest.mark.real

ROUTER = {"Authorization": token("router")}
REPORT = {
    **PETITION,
    "title": "实名举报某局干部受贿",
    "content": "我实名举报某局工作人员在招标中收受贿赂、滥用职权，请纪委监察委查处。",
}


@pytest.fixture
async def desk(
    broker: str, mongo: str, broker_guarantees: str, tmp_path: Path
) -> AsyncIterator[tuple[Line, httpx.AsyncClient, str]]:
    """Intake and routing with one report of wrongdoing in triage."""
    line = Line(broker, mongo, str(tmp_path / "outbox"), idempotent=broker_guarantees == "kafka")
    await line.provide()
    async with line.running("intake") as (_, intake), line.running("routing") as (_, routing):
        receipt = (await intake.post("/petitions", json=REPORT)).json()

        async def waits() -> bool:
            queue = (await routing.get("/triage", headers=ROUTER)).json()["waiting"]
            return [receipt["petition_id"]] == [entry["petition_id"] for entry in queue]

        await eventually(waits)
        yield line, routing, receipt["petition_id"]


async def test_a_report_of_wrongdoing_waits_for_a_person_who_refers_it_once(
    desk: tuple[Line, httpx.AsyncClient, str],
) -> None:
    line, routing, petition = desk
    entry: dict[str, Any] = (await routing.get("/triage", headers=ROUTER)).json()["waiting"][0]
    assert entry["why"] in {"report-of-wrongdoing", "unsure", "no-body"}
    assert "受贿" not in str({**entry, "reasons": []})
    decision = {"office": "discipline-inspection"}
    first = await routing.post(f"/triage/{petition}/decision", headers=ROUTER, json=decision)
    again = await routing.post(f"/triage/{petition}/decision", headers=ROUTER, json=decision)
    assert (200, 409) == (first.status_code, again.status_code)
    assert "not-in-triage" == again.json()["code"]
    facts = [type(m.fact).__name__ for m in await line.messages("petition-routing-v1", at_least=2)]
    assert ["PetitionSentToTriage", "PetitionReferred"] == facts
    assert [] == (await routing.get("/triage", headers=ROUTER)).json()["waiting"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": token("mediator", body="labor")}, 403),
        ({"Authorization": "Bearer x"}, 401),
    ],
)
async def test_the_desk_is_closed_to_everybody_else(
    desk: tuple[Line, httpx.AsyncClient, str], headers: dict[str, str], status: int
) -> None:
    _, routing, petition = desk
    seen = await routing.get("/triage", headers=headers)
    decided = await routing.post(f"/triage/{petition}/decision", headers=headers, json={"body": "labor"})
    assert (status, status) == (seen.status_code, decided.status_code)
    assert "application/problem+json" == decided.headers["content-type"]


@pytest.mark.parametrize(
    "decision",
    [{}, {"body": "labor", "office": "petition-office"}, {"body": "nobody"}, {"body": "labor", "x": 1}],
)
async def test_a_decision_that_is_not_one_place_is_refused_with_the_reason(
    desk: tuple[Line, httpx.AsyncClient, str], decision: dict[str, Any]
) -> None:
    _, routing, petition = desk
    answer = await routing.post(f"/triage/{petition}/decision", headers=ROUTER, json=decision)
    assert 422 == answer.status_code
    assert answer.json()["errors"]
    unknown = await routing.post("/triage/00000-00000-00000/decision", headers=ROUTER, json={"body": "labor"})
    wrong = await routing.post("/triage/xyz/decision", headers=ROUTER, json={"body": "labor"})
    assert (409, 404) == (unknown.status_code, wrong.status_code)
