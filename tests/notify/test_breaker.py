"""A gateway that fails is left alone for a while, and used again when it answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.notify.breaker import FIRST_PAUSE, LONGEST_PAUSE, TRIES, Breaker
from services.notify.sms import Accepted, Down, Fault, Misconfigured, Refused, Result, Throttled, Unknown

WELL = Accepted("1", 1)


@pytest.mark.parametrize("failure", [Down("away"), Unknown("no-answer")])
def test_it_opens_after_failures_in_a_row(failure: Result) -> None:
    breaker = Breaker()
    breaker.note([failure] * (TRIES - 1), 0)
    assert (breaker.open, breaker.trouble) == (False, getattr(failure, "reason", ""))
    breaker.note([failure], 0)
    assert (breaker.open, breaker.probe_at) == (True, FIRST_PAUSE)


def test_what_goes_well_between_counts_as_well() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.note([Down("away")] * (TRIES - 1) + [WELL], 0)
    assert (breaker.open, breaker.trouble) == (False, "")


def test_a_wrong_password_opens_it_at_once() -> None:
    breaker = Breaker()
    breaker.note([Misconfigured("bind-0x0d")], 0)
    assert breaker.open


@pytest.mark.parametrize(
    "result", [Refused("0x0b", Fault.NUMBER), Throttled(timedelta(seconds=1))], ids=["refused", "throttled"]
)
def test_a_refusal_of_a_message_says_nothing_about_the_gateway(result: Result) -> None:
    breaker = Breaker()
    breaker.note([result] * 100, 0)
    assert not breaker.open


def test_its_pause_doubles_while_nothing_is_mended_and_it_closes_on_trial() -> None:
    breaker = Breaker()
    breaker.note([Misconfigured("no-balance")], 0)
    pauses = []
    for _ in range(10):
        now = breaker.probe_at
        breaker.probed(Misconfigured("no-balance"), now)
        pauses.append(breaker.probe_at - now)
    assert [FIRST_PAUSE * 2, FIRST_PAUSE * 4] == pauses[:2]
    assert pauses[-1] == LONGEST_PAUSE
    breaker.probed(None, breaker.probe_at)
    assert (breaker.open, breaker.trouble) == (False, "")
    breaker.note([Down("away")], 0)
    assert breaker.open, "on trial, one failure is enough"
    breaker.probed(None, 0)
    breaker.note([WELL, Down("away")], 0)
    assert not breaker.open
