"""PDUs as bytes: whatever comes is read or refused, and another implementation reads and writes the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.smpp.pdu import (
    HEADER,
    LONGEST,
    Address,
    Command,
    Frame,
    MalformedError,
    ShortMessage,
    Splitter,
    bind_body,
    encode,
    message_id,
)

smpp34 = pytest.importorskip("smpp34", reason="the wheel of smpp34 is not for this machine")

octet = st.integers(0, 255)
ascii_text = st.characters(codec="ascii", exclude_characters="\0")
addresses = st.builds(Address, number=st.text(ascii_text, max_size=20), ton=octet, npi=octet)
messages = st.builds(
    ShortMessage,
    source=addresses,
    destination=addresses,
    message=st.binary(max_size=254),
    esm_class=octet,
    data_coding=octet,
    registered_delivery=octet,
    validity_period=st.sampled_from(["", "261125020000000+"]),
    service_type=st.text(ascii_text, max_size=5),
    tlvs=st.dictionaries(st.integers(0x1400, 0x3FFF), st.binary(max_size=40), max_size=5),
)
frames = st.builds(
    Frame, command=st.integers(0, 2**32 - 1), status=octet, sequence=octet, body=st.binary(max_size=90)
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 1000), max_size=8))
def test_a_stream_gives_the_same_pdus_wherever_it_is_cut(sent: list[Frame], places: list[int]) -> None:
    data = b"".join(encode(one.command, one.sequence, one.body, one.status) for one in sent)
    splitter = Splitter()
    assert sent == [frame for piece in cut(data, places) for frame in splitter.feed(piece)]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_whatever_comes_is_pdus_or_refused_and_not_much_is_kept(pieces: list[bytes]) -> None:
    splitter = Splitter()
    try:
        for piece in pieces:
            for frame in splitter.feed(piece):
                message_id(frame.body)
    except MalformedError:
        return
    assert len(splitter) < LONGEST


@pytest.mark.parametrize("length", [0, 15, LONGEST + 1, 0xFFFFFFFF])
def test_a_length_that_no_pdu_has_is_refused_before_anything_is_waited_for(length: int) -> None:
    with pytest.raises(MalformedError):
        Splitter().feed(length.to_bytes(4, "big"))


@given(messages)
def test_a_short_message_is_read_as_it_was_written(message: ShortMessage) -> None:
    assert message == ShortMessage.decode(message.encode())


@given(st.binary(max_size=400))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        ShortMessage.decode(body)
    except MalformedError:
        return


@given(messages, st.data())
def test_a_body_that_breaks_off_is_refused_or_read_as_far_as_it_is_whole(
    message: ShortMessage, data: st.DataObject
) -> None:
    body = message.encode()
    kept = body[: data.draw(st.integers(0, len(body)))]
    try:
        read = ShortMessage.decode(kept)
    except MalformedError:
        return
    assert message.message == read.message


def test_a_hundred_and_one_optional_parameters_are_refused() -> None:
    body = ShortMessage(source=Address(number="1"), destination=Address(number="2"), message=b"").encode()
    with pytest.raises(MalformedError):
        ShortMessage.decode(body + b"".join(bytes((0x14, n, 0, 0)) for n in range(101)))


@given(messages)
def test_another_implementation_reads_what_is_written_here(message: ShortMessage) -> None:
    theirs = smpp34.decode(encode(Command.SUBMIT_SM, 7, message.encode()))
    assert isinstance(theirs, smpp34.SubmitSm)
    assert (message.source.number, message.destination.number) == (
        theirs.source_addr,
        theirs.destination_addr,
    )
    assert (message.source.ton, message.destination.npi) == (theirs.source_addr_ton, theirs.dest_addr_npi)
    assert (message.message, message.esm_class) == (theirs.short_message, theirs.esm_class)
    assert (message.data_coding, message.registered_delivery) == (
        theirs.data_coding,
        theirs.registered_delivery,
    )
    assert (message.validity_period, message.service_type) == (theirs.validity_period, theirs.service_type)
    assert dict(message.tlvs) == {one.tag: one.value for one in theirs.tlvs}


@given(messages)
def test_what_another_implementation_writes_is_read_here(message: ShortMessage) -> None:
    theirs = smpp34.DeliverSm(
        message.source.number,
        message.destination.number,
        message.message,
        service_type=message.service_type,
        source_addr_ton=message.source.ton,
        source_addr_npi=message.source.npi,
        dest_addr_ton=message.destination.ton,
        dest_addr_npi=message.destination.npi,
        esm_class=message.esm_class,
        validity_period=message.validity_period,
        registered_delivery=message.registered_delivery,
        data_coding=message.data_coding,
        tlvs=[smpp34.Tlv(tag, value) for tag, value in message.tlvs.items()],
        sequence_number=9,
    )
    (frame,) = Splitter().feed(theirs.encode())
    assert (Command.DELIVER_SM, 9) == (frame.command, frame.sequence)
    assert message == ShortMessage.decode(frame.body)


def test_a_bind_is_laid_out_as_the_specification_says() -> None:
    assert b"bridge\0secret\0SMS\0\x34\0\0\0" == bind_body("bridge", "secret", "SMS")


def test_an_answer_without_a_body_has_no_id() -> None:
    assert ["", "", "12"] == [message_id(body) for body in (b"", b"x" * 80, b"12\0")]
    assert HEADER == len(encode(Command.ENQUIRE_LINK, 1))
