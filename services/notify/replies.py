"""What somebody means who answers an SMS; stands between an adapter's `Inbound` and the rules.

Only a message that says one thing and nothing else counts. A score among other words, a question, a denial, a
contradiction go to a person: a rating that was not meant would falsify an assessment.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rating:
    """A score from 1 (not at all satisfied) to 5 (very)."""

    score: int


@dataclass(frozen=True, slots=True)
class RatingFor:
    """A score for the petition whose id ends with these four symbols, as `last_four` writes them."""

    last4: str
    score: int


@dataclass(frozen=True, slots=True)
class OptOut:
    """No more messages that need not be sent."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """Messages again."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something else: a person reads it."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A score and words that contradict each other."""


Reply = Rating | RatingFor | OptOut | OptIn | Unclear | Ambiguous

OPT_OUT: Final = frozenset(
    {"td", "t", "n", "r", "退订", "拒收", "取消订阅", "tdtd", "td退订", "stop", "unsubscribe"}
)
OPT_IN: Final = frozenset({"start", "dy", "订阅", "恢复", "恢复订阅", "重新订阅"})
# What a word means by itself, and the scores that may stand beside it.
WORDS: Final[Mapping[str, tuple[int, frozenset[int]]]] = {
    **dict.fromkeys(("非常满意", "很满意", "十分满意", "特别满意", "五星"), (5, frozenset({5}))),
    "满意": (4, frozenset({4, 5})),
    "比较满意": (4, frozenset({4})),
    **dict.fromkeys(("基本满意", "一般", "一般般"), (3, frozenset({3}))),
    "不满意": (2, frozenset({1, 2})),
    **dict.fromkeys(("不太满意", "不够满意"), (2, frozenset({2}))),
    **dict.fromkeys(("非常不满意", "很不满意", "极不满意", "十分不满意", "特别不满意"), (1, frozenset({1}))),
}
_NUMERALS: Final = str.maketrans("一壹二贰两三叁四肆五伍", "11222334455")
# Nobody needs more to say one of these; what is longer is a letter to the office.
_LONGEST: Final = 40
_MARKS: Final = frozenset({"\ufe0e", "\ufe0f", "\u20e3"})  # what makes a digit a key or an emoji
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})
_BEFORE: Final = "“”‘’\"'「」『』《》<>〔〕【】[]()、,。:!~… "
_AFTER: Final = _BEFORE + ".;"
_HELLO: Final = r"(?:您好[,。!、 ]*)?"
_LEAD: Final = _HELLO + r"(?:回复|回|评价|评分|打分|评|打|给|我给|我打|选|选择|我选)?:?"
_THANKS: Final = r"(?:[,。!、 ]*(?:谢谢|谢谢您|谢谢你|谢谢你们|感谢|辛苦了))?"
_SCORE: Final = re.compile(_LEAD + r"([1-5一壹二贰两三叁四肆五伍])(?:分|星|颗星|级)?" + _THANKS)
_WORD: Final = re.compile(r"([\u4e00-\u9fff]+?)(?:的|了|啊|哦|呀)*" + _THANKS)
_BOTH: Final = re.compile(r"([1-5])分?[ ,。、!:]*([\u4e00-\u9fff]+)|([\u4e00-\u9fff]+)[ ,。、!:]*([1-5])分?")
_CASE: Final = re.compile(
    _HELLO + r"(?:回复|回)?[: ]*(?:案号|编号|尾号|事项)?[: ]*"
    r"(?:[0-9a-z]{5}-?[0-9a-z]{5}-?[0-9a-z])?([0-9a-z]{4})([ ,。、+:;/_-]*)(.+)"
)
# Between four digits and a score: 12345 is the city's telephone number, 2026-5 a month.
_APART: Final = re.compile(r"[ ,。、+:;]+")
_COMMANDED: Final = re.compile(r"^回复?:?")
# As `contracts/identity.py` reads what people confuse.
_HEARD_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", "S": "5"})
_SYMBOLS: Final = 4


def understand(text: str) -> Reply:
    """Tell what a whole reply means."""
    if len(text) > _LONGEST:
        return Unclear()
    plain = _plain(text)
    said = plain.lstrip(_BEFORE).rstrip(_AFTER)
    command = _COMMANDED.sub("", said.replace(" ", "")).lstrip(_BEFORE)
    if command in OPT_OUT:
        return OptOut()
    if command in OPT_IN:
        return OptIn()
    found = _rated(said)
    return _for_one(said) if isinstance(found, Unclear) else found


def last_four(petition: str) -> str:
    """Return what of a petition's id a reply names; what people confuse is alike."""
    return petition.upper().translate(_HEARD_AS)[-_SYMBOLS:]


def _rated(said: str) -> Rating | Unclear | Ambiguous:
    tight = said.replace(" ", "")
    if found := _SCORE.fullmatch(tight):
        return Rating(int(found[1].translate(_NUMERALS)))
    if (found := _WORD.fullmatch(tight)) and found[1] in WORDS:
        return Rating(WORDS[found[1]][0])
    if found := _BOTH.fullmatch(tight):
        score, word = int(found[1] or found[4]), found[2] or found[3]
        if word in WORDS:
            return Rating(score) if score in WORDS[word][1] else Ambiguous()
    return Unclear()


def _for_one(said: str) -> RatingFor | Unclear | Ambiguous:
    found = _CASE.fullmatch(said)
    if found is None or (found[1].isdigit() and not _APART.fullmatch(found[2])):
        return Unclear()
    rated = _rated(found[3].lstrip(_BEFORE))
    return RatingFor(last_four(found[1]), rated.score) if isinstance(rated, Rating) else rated


def _plain(text: str) -> str:
    """Fold forms (full width, circled, other scripts' digits), drop what cannot be seen, in lower case."""
    spaced = re.sub(r"\s+", " ", text)
    folded = unicodedata.normalize("NFKC", "".join(_digit(c) for c in spaced if c not in _MARKS))
    seen = "".join(c for c in folded if unicodedata.category(c) not in _UNSEEN)
    return re.sub(r"\s+", " ", seen).strip().lower().replace("滿", "满")


def _digit(character: str) -> str:
    """Return the plain digit of a decorated one (❺, ⓹, ٥); others as they are."""
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)
