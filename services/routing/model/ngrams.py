"""Runs of one to four characters as numbers: what the model sees of a text, and nobody can read back."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.routing.lexicon import Words

# Enough that the runs which the model knows seldom share a number with one that it does not know.
BITS: Final = 22
_LONGEST: Final = 4
_CONTENT_READ: Final = 800
# Numbers, and places written as a letter with or without a number, are all alike.
_PLACES: Final = re.compile(r"[a-z]?\d+|[a-z](?=[市区县])")
_STEP: Final = np.uint32(0x01000193)
_SPREAD: Final = np.uint32(0x9E3779B1)
_MIX: Final = np.uint32(0x85EBCA6B)
# A run means something else in a title.
_CONTENT_SALT: Final = np.uint32(0)
_TITLE_SALT: Final = np.uint32(0x2545F491)

Numbers = NDArray[np.uint32]


def content_ngrams(words: Words) -> Numbers:
    """Return the numbers of all runs in the content, in no order, each as often as it stands there."""
    return _numbers(words.body[:_CONTENT_READ], _CONTENT_SALT)


def title_ngrams(words: Words) -> Numbers:
    """Return the numbers of all runs in the title."""
    return _numbers(words.heading[:_CONTENT_READ], _TITLE_SALT)


def _numbers(text: str, salt: np.uint32) -> Numbers:
    codes = np.frombuffer(_PLACES.sub("0", text).encode("utf-32-le", "surrogatepass"), np.uint32)
    spread = codes * _SPREAD
    runs: list[Numbers] = []
    state = np.full(len(codes), salt, np.uint32)
    for length in range(1, min(_LONGEST, len(codes)) + 1):
        state = (state[: len(codes) - length + 1] * _STEP) ^ spread[length - 1 :]
        runs.append(state)
    if not runs:
        return np.zeros(0, np.uint32)
    mixed = np.concatenate(runs)
    mixed ^= mixed >> np.uint32(15)
    mixed *= _MIX
    mixed ^= mixed >> np.uint32(13)
    return mixed >> np.uint32(32 - BITS)
