"""A TCP proxy that can misbehave like a network: services reach broker and database through it alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from local import ports
from tests.bench.pace import pause

BLOCK = 1 << 16
DELAY = 0.15
AT_ONCE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """What happens to the bytes."""

    PASS = "pass"
    DROP = "drop"  # connections are reset, new ones too
    DELAY = "delay"  # every block comes late, both ways
    STALL = "stall"  # nothing moves and nobody is told; later everything goes on
    DEAF = "deaf"  # what is asked arrives, what is answered gets lost; then connections are reset
    HALF_OPEN = "half-open"  # standing connections are dead for good and nobody is told; new ones work


CUTS = tuple(mode for mode in Mode if mode is not Mode.PASS)


@dataclass(eq=False)
class _Link:
    """One connection: the side that called, the side that was called, and whether bytes of it were lost."""

    caller: asyncio.StreamWriter
    called: asyncio.StreamWriter
    dead: bool = False
    holed: bool = False

    def reset(self) -> None:
        """End both sides at once, with a reset instead of a farewell."""
        for writer in (self.caller, self.called):
            _reset(writer)


class Proxy:
    """Passes on what comes to `port` to `target`, in the way that `cut` and `heal` say."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.mode = Mode.PASS
        self._links: set[_Link] = set()
        self._flow = asyncio.Event()
        self._flow.set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.port = ports.free()
        self._server = await asyncio.start_server(self._serve, ports.HOST, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.heal()
        for link in self._links:
            link.reset()
        while self._links:
            await pause(0.01)

    def cut(self, mode: Mode) -> None:
        """Begin to misbehave."""
        self.mode = mode
        match mode:
            case Mode.DROP:
                for link in self._links:
                    link.reset()
            case Mode.STALL:
                self._flow.clear()
            case Mode.HALF_OPEN:
                for link in self._links:
                    link.dead = True
                self.mode = Mode.PASS

    def heal(self) -> None:
        """Behave again; a connection that has lost bytes is of no use any more."""
        self.mode = Mode.PASS
        self._flow.set()
        for link in self._links:
            if link.holed:
                link.reset()

    async def _serve(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        try:
            if self.mode is Mode.DROP:
                raise ConnectionRefusedError
            answers, called = await asyncio.open_connection(ports.HOST, self.target)
        except OSError:
            _reset(caller)
            return
        link = _Link(caller, called)
        self._links.add(link)
        back = asyncio.create_task(self._pass(link, answers, caller, back=True))
        try:
            await self._pass(link, reader, called, back=False)
        finally:
            self._links.discard(link)
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            for writer in (caller, called):
                writer.close()

    async def _pass(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(BLOCK):
                if self.mode is Mode.DELAY:
                    await pause(DELAY)
                await self._flow.wait()
                link.holed |= back and self.mode is Mode.DEAF
                if not (link.dead or (back and link.holed)):
                    writer.write(block)
                    await writer.drain()
        await self._flow.wait()
        if back and not link.dead:
            # The caller hears that the called one has hung up; his own farewell then ends the link.
            link.caller.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()
