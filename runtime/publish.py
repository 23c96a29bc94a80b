"""Step 5 of a batch: every pending fact to its topics, all at once, acknowledged by all replicas.

The only importer of the Kafka producer. A publish that fails is repeated as a whole after a pause: the
bytes and numbers are the same, so readers recognise what they have heard.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from contracts.identity import PetitionId
from runtime import metrics
from runtime.draft import Delivery, Outcome
from runtime.record import Pending

log = structlog.get_logger()

LONGEST_PAUSE: Final = 5.0
REQUEST_MS: Final = 10_000
LARGEST_LETTER: Final = 512 * 1024
# Topic, key, value, headers.
Sent = tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]
HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=utf-8")]


class Publisher:
    """The service's producer."""

    def __init__(self, bootstrap: str, *, prefix: str, idempotent: bool, service: str) -> None:
        self._bootstrap, self._prefix, self._service = bootstrap, prefix, service
        self._idempotent = idempotent
        self._producer: AIOKafkaProducer | None = None
        self._renewing = asyncio.Lock()
        self.healthy = False

    async def start(self) -> None:
        """Connect; raises KafkaError if the broker is away."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"{self._service}-publisher",
            acks="all",
            enable_idempotence=self._idempotent,
            compression_type="lz4",
            max_batch_size=256 * 1024,
            request_timeout_ms=REQUEST_MS,
            retry_backoff_ms=100,
        )
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        self._producer = producer
        self.healthy = True

    async def _renew(self, broken: AIOKafkaProducer | None) -> None:
        """Replace a producer that failed.

        The idempotent one tries for ever and fails only for good (the broker no longer knows its numbering);
        the plain one gives up after REQUEST_MS. What the old one had in hand is failed or done when this
        begins (`_send` waits for it), so the two cannot overtake each other.
        """
        async with self._renewing:
            if self._producer is not broken:
                return
            if broken is not None:
                with contextlib.suppress(KafkaError, TimeoutError):
                    await asyncio.wait_for(broken.stop(), REQUEST_MS / 1000)
                self._producer = None
            await self.start()

    async def publish(self, pending: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Publish the facts of each petition in their order and return when all are acknowledged.

        Repeats with back-off while the broker is away: cancel the task to give up.
        """
        await self._until_acknowledged(
            [
                (name, petition.encode(), fact.value, HEADERS)
                for petition, facts in pending.items()
                for fact in facts
                for name in fact.topics
            ]
        )

    async def dead_letter(self, reason: str, delivery: Delivery) -> None:
        """Put the original bytes where operators find them, with reason and place.

        What the broker takes for too large is cut; its SHA-256 tells what the whole was.
        """
        value = delivery.value or b""
        headers = {
            "reason": reason,
            "topic": delivery.topic,
            "partition": delivery.partition,
            "offset": delivery.offset,
        }
        if len(value) > LARGEST_LETTER:
            headers |= {"sha256": sha256(value).hexdigest(), "bytes": len(value)}
            value = value[:LARGEST_LETTER]
        encoded = [(name, str(said).encode()) for name, said in headers.items()]
        await self._until_acknowledged([(f"{self._service}-dead-letters-v1", delivery.key, value, encoded)])
        metrics.MESSAGES.labels(delivery.topic, Outcome.DEAD_LETTER).inc()
        log.error("message_dead_lettered", **headers)

    async def _until_acknowledged(self, messages: Sequence[Sent]) -> None:
        pause = 0.1
        while True:
            used = self._producer
            try:
                if not self.healthy:
                    await self._renew(used)
                    used = self._producer
                await self._send(messages)
            except KafkaError as error:
                if self._producer is used:
                    self.healthy = False
                log.warning("publish_failed", reason=type(error).__name__, count=len(messages))
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                # Once per topic: finding a label and its lock for each message is 4 µs of a fact's 80.
                for name, count in Counter(name for name, *_ in messages).items():
                    metrics.PUBLISHED.labels(name).inc(count)
                return

    async def _send(self, messages: Sequence[Sent]) -> None:
        producer, acknowledgements = self._producer, []
        if producer is None:
            raise KafkaConnectionError("no producer at present")
        try:
            for topic, key, value, headers in messages:
                acknowledgements.append(
                    await producer.send(self._prefix + topic, key=key, value=value, headers=headers)
                )
        finally:
            # All are awaited whatever happened: afterwards nothing of this call is under way any more.
            results = await asyncio.gather(*acknowledgements, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        """Flush and disconnect."""
        self.healthy = False
        if self._producer is not None:
            await self._producer.stop()
