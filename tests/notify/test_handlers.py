"""Each handler: a first delivery states, a second changes nothing, a failed one succeeds later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.dossiers import DossierSaved
from contracts.fact import Fact
from contracts.intake import PetitionRegistered
from contracts.mediation import CaseOpened
from contracts.notify import ReplyReceived
from contracts.routing import PetitionRouted
from runtime.draft import Outcome
from services.notify.stories import OFFERS
from tests.notify.journey import SERVICE, TOLD, Journey, owed

HEARD = list(SERVICE.hears)
# What must have come before, so that the delivery under test is complete.
BEGUN: tuple[type[Fact], ...] = (DossierSaved, PetitionRegistered)
BEFORE: dict[type[Fact], tuple[type[Fact], ...]] = {
    **dict.fromkeys(OFFERS, (*BEGUN, PetitionRouted, CaseOpened)),
    DossierSaved: (PetitionRegistered,),
    PetitionRegistered: (DossierSaved,),
    CaseOpened: (*BEGUN, PetitionRouted),
}


def ready(kind: type[Fact]) -> Journey:
    """A petition to which a fact of this kind may come next."""
    journey = Journey()
    journey.tell(*(TOLD[before] for before in BEFORE[kind]))
    return journey


def test_there_is_a_handler_for_whatever_a_text_can_be_about() -> None:
    assert {*OFFERS, DossierSaved} - {ReplyReceived} == set(HEARD)


@pytest.mark.parametrize("kind", HEARD, ids=lambda kind: str(kind.__name__))
def test_the_first_delivery_tells_and_the_second_changes_nothing(kind: type[Fact]) -> None:
    journey = ready(kind)
    delivery, before = journey.deliver(TOLD[kind]), len(journey.stated)
    assert [Outcome.APPLIED] == journey.hear(delivery)
    told = [type(fact).__name__ for fact in journey.stated[before:]]
    if kind is DossierSaved:
        assert ["SmsClaimed"] == told
    else:
        assert ["SmsQueued"] * owed(kind) == told
    record, before = journey.record, len(journey.stated)
    assert [Outcome.HEARD] == journey.hear(delivery)
    assert (record.parts, before) == (journey.record.parts, len(journey.stated))


@pytest.mark.parametrize("kind", HEARD, ids=lambda kind: str(kind.__name__))
def test_a_failed_delivery_succeeds_when_it_comes_again(kind: type[Fact]) -> None:
    journey = ready(kind)
    sound, delivery = journey.service, journey.deliver(TOLD[kind])
    parts, before = journey.record.parts, len(journey.stated)

    def broken(*_: Any) -> list[Fact]:
        raise RuntimeError("a fault of ours")

    journey.service = replace(sound, hears={**sound.hears, kind: broken})
    assert [Outcome.PARKED] == journey.hear(delivery)
    assert (parts, before) == (journey.record.parts, len(journey.stated))
    journey.service = sound
    journey.redrive()
    assert journey.record.parked is None
    expected = 1 if kind is DossierSaved else owed(kind)
    assert expected == len(journey.stated) - before
