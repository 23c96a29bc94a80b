"""The story: every fact that intake folds has its sentence, for every code that may stand in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from contracts import calendar
from contracts.bodies import Body, catalogue
from contracts.fact import Fact
from contracts.intake import DossierRead
from contracts.kinds import Outcome, ReturnReason, SessionKind
from contracts.mediation import CaseHandedBack, CaseKept, CaseRated, CommonPolicyDeclined, Step
from contracts.registry import BY_TYPE
from contracts.routing import (
    CommonPolicyApplied,
    ConferenceFollowedUp,
    ConferenceGround,
    Occasion,
    Office,
    ReturnReceived,
    Tier,
)
from services.intake.app import service
from services.intake.domain import Docket, Event
from services.intake.story import (
    GROUNDS,
    OCCASIONS,
    OFFICES,
    OUTCOMES,
    RETURN_REASONS,
    SENTENCES,
    SESSIONS,
    STATE_WORDS,
    STEPS,
    TIERS,
    State,
    sentence,
    tell,
)
from tests.intake import arrivals
from tests.intake.arrivals import docket
from tests.intake.test_domain import folded

CATALOGUE = catalogue()
SERVICE = service()
# Told by another stream's fact, or of no concern to the petitioner, or told as a number of messages.
WITHOUT_SENTENCE = {
    *(CaseRated, DossierRead, CaseKept, CaseHandedBack, ReturnReceived, ConferenceFollowedUp),
    *(CommonPolicyApplied, CommonPolicyDeclined),  # his own answer tells of it, or his own outcome stands
}
TOLD_AS_LINES = {"own", "routing", "mediation"}
EVERY_FACT: tuple[Fact, ...] = (
    *arrivals.OWN,
    arrivals.SUPPLEMENTED,
    *arrivals.ROUTING,
    *arrivals.RETURNS,
    *arrivals.CAMPAIGN,
    arrivals.REFERRED,
    *arrivals.MEDIATION,
    arrivals.READ,
)


def told(*facts: Fact) -> Docket:
    now = docket()
    for fact in facts:
        now = folded(now, fact)
    return now


def is_plain(text: str) -> bool:
    """Whether a sentence is whole: Chinese, ended, and nothing of the template left in it."""
    return re.search(r"[{}]|None|[a-z]-[a-z]", text) is None and text.endswith("。")


def test_every_fact_that_intake_folds_has_a_sentence_or_a_reason_for_none() -> None:
    lines = {part.topic.name for part in SERVICE.parts if part.name in TOLD_AS_LINES}
    kinds = {kind for kind in BY_TYPE.values() if kind.TOPIC.name in lines}
    assert {kind.__name__ for kind in kinds - WITHOUT_SENTENCE} == set(SENTENCES)
    assert kinds == {type(fact) for fact in EVERY_FACT}


@pytest.mark.parametrize("fact", EVERY_FACT, ids=lambda fact: type(fact).__name__)
def test_a_fact_becomes_one_whole_sentence(fact: Fact) -> None:
    lines = tell(told(fact), CATALOGUE).lines
    assert (0 if type(fact) in WITHOUT_SENTENCE else 1) == len(lines)
    assert all(is_plain(line.text) and line.at == fact.at for line in lines)


@pytest.mark.parametrize("body", list(Body))
def test_every_body_has_its_name_and_telephone_in_the_story(body: Body) -> None:
    opened = arrivals.OPENED.model_copy(update={"body": body})
    story = tell(told(arrivals.REGISTERED, arrivals.routed(body, "依据一"), opened), CATALOGUE)
    assert (CATALOGUE.name(body), CATALOGUE.name(body)) == (story.owner, story.body_name)
    assert story.body_phone
    assert 2 == sum(CATALOGUE.name(body) in line.text for line in story.lines)
    assert all(is_plain(line.text) for line in story.lines)


@pytest.mark.parametrize(
    ("fact", "field", "codes", "words"),
    [
        ("PetitionReferred", "office", Office, OFFICES),
        ("SessionHeld", "kind", SessionKind, SESSIONS),
        ("CaseConcluded", "outcome", Outcome, OUTCOMES),
        ("CaseOverdue", "step", Step, STEPS),
        ("CaseReturned", "reason", ReturnReason, RETURN_REASONS),
        ("ReturnAgreed", "reason", ReturnReason, RETURN_REASONS),
        ("PetitionPutToConference", "ground", ConferenceGround, GROUNDS),
        ("PetitionEscalated", "tier", Tier, TIERS),
    ],
)
def test_every_code_has_its_words(fact: str, field: str, codes: type, words: dict[str, str]) -> None:
    assert {str(code) for code in codes} == set(words)  # type: ignore[attr-defined] # the types are enumerations
    for code, word in words.items():
        said = sentence(Event(arrivals.START, fact, {"number": "1", "body": "labor", field: code}), CATALOGUE)
        assert word in said
        assert is_plain(said)


@pytest.mark.parametrize("occasion", Occasion)
def test_a_petition_that_goes_on_is_told_why(occasion: Occasion) -> None:
    assert set(OCCASIONS) == {"", *Occasion}
    again = arrivals.ROUTED.model_copy(update={"occasion": occasion, "transfer": 2})
    first, second = tell(told(arrivals.ROUTED, again), CATALOGUE).lines
    assert first.text.startswith("已转交")
    assert second.text.startswith(OCCASIONS[occasion])
    assert is_plain(second.text)


def test_a_line_that_was_kept_before_there_were_returns_is_still_told() -> None:
    event = Event(arrivals.START, "PetitionRouted", {"body": "labor", "reasons": "", "by": "machine"})
    assert is_plain(sentence(event, CATALOGUE))


def test_a_petition_before_the_conference_is_with_its_office_and_with_no_body() -> None:
    facts = (arrivals.REGISTERED, arrivals.ROUTED, arrivals.OPENED, arrivals.OBJECTED, arrivals.AGREED)
    story = tell(told(*facts, arrivals.TO_CONFERENCE), CATALOGUE)
    assert (State.CONFERENCE, "信访工作联席会议办公室", None) == (story.state, story.owner, story.body)
    assert any("几个单位都认为不属于自己的职责" in line.text for line in story.lines)
    again = arrivals.routed(Body.TRANSPORT, transfer=4)
    after = tell(
        told(*facts, arrivals.TO_CONFERENCE, arrivals.HANDED_BACK, arrivals.DECIDED, again), CATALOGUE
    )
    assert (State.ROUTED, Body.TRANSPORT) == (after.state, after.body)
    helpers = "城市管理和综合执法局、公安局交通警察大队、长沙县星沙街道协办"
    assert any(helpers in line.text for line in after.lines)


def test_every_state_has_its_words() -> None:
    assert set(State) == set(STATE_WORDS)


def test_the_reasons_are_named_and_left_out_where_there_are_none() -> None:
    def line(*terms: str) -> str:
        return tell(told(arrivals.routed(Body.LABOR, *terms)), CATALOGUE).lines[0].text

    assert "（依据：拖欠工资、农民工）" in line("拖欠工资", "农民工")
    assert "依据" not in line()
    assert "{why}" in line("{why}")  # a phrase of the lexicon is never read as a template


def test_the_petition_office_answers_for_what_has_no_body_yet() -> None:
    assert "市信访局" == tell(told(arrivals.REGISTERED, arrivals.ACCEPTED), CATALOGUE).owner


def test_the_office_that_a_petition_was_referred_to_answers_for_it() -> None:
    story = tell(told(arrivals.REGISTERED, arrivals.ROUTED, arrivals.TRIAGE, arrivals.REFERRED), CATALOGUE)
    assert ("纪检监察机关", None) == (story.owner, story.body)


def test_lines_stand_in_the_order_of_time_whatever_stream_they_come_from() -> None:
    now = told(*arrivals.MEDIATION, *arrivals.ROUTING, *arrivals.OWN)
    times = [line.at for line in tell(now, CATALOGUE).lines]
    assert sorted(times) == times


def test_the_case_moves_the_due_date() -> None:
    later = arrivals.OPENED.model_copy(update={"due": arrivals.DUE + timedelta(days=30)})
    assert arrivals.DUE == tell(told(arrivals.ACCEPTED), CATALOGUE).due
    assert later.due == tell(told(arrivals.ACCEPTED, later), CATALOGUE).due


def test_the_story_counts_what_was_sent_and_says_when_a_number_gets_nothing() -> None:
    sent = tell(told(arrivals.QUEUED, arrivals.CLAIMED, arrivals.SENT), CATALOGUE)
    assert (1, False) == (sent.sms_sent, sent.sms_unusable)
    assert (0, False) == (tell(told(arrivals.QUEUED, arrivals.UNKNOWN), CATALOGUE).sms_sent, False)
    assert tell(told(arrivals.SKIPPED), CATALOGUE).sms_unusable


def test_times_are_shanghai_times() -> None:
    late = arrivals.START.replace(hour=20, minute=5)
    assert ("2026年3月3日", "2026年3月3日 04:05") == (calendar.day(late), calendar.minute(late))


def test_the_story_holds_what_the_petitioner_wrote() -> None:
    saved = arrivals.saved(content="第一行\n第二行")
    story = tell(replace(told(saved), petition=arrivals.petition()), CATALOGUE)
    assert (saved.title, saved.content) == (story.title, story.content)


def test_an_answer_by_a_common_policy_shows_its_whole_text_to_each_petitioner() -> None:
    answered = arrivals.ANSWERED.model_copy(update={"by_policy": arrivals.BY_POLICY})
    story = tell(told(arrivals.OPENED, arrivals.CONCLUDED, answered), CATALOGUE)
    assert arrivals.POLICY == story.policy
    assert f"您的事项适用《{arrivals.POLICY.title}》" in story.lines[-1].text
    assert "申请复查" in story.lines[-1].text


def test_a_text_that_is_not_the_one_that_was_applied_is_not_shown_as_it() -> None:
    other = arrivals.BY_POLICY.model_copy(update={"sha256": "0" * 64})
    answered = arrivals.ANSWERED.model_copy(update={"by_policy": other})
    assert tell(told(arrivals.OPENED, arrivals.CONCLUDED, answered), CATALOGUE).policy is None
