"""The subscriber: takes batches from Kafka, hands them to `consume`, and commits when all have an outcome.

While one batch is being saved the next one is decoded, and decided too if it has no petition in common with
it: each petition hears its messages in order. While one is published others are saved, and offsets are
committed only up to the first batch that is not done.
FastStream swallows what a handler raises and would commit past it, so a batch is either brought to its end,
repeated, or ends the process.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.schemas import Topic as KafkaTopic

from contracts.envelope import Message, UndecodableError, read
from contracts.identity import PetitionId, parse
from contracts.topics import Topic
from runtime import logs
from runtime.consume import Batches, Saved, Work
from runtime.draft import Delivery, Outcome
from runtime.publish import LONGEST_PAUSE, REQUEST_MS, Publisher
from runtime.settings import ServiceSettings
from runtime.store import DatabaseError

log = structlog.get_logger()

# The share of parked messages is looked at over this many, and not before so many were parked.
WINDOW: Final = 500
FEWEST_PARKED: Final = 20

# Batches that are under way beside the one being saved: published, or waiting for their commit.
AHEAD: Final = 3
# While the database works on one batch, the interpreter works on the other.
SAVED_AT_ONCE: Final = 2
# FastStream waits for 5 s after each.
MOST_COMPLAINTS: Final = 3
# A commit waits for a rebalance to end, which may wait for this very member to leave.
FINISH_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 0.05
# The client leaves its group by itself within this, unless the group begins anew just then.
LEAVE_AFTER: Final = 0.3

Records = tuple[ConsumerRecord[bytes | None, bytes | None], ...]
T = TypeVar("T")


@dataclass(eq=False)
class _Batch:
    """What one poll brought: the work on each petition, what is no message, and where reading goes on."""

    works: dict[PetitionId, list[Work]] = field(default_factory=dict)
    undecodable: list[tuple[str, Delivery]] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)
    done: bool = False


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
        self._linger = settings.batch_linger.total_seconds()
        self._under_way: deque[_Batch] = deque()
        self._room = asyncio.Semaphore(AHEAD)
        self._saving: set[_Batch] = set()
        self._saved = asyncio.Event()
        self._committing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        batches.outcomes = self._note
        self.broker = KafkaBroker(
            # A list: FastStream takes "a:1,b:2" for the one address of one server.
            settings.broker.split(","),
            client_id=f"{self._service.name}-listener",
            logger=None,
            allow_auto_create_topics=False,
            graceful_timeout=10,
            # 40 s by default: so long nobody would notice that a connection is dead and nobody has told us.
            request_timeout_ms=REQUEST_MS,
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
        self._complaints = 0
        self._poll = self.subscriber.get_msg
        self.subscriber.get_msg = self._polled  # type: ignore[method-assign] # FastStream has no hook for it

    async def start(self) -> None:
        """Join the group and begin; raises KafkaError if the broker is away."""
        await self.broker.start()

    async def _polled(self, consumer: Any) -> Records:  # noqa: ANN401 - the client ships no types
        """Ask for the next messages; give up when the client does nothing but complain.

        One of its tasks may have ended by a bug: FastStream asks on in silence then and nothing is heard any
        more, while heartbeats keep the partitions here.
        """
        try:
            records: Records = await self._poll(consumer)
        except KafkaError as error:
            self._complaints += 1
            log.warning("poll_failed", reason=type(error).__name__, count=self._complaints)
            if self._complaints == MOST_COMPLAINTS and not self._stopped:
                self._stopped = True
                self._fail("the consumer is broken")
            raise
        self._complaints = 0
        return records

    async def stop(self) -> None:
        """Finish the batches in hand and leave the group."""
        self._stopped = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()  # what it has saved is published by whoever hears the batch again
        consumer = self.subscriber.consumer
        leaving = asyncio.create_task(_leave(consumer)) if consumer is not None else None
        try:
            await self.broker.stop()
        finally:
            if leaving is not None:
                leaving.cancel()

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
        if self._stopped:
            await asyncio.sleep(
                IDLE_SECONDS
            )  # polls go on until the group is left, and must not keep others off
            return
        batch = self._read(message.raw_message)
        await self._turn(batch)
        await self._room.acquire()
        if self._stopped:
            return
        self._in_hand = False
        self._under_way.append(batch)
        self._saving.add(batch)
        task = asyncio.create_task(self._carry(batch))
        self._tasks.add(task)
        task.add_done_callback(self._carried)
        if len(message.raw_message) < self._settings.batch_size // 2:
            await asyncio.sleep(self._linger)

    async def _turn(self, batch: _Batch) -> None:
        """Wait until few enough batches are being saved, none of them with a petition of this one."""
        while len(self._saving) >= SAVED_AT_ONCE or any(
            not batch.works.keys().isdisjoint(other.works) for other in self._saving
        ):
            self._saved.clear()
            await self._saved.wait()

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._stopped:
            self._stopped = True
            log.critical("batch_failed", detail=logs.place_of(error))
            self._fail("a batch could not be handled")

    async def _carry(self, batch: _Batch) -> None:
        """Bring one batch to its end, saved, published and committed; or leave it to come again."""
        try:
            saved = await self._until_done(lambda: self._batches.save(batch.works))
        finally:
            self._saving.discard(batch)
            self._saved.set()
        if saved is None:
            return
        batch.done = await self._until_done(lambda: self._finish(saved, batch)) is not None
        await self._commit()

    async def _finish(self, saved: Saved, batch: _Batch) -> bool:
        await self._batches.finish(saved)
        # Last, so that a batch that is repeated while the database is away does not repeat them.
        while batch.undecodable:
            reason, letter = batch.undecodable[0]
            await self._publisher.dead_letter(reason, letter)
            batch.undecodable.pop(0)
        if self._too_many_parked():
            raise RuntimeError("too many messages were parked")
        return True

    async def _commit(self) -> None:
        """Commit what is done up to the first batch that is not; what ended meanwhile goes with it."""
        async with self._committing:
            offsets: dict[TopicPartition, int] = {}
            while self._under_way and self._under_way[0].done:
                offsets.update(self._under_way.popleft().offsets)
            consumer = self.subscriber.consumer
            if not offsets or consumer is None:
                return
            try:
                await consumer.commit(offsets)
            except KafkaError as error:
                # The partitions went to another member meanwhile: it finds the batch heard.
                log.warning("commit_failed", reason=type(error).__name__, count=len(offsets))
        await self._batches.on_step("committed")

    async def _until_done(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """Try until it works; None if the service stops before it does."""
        pause = 0.1
        while True:
            try:
                return await attempt()
            except (DatabaseError, KafkaError) as error:
                if self._stopped:
                    return None
                log.warning("batch_repeated", reason=type(error).__name__)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, LONGEST_PAUSE)
        return None

    def _read(self, records: Records) -> _Batch:
        batch = _Batch()
        for record in records:
            batch.offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
            topic = record.topic.removeprefix(self._settings.topic_prefix)
            try:
                petition, message = _understand(record, self._service.by_topic[topic].topic)
            except UndecodableError as error:
                letter = Delivery(topic, record.partition, record.offset, record.value, None, record.key)
                batch.undecodable.append((error.reason, letter))
                continue
            delivery = Delivery(topic, record.partition, record.offset, record.value, message, record.key)
            batch.works.setdefault(petition, []).append(delivery)
        return batch

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


async def _leave(consumer: Any) -> None:  # noqa: ANN401 - the client ships no types
    """Tell the group that we go, if its beginning anew keeps the client from saying so itself.

    aiokafka waits for the end of a join before it leaves (its `GroupCoordinator.close` awaits the task that
    joins), and a join ends when the slowest member has come: seconds, or never within our limit, and a client
    that is cut off in its waiting stays in the group for as long as its session. The connection of the group
    answers in order, so this goes by the other one; the join then ends with "unknown member", and the client
    with it. Its parts are named here alone; `tests/broker/test_leaving.py` finds out if they become others.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - no public way
    if coordinator is None:
        return
    await asyncio.shield(coordinator._closing)  # noqa: SLF001 - no public way
    await asyncio.sleep(LEAVE_AFTER)
    node, me = coordinator.coordinator_id, coordinator.member_id
    if node is None or not me:
        return
    with contextlib.suppress(KafkaError):
        request = LeaveGroupRequest(coordinator.group_id, me)
        await consumer._client.send(node, request)  # noqa: SLF001 - no public way
        log.info("group_left", group=coordinator.group_id)


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
