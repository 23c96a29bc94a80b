"""The door for receipts and replies: who may come in, exact answers, nothing half kept, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from services.notify.cloud.callbacks import MOST_BYTES
from services.notify.gateway import SmsGateway
from services.notify.sms import Delivery, Inbound, Receipt
from tests.notify.cloud.made import CALLBACK, Sink, aliyun, caller, kannel, tencent
from tests.notify.journey import PETITION, START

NOWHERE = "http://127.0.0.1:1"
REFERENCE = f"{PETITION}.routed.1.1"
PHONE = "13800138000"
REPORT = {
    "phone_number": PHONE,
    "send_time": "2026-11-22 09:59:00",
    "report_time": "2026-11-22 10:00:05",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "900619231^0",
    "out_id": REFERENCE,
}
UP = {
    "phone_number": PHONE,
    "content": "非常满意",
    "send_time": "2026-11-22 10:30:00",
    "dest_code": "1069012345",
    "sequence_id": "1234567890",
}
STATUS = {
    "user_receive_time": "2026-11-22 10:00:05",
    "nationcode": "86",
    "mobile": PHONE,
    "report_status": "SUCCESS",
    "errmsg": "DELIVRD",
    "description": "用户短信送达成功",
    "sid": "2640:1",
}
ANSWER = {
    "extend": "42",
    "mobile": PHONE,
    "nationcode": "86",
    "sign": "长沙信访",
    "text": "5",
    "time": 1795314600,
}
DLR = {"reference": REFERENCE, "d": "1", "a": "ACK/", "ts": "1795314600"}
MO = {"from": f"+86{PHONE}", "to": "106901234542", "text": "谢谢😀", "id": "7f3c-1", "ts": "1795314600"}
AT_TEN = datetime(2026, 11, 22, 2, 0, 5, tzinfo=UTC)
HALF_PAST = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
Made = Callable[..., SmsGateway]
# Kind of gateway, path of a call, what it brings.
CALLS = [
    ("aliyun", "report", [REPORT]),
    ("aliyun", "reply", [UP]),
    ("tencent", "report", [STATUS]),
    ("tencent", "reply", ANSWER),
    ("kannel", "receipt", DLR),
    ("kannel", "reply", MO),
]


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(kind: str, **changes: Any) -> SmsGateway:
        if kind == "kannel":
            return kannel(NOWHERE, **changes)
        return (aliyun if kind == "aliyun" else tencent)(NOWHERE, tmp_path, **changes)

    return make


async def brought(
    gateway: SmsGateway, sink: Sink | None, path: str, what: Any, *, secret: str = CALLBACK, address: str = ""
) -> httpx.Response:
    """The answer to one call."""
    if sink is not None:
        await gateway.start(sink)
    async with caller(gateway, address or "203.0.113.7") as client:
        url = f"/gateways/{gateway.name}/{secret}/{path}"
        if gateway.name == "kannel":
            answer = await client.get(url, params=what)
        elif isinstance(what, bytes):
            answer = await client.post(url, content=what, headers={"content-type": "application/json"})
        else:
            answer = await client.post(url, json=what)
    await gateway.stop()
    return answer


async def test_aliyuns_receipt_is_taken_and_answered_as_it_wants(made: Made, sink: Sink) -> None:
    answer = await brought(made("aliyun"), sink, "report", [REPORT])
    assert (200, {"code": 0, "msg": "成功"}) == (answer.status_code, answer.json())
    assert [
        Receipt(
            gateway="aliyun",
            delivery=Delivery.DELIVERED,
            at=AT_TEN,
            id="900619231.0",
            reference=REFERENCE,
            to=PHONE,
            code="DELIVERED",
        )
    ] == sink.kept_receipts


async def test_aliyuns_reply_is_taken_with_its_number_as_name(made: Made, sink: Sink) -> None:
    answer = await brought(made("aliyun"), sink, "reply", [UP, UP | {"sequence_id": 17}])
    assert {"code": 0, "msg": "成功"} == answer.json()
    one = Inbound(gateway="aliyun", id="1234567890", sender=PHONE, text="非常满意", at=HALF_PAST)
    assert [one, Inbound(gateway="aliyun", id="17", sender=PHONE, text="非常满意", at=HALF_PAST)] == (
        sink.kept_inbound
    )


async def test_an_extension_is_what_stands_after_our_own_number(made: Made, sink: Sink) -> None:
    gateway = made("aliyun", sender="1069", extension=6)
    await brought(gateway, sink, "reply", [UP, UP | {"dest_code": "106942"}, UP | {"dest_code": "1069x"}])
    assert ["012345", "42", ""] == [one.extension for one in sink.kept_inbound]


async def test_tencents_receipt_is_taken_and_answered_as_it_wants(made: Made, sink: Sink) -> None:
    failed = STATUS | {"report_status": "FAIL", "errmsg": "MK:0001", "sid": "2640:2"}
    answer = await brought(made("tencent"), sink, "report", [STATUS, failed])
    assert (200, {"result": 0, "errmsg": "OK"}) == (answer.status_code, answer.json())
    to = f"+86{PHONE}"
    assert [
        Receipt(
            gateway="tencent", delivery=Delivery.DELIVERED, at=AT_TEN, id="2640:1", to=to, code="DELIVRD"
        ),
        Receipt(gateway="tencent", delivery=Delivery.FAILED, at=AT_TEN, id="2640:2", to=to, code="MK:0001"),
    ] == sink.kept_receipts


async def test_tencents_reply_has_the_same_name_each_time(made: Made, sink: Sink) -> None:
    for what in (ANSWER, ANSWER, ANSWER | {"text": "4"}, ANSWER | {"time": 1795314601}):
        answer = await brought(made("tencent", extension=2), sink, "reply", what)
        assert {"result": 0, "errmsg": "OK"} == answer.json()
    first, again, other, later = sink.kept_inbound
    assert first == again
    assert 3 == len({first.id, other.id, later.id})
    assert PHONE not in first.id
    assert (f"+86{PHONE}", "5", "42", HALF_PAST) == (first.sender, first.text, first.extension, first.at)


@pytest.mark.parametrize(
    ("state", "expected"),
    [("1", Delivery.DELIVERED), ("2", Delivery.FAILED), ("8", Delivery.PENDING), ("16", Delivery.FAILED)],
)
async def test_kannels_receipt_is_taken(made: Made, sink: Sink, state: str, expected: Delivery) -> None:
    said = DLR | {"d": state, "a": "NACK/0x0000000b/Invalid Destination Address"}
    answer = await brought(made("kannel"), sink, "receipt", said)
    assert (200, b"") == (answer.status_code, answer.content)
    assert [
        Receipt(gateway="kannel", delivery=expected, at=HALF_PAST, reference=REFERENCE, code="0x0000000b")
    ] == sink.kept_receipts


async def test_kannels_reply_is_answered_with_nothing_because_it_would_be_sent_on(
    made: Made, sink: Sink
) -> None:
    answer = await brought(made("kannel", sender="1069012345", extension=2), sink, "reply", MO)
    assert (200, b"") == (answer.status_code, answer.content)
    assert [
        Inbound(
            gateway="kannel",
            id="7f3c-1",
            sender=f"+86{PHONE}",
            text="谢谢😀",
            at=HALF_PAST,
            extension="42",
        )
    ] == sink.kept_inbound


async def test_a_form_says_the_same_as_an_address(made: Made, sink: Sink) -> None:
    gateway = made("kannel")
    await gateway.start(sink)
    async with caller(gateway) as client:
        answer = await client.post(f"/gateways/kannel/{CALLBACK}/reply?id=first", data=MO)
    assert 200 == answer.status_code
    assert ["first"] == [one.id for one in sink.kept_inbound]  # the address counts before the form
    await gateway.stop()


@pytest.mark.parametrize(("kind", "path", "what"), CALLS)
async def test_what_could_not_be_kept_is_asked_for_again(
    made: Made, sink: Sink, kind: str, path: str, what: Any
) -> None:
    sink.away = True
    answer = await brought(made(kind), sink, path, what)
    assert (503, "7") == (answer.status_code, answer.headers["retry-after"])
    sink.away = False
    assert 200 == (await brought(made(kind), sink, path, what)).status_code
    assert 1 == len(sink.kept_receipts) + len(sink.kept_inbound)


@pytest.mark.parametrize(("kind", "path", "what"), CALLS)
async def test_before_notify_has_started_calls_are_put_off(
    made: Made, kind: str, path: str, what: Any
) -> None:
    assert 503 == (await brought(made(kind), None, path, what)).status_code


@pytest.mark.parametrize(("kind", "path", "what"), CALLS)
@pytest.mark.parametrize("secret", ["x", CALLBACK[:-1], f"{CALLBACK}x", "%E4%B8%AD"])
async def test_without_the_secret_there_is_nothing(
    made: Made, sink: Sink, kind: str, path: str, what: Any, secret: str
) -> None:
    answer = await brought(made(kind), sink, path, what, secret=secret)
    assert (404, "not-found") == (answer.status_code, answer.json()["code"])
    assert [] == [*sink.kept_receipts, *sink.kept_inbound]


@pytest.mark.parametrize(
    ("listed", "address", "expected"),
    [
        ("", "198.51.100.1", 200),
        ("203.0.113.7", "203.0.113.7", 200),
        ("203.0.113.7", "203.0.113.8", 404),
        ("10.0.0.0/8, 203.0.113.0/24", "203.0.113.8", 200),
        ("203.0.113.0/24", "::ffff:203.0.113.8", 200),
        ("2001:db8::/32", "2001:db8::7", 200),
        ("203.0.113.0/24", "somewhere", 404),
    ],
)
async def test_only_listed_addresses_may_call_where_there_is_a_list(
    made: Made, sink: Sink, listed: str, address: str, expected: int
) -> None:
    gateway = made("aliyun", callback_from=listed)
    assert expected == (await brought(gateway, sink, "report", [REPORT], address=address)).status_code
    assert (expected == 200) == bool(sink.kept_receipts)


def test_a_list_that_cannot_be_read_and_a_short_secret_are_told_at_the_start(
    made: Made, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match="callback_from"):
        made("aliyun", callback_from="10.0.0.1/8")
    with pytest.raises(ValidationError, match="endpoint"):
        aliyun("https://dysmsapi.example/v1", tmp_path)
    with pytest.raises(ValidationError, match="callback_secret") as told:
        made("aliyun", callback_secret="too/short")
    assert "too/short" not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "path", "what", "field"),
    [
        ("aliyun", "report", b"", "body"),
        ("aliyun", "report", b"[{]", "body"),
        ("aliyun", "report", b"\xff", "body"),
        ("aliyun", "report", b"[" * 100_000, "[0]"),
        ("aliyun", "report", b'[{"success":true,"more":' + b"[" * 100_000, "body"),
        ("aliyun", "report", b'{"success":true}', "body"),
        ("aliyun", "report", [REPORT, {"biz_id": "1"}], "[1]"),
        ("aliyun", "report", [REPORT | {"success": "perhaps"}], "[0].success"),
        ("aliyun", "reply", [UP | {"content": None}], "[0].content"),
        ("aliyun", "reply", [{"content": "5", "phone_number": PHONE}], "[0]"),
        ("tencent", "report", [STATUS | {"sid": None}], "[0].sid"),
        ("tencent", "reply", {"text": "5"}, "body"),
        ("kannel", "receipt", {"reference": REFERENCE}, "d"),
        ("kannel", "reply", {"from": "1", "id": "2"}, "text"),
        ("kannel", "reply", {str(n): "x" for n in range(60)}, "query"),
    ],
)
async def test_what_is_malformed_is_refused_whole_and_told_where(
    made: Made, sink: Sink, kind: str, path: str, what: Any, field: str
) -> None:
    answer = await brought(made(kind), sink, path, what)
    told = answer.json()
    assert (400, "malformed") == (answer.status_code, told["code"])
    assert [field] == [error["field"] for error in told["errors"]]
    assert PHONE not in answer.text
    assert [] == [*sink.kept_receipts, *sink.kept_inbound]


async def test_a_reply_in_another_encoding_is_refused(made: Made, sink: Sink) -> None:
    gateway = made("kannel")
    await gateway.start(sink)
    async with caller(gateway) as client:
        answer = await client.get(f"/gateways/kannel/{CALLBACK}/reply?from=1&id=1&text=%C4%E3")
    assert 400 == answer.status_code
    assert [] == sink.kept_inbound
    await gateway.stop()


@pytest.mark.parametrize("kind", ["aliyun", "tencent"])
async def test_a_body_without_end_is_not_read(made: Made, sink: Sink, kind: str) -> None:
    answer = await brought(made(kind), sink, "report", b" " * (MOST_BYTES + 1))
    assert 413 == answer.status_code
    assert 200 == (await brought(made(kind), sink, "report", b" " * (MOST_BYTES - 2) + b"[]")).status_code


async def test_a_receipt_that_cannot_be_ours_is_taken_and_dropped(made: Made, sink: Sink) -> None:
    nameless = REPORT | {"biz_id": None, "out_id": "另一个系统的编号"}
    assert 200 == (await brought(made("aliyun"), sink, "report", [nameless])).status_code
    assert 200 == (await brought(made("kannel"), sink, "receipt", {"d": "1"})).status_code
    assert [] == sink.kept_receipts
    foreign = REPORT | {"out_id": "another-system.7"}
    assert 200 == (await brought(made("aliyun"), sink, "report", [foreign])).status_code
    assert ["another-system.7"] == [one.reference for one in sink.kept_receipts]


async def test_words_in_the_place_of_a_code_are_not_kept(made: Made, sink: Sink) -> None:
    await brought(made("aliyun"), sink, "report", [REPORT | {"err_code": f"用户{PHONE}停机"}])
    await brought(made("tencent"), sink, "report", [STATUS | {"errmsg": "x" * 61}])
    await brought(made("kannel"), sink, "receipt", DLR | {"a": f"NACK/{PHONE} is off"})
    assert ["other", "other", "state-1"] == [one.code for one in sink.kept_receipts]


@pytest.mark.parametrize("written", ["", "yesterday", "2026-13-01 00:00:00", "99999999999999", "0000-00-00"])
async def test_a_time_that_cannot_be_read_is_now(made: Made, sink: Sink, written: str) -> None:
    await brought(made("aliyun"), sink, "report", [REPORT | {"report_time": written}])
    assert [START] == [one.at for one in sink.kept_receipts]


async def test_the_older_way_of_writing_a_time_is_read_too(made: Made, sink: Sink) -> None:
    await brought(made("aliyun"), sink, "report", [REPORT | {"report_time": "20261122100005"}])
    assert [AT_TEN] == [one.at for one in sink.kept_receipts]


async def test_an_empty_batch_is_answered_well(made: Made, sink: Sink) -> None:
    assert 200 == (await brought(made("aliyun"), sink, "report", [])).status_code
    assert 200 == (await brought(made("tencent"), sink, "report", [])).status_code


async def test_a_batch_is_handed_over_in_one(made: Made, sink: Sink) -> None:
    batches: list[int] = []
    keep = sink.receipts

    async def counted(batch: Any) -> None:
        batches.append(len(batch))
        await keep(batch)

    sink.receipts = counted  # type: ignore[method-assign] # counts the calls
    body = json.dumps([REPORT] * 100).encode()
    assert 200 == (await brought(made("aliyun"), sink, "report", body)).status_code
    assert [100] == batches


@pytest.mark.parametrize(("kind", "path", "what"), CALLS)
async def test_callbacks_stand_in_no_description_of_the_interface(
    made: Made, kind: str, path: str, what: Any
) -> None:
    del what
    async with caller(made(kind)) as client:
        told = (await client.get("/openapi.json")).text
    assert path not in told
