"""The door that gateways call back through, with receipts and replies; stands before the sink.

No vendor signs its calls, so the door is a secret part of the address and, where the operator knows them, the
addresses that may come. What the sink could not keep is answered 503, and the gateway repeats it.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Final, NoReturn, TypeVar

import msgspec
import structlog
from fastapi import Request

from contracts.calendar import SHANGHAI
from runtime.clock import Clock
from runtime.problems import Problem
from services.notify.cloud.settings import LineSettings, networks
from services.notify.gateway import Sink
from services.notify.sms import Inbound, Receipt

log = structlog.get_logger()

# A vendor's batch of a hundred receipts is about 40 KB.
MOST_BYTES: Final = 262_144
_PLACE: Final = re.compile(r"`\$([^`]*)`")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_REASON: Final = re.compile(r"[A-Za-z0-9_.:-]{0,60}")
_LONG_AGO_DIGITS: Final = 12  # as many digits of seconds are tens of thousands of years
_DIGITS: Final = re.compile(r"\d+")
Shape = TypeVar("Shape")
# Vendors write ids as text or as a number, and leave out or null what they do not have.
Word = str | int | None


class Door:
    """Checks who calls, reads what is brought, and hands it over."""

    def __init__(self, gateway: str, settings: LineSettings, clock: Clock) -> None:
        self.gateway, self.clock = gateway, clock
        self.sink: Sink | None = None
        self._secret = settings.callback_secret.get_secret_value().encode()
        self._networks = networks(settings.callback_from)
        self._settings = settings

    async def body(self, request: Request, secret: str) -> bytes:
        """Let a call in and read it; raises Problem: 404 if it may not come in, 413 if it is too large."""
        if not hmac.compare_digest(secret.encode(), self._secret):
            self._refuse(404, "not-found", "secret")
        if self._networks and not self._comes_from_one_of_them(request):
            self._refuse(404, "not-found", "address")
        read = b""
        async for chunk in request.stream():
            read += chunk
            if len(read) > MOST_BYTES:
                self._refuse(413, "body-too-large", "size")
        return read

    def read(self, body: bytes, shape: msgspec.json.Decoder[Shape]) -> Shape:
        """Decode JSON; raises Problem 400 naming the place, never what stands there."""
        try:
            return shape.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            place = _PLACE.search(str(error))
            self.malformed(place[1].lstrip(".") if place else "")

    def malformed(self, field: str) -> NoReturn:
        """Answer 400: this will not get better by repeating it."""
        message = "缺少，或不是应有的类型，请核对网关的回调配置"
        self._refuse(400, "malformed", "malformed", [{"field": field or "body", "message": message}])

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Hand receipts over; raises what the sink raises (503) if they were not kept."""
        if batch:
            await self._open_sink().receipts(batch)

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Hand replies over, same."""
        if batch:
            await self._open_sink().inbound(batch)

    def at(self, written: str) -> datetime:
        """Read a vendor's time (Shanghai, or seconds since 1970); what cannot be read happened now."""
        now = self.clock.now()
        try:
            if written.isdigit() and len(written) < _LONG_AGO_DIGITS:
                return datetime.fromtimestamp(int(written), now.tzinfo)
            if written.isdigit():  # 20261122103000
                written = f"{written[:8]}T{written[8:]}"
            return datetime.fromisoformat(written).replace(tzinfo=SHANGHAI).astimezone(now.tzinfo)
        except (ValueError, OverflowError, OSError):
            return now

    def extension(self, addressed: str) -> str:
        """Return the digits after our own number."""
        found = addressed.lstrip("+").removeprefix(self._settings.sender)
        return found if self._settings.extension and _DIGITS.fullmatch(found) else ""

    def keyed(self, *parts: str) -> str:
        """Name what the vendor gives no id to: the same each time, and nobody reads the number out of it."""
        told = "\x00".join(parts).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, told, hashlib.sha256).hexdigest()[:32]

    def _open_sink(self) -> Sink:
        if self.sink is None:
            raise Problem(503, "unavailable", retry_after=5)
        return self.sink

    def _comes_from_one_of_them(self, request: Request) -> bool:
        try:
            address = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def _refuse(
        self, status: int, code: str, reason: str, errors: list[dict[str, str]] | None = None
    ) -> NoReturn:
        log.warning("callback_refused", gateway=self.gateway, reason=reason)
        raise Problem(status, code, errors=errors)


def word(value: Word) -> str:
    """Return a vendor's id or code as text."""
    return "" if value is None else str(value).strip()


def our_reference(value: Word) -> str:
    """Return what a vendor echoes if it can be a reference of ours: the account may have other users."""
    echoed = word(value)
    return echoed if _REFERENCE.fullmatch(echoed) else ""


def reason(value: Word) -> str:
    """Return a vendor's reason if it is a code; words may hold anything."""
    said = word(value)
    return said if _REASON.fullmatch(said) else "other"
