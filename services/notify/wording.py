"""What a value goes through before it stands in an SMS: made clean, and cut to a length."""

import re
import unicodedata
from typing import Final

from services.notify.segments import clusters, units

ELLIPSIS: Final = "…"
# Control characters, format characters (direction marks, joiners, zero width) and halves of surrogate pairs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})
# Only the signature stands in these brackets: with them a value could pretend to come from somebody else.
_BRACKETS: Final = str.maketrans("【】", "〔〕")
_SPACES: Final = re.compile(r"\s+")


def clean(value: str) -> str:
    """Return a value on one line, composed (NFC), without what cannot be seen or feigns a signature."""
    spaced = _SPACES.sub(" ", value)
    seen = "".join(c for c in spaced if unicodedata.category(c) not in _UNSEEN)
    # Composed last: a joiner taken out may have kept a letter and its accent apart.
    return _SPACES.sub(" ", unicodedata.normalize("NFC", seen)).translate(_BRACKETS).strip()


def cut(value: str, most: int) -> str:
    """Return a value of at most `most` UTF-16 units, cut between characters, with … for what is lost."""
    if units(value) <= most:
        return value
    kept, length = [], units(ELLIPSIS)
    for cluster in clusters(value):
        length += units(cluster)
        if length > most:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + ELLIPSIS
