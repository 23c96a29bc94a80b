"""Which district or county, and which street, a petition is about, from place names in its text.

Used where the petition came in without an area code, or with one that stops above the street; where names
disagree it says nothing. Data: `data/names.tsv` (how people call districts and streets), `data/streets.tsv`
(the streets by their codes, with the source of the list).
"""

from functools import cache
from pathlib import Path
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from contracts.areas import CITY, NAMES, is_area
from services.routing.lexicon.wording import END, LONGEST_READ, Words, plain

DATA: Final = Path(__file__).parent / "data" / "names.tsv"
STREETS: Final = Path(__file__).parent / "data" / "streets.tsv"
_STREET_DIGITS: Final = 9
_NOTHING: Final = "-"
_ELSEWHERE: Final = "*"


class GazetteerError(ValueError):
    """The list of place names cannot be used; the message names file, line and reason."""


class Gazetteer:
    """The compiled list: of overlapping names, the longest one counts."""

    def __init__(self, meanings: dict[str, str], streets: dict[str, str]) -> None:
        self._streets = streets
        self._areas = tuple(meanings.values())
        self._finder = AhoCorasick(tuple(meanings), matchkind=MatchKind.LeftmostLongest, store_patterns=False)

    def areas(self, text: str) -> set[str]:
        """Return the codes that names in `text` stand for, with `*` for places outside the city."""
        found = {self._areas[place] for place, *_ in self._finder.find_matches_as_indexes(text)}
        return found - {_NOTHING}

    def street(self, text: str, district: str) -> str | None:
        """Return the one street of a district that `text` names; towns elsewhere may have the same name."""
        within = (code for name, code in self._streets.items() if code[:6] == district and name in text)
        found = set(within)
        return found.pop() if len(found) == 1 else None


def read(path: Path = DATA, streets: Path = STREETS) -> Gazetteer:
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
    return Gazetteer(meanings, read_streets(streets))


def read_streets(path: Path = STREETS) -> dict[str, str]:
    """Read the streets by name; raises GazetteerError."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        code, _, name = line.partition("\t")
        if not is_area(code) or len(code) != _STREET_DIGITS or code[:6] == CITY:
            raise GazetteerError(f"{path.name}, line {number}: {code!r} is no street of the city")
        if found.setdefault(plain(name), code) != code:
            raise GazetteerError(f"{path.name}, line {number}: {name!r} stands twice")
    return found


def refine(given: str | None, found: str | None) -> str | None:
    """Return the narrower of what was given and what was found; what was given is never contradicted."""
    if given is None or found is None:
        return given or found
    within = given == CITY or found.startswith(given)
    return found if within and len(found) >= len(given) else given


def find_area(text: str) -> str | None:
    """Return the code of the street, district or city that `text` names."""
    return area_named(Words("", plain(text[:LONGEST_READ])))


def area_named(words: Words) -> str | None:
    """Return the code of the one street that a petition names, else of the one district, else the city's.

    None where nothing is named, or two districts, or the city beside another city: a guess sends it astray.
    """
    said = f"{words.heading}{END}{words.body}"
    found = _shipped().areas(said)
    districts = found - {CITY, _ELSEWHERE}
    if len(districts) == 1:
        district = districts.pop()
        return _shipped().street(said, district) or district
    return CITY if found == {CITY} else None


@cache
def _shipped() -> Gazetteer:
    return read()
