"""How soon it is there: `make up` for the second time, and each service after it was killed under load."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from local import ports, services
from local.paths import ROOT
from local.supervisor import leashed
from tests.bench import figures, texts
from tests.bench.settled import SETTLE_WITHIN, LeftOverError, unpublished
from tests.bench.stage import Line, Stage, kill, running, start

TURNS = 3
RATE = 20.0
GIVE_UP = 120.0
_UP = re.compile(r"everything is up after")
_HEARD = re.compile(r'^bridge_messages_total\{[^}]*outcome="applied"[^}]*\} ', re.MULTILINE)
_COMMANDED = re.compile(r'^bridge_commands_total\{answer="stated"\} ', re.MULTILINE)
SIDE_BY_SIDE = range(20_000, 31_000, 10)


def startup(stage: Stage, _seconds: float, source: str) -> None:
    """Measure both."""
    up(stage.folder / "up")
    killed(stage, source)


def up(state: Path) -> None:
    """`make up` from nothing but the downloads, then again on what it kept: the second is the figure."""
    first = _up(state)
    again = [_up(state) for _ in range(TURNS)]
    figures.show("startup-up", median(again), "s until ready", first=round(first, 1), runs=_rounded(again))


def _up(state: Path) -> float:
    base = next(p for p in SIDE_BY_SIDE if not any(ports.is_taken(p + further) for further in range(8)))
    place = {
        "LOCAL_STATE": str(state),
        "PORT_BASE": str(base),
        "BROKER_PORT": str(base + 4),
        "MONGO_PORT": str(base + 6),
    }
    began = time.monotonic()
    child = subprocess.Popen(
        leashed(["make", "up"]),
        cwd=ROOT,
        env={**os.environ, **place, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    said = []
    try:
        for line in child.stdout or ():
            said.append(line)
            if _UP.search(line):
                return time.monotonic() - began
    finally:
        os.killpg(child.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    raise LeftOverError("make up did not come up: " + "".join(said[-5:]))


def killed(stage: Stage, source: str) -> None:
    """SIGKILL each service under a steady load and start it again at once, as an orchestrator would."""
    with running(stage, "startup") as line:
        with _loaded(line, source):
            found = {name: [_again(line, name) for _ in range(TURNS)] for name in services.NAMES}
        _end(line)
    for name, times in found.items():
        figures.show(
            f"startup-{name}",
            median(again.handled for again in times),
            "s from SIGKILL to the first fact handled, its own command or another service's fact",
            runs=_rounded([again.handled for again in times]),
            serving_s=_rounded([again.serving for again in times]),
            heard_s=_rounded([again.heard for again in times]),
            ready_s=_rounded([again.ready for again in times]),
        )


@dataclass
class Again:
    """When a killed service was there again, in seconds since it was killed."""

    serving: float = 0.0
    ready: float = 0.0
    handled: float = 0.0
    heard: float = 0.0

    @property
    def whole(self) -> bool:
        """Whether it does everything again."""
        return bool(self.ready and self.handled and self.heard)


def _again(line: Line, name: str) -> Again:
    url, found = line.around.url(name), Again()
    began = time.monotonic()
    kill(line, name)
    start(line, name)
    while not found.whole:
        line.supervisor.check()
        subprocess.run(["sleep", "0.02"], check=True)
        page, after = _page(f"{url}/metrics"), time.monotonic() - began
        if after > GIVE_UP:
            raise LeftOverError(f"{name} was not there again after {GIVE_UP:.0f} s")
        if page:
            found.serving = found.serving or after
        heard = _HEARD.search(page) is not None
        if heard or _COMMANDED.search(page):
            found.handled = found.handled or after
        if heard:
            found.heard = found.heard or after
        if page and not found.ready and services.is_ready(url):
            found.ready = time.monotonic() - began
    figures.tell(f"{name}: {found}")
    return found


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return str(answer.read().decode())
    except OSError:
        return ""


@contextlib.contextmanager
def _loaded(line: Line, source: str) -> Iterator[None]:
    """Post petitions at a steady rate; those that nobody takes while intake is away are not missed here."""
    done = threading.Event()

    def post() -> None:
        url = f"{line.around.url('intake')}/petitions"
        headers = {"Content-Type": "application/json"}
        for text in texts.chosen(1, source):
            if done.wait(1 / RATE):
                return
            with contextlib.suppress(httpx.HTTPError):
                httpx.post(url, content=text.submission(), headers=headers, timeout=10)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _end(line: Line) -> None:
    limit = time.monotonic() + SETTLE_WITHIN
    with line.stage.client() as client:
        while left := unpublished(line, client):
            if time.monotonic() > limit:
                raise LeftOverError("; ".join(left))
            subprocess.run(["sleep", "0.5"], check=True)


def _rounded(seconds: Sequence[float]) -> list[float]:
    return [round(second, 2) for second in seconds]
