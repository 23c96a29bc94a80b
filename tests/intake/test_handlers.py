"""Each stream that intake hears, through the runtime in memory: first, second, and after a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.notify import ReplyReceived
from runtime.consume import guarded
from runtime.draft import Draft, ParkReason
from runtime.draft import Outcome as Became
from runtime.record import Record, empty
from services.intake import domain
from services.intake.app import service
from services.intake.handlers import HEARS
from services.intake.story import State, state
from tests.intake import arrivals
from tests.intake.arrivals import START
from tests.mediation.arrivals import Streams, stored

SERVICE = service()

each_stream = pytest.mark.parametrize(
    ("fact", "name", "expected"),
    [
        pytest.param(arrivals.ROUTED, "routing", ("body", Body.LABOR), id="routing"),
        pytest.param(arrivals.OPENED, "mediation", ("due", arrivals.DUE), id="mediation"),
        pytest.param(
            arrivals.QUEUED,
            "notify",
            ("sms", (domain.Sms("registered.1", "registered", "queued", arrivals.QUEUED.at),)),
            id="notify",
        ),
    ],
)


def submitted(streams: Streams) -> Record:
    """The record of a petition that intake has taken in."""
    draft = Draft(empty(streams.petition, SERVICE), SERVICE, guarded)
    facts = (arrivals.saved(), arrivals.REGISTERED, arrivals.ACCEPTED)
    assert facts == draft.ask(lambda _docket, _now: facts, START, cause="http", traceparent=None)
    return stored(draft)


def test_intake_hears_every_stream_but_its_own_and_states_a_rating_only() -> None:
    assert {"petition-routing-v1", "petition-mediation-v1", "petition-notify-v1"} == {
        topic.name for topic in SERVICE.listens_to()
    }
    assert {ReplyReceived} == set(HEARS)


@each_stream
def test_the_first_delivery_changes_the_story(fact: Fact, name: str, expected: tuple[str, Any]) -> None:
    streams = Streams(arrivals.petition())
    draft = Draft(submitted(streams), SERVICE, guarded)
    assert Became.APPLIED == draft.hear(streams.write(fact), START)
    assert expected[1] == getattr(draft.parts[name], expected[0])
    assert draft.changed
    assert [] == draft.new


@each_stream
def test_the_second_delivery_changes_nothing(fact: Fact, name: str, expected: tuple[str, Any]) -> None:
    streams = Streams(arrivals.petition())
    delivery = streams.write(fact)
    draft = Draft(submitted(streams), SERVICE, guarded)
    assert [Became.APPLIED, Became.HEARD] == [draft.hear(delivery, START) for _ in range(2)]
    after = stored(draft)
    again = Draft(after, SERVICE, guarded)
    assert Became.HEARD == again.hear(delivery, START)
    assert not again.changed
    assert expected[1] == getattr(again.parts[name], expected[0])


@each_stream
def test_a_redelivery_tells_what_a_failure_kept_back(
    fact: Fact, name: str, expected: tuple[str, Any]
) -> None:
    streams = Streams(arrivals.petition())
    record, delivery = submitted(streams), streams.write(fact)

    def broken(*_: object) -> Any:
        raise RuntimeError("a bug in this release")

    faulty = replace(SERVICE, parts=tuple(replace(part, evolve=broken) for part in SERVICE.parts))
    parked = Draft(record, faulty, guarded)
    assert Became.PARKED == parked.hear(delivery, START)
    assert parked.parked is not None
    assert ParkReason.DECISION == parked.parked.reason
    well = Draft(stored(parked), SERVICE, guarded)
    assert Became.PARKED == well.hear(delivery, START)
    assert Became.APPLIED == well.redrive(START)
    assert well.parked is None
    assert expected[1] == getattr(well.parts[name], expected[0])


def test_a_story_that_arrives_before_its_beginning_is_whole_in_the_end() -> None:
    streams = Streams(arrivals.petition())
    draft = Draft(empty(streams.petition, SERVICE), SERVICE, guarded)
    for fact in (*arrivals.MEDIATION, *arrivals.ROUTING, *arrivals.NOTIFY):
        assert Became.APPLIED == draft.hear(streams.write(fact), START)
    early = stored(draft)
    late = Draft(early, SERVICE, guarded)
    facts = (arrivals.saved(), *arrivals.OWN)
    late.ask(lambda _docket, _now: facts, START, cause="http", traceparent=None)
    assert State.RATED == state(late.docket)
    assert late.docket == SERVICE.assemble(streams.petition, stored(late).parts)
