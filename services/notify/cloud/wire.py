"""One HTTP request to a gateway, with an end that says whether anything can have left this machine.

The library's trace tells when the first byte of a request is about to be written. What goes wrong before has
sent nothing; what goes wrong after that may have been taken.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx

from runtime.clock import Clock
from services.notify.cloud.settings import LineSettings
from services.notify.sms import Down, NotSent, Outbound, Result, Unknown

# A page of fifty long messages is about 100 KB. Whoever answers more than this is not the gateway.
MOST_ANSWERED: Final = 1 << 20
# Vendors close idle connections after a minute or so; what meets a closing one is Unknown for nothing.
KEPT_IDLE: Final = 15.0

# The client logs each request's address, and the vendors' addresses hold the number and the text.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Read the roots once: it takes a tenth of a second, and an answer may be waiting."""
    return httpx.create_ssl_context(trust_env=False)


class _LeaseExpiredError(Exception):
    """The lease passed before the first byte was written."""


class Line:
    """The connections to one gateway, at most `settings.connections`, and who may use one next.

    Each connection has a client of its own: the library's pool looks at all pairs of its connections with
    each request. One that an exchange failed on is thrown away, whatever state it is in.
    """

    def __init__(self, name: str, settings: LineSettings, clock: Clock) -> None:
        self._name, self._settings, self._clock = name, settings, clock
        self._base = httpx.URL(str(settings.endpoint))
        self._slots = asyncio.Semaphore(settings.connections)
        self._free: list[httpx.AsyncClient] = []
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def host(self) -> str:
        """The Host header: the port is in it unless it is the usual one."""
        return self._base.netloc.decode("ascii")

    def _client(self) -> httpx.AsyncClient:
        connect, answer = self._seconds()
        return httpx.AsyncClient(
            timeout=httpx.Timeout(answer, connect=connect),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEPT_IDLE),
            headers={"user-agent": "petition-bridge", "accept-encoding": "identity"},
            follow_redirects=False,
            verify=_trusted(),
            trust_env=False,  # a proxy set for other programs must not see the numbers
        )

    async def close(self) -> None:
        """Let go of the connections."""
        while self._free:
            await self._free.pop().aclose()

    async def each(
        self, batch: Sequence[Outbound], send: Callable[[Outbound], Awaitable[Result]]
    ) -> list[Result]:
        """Send all, as many at once as there are connections; what goes to one number keeps its order."""
        return await asyncio.gather(*(self._turn(message, send) for message in batch))

    async def _turn(self, message: Outbound, send: Callable[[Outbound], Awaitable[Result]]) -> Result:
        async with self._turns.setdefault(message.to, asyncio.Lock()):
            return await send(message)

    async def ask(
        self,
        method: str,
        target: str,
        *,
        headers: dict[str, str],
        content: bytes = b"",
        lease_until: datetime | None = None,
    ) -> Answer | NotSent | Down | Unknown:
        """Send one request, once; nothing is written any more when `lease_until` has passed."""
        async with self._slots:
            client = self._free.pop() if self._free else self._client()
            answer: Answer | NotSent | Down | Unknown | None = None
            try:
                answer = await self._asked(
                    client, self._request(client, method, target, headers, content), lease_until
                )
                return answer
            finally:
                if isinstance(answer, Answer):
                    self._free.append(client)
                else:
                    await client.aclose()

    def _request(
        self, client: httpx.AsyncClient, method: str, target: str, headers: dict[str, str], content: bytes
    ) -> httpx.Request:
        path, _, query = target.partition("?")
        # As bytes, so that what was signed is what is written.
        address = self._base.copy_with(raw_path=f"{path}?{query}".encode() if query else path.encode())
        return client.build_request(method, address, headers=headers, content=content)

    async def _asked(
        self, client: httpx.AsyncClient, request: httpx.Request, lease_until: datetime | None
    ) -> Answer | NotSent | Down | Unknown:
        left = False

        async def trace(event: str, _details: dict[str, Any]) -> None:
            nonlocal left
            if event.endswith(".send_request_headers.started"):
                if lease_until is not None and self._clock.now() >= lease_until:
                    raise _LeaseExpiredError
                left = True

        request.extensions["trace"] = trace
        try:
            async with asyncio.timeout(sum(self._seconds())):
                return await self._answer(await client.send(request, stream=True))
        except _LeaseExpiredError:
            return NotSent("lease-expired")
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            reason = f"{self._name}.{type(error).__name__}"
            return Unknown(reason) if left else Down(reason)

    async def _answer(self, response: httpx.Response) -> Answer | Unknown:
        try:
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_ANSWERED:
                    return Unknown(f"{self._name}.answer-too-large")
            return Answer(response.status_code, body)
        finally:
            await response.aclose()

    def _seconds(self) -> tuple[float, float]:
        return self._settings.connect_timeout.total_seconds(), self._settings.timeout.total_seconds()
