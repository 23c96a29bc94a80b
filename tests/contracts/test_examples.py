"""The committed examples: one for each fact and reader, readable, true to the schema, chained, invented."""

import json
import re
from itertools import groupby
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # the library has no types

from contracts import examples, generated, schemas
from contracts.envelope import digest, read
from contracts.identity import parse
from contracts.registry import FACTS, short_name
from contracts.topics import FACT_TOPICS, MEDIATION

FOLDER = generated.HERE / "examples"
EXPECTED = sorted(f"{short_name(kind)}/{reader}.json" for kind in FACTS for reader in examples.readers(kind))
CHECK = {
    name: Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for name, schema in schemas.every().items()
}


def test_every_fact_has_an_example_for_every_reader_and_there_are_no_others() -> None:
    there = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json"))
    assert there == EXPECTED
    assert {topic for kind in FACTS for topic in [kind.TOPIC]} == set(FACT_TOPICS)


@pytest.mark.parametrize("path", EXPECTED)
def test_a_reader_can_read_its_example_and_the_schema_agrees(path: str) -> None:
    text = (FOLDER / path).read_text("utf-8")
    value = examples.as_published(text)
    message = read(value)
    assert message.fact is not None
    assert short_name(type(message.fact)) == path.rpartition("/")[0]
    assert value == examples.every()[path.removesuffix(".json")]
    CHECK[schemas.ENVELOPE].validate(json.loads(text))
    CHECK[short_name(type(message.fact))].validate(json.loads(text)["data"])


def test_each_reader_s_messages_are_one_petition_and_one_unbroken_chain_per_topic() -> None:
    for reader in [story.reader for story in examples.STORIES]:
        heard = [value for path, value in examples.every().items() if path.endswith(f"/{reader}")]
        assert len({read(value).petition for value in heard}) == 1
        for _, values in groupby(sorted(heard, key=_place), key=lambda value: _place(value)[0]):
            stream = list(values)
            assert [read(value).envelope.ordinal for value in stream] == list(range(1, len(stream) + 1))
            assert [read(value).envelope.previous for value in stream] == [None, *map(digest, stream[:-1])]


def _place(value: bytes) -> tuple[str, int]:
    envelope = read(value).envelope
    return envelope.id.split("/")[0], envelope.ordinal


def test_every_cause_is_a_message_of_the_same_petition() -> None:
    for value in examples.every().values():
        envelope = read(value).envelope
        if envelope.causationid is not None:
            assert envelope.causationid.split("/")[1] == envelope.subject
    assert all(parse(story.petition) == story.petition for story in examples.STORIES)


def test_the_persons_are_invented_and_the_numbers_are_from_the_fictitious_range() -> None:
    for path, value in examples.every().items():
        numbers = re.findall(r"(?<![0-9a-f-])1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9a-f])", value.decode())
        assert all(number.replace(" ", "").startswith("1380000") for number in numbers), path
        assert bool(numbers) == path.startswith("dossiers/"), path


def test_what_a_petitioner_wrote_is_in_dossiers_alone() -> None:
    for story in examples.STORIES:
        for path, value in examples.every().items():
            if not path.startswith("dossiers/"):
                for personal in (story.name, story.phone, story.title, story.content):
                    assert personal not in value.decode(), path


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    dossier: dict[str, Any] = json.loads(examples.every()["dossiers/DossierSaved.v1/notify"])
    bad = {"name": "a\x00", "content": "长" * 20_001, "title": "", "phone": 1, "code_hash": "x"}
    for field, value in bad.items():
        assert not CHECK["dossiers/DossierSaved.v1"].is_valid(dossier["data"] | {field: value}), field
    bad = {"ordinal": 0, "subject": "x", "previous": "x", "specversion": "2.0"}
    for field, value in bad.items():
        assert not CHECK[schemas.ENVELOPE].is_valid(dossier | {field: value}), field


def test_the_bodies_example_is_of_mediation_s_facts() -> None:
    own = {path.rpartition("/")[0] for path in EXPECTED if path.endswith("/body.json")}
    assert own == {short_name(kind) for kind in FACTS if kind.TOPIC == MEDIATION}


@pytest.mark.parametrize("name", sorted(CHECK))
def test_every_schema_is_a_schema_of_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(schemas.every()[name])
    assert schemas.every()[name]["$schema"] == schemas.DIALECT
