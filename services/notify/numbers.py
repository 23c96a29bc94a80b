"""Which telephone numbers an SMS can reach; stands between the dossier and a claim.

Petitioners and clerks write numbers in many ways; staff see why one that is refused cannot be used.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

REGION: Final = "CN"
_DIALLED: Final = re.compile(r"(?:tel:)?[0-9+().\s\-\u2010-\u2015]+")
# New mobile prefixes are given out faster than the library's tables follow: these are tried, not refused.
_LIKE_A_MOBILE: Final = re.compile(r"\+861[3-9][0-9]{9}")
_MOBILE: Final = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
_LANDLINE: Final = {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}
# Emergency calls, hot lines, senders of SMS: how many digits such numbers have.
_SERVICE_DIGITS: Final = range(3, 7)
_SHOWN_FROM: Final = 8


class Fault(StrEnum):
    """Why a number cannot take an SMS."""

    LANDLINE = "landline"
    SERVICE_NUMBER = "service-number"
    NOT_A_NUMBER = "not-a-number"


@dataclass(frozen=True, slots=True)
class Usable:
    """A mobile number in the form E.164 (`+8613800138000`): the same however it was written.

    `doubtful` looks like a mobile number, but its prefix is in no table: it is tried, and staff are warned.
    """

    e164: str
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Unusable:
    """No SMS can reach this."""

    fault: Fault


@lru_cache(maxsize=4096)
def read(written: str) -> Usable | Unusable:
    """Understand a number as it was written in a dossier."""
    plain = _plain(written)
    if not _DIALLED.fullmatch(plain):
        return Unusable(Fault.NOT_A_NUMBER)
    try:
        number = phonenumbers.parse(plain, REGION)
    except NumberParseException:
        return Unusable(Fault.NOT_A_NUMBER)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(number):
        if _LIKE_A_MOBILE.fullmatch(e164):
            return Usable(e164, doubtful=True)
        short = len(str(number.national_number)) in _SERVICE_DIGITS
        return Unusable(Fault.SERVICE_NUMBER if short else Fault.NOT_A_NUMBER)
    kind = phonenumbers.number_type(number)
    if kind in _MOBILE:
        return Usable(e164)
    return Unusable(Fault.LANDLINE if kind in _LANDLINE else Fault.SERVICE_NUMBER)


def masked(written: str) -> str:
    """Return a number as staff see it: `138****8000`."""
    found = read(written)
    digits = found.e164.removeprefix("+86") if isinstance(found, Usable) else _plain(written)
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= _SHOWN_FROM else "****"


def _plain(written: str) -> str:
    """Fold full-width digits and drop what cannot be seen (direction marks, zero-width spaces)."""
    folded = unicodedata.normalize("NFKC", written)
    return "".join(c for c in folded if unicodedata.category(c) not in {"Cf", "Cc"}).strip()
