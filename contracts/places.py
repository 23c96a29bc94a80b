"""The streets and the communities of the city: what a code stands for in words.

Data that the operator edits: `data/streets.tsv` and `data/communities.tsv`, or those of the folder that the
environment's PLACES names; each file says where its list comes from. An edit counts as soon as somebody
looks; a broken one is not taken (contracts/edited.py).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from contracts import areas
from contracts.edited import EditError, Shelf

SHIPPED: Final = Path(__file__).parent / "data"
FOLDER: Final = Path(os.environ.get("PLACES") or SHIPPED)
FILES: Final = (FOLDER / "streets.tsv", FOLDER / "communities.tsv")
_STREET_DIGITS: Final = 9
_COMMUNITY_DIGITS: Final = 12


class PlacesError(EditError):
    """A list of places cannot be used; the message names file, line and reason."""


@dataclass(frozen=True, eq=False)
class Places:
    """Names by code; `version` is a digest of both lists."""

    version: str
    streets: Mapping[str, str]
    communities: Mapping[str, str]

    def name(self, code: str) -> str:
        """Return the name of the narrowest place that is known, with those that it lies in."""
        street, community = self.streets.get(code[:9], ""), self.communities.get(code[:12], "")
        grid = areas.grid(code)
        return f"{areas.name(code)}{street}{community}{f'{grid[12:]}号网格' if grid else ''}"


def read(streets: Path = FILES[0], communities: Path = FILES[1]) -> Places:
    """Read and check both lists; raises PlacesError for the first fault."""
    texts = [_text(file) for file in (streets, communities)]
    within: dict[str, str] = {}
    for place, code, name in _rows(streets, texts[0]):
        if not areas.is_area(code) or len(code) != _STREET_DIGITS or code[:6] == areas.CITY:
            raise PlacesError(f"{place}: {code!r} is no street of the city")
        if code in within or name in within.values():
            raise PlacesError(f"{place}: {name!r} stands twice")
        within[code] = name
    found: dict[str, str] = {}
    named: set[tuple[str, str]] = set()
    for place, code, name in _rows(communities, texts[1]):
        if len(code) != _COMMUNITY_DIGITS or code[:_STREET_DIGITS] not in within:
            raise PlacesError(f"{place}: {code!r} is no community of a street in {streets.name}")
        if code in found or (code[:_STREET_DIGITS], name) in named:
            raise PlacesError(f"{place}: {name!r} stands twice in its street")
        named.add((code[:_STREET_DIGITS], name))
        found[code] = name
    return Places(sha256("".join(texts).encode()).hexdigest()[:8], within, found)


SHELF: Final = Shelf(FILES[0], read, beside=FILES[1:])


def name(code: str) -> str:
    """Return what a code stands for, as the lists in force say."""
    return SHELF.look().name(code)


def shown(code: str | None) -> str:
    """Return a code's name for a page, or that none is known."""
    return name(code) if code and areas.is_area(code) else "未注明"


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesError(f"{file.name}: {error}") from error


def _rows(file: Path, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield where a row stands, its code and its name."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        code, _, name = (part.strip() for part in line.partition("\t"))
        if not name:
            raise PlacesError(f"{file.name}, line {number}: a code, a tab and a name")
        yield f"{file.name}, line {number}", code, name
