"""A petition that two bodies say is not theirs: its petitioner is told each time where it went and why."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.bodies import Body, catalogue
from tests.eventually import eventually
from tests.four import Four, submitted
from tests.line import Line, token

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

PETITION = {
    "title": "小区门口的早餐摊占了消防通道",
    "content": "每天早上六点到九点，摊子把小区门口的消防通道占满，物业说管不了。请派人来管一管。",
    "area": "430102",
    "petitioner": {"name": "甄无名", "phone": "13800138999"},
}
FIRST = Body.PROPERTY
# Where it goes instead, whatever body had it, and what the body before objected.
GOALS = (Body.CONSTRUCTION, Body.TRANSPORT, Body.ENVIRONMENT)
REASONS = ("not-our-matter", "other-area")
WHY = "不属于其职责"


def texts(line: Line, petition: str) -> list[str]:
    """What the petitioner has got about his petition's ways, in order."""
    path = Path(line.outbox)
    rows = [msgspec.json.decode(row) for row in path.read_bytes().splitlines()] if path.exists() else []
    return [row["text"] for row in rows if row["petition"] == petition and row["template"] == "routed"]


def has(line: Line, petition: str, count: int) -> bool:
    """Whether the petitioner has got so many."""
    return len(texts(line, petition)) == count


async def put(four: Four, service: str, path: str, body: dict[str, Any], staff: str) -> None:
    """Decide something at a desk, once the service has heard what the decision rests on."""

    async def done() -> bool:
        headers = {"Authorization": staff}
        answer = await four.clients[service].post(path, json=body, headers=headers)
        assert answer.status_code in {200, 404, 409}, answer.text
        return answer.status_code == 200

    await eventually(done, deadline=40)


async def test_the_petitioner_is_told_of_each_transfer_where_it_went_and_why(
    line: Line, tmp_path: Path
) -> None:
    four, names, router = Four(line, tmp_path), catalogue(), token("router", who="router-1")
    async with four.running():
        petition, _ = await submitted(four, PETITION)

        async def placed() -> bool:
            headers = {"Authorization": router}
            shown = (await four.clients["routing"].get("/triage", headers=headers)).json()
            return bool(texts(line, petition)) or petition in str(shown)

        await eventually(placed, deadline=40)
        if not texts(line, petition):
            await put(four, "routing", f"/triage/{petition}/decision", {"body": FIRST}, router)
        await eventually(partial(has, line, petition, 1), deadline=40)
        body = next(code for code in Body if names.name(code) in texts(line, petition)[0])
        goals = [goal for goal in GOALS if goal != body][:2]
        for told, (goal, reason) in enumerate(zip(goals, REASONS, strict=True), start=2):
            mediator = token("mediator", body=body, who="mediator-1")
            await put(four, "mediation", f"/cases/{petition}/return", {"reason": reason}, mediator)
            ruling = {"agreed": True, "to": goal}
            await put(four, "routing", f"/returns/{petition}/decision", ruling, router)
            await eventually(partial(has, line, petition, told), deadline=40)
            body = goal

    first, *others = texts(line, petition)
    assert WHY not in first
    for text, goal in zip(others, goals, strict=True):
        assert names.name(goal) in text
        assert names.entries[goal].phone in text
        assert WHY in text
