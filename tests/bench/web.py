"""The least HTTP/1.1 that a load needs: one keep-alive connection, one request at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *\d+\r\n", re.IGNORECASE)
# Beside several instances a connection is given up now and then, so that one that comes later gets its share.
RENEW_AFTER = 50


class Reply(NamedTuple):
    """What came back; `retry_after` tells whether it says when to come again."""

    status: int
    body: bytes
    retry_after: bool = False


@dataclass
class Connection:
    """One connection to a service; opened anew when the server has closed it.

    With several ports it takes the next one that answers when its own does not.
    """

    host: str
    ports: Sequence[int]
    turn: int = 0
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _used: int = 0

    async def post(self, path: str, body: bytes, key: str) -> Reply:
        """Send a JSON body; what came back. Raises OSError if no server is there.

        Asks again as often as there are ports, and for a connection that was closed while it was idle: the
        key makes asking again harmless.
        """
        for _ in range(len(self.ports) - (self._streams is None)):
            try:
                return await self.once(path, body, key)
            except ConnectionError:
                self.close()
        return await self.once(path, body, key)

    async def once(self, path: str, body: bytes, key: str) -> Reply:
        """Send a JSON body and do not ask again; raises OSError if the server is away or hangs up."""
        reader, writer = self._streams or await self._opened()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(answer)
            content = await reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, OSError) as error:
            self.close()
            raise ConnectionError("the server hung up") from error
        self._used += 1
        if len(self.ports) > 1 and self._used >= RENEW_AFTER:
            self.close()
        return Reply(int(answer[9:12]), content, _RETRY.search(answer) is not None)

    async def _opened(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for left in reversed(range(len(self.ports))):
            port = self.ports[self.turn % len(self.ports)]
            self.turn += 1
            try:
                self._streams = await asyncio.open_connection(self.host, port)
            except OSError:
                if not left:
                    raise
            else:
                return self._streams
        raise ConnectionError("no port to connect to")

    def close(self) -> None:
        """Hang up."""
        self._used = 0
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
