"""SMPP 3.4 as bytes: what a session writes, and what of the peer's bytes it understands. No I/O.

The peer's bytes are not ours: every length is checked, and what cannot be read is a `MalformedError`, never
another exception. Tables and field orders are those of "Short Message Peer to Peer Protocol Specification
v3.4", ch. 4, 5.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

_HEADER: Final = struct.Struct(">IIII")
_TLV: Final = struct.Struct(">HH")
HEADER: Final = _HEADER.size
_LENGTH: Final = 4
# The longest legal one has a payload of 64 KB in an optional parameter.
LONGEST: Final = 70_000
MOST_TLVS: Final = 100
LONGEST_MESSAGE: Final = 254
VERSION: Final = 0x34
LAST_SEQUENCE: Final = 0x7FFFFFFF


class Command(IntEnum):
    """The PDUs that a transceiver needs; a response has the highest bit."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    BIND_TRANSCEIVER = 0x00000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ALERT_NOTIFICATION = 0x00000102


RESPONSE: Final = 0x80000000


class Status(IntEnum):
    """What a response says (5.1.3), as far as something depends on it."""

    OK = 0x00
    INVALID_COMMAND = 0x03
    INVALID_BIND_STATUS = 0x04
    ALREADY_BOUND = 0x05
    SYSTEM_ERROR = 0x08
    INVALID_SOURCE = 0x0A
    INVALID_DESTINATION = 0x0B
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    INVALID_SYSTEM_ID = 0x0F
    QUEUE_FULL = 0x14
    INVALID_SERVICE_TYPE = 0x15
    INVALID_SOURCE_TON = 0x48
    INVALID_SOURCE_NPI = 0x49
    INVALID_DESTINATION_TON = 0x50
    INVALID_DESTINATION_NPI = 0x51
    INVALID_SYSTEM_TYPE = 0x53
    THROTTLED = 0x58
    TEMPORARY_ERROR = 0x64  # ESME_RX_T_APPN: keep it and deliver it again
    PERMANENT_ERROR = 0x65  # ESME_RX_P_APPN: do not deliver it again
    UNKNOWN_ERROR = 0xFF


class Tag(IntEnum):
    """The optional parameters that are read or written here (5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    USER_MESSAGE_REFERENCE = 0x0204
    SAR_REFERENCE = 0x020C
    SAR_TOTAL = 0x020E
    SAR_NUMBER = 0x020F
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class MalformedError(Exception):
    """These bytes are no PDU, or not the one that they claim to be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One PDU as it stood in the stream."""

    command: int
    status: int
    sequence: int
    body: bytes


class Splitter:
    """Cuts a stream into PDUs. After a `MalformedError` nobody knows where the next one begins: hang up."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the PDUs that are whole now; keeps the rest, which is never longer than one PDU."""
        rest, at, frames = self._rest, 0, []
        rest += data
        while len(rest) - at >= _LENGTH:
            length = int.from_bytes(rest[at : at + _LENGTH], "big")
            if not HEADER <= length <= LONGEST:
                raise MalformedError("length")
            if len(rest) - at < length:
                break
            _, command, status, sequence = _HEADER.unpack_from(rest, at)
            frames.append(Frame(command, status, sequence, bytes(rest[at + HEADER : at + length])))
            at += length
        del rest[:at]
        return frames

    def __len__(self) -> int:
        return len(self._rest)


def encode(command: int, sequence: int, body: bytes = b"", status: int = Status.OK) -> bytes:
    """Return a whole PDU."""
    return _HEADER.pack(HEADER + len(body), command, status, sequence) + body


def bind_body(system_id: str, password: str, system_type: str, address_range: str = "") -> bytes:
    """Return the body of a bind; the settings hold each to its length."""
    return (
        _string(system_id)
        + _string(password)
        + _string(system_type)
        + bytes((VERSION, 0, 0))
        + _string(address_range)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A number with its kind: type of number, numbering plan (5.2.5, 5.2.6)."""

    number: str
    ton: int = 0
    npi: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage:
    """The body of submit_sm and of deliver_sm, which is the same (4.4.1, 4.6.1)."""

    source: Address
    destination: Address
    message: bytes
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    validity_period: str = ""
    service_type: str = ""
    tlvs: Mapping[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the body."""
        if len(self.message) > LONGEST_MESSAGE:
            raise ValueError("a short message has 254 bytes at most")
        return b"".join(
            (
                _string(self.service_type),
                _address(self.source),
                _address(self.destination),
                bytes((self.esm_class, 0, 0)),
                b"\0",  # at once
                _string(self.validity_period),
                bytes((self.registered_delivery, 0, self.data_coding, 0, len(self.message))),
                self.message,
                *(_TLV.pack(tag, len(value)) + value for tag, value in self.tlvs.items()),
            )
        )

    @classmethod
    def decode(cls, body: bytes) -> "ShortMessage":
        """Read a body; raises MalformedError."""
        reader = _Reader(body)
        service_type = reader.string(6)
        source = reader.address()
        destination = reader.address()
        esm_class, _protocol, _priority = reader.octets(3)
        reader.string(17)
        validity = reader.string(17)
        registered, _replace, coding, _default, length = reader.octets(5)
        message = reader.octets(length)
        return cls(
            source=source,
            destination=destination,
            message=message,
            esm_class=esm_class,
            data_coding=coding,
            registered_delivery=registered,
            validity_period=validity,
            service_type=service_type,
            tlvs=reader.tlvs(),
        )


def message_id(body: bytes) -> str:
    """Return the message id of a submit_sm_resp; empty if the peer gave none (or none that can be read)."""
    try:
        return _Reader(body).string(65)
    except MalformedError:
        return ""


class _Reader:
    """Reads a body from its beginning; every step checks that there is something to read."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def string(self, most: int) -> str:
        """Read a string that ends with a zero, at most so many octets with it."""
        end = self._body.find(b"\0", self._at, self._at + most)
        if end < 0:
            raise MalformedError("string")
        value = self._body[self._at : end]
        self._at = end + 1
        return value.decode("latin-1")

    def octets(self, count: int) -> bytes:
        """Read so many octets."""
        value = self._body[self._at : self._at + count]
        if len(value) < count:
            raise MalformedError("octets")
        self._at += count
        return value

    def address(self) -> Address:
        """Read a number with its kind."""
        ton, npi = self.octets(2)
        return Address(number=self.string(21), ton=ton, npi=npi)

    def tlvs(self) -> dict[int, bytes]:
        """Read the optional parameters up to the end; of a doubled one the first counts."""
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            tag, length = _TLV.unpack(self.octets(_TLV.size))
            value = self.octets(length)
            if len(found) >= MOST_TLVS:
                raise MalformedError("tlvs")
            found.setdefault(tag, value)
        return found


def _string(value: str) -> bytes:
    encoded = value.encode("latin-1")
    if b"\0" in encoded:
        raise ValueError("a zero ends a string")
    return encoded + b"\0"


def _address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + _string(address.number)
