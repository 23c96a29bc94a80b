"""What a deliver_sm says: the receipt of a message of ours, or a text (or part) from a telephone. Pure.

The text of a receipt is no part of the specification but an appendix (B) that every centre reads in its own
way: ids may be decimal where the answer to submit_sm was hexadecimal, times are local, words are the
operator's. The optional parameters, where there are any, are exact and win.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Final

from services.notify.smpp.pdu import ShortMessage, Tag
from services.notify.sms import Delivery

_RECEIPT: Final = {0x04, 0x20}  # esm_class (5.2.12): receipt, intermediate notification
_KIND: Final = 0x3C
_HAS_UDH: Final = 0x40
_TEXT: Final = re.compile(r"\btext:", re.IGNORECASE)
_FIELD: Final = re.compile(
    r"\b(id|stat|err|done date):\s*((?!(?:sub|dlvrd|submit date|done date|stat|err):)\S*)", re.IGNORECASE
)
_ID: Final = re.compile(r"[\x21-\x7e]{1,64}")
_CODE: Final = re.compile(r"[^A-Za-z0-9_.:-]")
_NO_ERROR: Final = re.compile(r"0*")

# Appendix B and, for what Chinese operators add, their codes (MA:0054, MB:1049, IB:0008 …): all failures.
WORDS: Final[Mapping[str, Delivery]] = {
    "DELIVRD": Delivery.DELIVERED,
    "ACCEPTD": Delivery.PENDING,
    "ENROUTE": Delivery.PENDING,
    "BUFFERED": Delivery.PENDING,
    "UNKNOWN": Delivery.PENDING,
    "EXPIRED": Delivery.FAILED,
    "DELETED": Delivery.FAILED,
    "UNDELIV": Delivery.FAILED,
    "REJECTD": Delivery.FAILED,
}
# message_state (5.2.28).
STATES: Final[Mapping[int, tuple[Delivery, str]]] = {
    1: (Delivery.PENDING, "ENROUTE"),
    2: (Delivery.DELIVERED, "DELIVRD"),
    3: (Delivery.FAILED, "EXPIRED"),
    4: (Delivery.FAILED, "DELETED"),
    5: (Delivery.FAILED, "UNDELIV"),
    6: (Delivery.PENDING, "ACCEPTD"),
    7: (Delivery.PENDING, "UNKNOWN"),
    8: (Delivery.FAILED, "REJECTD"),
}


class Ids(StrEnum):
    """How a centre writes its ids: in the answer to submit_sm, and in the text of a receipt."""

    SAME = "same"
    HEX_THEN_DECIMAL = "hex-decimal"
    DECIMAL_THEN_HEX = "decimal-hex"

    def of_answer(self, value: str) -> str:
        """Return an id as it is kept, from an answer or an optional parameter; empty if it cannot be one."""
        return self._kept(value, {Ids.HEX_THEN_DECIMAL: 16, Ids.DECIMAL_THEN_HEX: 10}.get(self))

    def of_receipt(self, value: str) -> str:
        """Return an id as it is kept, from the text of a receipt."""
        return self._kept(value, {Ids.HEX_THEN_DECIMAL: 10, Ids.DECIMAL_THEN_HEX: 16}.get(self))

    @staticmethod
    def _kept(value: str, base: int | None) -> str:
        if not _ID.fullmatch(value):
            return ""
        if base is None:
            return value
        try:
            return str(int(value, base))
        except ValueError:
            return value


@dataclass(frozen=True, slots=True)
class Told:
    """One receipt. `at` is None if no time can be read; `mark` is what the centre echoes of ours."""

    id: str
    delivery: Delivery
    code: str
    at: datetime | None
    to: str
    mark: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part belongs: `kind` says which reference numbers it counts in."""

    kind: str
    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """A text from a telephone, or one part of it, still in its bytes: a character may be cut in two."""

    sender: str
    to: str
    coding: int
    content: bytes
    place: Place | None


def read(message: ShortMessage, ids: Ids, zone: tzinfo) -> Told | Said | None:
    """Return what a deliver_sm says; None for a receipt that names no message."""
    tlvs = message.tlvs
    both = Tag.RECEIPTED_MESSAGE_ID in tlvs and Tag.MESSAGE_STATE in tlvs
    if message.esm_class & _KIND in _RECEIPT or both:
        return _told(message, ids, zone)
    return _said(message)


def text(coding: int, content: bytes) -> str:
    """Return the characters of a text by its data coding (5.2.19); what cannot be one becomes U+FFFD.

    15 is GBK with Chinese operators. The default alphabet is the centre's own matter: most hand over Latin-1
    or ASCII, and digits and letters stand at the same places in GSM 7-bit.
    """
    if coding == 15:  # noqa: PLR2004 - as said above
        return content.decode("gb18030", "replace")
    if coding & 0xC0 == 0 and coding & 0x0C == 0x08:  # noqa: PLR2004 - UCS-2, also with a message class
        return content.decode("utf-16-be", "replace")
    return content.decode("latin-1")


def extension(to: str, ours: str) -> str:
    """Return the digits after our own number in the number that somebody wrote to."""
    number = to.lstrip("+")
    rest = number.removeprefix(ours.lstrip("+"))
    return rest if rest != number and rest.isascii() and rest.isdigit() else ""


def _told(message: ShortMessage, ids: Ids, zone: tzinfo) -> Told | None:
    tlvs = message.tlvs
    raw = message.message or tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    written: dict[str, str] = {}
    for name, value in _FIELD.findall(_TEXT.split(text(message.data_coding, raw), 1)[0]):
        written.setdefault(name.lower(), value)
    named = ids.of_answer(tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1"))
    named = named or ids.of_receipt(written.get("id", ""))
    if not named:
        return None
    delivery, code = _delivery(tlvs.get(Tag.MESSAGE_STATE, b""), written.get("stat", "").upper())
    error = written.get("err", "")
    if not _NO_ERROR.fullmatch(error):
        code = f"{code}.{error}"
    echoed = tlvs.get(Tag.USER_MESSAGE_REFERENCE, b"")
    return Told(
        id=named,
        delivery=delivery,
        code=_CODE.sub("", code).strip(".")[:60],
        at=_time(written.get("done date", ""), zone),
        to=message.source.number,
        mark=int.from_bytes(echoed, "big") if len(echoed) == 2 else None,  # noqa: PLR2004 - 5.3.2.17
    )


def _delivery(state: bytes, word: str) -> tuple[Delivery, str]:
    known = STATES.get(state[0]) if len(state) == 1 else None
    if known:
        return known[0], word or known[1]
    if not word:
        return Delivery.PENDING, ""
    return WORDS.get(word, Delivery.FAILED), word


def _time(value: str, zone: tzinfo) -> datetime | None:
    for form, length in (("%y%m%d%H%M%S", 12), ("%y%m%d%H%M", 10)):
        if len(value) == length and value.isascii() and value.isdigit():
            try:
                return datetime.strptime(value, form).replace(tzinfo=zone).astimezone(UTC)
            except ValueError:
                return None
    return None


def _said(message: ShortMessage) -> Said:
    tlvs = message.tlvs
    content = message.message or tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    place = None
    if message.esm_class & _HAS_UDH and content:
        header, content = content[1 : 1 + content[0]], content[1 + content[0] :]
        place = _in_header(header)
    return Said(
        sender=message.source.number,
        to=message.destination.number,
        coding=message.data_coding,
        content=content,
        place=_checked(place or _in_tlvs(tlvs)),
    )


def _in_header(header: bytes) -> Place | None:
    """Read the user data header (3GPP TS 23.040, 9.2.3.24): the place, with 8 or 16 bits of reference."""
    at = 0
    while at + 2 <= len(header):
        kind, value = header[at], header[at + 2 : at + 2 + header[at + 1]]
        if kind == 0x00 and len(value) == 3:  # noqa: PLR2004 - a length that the format fixes
            return Place("8", value[0], value[1], value[2])
        if kind == 0x08 and len(value) == 4:  # noqa: PLR2004 - a length that the format fixes
            return Place("16", int.from_bytes(value[:2], "big"), value[2], value[3])
        at += 2 + header[at + 1]
    return None


def _in_tlvs(tlvs: Mapping[int, bytes]) -> Place | None:
    parts = [tlvs.get(tag, b"") for tag in (Tag.SAR_REFERENCE, Tag.SAR_TOTAL, Tag.SAR_NUMBER)]
    if [len(part) for part in parts] != [2, 1, 1]:
        return None
    return Place("sar", int.from_bytes(parts[0], "big"), parts[1][0], parts[2][0])


def _checked(place: Place | None) -> Place | None:
    """Take what is no place in a whole of at least two for a text of its own."""
    if place is None or place.total < 2 or not 1 <= place.number <= place.total:  # noqa: PLR2004 - a length that the format fixes
        return None
    return place
