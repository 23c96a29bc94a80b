"""Long replies: joined in any order, held within bounds, and nothing acknowledged before it is durable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.smpp.joining import MISSING, Joining, Whole
from services.notify.smpp.receipts import Place, Said
from tests.notify.smpp.messages import START

WAIT, AGE = timedelta(seconds=5), timedelta(hours=1)


def part(number: int, total: int = 2, *, reference: int = 1, text: str = "", sender: str = "861") -> Said:
    """One part."""
    content = (text or f"第{number}段").encode("utf-16-be")
    return Said(sender, "1069", 8, content, Place("8", reference, total, number))


@pytest.fixture
def joining() -> Joining[int]:
    return Joining(wait=WAIT, age=AGE, most=10)


@given(
    st.permutations(range(12)), st.text(st.characters(exclude_categories=["Cs"]), min_size=60, max_size=90)
)
def test_parts_in_any_order_make_the_text_though_characters_are_cut_in_two(
    order: list[int], text: str
) -> None:
    joining: Joining[int] = Joining(wait=WAIT, age=AGE)
    content = text.encode("utf-16-be")
    step = -(-len(content) // 12)
    parts = [
        Said("861", "1069", 8, content[n * step : (n + 1) * step], Place("16", 5, 12, n + 1))
        for n in range(12)
    ]
    given_over = [whole for n in order for whole in joining.add(parts[n], n, START)[0]]
    assert [text] == [whole.text for whole in given_over]
    assert sorted(order) == sorted(joining.durable(given_over[0]))


def test_what_is_not_durable_is_given_again_at_any_repeat(joining: Joining[int]) -> None:
    joining.add(part(1), 1, START)
    ((whole,), _) = joining.add(part(2), 2, START)
    assert [1, 2] == joining.refused(whole)
    ((again,), known) = joining.add(part(2), 3, START)
    assert not known
    assert [3] == joining.durable(again)
    assert ([], True) == joining.add(part(1), 4, START)


def test_a_repeat_while_the_text_is_being_kept_waits_with_the_others(joining: Joining[int]) -> None:
    joining.add(part(1), 1, START)
    ((whole,), _) = joining.add(part(2), 2, START)
    assert ([], False) == joining.add(part(1), 3, START)
    assert [1, 2, 3] == joining.durable(whole)


def test_a_part_is_asked_for_again_before_the_centre_gives_up_and_its_words_stay(
    joining: Joining[int],
) -> None:
    joining.add(part(1), 1, START)
    assert ([], []) == joining.due(START + WAIT - timedelta(seconds=1))
    assert ([], [1]) == joining.due(START + WAIT)
    assert ([], []) == joining.due(START + WAIT)
    ((whole,), _) = joining.add(part(2), 2, START + WAIT)
    assert "第1段第2段" == whole.text


def test_another_text_under_the_same_reference_does_not_mix_with_the_first(joining: Joining[int]) -> None:
    joining.add(part(1, text="旧"), 1, START)
    ((old,), _) = joining.add(part(1, text="新"), 2, START)
    assert f"旧{MISSING}" == old.text
    assert [1] == joining.durable(old)
    ((new,), _) = joining.add(part(2, text="的"), 3, START)
    assert "新的" == new.text


def test_what_never_becomes_whole_is_given_as_it_is_and_known_afterwards(joining: Joining[int]) -> None:
    joining.add(part(2, 4), 1, START)
    ((whole,), again) = joining.due(START + AGE)
    assert f"{MISSING}第2段{MISSING}" == whole.text
    assert [] == again
    assert [1] == joining.durable(whole)
    assert ([], True) == joining.add(part(2, 4), 2, START + AGE)
    # One that comes only now has not been read by anybody.
    assert ([], False) == joining.add(part(3, 4), 3, START + AGE)
    ((late,), _) = joining.due(START + AGE + AGE)
    assert f"{MISSING}第3段{MISSING}" == late.text


def test_a_text_that_is_done_is_forgotten_after_its_time(joining: Joining[int]) -> None:
    joining.add(part(1), 1, START)
    ((whole,), _) = joining.add(part(2), 2, START)
    joining.durable(whole)
    assert 2 == len(joining)
    joining.due(START + AGE)
    assert 0 == len(joining)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 3), st.integers(2, 4), st.integers(1, 4), st.booleans()
        ),
        max_size=80,
    )
)
def test_memory_is_bounded_and_every_part_is_answered_once(
    steps: list[tuple[str, int, int, int, bool]],
) -> None:
    joining: Joining[int] = Joining(wait=WAIT, age=AGE, most=6)
    answered: list[int] = []
    asked = 0

    def settle(wholes: list[Whole[int]], *, well: bool) -> None:
        for whole in wholes:
            answered.extend(joining.durable(whole) if well else joining.refused(whole))

    for sender, reference, total, number, well in steps:
        if number > total:
            continue
        wholes, known = joining.add(part(number, total, reference=reference, sender=sender), asked, START)
        if known:
            answered.append(asked)
        asked += 1
        settle(wholes, well=well)
        assert 6 + 4 >= len(joining)
    wholes, again = joining.due(START + AGE)
    settle(wholes, well=True)
    answered += again
    assert list(range(asked)) == sorted(answered)
