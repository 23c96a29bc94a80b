"""What a deliver_sm says: receipts as centres write them, texts and the places of parts."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.smpp.pdu import Address, MalformedError, ShortMessage, Tag
from services.notify.smpp.receipts import Ids, Place, Said, Told, extension, read, text
from services.notify.sms import Delivery

SHANGHAI = ZoneInfo("Asia/Shanghai")
RECEIPT = 0x04


def delivered(message: bytes = b"", *, esm: int = RECEIPT, coding: int = 0, **tlvs: bytes) -> ShortMessage:
    """A deliver_sm; optional parameters by name."""
    return ShortMessage(
        source=Address(number="8613800138000", ton=1, npi=1),
        destination=Address(number="106912345"),
        message=message,
        esm_class=esm,
        data_coding=coding,
        tlvs={Tag[name.upper()]: value for name, value in tlvs.items()},
    )


def told(message: ShortMessage, ids: Ids = Ids.SAME) -> Told:
    """What a receipt says."""
    found = read(message, ids, SHANGHAI)
    assert isinstance(found, Told)
    return found


@pytest.mark.parametrize(
    ("word", "error", "delivery", "code"),
    [
        ("DELIVRD", "000", Delivery.DELIVERED, "DELIVRD"),
        ("delivrd", "", Delivery.DELIVERED, "DELIVRD"),
        ("ACCEPTD", "000", Delivery.PENDING, "ACCEPTD"),
        ("ENROUTE", "000", Delivery.PENDING, "ENROUTE"),
        ("UNKNOWN", "000", Delivery.PENDING, "UNKNOWN"),
        ("EXPIRED", "000", Delivery.FAILED, "EXPIRED"),
        ("UNDELIV", "011", Delivery.FAILED, "UNDELIV.011"),
        ("REJECTD", "0x0b", Delivery.FAILED, "REJECTD.0x0b"),
        ("DELETED", "", Delivery.FAILED, "DELETED"),
        ("MA:0054", "000", Delivery.FAILED, "MA:0054"),
        ("MB:1049", "000", Delivery.FAILED, "MB:1049"),
        ("不明", "张三", Delivery.FAILED, ""),
        ("", "000", Delivery.PENDING, ""),
    ],
)
def test_the_words_of_a_receipt(word: str, error: str, delivery: Delivery, code: str) -> None:
    dates = "submit date:2611221829 done date:2611221830"
    said = f"id:42 sub:001 dlvrd:001 {dates} stat:{word} err:{error} text:"
    found = told(delivered(said.encode("utf-16-be"), coding=8))
    assert ("42", delivery, code) == (found.id, found.delivery, found.code)
    assert datetime(2026, 11, 22, 10, 30, tzinfo=UTC) == found.at
    assert "8613800138000" == found.to


def test_the_text_of_the_message_itself_says_nothing() -> None:
    found = told(delivered(b"id:1 stat:DELIVRD err:000 Text:id:2 stat:UNDELIV err:011"))
    assert ("1", Delivery.DELIVERED, "DELIVRD") == (found.id, found.delivery, found.code)


@pytest.mark.parametrize(
    ("state", "delivery"),
    [
        (1, Delivery.PENDING),
        (2, Delivery.DELIVERED),
        (3, Delivery.FAILED),
        (5, Delivery.FAILED),
        (8, Delivery.FAILED),
    ],
)
def test_optional_parameters_are_enough_and_win(state: int, delivery: Delivery) -> None:
    bare = delivered(esm=0, receipted_message_id=b"abc\0", message_state=bytes((state,)))
    assert ("abc", delivery) == (told(bare).id, told(bare).delivery)
    both = delivered(b"id:7 stat:ENROUTE", receipted_message_id=b"abc", message_state=bytes((state,)))
    assert ("abc", delivery, "ENROUTE") == (told(both).id, told(both).delivery, told(both).code)


def test_what_the_centre_echoes_is_read() -> None:
    assert 0x1234 == told(delivered(b"id:1", user_message_reference=b"\x12\x34")).mark
    assert None is told(delivered(b"id:1", user_message_reference=b"\x12")).mark


@pytest.mark.parametrize("value", ["", "26112218", "2611321830", "abcdefghij", "２６１１２２１８３０"])
def test_a_time_that_cannot_be_read_is_none(value: str) -> None:
    assert None is told(delivered(f"id:1 done date:{value} stat:DELIVRD".encode("utf-16-be"), coding=8)).at


def test_seconds_are_read_where_there_are_any() -> None:
    assert datetime(2026, 11, 22, 10, 30, 5, tzinfo=UTC) == told(delivered(b"id:1 done date:261122183005")).at


@pytest.mark.parametrize(
    ("ids", "answer", "receipt", "kept"),
    [
        (Ids.SAME, "00aF", "00aF", "00aF"),
        (Ids.HEX_THEN_DECIMAL, "00aF", "175", "175"),
        (Ids.DECIMAL_THEN_HEX, "0175", "AF", "175"),
        (Ids.HEX_THEN_DECIMAL, "no-number", "no-number", "no-number"),
    ],
)
def test_ids_in_two_forms_become_one(ids: Ids, answer: str, receipt: str, kept: str) -> None:
    assert kept == ids.of_answer(answer) == ids.of_receipt(receipt)
    assert kept == told(delivered(f"id:{receipt} stat:DELIVRD".encode()), ids).id


@pytest.mark.parametrize("message", [b"", b"hello", b"id: stat:DELIVRD", b"id:" + b"9" * 65])
def test_a_receipt_that_names_no_message_is_none(message: bytes) -> None:
    assert None is read(delivered(message), Ids.SAME, SHANGHAI)


def said(message: ShortMessage) -> Said:
    """What a text says."""
    found = read(message, Ids.SAME, SHANGHAI)
    assert isinstance(found, Said)
    return found


@pytest.mark.parametrize(
    ("header", "place"),
    [
        (bytes((5, 0, 3, 9, 2, 1)), Place("8", 9, 2, 1)),
        (bytes((6, 8, 4, 1, 2, 3, 3)), Place("16", 0x0102, 3, 3)),
        (bytes((11, 5, 4, 0, 1, 0, 2, 0, 3, 9, 2, 2)), Place("8", 9, 2, 2)),
        (bytes((5, 0, 3, 9, 1, 1)), None),
        (bytes((5, 0, 3, 9, 2, 3)), None),
        (bytes((5, 0, 3, 9, 2, 0)), None),
        (bytes((0,)), None),
        (bytes((3, 0, 9, 9)), None),
        (bytes((200, 0)), None),
    ],
)
def test_the_place_of_a_part_is_read_from_its_header(header: bytes, place: Place | None) -> None:
    assert place == said(delivered(header + "好".encode("utf-16-be"), esm=0x40, coding=8)).place


def test_the_place_of_a_part_is_read_from_optional_parameters() -> None:
    part = delivered(b"5", esm=0, sar_reference=b"\x01\x02", sar_total=b"\x02", sar_number=b"\x01")
    assert Place("sar", 0x0102, 2, 1) == said(part).place


def test_a_long_text_may_stand_in_the_payload() -> None:
    assert (
        "很好".encode("utf-16-be")
        == said(delivered(esm=0, message_payload="很好".encode("utf-16-be"))).content
    )


@pytest.mark.parametrize(
    ("coding", "content", "shown"),
    [
        (8, "５😀".encode("utf-16-be"), "５😀"),
        (0x18, "五".encode("utf-16-be"), "五"),
        (15, "很好".encode("gb18030"), "很好"),
        (0, b"5", "5"),
        (3, b"\xe9", "é"),
        (8, b"\xd8\x3d", "\ufffd"),
        (8, b"\x00", "\ufffd"),
        (15, b"\xff", "\ufffd"),
    ],
)
def test_texts_are_read_by_their_coding(coding: int, content: bytes, shown: str) -> None:
    assert shown == text(coding, content)


@pytest.mark.parametrize(
    ("to", "digits"),
    [
        ("1069123450042", "0042"),
        ("+1069123450042", "0042"),
        ("106912345", ""),
        ("12345", ""),
        ("106912345x", ""),
    ],
)
def test_the_digits_after_our_number(to: str, digits: str) -> None:
    assert digits == extension(to, "106912345")


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 255))
def test_whatever_is_delivered_can_be_read(content: bytes, esm: int, coding: int) -> None:
    for ids in Ids:
        found = read(delivered(content[:254], esm=esm, coding=coding), ids, SHANGHAI)
        if isinstance(found, Said):
            text(found.coding, found.content)
    try:
        read(ShortMessage.decode(content), Ids.SAME, SHANGHAI)
    except MalformedError:
        return
