"""The vendors' own SDKs as oracles, both ways: they sign what we sent, and our verifier lets them in.

No account is needed: both sides know a key of the test. Run by `make oracles`.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.ports import HOST
from services.notify.sms import Accepted
from tests.notify.cloud import vendors
from tests.notify.cloud.made import aliyun, outbound, tencent
from tests.notify.cloud.peer import Peer, Request, running
from tests.notify.cloud.vendors import KEY_ID, SECRET
from tests.notify.journey import Clock

pytestmark = [
    pytest.mark.oracles,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
WHY = "the vendors' SDKs are not installed here; `make oracles` runs this"
HARD = '小区 噪音+扰民~*&=%😀"\\'


def headers_signed(request: Request) -> dict[str, str]:
    """The headers that the signature says it covers."""
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    return {name: request.headers[name] for name in names}


async def sent_by_us(gateway: Any, peer: Peer) -> Request:
    """The request of one message of ours."""
    message = outbound(params={"petition": "P1", "body": HARD}, sign="长沙 信访")
    assert [Accepted] == [type(result) for result in await gateway.send([message])]
    await gateway.stop()
    return peer.seen[-1]


async def test_aliyuns_sdk_signs_our_request_as_we_did(tmp_path: Path) -> None:
    utils = pytest.importorskip("alibabacloud_tea_openapi.utils", reason=WHY)
    async with running(vendors.Aliyun()) as peer:
        request = await sent_by_us(aliyun(peer.url, tmp_path), peer)
    theirs = utils.Utils.get_authorization(
        SimpleNamespace(
            method=request.method,
            pathname="/",
            query=vendors.parameters(request.target),
            headers=headers_signed(request),
        ),
        "ACS3-HMAC-SHA256",
        request.headers["x-acs-content-sha256"],
        KEY_ID,
        SECRET,
    )
    assert theirs == request.headers["authorization"]


async def test_tencents_sdk_signs_our_request_as_we_did(tmp_path: Path) -> None:
    client = pytest.importorskip("tencentcloud.common.abstract_client_async", reason=WHY).AbstractClient
    async with running(vendors.Tencent()) as peer:
        request = await sent_by_us(tencent(peer.url, tmp_path), peer)
    theirs = client._get_tc3_signature(  # noqa: SLF001 - what their client signs with
        request.method,
        "/",
        "",
        request.body,
        {
            "Content-Type": request.headers["content-type"],
            "Host": request.headers["host"],
            "X-TC-Timestamp": request.headers["x-tc-timestamp"],
        },
        "2026-11-22",
        "sms",
        SECRET,
        {},
    )
    assert theirs == request.headers["authorization"].rpartition("Signature=")[2]


def stamped(request: Request) -> Clock:
    """A clock that shows what the request says; how far it may differ is tested elsewhere."""
    if "x-acs-date" in request.headers:
        return Clock(vendors.acs_time(request))
    return Clock(vendors.tc_time(request))


async def test_aliyuns_client_is_let_in_by_our_verifier() -> None:
    module = pytest.importorskip("alibabacloud_dysmsapi20170525.client", reason=WHY)
    models = pytest.importorskip("alibabacloud_dysmsapi20170525.models", reason=WHY)
    api = pytest.importorskip("alibabacloud_tea_openapi.models", reason=WHY)
    vendor = vendors.Aliyun(template="${body}")

    def at_its_time(request: Request) -> Any:
        vendor.clock = stamped(request)
        return vendor(request)

    async with running(at_its_time) as peer:
        client = module.Client(
            api.Config(
                access_key_id=KEY_ID,
                access_key_secret=SECRET,
                endpoint=f"{HOST}:{peer.port}",
                protocol="http",
            )
        )
        answer = await client.send_sms_async(
            models.SendSmsRequest(
                phone_numbers="13800138000",
                sign_name="长沙 信访",
                template_code="SMS_1",
                template_param='{"body":"小区 噪音+扰民~*&=%😀"}',
                out_id="P1.routed.1.1",
            )
        )
        asked = await client.query_send_details_async(
            models.QuerySendDetailsRequest(
                phone_number="13800138000",
                send_date=vendor.records[0]["SendDate"][:10].replace("-", ""),
                page_size=50,
                current_page=1,
            )
        )
    assert "OK" == answer.body.code
    assert ["【长沙 信访】小区 噪音+扰民~*&=%😀"] == vendor.shown
    (detail,) = asked.body.sms_send_detail_dtos.sms_send_detail_dto
    assert ("P1.routed.1.1", 1) == (detail.out_id, detail.send_status)


async def test_tencents_client_is_let_in_by_our_verifier() -> None:
    credential = pytest.importorskip("tencentcloud.common.credential", reason=WHY)
    profiles = pytest.importorskip("tencentcloud.common.profile.client_profile", reason=WHY)
    transport = pytest.importorskip("tencentcloud.common.profile.http_profile", reason=WHY)
    module = pytest.importorskip("tencentcloud.sms.v20210111.sms_client_async", reason=WHY)
    models = pytest.importorskip("tencentcloud.sms.v20210111.models", reason=WHY)
    vendor = vendors.Tencent()

    def at_its_time(request: Request) -> Any:
        vendor.clock = stamped(request)
        return vendor(request)

    async with running(at_its_time) as peer:
        http = transport.HttpProfile(protocol="http", endpoint=f"{HOST}:{peer.port}")
        client = module.SmsClient(
            credential.Credential(KEY_ID, SECRET), "ap-guangzhou", profiles.ClientProfile(httpProfile=http)
        )
        request = models.SendSmsRequest()
        request.PhoneNumberSet = ["+8613800138000"]
        request.SmsSdkAppId, request.TemplateId, request.SignName = "1400006666", "1", "长沙 信访"
        request.TemplateParamSet, request.SessionContext = [HARD], "P1.routed.1.1"
        answer = await client.SendSms(request)
    (status,) = answer.SendStatusSet
    assert ("Ok", "P1.routed.1.1") == (status.Code, status.SessionContext)
    assert [[HARD]] == [asked["TemplateParamSet"] for asked in vendor.asked]
