"""Which numbers an SMS can reach, however they were written (facts.md, cases 12 and 13)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.numbers import Fault, Unusable, Usable, masked, read


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "0086 138 0013 8000",
        "138-0013-8000",
        "138 0013 8000 ",
        "１３８００１３８０００",
        "＋８６１３８００１３８０００",
        "+86 (138) 0013-8000",
        "013800138000",
        "13８0013８000",
        "\u202a138\u200b00138000\u202c",
        "138–0013–8000",
        "86-13800138000",
        "86 138 0013 8000",
        "+86013800138000",
        "138.0013.8000",
        "\ufeff13800138000\r\n",
    ],
)
def test_12_a_mobile_number_is_the_same_however_it_is_written(written: str) -> None:
    assert Usable("+8613800138000") == read(written)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("010-12345678", Fault.LANDLINE),
        ("0731-85555555", Fault.LANDLINE),
        ("0755-26012345", Fault.LANDLINE),
        ("(0731) 8555 5555", Fault.LANDLINE),
        ("4008001234", Fault.SERVICE_NUMBER),
        ("12345", Fault.SERVICE_NUMBER),
        ("95588", Fault.SERVICE_NUMBER),
        ("110", Fault.SERVICE_NUMBER),
        ("119", Fault.SERVICE_NUMBER),
        ("10086", Fault.SERVICE_NUMBER),
        ("400-800-1234", Fault.SERVICE_NUMBER),
        ("800 810 8888", Fault.SERVICE_NUMBER),
        ("12345678901", Fault.NOT_A_NUMBER),
        ("10012345678", Fault.NOT_A_NUMBER),
        ("11912345678", Fault.NOT_A_NUMBER),
        ("1380013800", Fault.NOT_A_NUMBER),
        ("138001380001", Fault.NOT_A_NUMBER),
        ("13800138000 13900139000", Fault.NOT_A_NUMBER),
        ("13800138000,13900139000", Fault.NOT_A_NUMBER),
        ("13800138000/13900139000", Fault.NOT_A_NUMBER),
        ("13800138000、13900139000", Fault.NOT_A_NUMBER),
        ("13800138000或13900139000", Fault.NOT_A_NUMBER),
        ("1380013800013900139000", Fault.NOT_A_NUMBER),
        ("13800138000转1", Fault.NOT_A_NUMBER),
        ("王先生13800138000", Fault.NOT_A_NUMBER),
        ("138OO138000", Fault.NOT_A_NUMBER),
        ("13800138000;ext=3", Fault.NOT_A_NUMBER),
        ("13800138000#1", Fault.NOT_A_NUMBER),
        ("无", Fault.NOT_A_NUMBER),
        ("没有电话", Fault.NOT_A_NUMBER),
        ("-", Fault.NOT_A_NUMBER),
        ("00000000000", Fault.NOT_A_NUMBER),
        ("", Fault.NOT_A_NUMBER),
        ("()", Fault.NOT_A_NUMBER),
    ],
)
def test_13_what_no_sms_can_reach_is_refused_with_the_reason(written: str, fault: Fault) -> None:
    assert Unusable(fault) == read(written)


def test_a_mobile_prefix_that_the_library_does_not_know_yet_is_tried() -> None:
    assert Usable("+8614912345678", doubtful=True) == read("14912345678")


def test_a_mobile_of_hong_kong_is_reached_when_written_with_its_country() -> None:
    assert Usable("+85291234567") == read("+852 9123 4567")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("+86 138 0013 8000", "138****8000"),
        ("0731-85555555", "073****5555"),
        ("12345", "****"),
        ("+85291234567", "+85****4567"),
    ],
)
def test_staff_see_a_number_masked(written: str, shown: str) -> None:
    assert shown == masked(written)


def test_13_a_number_of_which_staff_are_warned_is_no_refusal() -> None:
    known, unknown = read("13800138000"), read("+86 149-1234-5678")
    assert isinstance(known, Usable)
    assert isinstance(unknown, Usable)
    assert (known.doubtful, unknown.doubtful) == (False, True)


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_mobile_number_or_refused(written: str) -> None:
    found = read(written)
    assert isinstance(found, Unusable) or re.fullmatch(r"\+[1-9][0-9]{6,14}", found.e164)
    assert "*" in masked(written)
