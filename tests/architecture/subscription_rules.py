"""What every subscriber must state, read from the subscribers that an application has really made."""

from collections.abc import Iterator
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber


def subscribes_safely(broker: KafkaBroker, group: str) -> Iterator[str]:
    """FastStream's defaults lose messages and create topics, and a router's settings do not reach its own."""
    for number, subscriber in enumerate(broker.subscribers):
        settings: dict[str, Any] = vars_of(subscriber)
        name = f"subscriber {number}"
        if settings["ack_policy"] is not AckPolicy.MANUAL:
            yield f"{name} commits by {settings['ack_policy']}, before the batch has an outcome: state MANUAL"
        if settings["enable_auto_commit"] is not False:
            yield f"{name} commits by the clock"
        if settings["group_id"] != group:
            yield f"{name} is in group {settings['group_id']!r}, not in {group!r}"
        if settings["auto_offset_reset"] != "earliest":
            yield f"{name} starts at {settings['auto_offset_reset']}: what came before it is lost"
        if not settings["batch"]:
            yield f"{name} takes one message at a time"
        for topic in settings["topics_to_create"]:
            yield f"{name} would create the topic {topic.name}, with one partition and one copy"
        if settings["allow_auto_create_topics"]:
            yield f"{name} lets its client create topics"


def vars_of(subscriber: Any) -> dict[str, Any]:
    """Gather a subscriber's settings: the one place that knows where this FastStream keeps them."""
    connection = subscriber._connection_args  # noqa: SLF001 - FastStream shows them nowhere else
    configs = subscriber._outer_config.configs  # noqa: SLF001 - FastStream shows them nowhere else
    return {
        "ack_policy": subscriber.ack_policy,
        "group_id": subscriber.group_id,
        "batch": isinstance(subscriber, BatchSubscriber),
        "auto_offset_reset": connection["auto_offset_reset"],
        "enable_auto_commit": connection["enable_auto_commit"],
        "topics_to_create": subscriber.topics_to_create,
        "allow_auto_create_topics": any(config.allow_auto_create_topics for config in configs),
    }
