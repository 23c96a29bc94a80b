"""One message: a CloudEvents 1.0 JSON object around one fact, and how bytes become one and the other.

The bytes are made once, by `seal`; they are stored, published and hashed as they are, so nothing here
may depend on anything but its arguments.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, get_args

import msgspec
from pydantic import BaseModel, ValidationError

from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.registry import BY_TYPE, FACTS, short_name
from contracts.topics import Topic


def _shape(pattern: str, *, least: int | None = None, most: int) -> msgspec.Meta:
    """Put a pattern into the published schema; `_fits` checks it, since msgspec takes 2 µs for each."""
    return msgspec.Meta(min_length=least, max_length=most, extra_json_schema={"pattern": pattern})


# `$` also matches before a final newline: the maximum lengths below, or the look-ahead, rule that out.
_VERSION: Final = r"^1\.0$"
_SHA256: Final = r"^[0-9a-f]{64}$"
_PETITION: Final = r"^[0-9A-HJKMNP-RTV-Z]{5}(-[0-9A-HJKMNP-RTV-Z]{5}){2}$"
_PRINTABLE: Final = r"^[!-~]*(?!\n)$"
_TRACEPARENT: Final = r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The CloudEvents attributes that we use; `ordinal`, `previous` and `causationid` are our extensions.

    `ordinal` counts the messages of one petition in one topic from 1; `previous` is the SHA-256 of the
    preceding one's bytes and is absent on the first.
    """

    specversion: Annotated[str, _shape(_VERSION, most=3)]
    id: Annotated[str, _shape(_PRINTABLE, least=1, most=200)]
    source: Annotated[str, _shape(_PRINTABLE, least=1, most=100)]
    type: Annotated[str, _shape(_PRINTABLE, least=1, most=100)]
    subject: Annotated[str, _shape(_PETITION, most=17)]
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    datacontenttype: str = ""
    dataschema: str = ""
    ordinal: Annotated[int, msgspec.Meta(ge=1, le=2_147_483_647)]
    previous: Annotated[str, _shape(_SHA256, most=64)] | None = None
    causationid: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    traceparent: Annotated[str, _shape(_TRACEPARENT, most=55)] | None = None
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


_SOURCES: Final = {kind: f"/petition-bridge/{kind.TOPIC.writer}" for kind in FACTS}
_SCHEMAS: Final = {kind: f"urn:petition-bridge:{short_name(kind).replace('/', ':')}" for kind in FACTS}
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Envelope)
_is_version: Final = re.compile(_VERSION).match
_is_printable: Final = re.compile(_PRINTABLE).match
_is_petition: Final = re.compile(_PETITION).match
_is_sha256: Final = re.compile(_SHA256).match
_is_traceparent: Final = re.compile(_TRACEPARENT).match


def _named_once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")


def _no_number(_said: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


# Floats have room for any number.
_names: Final = json.JSONDecoder(object_pairs_hook=_named_once, parse_int=float, parse_constant=_no_number)


def _fits(envelope: Envelope) -> bool:
    """Whether each text has the shape that the schema publishes."""
    return bool(
        _is_version(envelope.specversion)
        and _is_printable(envelope.id)
        and _is_printable(envelope.source)
        and (envelope.type in BY_TYPE or _is_printable(envelope.type))
        and _is_petition(envelope.subject)
        and (envelope.previous is None or _is_sha256(envelope.previous))
        and (envelope.traceparent is None or _is_traceparent(envelope.traceparent))
    )


def _models_in(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return any(_models_in(inner) for inner in get_args(annotation))


_INNER: Final = {
    model: tuple(name for name, field in model.model_fields.items() if _models_in(field.annotation))
    for model in FACTS
}
_REQUIRED: Final = 8  # attributes that every envelope has


def _names_heard(envelope: Envelope, fact: Fact) -> int:
    """Count the names that were understood: of the envelope, of the data, of the objects in the data."""
    optional = (
        envelope.datacontenttype,
        envelope.dataschema,
        envelope.previous,
        envelope.causationid,
        envelope.traceparent,
    )
    count = _REQUIRED + sum(map(bool, optional)) + len(fact.model_fields_set)
    for name in _INNER[type(fact)]:
        held = getattr(fact, name)
        for inner in held if isinstance(held, tuple) else (held,):
            count += len(inner.model_fields_set) if isinstance(inner, BaseModel) else 0
    return count


def _only_heard(value: bytes, envelope: Envelope, fact: Fact) -> bool:
    """Whether every name in these bytes was understood, so that none stands twice; False: perhaps not.

    Without escapes and with no space behind a quotation mark, each name ends in `":`, and nothing else does
    but, perhaps, a text that begins with a colon: there are never fewer of these than names.
    """
    strange = (
        b"\\" in value
        or b"\n" in value
        or b"\r" in value
        or b"\t" in value
        or b'" ' in value
        or b"NaN" in value
        or b"Infinity" in value
    )
    return not strange and value.count(b'":') == _names_heard(envelope, fact)


def _look_through(value: bytes, envelope: Envelope, fact: Fact | None) -> None:
    """Refuse what two readers could hear differently: a name that stands twice in one object (RFC 7493).

    Of such names our parsers take the last, others the first, and neither msgspec nor pydantic looks. Two
    cheap looks come first, the second for texts of several lines as `seal` has written them.
    """
    if fact is not None:
        if _only_heard(value, envelope, fact):
            return
        if _encoder.encode(envelope) == value and fact.data() == bytes(envelope.data):
            return
    try:
        _names.decode(value.decode())
    except UnicodeDecodeError:
        raise UndecodableError("envelope") from None  # msgspec looks only at the texts that it keeps
    except (ValueError, RecursionError):
        raise UndecodableError("names") from None


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
            source=_SOURCES[kind],
            type=kind.TYPE,
            subject=petition,
            time=fact.at,
            datacontenttype="application/json",
            dataschema=_SCHEMAS[kind],
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
    if not _fits(envelope):
        raise UndecodableError("envelope")
    kind = BY_TYPE.get(envelope.type)
    if kind is None:
        _look_through(value, envelope, None)
        return Message(envelope, digest(value), None)
    try:
        fact = kind.model_validate_json(bytes(envelope.data))
    except ValidationError:
        # A pydantic error prints the offending value, which may be personal data: only its kind goes on.
        raise UndecodableError("data") from None
    if fact.at != envelope.time:
        raise UndecodableError("time")
    _look_through(value, envelope, fact)
    return Message(envelope, digest(value), fact)
