"""What needs a person, on the real parts: a due time that passes is alarmed, and the petition stays put."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from contracts import bodies, policies
from contracts.bodies import SHIPPED
from contracts.edited import Shelf
from services.routing import load, needs
from tests.broker.test_intake_line import PETITION
from tests.eventually import eventually
from tests.line import Line
from tests.routing.test_desks import AUDITOR, LEADER, ROUTER, VAGUE, City, mediator

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]
AT_ONCE = timedelta(0)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[MutableMapping[str, Any]]:
    """What routing's counts write into the log."""
    capture = LogCapture()
    for module in (load, needs):
        monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[capture]))
    return capture.entries


@pytest.fixture
async def hurried(
    broker: str,
    mongo: str,
    broker_guarantees: str,
    tmp_path: Path,
    lines: list[MutableMapping[str, Any]],
) -> AsyncIterator[City]:
    """Three services whose desks have no time at all: everything that waits for a person is late."""
    line = Line(broker, mongo, str(tmp_path / "outbox"), idempotent=broker_guarantees == "kafka")
    await line.provide()
    changes = {
        "triage_within": AT_ONCE,
        "return_within": AT_ONCE,
        "conference_within": AT_ONCE,
        "load_every": timedelta(seconds=0.2),
    }
    async with (
        line.running("intake") as (_, intake),
        line.running("routing", changes=changes) as (_, routing),
        line.running("mediation") as (_, mediation),
    ):
        assert lines is not None
        yield City(line, {"intake": intake, "routing": routing, "mediation": mediation})


async def late(city: City) -> dict[str, int]:
    """What `/needs` counts."""
    return {need["what"]: need["count"] for need in (await city.sees("/needs"))["needs"]}


async def metric(city: City, name: str) -> float:
    """What the metric says of one list."""
    text = (await city.clients["routing"].get("/metrics")).text
    found = re.search(rf'routing_overdue_petitions\{{list="{name}"\}} ([0-9.]+)', text)
    assert found is not None, name
    return float(found[1])


async def alarmed(city: City, name: str) -> None:
    """Every way in which people are called for one list."""
    assert {name: 1} == await late(city)

    async def counted() -> bool:
        return await metric(city, name) == 1

    await eventually(counted, deadline=10)
    page = (await city.clients["routing"].get("/desk", headers=LEADER)).text
    assert (1, 1) == (page.count('role="alert"'), page.count("已超期：应在"))
    assert page.index(f'<a href="#{name}">') < page.index('<h2 id="triage">') < page.index("已超期：应在")
    assert f'<h2 id="{name}">' in page


async def test_each_desk_whose_time_passes_is_alarmed_and_the_petition_stays_where_it_is(
    hurried: City, lines: list[MutableMapping[str, Any]]
) -> None:
    city = hurried
    assert {} == await late(city)
    petition = (await city.submits(VAGUE))["petition_id"]
    await city.waits("/triage", "waiting", petition)
    await alarmed(city, "triage")
    need = (await city.sees("/needs", AUDITOR))["needs"][0]
    assert ("/desk#triage", True) == (need["page"], need["told"].startswith("待研判：1 件已超过期限"))
    assert "triage" == (await city.sees(f"/petitions/{petition}/history"))["place"], "only people move it"
    refused = await city.clients["routing"].get(
        "/needs", headers={"Authorization": mediator("labor")["Authorization"]}
    )
    assert 403 == refused.status_code

    await city.asks("routing", f"/triage/{petition}/decision", ROUTER, body="property")
    await city.has_case(petition, "property")
    assert {} == await late(city)
    await city.asks("mediation", f"/cases/{petition}/return", mediator("property"), reason="several-bodies")
    await city.waits("/returns", "waiting", petition)
    await alarmed(city, "returns")
    assert "property" == (await city.sees(f"/petitions/{petition}/history"))["body"], "only people move it"

    await city.asks("routing", f"/conference/{petition}/agenda", ROUTER, why="several-departments")
    await alarmed(city, "agenda")
    decision = {
        "lead": "transport",
        "helpers": [],
        "finish_by": "2099-01-31T00:00:00+08:00",
        "follow_up_at": "2099-01-20T00:00:00+08:00",
    }
    await city.asks("routing", f"/conference/{petition}/decision", LEADER, **decision)
    assert {} == await late(city), "the office has until 2099 to look again"

    async def cleared() -> bool:
        return [0.0] * 3 == [await metric(city, name) for name in ("triage", "returns", "agenda")]

    await eventually(cleared, deadline=10)
    said = [(line["reason"], line["count"]) for line in lines if line["event"] == "due_time_passed"]
    assert [("triage", 1), ("returns", 1), ("agenda", 1)] == said, "once each, however often it was counted"


async def test_a_body_over_its_capacity_is_said_in_the_log_once_and_among_what_needs_somebody(
    hurried: City,
    lines: list[MutableMapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    city = hurried
    text = SHIPPED.read_text("utf-8").replace("capacity = 2000", "capacity = 1")
    (small := tmp_path / "bodies.toml").write_text(text, "utf-8")
    monkeypatch.setattr(bodies, "SHELF", bodies.Shelf(small))
    for _ in range(2):
        await city.gets((await city.submits(PETITION))["petition_id"], "utilities")

    async def said() -> bool:
        return [("body_overloaded", "utilities", 2)] == [
            (line["event"], line["reason"], line["count"])
            for line in lines
            if line["event"] == "body_overloaded"
        ]

    await eventually(said, deadline=20)
    assert {"load": 2} == await late(city)
    await city.sees("/load")
    assert await said(), "not again while it lasts"


async def test_an_edit_that_is_not_taken_calls_somebody_until_it_is_whole_again(
    hurried: City,
    lines: list[MutableMapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    text = policies.SHIPPED.read_text("utf-8")
    (file := tmp_path / "policies.toml").write_text(text, "utf-8")
    shelf = Shelf(file, policies.read, follows=policies.follows)
    shelf.look()
    monkeypatch.setattr(policies, "SHELF", shelf)
    file.write_text(text + "[[policy]]\n", "utf-8")
    assert {"policies": 0} == await late(hurried)
    page = (await hurried.clients["routing"].get("/desk", headers=LEADER)).text
    assert "共性政策的修改有误，没有生效，仍按原来的办理：policies.toml, line " in page
    file.write_text(text, "utf-8")
    assert {} == await late(hurried)
    said = [line["reason"] for line in lines if line["event"] == "data_edited"]
    assert [True, True] == ["the policy lacks code" in said[0], ["whole again"] == said[1:]]
