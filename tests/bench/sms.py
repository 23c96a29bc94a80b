"""How many submit_sm a second the SMPP gateway gets answered by a centre in Node, with receipts and without.

The centre shares the machine with the gateway. Texts have 44 characters with their signature and are one
segment; `long` ones have three. `rate` is set far above what any operator grants, so that the gateway alone
is measured.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.trouble import LocalError
from runtime.clock import SystemClock
from services.notify.smpp.gateway import Smpp
from services.notify.sms import Accepted, Inbound, Receipt
from tests.bench import figures, processes
from tests.bench.pace import pause
from tests.notify.peers import centre
from tests.notify.peers.node import MissingError
from tests.notify.smpp.messages import outbound, settings

GOAL = 1_000.0
WINDOW = 50
TEXT = (
    "您反映的事项已登记，编号07X3Q，请凭查询码查询办理进度。谢谢您的支持配合"  # 44 with the signature's six
)
SETTLE_WITHIN = 60.0


@dataclass
class _Counting:
    """A sink that counts; `calls` says how many hand-overs it took."""

    count: int = 0
    calls: int = 0

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Count receipts."""
        self.count += len(batch)
        self.calls += 1

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Count nothing."""


def sms(seconds: float) -> None:
    """Measure three times: receipts off, receipts on, long texts with receipts."""
    for name, text, receipts in (
        ("sms", TEXT, False),
        ("sms-receipts", TEXT, True),
        ("sms-long-receipts", TEXT * 4, True),
    ):
        try:
            with (
                tempfile.TemporaryDirectory(prefix="petition-bench-sms-") as folder,
                centre.running(Path(folder)) as peer,
            ):
                asyncio.run(_measured(name, peer, text, receipts=receipts, seconds=seconds))
        except MissingError as missing:
            raise LocalError(f"No message centre: {missing}.", "Install it, or measure the others.") from None


async def _measured(name: str, peer: centre.Centre, text: str, *, receipts: bool, seconds: float) -> None:
    await peer.ask(keep=False, receipts="after" if receipts else "no")
    sink, clock, number, taken, segments = _Counting(), SystemClock(), 0, 0, 0
    line = settings(peer.port, rate=1_000_000, window=WINDOW, response_timeout=timedelta(seconds=10))
    gateway = Smpp(line, clock)
    if hindrance := await gateway.start(sink):
        raise LocalError(f"The gateway is not bound: {hindrance}.", "Look at the centre's log.")
    began, busy = time.perf_counter(), processes.used({"self": os.getpid()})["self"]
    until = began + seconds

    async def lane() -> None:
        nonlocal number, taken, segments
        while time.perf_counter() < until:
            lease, batch = clock.now() + timedelta(seconds=60), []
            for _ in range(gateway.caps.batch):
                number += 1
                batch.append(outbound(number, text=text, lease_until=lease))
            for result in await gateway.send(batch):
                if isinstance(result, Accepted):
                    taken += 1
                    segments += result.segments

    await asyncio.gather(*(lane() for _ in range(gateway.caps.window)))
    took = time.perf_counter() - began
    if receipts:
        await _settled(sink, segments)
    drained = time.perf_counter() - began
    used = processes.used({"self": os.getpid()})["self"] - busy
    counts: dict[str, Any] = await peer.counts()
    await gateway.stop()
    figures.show(
        name,
        segments / took,
        "submit_sm/s answered",
        reference=GOAL,
        messages=taken,
        segments=segments,
        not_accepted=number - taken,
        submits_at_the_centre=counts["submits"],
        most_under_way=counts["mostUnderWay"],
        window=WINDOW,
        receipts=sink.count,
        receipts_a_call=round(sink.count / max(1, sink.calls), 1),
        acknowledged=counts["answers"].get("0", 0),
        receipts_per_second=round(sink.count / drained),
        cpu_us_per_submit=round(used * 1000 / max(1, segments), 1),
    )
    if taken < number or counts["submits"] != segments or (receipts and sink.count != segments):
        raise LocalError("Messages or receipts were lost.", "Look at the figures above.")


async def _settled(sink: _Counting, segments: int) -> None:
    limit = time.monotonic() + SETTLE_WITHIN
    while sink.count < segments and time.monotonic() < limit:
        await pause(0.02)
