"""Two instances of each service: faster where cores allow, nothing lost or doubled as they come and go."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from typing import Any

import msgspec

from local import ports, services
from local.paths import ROOT
from tests.bench import figures, pipeline
from tests.bench.load import Plan
from tests.bench.settled import LeftOverError, settle
from tests.bench.stage import Stage, running, second
from tests.bench.streams import verified

TURNS = 2
TOGETHER = 5.0
LONGEST = 300.0
_APPLIED = re.compile(r'^bridge_messages_total\{[^}]*outcome="applied"[^}]*\} ([0-9.e+]+)$', re.MULTILINE)


def scale(stage: Stage, seconds: float, texts: str) -> None:
    """Measure one instance of each, then two; then let the second ones join and leave under load."""
    options: dict[str, Any] = {"seconds": seconds, "texts": texts, "window": pipeline.WINDOW}
    one = pipeline.run(stage, "one", **options)
    with running(stage, "two") as line, second(line) as other:
        two = pipeline.loaded(line, other, **options)
    joining = joined_and_left(stage, texts=texts)
    figures.show(
        "scale",
        two.per_second,
        "petitions/s with two instances of each service",
        reference=one.per_second,
        **two.told(),
        one=one.told(),
        joining=joining,
    )


def joined_and_left(
    stage: Stage,
    *,
    turns: int = TURNS,
    together: float = TOGETHER,
    window: int = 200,
    texts: str = "",
) -> dict[str, Any]:
    """Load a line while second instances join, work and leave; raises if anything is lost or doubled."""
    with running(stage, "joining") as line:
        # Their ports are known before they are there: a client tries the next one where nobody answers.
        later = {name: ports.free() for name in services.NAMES}
        done = stage.folder / "joining.done"
        plan = Plan(
            ports=(line.around.ports["intake"], later["intake"]),
            outbox=str(line.around.outbox),
            seconds=LONGEST,
            window=window,
            texts=texts,
            until=str(done),
        )
        shares: list[int] = []
        with subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", msgspec.json.encode(plan).decode()],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        ) as generator:
            try:
                for _ in range(turns):
                    with second(line, later) as other:
                        subprocess.run(["sleep", str(together)], check=True)
                        shares.append(_worked(other.around.ports))
            finally:
                done.touch()
            said = generator.communicate()[0]
        seen: Mapping[str, Any] = json.loads(said)
        settle(line, seen)
        if not all(shares):
            raise LeftOverError("a second instance was there and had nothing to do")
        kept = ("accepted", "refused", "sms", "sms_doubled")
        return {
            **{name: seen[name] for name in kept},
            "turns": turns,
            "handled_by_second": shares,
            "messages_verified": verified(line),
        }


def _worked(where: Mapping[str, int]) -> int:
    """How many messages and commands the instances at these ports have handled, the least of them."""
    return min(_handled(f"http://{ports.HOST}:{port}/metrics") for port in where.values())


def _handled(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
        return int(sum(float(count) for count in _APPLIED.findall(answer.read().decode())))
