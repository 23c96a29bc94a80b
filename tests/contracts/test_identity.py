"""A petition's id over the telephone: every slip is caught, every way of writing it is understood."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.identity import ALPHABET, CHANCE_RANGE, EPOCH, LENGTH, PetitionId, make, parse, received_at
from tests.contracts.made import MOMENTS, PETITIONS

CHANCES = st.integers(0, CHANCE_RANGE - 1)


@given(PETITIONS)
def test_an_id_is_three_speakable_groups_and_reads_back_as_itself(petition: PetitionId) -> None:
    assert [len(group) for group in petition.split("-")] == [5, 5, 5]
    assert set(petition) <= {*ALPHABET, "-"}
    assert parse(petition) == petition


def test_the_alphabet_has_a_prime_number_of_symbols_and_none_that_are_confused() -> None:
    size = len(set(ALPHABET))
    assert size == len(ALPHABET) == 31
    assert all(size % divisor for divisor in range(2, size))
    assert not set("ILOUS") & set(ALPHABET)
    assert list(ALPHABET) == sorted(ALPHABET)
    assert LENGTH < size  # else two places would share a weight


@given(PETITIONS)
@settings(max_examples=30)
def test_every_single_wrong_character_is_caught(petition: PetitionId) -> None:
    symbols = petition.replace("-", "")
    for place in range(LENGTH):
        for wrong in set(ALPHABET) - {symbols[place]}:
            assert parse(symbols[:place] + wrong + symbols[place + 1 :]) is None


@given(PETITIONS)
@settings(max_examples=30)
def test_every_swap_of_two_different_characters_is_caught_wherever_they_stand(petition: PetitionId) -> None:
    symbols = petition.replace("-", "")
    for one, other in combinations(range(LENGTH), 2):
        if symbols[one] != symbols[other]:
            swapped = list(symbols)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            assert parse("".join(swapped)) is None


@given(PETITIONS)
@settings(max_examples=30)
def test_a_lost_or_doubled_character_is_caught(petition: PetitionId) -> None:
    symbols = petition.replace("-", "")
    for place in range(LENGTH):
        assert parse(symbols[:place] + symbols[place + 1 :]) is None
        assert parse(symbols[:place] + symbols[place] + symbols[place:]) is None


@given(MOMENTS, MOMENTS, CHANCES, CHANCES)
def test_ids_sort_by_the_time_they_were_made_at(one: datetime, other: datetime, a: int, b: int) -> None:
    first, second = make(one, a), make(other, b)
    milliseconds = timedelta(milliseconds=1)
    if (one - EPOCH) // milliseconds < (other - EPOCH) // milliseconds:
        assert first < second
    elif (one - EPOCH) // milliseconds > (other - EPOCH) // milliseconds:
        assert first > second


@given(MOMENTS, CHANCES)
def test_the_time_of_an_id_reads_back_to_the_millisecond(moment: datetime, chance: int) -> None:
    expected = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert expected == received_at(make(moment, chance))


def test_an_id_of_any_age_says_the_millisecond_that_it_was_made_in() -> None:
    # By way of a binary fraction some times came out a microsecond early: in the millisecond before.
    id_of_another_year = PetitionId("36RDW-DDWT0-00001")
    assert id_of_another_year[:10] == make(received_at(id_of_another_year), 0)[:10]


def test_the_zone_of_the_clock_does_not_matter() -> None:
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    shanghai = datetime.fromisoformat("2026-11-02T20:00:00+08:00")
    assert make(noon, 7) == make(shanghai, 7)


@given(PETITIONS)
def test_an_id_is_understood_as_people_write_and_say_it(petition: PetitionId) -> None:
    full_width = "".join(chr(ord(c) + 0xFEE0) for c in petition)
    heard = petition.replace("1", "I").replace("0", "O").replace("5", "S").replace("V", "U")
    also_heard = petition.replace("1", "l").replace("0", "o").replace("5", "s").replace("V", "u")
    for said in (
        petition.lower(),
        petition.replace("-", ""),
        petition.replace("-", " "),
        f"  {petition}\t",
        " ".join(petition),
        petition.replace("-", "—"),
        petition.replace("-", "–"),
        full_width,
        heard,
        also_heard,
    ):
        assert parse(said) == petition, said


@given(st.text())
def test_no_text_makes_reading_fail(said: str) -> None:
    read = parse(said)
    assert read is None or parse(read) == read


@pytest.mark.parametrize("said", ["", "-", "0" * 16, "2B7K9-0M4QX-7T1C\x00", "２" * 60, "A" * 1_000_000])
def test_what_is_no_id_is_none(said: str) -> None:
    assert parse(said) is None


@pytest.mark.parametrize(
    ("moment", "chance"),
    [
        (EPOCH - timedelta(milliseconds=1), 0),
        (EPOCH, -1),
        (EPOCH, CHANCE_RANGE),
        (datetime(2858, 1, 1, tzinfo=UTC), 0),
    ],
)
def test_no_id_is_made_outside_the_ranges(moment: datetime, chance: int) -> None:
    with pytest.raises(ValueError, match="chance within its range"):
        make(moment, chance)
