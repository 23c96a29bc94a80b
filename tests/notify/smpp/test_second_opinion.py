"""The same gateway against another message centre that is not ours: the server of smpp34, in Rust."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from local import ports
from services.notify.sms import Accepted, Delivery, Fault, Refused, Throttled
from tests.eventually import eventually
from tests.notify.smpp.line import Kept, sending
from tests.notify.smpp.messages import SIGN, SOURCE, outbound

smpp34: Any = pytest.importorskip("smpp34", reason="the wheel of smpp34 is not for this machine")
pytestmark = pytest.mark.real


@dataclass
class Other:
    """A centre in this process; `decide` says the status of each submit_sm."""

    port: int
    decide: Callable[[int], int] = lambda _number: 0
    got: list[Any] = field(default_factory=list)
    session: Any = None
    statuses: list[int] = field(default_factory=list)

    async def run(self, server: Any) -> None:
        """Take sessions and messages until cancelled."""
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                self.session = event
            elif isinstance(event, smpp34.SubmitSmEvent):
                self.got.append(event)
                if status := self.decide(len(self.got)):
                    event.reject(status)
                else:
                    event.accept(f"id-{len(self.got)}")

    async def receipt(self, named: str, state: int) -> None:
        """Deliver a receipt that has optional parameters and nothing else."""
        tlvs = [
            smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, named.encode() + b"\0"),
            smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, bytes((state,))),
        ]
        answer = await self.session.deliver_sm(
            SOURCE, b"", source_addr="8613800138000", esm_class=4, tlvs=tlvs
        )
        self.statuses.append(answer.command_status)

    async def reply(self, text: str) -> None:
        """Deliver a text from a telephone."""
        answer = await self.session.deliver_sm(
            f"{SOURCE}7", text.encode("utf-16-be"), source_addr="8613800138000", data_coding=8
        )
        self.statuses.append(answer.command_status)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Other]:
    """The centre, listening."""
    other = Other(ports.free())
    server = smpp34.Server("127.0.0.1", other.port)
    await server.start()
    task = asyncio.create_task(other.run(server))
    try:
        yield other
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await server.stop()


async def test_a_second_centre_reads_the_same_and_its_answers_mean_the_same(sink: Kept) -> None:
    async with running() as other, sending(other.port, sink) as gateway:
        other.decide = lambda number: {3: smpp34.ESME_RINVDSTADR, 4: smpp34.ESME_RTHROTTLED}.get(number, 0)
        results = [
            *await gateway.send([outbound(1, text="字" * 65)]),
            *await gateway.send([outbound(2)]),
            *await gateway.send([outbound(3)]),
        ]
    assert Accepted(outbound(1).reference, 2, ("id-1", "id-2")) == results[0]
    assert Refused("smpp.0x0b", Fault.NUMBER) == results[1]
    assert isinstance(results[2], Throttled)
    whole = "".join(event.short_message[6:].decode("utf-16-be") for event in other.got[:2])
    assert f"【{SIGN}】" + "字" * 65 == whole


async def test_a_second_centre_sees_receipts_and_replies_acknowledged_when_they_are_kept(sink: Kept) -> None:
    async with running() as other, sending(other.port, sink):
        await eventually(lambda: other.session)
        sink.failing = 1
        await other.receipt("id-1", 2)
        await other.receipt("id-1", 2)
        await other.receipt("id-2", 5)
        await other.reply("非常满意")
    assert [0x64, 0, 0, 0] == other.statuses
    assert [("id-1", Delivery.DELIVERED), ("id-2", Delivery.FAILED)] == [
        (one.id, one.delivery) for one in sink.receipts_kept
    ]
    assert [("非常满意", "7")] == [(one.text, one.extension) for one in sink.inbound_kept]
