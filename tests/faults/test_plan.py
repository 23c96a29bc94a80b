"""A seed is a plan: the same one again, and a run of the usual length meets every sort of fault."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.faults.plan import CLUSTER, SHORT, WHOLE, Deck, Kind, planned
from tests.faults.proxy import CUTS


def test_the_same_seed_plans_the_same_faults() -> None:
    assert list(islice(planned(7, WHOLE), 50)) == list(islice(planned(7, WHOLE), 50))
    assert list(islice(planned(7, WHOLE), 50)) != list(islice(planned(8, WHOLE), 50))


@pytest.mark.parametrize("deck", [WHOLE, SHORT, CLUSTER])
def test_every_sort_comes_up_before_one_comes_up_too_often(deck: Deck) -> None:
    size = sum(times for _, times in deck)
    drawn = [fault.kind for fault in islice(planned(3, deck), size)]
    assert dict(deck) == {kind: drawn.count(kind) for kind in drawn}


def test_every_way_of_cutting_comes_up() -> None:
    faults = islice(planned(5, WHOLE), sum(times for _, times in WHOLE))
    cut = {fault.mode for fault in faults if fault.kind in {Kind.CUT_BROKER, Kind.CUT_DATABASE}}
    assert set(CUTS) == cut
