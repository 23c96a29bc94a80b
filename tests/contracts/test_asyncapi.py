"""The AsyncAPI documents: whole, with every reference leading somewhere, and saying what the topics say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # the library has no types

from contracts import asyncapi
from contracts.bodies import Body
from contracts.topics import ALL_TOPICS, BODY_TOPICS, SEALS, SERVICES

DOCUMENTS: dict[str, Any] = {service: asyncapi.document(service) for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_of_version_3(service: str) -> None:
    ApplicationSchema.model_validate(DOCUMENTS[service])
    assert DOCUMENTS[service]["asyncapi"] == "3.0.0"


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_leads_somewhere_inside(service: str) -> None:
    references = list(_references(DOCUMENTS[service]))
    assert references
    for reference in references:
        part = DOCUMENTS[service]
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


@pytest.mark.parametrize("service", SERVICES)
def test_channels_are_the_topics_that_the_service_writes_or_may_read(service: str) -> None:
    document = DOCUMENTS[service]
    by_name = {topic.name: topic for topic in ALL_TOPICS}
    expected = {
        topic.name
        for topic in ALL_TOPICS
        if (service == topic.writer or service in topic.readers)
        and topic not in BODY_TOPICS.values()
        and topic != SEALS
    }
    views = {name for name in document["channels"] if name == "body-views"}
    assert set(document["channels"]) - views == expected
    assert bool(views) == (service == "mediation")
    for name in expected:
        binding = document["channels"][name]["bindings"]["kafka"]
        assert (binding["topic"], binding["partitions"]) == (name, by_name[name].partitions)
    sent = {name.removeprefix("send.") for name, o in document["operations"].items() if o["action"] == "send"}
    assert sent - views == {name for name in expected if by_name[name].writer == service}


def test_the_fifteen_views_are_one_channel_with_a_parameter() -> None:
    channel = DOCUMENTS["mediation"]["channels"]["body-views"]
    names = {channel["address"].replace("{body}", code) for code in channel["parameters"]["body"]["enum"]}
    assert names == {topic.name for topic in BODY_TOPICS.values()}
    assert len(names) == len(Body)


@pytest.mark.parametrize("service", SERVICES)
def test_every_example_is_what_its_message_says(service: str) -> None:
    document = DOCUMENTS[service]
    for message in document["components"]["messages"].values():
        for example in message.get("examples", []):
            payload = {**message["payload"], "components": document["components"]}
            Draft202012Validator(payload).validate(example["payload"])
            other = json.loads(json.dumps(example["payload"]))
            other["type"] = "cn.petition.other"
            assert not Draft202012Validator(payload).is_valid(other)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, inner in part.items():
            if key == "$ref":
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)
