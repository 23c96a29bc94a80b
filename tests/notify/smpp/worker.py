"""A process that sends all of a file's messages, claims them first, and may be killed at any time.

`worker.py CLAIMS PORT PEOPLE`: CLAIMS is a SQLite file; of each message it knows "created", "claimed" or how
it ended. What it finds claimed at its start may have left: it counts as unknown and is not sent.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from datetime import timedelta

from runtime import logs
from runtime.clock import SystemClock
from services.notify.smpp.gateway import Smpp
from services.notify.sms import Accepted, Inbound, NotSent, Outbound, Receipt, Throttled, Unknown
from tests.notify.smpp.messages import outbound, settings

BATCH = 25


class _Nothing:
    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Take none."""

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Take none."""


def opened(path: str) -> sqlite3.Connection:
    """The claims, each statement durable when it returns."""
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("pragma journal_mode=wal")
    base.execute("pragma synchronous=full")
    base.execute("create table if not exists message (number integer primary key, state text not null)")
    return base


def text(number: int) -> str:
    """The text of a message; every fifth is long, so that several of its segments are under way together."""
    return f"第{number}条。" + ("字" * 140 if number % 5 == 0 else "")


async def send_all(path: str, port: int) -> None:
    """Claim a batch, send it, note how each ended; until nothing is left."""
    base, clock = opened(path), SystemClock()
    base.execute("update message set state = 'unknown' where state = 'claimed'")
    gateway = Smpp(settings(port, receipts=False), clock)
    await gateway.start(_Nothing())

    def claimed() -> list[Outbound]:
        rows = base.execute(
            "update message set state = 'claimed' where number in "
            "(select number from message where state = 'created' order by number limit ?) returning number",
            (BATCH,),
        ).fetchall()
        until = clock.now() + timedelta(seconds=10)
        return [outbound(n, text=text(n), lease_until=until) for (n,) in rows]

    async def one_lane() -> None:
        while batch := claimed():
            results = await gateway.send(batch)
            for message, result in zip(batch, results, strict=True):
                number = int(message.unique.rpartition(".")[2])
                match result:
                    case Accepted():
                        state = "accepted"
                    case NotSent() | Throttled():
                        state = "created"
                    case Unknown():
                        state = "unknown"
                    case _:
                        state = type(result).__name__
                base.execute("update message set state = ? where number = ?", (state, number))

    await asyncio.gather(one_lane(), one_lane())
    await gateway.stop()


if __name__ == "__main__":
    logs.configure("notify")
    asyncio.run(send_all(sys.argv[1], int(sys.argv[2])))
