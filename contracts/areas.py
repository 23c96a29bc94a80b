"""The areas a petition can belong to: the city and its nine districts and counties, by administrative code.

Codes follow the national standard GB/T 2260. Streets and communities extend a district's code by three
digits each; the list of streets comes with the routing catalogue.
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
PATTERN: Final = rf"^(?:{'|'.join(NAMES)})(?:[0-9]{{3}}(?:[0-9]{{3}})?)?$"
_SHAPE: Final = re.compile(r"[0-9]{6}(?:[0-9]{3}(?:[0-9]{3})?)?")


def is_area(code: str) -> bool:
    """Tell whether `code` is a known district (6 digits) or a street (9) or community (12) within one."""
    return _SHAPE.fullmatch(code) is not None and code[:6] in NAMES


def name(code: str) -> str:
    """Return the Chinese name of the district that an area code lies in."""
    return NAMES[code[:6]]
