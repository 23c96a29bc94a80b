"""The petitioner's pages: forms as browsers send them, and as nobody's browser would."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
from hypothesis import strategies as st

from tests.fuzz.rounds import Target
from tests.fuzz.words import SAID_CODES, SAID_IDS, TEXTS

FIELDS = {
    "/": ("title", "content", "name", "phone", "area", "key"),
    "/query": ("id", "code"),
    "/rate": ("id", "code"),
    "/supplement": ("id", "code", "text", "key"),
}
GOOD = {
    "title": "路灯不亮",
    "content": "门前路灯坏了一个月。",
    "name": "测试人",
    "phone": "13800138000",
    "area": "",
}
MARK = "<script>alert(1)</script>"
# What a form may be answered with; 503 only with Retry-After.
KNOWN = {200, 201, 400, 404, 405, 409, 413, 415, 422, 429, 503}
BUSY = 503
CHARSETS = st.sampled_from(
    [
        *(
            "utf-8",
            "gbk",
            "gb18030",
            "utf-16",
            "utf-7",
            "unicode_escape",
            "raw_unicode_escape",
            "punycode",
            "idna",
        ),
        *("undefined", "rot13", "hex", "base64", "nobody-knows", "", '"', "utf-8;x", "latin-1", "mbcs"),
    ]
)
KINDS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=B",
    "text/plain",
    "application/json",
    "",
)
BOUNDARY = b"B"


@dataclass(frozen=True)
class Sent:
    """One request to a page."""

    method: str
    path: str
    kind: str
    body: bytes
    accept: str

    def __repr__(self) -> str:
        return f"{self.method} {self.path} Content-Type: {self.kind!r} Accept: {self.accept!r} {self.body!r}"


@st.composite
def sent(draw: st.DrawFn) -> Sent:
    """A form for one of the pages: its own fields or none, well written or not."""
    path = draw(st.sampled_from(sorted(FIELDS)))
    values: dict[str, str] = (
        dict(GOOD) if path == "/" else {"score": draw(st.sampled_from(["5", "0", "五", ""]))}
    )
    for name in draw(st.lists(st.sampled_from(FIELDS[path]), max_size=3)):
        known = {"id": SAID_IDS, "code": SAID_CODES}.get(name, TEXTS)
        values[name] = draw(known | st.just(MARK) | st.just("信" * 20_001))
    kind = draw(st.sampled_from(KINDS))
    body = _body(draw, kind, values)
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=6)) + body[at + draw(st.integers(0, 6)) :]
    if kind and draw(st.booleans()):
        kind += f"; charset={draw(CHARSETS)}"
    accept = draw(st.sampled_from(["text/html,*/*", "application/json", "*/*", ""]))
    method = draw(st.sampled_from(["POST"] * 6 + ["PUT", "DELETE", "OPTIONS"]))
    return Sent(method, path, kind, body, accept)


def _body(draw: st.DrawFn, kind: str, values: dict[str, str]) -> bytes:
    if "multipart" not in kind:
        how = draw(st.sampled_from(["utf-8", "gb18030", "utf-16-le"]))
        return urlencode({name: value.encode(how, "replace") for name, value in values.items()}).encode()
    parts = []
    for name, value in values.items():
        filename = draw(st.sampled_from(["", "", '; filename="x"', "; filename*=utf-8''x", '; name="id"']))
        head = f'Content-Disposition: form-data; name="{name}"{filename}\r\n'
        written = draw(st.sampled_from([value, value, r"\ud83d", "+2AA-", quote(value, errors="replace")]))
        parts.append(b"--B\r\n" + head.encode() + b"\r\n" + written.encode("utf-8", "replace") + b"\r\n")
    return b"".join(parts) + draw(st.sampled_from([b"--B--\r\n", b"--B--", b"", b"--B\r\n"]))


@dataclass
class Pages:
    """The pages of a running intake; counts its answers, for the balance at the end."""

    client: httpx.Client
    answers: Counter[tuple[str, str, int]]

    def check(self, asked: Sent) -> None:
        """Whatever comes is answered as the pages answer, and what was typed is shown as text alone."""
        headers = {"Accept": asked.accept} | ({"Content-Type": asked.kind} if asked.kind else {})
        answer = self.client.request(asked.method, asked.path, content=asked.body, headers=headers)
        self.answers[asked.method, asked.path, answer.status_code] += 1
        assert answer.status_code in KNOWN, f"answered {answer.status_code} {answer.text[:300]}"
        assert answer.status_code != BUSY or "retry-after" in answer.headers
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in {"text/html", "application/problem+json"}
        if kind == "text/html":
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "no-store" in answer.headers["cache-control"]
        assert MARK not in answer.text or kind != "text/html"
        assert not (asked.method != "POST" and answer.status_code == httpx.codes.CREATED)

    def target(self) -> Target:
        """What is tried."""
        return Target("pages", sent(), self.check)
