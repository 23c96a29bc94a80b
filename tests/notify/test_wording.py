"""What a value goes through before it stands in an SMS (facts.md, case 16)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.segments import clusters, units
from services.notify.wording import ELLIPSIS, clean, cut

ANY = st.text(max_size=80)
FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("【银行】转账", "〔银行〕转账"),
        ("甲\r\n乙\x00丙\u202e丁", "甲 乙丙丁"),
        ("甲\u2028乙\u3000\t丙 ", "甲 乙 丙"),
        ("{petition}${x}%d{0}", "{petition}${x}%d{0}"),
        ("e\u0301", "é"),
        ("e\u200d\u0301", "é"),
        ("甲\ud83d乙", "甲乙"),
        ("\ufeff甲\u200b\u2066乙\u2069", "甲乙"),
    ],
)
def test_16_a_value_cannot_bring_its_own_signature_or_hidden_signs(value: str, shown: str) -> None:
    assert shown == clean(value)


@given(ANY)
def test_16_a_clean_value_is_one_composed_line_of_what_can_be_seen(value: str) -> None:
    shown = clean(value)
    assert unicodedata.is_normalized("NFC", shown)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} or c in "【】" for c in shown)
    assert shown == " ".join(shown.split())
    assert shown == clean(shown)
    shown.encode("utf-16-le")


@pytest.mark.parametrize(
    ("value", "most", "shown"),
    [
        ("", 5, ""),
        ("一二三四五", 5, "一二三四五"),
        ("一二三四五六", 5, "一二三四…"),
        ("一二三😀五", 5, "一二三…"),
        ("一二😀五六", 5, "一二😀…"),
        (f"一{FAMILY}二", 8, "一…"),
        ("一二三 五六", 5, "一二三…"),
        ("一二三四葛\U000e0100六七", 6, "一二三四…"),
        (FAMILY * 9, 4, "…"),
    ],
)
def test_16_a_value_is_cut_between_what_a_reader_sees_as_characters(
    value: str, most: int, shown: str
) -> None:
    assert shown == cut(value, most)


@given(ANY.map(clean), st.integers(1, 60))
def test_16_a_cut_value_fits_and_is_the_beginning_of_the_whole(value: str, most: int) -> None:
    shown = cut(value, most)
    assert units(shown) <= most
    if shown != value:
        assert shown.endswith(ELLIPSIS)
        assert value.startswith(shown[:-1])
        kept = clusters(value)[: len(clusters(shown[:-1]))]
        assert shown[:-1] == "".join(kept)
