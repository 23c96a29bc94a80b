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
    """The connections to one gateway, at most `settings.connections`, and who may use one next."""

    def __init__(self, name: str, settings: LineSettings, clock: Clock) -> None:
        self._name, self._settings, self._clock = name, settings, clock
        self._base = httpx.URL(str(settings.endpoint))
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(settings.connections)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def host(self) -> str:
        """The Host header: the port is in it unless it is the usual one."""
        return self._base.netloc.decode("ascii")

    def open(self) -> None:
        """Be ready; nothing is connected yet."""
        if self._client is None:
            connect, answer = self._seconds()
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(answer, connect=connect, pool=connect),
                limits=httpx.Limits(max_connections=self._settings.connections, keepalive_expiry=KEPT_IDLE),
                headers={"user-agent": "petition-bridge", "accept-encoding": "identity"},
                follow_redirects=False,
                verify=_trusted(),
                trust_env=False,  # a proxy set for other programs must not see the numbers
            )

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def each(
        self, batch: Sequence[Outbound], send: Callable[[Outbound], Awaitable[Result]]
    ) -> list[Result]:
        """Send all, as many at once as there are connections; what goes to one number keeps its order."""
        return await asyncio.gather(*(self._turn(message, send) for message in batch))

    async def _turn(self, message: Outbound, send: Callable[[Outbound], Awaitable[Result]]) -> Result:
        async with self._turns.setdefault(message.to, asyncio.Lock()), self._slots:
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
        self.open()
        left = False

        async def trace(event: str, _details: dict[str, Any]) -> None:
            nonlocal left
            if event.endswith(".send_request_headers.started"):
                if lease_until is not None and self._clock.now() >= lease_until:
                    raise _LeaseExpiredError
                left = True

        try:
            async with asyncio.timeout(sum(self._seconds())):
                return await self._exchange(method, target, headers, content, trace)
        except _LeaseExpiredError:
            return NotSent("lease-expired")
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            reason = f"{self._name}.{type(error).__name__}"
            if left:
                return Unknown(reason)
            if isinstance(error, httpx.PoolTimeout):
                return NotSent(reason)
            return Down(reason)

    async def _exchange(
        self, method: str, target: str, headers: dict[str, str], content: bytes, trace: object
    ) -> Answer | Unknown:
        if self._client is None:
            raise RuntimeError("the line is closed")
        path, _, query = target.partition("?")
        # As bytes, so that what was signed is what is written.
        address = self._base.copy_with(raw_path=f"{path}?{query}".encode() if query else path.encode())
        request = self._client.stream(
            method, address, headers=headers, content=content, extensions={"trace": trace}
        )
        async with request as response:
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_ANSWERED:
                    return Unknown(f"{self._name}.answer-too-large")
            return Answer(response.status_code, body)

    def _seconds(self) -> tuple[float, float]:
        return self._settings.connect_timeout.total_seconds(), self._settings.timeout.total_seconds()
