"""What arrives on a topic: our messages, damaged and rearranged, and what others might take for one.

Whatever is read must be one fact only, the same for every reader, and seal again to an equal one.
"""

from __future__ import annotations

import json
from typing import Any

from aiokafka import ConsumerRecord
from hypothesis import strategies as st

from contracts import examples
from contracts.envelope import UndecodableError, digest, read, seal
from contracts.registry import BY_TYPE
from contracts.topics import FACT_TOPICS, Topic
from runtime.listen import _understand
from tests.contracts.made import PETITIONS
from tests.fuzz.rounds import Target

MESSAGES = sorted(examples.every().values())
REASONS = {"envelope", "names", "data", "time"}
PLACE_REASONS = REASONS | {"null", "key", "topic"}
LONG = 2_000_000
LONG_NUMBER = 4_000  # Python refuses to make an integer of more digits than 4,300

TIMES = st.sampled_from(
    [
        *(
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00",
            "1999-12-31T23:59:59Z",
        ),
        *(
            "2200-01-01T00:00:00Z",
            "2199-12-31T23:59:59.999999Z",
            "2026-02-29T00:00:00Z",
            "2026-03-05T24:00:00Z",
        ),
        *(
            "2026-03-05T01:04:60Z",
            "2026-03-05T01:04:04",
            "2026-03-05T01:04:04+23:59",
            "2026-03-05T01:04:04+24:00",
        ),
        *("2026-03-05T01:04:04-00:00", "2026-03-05 01:04:04Z", "2026-03-05T01:04:04.1234567Z", "2026-03-05"),
        *(
            "2026-03-05T01:04:04.123456789+08:00",
            "2026-03-05T01:04:04+0800",
            "1772672644",
            "２０２６-03-05T01:04:04Z",
        ),
    ]
)
# JSON as it stands in the bytes: also what no encoder of ours would write.
TOKENS = st.sampled_from(
    [
        *(
            b"null",
            b"true",
            b"0",
            b"-0",
            b"1.0",
            b"1e0",
            b"1e400",
            b"NaN",
            b"Infinity",
            b"-Infinity",
            b"01",
            b"+1",
        ),
        *(b"9223372036854775808", b"1" + b"0" * 5000, b"0.1e-999999999", b"[]", b"{}", b'""', b'"\\ud83d"'),
        *(b'"\\udc00\\ud83d"', b'"\\u0000"', b'"\x00"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xff"', b"'a'"),
        *(b'"\xef\xbb\xbf"', b"[" * 150 + b"]" * 150, b"[" * 100_000, b'{"a":' * 150 + b"1" + b"}" * 150),
        *(
            b'{"a":1,"a":2}',
            b'{"a":1,"\\u0061":2}',
            b'"' + b"x" * LONG + b'"',
            '"信访"'.encode(),
            b"//",
            b",",
        ),
    ]
) | TIMES.map(lambda said: json.dumps(said).encode())
EDGES = st.sampled_from([b"", b"\xef\xbb\xbf", b" ", b"\n", b"\x00", b"{}", b"[", b"\xff\xfe", b"\x1e"])


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One of our messages with a few things wrong with it, or a few that only look so."""
    value: bytes = draw(st.sampled_from(MESSAGES))
    for _ in range(draw(st.integers(0, 3))):
        value = _CHANGES[draw(st.integers(0, len(_CHANGES) - 1))](draw, value)
    return value


def _bytes_changed(draw: st.DrawFn, value: bytes) -> bytes:
    if not value:
        return value
    at = draw(st.integers(0, len(value) - 1))
    cut = draw(st.integers(0, 3))
    return value[:at] + draw(st.binary(max_size=3)) + value[at + cut :]


def _value_replaced(draw: st.DrawFn, value: bytes) -> bytes:
    name = draw(st.sampled_from(_names(value)))
    start, end = _span(value, name)
    return value[:start] + draw(TOKENS) + value[end:]


def _name_repeated(draw: st.DrawFn, value: bytes) -> bytes:
    """The same name once more in the same object, with another value, before or behind the first."""
    name = draw(st.sampled_from(_names(value)))
    at = value.find(b'"' + name + b'":')
    written = draw(st.sampled_from([name, b"\\u%04x" % name[0] + name[1:]]))
    again = b'"' + written + b'":' + draw(TOKENS)
    return value[:at] + again + b"," + value[at:]


def _name_added(draw: st.DrawFn, value: bytes) -> bytes:
    at = draw(st.sampled_from([i for i, byte in enumerate(value) if byte == ord("{")] or [0]))
    name = json.dumps(draw(st.text(max_size=5))).encode()
    return value[: at + 1] + name + b":" + draw(TOKENS) + b"," + value[at + 1 :]


def _both_times_moved(draw: st.DrawFn, value: bytes) -> bytes:
    said = json.dumps(draw(TIMES)).encode()
    for name in (b"time", b"at"):
        start, end = _span(value, name)
        value = value[:start] + said + value[end:]
    return value


def _edges_added(draw: st.DrawFn, value: bytes) -> bytes:
    return draw(EDGES) + value + draw(EDGES)


def _written_otherwise(draw: st.DrawFn, value: bytes) -> bytes:
    """The same JSON in another order, escaped and spaced as other encoders do."""
    try:
        known = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(known, dict):
        return value
    names = draw(st.permutations(sorted(known)))
    return json.dumps(
        {name: known[name] for name in names}, indent=draw(st.none() | st.integers(0, 1))
    ).encode("utf-8", "surrogatepass")


_CHANGES = (
    _bytes_changed,
    _value_replaced,
    _name_repeated,
    _name_added,
    _both_times_moved,
    _edges_added,
    _written_otherwise,
)


def _names(value: bytes) -> list[bytes]:
    """The names in a message, as far as they stand there in the usual way."""
    names = [piece.rsplit(b'"', 1)[-1] for piece in value.split(b'":')[:-1]]
    return [name for name in names if name.isalnum()] or [b"subject"]


def _span(value: bytes, name: bytes) -> tuple[int, int]:
    """Where the value of a name stands; up to the next comma or end, which need not be its own."""
    at = value.find(b'"' + name + b'":')
    if at < 0:
        return len(value), len(value)
    start = at + len(name) + 3
    ends = [end for end in (value.find(b',"', start), value.find(b"}", start)) if end >= 0]
    return start, min(ends, default=len(value))


def check(value: bytes) -> None:
    """Read or refuse; what is read says one thing only."""
    try:
        message = read(value)
    except UndecodableError as error:
        _among(error, REASONS)
        return
    assert message.digest == digest(value)
    heard = json.loads(value, object_pairs_hook=_once, parse_int=_number)
    assert heard["subject"] == message.petition
    assert heard["ordinal"] == message.envelope.ordinal
    if message.fact is None:
        assert message.envelope.type not in BY_TYPE
        return
    again = read(
        seal(
            message.fact,
            petition=message.petition,
            ordinal=message.envelope.ordinal,
            previous=message.envelope.previous,
            cause=message.envelope.causationid,
            traceparent=message.envelope.traceparent,
        )
    )
    assert again.fact == message.fact
    assert type(again.fact) is BY_TYPE[heard["type"]]
    # What a reader with another parser makes of the same bytes is the same fact.
    assert type(message.fact).model_validate_json(json.dumps(heard["data"])) == message.fact


def _among(error: UndecodableError, reasons: set[str]) -> None:
    assert error.reason in reasons


def _number(said: str) -> float:
    return int(said) if len(said) < LONG_NUMBER else float(said)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), "a name stands twice: the first may be read, or the last"
    return dict(pairs)


@st.composite
def records(draw: st.DrawFn) -> tuple[bytes | None, bytes | None, Topic]:
    """Key, value and topic of a record: right, another's, or nobody's."""
    value = draw(st.none() | messages())
    subject = b""
    if value is not None:
        start, end = _span(value, b"subject")
        subject = value[start:end].strip(b'"')
    key = draw(st.just(subject) | st.none() | st.binary(max_size=20) | PETITIONS.map(str.encode))
    return key, value, draw(st.sampled_from(FACT_TOPICS))


def check_record(case: tuple[bytes | None, bytes | None, Topic]) -> None:
    """A record is understood only as what its place allows: its key, its topic."""
    key, value, topic = case
    record = ConsumerRecord(topic.name, 0, 0, 0, 0, key, value, None, 0, 0, ())
    try:
        petition, message = _understand(record, topic)
    except UndecodableError as error:
        _among(error, PLACE_REASONS)
        return
    assert petition.encode() == key
    if message is None:
        assert value is None
        assert topic.compact
        return
    assert message.petition == petition
    assert message.fact is None or type(message.fact).TOPIC is topic


TARGETS = (
    Target("bytes", st.binary(max_size=500), check),
    Target("messages", messages(), check),
    Target("records", records(), check_record),
)
