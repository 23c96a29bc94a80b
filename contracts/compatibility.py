"""What may change between two schemas of one fact, or two definitions of one topic: next to nothing.

Compatible means both ways: old readers accept new messages, and new readers accept old ones. A required
field, a longer code list or a longer text breaks the first; a removed field or a narrower rule the second; a
changed default the meaning of both. So one thing only may change in a fact: optional fields are added.
Anything else is a new version of the fact beside the old one.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from contracts import schemas
from contracts.schemas import Schema

# Words for people, which no reader acts on.
_ANNOTATIONS: Final = frozenset(
    {"$comment", "$defs", "$id", "$schema", "deprecated", "description", "examples", "title"}
)
_COMPARED_APART: Final = frozenset({"anyOf", "enum", "items", "properties", "required"})


def schema_breaks(place: str, old: Schema, new: Schema) -> list[str]:
    """Say, one sentence each with `place` and field, what keeps old and new from reading each other."""
    return _Comparison(old, new).faults(place)


def topic_breaks(name: str, old: Schema, new: Schema) -> list[str]:
    """Say what changed in a topic that its writer, its readers or its kept messages rely on."""
    faults = []
    for what in ("writer", "partitions", "personal", "settings"):
        if old.get(what) != new.get(what):
            why = " (a petition's messages would go to another partition)" if what == "partitions" else ""
            faults.append(f"topic {name}: {what} was {_told(old, what)} and is {_told(new, what)}{why}")
    lost = [reader for reader in _array(old, "readers") if reader not in _array(new, "readers")]
    return faults + [f"topic {name}: {reader} may no longer read it" for reader in lost]


class _Comparison:
    """Walks two schemas side by side, each with its own definitions."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._old_types, self._new_types = schemas.definitions(old), schemas.definitions(new)
        self._faults: list[str] = []

    def faults(self, place: str) -> list[str]:
        self._compare(place, self._old, self._new)
        return self._faults

    def _compare(self, place: str, old: Schema, new: Schema) -> None:
        old, new = _resolved(old, self._old_types), _resolved(new, self._new_types)
        for keyword in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _COMPARED_APART):
            then, now = _told(old, keyword, self._old_types), _told(new, keyword, self._new_types)
            if then != now:
                self._say(place, f"{keyword} was {then} and is {now}")
        self._codes(place, old, new)
        self._fields(place, old, new)
        self._inner(place, old, new)

    def _codes(self, place: str, old: Schema, new: Schema) -> None:
        then, now = _array(old, "enum"), _array(new, "enum")
        if ("enum" in old) != ("enum" in new):
            self._say(place, "it was a list of codes or became one")
            return
        for code in [code for code in now if code not in then]:
            self._say(place, f"the code {code!r} is new, and old readers refuse it")
        for code in [code for code in then if code not in now]:
            self._say(place, f"the code {code!r} is gone, and old messages carry it")

    def _fields(self, place: str, old: Schema, new: Schema) -> None:
        then, now = _object(old, "properties"), _object(new, "properties")
        needed_then, needed_now = _array(old, "required"), _array(new, "required")
        for name in then:
            field = _field(place, name)
            if name not in now:
                self._say(field, "it was removed, and old readers look for it")
                continue
            if (name in needed_then) != (name in needed_now):
                self._say(field, "it became required" if name in needed_now else "it became optional")
            self._compare(field, _as_schema(then[name]), _as_schema(now[name]))
        for name in [name for name in now if name not in then]:
            field = _field(place, name)
            if name in needed_now:
                self._say(field, "it is new and required, and old messages lack it")
            elif old.get("additionalProperties") is False:
                self._say(field, "it is new, and old readers refuse fields that they do not know")

    def _inner(self, place: str, old: Schema, new: Schema) -> None:
        if ("items" in old) != ("items" in new):
            self._say(place, "what the list holds changed")
        elif "items" in old:
            self._compare(f"{place}[]", _as_schema(old["items"]), _as_schema(new["items"]))
        then, now = _array(old, "anyOf"), _array(new, "anyOf")
        if len(then) != len(now):
            self._say(place, "the choice of types changed")
            return
        for one, other in zip(then, now, strict=True):
            self._compare(place, _as_schema(one), _as_schema(other))

    def _say(self, place: str, what: str) -> None:
        self._faults.append(f"{place}: {what}")


def _field(place: str, name: str) -> str:
    return f"{place}.{name}" if " field " in place else f"{place} field {name}"


def _resolved(schema: Schema, types: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return types.get(reference.removeprefix("#/$defs/"), {}) | beside


def _as_schema(value: JsonValue) -> Schema:
    return value if isinstance(value, dict) else {}


def _object(schema: Schema, keyword: str) -> Schema:
    return _as_schema(schema.get(keyword))


def _array(schema: Schema, keyword: str) -> list[JsonValue]:
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def _told(schema: Schema, keyword: str, types: Mapping[str, Schema] = MappingProxyType({})) -> str:
    """Return a keyword's value as text, every reference in it replaced by what it means."""
    if keyword not in schema:
        return "absent"
    return json.dumps(_expanded(schema[keyword], types), ensure_ascii=False, sort_keys=True)


def _expanded(value: JsonValue, types: Mapping[str, Schema]) -> JsonValue:
    if isinstance(value, dict):
        whole = _resolved(value, types)
        # Only words are left out: a field may well be called `title`, and then stands for a schema.
        return {
            key: _expanded(inner, types)
            for key, inner in whole.items()
            if not (key in _ANNOTATIONS and isinstance(inner, str))
        }
    if isinstance(value, list):
        return [_expanded(inner, types) for inner in value]
    return value
