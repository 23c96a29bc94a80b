"""A small HTTP/1.1 server on real TCP that shows requests as they were written, and fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

from local.ports import HOST, free
from tests.eventually import eventually

_HEAD = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Fault(Enum):
    """What goes wrong once a request has been read; CLOSED: before one is."""

    CLOSED = "the connection is closed before anything is read"
    DROPPED = "the connection is closed instead of an answer"
    SILENT = "no answer ever"
    TORN = "the answer stops in the middle"
    ENDLESS = "the answer does not end"


@dataclass(frozen=True)
class Request:
    """A request as it came; names of headers in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""


Handler = Callable[[Request], Reply | Fault]


@dataclass
class Peer:
    """The server; `handler` may be changed while it runs, a closed `gate` holds answers up."""

    handler: Handler
    port: int = 0
    refuses: Fault | None = None
    seen: list[Request] = field(default_factory=list)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        self.connections += 1
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while self.refuses is None and await self._one(reader, writer):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        self.writers.discard(writer)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _read(reader)
        self.seen.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = self.handler(request)
        await self.gate.wait()
        self.at_once -= 1
        match answer:
            case Reply(status, body):
                writer.write(_HEAD % (status, len(body)) + body)
                await writer.drain()
                return True
            case Fault.SILENT:
                await self.ended.wait()
            case Fault.TORN:
                writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n" + b'{"Code":"OK"')
                await writer.drain()
            case Fault.ENDLESS:
                writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 9999999\r\n\r\n" + b"x" * 3_000_000)
                await writer.drain()
                await self.ended.wait()
        return False


@asynccontextmanager
async def running(handler: Handler) -> AsyncIterator[Peer]:
    """The server on a free port of the loopback address."""
    peer = Peer(handler, free())
    peer.gate.set()
    server = await asyncio.start_server(peer.serve, HOST, peer.port)
    try:
        yield peer
    finally:
        peer.ended.set()
        peer.gate.set()
        server.close()
        for writer in list(peer.writers):
            writer.close()
        await eventually(lambda: not peer.writers)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
