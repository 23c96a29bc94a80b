"""A real Kannel with its fake operator: what leaves, receipts, replies, and long Chinese text.

Debian's packages `kannel` and `kannel-extras` are needed; continuous integration does without.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
import uvicorn

from local.ports import HOST, free
from services.notify.cloud.http import Http
from services.notify.sms import Accepted, Delivery, Fault, Misconfigured, Refused, Throttled
from tests.eventually import eventually
from tests.notify.cloud.made import CALLBACK, NUMBER, Sink, application, kannel, outbound
from tests.notify.cloud.vendors import SECRET

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
_GOT = re.compile(r"Got message \d+: <(\S+) (\S+) (?:ucs-2|udh \S+ data) (\S+)>")
CONFIGURATION = Path(__file__).with_name("kannel.conf")


def hindrance() -> str:
    """Why Kannel is not run here; empty if it is."""
    if os.environ.get("CI"):
        return "continuous integration does without Kannel"
    if not (shutil.which("bearerbox") and shutil.which("smsbox") and FAKESMSC.exists()):
        return "Debian's packages kannel and kannel-extras are not installed"
    return ""


pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(hindrance()), reason=hindrance())]


@dataclass
class Line:
    """A running Kannel, our gateway to it, and what came back."""

    folder: Path
    ports: dict[str, int]
    gateway: Http
    sink: Sink
    programs: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, *command: str, output: str = "") -> asyncio.subprocess.Process:
        """Run a program until the end of the test; its output goes into a file of this name."""
        with (self.folder / (output or "boxes.log")).open("ab") as file:
            program = await asyncio.create_subprocess_exec(
                *command, stdout=file, stderr=file, cwd=self.folder
            )
        self.programs.append(program)
        return program

    async def answers(self, port: str) -> bool:
        """Whether something listens there."""
        try:
            _, writer = await asyncio.open_connection(HOST, self.ports[port])
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def operator(self, *messages: str, count: int = 0) -> asyncio.subprocess.Process:
        """The fake operator: shows what reaches it, and sends the messages given."""
        where = ("-H", HOST, "-r", str(self.ports["line"]), "-m", str(count))
        # Without a message it would read them from its input and end.
        said = messages or ("1 2 text none",)
        program = await self.start(str(FAKESMSC), *where, *said, output="operator.log")
        await eventually(lambda: "fakesmsc starting" in self.reached())
        return program

    def reached(self) -> str:
        """What the operator has printed so far."""
        path = self.folder / "operator.log"
        return path.read_text("latin-1") if path.exists() else ""

    def shown(self) -> list[tuple[str, str, str]]:
        """The messages that reached the operator: from, to, text."""
        found = _GOT.findall(self.reached())
        return [
            (sender, to, unquote_to_bytes(text.replace("+", " ")).decode("utf-16-be"))
            for sender, to, text in found
        ]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """Kannel on free ports of the loopback address, with notify's callbacks on real TCP."""
    names = ("admin", "boxes", "line", "sendsms", "notify")
    ports: dict[str, int] = {}
    while len(set(ports.values())) < len(names):
        ports = {name: free() for name in names}
    notify = f"http://{HOST}:{ports['notify']}/gateways"
    gateway = kannel(
        f"http://{HOST}:{ports['sendsms']}",
        callback_url=notify,
        channel="FAKE",
        sender="1069012345",
        extension=2,
    )
    line = Line(tmp_path, ports, gateway, Sink())
    (tmp_path / "spool").mkdir()
    callback = f"{notify}/kannel/{CALLBACK}"
    configuration = CONFIGURATION.read_text("utf-8").format(
        folder=tmp_path, password=SECRET, callback=callback, **ports
    )
    (tmp_path / "kannel.conf").write_text(configuration, "utf-8")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(callbacks(line))
        stack.push_async_callback(ended, line)
        await line.start("bearerbox", "-v", "4", "kannel.conf")
        await eventually(lambda: line.answers("boxes"))
        await line.start("smsbox", "-v", "4", "kannel.conf")
        await eventually(lambda: line.answers("sendsms"))
        await gateway.start(line.sink)
        yield line


@asynccontextmanager
async def callbacks(line: Line) -> AsyncIterator[None]:
    """Notify's HTTP side."""
    server = uvicorn.Server(
        uvicorn.Config(
            application(line.gateway),
            host=HOST,
            port=line.ports["notify"],
            log_config=None,
            access_log=False,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield
    finally:
        await line.gateway.stop()
        server.should_exit = True
        await serving


async def ended(line: Line) -> None:
    """End the programs in the reverse order, each asked first."""
    for program in reversed(line.programs):
        if program.returncode is None:
            program.terminate()
    for program in reversed(line.programs):
        try:
            await asyncio.wait_for(program.wait(), 10)
        except TimeoutError:
            program.kill()
            await program.wait()


async def test_a_message_reaches_the_operator_and_its_receipts_come_back(line: Line) -> None:
    await line.operator()
    message = outbound(text="您好，a&to=110 %d {text} “引号”😀", extension="42")
    assert [Accepted(message.reference, 1)] == await line.gateway.send([message])
    shown = await eventually(line.shown, deadline=20)
    assert [("106901234542", NUMBER, f"【长沙信访】{message.text}")] == shown
    await eventually(lambda: len(line.sink.kept_receipts) >= 2, deadline=20)
    assert {Delivery.PENDING, Delivery.DELIVERED} == {one.delivery for one in line.sink.kept_receipts}
    assert {message.reference} == {one.reference for one in line.sink.kept_receipts}


async def test_long_chinese_text_arrives_whole(line: Line) -> None:
    await line.operator()
    text = "".join(chr(0x4E00 + n) for n in range(670 - 6))
    longest, longer = outbound("a.1", text=text), outbound("a.2", text=f"{text}完")
    results = await line.gateway.send([longest, longer])
    assert [Accepted(longest.reference, 10), Refused("kannel.too-long", Fault.CONTENT)] == results
    await eventually(
        lambda: "".join(part for _, _, part in line.shown()) == f"【长沙信访】{text}", deadline=20
    )
    assert 10 == len(line.shown())


async def test_a_reply_comes_in_once_it_can_be_kept(line: Line) -> None:
    line.sink.away = True
    text = "非常满意😀"
    written = quote_from_bytes(text.encode("utf-16-be"), safe="")
    await line.operator(f"8613800138000 106901234542 ucs2 {written}", count=1)
    log = line.folder / "smsbox.log"
    await eventually(lambda: "503" in log.read_text("utf-8", "replace"), deadline=20)
    assert [] == line.sink.kept_inbound
    line.sink.away = False
    (one,) = await eventually(lambda: line.sink.kept_inbound, deadline=20)
    assert (text, "42") == (one.text, one.extension)
    assert "13800138000" in one.sender
    assert one.id


async def test_what_kannel_refuses_is_understood(line: Line) -> None:
    wrong = kannel(f"http://{HOST}:{line.ports['sendsms']}", password="wrong")
    nowhere = kannel(f"http://{HOST}:{line.ports['sendsms']}", channel="GONE")
    assert [Misconfigured("kannel.authorization")] == await wrong.send([outbound()])
    assert [Misconfigured("kannel.not-routable")] == await nowhere.send([outbound()])
    await wrong.stop()
    await nowhere.stop()


async def test_while_the_operator_is_away_kannel_keeps_the_message(line: Line) -> None:
    message = outbound()
    assert [Accepted(message.reference, 1)] == await line.gateway.send([message])
    assert [] == line.shown()
    await line.operator()
    (shown,) = await eventually(line.shown, deadline=30)
    assert f"【长沙信访】{message.text}" == shown[2]


async def test_a_full_kannel_is_left_alone_for_a_while(line: Line) -> None:
    messages = [outbound(f"a.{n}") for n in range(8)]
    results = await line.gateway.send(messages)
    kept = {one.reference for one in results if isinstance(one, Accepted)}
    assert {Accepted, Throttled} == {type(one) for one in results}
    await line.operator()
    await eventually(lambda: len(line.shown()) >= len(kept), deadline=30)
    assert len(kept) == len(line.shown())
