"""Signatures: a vector from the vendor's document, and a verifier that knows nothing of our code."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.cloud.signing import Key, Signed, acs3, tc3
from tests.notify.cloud.peer import Request
from tests.notify.cloud.vendors import KEY_ID, SECRET, aliyun_fault, parameters, tencent_fault

AT = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # already the 23rd in Changsha
KEY = Key(KEY_ID, SECRET)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def aliyun(query: dict[str, str], key: Key = KEY, now: datetime = AT) -> Signed:
    return acs3(
        key, host="localhost:1", action="SendSms", version="2017-05-25", query=query, now=now, nonce="n1"
    )


def tencent(body: bytes, key: Key = KEY, now: datetime = AT) -> Signed:
    return tc3(
        key,
        host="localhost:1",
        action="SendSms",
        version="2021-01-11",
        region="ap-guangzhou",
        body=body,
        now=now,
    )


def as_request(signed: Signed) -> Request:
    return Request("POST", signed.target, signed.headers, signed.body)


def test_the_example_of_aliyuns_document_has_its_signature() -> None:
    signed = acs3(
        Key("YourAccessKeyId", "YourAccessKeySecret"),
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query={
            "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
            "RegionId": "cn-shanghai",
        },
        now=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
    )
    expected = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert expected == signed.headers["authorization"].rpartition("Signature=")[2]


@given(st.dictionaries(WORDS, WORDS, max_size=5))
def test_whatever_aliyun_is_asked_is_signed_as_it_is_written(query: dict[str, str]) -> None:
    signed = aliyun(query)
    assert "" == aliyun_fault(as_request(signed), AT)
    assert query == parameters(signed.target)


@given(WORDS)
def test_whatever_tencent_is_told_is_signed(text: str) -> None:
    assert "" == tencent_fault(as_request(tencent(text.encode())), AT)


def test_a_changed_request_is_refused() -> None:
    good = as_request(aliyun({"PhoneNumbers": "13800138000"}))
    bent = dataclasses.replace(good, target=good.target.replace("13800138000", "13800138001"))
    assert "SignatureDoesNotMatch" == aliyun_fault(bent, AT)
    paid = dataclasses.replace(as_request(tencent(b"{}")), body=b"{ }")
    assert "AuthFailure.SignatureFailure" == tencent_fault(paid, AT)


def test_another_secret_is_refused() -> None:
    other = Key(KEY_ID, "another")
    assert "SignatureDoesNotMatch" == aliyun_fault(as_request(aliyun({}, other)), AT)
    assert "AuthFailure.SignatureFailure" == tencent_fault(as_request(tencent(b"", other)), AT)


@pytest.mark.parametrize("zone", [0, 8, -5])
def test_the_date_is_that_of_greenwich_whatever_zone_the_clock_speaks(zone: int) -> None:
    now = AT.astimezone(tz=datetime.fromisoformat(f"2026-01-01T00:00{zone:+03d}:00").tzinfo)
    assert "2026-11-22T16:30:00Z" == aliyun({}, now=now).headers["x-acs-date"]
    assert "/2026-11-22/sms/" in tencent(b"", now=now).headers["authorization"]


def test_a_clock_that_is_wrong_is_told() -> None:
    assert "InvalidTimeStamp.Expired" == aliyun_fault(as_request(aliyun({})), AT + timedelta(minutes=16))
    assert "AuthFailure.SignatureExpire" == tencent_fault(as_request(tencent(b"")), AT + timedelta(minutes=6))


def test_the_secret_is_not_shown_with_the_key() -> None:
    assert SECRET not in repr(KEY)
    assert "very" not in repr(aliyun({"a": "very"}).headers.keys())
