"""Runs of one to four characters as numbers: what the model sees of a text, and nobody can read back."""

import re
from collections.abc import Sequence
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
    return numbered([words.body], [_CONTENT_SALT])[0]


def title_ngrams(words: Words) -> Numbers:
    """Return the numbers of all runs in the title."""
    return numbered([words.heading], [_TITLE_SALT])[0]


def all_ngrams(every: Sequence[Words]) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the numbers of all runs in many petitions, and of each the petition that it stands in."""
    texts = [text for words in every for text in (words.body, words.heading)]
    numbers, owners = numbered(texts, [_CONTENT_SALT, _TITLE_SALT] * len(every))
    return numbers, owners // 2


def numbered(texts: Sequence[str], salts: Sequence[np.uint32]) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the runs of each text as numbers, and whose each is; one salt a text."""
    read = [_PLACES.sub("0", text[:_CONTENT_READ]) for text in texts]
    codes = np.frombuffer("".join(read).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, read), np.int64, len(read))
    owners = np.repeat(np.arange(len(read)), lengths)
    spread = codes * _SPREAD
    state = np.repeat(np.array(salts, np.uint32), lengths)
    runs: list[Numbers] = []
    whose: list[NDArray[np.int64]] = []
    for length in range(1, min(_LONGEST, len(codes)) + 1):
        state = (state[: len(codes) - length + 1] * _STEP) ^ spread[length - 1 :]
        # Two texts lie side by side: a run that begins in one and ends in the next stands in neither.
        within = owners[: len(state)] == owners[length - 1 :]
        runs.append(state[within])
        whose.append(owners[: len(state)][within])
    if not runs:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    mixed = np.concatenate(runs)
    mixed ^= mixed >> np.uint32(15)
    mixed *= _MIX
    mixed ^= mixed >> np.uint32(13)
    return mixed >> np.uint32(32 - BITS), np.concatenate(whose)
