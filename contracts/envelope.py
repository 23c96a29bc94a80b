"""One message: a CloudEvents 1.0 JSON object around one fact, and how bytes become one and the other.

The bytes are made once, by `seal`; they are stored, published and hashed as they are, so nothing here
may depend on anything but its arguments.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from pydantic import ValidationError

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.registry import BY_TYPE, short_name
from contracts.topics import Topic

# `$` also matches before a final newline: the maximum lengths below, or the look-ahead, rule that out.
_SHA256: Final = r"^[0-9a-f]{64}$"
_PETITION: Final = r"^[0-9A-HJKMNP-RTV-Z]{5}(-[0-9A-HJKMNP-RTV-Z]{5}){2}$"
_PRINTABLE: Final = r"^[!-~]*(?!\n)$"
_TRACEPARENT: Final = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The CloudEvents attributes that we use; `ordinal`, `previous` and `causationid` are our extensions.

    `ordinal` counts the messages of one petition in one topic from 1; `previous` is the SHA-256 of the
    preceding one's bytes and is absent on the first.
    """

    specversion: Annotated[str, msgspec.Meta(max_length=3, pattern=r"^1\.0$")]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_PRINTABLE)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=_PRINTABLE)]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=_PRINTABLE)]
    subject: Annotated[str, msgspec.Meta(max_length=17, pattern=_PETITION)]
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    datacontenttype: str = ""
    dataschema: str = ""
    ordinal: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]
    previous: Annotated[str, msgspec.Meta(max_length=64, pattern=_SHA256)] | None = None
    causationid: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    traceparent: Annotated[str, msgspec.Meta(max_length=55, pattern=_TRACEPARENT)] | None = None
    data: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Message:
    """What a reader has of one message; `fact` is None when this release does not know the type."""

    envelope: Envelope
    digest: str
    fact: Fact | None

    @property
    def petition(self) -> PetitionId:
        """The petition that the message is about."""
        return PetitionId(self.envelope.subject)


class UndecodableError(ValueError):
    """The bytes are no message of ours; `reason` is a code, and nothing of the contents is repeated."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Envelope)


def message_id(topic: Topic, petition: PetitionId, ordinal: int) -> str:
    """Return the id of a message: the same fact has the same id however often it is published."""
    return f"{topic.name}/{petition}/{ordinal}"


def seal(
    fact: Fact,
    *,
    petition: PetitionId,
    ordinal: int,
    previous: str | None,
    cause: str | None,
    traceparent: str | None,
) -> bytes:
    """Make the bytes of one fact. Field order is fixed, so equal arguments give equal bytes."""
    kind = type(fact)
    return _encoder.encode(
        Envelope(
            specversion="1.0",
            id=message_id(kind.TOPIC, petition, ordinal),
            source=f"/petition-bridge/{kind.TOPIC.writer}",
            type=kind.TYPE,
            subject=petition,
            time=fact.at,
            datacontenttype="application/json",
            dataschema=f"urn:petition-bridge:{short_name(kind).replace('/', ':')}",
            ordinal=ordinal,
            previous=previous,
            causationid=cause,
            traceparent=traceparent,
            data=msgspec.Raw(fact.data()),
        )
    )


def digest(value: bytes) -> str:
    """Return the SHA-256 (hex) that the next message of the chain carries as `previous`."""
    return sha256(value).hexdigest()


def read(value: bytes) -> Message:
    """Decode one message; raises UndecodableError with a reason code and never a word of the contents."""
    try:
        envelope = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UndecodableError("envelope") from None
    kind = BY_TYPE.get(envelope.type)
    if kind is None:
        return Message(envelope, digest(value), None)
    try:
        fact = kind.model_validate_json(bytes(envelope.data))
    except ValidationError:
        # A pydantic error prints the offending value, which may be personal data: only its kind goes on.
        raise UndecodableError("data") from None
    if fact.at != envelope.time:
        raise UndecodableError("time")
    return Message(envelope, digest(value), fact)
