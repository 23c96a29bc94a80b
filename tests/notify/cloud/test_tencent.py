"""Tencent Cloud: HTTP 200 says nothing, each number has a code of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notify.cloud.codes import TENCENT
from services.notify.sms import (
    Accepted,
    Delivery,
    Fault,
    Found,
    Misconfigured,
    NotSent,
    Refused,
    Scope,
    Throttled,
    Unknown,
)
from tests.notify.cloud import vendors
from tests.notify.cloud.made import NUMBER, WORDS, attempt_of, outbound, tencent
from tests.notify.cloud.peer import Fault as Wrong
from tests.notify.cloud.peer import Peer, Reply, running
from tests.notify.journey import PETITION, START, Clock

REFERENCE = f"{PETITION}.routed.1.1"


@pytest.fixture
def vendor() -> vendors.Tencent:
    return vendors.Tencent()


@pytest.fixture
async def peer(vendor: vendors.Tencent) -> AsyncIterator[Peer]:
    async with running(vendor) as peer:
        yield peer


async def sent(peer: Peer, folder: Path, *messages: Any, **changes: Any) -> list[Any]:
    """What becomes of messages."""
    gateway = tencent(peer.url, folder, **changes)
    try:
        return list(await gateway.send(list(messages) or [outbound()]))
    finally:
        await gateway.stop()


async def test_a_message_leaves_with_its_variables_in_order(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path
) -> None:
    assert [Accepted(REFERENCE, 2, ("2640:1",))] == await sent(peer, tmp_path)
    assert [
        {
            "PhoneNumberSet": [NUMBER],
            "SmsSdkAppId": "1400006666",
            "SignName": "长沙信访",
            "TemplateId": "1234567",
            "TemplateParamSet": [WORDS["petition"], WORDS["body"]],
            "SessionContext": REFERENCE,
        }
    ] == vendor.asked


async def test_an_extension_goes_along_where_the_account_has_one(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path
) -> None:
    await sent(peer, tmp_path, outbound(extension="42"))
    await sent(peer, tmp_path, outbound(extension="42"), extension=2)
    assert [None, "42"] == [asked.get("ExtendCode") for asked in vendor.asked]


async def test_case_14_each_code_has_its_meaning_for_a_number_and_for_the_request(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path
) -> None:
    gateway = tencent(peer.url, tmp_path)
    for code, meaning in TENCENT.items():
        for answer in ({"Code": code}, {"Error": {"Code": code}}):
            vendor.answer = lambda _asked, answer=answer: answer
            assert [meaning(f"tencent.{code}"[:64])] == await gateway.send([outbound()])
    await gateway.stop()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "InvalidParameterValue.IncorrectPhoneNumber",
            Refused("tencent.InvalidParameterValue.IncorrectPhoneNumber", Fault.NUMBER),
        ),
        (
            "FailedOperation.PhoneNumberInBlacklist",
            Refused("tencent.FailedOperation.PhoneNumberInBlacklist", Fault.BLACKLIST),
        ),
        (
            "FailedOperation.ContainSensitiveWord",
            Refused("tencent.FailedOperation.ContainSensitiveWord", Fault.CONTENT),
        ),
        ("LimitExceeded.PhoneNumberThirtySecondLimit", Throttled(timedelta(seconds=30), Scope.NUMBER)),
        ("LimitExceeded.PhoneNumberOneHourLimit", Throttled(timedelta(hours=1), Scope.NUMBER)),
        ("LimitExceeded.PhoneNumberDailyLimit", Throttled(timedelta(days=1), Scope.NUMBER)),
        ("LimitExceeded.PhoneNumberSameContentDailyLimit", Throttled(timedelta(days=1), Scope.NUMBER)),
        ("LimitExceeded.DeliveryFrequencyLimit", Throttled(timedelta(hours=1), Scope.NUMBER)),
        ("LimitExceeded.AppDailyLimit", Throttled(timedelta(hours=1), Scope.GATEWAY)),
        ("RequestLimitExceeded.IPLimitExceeded", Throttled(timedelta(seconds=1), Scope.GATEWAY)),
        ("FailedOperation.MarketingSendTimeConstraint", Throttled(timedelta(hours=1), Scope.GATEWAY)),
        ("InternalError.Timeout", Unknown("tencent.InternalError.Timeout")),
        ("InternalError.SendAndRecvFail", Unknown("tencent.InternalError.SendAndRecvFail")),
        ("AuthFailure.SignatureExpire", Misconfigured("tencent.AuthFailure.SignatureExpire")),
        (
            "UnauthorizedOperation.ServiceSuspendDueToArrears",
            Misconfigured("tencent.UnauthorizedOperation.ServiceSuspendDueToArrears"),
        ),
        (
            "FailedOperation.TemplateUnapprovedOrNotExist",
            NotSent("tencent.FailedOperation.TemplateUnapprovedOrNotExist"),
        ),
        ("FailedOperation.NeverHeardOf", Unknown("tencent.FailedOperation.NeverHeardOf")),
        ("ok", Unknown("tencent.ok")),
    ],
)
async def test_case_14_what_the_codes_of_the_facts_mean(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path, code: str, expected: object
) -> None:
    vendor.answer = lambda _asked: {"Code": code}
    assert [expected] == await sent(peer, tmp_path)


async def test_a_wrong_key_is_told(peer: Peer, tmp_path: Path) -> None:
    assert [Misconfigured("tencent.AuthFailure.SignatureFailure")] == await sent(
        peer, tmp_path, secret_key="wrong"
    )


async def test_a_wrong_clock_is_told(peer: Peer, tmp_path: Path) -> None:
    late = Clock(START + timedelta(minutes=6))
    message = outbound(lease_until=late.now() + timedelta(seconds=10))
    gateway = tencent(peer.url, tmp_path, late)
    assert [Misconfigured("tencent.AuthFailure.SignatureExpire")] == await gateway.send([message])
    await gateway.stop()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Reply(502), Unknown("tencent.http-502")),
        (Reply(200, b"{}"), Unknown("tencent.http-200")),
        (Reply(200, b'{"Response":{}}'), Unknown("tencent.no-status")),
        (Wrong.DROPPED, Unknown("tencent.RemoteProtocolError")),
    ],
    ids=str,
)
async def test_an_end_that_does_not_say_so_leaves_no_message_refused(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path, answer: Reply | Wrong, expected: object
) -> None:
    vendor.answer = lambda _asked: answer
    assert [expected] == await sent(peer, tmp_path)


async def test_an_unknown_message_is_found_by_its_session_context_alone(
    peer: Peer, vendor: vendors.Tencent, tmp_path: Path
) -> None:
    state = {"PhoneNumber": NUMBER, "SerialNo": "2640:9", "ReportStatus": "SUCCESS"}
    gateway = tencent(peer.url, tmp_path)
    vendor.states = [state | {"SerialNo": f"2640:{n}"} for n in range(100)]
    asked = [attempt_of(outbound(attempt=2))]
    assert [None] == await gateway.query(asked)  # the account shows no SessionContext: it could be any
    vendor.states.append(state | {"SessionContext": REFERENCE})
    assert [Found(REFERENCE, 1, ("2640:9",), Delivery.DELIVERED)] == await gateway.query(asked)
    assert [None] == await gateway.query([attempt_of(outbound(), to="")])
    await gateway.stop()
