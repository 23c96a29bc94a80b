"""The SMS desk's words: whatever a state, a reason or a template is called, staff read it in Chinese."""

from __future__ import annotations

import pytest

from contracts.notify import CallOutcome, ReplyKind, SkipReason
from runtime import problems
from services.notify import pages
from services.notify.domain import CALLED_FOR
from services.notify.http import REFUSALS
from services.notify.http.messages import CallView, PetitionMessages
from services.notify.http.replies import ReplyState
from services.notify.messages import State
from services.notify.notices import Audience
from services.notify.numbers import Fault
from services.notify.sms import Accepted, Down, Misconfigured, NotSent, Refused, Throttled, Unknown, Withheld
from services.notify.table import TABLE_FILE, in_use, read
from tests.notify.journey import START

RESULTS = (Accepted, NotSent, Throttled, Down, Misconfigured, Refused, Withheld, Unknown)


def test_every_template_in_use_has_its_words() -> None:
    assert set() == set(in_use(read(TABLE_FILE))) - set(pages.ABOUT)


def test_every_code_has_its_words() -> None:
    assert set(State) == set(pages.STATES)
    assert set(Audience) == set(pages.RECIPIENTS)
    assert set() == set(SkipReason) - set(pages.REASONS)
    assert set(Fault) == set(pages.FAULTS)
    assert set(CallOutcome) == set(pages.OUTCOMES)
    assert set(ReplyKind) == set(pages.REPLIES)
    assert set(ReplyState) == set(pages.REPLY_STATES)
    assert {kind.__name__ for kind in RESULTS} == set(pages.RESULTS)
    assert set() == set(REFUSALS) - set(problems.WORDS)


@pytest.mark.parametrize("reason", [*CALLED_FOR, "UNDELIV"])
def test_a_call_says_why(reason: str) -> None:
    call = CallView(message="registered.1", template="registered", reason=reason, since=START)
    shown = PetitionMessages(
        petition_id="x", number=None, number_fault=None, messages=[], call=call, cost=0.0
    )
    assert pages.why(shown)
    assert ("UNDELIV" in pages.why(shown)) is (reason == "UNDELIV")
