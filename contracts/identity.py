"""Petition ids: made at the edge without coordination, read out over the telephone, checked at every entry.

An id is 15 characters in three groups, `2B7K9-0M4QX-7T1CW`: nine of time (milliseconds since
2020-01-01 UTC), five of chance, one check character, all in base 31. Ids therefore sort by time as strings.

The alphabet has 31 symbols because 31 is prime: with the weights 1 … 15 (distinct and not zero modulo 31)
every single wrong character and every swap of two characters, adjacent or not, changes the weighted sum.
Left out are I, L, O, U and S, which the ear or the eye confuses with 1, 0, V and 5.
"""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

PetitionId = NewType("PetitionId", str)

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRTVWXYZ"
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
TIME_LENGTH: Final = 9
TIME_RANGE: Final = len(ALPHABET) ** TIME_LENGTH
CHANCE_LENGTH: Final = 5
CHANCE_RANGE: Final = len(ALPHABET) ** CHANCE_LENGTH
LENGTH: Final = TIME_LENGTH + CHANCE_LENGTH + 1
GROUP: Final = 5

_VALUE: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
_HEARD_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "S": "5"})


def make(now: datetime, chance: int) -> PetitionId:
    """Make the id of a petition received at `now` (aware); `chance` is random, in [0, CHANCE_RANGE)."""
    milliseconds = (now - EPOCH).days * 86_400_000 + (now - EPOCH).seconds * 1000 + now.microsecond // 1000
    if not 0 <= milliseconds < TIME_RANGE or not 0 <= chance < CHANCE_RANGE:
        raise ValueError("a petition id needs a time from 2020 to 2857 and a chance within its range")
    plain = _base31(milliseconds, TIME_LENGTH) + _base31(chance, CHANCE_LENGTH)
    return PetitionId(_grouped(plain + check_character(plain)))


def parse(said: str) -> PetitionId | None:
    """Read an id as people write or say it (spaces, lower case, full width, O for 0); None if it is wrong."""
    if len(said) > 4 * LENGTH:
        return None
    folded = unicodedata.normalize("NFKC", said).upper()
    symbols = "".join(c for c in folded if c not in "- \t\u2010\u2013\u2014").translate(_HEARD_AS)
    if len(symbols) != LENGTH or any(c not in _VALUE for c in symbols):
        return None
    if check_character(symbols[:-1]) != symbols[-1]:
        return None
    return PetitionId(_grouped(symbols))


def received_at(petition: PetitionId) -> datetime:
    """Return the time that an id was made at, to the millisecond."""
    value = 0
    for symbol in petition.replace("-", "")[:TIME_LENGTH]:
        value = value * len(ALPHABET) + _VALUE[symbol]
    return EPOCH + timedelta(milliseconds=value)


def check_character(plain: str) -> str:
    """Return the symbol that makes the weighted sum of `plain` and itself zero modulo 31."""
    total = sum(weight * _VALUE[symbol] for weight, symbol in enumerate(plain, start=1))
    # The check character's own weight is LENGTH; its inverse modulo 31 turns the sum into the symbol.
    return ALPHABET[-total * pow(LENGTH, -1, len(ALPHABET)) % len(ALPHABET)]


def _base31(number: int, length: int) -> str:
    symbols = []
    for _ in range(length):
        number, value = divmod(number, len(ALPHABET))
        symbols.append(ALPHABET[value])
    return "".join(reversed(symbols))


def _grouped(symbols: str) -> str:
    return "-".join(symbols[i : i + GROUP] for i in range(0, len(symbols), GROUP))
