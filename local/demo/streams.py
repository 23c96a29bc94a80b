"""What really stands in the topics and in the SMS outbox, for the tables and for the verification."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import ALL_TOPICS
from local.demo.records import Recorded, Sms
from local.trouble import LocalError

POLL_MS = 100
MOST_AT_ONCE = 5_000


class Reader:
    """Reads every topic from its beginning, as an auditor would: in no group, writing nothing."""

    def __init__(self, bootstrap: str, *, prefix: str = "") -> None:
        self.records: list[Recorded] = []
        self._prefix = prefix
        self._bootstrap = bootstrap
        self._places = [
            TopicPartition(prefix + topic.name, partition)
            for topic in ALL_TOPICS
            for partition in range(topic.partitions)
        ]
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await self._consumer.start()
        self._consumer.assign(self._places)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def catch_up(self, patience: float = 20.0) -> int:
        """Read on to where the topics end now; the number of new messages."""
        before, limit = len(self.records), time.monotonic() + patience
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(self._places)
        waiting = [place for place in self._places if ends[place] > 0]
        while waiting:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_AT_ONCE)
            for records in batches.values():
                self.records.extend(map(self._recorded, records))
            waiting = [place for place in waiting if await self._consumer.position(place) < ends[place]]
            if time.monotonic() > limit:
                raise LocalError(
                    f"The broker did not give out {waiting[0].topic} to its end in {patience:.0f} s.",
                    "look at the broker's log and run the demonstration again.",
                )
        return len(self.records) - before

    def _recorded(self, record: Any) -> Recorded:  # noqa: ANN401 - the client ships no types
        return Recorded(
            topic=record.topic.removeprefix(self._prefix),
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode("utf-8", "replace"),
            value=record.value,
        )


def outbox(path: Path) -> Sequence[Sms]:
    """Read the SMS outbox; a line that is being written is left for the next time."""
    if not path.exists():
        return ()
    lines = path.read_text("utf-8").split("\n")[:-1]
    return [
        Sms(line["reference"], line["petition"], line["to"], line["text"]) for line in map(json.loads, lines)
    ]


async def read_outbox(path: Path) -> Sequence[Sms]:
    """Read the SMS outbox without holding up the rest."""
    return await asyncio.to_thread(outbox, path)
