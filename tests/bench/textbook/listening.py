"""Where the textbook's work comes in: one handler call per message, one call per request, and the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, TopicPartition
from faststream.kafka.schemas import Topic as KafkaTopic

from contracts.envelope import read
from runtime.commands import Asked, Commands, UnavailableError
from runtime.consume import Answer, Ask
from runtime.draft import Delivery
from runtime.listen import Listener
from runtime.publish import Publisher
from runtime.settings import ServiceSettings
from runtime.store import DatabaseError
from runtime.sweep import Sweeper
from tests.bench.pace import pause
from tests.bench.textbook.transactions import Transactions

log = structlog.get_logger()

# Each worker is a consumer with its share of a topic's partitions, so the order per petition holds.
WORKERS: Final = 4


class OneByOne(Listener):
    """One FastStream handler call per message, acknowledged when its facts are published."""

    def __init__(
        self,
        settings: ServiceSettings,
        work: Transactions,
        publisher: Publisher,
        fail: Callable[[str], None],
    ) -> None:
        super().__init__(settings, work, publisher, fail)
        self._work = work
        self.broker = KafkaBroker(
            settings.broker, logger=None, allow_auto_create_topics=False, apply_types=False
        )
        self._each: list[Any] = [
            self.broker.subscriber(
                KafkaTopic(settings.topic_prefix + topic.name, declare=False),
                group_id=settings.group,
                auto_offset_reset="earliest",
                ack_policy=AckPolicy.MANUAL,
                max_workers=WORKERS,
                decoder=self._as_it_is,
            )
            for topic in self._service.listens_to()
        ]
        for subscriber in self._each:
            subscriber(self._on_message)

    async def start(self) -> None:
        """Prepare the collections and join the group."""
        await self._work.prepare()
        await super().start()

    def assigned(self) -> set[TopicPartition]:
        """The partitions of all workers."""
        consumers = [consumer for subscriber in self._each for consumer in subscriber.consumer_subgroup]
        return {partition for consumer in consumers for partition in consumer.assignment()}

    @staticmethod
    async def _as_it_is(message: KafkaMessage) -> KafkaMessage:
        return message

    async def _on_message(self, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        while True:
            try:
                await self._take(record)
                await message.ack()
            except (DatabaseError, KafkaError) as error:
                log.warning("message_repeated", reason=type(error).__name__)
                await pause(0.2)
            except BaseException:
                self._fail("a message could not be handled")
                raise
            else:
                return

    async def _take(self, record: ConsumerRecord[bytes, bytes]) -> None:
        topic = record.topic.removeprefix(self._settings.topic_prefix)
        message = read(record.value or b"")
        delivery = Delivery(topic, record.partition, record.offset, record.value, message, record.key)
        await self._work.one(message.petition, delivery)


class PerRequest(Commands):
    """One request, one transaction, at once."""

    def __init__(self, work: Transactions, **options: Any) -> None:
        super().__init__(work, **options)
        self._work = work

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Answer each when its facts are saved and published."""
        return list(await asyncio.gather(*(self._one(one) for one in asked)))

    async def _one(self, one: Asked) -> Answer | UnavailableError:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        ask = Ask(one.decide, future, one.cause, one.traceparent)
        try:
            answer = await self._work.one(one.petition, ask)
        except DatabaseError:
            return UnavailableError()
        return UnavailableError() if answer is None else answer


class Relay(Sweeper):
    """Publishes what stayed in the outbox."""

    async def sweep(self) -> int:
        """Look for old rows and publish them."""
        work = self._batches
        return await work.relay(self._clock.now() - self._after) if isinstance(work, Transactions) else 0
