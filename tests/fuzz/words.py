"""What people type and say: ids, codes, numbers, texts; whatever it is, it has one meaning or none."""

from __future__ import annotations

import json
import math
import unicodedata
from functools import cache

from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts import identity
from contracts.areas import is_area
from contracts.fact import FreeText
from runtime.problems import FieldError
from services.intake.codes import DIGITS, Codes, shown
from services.intake.http import clean, one_line
from services.mediation.store import place
from services.notify import numbers
from services.notify.segments import ALONE, JOINED, count, split, units
from services.routing.classifier import Classifier, classify, load, words
from tests.contracts.made import PETITIONS
from tests.fuzz.rounds import Target

CODES = Codes("a-secret-of-the-fuzzer-and-of-nobody-else")
SALT = "0011223344556677"
CODE = "4827193506"
KEPT = CODES.hash(SALT, CODE)
FREE_TEXT: TypeAdapter[str] = TypeAdapter(FreeText)

ODD = st.sampled_from(
    [
        *(
            "\x00",
            "\x1b[2J",
            "\x85",
            "\u200b",
            "\u200d",
            "\u202e",
            "\ufeff",
            "\ufe0f",
            "\U000e0100",
            "\U0010ffff",
        ),
        *(
            "e\u0301",
            "\u0301",
            "ﷺ",
            "ﬃ",
            "Å",
            "İ",
            "ß",
            "①",
            "０",
            "٣",
            "۵",
            "߁",
            "二",
            "𠮷",
            "👨\u200d👩\u200d👧",
            "🏽",
        ),
        *("\r\n", "\r", "\u2028", "\t", " ", "\u3000", "\ud83d", "\udc00", "+86", "-", "—", "O", "I", "l"),
    ]
)
# Characters of all kinds, halves of surrogate pairs included, and pieces that are known to be troublesome.
TEXTS = st.lists(st.text(st.characters(), max_size=12) | ODD, max_size=12).map("".join)
LONG_TEXTS = TEXTS | st.builds(
    lambda piece, length: ((piece or "信") * length)[:length], TEXTS, st.sampled_from([70, 71, 900, 20_001])
)
SAID_IDS = TEXTS | st.builds(lambda a, b, c: a + b + c, TEXTS, PETITIONS, TEXTS) | PETITIONS.map(str.lower)
SAID_CODES = TEXTS | st.builds(lambda a, b: a + shown(CODE) + b, TEXTS, TEXTS)
NUMBERS = TEXTS | st.from_regex(r"[+0-9０-９ ()\-]{0,30}", fullmatch=True)


def check_id(said: str) -> None:
    """An id is read as one id or none, and what is read is read again as itself."""
    petition = identity.parse(said)
    if petition is None:
        return
    assert identity.parse(petition) == petition
    assert identity.parse(f" {petition.lower()} ") == petition
    assert len(petition) == 17
    assert identity.make(identity.received_at(petition), 0)[:10] == petition[:10]


def check_code(said: str) -> None:
    """A code opens when the ten digits that were said are the code, and only then."""
    fits = CODES.fits(said, salt=SALT, kept=KEPT)
    folded = unicodedata.normalize("NFKC", said[:64])
    assert fits == ("".join(c for c in folded if c in "0123456789") == CODE)
    assert not CODES.fits(said, salt=SALT, kept="")
    assert len(CODES.code(CODES.keyed("request", "x"))) == DIGITS


def check_text(said: str) -> None:
    """A text is refused, or comes out as every reader can store it, and the same when cleaned again."""
    for normalise in (clean, one_line):
        try:
            text = normalise(said)
        except FieldError:
            continue
        assert isinstance(text, str)
        assert normalise(text) == text
        assert FREE_TEXT.validate_python(text) == text
        assert json.loads(json.dumps(text, ensure_ascii=False).encode()) == text
        assert "\r" not in text


def check_segments(text: str) -> None:
    """An SMS is cut into pieces that fit, are counted right and joined are the text again."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    pieces = split(text)
    assert "".join(pieces) == text
    assert count(text) == len(pieces)
    assert len(pieces) == 1 or all(0 < units(piece) <= JOINED for piece in pieces)
    assert len(pieces) > 1 or units(text) <= ALONE


def check_number(written: str) -> None:
    """A number is a mobile in its one form or has a fault, and masked it shows no more than seven digits."""
    found = numbers.read(written)
    if isinstance(found, numbers.Usable):
        assert found.e164[0] == "+"
        assert found.e164[1:].isascii()
        assert found.e164[1:].isdecimal()
        assert numbers.read(found.e164) == found
    assert len(numbers.masked(written).replace("****", "")) <= 7


@cache
def _classifier() -> Classifier:
    return load()


def check_classified(text: str) -> None:
    """Any words are classified, the same words the same way, with figures that a fact can carry."""
    title, _, content = text.partition("。")
    found = classify(words(title, content), by=_classifier())
    assert found == classify(words(title, content), by=_classifier())
    assert 0.0 <= found.confidence <= 1.0
    assert all(math.isfinite(reason.weight) and reason.weight > 0 for reason in found.reasons)
    assert not found.sure or found.body is not None


def check_place(said: str) -> None:
    """The key of a page is read as one place or none; what is read leads to the same page again."""
    found = place(said)
    assert found is None or place(str(found)) == found


def check_area(said: str) -> None:
    """An area's code is digits of ours or none."""
    assert not is_area(said) or (said.isascii() and said.isdecimal())


TARGETS = (
    Target("ids", SAID_IDS, check_id),
    Target("codes", SAID_CODES, check_code),
    Target("texts", LONG_TEXTS, check_text),
    Target("segments", LONG_TEXTS, check_segments),
    Target("numbers", NUMBERS, check_number),
    Target("classifier", LONG_TEXTS, check_classified),
    Target("places", TEXTS | st.builds("{}.{}".format, TEXTS | st.integers(), SAID_IDS), check_place),
    Target("areas", TEXTS | st.from_regex(r"43[0-9０-９]{0,10}", fullmatch=True), check_area),
)
