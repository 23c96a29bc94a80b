"""Which district or county a petition is about, from place names in its text (data: data/names.tsv).

Used where the petition came in without an area code; where names disagree it says nothing.
"""

from functools import cache
from pathlib import Path
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from contracts.areas import CITY, NAMES
from services.routing.lexicon.wording import END, LONGEST_READ, Words, plain

DATA: Final = Path(__file__).parent / "data" / "names.tsv"
_NOTHING: Final = "-"
_ELSEWHERE: Final = "*"


class GazetteerError(ValueError):
    """The list of place names cannot be used; the message names file, line and reason."""


class Gazetteer:
    """The compiled list: of overlapping names, the longest one counts."""

    def __init__(self, meanings: dict[str, str]) -> None:
        self._areas = tuple(meanings.values())
        self._finder = AhoCorasick(tuple(meanings), matchkind=MatchKind.LeftmostLongest, store_patterns=False)

    def areas(self, text: str) -> set[str]:
        """Return the codes that names in `text` stand for, with `*` for places outside the city."""
        found = {self._areas[place] for place, *_ in self._finder.find_matches_as_indexes(text)}
        return found - {_NOTHING}


def read(path: Path = DATA) -> Gazetteer:
    """Read and check the list of names; raises GazetteerError."""
    meanings: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        area, _, names = line.partition("\t")
        if area not in NAMES and area not in {_NOTHING, _ELSEWHERE}:
            raise GazetteerError(f"{path.name}, line {number}: {area!r} is no area of the city")
        for name in names.split():
            if meanings.setdefault(plain(name), area) != area:
                raise GazetteerError(f"{path.name}, line {number}: {name!r} already means {meanings[name]}")
    return Gazetteer(meanings)


def find_area(text: str) -> str | None:
    """Return the code of the one district or county that `text` names, else the city's, else None."""
    return area_named(Words("", plain(text[:LONGEST_READ])))


def area_named(words: Words) -> str | None:
    """Return the code of the one district or county that a petition names, else the city's, else None.

    None also where two districts are named, or the city beside another city: a guess would send it astray.
    """
    found = _shipped().areas(f"{words.heading}{END}{words.body}")
    districts = found - {CITY, _ELSEWHERE}
    if len(districts) == 1:
        return districts.pop()
    return CITY if found == {CITY} else None


@cache
def _shipped() -> Gazetteer:
    return read()
