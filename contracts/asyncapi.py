"""The AsyncAPI 3.0 document of each service: what it writes, what it may read, how each message looks.

Every document stands alone (schemas are inside), because services serve theirs in closed networks.
"""

import json
from collections.abc import Iterable
from typing import Final

from pydantic import JsonValue

from contracts import examples, schemas
from contracts.bodies import Body
from contracts.fact import Fact
from contracts.generated import as_text
from contracts.registry import FACTS, short_name
from contracts.topics import (
    ALL_TOPICS,
    BODY_TOPICS,
    DEAD_LETTERS,
    DOSSIERS,
    MEDIATION,
    SERVICES,
    Topic,
    settings,
)

_BINDING: Final = "0.5.0"
_BODY_VIEWS: Final = "body-views"
_BODY_ADDRESS: Final = "body-{body}-v1"
_TOMBSTONE: Final = "dossiers.Erased"
_DEAD_LETTER: Final = "DeadLetter"

Part = dict[str, JsonValue]


def document(service: str) -> Part:
    """Return the document of one service."""
    written = [topic for topic in _single_topics() if topic.writer == service]
    read = [t for t in _single_topics() if service in t.readers and t.writer != service]
    writes_bodies = service == MEDIATION.writer
    facts = [kind for kind in FACTS if kind.TOPIC in written or kind.TOPIC in read]
    channels: Part = {topic.name: _channel(topic) for topic in (*written, *read)}
    operations: Part = {f"send.{topic.name}": _operation("send", topic, service) for topic in written}
    operations |= {f"receive.{topic.name}": _operation("receive", topic, service) for topic in read}
    if writes_bodies:
        channels[_BODY_VIEWS] = _body_channel()
        operations[f"send.{_BODY_VIEWS}"] = _body_operation()
    messages: Part = {_key(kind): _message(kind, service) for kind in facts}
    if DOSSIERS in written or DOSSIERS in read:
        messages[_TOMBSTONE] = _tombstone()
    messages[_DEAD_LETTER] = _dead_letter()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"petition-bridge {service}",
            "version": "1.0.0",
            "description": (
                f"What {service} writes to Kafka and what it may read. Every message is one CloudEvents 1.0 "
                "JSON object (structured mode) about one petition, keyed by the petition's id; the facts of "
                "one petition in one topic are numbered from 1 and chained by SHA-256. Readers ignore fields "
                "that they do not know: optional ones may be added."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _components(facts)},
    }


def files() -> dict[str, str]:
    """Return what `contracts/asyncapi/` holds."""
    return {f"{service}.json": as_text(document(service)) for service in SERVICES}


def _single_topics() -> list[Topic]:
    """Return the topics that have a channel of their own: the bodies' views share one, with a parameter."""
    spoken = {kind.TOPIC for kind in FACTS} | set(DEAD_LETTERS.values())
    return [topic for topic in ALL_TOPICS if topic in spoken]


def _channel(topic: Topic) -> Part:
    named: Part = {"topic": topic.name}
    return {
        "address": topic.name,
        "description": _sentence(topic.contents) + (" Holds personal data." if topic.personal else ""),
        "messages": {key: _ref(f"components/messages/{key}") for key in _keys(topic)},
        "bindings": {"kafka": named | _kept(topic)},
    }


def _body_channel() -> Part:
    codes: list[JsonValue] = [str(body) for body in Body]
    view = BODY_TOPICS[Body.LABOR]
    return {
        "address": _BODY_ADDRESS,
        "description": _sentence(view.contents)
        + f" The very bytes of {MEDIATION.name}, so numbers may jump here.",
        "parameters": {"body": {"enum": codes, "description": "The code of one of the 15 bodies."}},
        "messages": {key: _ref(f"components/messages/{key}") for key in _keys(MEDIATION)},
        "bindings": {"kafka": _kept(view)},
    }


def _kept(topic: Topic) -> Part:
    said = settings(topic)
    configuration: Part = {"cleanup.policy": [said.pop("cleanup.policy")]}
    configuration |= {key: int(value) for key, value in said.items()}
    return {
        "partitions": topic.partitions,
        "topicConfiguration": configuration,
        "bindingVersion": _BINDING,
    }


def _operation(action: str, topic: Topic, service: str) -> Part:
    operation: Part = {
        "action": action,
        "channel": _ref(f"channels/{topic.name}"),
        "summary": f"{service} {'writes' if action == 'send' else 'may read'}: {topic.contents}.",
        "messages": [_ref(f"channels/{topic.name}/messages/{key}") for key in _keys(topic)],
    }
    if action == "receive":
        group: Part = {"type": "string", "enum": [service], "description": "The consumer group."}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
    return operation


def _body_operation() -> Part:
    return {
        "action": "send",
        "channel": _ref(f"channels/{_BODY_VIEWS}"),
        "summary": "mediation copies each case fact to the topic of the body that has the petition.",
        "messages": [_ref(f"channels/{_BODY_VIEWS}/messages/{key}") for key in _keys(MEDIATION)],
    }


def _message(kind: type[Fact], service: str) -> Part:
    reader = service if service in kind.TOPIC.readers else kind.TOPIC.readers[0]
    example: JsonValue = json.loads(examples.every()[f"{short_name(kind)}/{reader}"])
    return {
        "name": kind.TYPE,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                _ref("components/schemas/envelope.v1"),
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": kind.TYPE},
                        "data": _ref(f"components/schemas/{_key(kind)}"),
                    },
                },
            ]
        },
        "bindings": _keyed("The petition's id, equal to `subject`."),
        "examples": [{"name": f"for-{reader}", "payload": example}],
    }


def _tombstone() -> Part:
    return {
        "name": _TOMBSTONE,
        "title": "Erased",
        "summary": "A null value: the person is to be forgotten; readers drop what they keep of the dossier.",
        "payload": {"type": "null"},
        "bindings": _keyed("The petition's id."),
    }


def _dead_letter() -> Part:
    text: Part = {"type": "string"}
    names: list[JsonValue] = ["reason", "topic", "partition", "offset"]
    cut: list[JsonValue] = ["sha256", "bytes"]
    return {
        "name": _DEAD_LETTER,
        "title": "DeadLetter",
        "summary": "What could not be decoded or parked, as it came; the headers say why and from where.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": names,
            "properties": {str(name): text for name in (*names, *cut)},
        },
        "payload": {
            "type": "string",
            "description": "The original bytes, cut at 512 KiB; the headers then tell of the whole.",
        },
        "bindings": _keyed("The key as it came."),
    }


def _keyed(description: str) -> Part:
    key: Part = {"type": "string", "description": description}
    return {"kafka": {"key": key, "bindingVersion": _BINDING}}


def _components(facts: Iterable[type[Fact]]) -> Part:
    """Lift every schema and the definitions inside it to the document's own components."""
    lifted: Part = {}
    whole = {schemas.ENVELOPE: schemas.of_envelope()} | {_key(kind): schemas.of_fact(kind) for kind in facts}
    for name, schema in whole.items():
        for part, definition in [*schemas.definitions(schema).items(), (name, schema)]:
            moved = _moved(definition)
            if lifted.setdefault(part, moved) != moved:
                raise ValueError(f"two different types are called {part}: rename one of them")
    return lifted


def _moved(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {
            key: str(inner).replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(inner)
            for key, inner in value.items()
            if key not in {"$schema", "$id", "$defs"}
        }
    if isinstance(value, list):
        return [_moved(inner) for inner in value]
    return value


def _keys(topic: Topic) -> list[str]:
    if topic in DEAD_LETTERS.values():
        return [_DEAD_LETTER]
    keys = [_key(kind) for kind in FACTS if topic == kind.TOPIC]
    return [*keys, _TOMBSTONE] if topic == DOSSIERS else keys


def _key(kind: type[Fact]) -> str:
    """Return a fact's name as AsyncAPI allows it in references (no slash)."""
    return short_name(kind).replace("/", ".")


def _ref(path: str) -> Part:
    return {"$ref": f"#/{path}"}


def _sentence(contents: str) -> str:
    return f"{contents[0].upper()}{contents[1:]}."
