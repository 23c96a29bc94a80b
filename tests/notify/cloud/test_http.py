"""The generic gateway with Kannel's profile: one plain number, nothing cut, measured answers understood."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notify import numbers
from services.notify.cloud import profile
from services.notify.cloud.http import Http
from services.notify.cloud.profile import ProfileError
from services.notify.sms import (
    Accepted,
    Down,
    Fault,
    Misconfigured,
    NotSent,
    Refused,
    Throttled,
    Unknown,
)
from tests.notify.cloud.made import CALLBACK, attempt_of, kannel, outbound
from tests.notify.cloud.peer import Peer, Reply, Request, running
from tests.notify.cloud.vendors import SECRET
from tests.notify.journey import PETITION, START

REFERENCE = f"{PETITION}.routed.1.1"
GOOD = Reply(202, b"0: Accepted for delivery")


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with running(lambda _request: GOOD) as peer:
        yield peer


def asked(request: Request) -> dict[str, str]:
    """The parameters of a request; none may come twice."""
    pairs = parse_qsl(urlsplit(request.target).query, strict_parsing=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


async def sent(peer: Peer, *messages: Any, **changes: Any) -> list[Any]:
    """What becomes of messages."""
    gateway = kannel(peer.url, **changes)
    try:
        return list(await gateway.send(list(messages) or [outbound()]))
    finally:
        await gateway.stop()


async def test_a_message_is_the_request_that_was_measured(peer: Peer) -> None:
    message = outbound(extension="42", valid_until=START + timedelta(minutes=90, seconds=1))
    results = await sent(peer, message, sender="1069012345", extension=2, channel="SMPP1")
    assert [Accepted(REFERENCE, 1)] == results
    (request,) = peer.seen
    assert ("GET", "/cgi-bin/sendsms") == (request.method, urlsplit(request.target).path)
    url = f"http://notify.example:8004/gateways/kannel/{CALLBACK}/receipt?reference={REFERENCE}"
    assert {
        "username": "notify",
        "password": SECRET,
        "smsc": "SMPP1",
        "from": "106901234542",
        "to": "+8613800138000",
        "coding": "2",
        "charset": "UTF-8",
        "text": "【长沙信访】您反映的事项已转交办理",
        "validity": "91",
        "dlr-mask": "31",
        "dlr-url": f"{url}&d=%d&a=%A&ts=%T",
    } == asked(request)


async def test_what_is_not_set_is_not_sent(peer: Peer) -> None:
    gateway = kannel(peer.url, callback_url="")
    assert not gateway.caps.receipts
    await gateway.send([outbound(extension="42")])
    await gateway.stop()
    assert {"smsc", "from", "validity", "dlr-url"}.isdisjoint(asked(peer.seen[0]))


@pytest.mark.parametrize(
    "written",
    [
        *("13800138000", "+8613800138000", "8613800138000", "008613800138000", "138 0013 8000"),
        *(
            "１３８００１３８０００",
            "+86 (138) 0013-8000",
            "\u202a13800138000\u202c",
            "138\u00a00013\u30008000",
        ),
    ],
)
async def test_case_12_to_never_contains_a_space(peer: Peer, written: str) -> None:
    found = numbers.read(written)
    assert isinstance(found, numbers.Usable)
    await sent(peer, outbound(to=found.e164))
    assert "+8613800138000" == asked(peer.seen[0])["to"]
    assert "to=%2B8613800138000&" in peer.seen[0].target


@pytest.mark.parametrize(
    "to", ["138 0013 8000", "+86138 00138000", "+8613800138000 +8613900139000", "13800138000", "+86138a", ""]
)
async def test_case_12_what_is_no_plain_number_is_refused_before_it_leaves(peer: Peer, to: str) -> None:
    assert [Refused("kannel.number", Fault.NUMBER)] == await sent(peer, outbound(to=to))
    assert [] == peer.seen


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_no_text_ends_a_parameter_or_begins_one(text: str) -> None:
    gateway = kannel("http://127.0.0.1:1")
    values = gateway._values(outbound(text=text), text)  # noqa: SLF001 - the step before the encoding
    parameters = profile.filled(profile.load("kannel").query, values)
    assert text == parameters.get("text", "")
    assert parameters.keys() <= profile.load("kannel").query.keys()


@pytest.mark.parametrize("text", ["a&to=110", "{password}", "{{to}}", "%d%b%", "a\r\nX: y", "#?=+ 😀"])
async def test_a_text_arrives_as_it_is(peer: Peer, text: str) -> None:
    await sent(peer, outbound(text=text))
    said = asked(peer.seen[0])
    assert (f"【长沙信访】{text}", "+8613800138000") == (said["text"], said["to"])


async def test_what_kannel_would_cut_is_refused_whole(peer: Peer) -> None:
    longest = 670 - 6
    results = await sent(peer, outbound(text="字" * longest), outbound(text="字" * (longest + 1)))
    assert [Accepted(REFERENCE, 10), Refused("kannel.too-long", Fault.CONTENT)] == results
    assert 1 == len(peer.seen)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (GOOD, Accepted(REFERENCE, 1)),
        (Reply(202, b"3: Queued for later delivery"), Accepted(REFERENCE, 1)),
        (Reply(202, b""), Unknown("kannel.http-202")),
        (Reply(200, b"0: Accepted for delivery"), Unknown("kannel.http-200")),
        (Reply(403, b"Authorization failed for sendsms"), Misconfigured("kannel.authorization")),
        (Reply(403, b"Not routable. Do not try again."), Misconfigured("kannel.not-routable")),
        (
            Reply(400, b"Number(s) has/have been denied by white- and/or black-lists."),
            Refused("kannel.list", Fault.NUMBER),
        ),
        (Reply(400, b"Charset conversion"), Misconfigured("kannel.http-400")),
        (Reply(404), Misconfigured("kannel.http-404")),
        (Reply(503, b"Temporal failure, try again later."), Throttled(timedelta(seconds=10))),
        (Reply(500), Unknown("kannel.http-500")),
        (Reply(503), Unknown("kannel.http-503")),
    ],
    ids=str,
)
async def test_each_answer_of_kannel_has_its_meaning(answer: Reply, expected: object) -> None:
    async with running(lambda _request: answer) as peer:
        assert [expected] == await sent(peer)
        assert 1 == len(peer.seen)


async def test_a_kannel_that_is_down_has_sent_nothing() -> None:
    gateway = kannel("http://127.0.0.1:1")
    assert [Down("kannel.ConnectError")] == await gateway.send([outbound()])
    await gateway.stop()


async def test_nothing_leaves_after_the_lease(peer: Peer) -> None:
    assert [NotSent("lease-expired")] == await sent(peer, outbound(lease_until=START))


async def test_kannel_cannot_be_asked(peer: Peer) -> None:
    gateway = kannel(peer.url)
    assert not gateway.caps.query
    assert [None] == await gateway.query([attempt_of(outbound())])
    assert [] == peer.seen


OWN = """
name = "own"
method = "POST"
path = "/send"
most_segments = 8
[headers]
x-account = "{username}"
[json]
mobile = "{national}"
content = "{text}"
ref = "{reference}"
[[answer]]
status = 200
body = '\\{"code":0,"id":"(?P<id>[^"]+)"'
meaning = "accepted"
code = "ok"
[[answer]]
status = 200
body = '\\{"code":7'
meaning = "throttled"
code = "fast"
retry_after = "PT2S"
[[answer]]
status = 200
body = '\\{"code":8'
meaning = "refused-blacklist"
code = "black"
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"code":0,"id":"a^7"}', Accepted(REFERENCE, 1, ("a.7",))),
        (b'{"code":7}', Throttled(timedelta(seconds=2))),
        (b'{"code":8}', Refused("own.black", Fault.BLACKLIST)),
        (b'{"code":9}', Unknown("own.http-200")),
    ],
)
async def test_another_gateway_needs_a_profile_and_no_code(
    tmp_path: Path, body: bytes, expected: object
) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    async with running(lambda _request: Reply(200, body)) as peer:
        gateway: Http = kannel(peer.url, profile=str(tmp_path / "own.toml"))
        assert ("own", False, False) == (gateway.name, gateway.caps.receipts, gateway.caps.replies)
        assert [expected] == await gateway.send([outbound(text='"}{text}')])
        await gateway.stop()
    (request,) = peer.seen
    assert (b'{"mobile": "13800138000", "content": "\\"}{text}", "ref": "%s"}' % REFERENCE.encode()) == (
        request.body
    )
    assert ("notify", "application/json") == (request.headers["x-account"], request.headers["content-type"])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (OWN.replace("{text}", "{words}"), "unknown: words"),
        (OWN.replace('"POST"', '"GET"'), "GET has no body"),
        (OWN.replace("[headers]", "[form]"), "one body"),
        (OWN.replace("{text}", "{receipt_url}"), r"no \[receipt\]"),
        (OWN.replace('"refused-blacklist"', '"perhaps"'), "meaning"),
        (OWN.replace("(?P<id>", "(?P<id"), "no regular expression"),
        ("x", "own.toml"),
    ],
)
def test_a_wrong_profile_is_told_when_notify_starts(tmp_path: Path, fault: str, told: str) -> None:
    (tmp_path / "own.toml").write_text(fault)
    with pytest.raises(ProfileError, match=told):
        profile.load(str(tmp_path / "own.toml"))


def test_a_profile_that_nobody_ships_is_named_with_those_that_are() -> None:
    with pytest.raises(ProfileError, match="shipped are: kannel"):
        profile.load("kanel")
