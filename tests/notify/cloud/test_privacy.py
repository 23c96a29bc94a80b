"""No number, text, key or secret stands in what is logged, whatever happens to a message."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import structlog

from runtime import logs
from services.notify.sms import Outbound
from tests.notify.cloud import vendors
from tests.notify.cloud.made import (
    CALLBACK,
    NUMBER,
    Sink,
    aliyun,
    attempt_of,
    caller,
    kannel,
    outbound,
    tencent,
)
from tests.notify.cloud.peer import Fault as Wrong
from tests.notify.cloud.peer import Reply, running
from tests.notify.cloud.vendors import SECRET
from tests.notify.scripted import NOWHERE

TEXT = "马克玉林同志您好"
NEVER = (NUMBER, NUMBER[3:], TEXT, SECRET, CALLBACK, "%E9%A9%AC")


async def test_the_log_holds_nothing_personal_and_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)  # even if somebody turns everything on
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("notify")
    structlog.configure(
        cache_logger_on_first_use=False, logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    root.setLevel(logging.DEBUG)
    root.addHandler(caplog.handler)
    try:
        await _everything_goes_wrong(tmp_path)
    finally:
        structlog.configure(**before)
        root.handlers, root.level = handlers, level
    printed = capfd.readouterr()
    told = printed.out + printed.err + caplog.text
    for event in ("gateway_code_unlisted", "gateway_query_failed", "callback_refused"):
        assert event in told
    assert [] == [word for word in NEVER if word in told]


async def _everything_goes_wrong(folder: Path) -> None:
    ends: tuple[Reply | Wrong, ...] = (
        Reply(200, f'{{"Code":"{TEXT}{NUMBER}","Message":"{NUMBER} {TEXT}"}}'.encode()),
        Reply(200, f'{{"Response":{{"Error":{{"Code":"X","Message":"{NUMBER}"}}}}}}'.encode()),
        Reply(500, f"{TEXT} {NUMBER}".encode()),
        Wrong.DROPPED,
        Wrong.TORN,
    )
    message = outbound(text=TEXT, params={"petition": "P1", "body": TEXT})
    for end in ends:
        await _one_end(folder, message, end)
    await _and_callbacks(folder)


async def _one_end(folder: Path, message: Outbound, end: Reply | Wrong) -> None:
    def answer(_: object) -> Reply | Wrong:
        return end

    vendor, other = vendors.Aliyun(answer=answer), vendors.Tencent(answer=answer)
    async with running(vendor) as one, running(other) as two, running(answer) as three:
        for gateway in (aliyun(one.url, folder), tencent(two.url, folder), kannel(three.url)):
            await gateway.start(NOWHERE)
            await gateway.send([message])
            await gateway.stop()
        one.handler = two.handler = answer
        for asked in (aliyun(one.url, folder), tencent(two.url, folder)):
            await asked.query([attempt_of(message)])
            await asked.stop()


async def _and_callbacks(folder: Path) -> None:
    gateway = aliyun("http://127.0.0.1:1", folder)
    await gateway.start(Sink(away=True))
    good = [{"phone_number": NUMBER, "content": TEXT, "sequence_id": 1}]
    bad = [{"phone_number": NUMBER, "content": {"a": TEXT}}]
    async with caller(gateway) as client:
        for body in (good, bad):
            for secret in (CALLBACK, CALLBACK[:-1]):
                answer = await client.post(f"/gateways/aliyun/{secret}/reply", json=body)
                assert answer.status_code >= 400
                assert [] == [word for word in NEVER if word in answer.text]
    await gateway.stop()
