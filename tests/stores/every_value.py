"""Any value that a part of a docket can have, made from its type."""

from __future__ import annotations

import dataclasses
import types
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

# Emoji of several code points, characters outside the first plane, a combining mark, a NUL, a line end.
_TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", "𠮷𡈽", "👩‍👩‍👧‍👦", "e\u0301", "\x00", "a\nb", "$a.b", "水" * 100]),
)
_FIRST = datetime(2000, 1, 1)  # noqa: DTZ001 - hypothesis puts the zone on
_TIMES = st.datetimes(_FIRST, _FIRST.replace(year=2199), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, fold=0)
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Make values of a type as a part may have it: plain types, tuples, codes, times, frozen dataclasses."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: _TEXTS,
        int: st.integers(0, 2**31 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        datetime: _TIMES,
        type(None): st.none(),
    }
    if kind in plain:
        return plain[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return st.one_of([values(argument) for argument in arguments])
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(
            st.from_regex(r"[a-z_]{1,9}", fullmatch=True), values(arguments[1]), max_size=3
        )
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        fields = {field.name: values(hints[field.name]) for field in dataclasses.fields(kind)}
        return st.builds(kind, **fields)
    raise AssertionError(f"a part holds {kind}, which has no stored form that is tested")
