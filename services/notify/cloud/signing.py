"""The vendors' request signatures, written from their documents; pure: time and nonce are handed in.

ACS3-HMAC-SHA256: Aliyun, "V3 request structure and signature", RPC style (parameters in the query).
TC3-HMAC-SHA256: Tencent Cloud, "signature method v3". Their own SDKs are the oracles in the tests.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

ACS3: Final = "ACS3-HMAC-SHA256"
TC3: Final = "TC3-HMAC-SHA256"
SMS: Final = "sms"  # the service within Tencent Cloud
JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key: its public name and its secret."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A POST request: path with query exactly as signed, headers with the signature, body."""

    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def acs3(
    key: Key, *, host: str, action: str, version: str, query: Mapping[str, str], now: datetime, nonce: str
) -> Signed:
    """Sign a call of an Aliyun RPC interface; a nonce is good for one request."""
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    canonical_query = "&".join(f"{_escaped(name)}={_escaped(query[name])}" for name in sorted(query))
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(["POST", "/", canonical_query, lines, names, headers["x-acs-content-sha256"]])
    signature = _hmac(key.secret.encode(), f"{ACS3}\n{_sha256(request)}").hex()
    headers["authorization"] = f"{ACS3} Credential={key.id},SignedHeaders={names},Signature={signature}"
    return Signed(f"/?{canonical_query}", headers)


def tc3(key: Key, *, host: str, action: str, version: str, region: str, body: bytes, now: datetime) -> Signed:
    """Sign a call of Tencent Cloud's SMS interface; it holds for five minutes around `now`."""
    seconds = str(int(now.timestamp()))
    date = now.astimezone(UTC).strftime("%Y-%m-%d")
    names = "content-type;host"
    lines = f"content-type:{JSON}\nhost:{host}\n"
    request = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{date}/{SMS}/tc3_request"
    derived = f"TC3{key.secret}".encode()
    for part in (date, SMS, "tc3_request"):
        derived = _hmac(derived, part)
    signature = _hmac(derived, f"{TC3}\n{seconds}\n{scope}\n{_sha256(request)}").hex()
    headers = {
        "host": host,
        "content-type": JSON,
        "x-tc-action": action,
        "x-tc-region": region,
        "x-tc-timestamp": seconds,
        "x-tc-version": version,
        "authorization": f"{TC3} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}",
    }
    return Signed("/", headers, body)


def _escaped(text: str) -> str:
    """Percent-encode all but the unreserved characters of RFC 3986."""
    return quote(text, safe="~")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
