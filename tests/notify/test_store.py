"""Each of notify's queries is served by its index, on the real database."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from contracts.dossiers import DossierSaved
from contracts.identity import make
from contracts.intake import PetitionRegistered
from runtime.consume import guarded
from runtime.draft import Draft
from runtime.record import empty
from runtime.store import Store
from services.notify.messages import ATTENTION, CALL, State
from services.notify.store import ORDER, in_state, with_state
from tests.notify.journey import SERVICE, START, TOLD, Journey

pytestmark = pytest.mark.real

MANY = 300
FEW = (17, 170, 290)


@pytest.fixture
async def store(mongo: str) -> AsyncIterator[Store]:
    """Many petitions that were claimed, and few whose number has not come."""
    made = Store(f"{mongo}/notify_{secrets.token_hex(5)}", SERVICE)
    await made.prepare()
    drafts = []
    for chance in range(MANY):
        journey = Journey(make(START, chance))
        draft = Draft(empty(journey.petition, SERVICE), SERVICE, guarded)
        for kind in (PetitionRegistered,) if chance in FEW else (DossierSaved, PetitionRegistered):
            draft.hear(journey.deliver(TOLD[kind]), START)
        drafts.append(draft)
    await made.save(drafts)
    yield made
    made.close()


@pytest.mark.parametrize("state", [*ATTENTION, CALL])
@pytest.mark.parametrize("after", ["", make(START, 100)])
async def test_what_staff_must_look_at_comes_from_its_index_in_order(
    store: Store, state: str, after: str
) -> None:
    plan = (await store.explain(in_state(state, after), sort=ORDER))["queryPlanner"]["winningPlan"]
    assert "'indexName': 'attention'" in str(plan)
    assert "COLLSCAN" not in str(plan)
    assert "'SORT'" not in str(plan)


async def test_the_list_goes_on_where_it_ended(store: Store) -> None:
    first = await with_state(store, State.QUEUED, after="", limit=2)
    rest = await with_state(store, State.QUEUED, after=first[-1].petition, limit=2)
    assert [make(START, chance) for chance in FEW] == [record.petition for record in [*first, *rest]]
