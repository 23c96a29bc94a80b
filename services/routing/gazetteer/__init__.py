"""Which district or county, street and community a petition is about, from place names in its text.

Used where the petition came in without an area code, or with one that stops above the community; where names
disagree it says nothing. Data: `data/names.tsv` (how people call districts and streets), and the lists of
contracts/places.py, which the operator edits while everything runs.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

from contracts import places
from contracts.areas import CITY, NAMES
from contracts.places import Places
from services.routing.lexicon.wording import END, LONGEST_READ, Words, plain

DATA: Final = Path(__file__).parent / "data" / "names.tsv"
# What a community is called; a text without either names none.
_SUFFIXES: Final = ("社区", "村")
_NOTHING: Final = "-"
_ELSEWHERE: Final = "*"


class GazetteerError(ValueError):
    """The list of place names cannot be used; the message names file, line and reason."""


class Named:
    """The places of one district by the names that a text may have; a name may stand for several."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._codes: dict[str, set[str]] = {}
        for code, name in names.items():
            self._codes.setdefault(plain(name), set()).add(code)
        self._names = tuple(self._codes)
        self._finder = AhoCorasick(self._names, matchkind=MatchKind.LeftmostLongest, store_patterns=False)

    def within(self, text: str, area: str) -> str | None:
        """Return the one place within an area that `text` names."""
        named = {self._names[place] for place, *_ in self._finder.find_matches_as_indexes(text)}
        found = {code for name in named for code in self._codes[name] if code.startswith(area)}
        return found.pop() if len(found) == 1 else None


class Gazetteer:
    """The compiled lists: of overlapping names, the longest one counts."""

    def __init__(self, meanings: Mapping[str, str], lists: Places) -> None:
        self._areas = tuple(meanings.values())
        self._finder = AhoCorasick(tuple(meanings), matchkind=MatchKind.LeftmostLongest, store_patterns=False)
        self._streets = _by_district(lists.streets)
        self._communities = _by_district(lists.communities)

    def areas(self, text: str) -> set[str]:
        """Return the codes that names in `text` stand for, with `*` for places outside the city."""
        found = {self._areas[place] for place, *_ in self._finder.find_matches_as_indexes(text)}
        return found - {_NOTHING}

    def narrowest(self, text: str, district: str) -> str:
        """Return the one street or community of a district that `text` names, else the district.

        Only within a district that is known: towns and villages elsewhere have the same names.
        """
        street = self._streets[district].within(text, district) or district
        if not any(suffix in text for suffix in _SUFFIXES):
            return street
        return self._communities[district].within(text, street) or street


def _by_district(names: Mapping[str, str]) -> dict[str, Named]:
    return {
        district: Named({code: name for code, name in names.items() if code.startswith(district)})
        for district in NAMES
    }


def read(path: Path = DATA) -> dict[str, str]:
    """Read and check how people call the areas; raises GazetteerError."""
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
    return meanings


def refine(given: str | None, found: str | None) -> str | None:
    """Return the narrower of what was given and what was found; what was given is never contradicted."""
    if given is None or found is None:
        return given or found
    within = given == CITY or found.startswith(given)
    return found if within and len(found) >= len(given) else given


def find_area(text: str) -> str | None:
    """Return the code of the community, street, district or city that `text` names."""
    return area_named(Words("", plain(text[:LONGEST_READ])))


def area_named(words: Words) -> str | None:
    """Return the code of the one community or street that a petition names in its one district.

    Without a district that of the city, if it is named. None where nothing is named, or two districts, or the
    city beside another city: a guess sends it astray.
    """
    said = f"{words.heading}{END}{words.body}"
    lists = _compiled(places.SHELF.look())
    found = lists.areas(said)
    districts = found - {CITY, _ELSEWHERE}
    if len(districts) == 1:
        return lists.narrowest(said, districts.pop())
    return CITY if found == {CITY} else None


@lru_cache(maxsize=1)
def _compiled(lists: Places) -> Gazetteer:
    return Gazetteer(_meanings(), lists)


@cache
def _meanings() -> dict[str, str]:
    return read()
