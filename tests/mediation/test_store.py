"""The list of cases on the real database: served by its index, in order, without sorting in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.bodies import Body
from services.mediation import store
from services.mediation.domain import State
from services.mediation.store import Place
from tests.mediation.arrivals import DUE, petition
from tests.mediation.conftest import Desk

HERE = Place(DUE, petition())


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Every stage of an explained plan."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan
        for value in plan.values():
            yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


@pytest.mark.real
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("after", [None, HERE])
@pytest.mark.parametrize("bodies", [{Body.LABOR}, set(Body)])
@pytest.mark.parametrize("states", [{State.OPENED}, set(State)])
async def test_the_index_serves_the_list(
    desk: Desk, bodies: Collection[Body], states: Collection[State], after: Place | None
) -> None:
    for _ in range(3):
        await desk.case()
    plan = await desk.process.store.explain(store.query(bodies, states, after), sort=store.ORDER)
    used = list(stages(plan["queryPlanner"]["winningPlan"]))
    names = {stage["stage"] for stage in used}
    assert {store.BY_DUE.name} == {stage["indexName"] for stage in used if stage["stage"] == "IXSCAN"}
    assert not names & {"COLLSCAN", "SORT"}


@pytest.mark.real
@pytest.mark.asyncio(loop_scope="module")
async def test_a_petition_without_a_case_is_not_shown(desk: Desk) -> None:
    assert await store.case(desk.process.store, petition(9_000_000)) is None


def test_the_place_of_a_page_is_read_back() -> None:
    place = Place(DUE + timedelta(milliseconds=7), petition())
    assert place == store.place(str(place))


@pytest.mark.parametrize(
    "key", ["", ".", "1", f".{petition()}", f"-1.{petition()}", f"²³.{petition()}", "1.x"]
)
def test_a_key_that_is_no_place_is_refused(key: str) -> None:
    assert store.place(key) is None
