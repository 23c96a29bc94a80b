"""From one message to the bodies of its submit_sm: UCS-2, 67 UTF-16 units and a header if several. Pure."""

from datetime import UTC, datetime
from typing import Final

from services.notify import segments
from services.notify.smpp.pdu import Address, ShortMessage, Tag
from services.notify.smpp.settings import Settings
from services.notify.sms import Fault, Outbound, Refused, mark

UCS2: Final = 8
_HAS_UDH: Final = 0x40
_INTERNATIONAL: Final = 1
_ISDN: Final = 1
MOST_PARTS: Final = 255


def bodies(message: Outbound, reference: int, settings: Settings) -> list[bytes] | Refused:
    """Return the bodies in their order; `reference` (one octet) is what the telephone joins them by."""
    if not message.to.removeprefix("+").isdigit() or len(message.to) > 20:  # noqa: PLR2004 - 4.4.1
        return Refused("smpp.number", Fault.NUMBER)
    if len(message.extension) > settings.extension or not (message.extension or "0").isdigit():
        return Refused("smpp.extension", Fault.PARAMETER)
    try:
        parts = segments.split(f"【{message.sign}】{message.text}")
    except UnicodeEncodeError:
        return Refused("smpp.text", Fault.CONTENT)
    if len(parts) > MOST_PARTS:
        return Refused("smpp.length", Fault.CONTENT)
    return [
        _body(message, settings, b"", part)
        if len(parts) == 1
        else _body(message, settings, bytes((5, 0, 3, reference & 0xFF, len(parts), number)), part)
        for number, part in enumerate(parts, 1)
    ]


def _body(message: Outbound, settings: Settings, header: bytes, part: str) -> bytes:
    return ShortMessage(
        source=Address(
            number=settings.source + message.extension, ton=settings.source_ton, npi=settings.source_npi
        ),
        destination=Address(number=message.to.removeprefix("+"), ton=_INTERNATIONAL, npi=_ISDN),
        message=header + part.encode("utf-16-be"),
        esm_class=_HAS_UDH if header else 0,
        data_coding=UCS2,
        registered_delivery=int(settings.receipts),
        validity_period=until(message.valid_until) if message.valid_until else "",
        tlvs={Tag.USER_MESSAGE_REFERENCE: mark(message.reference).to_bytes(2, "big")}
        if settings.echo
        else {},
    ).encode()


def until(moment: datetime) -> str:
    """Return a time as SMPP writes it (7.1.1): in UTC, to a tenth of a second."""
    utc = moment.astimezone(UTC)
    return f"{utc:%y%m%d%H%M%S}{utc.microsecond // 100_000}00+"
