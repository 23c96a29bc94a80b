"""The areas a petition can belong to: the city and its nine districts and counties, by administrative code.

Codes follow the national standard GB/T 2260. Streets and communities extend a district's code by three
digits each (contracts/places.py has their names); a grid (网格) extends its community's by the two to five
digits that the city numbers its grids with.
"""

import re
from typing import Final

CITY: Final = "430100"
NAMES: Final[dict[str, str]] = {
    "430100": "长沙市",
    "430102": "芙蓉区",
    "430103": "天心区",
    "430104": "岳麓区",
    "430105": "开福区",
    "430111": "雨花区",
    "430112": "望城区",
    "430121": "长沙县",
    "430181": "浏阳市",
    "430182": "宁乡市",
}
PATTERN: Final = rf"^(?:{'|'.join(NAMES)})(?:[0-9]{{3}}(?:[0-9]{{3}}(?:[0-9]{{2,5}})?)?)?$"
_SHAPE: Final = re.compile(r"[0-9]{6}(?:[0-9]{3}(?:[0-9]{3}(?:[0-9]{2,5})?)?)?")
_COMMUNITY_DIGITS: Final = 12


def is_area(code: str) -> bool:
    """Tell whether `code` is a known district (6 digits) or a street (9), community (12) or grid in one."""
    return _SHAPE.fullmatch(code) is not None and code[:6] in NAMES


def name(code: str) -> str:
    """Return the Chinese name of the district that an area code lies in."""
    return NAMES[code[:6]]


def lies_in(code: str | None, wider: str) -> bool:
    """Tell whether a known area is the wider one or a part of it; everything lies in the city."""
    return code is not None and (wider == CITY or code.startswith(wider))


def community(code: str | None) -> str | None:
    """Return an area as a fact's `area` carries it: down to its community."""
    return code and code[:_COMMUNITY_DIGITS]


def grid(code: str | None) -> str | None:
    """Return a grid's code as a fact's `grid` carries it; None for an area that is none."""
    return code if code is not None and len(code) > _COMMUNITY_DIGITS else None
