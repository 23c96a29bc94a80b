"""Query codes: the same for the same request, of no use to whoever has only what is kept."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import codes
from services.intake.codes import DIGITS, Codes, shown

SECRET = "one-secret-of-the-test-0123456789-abcdef"
CODES = Codes(SECRET)


def test_the_same_request_gets_the_same_code() -> None:
    assert CODES.code("a-request") == Codes(SECRET).code("a-request")


def test_another_request_gets_another_code() -> None:
    assert 200 == len({CODES.code(str(number)) for number in range(200)})


def test_another_secret_makes_another_code_and_another_hash() -> None:
    other = Codes(SECRET[::-1])
    assert CODES.code("a-request") != other.code("a-request")
    assert CODES.hash("salt", "4827193506") != other.hash("salt", "4827193506")


def test_two_petitions_with_one_code_keep_different_hashes() -> None:
    assert CODES.hash("salt-1", "4827193506") != CODES.hash("salt-2", "4827193506")


def test_what_is_kept_for_one_purpose_says_nothing_about_another() -> None:
    assert 3 == len({CODES.keyed(purpose, "text") for purpose in ("code", "hash", "address")})


@given(st.text())
def test_a_code_has_ten_digits_whatever_the_request(request: str) -> None:
    code = CODES.code(request.encode("utf-8", "replace").decode())
    assert DIGITS == len(code)
    assert code.isdecimal()
    assert code.isascii()


@pytest.mark.parametrize(
    "said",
    [
        "4827193506",
        "482 719 3506",
        "482-719-3506",
        " 482 719 3506\n",
        "４８２７１９３５０６",
        "查询码：482 719 3506",
    ],
)
def test_a_code_fits_however_people_type_it(said: str) -> None:
    assert CODES.fits(said, salt="salt", kept=CODES.hash("salt", "4827193506"))


@pytest.mark.parametrize(
    "said", ["", "4827193507", "482719350", "48271935061", "٤٨٢٧١٩٣٥٠٦", " ", "4827193506" * 20]
)
def test_another_code_does_not_fit(said: str) -> None:
    assert not CODES.fits(said, salt="salt", kept=CODES.hash("salt", "4827193506"))


def test_nothing_fits_a_petition_that_keeps_no_hash() -> None:
    assert not CODES.fits("", salt="", kept="")
    assert not CODES.fits("0000000000", salt="", kept="")


def test_an_unknown_petition_takes_the_same_comparison_as_a_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(ours: str, kept: str) -> bool:
        compared.append((len(ours), len(kept)))
        return hmac.compare_digest(ours, kept)

    class Watched:
        """The module `hmac` with its comparison watched."""

        new: Any = staticmethod(hmac.new)
        compare_digest: Any = staticmethod(compare)

    monkeypatch.setattr(codes, "hmac", Watched)
    CODES.fits("4827193506", salt="salt", kept=CODES.hash("salt", "0000000000"))
    CODES.fits("4827193506", salt="", kept="")
    assert [(64, 64), (64, 64)] == compared


def test_a_code_is_shown_in_groups_that_can_be_read_out() -> None:
    assert "482 719 3506" == shown("4827193506")
