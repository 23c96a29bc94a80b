"""Clusters on the real database: compared when somebody looks, anew when the text is another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.identity import PetitionId
from runtime.record import to_document
from runtime.service import Service
from runtime.store import Store
from services.routing.alike import codes
from services.routing.domain import Membership
from services.routing.http.proposals import LOOK_AGAIN_AFTER, Proposals
from tests.runtime.scripted import Clock
from tests.runtime.toy import petition
from tests.stores.conftest import Database
from tests.stores.services import SERVICES

pytestmark = pytest.mark.real

LETTER = (
    "小区的二次供水设备老旧，早晚水压很低，六楼以上经常没有水，物业说要等大修资金，请协调尽快改造供水管道。"
)
OTHER = "门前道路施工半年没有恢复，下雨积水，老人出行很不方便，请问什么时候能够修好，施工单位到底是哪一家。"
LEAST = 3


def docket(number: int, content: str, *, edition: int = 1) -> dict[str, Any]:
    """A petition that is with a body and in no campaign."""
    membership = to_document(Membership(subject=f"housing/430102/{number}", free=True, with_body=True))
    return {
        "_id": petition(number),
        "version": 1,
        "parts": {"own": {"membership": membership}, "dossier": {"title": "供水", "content": content}},
        "marks": {"dossier": [edition, "0" * 64]},
    }


@pytest.fixture
async def desk(
    open_store: Callable[[Service[Any]], Store], database: Database
) -> tuple[Proposals, Clock, Database]:
    """Five petitions with one letter, and one with another."""
    store = open_store(SERVICES["routing"])
    await store.prepare()
    await database["dockets"].insert_many([docket(n, f"{n}号楼：{LETTER}") for n in range(5)])
    await database["dockets"].insert_one(docket(9, OTHER))
    clock = Clock()
    return Proposals(store, clock, LEAST), clock, database


async def test_near_copies_are_proposed_and_all_of_them_join(
    desk: tuple[Proposals, Clock, Database],
) -> None:
    found, _, database = desk
    (cluster,) = await found.clusters()
    assert ("alike", 5) == (cluster.kind, cluster.size)
    await database["dockets"].insert_one(docket(7, LETTER))
    everybody: list[PetitionId] = sorted(petition(n) for n in (*range(5), 7))
    assert everybody == await found.members(cluster.cluster, limit=100), "who came meanwhile is one of them"
    assert everybody[:2] == await found.members(cluster.cluster, limit=2)
    assert [petition(9)] == await found.members("subject:housing/430102/9", limit=100)


async def test_a_text_is_compared_once_and_anew_when_it_became_another(
    desk: tuple[Proposals, Clock, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, clock, database = desk
    compared: list[str] = []

    def noted(title: str, content: str) -> tuple[int, ...]:
        compared.append(content)
        return codes(title, content)

    monkeypatch.setattr("services.routing.http.proposals.codes", noted)
    assert [5] == [cluster.size for cluster in await found.clusters()]
    assert 6 == len(compared)
    await database["dockets"].replace_one({"_id": petition(0)}, docket(0, OTHER, edition=2))
    assert [5] == [cluster.size for cluster in await found.clusters()], "a look holds for a while"
    clock.forward(LOOK_AGAIN_AFTER)
    assert [4] == [cluster.size for cluster in await found.clusters()]
    assert [OTHER] == compared[6:]


async def test_an_erased_text_belongs_to_no_cluster_any_more(
    desk: tuple[Proposals, Clock, Database],
) -> None:
    found, clock, database = desk
    (cluster,) = await found.clusters()
    await database["dockets"].update_many(
        {"_id": {"$in": [petition(n) for n in range(3)]}},
        {"$set": {"parts.dossier": {"title": "", "content": ""}}},
    )
    clock.forward(LOOK_AGAIN_AFTER + timedelta(seconds=1))
    assert [] == await found.clusters()
    assert sorted([petition(3), petition(4)]) == await found.members(cluster.cluster, limit=100)
