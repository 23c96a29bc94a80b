"""What one petition that goes the whole way takes: messages and their bytes, documents and their indexes."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from contracts.topics import BODY_TOPICS
from local import services
from local.demo.streams import Reader
from tests.bench import figures, journeys
from tests.bench.seeding import filled, named
from tests.bench.stage import Line, Stage, running

ORIGINALS = 200
# Enough that pages are full and what a collection has once is spread over many.
STORED = 20_000
VIEWS = frozenset(topic.name for topic in BODY_TOPICS.values())


def sizes(stage: Stage, _seconds: float, texts: str) -> None:
    """Show bytes a petition: per topic on the wire and in the broker's log, per service in the database."""
    with running(stage, "whole-way") as line:
        originals = journeys.complete(line, ORIGINALS, texts)
        messages = asyncio.run(_messages(line))
        logs = _logs(line)
        sms = [json.loads(sent) for sent in line.around.outbox.open(encoding="utf-8")]
    topics = {
        name: {
            "messages": round(count / ORIGINALS, 2),
            "bytes": round(size / ORIGINALS),
            "log_bytes": round(logs.get(name, 0) / ORIGINALS),
        }
        for name, (count, size) in sorted(messages.items())
    }
    with filled(stage, stage.folder / "sized", originals, [STORED]) as full:
        databases = {name: _database(full, name) for name in services.NAMES}
    every = [figure["log_bytes"] for figure in topics.values()]
    figures.show(
        "bytes",
        sum(every) + sum(found["data"] + found["indexes"] for found in databases.values()),
        "bytes a petition on disk, one copy: the broker's log and the four databases",
        petitions=ORIGINALS,
        stored=STORED,
        messages=round(sum(figure["messages"] for figure in topics.values()), 2),
        log_bytes=sum(every),
        database_bytes=sum(found["data"] + found["indexes"] for found in databases.values()),
        topics=topics,
        databases=databases,
        sms=round(len(sms) / ORIGINALS, 2),
        # What a gateway counts and charges: a long text is several.
        segments=round(sum(sent["segments"] for sent in sms) / ORIGINALS, 2),
    )


async def _messages(line: Line) -> Mapping[str, tuple[int, int]]:
    """How many messages lie in each topic, and how long they are together; the bodies' topics as one."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    async with Reader(line.around.bootstrap, prefix=line.around.topic_prefix) as reader:
        await reader.catch_up()
        for record in reader.records:
            found[_named(record.topic)].append(len(record.value or b"") + len(record.key))
    return {name: (len(sizes), sum(sizes)) for name, sizes in found.items()}


def _logs(line: Line) -> Mapping[str, int]:
    """The bytes of each topic's log on the broker's disk: batches compressed as they came, no index."""
    found: defaultdict[str, int] = defaultdict(int)
    prefix = line.around.topic_prefix
    for file in (line.stage.folder / "kafka" / "data").glob(f"{prefix}*/*.log"):
        topic = file.parent.name.removeprefix(prefix).rpartition("-")[0]
        found[_named(topic)] += file.stat().st_size
    return found


def _named(topic: str) -> str:
    return "body-<code>-v1" if topic in VIEWS else topic


def _database(stage: Stage, name: str) -> dict[str, Any]:
    with stage.client() as client:
        told = client[f"{named(STORED)}-{name}"].command("collStats", "dockets")
    count = told["count"]
    return {
        "document": round(told["size"] / count),
        "data": round(told["storageSize"] / count),
        "indexes": round(told["totalIndexSize"] / count),
        "by_index": {index: round(size / count) for index, size in told["indexSizes"].items()},
    }
