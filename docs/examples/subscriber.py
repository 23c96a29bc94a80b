#!/usr/bin/env python3
"""Reads one body's topic: skips repeats, notices what is missing or forged, and remembers how far it is.

Run as `python docs/examples/subscriber.py HOST:PORT body-labor-v1 my-agency marks.db`; needs aiokafka alone.
"""

import asyncio
import hashlib
import json
import sqlite3
import sys

from aiokafka import AIOKafkaConsumer


def judge(event: dict[str, object], last: int, digest: str | None) -> str:
    """Tell what a message is, given number and hash of the petition's last one (0 and None before any)."""
    number = int(str(event["ordinal"]))
    if number <= last:
        return "repeat"
    if number == last + 1:
        return "new" if event.get("previous") == digest else "FORGED"
    # While a petition was with another body its facts went there: whoever gets it begins with CaseOpened.
    return "new" if str(event["type"]).endswith(".CaseOpened.v1") else "GAP"


async def follow(bootstrap: str, topic: str, group: str, database: str) -> None:
    """Read for ever; the number is kept together with what is made of the message, and committed after."""
    marks = sqlite3.connect(database)
    marks.execute("CREATE TABLE IF NOT EXISTS marks (petition TEXT PRIMARY KEY, number INT, digest TEXT)")
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    async with consumer:
        async for message in consumer:
            event = json.loads(message.value)
            petition = event["subject"]
            row = marks.execute("SELECT number, digest FROM marks WHERE petition = ?", (petition,)).fetchone()
            verdict = judge(event, *(row or (0, None)))
            if verdict == "new":
                with marks:  # your own work on event["data"] belongs into this same transaction
                    digest = hashlib.sha256(message.value).hexdigest()
                    mark = (petition, event["ordinal"], digest)
                    marks.execute("REPLACE INTO marks VALUES (?, ?, ?)", mark)
            sys.stdout.write(f"{verdict:6} {petition} {event['ordinal']} {event['type']}\n")
            sys.stdout.flush()
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:5]))
