"""The gate turns red on each kind of planted fault, and stays green for the one change that is allowed."""

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field

from contracts import examples, generated, release, schemas
from contracts.bodies import Body
from contracts.compatibility import schema_breaks
from contracts.fact import Fact
from contracts.intake import PetitionRated, PetitionRegistered
from contracts.release import Contract
from contracts.topics import INTAKE, Topic

NOW = release.current()
REGISTERED = "intake/PetitionRegistered.v1"
ROUTED = "routing/PetitionRouted.v1"
ANNOTATIONS = {"title", "description", "$id", "$schema"}


def test_the_models_as_they_are_break_nothing_and_everything_generated_is_committed() -> None:
    assert release.check() == []


def test_the_release_has_every_type_string_and_reads_as_what_was_written(tmp_path: Path) -> None:
    assert generated.write(tmp_path / "release", release.release_files(NOW))
    assert release.released(tmp_path / "release") == NOW
    assert release.damages(tmp_path / "release") == []
    assert release.breaks(NOW, NOW) == release.unreadable(NOW) == []


def _changed(name: str, change: Callable[[Any], object]) -> Contract:
    """Return today's contract with one schema changed."""
    schema = deepcopy(dict(NOW.schemas))
    change(schema[name])
    return replace(NOW, schemas=schema)


def _set(*path: str, to: object) -> Callable[[Any], None]:
    def change(schema: Any) -> None:
        for step in path[:-1]:
            schema = schema[step]
        if to is None:
            del schema[path[-1]]
        else:
            schema[path[-1]] = to

    return change


def _field(*path: str, to: object) -> Callable[[Any], None]:
    return _set("properties", *path, to=to)


FAULTS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "a required field is added": (
        REGISTERED,
        lambda s: (s["properties"].update(later={"type": "string"}), s["required"].append("later")),
        "field later: it is new and required",
    ),
    "a required field is removed": (
        REGISTERED,
        lambda s: (s["properties"].pop("request"), s["required"].remove("request")),
        "field request: it was removed",
    ),
    "an optional field is removed": (
        ROUTED,
        _field("second", to=None),
        "field second: it was removed",
    ),
    "a field is renamed": (
        REGISTERED,
        lambda s: s["properties"].update(region=s["properties"].pop("area")),
        "field area: it was removed",
    ),
    "an optional field becomes required": (
        ROUTED,
        lambda s: s["required"].append("area"),
        "field area: it became required",
    ),
    "a required field becomes optional": (
        ROUTED,
        lambda s: s["required"].remove("due"),
        "field due: it became optional",
    ),
    "another type": (ROUTED, _field("transfer", "type", to="number"), "field transfer: type was"),
    "a type wider": (
        ROUTED,
        _field("transfer", to={"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        "field transfer",
    ),
    "an optional field loses null": (
        ROUTED,
        lambda s: s["properties"]["area"]["anyOf"].pop(),
        "field area: the choice of types changed",
    ),
    "a code is added": (
        ROUTED,
        lambda s: s["$defs"]["Body"]["enum"].append("fire"),
        "field body: the code 'fire' is new",
    ),
    "a code is removed": (
        ROUTED,
        lambda s: s["$defs"]["Body"]["enum"].remove("labor"),
        "field body: the code 'labor' is gone",
    ),
    "a list of codes becomes text": (
        ROUTED,
        _set("$defs", "Kind", "enum", to=None),
        "field kind: it was a list",
    ),
    "a bound is tighter": (
        ROUTED,
        _field("transfer", "maximum", to=9),
        "field transfer: maximum was",
    ),
    "a bound is looser": (
        ROUTED,
        _field("transfer", "minimum", to=0),
        "field transfer: minimum was",
    ),
    "a bound goes": (
        ROUTED,
        _field("transfer", "minimum", to=None),
        "field transfer: minimum was 1",
    ),
    "a pattern changes": (
        REGISTERED,
        _field("payload", "pattern", to=".*"),
        "field payload: pattern",
    ),
    "a text may be longer": (
        "dossiers/DossierSaved.v1",
        _field("title", "maxLength", to=201),
        "field title: maxLength was 200 and is 201",
    ),
    "a text may be shorter": (
        "dossiers/DossierSaved.v1",
        _field("title", "minLength", to=0),
        "field title: minLength was 1 and is 0",
    ),
    "a default changes": (
        ROUTED,
        _field("joint", "default", to=True),
        "field joint: default was false",
    ),
    "a default of null goes": (
        ROUTED,
        _field("area", "default", to=None),
        "field area: default was null",
    ),
    "a format goes": (ROUTED, _field("due", "format", to=None), "field due: format was"),
    "a list becomes one": (
        ROUTED,
        _field("co_handlers", to={"type": "string"}),
        "field co_handlers: type was",
    ),
    "what a list holds changes": (
        ROUTED,
        _field("co_handlers", "items", "maxLength", to=65),
        "field co_handlers[]: maxLength was",
    ),
    "a field inside a list's items goes": (
        ROUTED,
        lambda s: s["$defs"]["Reason"]["properties"].pop("weight"),
        "field reasons[].weight: it was removed",
    ),
    "unknown fields are refused": (
        ROUTED,
        _set("additionalProperties", to=False),
        "additionalProperties was absent and is false",
    ),
    "the envelope changes": (
        "envelope.v1",
        _field("subject", "maxLength", to=18),
        "schemas/envelope.v1.json field subject: maxLength was 17",
    ),
    "the envelope asks for more": (
        "envelope.v1",
        lambda s: s["required"].append("traceparent"),
        "schemas/envelope.v1.json field traceparent: it became required",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_a_schema_is_named_with_file_and_field(fault: str) -> None:
    name, change, told = FAULTS[fault]
    found = release.breaks(NOW, _changed(name, change))
    assert any(told in sentence for sentence in found), found
    assert all(sentence.startswith(f"schemas/{name}.json") for sentence in found)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield every place of a schema that readers act on."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not (key in ANNOTATIONS and isinstance(inner, str)):
                yield from _places(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _places(inner, (*path, number))
    else:
        yield path


EVERYWHERE = [(name, path) for name, schema in NOW.schemas.items() for path in _places(schema)]


def test_no_place_of_any_schema_can_change_or_go_unnoticed() -> None:
    assert len(EVERYWHERE) > 500
    for name, path in EVERYWHERE:
        for change in (_other, _gone):
            schema = deepcopy(NOW.schemas[name])
            holder: Any = schema
            for step in path[:-1]:
                holder = holder[step]
            change(holder, path[-1])
            assert schema_breaks(name, NOW.schemas[name], schema), (name, path, change)
            assert schema_breaks(name, schema, NOW.schemas[name]), (name, path, change)


def _other(holder: Any, key: Any) -> None:
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = value + 1
    elif isinstance(value, str):
        holder[key] = "#/$defs/Other" if key == "$ref" else f"{value}x"
    elif value is None:
        holder[key] = 0
    else:
        holder[key] = [0] if isinstance(value, list) else {"type": "null"}


def _gone(holder: Any, key: Any) -> None:
    del holder[key]


ANY_TYPE: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [
            {"type": "string", "pattern": "^x"},
            {"type": "integer", "minimum": 1},
            {"type": "boolean", "default": False},
            {"$ref": "#/$defs/Later"},
            {"enum": ["a", "b"]},
            {},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3), "default": st.none()}),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.text(), inner),
                "required": st.just([]),
            }
        ),
    ),
    max_leaves=4,
)


def _objects() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every object of every schema, those inside `$defs` too."""
    for name, schema in NOW.schemas.items():
        yield name, ()
        for part, inner in schemas.definitions(schema).items():
            if "properties" in inner:
                yield name, ("$defs", part)


@given(st.sampled_from(list(_objects())), st.text(min_size=1).map(lambda text: f"later_{text}"), ANY_TYPE)
@settings(max_examples=200, deadline=None)
def test_adding_an_optional_field_is_always_accepted(
    where: tuple[str, tuple[str, ...]], field: str, described: Any
) -> None:
    name, path = where
    old = NOW.schemas[name]
    optional: Any = deepcopy(old)
    _inside(optional, path)["properties"][field] = described
    assert schema_breaks(name, old, optional) == []
    assert any(field in sentence for sentence in schema_breaks(name, optional, old))
    needed = deepcopy(optional)
    _inside(needed, path)["required"].append(field)
    assert any(field in sentence for sentence in schema_breaks(name, old, needed))
    assert any(field in sentence for sentence in schema_breaks(name, optional, needed))


def _inside(schema: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def test_words_for_people_may_change() -> None:
    def reword(schema: Any) -> None:
        schema["description"] = schema["title"] = "told better"
        schema["properties"]["area"]["description"] = "where"
        schema["$defs"]["Channel"]["description"] = "how"

    assert release.breaks(NOW, _changed(REGISTERED, reword)) == []


class RatedWithRemark(PetitionRated):
    """The same fact with an optional field more."""

    remark: Body | None = None


class RatedWider(PetitionRated):
    """The same fact with a wider scale."""

    score: int = Field(ge=0, le=10)


class RatedOtherwise(PetitionRated):
    """The same fact that also refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class RatedElsewhere(PetitionRated):
    """The same fact in another topic."""

    TOPIC: ClassVar[Topic] = replace(INTAKE, name="petition-ratings-v1")


class RatedRenamed(Fact):
    """The same fact under another type string."""

    TYPE: ClassVar[str] = "cn.petition.intake.PetitionScored.v1"
    TOPIC: ClassVar[Topic] = INTAKE

    score: Literal[1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (RatedWithRemark, []),
        (RatedWider, ["field score: maximum was 5 and is 10", "field score: minimum was 1 and is 0"]),
        (RatedOtherwise, ["additionalProperties was absent and is false"]),
        (RatedElsewhere, ["it moved from petition-intake-v1 to petition-ratings-v1"]),
        (RatedRenamed, ["PetitionRated.v1: the fact was deleted or its type string changed"]),
    ],
)
def test_a_changed_model_is_seen_as_its_schema_is(kind: type[Fact], told: list[str]) -> None:
    name = "intake/PetitionRated.v1"
    kept = {key: schema for key, schema in NOW.schemas.items() if key != name}
    types = {key: topic for key, topic in NOW.types.items() if key != PetitionRated.TYPE}
    new = replace(
        NOW,
        schemas=kept | {name: schemas.of_fact(kind)},
        types=types | {kind.TYPE: kind.TOPIC.name},
    )
    found = release.breaks(NOW, new)
    assert bool(found) == bool(told), found
    assert all(any(part in sentence for sentence in found) for part in told), found


def test_a_deleted_fact_is_seen() -> None:
    new = replace(
        NOW,
        schemas={name: schema for name, schema in NOW.schemas.items() if name != REGISTERED},
        types={name: topic for name, topic in NOW.types.items() if name != PetitionRegistered.TYPE},
    )
    assert release.breaks(NOW, new) == [
        f"{PetitionRegistered.TYPE}: the fact was deleted or its type string changed; old messages carry it",
        f"schemas/{REGISTERED}.json: the schema was deleted or renamed",
    ]


def test_a_new_fact_and_a_new_topic_and_a_new_reader_are_accepted() -> None:
    topic: Any = deepcopy(NOW.topics["petition-intake-v1"])
    topic["readers"].append("figures")
    new = replace(
        NOW,
        schemas={**NOW.schemas, "intake/PetitionWithdrawn.v1": schemas.of_fact(RatedRenamed)},
        types={**NOW.types, "cn.petition.intake.PetitionWithdrawn.v1": "petition-intake-v1"},
        topics={**NOW.topics, "petition-intake-v1": topic, "petition-ratings-v1": topic},
    )
    assert release.breaks(NOW, new) == []


@pytest.mark.parametrize(
    ("what", "value", "told"),
    [
        (
            "partitions",
            24,
            "partitions was 12 and is 24 (a petition's messages would go to another partition)",
        ),
        ("writer", "routing", 'writer was "intake" and is "routing"'),
        ("personal", True, "personal was false and is true"),
        ("settings", {"cleanup.policy": "compact", "retention.ms": "-1"}, "settings was"),
        ("settings", {"cleanup.policy": "delete", "retention.ms": "1000"}, "settings was"),
        ("readers", ["intake", "routing", "mediation", "notify"], "audit may no longer read it"),
    ],
)
def test_a_changed_topic_is_seen(what: str, value: Any, told: str) -> None:
    topics = {**NOW.topics, INTAKE.name: NOW.topics[INTAKE.name] | {what: value}}
    (found,) = release.breaks(NOW, replace(NOW, topics=topics))
    assert found.startswith(f"topic {INTAKE.name}: ")
    assert told in found


@pytest.mark.parametrize("name", NOW.topics)
def test_a_deleted_or_renamed_topic_is_seen(name: str) -> None:
    topics = {(key if key != name else f"{key}-new"): topic for key, topic in NOW.topics.items()}
    (found,) = release.breaks(NOW, replace(NOW, topics=topics))
    assert found == f"topic {name}: it was deleted or renamed, and its messages are there"


def _old(text: str, *, was: str) -> Contract:
    """Return a release whose accepted example was written differently from today's."""
    value = examples.every()["intake/PetitionRated.v1/audit"]
    assert was.encode() in value
    return replace(NOW, messages=(value.replace(was.encode(), text.encode()),))


@pytest.mark.parametrize(
    ("was", "text", "told"),
    [
        ('"score":1', '"score":9', "can no longer be read (data)"),
        ("PetitionRated.v1", "PetitionPraised.v1", "is no longer known"),
        ("petition-intake-v1/", "intake/", "would be written differently now: id"),
        ("/petition-bridge/intake", "intake", "would be written differently now: source"),
        ('"score":1', '"score":1,"remark":"x"', "would be written differently now: data.remark"),
        ('"score":1', '"score":"1"', "would be written differently now: data.score"),
        ('"ordinal":', '"partitionkey":"x","ordinal":', "would be written differently now: partitionkey"),
    ],
)
def test_rules_that_no_schema_shows_are_seen_by_reading_old_messages(was: str, text: str, told: str) -> None:
    (found,) = release.unreadable(_old(text, was=was))
    assert found.startswith("messages.jsonl line 1: ")
    assert told in found


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the folders that the gate looks at."""
    for folder in ("schemas", "examples", "asyncapi", "release"):
        shutil.copytree(generated.HERE / folder, tmp_path / folder)
    assert release.check(tmp_path) == []
    return tmp_path


RELEASE_FILES = [
    "types.json",
    "topics.json",
    "messages.jsonl",
    "schemas/envelope.v1.json",
    f"schemas/{REGISTERED}.json",
]


@pytest.mark.parametrize("path", RELEASE_FILES)
def test_a_deleted_file_of_the_release_is_seen(package: Path, path: str) -> None:
    (package / "release" / path).unlink()
    assert f"release/{path} was deleted: a release is never changed, restore it" in release.check(package)


@pytest.mark.parametrize("path", RELEASE_FILES)
def test_an_edited_file_of_the_release_is_seen(package: Path, path: str) -> None:
    target = package / "release" / path
    target.write_text(target.read_text("utf-8").replace("petition", "petitions"), "utf-8")
    assert f"release/{path} was edited: a release is never changed, restore it" in release.check(package)


def test_a_file_slipped_into_the_release_and_lost_sums_are_seen(package: Path) -> None:
    (package / "release" / "schemas" / "extra.json").write_text("{}", "utf-8")
    assert "release/schemas/extra.json is no part of the release: take it out" in release.check(package)
    (package / "release" / "SHA256SUMS").unlink()
    assert "release/SHA256SUMS is missing: restore the folder of the last release" in release.check(package)
    shutil.rmtree(package / "release")
    assert release.check(package) == ["release/SHA256SUMS is missing: restore the folder of the last release"]


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("schemas", f"{REGISTERED}.json"),
        ("examples", f"{REGISTERED}/routing.json"),
        ("asyncapi", "intake.json"),
    ],
)
def test_what_is_generated_must_be_what_is_committed(package: Path, folder: str, path: str) -> None:
    target = package / folder / path
    text = target.read_text("utf-8")
    target.write_text(text + "\n", "utf-8")
    assert release.check(package) == [
        f"{folder}/{path} is not what the models generate: run python -m contracts {folder}"
    ]
    target.unlink()
    assert release.check(package) == [f"{folder}/{path} is missing: run python -m contracts {folder}"]
    target.write_text(text, "utf-8")
    (target.parent / "Extra.json").write_text("{}", "utf-8")
    (found,) = release.check(package)
    assert "belongs to nothing that the models state" in found


def test_writing_puts_everything_right_and_says_what_was_wrong(package: Path) -> None:
    for folder, files in release.generated_folders().items():
        shutil.rmtree(package / folder)
        (package / folder).mkdir()
        (package / folder / "Extra.json").write_text("{}", "utf-8")
        assert len(generated.write(package / folder, files)) == len(files) + 1
        assert generated.write(package / folder, files) == []
    assert release.check(package) == []


def test_a_release_is_made_of_what_breaks_nothing_and_refused_otherwise(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = _changed(ROUTED, _field("later", to={"type": "string"}))
    monkeypatch.setattr(release, "current", lambda: good)
    assert release.release(package) == []
    assert '"later"' in (package / "release/schemas" / f"{ROUTED}.json").read_text("utf-8")
    before = {path: path.read_bytes() for path in (package / "release").rglob("*") if path.is_file()}
    monkeypatch.setattr(release, "current", lambda: NOW)
    assert release.release(package) == [
        f"schemas/{ROUTED}.json field later: it was removed, and old readers look for it"
    ]
    assert before == {path: path.read_bytes() for path in (package / "release").rglob("*") if path.is_file()}


def test_the_first_release_is_made_where_there_is_none(tmp_path: Path) -> None:
    assert release.release(tmp_path) == []
    assert release.damages(tmp_path / "release") == []
    assert release.released(tmp_path / "release") == NOW
