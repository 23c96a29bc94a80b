"""How a text is cut into SMS segments (facts.md, case 15)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.segments import count, split, units

FAMILY = "👨\u200d👩\u200d👧"
IVS = "葛\U000e0100"


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", [0]),
        ("字" * 70, [70]),
        ("字" * 71, [67, 4]),
        ("字" * 134, [67, 67]),
        ("字" * 135, [67, 67, 1]),
        ("字" * 66 + "😀" + "字" * 20, [66, 22]),
        ("𠮷" * 35, [70]),
        ("𠮷" * 36, [66, 6]),
        ("字" * 65 + IVS + "字" * 30, [65, 33]),
        ("字" * 64 + FAMILY + "字" * 10, [64, 18]),
        (FAMILY[:2] * 100, [66, 66, 66, 66, 36]),
        ("字" * 69 + "😀", [67, 4]),
        ("字" * 68 + "😀", [70]),
        ("e\u0301" * 40, [66, 14]),
        ("字" * 65 + "5\ufe0f\u20e3" + "字" * 10, [65, 13]),
        ("字" * 65 + "🇨🇳" + "字" * 10, [65, 14]),
        ("字" + "🇨🇳" * 20, [65, 16]),
    ],
)
def test_15_a_text_is_cut_where_no_character_is_split(text: str, lengths: list[int]) -> None:
    assert lengths == [units(piece) for piece in split(text)]
    assert len(lengths) == count(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_15_the_pieces_are_the_text_and_each_can_be_read_alone(text: str) -> None:
    pieces = split(text)
    assert text == "".join(pieces)
    assert all(units(piece) <= (70 if len(pieces) == 1 else 67) for piece in pieces)


@given(st.text(st.sampled_from("您好，编号A1-9（“【】长沙😀𠮷e\u0301\u3099\u200d"), max_size=300))
def test_the_count_is_the_number_of_pieces(text: str) -> None:
    assert len(split(text)) == count(text)
