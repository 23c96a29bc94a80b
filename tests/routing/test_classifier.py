"""The classifier on petitions written for this test: the right body, in both scripts, with reasons."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind
from services.routing.classifier import (
    Classification,
    Classifier,
    Urgency,
    classify,
    classify_all,
    load,
    words,
)
from tests.routing.petitions import BORDERLINES, PETITIONS

NAMES = [title for _, title, _ in PETITIONS]
ANYTHING = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=300)
WORDS = st.sampled_from(["拖欠工资", "小区", "停水", "建议", "举报", "。", " ", "\x00", "\ud800", "醫院"])


@cache
def shipped() -> Classifier:
    return load()


def asked(title: str, content: str) -> Classification:
    return classify(words(title, content), by=shipped())


def test_the_petitions_of_this_file_cover_all_bodies() -> None:
    assert set(Body) == {body for body, _, _ in PETITIONS}
    assert len(PETITIONS) >= 40


@pytest.mark.parametrize(("body", "title", "content"), PETITIONS, ids=NAMES)
def test_finds_the_body_when_written_in_simplified_characters(body: Body, title: str, content: str) -> None:
    assert asked(title, content).body == body


@pytest.mark.parametrize(("body", "title", "content"), BORDERLINES, ids=[one[1] for one in BORDERLINES])
def test_what_is_asked_for_decides_when_two_bodies_could_take_it(
    body: Body, title: str, content: str
) -> None:
    assert asked(title, content).body == body


def test_finds_the_body_when_little_is_said() -> None:
    for body, title in ((Body.LABOR, "讨薪"), (Body.UTILITIES, "停水"), (Body.SOCIAL_SECURITY, "公积金提取")):
        assert asked(title, "").body == body


def test_finds_the_body_when_much_else_is_said_after_it() -> None:
    for body, title, content in PETITIONS:
        assert asked(title, content + "望领导在百忙之中给予答复,谢谢。" * 200).body == body, title


def test_finds_the_body_when_a_character_is_left_out_here_and_there() -> None:
    hits = sum(
        asked(title, content[:9] + content[10:20] + content[21:]).body == body
        for body, title, content in PETITIONS
    )

    assert hits >= len(PETITIONS) - 2


@pytest.mark.parametrize("variant", ["s2t", "s2tw", "s2hk"])
def test_says_the_same_when_written_in_traditional_characters(variant: str) -> None:
    traditional = OpenCC(variant)
    for _, title, content in PETITIONS:
        assert asked(title, content) == asked(traditional.convert(title), traditional.convert(content)), title


def test_says_the_same_when_spaces_and_signs_stand_between_characters() -> None:
    for body, title, content in PETITIONS:
        noisy = "\u200b".join(title), "*".join(content)
        assert body == asked(*noisy).body, title


def test_says_the_same_when_written_full_width() -> None:
    assert asked("咨询etc卡", "p2p平台") == asked("咨询ETC卡", "P2P平台")


def test_is_not_sure_when_nothing_is_recognised() -> None:
    found = asked("你好", "嗯")

    assert (None, None, False, ()) == (found.body, found.domain, found.sure, found.reasons)


def test_is_not_sure_when_the_petition_is_empty() -> None:
    assert asked("", "").confidence == 0.0


def test_is_never_sure_when_wrongdoing_is_reported() -> None:
    found = asked("实名举报某局长贪污受贿", "该局长以权谋私,滥用职权,收受贿赂,挪用公款,请纪委查处。")

    assert (Kind.REPORT, False) == (found.kind, found.sure)


def test_knows_a_suggestion_when_one_is_made() -> None:
    found = asked("关于增设公交站的几点建议", "建议在学校门口增设公交站,建议开通社区公交线路。")

    assert (Kind.SUGGESTION, Body.TRANSPORT) == (found.kind, found.body)


def test_knows_a_request_when_help_is_asked_for() -> None:
    assert asked("请求解决停水问题", "已经停水三天,请帮忙解决。").kind is Kind.REQUEST


def test_asks_for_joint_handling_when_departments_pass_the_matter_on() -> None:
    found = asked("停车乱象", "物业、城管、交警几个部门互相推诿,踢皮球,希望多部门联合整治,联合执法。")

    assert found.joint


def test_one_department_and_the_property_company_are_not_yet_several() -> None:
    found = asked("停车乱象", "物业叫我们找交警,交警说路口不归他们管,请交警来看看。")

    assert not found.joint


def test_is_sure_when_all_phrases_point_one_way() -> None:
    found = asked("工地拖欠农民工工资", "包工头拖欠农民工工资,劳动监察大队不受理,请帮我们讨薪。")

    assert (Body.LABOR, True) == (found.body, found.sure)
    assert found.domain is Domain.LABOR_SOCIAL_SECURITY
    assert "拖欠农民工工资" in {reason.term for reason in found.reasons}


def test_names_another_body_as_second() -> None:
    answers = [asked(title, content) for _, title, content in PETITIONS]

    assert all(found.second not in {found.body, None} for found in answers)
    assert all(found.runner_up in {found.second, None} for found in answers)
    # Next to one of the 15 comes another, or that none fits: there are both.
    assert {True, False} == {found.runner_up is None for found in answers}


def test_many_texts_at_once_get_the_answers_that_each_gets_alone() -> None:
    texts = [words(title, content) for _, title, content in PETITIONS]
    texts[3:3] = [words("", ""), words("讨薪", ""), words("", "停水了。" * 900), words("\ud800", "x")]

    together = classify_all(texts, by=shipped())

    alone = [classify(text, by=shipped()) for text in texts]
    for one, other in zip(together, alone, strict=True):
        # Sums of many small numbers end in other last digits when they are added in another order.
        assert other.confidence == pytest.approx(one.confidence, abs=0.002)
        assert (one.body, one.second, one.domain, one.kind) == (
            *(other.body, other.second, other.domain, other.kind),
        )
        assert [reason.term for reason in one.reasons] == [reason.term for reason in other.reasons]


def test_nothing_at_all_is_decided_too() -> None:
    assert [] == classify_all([], by=shipped())


def test_reasons_stand_strongest_first_and_are_five_at_most() -> None:
    for _, title, content in PETITIONS:
        weights = [reason.weight for reason in asked(title, content).reasons]
        assert sorted(weights, reverse=True) == weights
        assert 1 <= len(weights) <= 5
        assert min(weights) > 0


@settings(max_examples=300, deadline=None)
@given(title=ANYTHING, content=ANYTHING)
def test_never_raises_whatever_is_written(title: str, content: str) -> None:
    found = asked(title, content)

    assert 0.0 <= found.confidence <= 1.0
    assert found == asked(title, content)


@settings(max_examples=200, deadline=None)
@given(title=st.lists(WORDS, max_size=6).map("".join), content=st.lists(WORDS, max_size=40).map("".join))
def test_reasons_are_phrases_of_the_lexicon_whatever_is_written(title: str, content: str) -> None:
    known = set(shipped().lexicon.terms[: shipped().lexicon.phrases])

    found = asked(title, content)

    assert {reason.term for reason in found.reasons} <= known
    assert not (found.sure and (found.body is None or found.kind is Kind.REPORT))


@pytest.mark.parametrize("letter", ["停", "。", "\x00", "\ud800", "a", "拖欠工资。"])
def test_answers_when_a_hundred_thousand_characters_are_sent(letter: str) -> None:
    content = (letter * 100_000)[:100_000]

    assert asked(content, content) == asked(content, content)


@pytest.mark.parametrize("accusation", ["保护伞", "收受", "滥用职权", "贪污"])
def test_whoever_accuses_is_never_sent_to_a_body_by_the_machine(accusation: str) -> None:
    text = "公司拖欠农民工工资三个月，要求支付劳动报酬，请帮助讨薪。"
    assert asked("拖欠工资", text).sure
    assert not asked("拖欠工资", f"{text}老板背后有人{accusation}。").sure


@pytest.mark.parametrize(
    ("title", "content", "why", "phrase"),
    [
        ("楼房外墙开裂", "外墙随时倒塌,楼下天天有人走。", Urgency.LIFE, "随时倒塌"),
        ("幼儿园老师打人", "有老师体罚学生,孩子不敢上学。", Urgency.MINORS, "体罚学生"),
        ("我们楼没有水", "整栋楼已经停水两天。", Urgency.CUT_OFF, "已经停水"),
        ("学位还没有着落", "孩子马上开学,学校还没有通知。", Urgency.DATE, "马上开学"),
        ("已经停电", "屋里有老人有生命危险。", Urgency.LIFE, "有生命危险"),
        ("樓房外牆開裂", "外牆隨時倒塌,樓下天天有人走。", Urgency.LIFE, "随时倒塌"),
    ],
)
def test_what_cannot_wait_is_urgent_and_says_why(title: str, content: str, why: Urgency, phrase: str) -> None:
    found = asked(title, content)

    assert (why, phrase) == (found.urgency, found.urgent_phrase)


@pytest.mark.parametrize(
    ("title", "content"),
    [("邻居已平安", "他没有生命危险,已经出院。"), ("物业费涨价", "物业费涨价没有公示。")],
)
def test_what_can_wait_is_not_urgent(title: str, content: str) -> None:
    assert asked(title, content).urgency is None


def test_runs_of_characters_weigh_beside_the_phrases() -> None:
    for _, title, content in PETITIONS:
        read = words(title, content)
        phrases = shipped().lexicon.weigh(read)
        assert shipped().model.weigh(read, phrases).known > len(phrases) + 10, title
