"""Near-copies share a code, other texts do not; how often, measured on texts that are made here."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from services.routing.alike import codes, grouped

LETTER = (
    "我于今年三月在贵区某线上培训机构报名，一次缴纳学费一万二千元。九月起机构停业，老师失联，课程无法继续。"
    "多次要求退费，客服先是推脱，后来电话也打不通。请有关部门督促机构退还未上完课程的学费，并公布处理办法。"
)
OTHERS = (
    "小区二次供水设备老旧，早晚水压很低，六楼以上经常没有水，物业说要等大修资金，请协调尽快改造供水管道。",
    "门前道路施工半年没有恢复，下雨积水，老人出行很不方便，请问什么时候能够修好，施工单位是哪一家。",
    "去年在工地做木工，包工头还欠两万元工资，说甲方没有付款，请劳动监察部门帮助我们讨要工资。",
)
WORDS = "春夏秋冬东南西北山河湖海天地人和风云雷电金木水火土"


def changed(text: str, *, letters: int, seed: int) -> str:
    """The text with some letters replaced, as people fill a form letter in."""
    dice = random.Random(seed)  # noqa: S311 - made texts, no secret
    found = list(text)
    for place in dice.sample(range(len(found)), letters):
        found[place] = dice.choice(WORDS)
    return "".join(found)


def share(one: str, other: str) -> float:
    """The share of runs of three characters that two texts have in common."""
    first, second = ({t[i : i + 3] for i in range(len(t) - 2)} for t in (one, other))
    return len(first & second) / len(first | second)


def met(letters: int) -> tuple[float, float]:
    """How alike a hundred changed copies are to the letter, and how many of them share a code with it."""
    copies = [changed(LETTER, letters=letters, seed=seed) for seed in range(100)]
    own = set(codes("", LETTER))
    return sum(share(LETTER, c) for c in copies) / 100, sum(
        bool(own & set(codes("", c))) for c in copies
    ) / 100


def test_a_form_letter_with_a_few_words_changed_shares_a_code() -> None:
    alike, found = met(3)
    assert 0.8 < alike < 0.95
    assert found >= 0.85


def test_a_text_that_is_half_another_is_seldom_taken_for_a_copy() -> None:
    alike, found = met(30)
    assert alike < 0.4
    assert found <= 0.25


def test_texts_about_other_matters_share_nothing() -> None:
    found = [set(codes("", text)) for text in (LETTER, *OTHERS)]
    assert sum(len(one) for one in found) == len(set.union(*found))


def test_script_and_noise_make_no_difference() -> None:
    assert codes("", LETTER) == codes("", LETTER.replace("，", "， ☆").replace("机构", "機構"))


def test_a_text_too_short_to_be_compared_has_no_codes() -> None:
    assert () == codes("", "请尽快处理")


@given(st.text(), st.text())
def test_any_text_has_the_same_few_codes_every_time(title: str, content: str) -> None:
    found = codes(title, content)
    assert found == codes(title, content)
    assert len(found) in {0, 4}
    assert all(0 <= code < 2**31 for code in found)


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=4, unique=True), max_size=40), st.integers(2, 4))
def test_no_petition_is_in_two_clusters_and_none_is_too_small(keys: list[list[str]], least: int) -> None:
    clusters = grouped(((str(n), of) for n, of in enumerate(keys)), least=least)
    members = [petition for cluster in clusters for petition in cluster.petitions]
    assert len(members) == len(set(members))
    assert all(len(cluster.petitions) >= least for cluster in clusters)
    assert all(cluster.key in keys[int(petition)] for cluster in clusters for petition in cluster.petitions)
