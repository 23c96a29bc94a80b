"""A peer that lies, floods, falls silent or talks nonsense: nothing breaks, and no lie is believed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from services.notify.smpp.pdu import RESPONSE, Address, Command, Frame, ShortMessage, Splitter, encode
from services.notify.sms import Accepted, Down, NotSent, Unknown
from tests.eventually import eventually
from tests.notify.smpp.line import Kept, sending
from tests.notify.smpp.messages import SOURCE, outbound

pytestmark = pytest.mark.real

Answer = Callable[[Frame, asyncio.StreamWriter], None]


def well(frame: Frame, writer: asyncio.StreamWriter) -> None:
    """Answer as a centre should."""
    if not frame.command & RESPONSE:
        body = b"x\0" if frame.command in {Command.BIND_TRANSCEIVER, Command.SUBMIT_SM} else b""
        writer.write(encode(frame.command | RESPONSE, frame.sequence, body))


@dataclass
class Liar:
    """A peer in this process; `answer` says how it answers what."""

    answer: Answer = well
    port: int = 0
    heard: list[Frame] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reading.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the end."""
        self.writers.append(writer)
        splitter = Splitter()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                for frame in splitter.feed(data):
                    self.heard.append(frame)
                    self.answer(frame, writer)
                await self.reading.wait()
        writer.close()

    def count(self, command: int) -> int:
        """How often it heard a command."""
        return sum(frame.command == command for frame in self.heard)

    def say(self, data: bytes) -> None:
        """Send to the newest session."""
        self.writers[-1].write(data)


@contextlib.asynccontextmanager
async def running(answer: Answer = well) -> AsyncIterator[Liar]:
    """The peer, listening."""
    liar = Liar(answer)
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = server.sockets[0].getsockname()[1]
    try:
        yield liar
    finally:
        liar.reading.set()
        for writer in liar.writers:
            writer.close()
        server.close()
        await server.wait_closed()


def silent_for(command: Command) -> Answer:
    """Answer everything but one command."""
    return lambda frame, writer: None if frame.command == command else well(frame, writer)


NONSENSE = [b"\0\0\0\x05HELLO", b"GET / HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 64]


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_a_stream_that_cannot_be_read_ends_and_another_begins(sink: Kept, nonsense: bytes) -> None:
    async with running(silent_for(Command.SUBMIT_SM)) as liar, sending(liar.port, sink) as gateway:
        under_way = asyncio.create_task(gateway.send([outbound()]))
        await eventually(lambda: liar.count(Command.SUBMIT_SM), every=0.01)
        liar.say(nonsense)
        assert [Unknown("smpp.connection-lost")] == await under_way
        await eventually(lambda: 2 == liar.count(Command.BIND_TRANSCEIVER), every=0.01)


async def test_an_answer_to_what_nobody_asked_is_not_believed(sink: Kept) -> None:
    def lie_first(frame: Frame, writer: asyncio.StreamWriter) -> None:
        if frame.command == Command.SUBMIT_SM:
            writer.write(encode(Command.SUBMIT_SM | RESPONSE, frame.sequence + 1, b"wrong\0"))
            writer.write(encode(Command.ENQUIRE_LINK | RESPONSE, frame.sequence))
            writer.write(encode(Command.DELIVER_SM | RESPONSE, frame.sequence, b"wrong\0"))
        well(frame, writer)

    async with running(lie_first) as liar, sending(liar.port, sink) as gateway:
        assert [Accepted(outbound().reference, 1, ("x",))] == await gateway.send([outbound()])
    assert 1 == liar.count(Command.BIND_TRANSCEIVER)


async def test_a_pdu_that_is_not_taken_as_one_was_not_sent(sink: Kept) -> None:
    def not_bound(frame: Frame, writer: asyncio.StreamWriter) -> None:
        if frame.command == Command.SUBMIT_SM:
            writer.write(encode(Command.SUBMIT_SM | RESPONSE, frame.sequence, status=0x04))
        else:
            well(frame, writer)

    async with running(not_bound) as liar, sending(liar.port, sink) as gateway:
        assert [NotSent("smpp.0x04")] == await gateway.send([outbound()])
        # A session that the centre does not take for bound is given up.
        await eventually(lambda: 2 == liar.count(Command.BIND_TRANSCEIVER), every=0.01)


async def test_what_is_no_delivery_or_no_known_command_is_answered_and_the_session_goes_on(
    sink: Kept,
) -> None:
    reply = ShortMessage(source=Address(number="861"), destination=Address(number=SOURCE), message=b"5")
    async with running() as liar, sending(liar.port, sink):
        liar.say(encode(Command.DELIVER_SM, 1, b"\xff" * 30))
        liar.say(encode(Command.DELIVER_SM, 2, b""))
        liar.say(encode(0x00000103, 3, b""))
        liar.say(encode(Command.ALERT_NOTIFICATION, 4, b""))
        liar.say(encode(Command.DELIVER_SM, 5, reply.encode()))
        await eventually(lambda: sink.inbound_kept, every=0.01)
        await eventually(lambda: 2 < liar.count(Command.DELIVER_SM | RESPONSE), every=0.01)
    said = {frame.sequence: (frame.command, frame.status) for frame in liar.heard if frame.command & RESPONSE}
    resp = Command.DELIVER_SM | RESPONSE
    assert {1: (resp, 0x65), 2: (resp, 0x65), 3: (Command.GENERIC_NACK, 0x03), 5: (resp, 0)} == said


async def test_a_bind_without_an_answer_is_given_up(sink: Kept) -> None:
    wait = timedelta(milliseconds=100)
    async with (
        running(silent_for(Command.BIND_TRANSCEIVER)) as liar,
        sending(liar.port, sink, connect_timeout=wait) as gateway,
    ):
        assert [Down("smpp.no-answer")] == await gateway.send([outbound()])
        await eventually(lambda: 2 <= liar.count(Command.BIND_TRANSCEIVER), every=0.01)


async def test_who_floods_and_does_not_read_is_not_answered_without_end(sink: Kept) -> None:
    short = timedelta(milliseconds=300)
    async with running() as liar, sending(liar.port, sink, enquire_every=short, response_timeout=short):
        await eventually(lambda: liar.count(Command.BIND_TRANSCEIVER), every=0.01)
        liar.reading.clear()
        flood = b"".join(encode(Command.ENQUIRE_LINK, 1) for _ in range(20_000))

        async def pour() -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(200):
                    liar.say(flood)
                    await liar.writers[-1].drain()

        pouring = asyncio.create_task(pour())
        # It stops reading, asks whether the peer is there, hears nothing and hangs up.
        await _ended(pouring)
        liar.reading.set()
        await eventually(lambda: 2 <= liar.count(Command.BIND_TRANSCEIVER), every=0.01)


async def _ended(task: Awaitable[None]) -> None:
    async with asyncio.timeout(10):
        await task
