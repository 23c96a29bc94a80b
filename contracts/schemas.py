"""JSON Schema (2020-12) of every fact's data and of the envelope, for readers not written in Python."""

from collections.abc import Iterable
from typing import Final

import msgspec
from pydantic import JsonValue
from pydantic.json_schema import GenerateJsonSchema

from contracts.envelope import Envelope
from contracts.fact import Fact
from contracts.generated import as_text
from contracts.registry import FACTS, short_name

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE: Final = "envelope.v1"

Schema = dict[str, JsonValue]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the fields' names."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def of_fact(kind: type[Fact]) -> Schema:
    """Return the schema of a fact's `data`, as readers check it; its `$id` is the envelope's `dataschema`."""
    head: Schema = {"$schema": DIALECT, "$id": f"urn:petition-bridge:{short_name(kind).replace('/', ':')}"}
    return head | kind.model_json_schema(schema_generator=_Untitled)


def of_envelope() -> Schema:
    """Return the schema of the whole message; `data` is described by the fact that `type` names."""
    (schema,), components = msgspec.json.schema_components([Envelope], ref_template="#/$defs/{name}")
    del schema  # a reference to the one component
    head: Schema = {"$schema": DIALECT, "$id": f"urn:petition-bridge:{ENVELOPE}"}
    body: Schema = components["Envelope"]
    description = " ".join(str(body["description"]).split())
    return head | body | {"description": description}


def definitions(schema: Schema) -> dict[str, Schema]:
    """Return the types that a schema defines for itself."""
    inside = schema.get("$defs", {})
    return {k: v for k, v in inside.items() if isinstance(v, dict)} if isinstance(inside, dict) else {}


def every(facts: Iterable[type[Fact]] = FACTS) -> dict[str, Schema]:
    """Return all schemas by their short names (`intake/PetitionRegistered.v1`, `envelope.v1`)."""
    return {ENVELOPE: of_envelope()} | {short_name(kind): of_fact(kind) for kind in facts}


def files() -> dict[str, str]:
    """Return what `contracts/schemas/` holds."""
    return {f"{name}.json": as_text(schema) for name, schema in every().items()}
