"""What a service keeps besides dockets: saved on condition of the version read, as dockets are."""

from __future__ import annotations

import asyncio

import pytest

from runtime.consume import guarded
from runtime.draft import Draft
from runtime.service import Refused
from runtime.store import Definition, Store
from services.routing import store as routing
from services.routing.domain import Campaign, Rule
from tests.runtime import toy
from tests.runtime.toy import NOW, petition
from tests.stores.test_dockets import state

pytestmark = pytest.mark.real

CAMPAIGN = Campaign(
    "c", "名称", "领域", NOW, NOW, "leader-1", NOW, Rule(areas=("430102",), received_from=NOW)
)


async def test_a_definition_is_saved_once_by_whoever_was_first(toy_store: Store) -> None:
    first, second = Definition("b", 0, {"n": 1}), Definition("b", 0, {"n": 2})
    assert [True, False] == [await toy_store.define(first), await toy_store.define(second)]
    assert await toy_store.define(Definition("a", 0, {}))
    assert [Definition("a", 1, {}), Definition("b", 1, {"n": 1})] == await toy_store.definitions()
    assert await toy_store.define(Definition("b", 1, {"n": 3}))
    assert not await toy_store.define(Definition("b", 1, {"n": 4}))


async def test_no_edit_of_a_campaign_is_lost_when_many_change_it_at_once(toy_store: Store) -> None:
    assert await routing.save(toy_store, CAMPAIGN, 0)

    def one_more(campaign: Campaign) -> Campaign:
        return Campaign(
            **{name: getattr(campaign, name) for name in Campaign.__slots__}
            | {"rule_version": campaign.rule_version + 1}
        )

    await asyncio.gather(*(routing.change(toy_store, "c", one_more) for _ in range(20)))
    (stored,) = await routing.campaigns(toy_store)
    assert (21, CAMPAIGN.rule) == (stored.campaign.rule_version, stored.campaign.rule)
    assert Refused("no-such-campaign") == await routing.change(toy_store, "other", one_more)


async def test_fields_are_picked_and_counted_without_the_rest_of_the_docket(toy_store: Store) -> None:
    drafts = [
        state(Draft(record, toy.service(), guarded), score)
        for score, record in enumerate(
            (await toy_store.load([petition(n) for n in range(1, 4)])).values(), start=1
        )
    ]
    assert {} == await toy_store.save(drafts)
    fields = ("_id", "version", "parts.own.nothing", "parts.nothing.at_all")
    found = await toy_store.pick({"version": 1}, fields, sort=(("_id", 1),), limit=2)
    assert [(petition(1), 1, None, None), (petition(2), 1, None, None)] == found
    assert 3 == await toy_store.how_many({"version": 1})
