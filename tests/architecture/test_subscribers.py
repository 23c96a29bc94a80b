"""The subscribers of every service, walked in the application that it really builds."""

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaRouter
from faststream.kafka.schemas import Topic

from tests.architecture.fitting import EVERY_SERVICE, NOWHERE, process
from tests.architecture.subscription_rules import subscribes_safely


@pytest.mark.parametrize("name", EVERY_SERVICE)
async def test_a_service_subscribes_safely_when_it_is_built(name: str) -> None:
    built = process(name)
    broker = built.listener.broker
    assert 1 == len(broker.subscribers), "one consumer hears all topics, so that a batch is one batch"
    assert [] == list(subscribes_safely(broker, name))


@pytest.mark.parametrize("name", EVERY_SERVICE)
async def test_a_service_listens_to_what_it_may_read_when_it_is_built(name: str) -> None:
    built = process(name)
    forbidden = [topic.name for topic in built.service.listens_to() if name not in topic.readers]
    assert [] == forbidden
    assert {topic.name for topic in built.service.listens_to()} == set(built.listener.subscriber.topic_names)


async def test_every_default_turns_the_gate_red_when_a_subscriber_states_nothing() -> None:
    broker = KafkaBroker(NOWHERE, logger=None)
    broker.subscriber("petition-intake-v1")
    told = " ".join(subscribes_safely(broker, "routing"))
    for fault in (
        "ACK_FIRST",
        "by the clock",
        "group None",
        "starts at latest",
        "one message",
        "would create",
    ):
        assert fault.lower() in told.lower(), told
    assert "lets its client create topics" in told


async def test_the_gate_turns_red_when_a_router_relies_on_the_brokers_policy() -> None:
    broker = KafkaBroker(NOWHERE, logger=None, allow_auto_create_topics=False, ack_policy=AckPolicy.MANUAL)
    router = KafkaRouter()
    router.subscriber(
        Topic("petition-intake-v1", declare=False),
        batch=True,
        group_id="routing",
        auto_offset_reset="earliest",
    )
    broker.include_router(router)
    told = list(subscribes_safely(broker, "routing"))
    assert told, "the broker's policy reached the router: read stack.md again, it says it does not"
    assert "state MANUAL" in told[0]
