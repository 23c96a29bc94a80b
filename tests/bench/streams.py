"""Reads all topics of a line as an auditor would: whole numbers and chains, an owner for every petition."""

from __future__ import annotations

import asyncio

from local.demo.streams import Reader, outbox
from local.demo.verify import verify
from tests.bench import figures
from tests.bench.settled import LeftOverError
from tests.bench.stage import Line

READ_WITHIN = 300.0
MOST_TOLD = 5


def verified(line: Line) -> int:
    """The number of messages that were checked; raises if one is lost, doubled, or a petition has no owner.

    Every petition must have ended or be with a body or the triage desk until a due time, and each of its
    steps told by one SMS.
    """
    figures.tell(f"{line.around.topic_prefix}streams are read and verified")
    count, findings = asyncio.run(_findings(line))
    if findings:
        raise LeftOverError(f"{len(findings)} findings in the streams: {' '.join(findings[:MOST_TOLD])}")
    return count


async def _findings(line: Line) -> tuple[int, list[str]]:
    async with Reader(line.around.bootstrap, prefix=line.around.topic_prefix) as reader:
        await reader.catch_up(READ_WITHIN)
        return len(reader.records), verify(reader.records, outbox(line.around.outbox))
