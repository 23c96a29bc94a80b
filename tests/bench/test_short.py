"""The short form of the benches: nothing lost, nothing doubled, everything drained. No time is asserted.

What is left, lost, doubled, parked or refused in another way than it must be raises LeftOverError.
"""

from __future__ import annotations

import pytest

from tests.bench import overload, pipeline, scale
from tests.bench.sms import sms
from tests.bench.stage import TEXTBOOK, Stage, running
from tests.bench.streams import verified
from tests.bench.surge import Phase
from tests.notify.peers.node import MissingError, modules

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def test_everything_accepted_has_its_last_text_when_the_line_is_full(stage: Stage) -> None:
    with running(stage, "full") as line:
        seen = pipeline.loaded(line, seconds=4, window=50).seen
        assert {} == seen["refused"]
        assert verified(line) > seen["accepted"] > 0


def test_what_is_not_accepted_is_told_to_come_again_when_far_too_much_comes(stage: Stage) -> None:
    with running(stage, "overload") as line:
        told = overload.surged(line, (Phase("overload", 800, 4), Phase("after", 10, 3)), patience=120)
    answers = [sum(phase["statuses"].values()) + phase["withheld"] for phase in told["phases"]]
    assert [phase["due"] for phase in told["phases"]] == answers
    assert told["messages"] > told["accepted"] > 0


def test_nothing_is_lost_or_doubled_when_second_instances_join_and_leave(stage: Stage) -> None:
    found = scale.joined_and_left(stage, turns=1, together=3, window=30)
    assert 0 == found["sms_doubled"]
    assert found["messages_verified"] > found["accepted"] > 0


def test_the_reference_starts_so_that_there_is_something_to_measure_against(stage: Stage) -> None:
    with running(stage, "reference", program=TEXTBOOK) as line:
        assert {"intake", "routing", "mediation", "notify"} <= set(line.everybody())


def test_no_message_and_no_receipt_is_lost_when_the_sms_gateway_is_full() -> None:
    try:
        modules()
    except MissingError as missing:
        pytest.skip(f"no message centre: {missing}")
    sms(1.0)
