"""What people wrote, as it is kept, on the real database: in order, by pages, and gone with the person."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.dossiers import DossierSaved
from contracts.identity import PetitionId, make
from contracts.intake import PetitionRegistered
from contracts.topics import DOSSIERS
from runtime.consume import guarded
from runtime.draft import Delivery, Draft
from runtime.record import empty
from runtime.store import Store
from services.notify import letters
from services.notify.letters import ERASED, READ, SHELF, STAFF, Letters, Place, place
from tests.notify.journey import SERVICE, START, TOLD, Journey

pytestmark = pytest.mark.real

WORDS = "谢谢你们"


@pytest.fixture
async def store(mongo: str) -> AsyncIterator[Store]:
    """An empty database."""
    made = Store(f"{mongo}/notify_{secrets.token_hex(5)}", SERVICE)
    await made.prepare()
    yield made
    made.close()


def reply(number: int, petition: str = "", **changes: Any) -> dict[str, Any]:
    """A reply as `answers.py` keeps it; several come in the same millisecond."""
    return {
        "_id": f"{number:032x}",
        "gateway": "smpp",
        "sender": "13971648205",
        "text": f"{WORDS}{number}",
        "extension": "12",
        "at": START + timedelta(milliseconds=number // 3),
        "sent": START,
        "state": STAFF,
        "kind": "unclear",
        "petition": petition,
        "until": START + timedelta(days=36500),
        **changes,
    }


async def heard(store: Store, *chances: int, told: bool = True, erased: bool = False) -> list[PetitionId]:
    """Petitions of which notify knows: whose petitioner was told, or not, and is erased again, or not."""
    drafts = []
    for chance in chances:
        journey = Journey(make(START, chance))
        draft = Draft(empty(journey.petition, SERVICE), SERVICE, guarded)
        for kind in (DossierSaved, PetitionRegistered) if told else (PetitionRegistered,):
            draft.hear(journey.deliver(TOLD[kind]), START)
        if erased:
            draft.hear(Delivery(DOSSIERS.name, 0, 99, None, None), START)
        drafts.append(draft)
    await store.save(drafts)
    return [draft.record.petition for draft in drafts]


async def test_the_newest_come_first_and_pages_go_on_within_one_millisecond(store: Store) -> None:
    await store.shelf(SHELF).add([reply(number) for number in range(20)])
    await store.shelf(SHELF).add([reply(99, state=READ)])
    kept, found = Letters(store), []
    after: Place | None = None
    while page := await kept.listed(STAFF, after=after, limit=4):
        found += [letter.reply for letter in page]
        after = place(Place(page[-1].at, page[-1].reply).key())
        assert after is not None
    assert [f"{number:032x}" for number in reversed(range(20))] == found


@pytest.mark.parametrize("key", ["", "nonsense", "1.", ".a", "99999999999999.a", "１.a", "1.a/b", "-1.a"])
def test_a_page_that_nobody_gave_out_is_none(key: str) -> None:
    assert place(key) is None


async def test_what_somebody_wrote_goes_when_he_is_erased_and_nobody_elses_does(store: Store) -> None:
    (gone,) = await heard(store, 1, erased=True)
    (here,) = await heard(store, 2)
    (waiting,) = await heard(store, 3, told=False)
    kept = [reply(1, gone), reply(2, here), reply(3, waiting), reply(4), reply(5, gone, state=READ)]
    await store.shelf(SHELF).add(kept)
    shelf = Letters(store)
    assert 2 == await shelf.forget_erased()
    for number in (1, 5):
        letter = await shelf.one(f"{number:032x}")
        assert letter is not None
        assert (ERASED, "", "") == (letter.state, letter.text, letter.sender)
    for number in (2, 3, 4):
        letter = await shelf.one(f"{number:032x}")
        assert letter is not None
        assert (STAFF, f"{WORDS}{number}") == (letter.state, letter.text)
    assert 0 == await shelf.forget_erased()
    assert [] == await store.shelf(SHELF).add([reply(1, gone)])


async def test_the_look_for_erased_people_comes_round_to_everybody(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "AT_ONCE", 3)
    gone = await heard(store, *range(10), erased=True)
    # More of one petition than one look takes.
    await store.shelf(SHELF).add([reply(number, gone[number // 2]) for number in range(20)])
    await store.shelf(SHELF).add([reply(100 + number, gone[4]) for number in range(5)])
    shelf = Letters(store)
    assert 25 == sum([await shelf.forget_erased() for _ in range(10)])
    assert WORDS not in str(await store.shelf(SHELF).find({"petition": {"$gt": ""}}, limit=100))
