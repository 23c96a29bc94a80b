"""The least HTTP/1.1 that a load needs: one keep-alive connection, one request at a time."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Connection:
    """One connection to a service; opened anew when the server has closed it."""

    host: str
    port: int
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        """Send a JSON body; the status and the answer's body. Raises OSError if the server is away."""
        if self._streams is not None:
            try:
                return await self._post(path, body, key)
            except ConnectionError:
                self.close()  # it was closed while idle; the key makes asking again harmless
        return await self._post(path, body, key)

    async def _post(self, path: str, body: bytes, key: str) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
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
        return int(answer[9:12]), content

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
