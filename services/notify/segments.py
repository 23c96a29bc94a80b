"""How an SMS is cut: 70 UTF-16 units in one piece, or pieces of 67; price and limits count these.

A cut falls neither inside a surrogate pair nor, where that can be avoided, inside what a reader sees as one
character (combining marks, variation selectors, joined emoji, flags).
"""

import re
import unicodedata
from typing import Final

ALONE: Final = 70
JOINED: Final = 67
# One unit each and never glued to a neighbour: what nearly all our texts are made of.
_SIMPLE: Final = re.compile(r"[\x20-\x7e·“”‘’—…\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e]*")
_JOINER: Final = "\u200d"


def units(text: str) -> int:
    """Return the length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def count(text: str) -> int:
    """Return how many segments a text takes, its signature included."""
    if _SIMPLE.fullmatch(text):
        return 1 if len(text) <= ALONE else -(-len(text) // JOINED)
    return len(split(text))


def split(text: str) -> list[str]:
    """Cut a text into its segments; joined they are the text again."""
    if units(text) <= ALONE:
        return [text]
    pieces, piece, length = [], "", 0
    for cluster in clusters(text):
        # A cluster longer than a segment can only be cut between its code points.
        for part in (cluster,) if units(cluster) <= JOINED else cluster:
            size = units(part)
            if length + size > JOINED:
                pieces.append(piece)
                piece, length = "", 0
            piece, length = piece + part, length + size
    return [*pieces, piece]


def clusters(text: str) -> list[str]:
    """Return what a reader sees as one character each; joined they are the text again."""
    found: list[str] = []
    for character in text:
        if found and _glued(character, found[-1]):
            found[-1] += character
        else:
            found.append(character)
    return found


def _glued(character: str, cluster: str) -> bool:
    return (
        _JOINER in {cluster[-1], character}
        or unicodedata.category(character).startswith("M")  # marks, variation selectors, the keycap
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin colours
        or "\U000e0020" <= character <= "\U000e007f"  # tags: the flags of regions
        or (len(cluster) == 1 and _is_flag_letter(character) and _is_flag_letter(cluster))
    )


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
