"""The whole line from POST to the last SMS of a petition: how many a second, how soon, at what cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from local.paths import ROOT
from tests.bench import figures, processes
from tests.bench.load import Plan
from tests.bench.settled import settle
from tests.bench.stage import OURS, TEXTBOOK, Line, Stage, running

WINDOW = int(os.environ.get("WINDOW") or 500)
# Petitions under way on the reference: enough for all its transactions at once, and more would only wait.
TEXTBOOK_WINDOW = 60


@dataclass(frozen=True)
class Result:
    """What the generator saw, and what each process used from the first POST until all was published."""

    seen: Mapping[str, Any]
    cpu_ms: Mapping[str, float]
    others_share: float
    resident_mb: Mapping[str, int]

    @property
    def per_second(self) -> float:
        """Petitions a second that reached their last SMS, in the measured time."""
        return float(self.seen["per_second"])

    def told(self) -> dict[str, Any]:
        """The fields that every line about a pipeline has."""
        kept = (
            "accepted",
            "refused",
            "triaged",
            "sms",
            "drain_s",
            "answer_ms",
            "first_sms_ms",
            "last_sms_ms",
        )
        return {
            **{name: self.seen[name] for name in kept},
            # What else kept the machine busy meanwhile: above a few hundredths only the ratios mean anything.
            "others_share": self.others_share,
            "cpu_ms_per_petition": {**self.cpu_ms, "all": round(sum(self.cpu_ms.values()), 2)},
            "resident_mb": self.resident_mb,
        }


def run(
    stage: Stage,
    name: str,
    *,
    program: Sequence[str] = OURS,
    extra: Mapping[str, str] | None = None,
    **plan: Any,
) -> Result:
    """Start the line, load it, wait until all is published, and count everything."""
    with running(stage, name, program=program, extra=extra) as line:
        return loaded(line, **plan)


def loaded(line: Line, *also: Line, stored: int = 0, **options: Any) -> Result:
    """Load a line that runs, with its second instances if there are any, and count what each process used.

    `stored` is how many petitions its databases held before.
    """
    lines = (line, *also)
    plan = Plan(
        ports=tuple(one.around.ports["intake"] for one in lines), outbox=str(line.around.outbox), **options
    )
    pids = {**line.everybody(), **{f"{who} 2": pid for one in also for who, pid in one.pids.items()}}
    before, began, busy = processes.used(pids), time.monotonic(), processes.busy()
    seen = load(line, plan)
    settle(line, seen, stored=stored)
    after = processes.used(pids)
    took = (time.monotonic() - began) * 1000 * (os.cpu_count() or 1)
    theirs = sum(after.values()) - sum(before.values()) + seen["load_cpu_ms"]
    others = max(0.0, processes.busy() - busy - theirs) / took
    petitions = max(1, seen["accepted"])
    cpu = {who: round((after[who] - before[who]) / petitions, 3) for who in after}
    cpu["load"] = round(seen["load_cpu_ms"] / petitions, 3)
    return Result(seen, cpu, round(others, 3), processes.resident(pids))


def load(line: Line, plan: Plan) -> dict[str, Any]:
    """Let the generator do what the plan says; what it saw."""
    figures.tell(f"{line.around.database_prefix}load, {plan.seconds:.0f} s once the line is full")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", msgspec.json.encode(plan).decode()],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        text=True,
    )
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def pipeline(stage: Stage, seconds: float, texts: str) -> None:
    """Petitions a second against the textbook's shape, both loaded in the same way."""
    ours = run(stage, "ours", seconds=seconds, texts=texts, window=WINDOW)
    theirs = run(
        stage, "textbook", program=TEXTBOOK, seconds=seconds, texts=texts, window=min(WINDOW, TEXTBOOK_WINDOW)
    )
    figures.show(
        "pipeline",
        ours.per_second,
        "petitions/s",
        reference=theirs.per_second,
        seconds=seconds,
        window=WINDOW,
        **ours.told(),
        textbook=theirs.told(),
    )


def latency(stage: Stage, seconds: float, texts: str) -> None:
    """From POST to the first and to the last SMS handed over, at fixed rates."""
    for rate in (50, 200):
        result = run(stage, f"at-{rate}", seconds=seconds, texts=texts, rate=float(rate), window=1_000_000)
        share = result.seen["measured"] / max(1.0, rate * seconds)
        figures.show(
            f"latency-{rate}",
            result.seen["last_sms_ms"].get("p99", 0.0),
            "ms p99 to the last SMS",
            reference=300.0,
            rate=rate,
            # Below 1 the generator could not even post on time; a long drain means the line fell behind.
            posted_share=round(share, 3),
            sustained=share > 0.98 and result.seen["drain_s"] < 2,
            **result.told(),
        )


def loop(stage: Stage, seconds: float, texts: str) -> None:
    """The same pipeline under uvloop and under asyncio's own loop, the latter as the reference."""
    found = {
        kind: run(
            stage, f"loop-{kind}", extra={"RUNTIME_LOOP": kind}, seconds=seconds, texts=texts, window=WINDOW
        )
        for kind in ("uvloop", "asyncio")
    }
    figures.show(
        "loop",
        found["uvloop"].per_second,
        "petitions/s",
        reference=found["asyncio"].per_second,
        **{kind: result.told()["cpu_ms_per_petition"] for kind, result in found.items()},
        last_sms_ms={kind: result.seen["last_sms_ms"] for kind, result in found.items()},
    )
