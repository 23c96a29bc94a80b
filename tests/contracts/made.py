"""Facts made from their schemas: whatever a schema allows, readers must accept."""

import re
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from contracts import schemas
from contracts.fact import Fact
from contracts.identity import CHANCE_RANGE, EPOCH, PetitionId, make

MOMENTS = st.datetimes(  # all that an id can hold
    EPOCH.replace(tzinfo=None), EPOCH.replace(tzinfo=None, year=2857), timezones=st.just(UTC)
)
PETITIONS: st.SearchStrategy[PetitionId] = st.builds(
    make,
    MOMENTS,
    st.integers(0, CHANCE_RANGE - 1),
)


def facts(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Make facts of one kind, by way of their JSON."""
    schema = schemas.of_fact(kind)
    return _values(schema, schemas.definitions(schema)).map(kind.model_validate)


def _values(  # noqa: PLR0911 - one for each type of JSON Schema
    schema: Any, types: Any
) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(types[schema["$ref"].removeprefix("#/$defs/")], types)
    if "anyOf" in schema:
        return st.one_of([_values(one, types) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            fields = {name: _values(field, types) for name, field in schema["properties"].items()}
            needed = {name: field for name, field in fields.items() if name in schema["required"]}
            extra = {name: field for name, field in fields.items() if name not in needed}
            return st.fixed_dictionaries(needed, optional=extra)
        case "array":
            return st.lists(_values(schema["items"], types), max_size=5)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(
                schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False
            )
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return _strings(schema)
    raise AssertionError(f"no values for {schema}")


def _strings(schema: Any) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        years = EPOCH.replace(year=2000, tzinfo=None), EPOCH.replace(year=2199, tzinfo=None)
        return st.datetimes(*years, timezones=st.just(UTC)).map(lambda moment: moment.isoformat())
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if re.fullmatch(r"\^\[\^(.*)\]\*\$", schema.get("pattern", "")):
        # Free text: any characters but control characters; long ones too.
        return st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=least, max_size=most)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda s: len(s) <= (most or len(s)))
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)
