"""The subscriber: takes batches from Kafka, hands them to `consume`, and commits when all have an outcome.

FastStream swallows what a handler raises and would commit past it, so this handler either brings its batch
to the end, repeats it, or ends the process.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.schemas import Topic as KafkaTopic

from contracts.envelope import Message, UndecodableError, read
from contracts.identity import PetitionId, parse
from contracts.topics import Topic
from runtime.consume import Batches, Work
from runtime.draft import Delivery, Outcome
from runtime.publish import LONGEST_PAUSE, Publisher
from runtime.settings import ServiceSettings
from runtime.store import DatabaseError

log = structlog.get_logger()

# The share of parked messages is looked at over this many, and not before so many were parked.
WINDOW: Final = 500
FEWEST_PARKED: Final = 20

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]


class Listener:
    """One consumer over all topics that the service hears."""

    def __init__(
        self,
        settings: ServiceSettings,
        batches: Batches,
        publisher: Publisher,
        fail: Callable[[str], None],
    ) -> None:
        self._settings, self._batches, self._publisher, self._fail = settings, batches, publisher, fail
        self._service = batches.service
        self._window: deque[bool] = deque(maxlen=WINDOW)
        self._stopped = False
        self._in_hand = False
        batches.outcomes = self._note
        self.broker = KafkaBroker(
            settings.broker,
            client_id=f"{self._service.name}-listener",
            logger=None,
            allow_auto_create_topics=False,
            graceful_timeout=10,
            # The handler gets what the decoder returns, unchecked: checking is what `read` is for.
            apply_types=False,
        )
        session_ms = int(settings.session_timeout.total_seconds() * 1000)
        topics = [
            KafkaTopic(settings.topic_prefix + topic.name, declare=False)
            for topic in self._service.listens_to()
        ]
        self.subscriber = self.broker.subscriber(
            *topics,
            batch=True,
            group_id=settings.group or self._service.name,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_records=settings.batch_size,
            batch_timeout_ms=int(settings.batch_wait.total_seconds() * 1000),
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 3,
            parser=self._parse,
            decoder=self._decode,
        )
        self.subscriber(self._on_batch)

    async def start(self) -> None:
        """Join the group and begin; raises KafkaError if the broker is away."""
        await self.broker.start()

    async def stop(self) -> None:
        """Finish the batch in hand and leave the group."""
        self._stopped = True
        await self.broker.stop()

    def assigned(self) -> set[TopicPartition]:
        """Return the partitions that this instance has now."""
        consumer = self.subscriber.consumer
        return set(consumer.assignment()) if consumer else set()

    async def _parse(self, records: Records) -> KafkaAckableMessage:
        # FastStream's own parser decodes headers and skips the message if they are not UTF-8; we need none.
        if self._in_hand and not self._stopped:
            # The last batch never reached the handler or its end, and the next commit would pass over it.
            self._stopped = True
            self._fail("a batch was skipped")
        self._in_hand = True
        return KafkaAckableMessage(body=b"", raw_message=records, consumer=self.subscriber.consumer)

    @staticmethod
    async def _decode(message: KafkaAckableMessage) -> KafkaAckableMessage:
        # The whole message, since acknowledging is done on it.
        return message

    async def _on_batch(self, message: KafkaAckableMessage) -> None:
        await self._until_done(lambda: self._handle(message.raw_message))
        if self._stopped:
            return
        self._in_hand = False
        try:
            await message.ack()
        except KafkaError as error:
            # The partitions went to another member meanwhile: it finds the batch heard.
            log.warning("commit_failed", reason=type(error).__name__, count=len(message.raw_message))
        await self._batches.on_step("committed")

    async def _until_done(self, attempt: Callable[[], Awaitable[None]]) -> None:
        pause = 0.1
        while not self._stopped:
            try:
                await attempt()
            except (DatabaseError, KafkaError) as error:
                log.warning("batch_repeated", reason=type(error).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, LONGEST_PAUSE)
            except BaseException:
                # Whatever else it was, this batch has no outcome: nothing may be committed after it.
                # A stop that cuts a batch short is no failure: the batch comes again.
                if not self._stopped:
                    self._stopped = True
                    self._fail("a batch could not be handled")
                raise
            else:
                return

    async def _handle(self, records: Records) -> None:
        works: dict[PetitionId, list[Work]] = {}
        undecodable: list[tuple[str, Delivery]] = []
        for record in records:
            topic = record.topic.removeprefix(self._settings.topic_prefix)
            try:
                petition, message = _understand(record, self._service.by_topic[topic].topic)
            except UndecodableError as error:
                letter = Delivery(topic, record.partition, record.offset, record.value, None, record.key)
                undecodable.append((error.reason, letter))
                continue
            delivery = Delivery(topic, record.partition, record.offset, record.value, message, record.key)
            works.setdefault(petition, []).append(delivery)
        if works:
            await self._batches.handle(works)
        # Last, so that a batch that is repeated while the database is away does not repeat them.
        for reason, letter in undecodable:
            await self._publisher.dead_letter(reason, letter)
        if self._too_many_parked():
            raise RuntimeError("too many messages were parked")

    def _note(self, outcome: Outcome, _topic: str) -> None:
        if outcome in {Outcome.APPLIED, Outcome.PARKED}:
            self._window.append(outcome is Outcome.PARKED)

    def _too_many_parked(self) -> bool:
        parked = sum(self._window)
        share = parked / len(self._window) if self._window else 0.0
        if parked >= FEWEST_PARKED and share > self._settings.parked_share:
            log.critical(
                "too_many_parked",
                share=round(share, 3),
                count=parked,
                detail="look at the last deployment; after the fix run redrive",
            )
            return True
        return False


def _understand(
    record: ConsumerRecord[bytes | None, bytes | None], topic: Topic
) -> tuple[PetitionId, Message | None]:
    """Decode one record and check that it says what its place says."""
    if record.value is None:
        petition = parse((record.key or b"").decode("ascii", "replace"))
        if petition is None or petition.encode() != record.key or not topic.compact:
            raise UndecodableError("null")
        return petition, None
    message = read(record.value)
    if record.key != message.petition.encode():
        raise UndecodableError("key")
    if message.fact is not None and type(message.fact).TOPIC is not topic:
        raise UndecodableError("topic")
    return message.petition, message
