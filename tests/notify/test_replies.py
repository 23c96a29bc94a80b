"""What people mean who answer (facts.md, cases 17 and 18): one clear thing counts, the rest is for staff."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.identity import make
from services.notify.replies import (
    OPT_IN,
    OPT_OUT,
    WORDS,
    Ambiguous,
    OptIn,
    OptOut,
    Rating,
    RatingFor,
    Reply,
    Unclear,
    last_four,
    understand,
)
from tests.notify.journey import START

RATED = {
    5: "5|５|⑤|５分|五|伍|5分|5。|“5”|【5】|5！！|5️⃣|回复5|回复：5|我给5分|5星|五分|❺|⑸|㈤|٥"
    "| 5 |5\n|5\u3000|5\u200b|\u202d5\u202c"
    "|非常满意|非常满意！|很满意|5非常满意|非常满意5分|5满意|特别滿意"
    "|5分，谢谢|非常满意，谢谢你们|您好，5分|打5分|5颗星",
    4: "4|肆|满意|满意的|满意了|满意。|比较满意|4分满意",
    3: "3|叁|三分|基本满意|一般|一般般",
    2: "2|贰|两分|不满意|不太满意|不够满意",
    1: "1|壹|1分|非常不满意|很不满意。|极不满意|1不满意|1分，不满意",
}
# Nothing, not one score, or a score within other words.
UNCLEAR = (
    "|0|6|10|55|5 5|-5|—5|+5|5.5|.5|1-5|1~5|4或5|5/5|5%|5？|五十|四五分|Ⅴ|½|5℃|第5|三点五|5分钟|5555"
    "|不是不满意|不满意吗|满意吗|满意？|哪里满意了|😀|5😀|谢谢|12345|11011|20265|2026-5|我要上访，5天了|5天了还没有人来"
)


def split(texts: str) -> list[str]:
    """The samples of a line."""
    return texts.split("|")


@pytest.mark.parametrize(
    ("text", "score"), [(text, score) for score, texts in RATED.items() for text in split(texts)]
)
def test_17_a_whole_message_that_says_one_score_is_a_rating(text: str, score: int) -> None:
    assert Rating(score) == understand(text)


@pytest.mark.parametrize("text", split(UNCLEAR))
def test_17_what_does_not_say_one_score_is_unclear(text: str) -> None:
    assert Unclear() == understand(text)


@pytest.mark.parametrize(
    "text", ["5 不满意", "5不满意", "1非常满意", "4非常满意", "不满意 5分", "T1CW 5 不满意"]
)
def test_17_a_score_that_its_words_contradict_is_ambiguous(text: str) -> None:
    assert Ambiguous() == understand(text)


@pytest.mark.parametrize(
    "text",
    [*OPT_OUT, "TD", "ＴＤ", "T", "TD。", "T D", "退订", "R", " td\n", "回复TD", "回TD", "“退订”", "退订！"],
)
def test_18_a_command_to_stop_is_an_opt_out(text: str) -> None:
    assert OptOut() == understand(text)


@pytest.mark.parametrize("text", ["退订你们", "不要再发了", "不退订", "TDX", "不想退订", "退订吗？", "T5"])
def test_18_what_only_sounds_like_a_command_goes_to_a_person(text: str) -> None:
    assert Unclear() == understand(text)


@pytest.mark.parametrize("text", [*OPT_IN, "ＤＹ", "Start", "订阅。"])
def test_18_who_stopped_can_begin_again(text: str) -> None:
    assert OptIn() == understand(text)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("T1CW5", RatingFor("T1CW", 5)),
        ("t1cw 5", RatingFor("T1CW", 5)),
        ("Ｔ１ＣＷ＋５", RatingFor("T1CW", 5)),
        ("TlCW 5", RatingFor("T1CW", 5)),
        ("案号T1CW 非常满意", RatingFor("T1CW", 5)),
        ("编号：T1CW，4分", RatingFor("T1CW", 4)),
        ("回复 T1CW 一", RatingFor("T1CW", 1)),
        ("T1CW-3", RatingFor("T1CW", 3)),
        ("1234 5", RatingFor("1234", 5)),
        ("1234+5", RatingFor("1234", 5)),
        ("2B7K9-0M4QX-7T1CW 5", RatingFor("T1CW", 5)),
        ("T1CW 55", Unclear()),
        ("T1CW 0", Unclear()),
        ("T1CW", Unclear()),
        ("T1CW 5.5", Unclear()),
    ],
)
def test_a_score_may_name_its_petition_by_the_last_four_symbols(text: str, reply: Reply) -> None:
    assert reply == understand(text)


def test_the_last_four_symbols_of_an_id_are_those_of_a_reply() -> None:
    petition = make(START, 7)
    assert RatingFor(last_four(petition), 5) == understand(f"{petition[-4:].lower()} 5")
    assert RatingFor(last_four(petition), 5) == understand(f"{petition} 5")


@given(st.text(max_size=60))
def test_whatever_comes_has_a_meaning_and_a_score_is_a_score(text: str) -> None:
    reply = understand(text)
    assert not isinstance(reply, Rating | RatingFor) or 1 <= reply.score <= 5


@given(st.text("不是非常很满意吗？15没有，", min_size=1, max_size=8))
def test_no_rating_comes_of_words_that_are_not_in_the_table(text: str) -> None:
    if isinstance(understand(text), Rating):
        assert "？" not in text
        assert "吗" not in text
        assert any(word in text for word in [*WORDS, "1", "5"])
        assert not text.startswith("不是")


def test_a_letter_goes_to_a_person_whatever_it_begins_with() -> None:
    assert Unclear() == understand("5" + " " * 100)
    assert Unclear() == understand("非常满意，" + "谢谢" * 30)
