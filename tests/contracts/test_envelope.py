"""One message: what is sealed reads back; what is no message is refused, and no word of it repeated."""

import json
import re
import traceback
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import examples
from contracts.envelope import UndecodableError, digest, read, seal
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.registry import BY_TYPE, FACTS
from tests.contracts.made import PETITIONS, facts

SECRET = "王小明住在芙蓉路"
MESSAGES = sorted(examples.every().values())
DOSSIER = examples.every()["dossiers/DossierSaved.v1/notify"]

PETITION = PetitionId("2B7K9-0M4QX-7T1CW")
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
@given(data=st.data(), petition=PETITIONS, ordinal=st.integers(1, 2**31 - 1), previous=st.none() | HEX)
@settings(max_examples=25)
def test_what_is_sealed_reads_back(
    kind: type[Fact], data: st.DataObject, petition: PetitionId, ordinal: int, previous: str | None
) -> None:
    fact = data.draw(facts(kind))
    value = seal(
        fact, petition=petition, ordinal=ordinal, previous=previous, cause="some/message/1", traceparent=None
    )
    message = read(value)
    assert message.fact == fact
    assert message.petition == petition
    assert message.digest == digest(value)
    assert (message.envelope.ordinal, message.envelope.previous) == (ordinal, previous)
    again = seal(
        fact, petition=petition, ordinal=ordinal, previous=previous, cause="some/message/1", traceparent=None
    )
    assert again == value


def test_the_attributes_are_those_of_cloud_events_and_absent_ones_are_left_out() -> None:
    message = json.loads(DOSSIER)
    assert {"specversion", "id", "source", "type", "subject", "time", "data"} <= message.keys()
    assert all(name.islower() and name.isalnum() for name in message)  # CloudEvents 1.0, "Naming"
    assert "previous" not in message
    assert message["dataschema"] == "urn:petition-bridge:dossiers:DossierSaved.v1"


def test_an_unknown_type_is_a_message_without_a_fact() -> None:
    message = read(_changed(type="cn.petition.intake.SomethingNewer.v2"))
    assert message.fact is None
    assert message.petition == json.loads(DOSSIER)["subject"]


def test_unknown_fields_are_ignored_so_that_old_readers_accept_new_facts() -> None:
    newer = json.loads(DOSSIER)
    newer["data"]["later"] = {"deep": [1]}
    newer["laterattribute"] = 1
    assert read(json.dumps(newer).encode()).fact == read(DOSSIER).fact


def _changed(**attributes: Any) -> bytes:
    return json.dumps(json.loads(DOSSIER) | attributes).encode()


def _with_data(**fields: Any) -> bytes:
    message = json.loads(DOSSIER)
    message["data"] |= fields
    return json.dumps(message).encode()


def _without(name: str) -> bytes:
    message = json.loads(DOSSIER)
    del message[name]
    return json.dumps(message).encode()


def _moved_to(moment: str) -> bytes:
    message = json.loads(DOSSIER)
    message["time"] = message["data"]["at"] = moment
    return json.dumps(message).encode()


BAD = {
    "nothing": b"",
    "no JSON": SECRET.encode(),
    "cut off": DOSSIER[:-1],
    "more behind it": DOSSIER + b"{}",
    "not UTF-8": DOSSIER.replace("赵".encode(), b"\xff\xfe"),
    "a byte order mark": b"\xef\xbb\xbf" + DOSSIER,
    "a list": b"[1]",
    "null": b"null",
    "NUL in a name": _with_data(name=f"{SECRET}\x00"),
    "a raw NUL byte": DOSSIER.replace("赵".encode(), b"\x00"),
    "NUL in the id": _changed(id="a\x00b"),
    "NUL in the subject": _changed(subject="2B7K9-0M4QX-7T1C\x00"),
    "an escape character": _with_data(content=f"{SECRET}\x1b[2J"),
    "a delete character": _with_data(title="\x7f"),
    "half a surrogate pair": DOSSIER.replace("赵".encode(), b"\\ud83d"),
    "another version": _changed(specversion="1.1"),
    "a version with a newline": _changed(specversion="1.0\n"),
    "an id with a newline": _changed(id="petition-dossiers-v1/x/1\n"),
    "an empty id": _changed(id=""),
    "a long id": _changed(id="x" * 201),
    "no subject": _without("subject"),
    "no data": _without("data"),
    "a subject that is no petition": _changed(subject=SECRET),
    "a subject in lower case": _changed(subject="2b7k9-0m4qx-7t1cw"),
    "a subject with a newline": _changed(subject="2B7K9-0M4QX-7T1CW\n"),
    "ordinal 0": _changed(ordinal=0),
    "a negative ordinal": _changed(ordinal=-1),
    "an ordinal as text": _changed(ordinal="1"),
    "a huge ordinal": _changed(ordinal=2**31),
    "a very huge ordinal": _changed(ordinal=10**4000),
    "half an ordinal": _changed(ordinal=1.5),
    "a short hash": _changed(previous="ab" * 31),
    "a hash in capitals": _changed(previous="AB" * 32),
    "a hash with a newline": _changed(previous="ab" * 32 + "\n"),
    "a hash of other characters": _changed(previous="g" * 64),
    "a wrong traceparent": _changed(traceparent="00-zz-zz-01"),
    "a traceparent with a newline": _changed(traceparent=json.loads(DOSSIER)["traceparent"] + "\n"),
    "a time without zone": _moved_to("2026-03-05T01:04:04"),
    "a time that is a number": _changed(time=1_772_000_000),
    "a time that is text": _changed(time=SECRET),
    "a day that does not exist": _moved_to("2026-02-30T00:00:00Z"),
    "a year that no store holds": _moved_to("0001-01-01T00:00:00+14:00"),
    "a year far ahead": _moved_to("9999-12-31T23:59:59-12:00"),
    "two different times": _changed(time="2026-03-05T01:04:05Z"),
    "data that is no object": _changed(data=SECRET),
    "data with a field of another type": _with_data(name={"first": SECRET}),
    "a text too long": _with_data(content="长" * 20_001),
    "an empty title": _with_data(title=""),
    "an address that stands twice": DOSSIER.replace(
        b'"subject":', b'"subject":"2B7K9-0M4QX-7T1CW","subject":', 1
    ),
    "an address that stands twice, once escaped": DOSSIER.replace(
        b'"subject":', b'"sub\\u006aect":"2B7K9-0M4QX-7T1CW","subject":', 1
    ),
    "a name in the data that stands twice": DOSSIER.replace(b'"name":', b'"name":"x","name":', 1),
    "data that stand twice": DOSSIER.replace(b'"data":', b'"data":{},"data":', 1),
    "a name twice deep in what is not known yet": _with_data(later=1).replace(
        b'"later": 1', b'"later": [{"a": 1, "a": 2}]'
    ),
    "an overlong NUL in what is not known yet": DOSSIER.replace(
        b'"data":{', b'"later":"\xc0\x80","data":{', 1
    ),
    "no number in what is not known yet": _with_data(later=1).replace(b'"later": 1', b'"later": NaN'),
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"data":' * 100_000,
    "deep data": DOSSIER.replace(b'"data":{', b'"data":{"x":' + b"[" * 200_000 + b"]" * 200_000 + b",", 1),
    "a huge number in the data": DOSSIER.replace(b'"data":{', b'"data":{"at":1' + b"0" * 5000 + b',"x":', 1),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_what_is_no_message_is_refused_and_none_of_it_repeated(value: bytes) -> None:
    with pytest.raises(UndecodableError) as caught:
        read(value)
    assert caught.value.reason in {"envelope", "names", "data", "time"}
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    for told in (SECRET, "赵青竹", "13800000004", "消防"):
        assert told not in shown
    assert caught.value.args == (caught.value.reason,)


SPACES = st.text(" \t\r\n", max_size=2)


@given(
    message=st.sampled_from(MESSAGES), pick=st.randoms(use_true_random=False), before=SPACES, behind=SPACES
)
@settings(max_examples=400)
def test_a_name_that_stands_twice_is_refused_wherever_and_however_it_is_written(
    message: bytes, pick: Random, before: str, behind: str
) -> None:
    name = pick.choice(list(re.finditer(rb'"([a-z0-9_]+)":', message)))
    told = pick.choice([b'"x"', b'":"', b"null", b"7"])
    again = b'"%b"%b:%b%b,' % (name[1], before.encode(), behind.encode(), told)
    with pytest.raises(UndecodableError):
        read(message[: name.start()] + again + message[name.start() :])


@pytest.mark.parametrize("text", ["多行\n文字", ":冒号", '引号":', "a\\", "NaN", " 空格"])
def test_a_text_may_hold_whatever_looks_like_the_end_of_a_name(text: str) -> None:
    dossier = read(DOSSIER).fact
    assert dossier is not None
    fact = dossier.model_copy(update={"content": text})
    sealed = seal(fact, petition=PETITION, ordinal=1, previous=None, cause=None, traceparent=None)
    assert fact == read(sealed).fact


@pytest.mark.parametrize(
    "number", [0, 2**31, 2**63, 10**30, 10**5000], ids=lambda n: f"{n:.0e}"[:8] if n < 1e9 else "big"
)
def test_a_number_that_no_store_holds_is_refused(number: int) -> None:
    value = examples.every()["routing/PetitionRouted.v1/routing"]
    with pytest.raises(UndecodableError):
        read(value.replace(b'"transfer":1', b'"transfer":' + _digits(number)))


def _digits(number: int) -> bytes:
    # Python refuses to print more than 4,300 digits at once.
    return b"1" + b"0" * 5000 if number > 10**100 else str(number).encode()


@pytest.mark.parametrize("weight", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"NaN"'])
def test_a_weight_is_a_number(weight: bytes) -> None:
    value = examples.every()["routing/PetitionRouted.v1/routing"]
    with pytest.raises(UndecodableError):
        read(value.replace(b'"weight":3.5', b'"weight":' + weight))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    _read_or_refused(value)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("place", [dict, lambda message: message["data"]], ids=["envelope", "data"])
@given(data=st.data())
@settings(max_examples=200)
def test_any_value_in_any_place_is_read_or_refused(
    place: Callable[[dict[str, Any]], dict[str, Any]], data: st.DataObject
) -> None:
    message = json.loads(data.draw(st.sampled_from(MESSAGES)))
    holder = message if place is dict else place(message)
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(JSON)
    _read_or_refused(json.dumps(message).encode())


@given(data=st.data())
@settings(max_examples=300)
def test_any_damaged_message_is_read_or_refused(data: st.DataObject) -> None:
    value = bytearray(data.draw(st.sampled_from(MESSAGES)))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    _read_or_refused(bytes(value))


def _read_or_refused(value: bytes) -> None:
    try:
        message = read(value)
    except UndecodableError:
        return
    assert message.fact is not None or message.envelope.type not in BY_TYPE
