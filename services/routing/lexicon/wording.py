"""How a petition's words are brought into one form before phrases are looked for: script, width, noise."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from opencc import OpenCC

# Both are needed: each knows the variant characters of one place, and the common ones.
_FROM_HONG_KONG: Final = OpenCC("hk2s")
_FROM_TAIWAN: Final = OpenCC("tw2s")
# 么 (怎么) is simplified, and in Taiwan also a traditional character with another simplified form.
_SIMPLIFIED_TOO: Final = "么"
_STAND_IN: Final = "\ue000"  # of the private use area: means nothing in any text, and no conversion knows it
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
# The ends of sentences stay (as one mark), commas stay; all else that is not a word is noise inside words.
_SENTENCE_ENDS: Final = re.compile(r"[。?!;\n]+")
_NOISE: Final = re.compile(r"[^\w。,:、]+|_+")
END: Final = "。"
# What stands in every text: replaced one by one in a tenth of the time that the whole folding takes, which
# then finds nothing to do.
_WIDE: Final = tuple((mark, unicodedata.normalize("NFKC", mark)) for mark in "，！？：；（）％．～…\u3000")
# A letter of any length is read in bounded time; people put what they ask for in the first pages.
LONGEST_READ: Final = 4_000


def _traditional() -> frozenset[str]:
    """Return the characters that a conversion changes: a text without any of them needs none."""
    characters = [
        chr(code) for start, stop in ((0x3400, 0xA000), (0xF900, 0xFB00)) for code in range(start, stop)
    ]
    lines = "\n".join(characters)
    changed = zip(
        characters,
        _FROM_HONG_KONG.convert(lines).split("\n"),
        _FROM_TAIWAN.convert(lines).split("\n"),
        strict=True,
    )
    return frozenset(
        before for before, *after in changed if after != [before, before] and before not in _SIMPLIFIED_TOO
    )


_is_traditional: Final = re.compile(f"[{''.join(sorted(_traditional()))}]").search


@dataclass(frozen=True)
class Words:
    """A petition's title and content in plain form: made once, read by classifier and gazetteer."""

    heading: str
    body: str


def words(title: str, content: str) -> Words:
    """Return title and content in plain form, the first pages of each."""
    return Words(plain(title[:LONGEST_READ]), plain(content[:LONGEST_READ]))


def plain(text: str) -> str:
    """Return `text` in simplified characters, half width, lower case, without noise between characters.

    Sentences end with `。` whatever ended them. Any string is accepted, lone surrogates included.
    """
    for wide, narrow in _WIDE:
        text = text.replace(wide, narrow)
    folded = unicodedata.normalize("NFKC", _SURROGATES.sub("", text)).lower()
    if _is_traditional(folded):
        folded = folded.replace(_STAND_IN, "").replace(_SIMPLIFIED_TOO, _STAND_IN)
        folded = _FROM_HONG_KONG.convert(_FROM_TAIWAN.convert(folded)).replace(_STAND_IN, _SIMPLIFIED_TOO)
    return _NOISE.sub("", _SENTENCE_ENDS.sub(END, folded))
