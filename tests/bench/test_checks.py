"""What the benches take for lost, doubled, wrongly refused or recovered; and the dockets that they copy."""

from __future__ import annotations

from typing import Any

import bson
import pytest

from contracts.identity import parse
from tests.bench import overload
from tests.bench.seeding import Mould, petition
from tests.bench.settled import owed

WHOLE = {"accepted": 10, "whole": 10, "triaged": 2, "sms": 38, "sms_doubled": 0}
WELL: dict[str, Any] = {"name": "overload", "without_retry_after": {}, "cut": {}, "unanswered": 0}


def test_nothing_is_owed_when_each_petition_has_its_texts() -> None:
    assert [] == owed(WHOLE)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"whole": 9}, "1 petitions without their last SMS"),
        ({"sms_doubled": 1}, "1 SMS doubled"),
        ({"sms": 37}, "37 SMS instead of 38"),
        ({"taken": 11, "whole": 10, "sms": 42}, "1 petitions without their last SMS"),
    ],
)
def test_what_is_owed_is_found_when_a_text_is_lost_or_doubled(change: dict[str, int], found: str) -> None:
    assert [found] == owed({**WHOLE, **change})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"without_retry_after": {"503": 2}}, "overload: 2 answers 503 without Retry-After"),
        ({"cut": {"ConnectionError": 3}}, "overload: 3 requests ended by ConnectionError"),
        ({"unanswered": 4}, "overload: 4 requests without an answer"),
    ],
)
def test_a_fault_is_found_when_a_refusal_is_not_as_it_must_be(change: dict[str, Any], found: str) -> None:
    assert [] == overload.faults(WELL)
    assert [found] == overload.faults({**WELL, **change})


def test_the_line_has_recovered_when_latency_stays_normal_and_not_before() -> None:
    seconds = {str(second): 900.0 for second in range(4)} | {"4": 90.0, "5": 900.0}
    assert overload.recovered(50.0, seconds) is None
    seconds |= {str(second): 90.0 for second in range(6, 12)}
    assert 6 == overload.recovered(50.0, seconds)


def test_a_copied_docket_is_another_petition_when_its_id_and_its_request_are_replaced() -> None:
    original = {
        "_id": petition(1),
        "parts": {"own": {"request": "a" * 64, "message": f"{petition(1)}/3"}},
        "marks": {"own": [3, "b" * 64]},
    }
    copy = bson.decode(Mould.of(bson.encode(original)).copy(2).raw)
    assert petition(2) == parse(petition(2)) == copy["_id"]
    assert f"{petition(2)}/3" == copy["parts"]["own"]["message"]
    assert "a" * 64 != copy["parts"]["own"]["request"]
    assert original["marks"] == copy["marks"]
