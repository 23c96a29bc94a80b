"""Stand-ins for Aliyun and Tencent Cloud that check what reaches them by the vendors' documents alone.

Written from the bytes on the wire: nothing of our request code is used here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from tests.notify.cloud.peer import Fault, Reply, Request
from tests.notify.journey import Clock

KEY_ID, SECRET = "public-name", "very-secret-word"
SKEW = timedelta(minutes=5)
_ACS3 = re.compile(
    r"ACS3-HMAC-SHA256 Credential=(?P<id>[^,]+),SignedHeaders=(?P<names>[^,]+),"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_TC3 = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>[-0-9]+)/(?P<service>\w+)/tc3_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
Answer = dict[str, Any] | Reply | Fault


def mac(key: bytes, text: str) -> bytes:
    """HMAC with SHA-256."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def parameters(target: str) -> dict[str, str]:
    """The query of a request, decoded."""
    _, _, query = target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def escaped(text: str) -> str:
    """Percent-encode as RFC 3986 says: every byte but the unreserved characters."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def acs_time(request: Request) -> datetime:
    """When Aliyun's caller says that it is."""
    return datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def tc_time(request: Request) -> datetime:
    """When Tencent Cloud's caller says that it is."""
    return datetime.fromtimestamp(int(request.headers["x-tc-timestamp"]), UTC)


def aliyun_fault(request: Request, now: datetime) -> str:
    """The code that Aliyun would refuse the request with; empty if its signature is right."""
    said = _ACS3.fullmatch(request.headers.get("authorization", ""))
    if said is None:
        return "IncompleteSignature"
    if said["id"] != KEY_ID:
        return "InvalidAccessKeyId.NotFound"
    names = said["names"].split(";")
    if not set(names) >= _MUST_BE_SIGNED or names != sorted(names):
        return "IncompleteSignature"
    if abs(now - acs_time(request)) > timedelta(minutes=15):
        return "InvalidTimeStamp.Expired"
    if hashlib.sha256(request.body).hexdigest() != request.headers["x-acs-content-sha256"]:
        return "SignatureDoesNotMatch"
    path = request.target.partition("?")[0]
    # Clients write a query as they like; what is signed is sorted and has one way of being escaped.
    asked = parameters(request.target)
    query = "&".join(f"{escaped(name)}={escaped(asked[name])}" for name in sorted(asked))
    lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    hashed = request.headers["x-acs-content-sha256"]
    canonical = f"{request.method}\n{path}\n{query}\n{lines}\n{said['names']}\n{hashed}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    expected = mac(SECRET.encode(), f"ACS3-HMAC-SHA256\n{digest}").hex()
    return "" if hmac.compare_digest(expected, said["signature"]) else "SignatureDoesNotMatch"


def tencent_fault(request: Request, now: datetime) -> str:
    """The code that Tencent Cloud would refuse the request with; empty if its signature is right."""
    said = _TC3.fullmatch(request.headers.get("authorization", ""))
    if said is None:
        return "AuthFailure.InvalidAuthorization"
    if said["id"] != KEY_ID:
        return "AuthFailure.SecretIdNotFound"
    stamp, sent = request.headers["x-tc-timestamp"], tc_time(request)
    if abs(now - sent) > SKEW or said["date"] != sent.strftime("%Y-%m-%d") or said["service"] != "sms":
        return "AuthFailure.SignatureExpire"
    names = said["names"].split(";")
    if not {"content-type", "host"} <= set(names):
        return "AuthFailure.InvalidAuthorization"
    path, _, query = request.target.partition("?")
    lines = "".join(f"{name}:{request.headers[name].strip().lower()}\n" for name in names)
    hashed = hashlib.sha256(request.body).hexdigest()
    canonical = f"{request.method}\n{path}\n{query}\n{lines}\n{said['names']}\n{hashed}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    scope = f"{said['date']}/sms/tc3_request"
    key = mac(mac(mac(f"TC3{SECRET}".encode(), said["date"]), "sms"), "tc3_request")
    expected = mac(key, f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{digest}").hex()
    return "" if hmac.compare_digest(expected, said["signature"]) else "AuthFailure.SignatureFailure"


@dataclass
class Aliyun:
    """Dysmsapi: takes messages, shows what the telephone shows, and keeps records that can be asked for."""

    clock: Clock = field(default_factory=Clock)
    template: str = "您反映的事项${petition}已转交${body}办理"
    answer: Callable[[dict[str, str]], Answer] | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply | Fault:
        """Answer one request."""
        fault = aliyun_fault(request, self.clock.now())
        nonce = request.headers.get("x-acs-signature-nonce", "")
        if not fault and (not nonce or nonce in self.nonces):
            fault = "SignatureNonceUsed"
        self.nonces.add(nonce)
        if fault:
            return _json({"Code": fault, "Message": "m", "RequestId": "r"}, 400)
        asked = parameters(request.target)
        if request.headers["x-acs-action"] == "QuerySendDetails":
            return self._records(asked)
        said = self.answer(asked) if self.answer else {"Code": "OK"}
        if not isinstance(said, dict):
            return said
        if said["Code"] == "OK":
            values = json.loads(asked.get("TemplateParam", "{}"))
            text = _VARIABLE.sub(lambda found: str(values[found[1]]), self.template)
            self.shown.append(f"【{asked['SignName']}】{text}")
            self.records.append(
                {
                    "PhoneNum": asked["PhoneNumbers"],
                    "OutId": asked["OutId"],
                    "SendStatus": 1,
                    "SendDate": (self.clock.now() + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"),
                    "Content": self.shown[-1],
                }
            )
            said = {"BizId": f"90061923{len(self.shown)}^0", **said}
        return _json({"Message": "m", "RequestId": "r", **said})

    def _records(self, asked: dict[str, str]) -> Reply:
        day, size, page = asked["SendDate"], int(asked["PageSize"]), int(asked["CurrentPage"])
        found = [
            record
            for record in self.records
            if record["PhoneNum"] == asked["PhoneNumber"] and record["SendDate"][:10].replace("-", "") == day
        ]
        shown = found[(page - 1) * size : page * size]
        return _json(
            {"Code": "OK", "TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown}}
        )


@dataclass
class Tencent:
    """SMS 2021-01-11."""

    clock: Clock = field(default_factory=Clock)
    answer: Callable[[dict[str, Any]], Answer] | None = None
    states: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply | Fault:
        """Answer one request."""
        if fault := tencent_fault(request, self.clock.now()):
            return _json({"Response": {"Error": {"Code": fault, "Message": "m"}, "RequestId": "r"}})
        asked = json.loads(request.body)
        self.asked.append(asked)
        if request.headers["x-tc-action"] == "PullSmsSendStatusByPhoneNumber":
            found = [one for one in self.states if one["PhoneNumber"] == asked["PhoneNumber"]]
            shown = found[asked["Offset"] : asked["Offset"] + asked["Limit"]]
            return _json({"Response": {"PullSmsSendStatusSet": shown, "RequestId": "r"}})
        said = self.answer(asked) if self.answer else {"Code": "Ok"}
        if not isinstance(said, dict):
            return said
        if "Error" in said:
            return _json({"Response": {**said, "RequestId": "r"}})
        status = {
            "SerialNo": f"2640:{len(self.asked)}",
            "PhoneNumber": asked["PhoneNumberSet"][0],
            "Fee": 2,
            "SessionContext": asked["SessionContext"],
            "Message": "m",
            "IsoCode": "CN",
        }
        return _json({"Response": {"SendStatusSet": [status | said], "RequestId": "r"}})


def _json(value: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, json.dumps(value, ensure_ascii=False).encode())
