"""The gate: what the models promise now, held against what the last release promised (`contracts/release/`).

The release is files, not code, so that a change of the models cannot change what they are compared with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from pydantic import JsonValue

from contracts import asyncapi, examples, generated, schemas
from contracts.compatibility import schema_breaks, topic_breaks
from contracts.envelope import Message, UndecodableError, read, seal
from contracts.fact import Fact
from contracts.registry import FACTS
from contracts.schemas import Schema
from contracts.topics import ALL_TOPICS, Topic, settings

RELEASE: Final = "release"
SUMS: Final = "SHA256SUMS"
_TYPES: Final = "types.json"
_TOPICS: Final = "topics.json"
_MESSAGES: Final = "messages.jsonl"
_SCHEMAS: Final = "schemas"


@dataclass(frozen=True)
class Contract:
    """What is promised: every schema, each type string with its topic, every topic, messages of each kind."""

    schemas: Mapping[str, Schema]
    types: Mapping[str, str]
    topics: Mapping[str, Schema]
    messages: tuple[bytes, ...]


def current() -> Contract:
    """Return what the models promise now."""
    return Contract(
        schemas=schemas.every(),
        types={kind.TYPE: kind.TOPIC.name for kind in FACTS},
        topics={topic.name: _topic(topic) for topic in ALL_TOPICS},
        messages=tuple(examples.every().values()),
    )


def release_files(contract: Contract) -> dict[str, str]:
    """Return a contract as the files of a release, with the sums that show a lost or edited one."""
    files = {
        _TYPES: generated.as_text(dict(contract.types)),
        _TOPICS: generated.as_text(dict(contract.topics)),
        _MESSAGES: "".join(f"{message.decode()}\n" for message in contract.messages),
    }
    for name, schema in contract.schemas.items():
        files[f"{_SCHEMAS}/{name}.json"] = generated.as_text(schema)
    sums = "".join(f"{sha256(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(files.items()))
    return files | {SUMS: sums}


def released(folder: Path) -> Contract:
    """Read the last release; a lost file is for `damages` to report, here it promises nothing."""
    paths = {path.relative_to(folder / _SCHEMAS): path for path in (folder / _SCHEMAS).rglob("*.json")}
    messages = folder / _MESSAGES
    return Contract(
        schemas={name.as_posix().removesuffix(".json"): _load(path) for name, path in sorted(paths.items())},
        types={name: str(topic) for name, topic in _load(folder / _TYPES).items()},
        topics={name: topic for name, topic in _load(folder / _TOPICS).items() if isinstance(topic, dict)},
        messages=tuple(messages.read_bytes().splitlines()) if messages.is_file() else (),
    )


def damages(folder: Path) -> list[str]:
    """Say which files of the last release are lost, edited or slipped in."""
    if not (folder / SUMS).is_file():
        return [f"{folder.name}/{SUMS} is missing: restore the folder of the last release"]
    lines = (folder / SUMS).read_text("utf-8").splitlines()
    promised = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p.name != SUMS}
    faults = []
    for path in sorted(set(promised) | set(there)):
        if path not in there:
            faults.append(f"{folder.name}/{path} was deleted: a release is never changed, restore it")
        elif path not in promised:
            faults.append(f"{folder.name}/{path} is no part of the release: take it out")
        elif sha256(there[path].read_bytes()).hexdigest() != promised[path]:
            faults.append(f"{folder.name}/{path} was edited: a release is never changed, restore it")
    return faults


def breaks(old: Contract, new: Contract) -> list[str]:
    """Say, one sentence each, what in `new` breaks the readers or the messages of `old`."""
    faults = []
    for name, home in old.types.items():
        if name not in new.types:
            faults.append(f"{name}: the fact was deleted or its type string changed; old messages carry it")
        elif new.types[name] != home:
            faults.append(
                f"{name}: it moved from {home} to {new.types[name]}, where its readers do not listen"
            )
    for name, schema in old.schemas.items():
        place = f"{_SCHEMAS}/{name}.json"
        if name not in new.schemas:
            faults.append(f"{place}: the schema was deleted or renamed")
        else:
            faults.extend(schema_breaks(place, schema, new.schemas[name]))
    for name, topic in old.topics.items():
        if name not in new.topics:
            faults.append(f"topic {name}: it was deleted or renamed, and its messages are there")
        else:
            faults.extend(topic_breaks(name, topic, new.topics[name]))
    return faults


def unreadable(old: Contract) -> list[str]:
    """Say which messages of the last release today's models refuse, or understand differently.

    The schemas do not show rules that are written as code; reading real old messages does.
    """
    faults = []
    for number, line in enumerate(old.messages, start=1):
        place = f"{_MESSAGES} line {number}"
        try:
            message = read(line)
        except UndecodableError as error:
            faults.append(f"{place}: an old message can no longer be read ({error.reason})")
            continue
        if message.fact is None:
            faults.append(f"{place}: {message.envelope.type} is no longer known, and old messages carry it")
        elif changed := _changed(message, message.fact, line):
            parts = ", ".join(changed)
            faults.append(f"{place}: {message.envelope.type} would be written differently now: {parts}")
    return faults


def check(root: Path = generated.HERE) -> list[str]:
    """Run the whole gate over the package's folder; returns a sentence for everything that is wrong."""
    last = released(root / RELEASE)
    faults = damages(root / RELEASE) + breaks(last, current()) + unreadable(last)
    for name, files in generated_folders().items():
        stale = generated.differences(root / name, files)
        faults += [f"{fault}: run python -m contracts {name}" for fault in stale]
    return faults


def generated_folders() -> dict[str, dict[str, str]]:
    """Return what each folder that is made from the models should hold."""
    return {"schemas": schemas.files(), "examples": examples.files(), "asyncapi": asyncapi.files()}


def release(root: Path = generated.HERE) -> list[str]:
    """Make today's models the last release; refuses, with the reasons, what would break the one before."""
    folder = root / RELEASE
    if folder.exists():
        last = released(folder)
        if faults := damages(folder) + breaks(last, current()) + unreadable(last):
            return faults
    generated.write(folder, release_files(current()))
    return []


def _topic(topic: Topic) -> Schema:
    kept: Schema = dict(settings(topic))
    readers: list[JsonValue] = list(topic.readers)
    return {
        "writer": topic.writer,
        "readers": readers,
        "partitions": topic.partitions,
        "personal": topic.personal,
        "settings": kept,
    }


def _changed(message: Message, fact: Fact, line: bytes) -> list[str]:
    """Return what of an old message comes out differently when its fact is sealed by today's code."""
    said = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    envelope = message.envelope
    again = seal(
        fact,
        petition=message.petition,
        ordinal=envelope.ordinal,
        previous=envelope.previous,
        cause=envelope.causationid,
        traceparent=envelope.traceparent,
    )
    now = msgspec.json.decode(again, type=dict[str, msgspec.Raw])
    attributes = [name for name in {**said, **now} if name != "data" and said.get(name) != now.get(name)]
    then_data, now_data = json.loads(bytes(said["data"])), json.loads(fact.data())
    return attributes + [f"data.{name}" for name in then_data if then_data[name] != now_data.get(name)]


def _load(path: Path) -> Schema:
    loaded = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return loaded if isinstance(loaded, dict) else {}
