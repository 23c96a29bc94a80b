"""Every refusal of a service's rules has its HTTP status and its words: none becomes an internal error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runtime import problems
from services.intake import http as intake
from services.mediation import http as mediation
from services.notify import http as notify
from services.routing import http as routing

SERVICES = Path(__file__).parents[2] / "services"
STATUSES = {
    "intake": intake.REFUSALS,
    "routing": routing.REFUSALS,
    "mediation": mediation.STATUS,
    "notify": notify.REFUSALS,
}


def codes(service: str) -> set[str]:
    """The codes that a service's rules refuse with, where they stand as words."""
    folder = SERVICES / service
    rules = [*folder.glob("domain.py"), *folder.glob("domain/*.py"), *folder.glob("outcomes.py")]
    return {code for file in rules for code in re.findall(r'Refused\("([a-z-]+)"\)', file.read_text("utf-8"))}


@pytest.mark.parametrize("service", STATUSES)
def test_every_refusal_has_a_status(service: str) -> None:
    assert set() == codes(service) - set(STATUSES[service])


@pytest.mark.parametrize("service", STATUSES)
def test_every_status_has_words_for_the_reader(service: str) -> None:
    # A number that is taken is never answered: the desk makes another one.
    assert set() == set(STATUSES[service]) - {*problems.WORDS, *mediation.WORDS} - {"id-taken"}


def test_the_codes_are_found_at_all() -> None:
    assert {"already-rated", "no-such-petition"} <= codes("intake")
    assert {"not-in-triage"} <= codes("routing")
    assert {"message-not-unknown", "no-call-task"} <= codes("notify")
