"""Step 5 of a batch: every pending fact to its topics, all at once, acknowledged by all replicas.

The only importer of the Kafka producer. A publish that fails is repeated as a whole after a pause: the
bytes and numbers are the same, so readers recognise what they have heard.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.identity import PetitionId
from runtime import metrics
from runtime.record import Pending

log = structlog.get_logger()

LONGEST_PAUSE: Final = 5.0
HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=utf-8")]


class Publisher:
    """The service's producer."""

    def __init__(self, bootstrap: str, *, prefix: str, idempotent: bool, client: str) -> None:
        self._bootstrap, self._prefix, self._idempotent, self._client = bootstrap, prefix, idempotent, client
        self._producer: AIOKafkaProducer | None = None
        self.healthy = False

    async def start(self) -> None:
        """Connect; raises KafkaError if the broker is away."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client,
            acks="all",
            enable_idempotence=self._idempotent,
            compression_type="lz4",
            max_batch_size=256 * 1024,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
        )
        await self._producer.start()
        self.healthy = True

    async def publish(self, pending: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Publish the facts of each petition in their order and return when all are acknowledged.

        Repeats with back-off while the broker is away: cancel the task to give up.
        """
        pause = 0.1
        while True:
            try:
                await self._send(
                    (name, petition.encode(), fact.value, HEADERS)
                    for petition, facts in pending.items()
                    for fact in facts
                    for name in fact.topics
                )
            except KafkaError as error:
                self.healthy = False
                log.warning("publish_failed", reason=type(error).__name__, count=len(pending))
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self.healthy = True
                for facts in pending.values():
                    for fact in facts:
                        for name in fact.topics:
                            metrics.PUBLISHED.labels(name).inc()
                return

    async def send(
        self, topic: str, key: bytes | None, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        """Send one message that is no fact (a dead letter) and wait for it."""
        await self._send([(topic, key, value, headers)])

    async def _send(
        self, messages: Iterable[tuple[str, bytes | None, bytes, list[tuple[str, bytes]]]]
    ) -> None:
        if self._producer is None:
            raise RuntimeError("the publisher is not started")
        acknowledgements = [
            await self._producer.send(self._prefix + topic, key=key, value=value, headers=headers)
            for topic, key, value, headers in messages
        ]
        results = await asyncio.gather(*acknowledgements, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def stop(self) -> None:
        """Flush and disconnect."""
        self.healthy = False
        if self._producer is not None:
            await self._producer.stop()
