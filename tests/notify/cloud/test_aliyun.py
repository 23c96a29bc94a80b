"""Aliyun: what leaves, what each end means, and what its records tell about unknown messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.cloud.codes import ALIYUN
from services.notify.sms import (
    Accepted,
    Delivery,
    Down,
    Fault,
    Found,
    Misconfigured,
    NotSent,
    Refused,
    Scope,
    Throttled,
    Unknown,
)
from tests.eventually import eventually
from tests.notify.cloud import vendors
from tests.notify.cloud.made import WORDS, aliyun, attempt_of, outbound
from tests.notify.cloud.peer import Fault as Wrong
from tests.notify.cloud.peer import Peer, Reply, running
from tests.notify.journey import PETITION, START, Clock
from tests.notify.scripted import NOWHERE

REFERENCE = f"{PETITION}.routed.1.1"


@pytest.fixture
def vendor() -> vendors.Aliyun:
    return vendors.Aliyun()


@pytest.fixture
async def peer(vendor: vendors.Aliyun) -> AsyncIterator[Peer]:
    async with running(vendor) as peer:
        yield peer


async def sent(peer: Peer, folder: Path, *messages: Any, **changes: Any) -> list[Any]:
    """What becomes of messages."""
    gateway = aliyun(peer.url, folder, **changes)
    assert await gateway.start(NOWHERE) is None
    try:
        return list(await gateway.send(list(messages) or [outbound()]))
    finally:
        await gateway.stop()


async def test_a_message_leaves_as_a_template_with_its_variables(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path
) -> None:
    assert [Accepted(REFERENCE, 1, ("900619231.0",))] == await sent(peer, tmp_path)
    assert [f"【长沙信访】您反映的事项{PETITION}已转交物业纠纷调解委员会办理"] == vendor.shown
    (request,) = peer.seen
    asked = vendors.parameters(request.target)
    assert WORDS == json.loads(asked.pop("TemplateParam"))
    assert {
        "PhoneNumbers": "13800138000",
        "SignName": "长沙信访",
        "TemplateCode": "1234567",
        "OutId": REFERENCE,
    } == asked


async def test_an_extension_goes_along_where_the_account_has_one(peer: Peer, tmp_path: Path) -> None:
    message = outbound(extension="42")
    await sent(peer, tmp_path, message)
    await sent(peer, tmp_path, message, extension=2)
    assert [None, "42"] == [vendors.parameters(one.target).get("SmsUpExtendCode") for one in peer.seen]


async def test_case_14_each_code_of_the_vendor_has_its_meaning(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path
) -> None:
    gateway = aliyun(peer.url, tmp_path)
    for code, meaning in ALIYUN.items():
        vendor.answer = lambda _asked, code=code: {"Code": code}
        assert [meaning(f"aliyun.{code}")] == await gateway.send([outbound()])
    assert len(ALIYUN) == len(peer.seen)
    await gateway.stop()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", Refused("aliyun.isv.MOBILE_NUMBER_ILLEGAL", Fault.NUMBER)),
        ("isv.BUSINESS_LIMIT_CONTROL", Throttled(timedelta(hours=1), Scope.NUMBER)),
        ("isv.DAY_LIMIT_CONTROL", Throttled(timedelta(hours=1), Scope.GATEWAY)),
        ("isv.BLACK_KEY_CONTROL_LIMIT", Refused("aliyun.isv.BLACK_KEY_CONTROL_LIMIT", Fault.CONTENT)),
        ("isv.PARAM_LENGTH_LIMIT", Refused("aliyun.isv.PARAM_LENGTH_LIMIT", Fault.PARAMETER)),
        ("isv.OUT_OF_SERVICE", Misconfigured("aliyun.isv.OUT_OF_SERVICE")),
        ("isv.SMS_SIGNATURE_ILLEGAL", Misconfigured("aliyun.isv.SMS_SIGNATURE_ILLEGAL")),
        ("isv.SMS_TEMPLATE_ILLEGAL", NotSent("aliyun.isv.SMS_TEMPLATE_ILLEGAL")),
        ("isp.SYSTEM_ERROR", Unknown("aliyun.isp.SYSTEM_ERROR")),
        ("SignatureNonceUsed", Unknown("aliyun.SignatureNonceUsed")),
        ("isv.NEVER_HEARD_OF", Unknown("aliyun.isv.NEVER_HEARD_OF")),
        ("13800138000 用户", Unknown("aliyun.other")),
    ],
)
async def test_case_14_what_the_codes_of_the_facts_mean(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path, code: str, expected: object
) -> None:
    vendor.answer = lambda _asked: {"Code": code}
    assert [expected] == await sent(peer, tmp_path)


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ("触发分钟级流控Permits:1", timedelta(minutes=1)),
        ("触发小时级流控Permits:5", timedelta(hours=1)),
        ("触发天级流控Permits:50", timedelta(days=1)),
    ],
)
async def test_a_limit_of_a_number_says_how_long_it_lasts(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path, words: str, after: timedelta
) -> None:
    vendor.answer = lambda _asked: {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": words}
    assert [Throttled(after, Scope.NUMBER)] == await sent(peer, tmp_path)


async def test_wrong_credentials_are_told_apart(peer: Peer, tmp_path: Path) -> None:
    assert [Misconfigured("aliyun.SignatureDoesNotMatch")] == await sent(
        peer, tmp_path, access_key_secret="wrong"
    )
    assert [Misconfigured("aliyun.InvalidAccessKeyId.NotFound")] == await sent(
        peer, tmp_path, access_key_id="wrong"
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Reply(500), Unknown("aliyun.http-500")),
        (Reply(503, b"<html>busy</html>"), Unknown("aliyun.http-503")),
        (Reply(503, b'{"Code":"ServiceUnavailable"}'), Unknown("aliyun.ServiceUnavailable")),
        (Reply(400, b'{"Code":"Throttling.User"}'), Throttled(timedelta(seconds=1))),
        (Reply(200), Unknown("aliyun.http-200")),
        (Reply(200, b"not json"), Unknown("aliyun.http-200")),
        (Reply(200, b'{"Code":7}'), Unknown("aliyun.http-200")),
        (Reply(302), Misconfigured("aliyun.http-302")),
        (Reply(403, b"<html>blocked</html>"), Misconfigured("aliyun.http-403")),
        (Reply(429), Throttled(timedelta(seconds=1))),
        (Reply(408), NotSent("aliyun.http-408")),
        (Wrong.DROPPED, Unknown("aliyun.RemoteProtocolError")),
        (Wrong.SILENT, Unknown("aliyun.ReadTimeout")),
        (Wrong.TORN, Unknown("aliyun.RemoteProtocolError")),
        (Wrong.ENDLESS, Unknown("aliyun.answer-too-large")),
    ],
    ids=str,
)
async def test_an_end_that_does_not_say_so_leaves_no_message_refused(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path, answer: Reply | Wrong, expected: object
) -> None:
    vendor.answer = lambda _asked: answer
    assert [expected] == await sent(peer, tmp_path)
    assert 1 == len(peer.seen)  # whatever it was, it was not repeated


async def test_what_cannot_connect_has_sent_nothing(tmp_path: Path) -> None:
    async with running(vendors.Aliyun()) as peer:
        url = peer.url
    gateway = aliyun(url, tmp_path)
    assert [Down("aliyun.ConnectError")] == await gateway.send([outbound()])
    assert [None] == await gateway.query([attempt_of(outbound())])
    await gateway.stop()


async def test_a_connection_that_is_closed_at_once_may_have_taken_it(peer: Peer, tmp_path: Path) -> None:
    peer.refuses = Wrong.CLOSED
    (result,) = await sent(peer, tmp_path)
    assert isinstance(result, Unknown)


async def test_nothing_leaves_after_the_lease(peer: Peer, tmp_path: Path) -> None:
    assert [NotSent("lease-expired")] == await sent(peer, tmp_path, outbound(lease_until=START))
    assert [] == peer.seen


async def test_a_lease_that_passes_while_it_connects_keeps_the_message_here(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    connect = asyncio.get_running_loop().create_connection

    async def slowly(*arguments: Any, **named: Any) -> Any:
        clock.forward(timedelta(seconds=10))
        return await connect(*arguments, **named)

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", slowly, raising=False)
    gateway = aliyun(peer.url, tmp_path, clock)
    assert [NotSent("lease-expired")] == await gateway.send([outbound()])
    assert [] == peer.seen
    await gateway.stop()


async def test_connections_are_as_many_as_allowed_and_used_again(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path
) -> None:
    messages = [outbound(f"routed.{n}", to=f"+86138001380{n:02}") for n in range(30)]
    peer.gate.clear()
    sending = asyncio.create_task(sent(peer, tmp_path, *messages, connections=5))
    await eventually(lambda: peer.at_once == 5)
    peer.gate.set()
    assert {Accepted} == {type(result) for result in await sending}
    assert (5, 5) == (peer.most_at_once, peer.connections)
    assert 30 == len(vendor.shown)


@pytest.mark.parametrize("wrong", [Wrong.SILENT, Wrong.DROPPED, Wrong.TORN, Wrong.ENDLESS], ids=str)
async def test_a_connection_that_failed_holds_up_nothing_after_it(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path, wrong: Wrong
) -> None:
    gateway = aliyun(peer.url, tmp_path, connections=1)
    vendor.answer = lambda _asked: wrong
    (lost,) = await gateway.send([outbound("routed.1")])
    vendor.answer = None
    (taken,) = await gateway.send([outbound("routed.2")])
    assert (Unknown, Accepted) == (type(lost), type(taken))
    assert 2 == peer.connections
    await gateway.stop()


async def test_messages_to_one_number_leave_in_order_and_one_by_one(peer: Peer, tmp_path: Path) -> None:
    messages = [outbound(f"routed.{n}") for n in range(8)]
    other = outbound("routed.8", to="+8613900139000")
    peer.gate.clear()
    sending = asyncio.create_task(sent(peer, tmp_path, *messages, other))
    await eventually(lambda: peer.at_once == 2)  # the other number does not wait for this one
    peer.gate.set()
    results = await sending
    assert [message.reference for message in (*messages, other)] == [one.reference for one in results]
    assert 2 == peer.most_at_once
    written = [vendors.parameters(request.target)["OutId"] for request in peer.seen]
    assert [message.reference for message in messages] == [one for one in written if one != other.reference]


async def test_what_this_vendor_has_no_template_for_may_go_by_another_gateway(
    peer: Peer, tmp_path: Path
) -> None:
    results = await sent(
        peer, tmp_path, outbound(template="case-rated"), outbound(template="accepted"), outbound(version="1")
    )
    assert [
        NotSent("aliyun.template-elsewhere"),
        NotSent("aliyun.template-unmapped"),
        NotSent("aliyun.template-unmapped"),
    ] == results
    assert [] == peer.seen


async def test_an_unknown_message_is_found_in_the_records(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path
) -> None:
    gateway = aliyun(peer.url, tmp_path)
    await gateway.send([outbound()])
    asked = [attempt_of(outbound()), attempt_of(outbound(attempt=2)), attempt_of(outbound("routed.2"))]
    found = Found(REFERENCE, 1, (), Delivery.PENDING, "")
    assert [found, found, None] == await gateway.query(asked)
    vendor.records[0] |= {"SendStatus": 3, "ErrCode": "DELIVERED"}
    assert [Found(REFERENCE, 1, (), Delivery.DELIVERED, "DELIVERED")] == await gateway.query(asked[:1])
    vendor.records[0] |= {"SendStatus": 2, "ErrCode": "MK:0001"}
    assert [Found(REFERENCE, 1, (), Delivery.FAILED, "MK:0001")] == await gateway.query(asked[:1])
    await gateway.stop()


async def test_the_records_of_a_long_day_are_read_page_by_page(
    peer: Peer, vendor: vendors.Aliyun, tmp_path: Path
) -> None:
    gateway = aliyun(peer.url, tmp_path)
    many = [outbound(f"routed.{n}") for n in range(51)]
    await gateway.send(many)
    (found,) = await gateway.query([attempt_of(many[-1])])
    assert isinstance(found, Found)
    assert 51 == len(vendor.records)
    await gateway.stop()


async def test_a_message_of_midnight_is_looked_for_on_both_days(
    vendor: vendors.Aliyun, peer: Peer, tmp_path: Path
) -> None:
    vendor.clock.time = datetime(2026, 11, 22, 16, 0, 1, tzinfo=UTC)  # 00:00:01 in Changsha
    clock = Clock(vendor.clock.time)
    gateway = aliyun(peer.url, tmp_path, clock)
    message = outbound(lease_until=clock.time + timedelta(seconds=10))
    await gateway.send([message])
    before = clock.time - timedelta(seconds=3)
    (found,) = await gateway.query([attempt_of(message, at=before)])
    assert isinstance(found, Found)
    await gateway.stop()


async def test_who_was_erased_is_not_asked_about(peer: Peer, tmp_path: Path) -> None:
    gateway = aliyun(peer.url, tmp_path)
    assert [None] == await gateway.query([attempt_of(outbound(), to="")])
    assert [] == peer.seen
    await gateway.stop()
