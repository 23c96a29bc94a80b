"""Ten times more petitions than the line can carry, for a minute: what is refused, and what is left of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from local.paths import ROOT
from tests.bench import figures, pipeline, processes
from tests.bench.settled import LeftOverError, settle
from tests.bench.stage import Line, Stage, running
from tests.bench.streams import verified
from tests.bench.surge import Phase, Surge

TIMES = 10
SECONDS = float(os.environ.get("OVERLOAD_SECONDS") or 60)
CALM = 0.2
# After the overload the calm goes on for as long as it may take until all is as before.
BEFORE, AFTER = 10.0, 90.0
RECOVERED_WITHIN = 60.0
SUSTAINED_FOR = 10.0
# Latency is back when it was so for this long.
STEADY = 5
# A second's median beyond twice the calm one's, and beyond this, is not normal yet.
NORMAL, LEAST_MS = 2.0, 50.0
SETTLE_WITHIN = 120.0
# Whoever waits longer for an answer has gone.
PATIENCE = 30.0


def overload(stage: Stage, _seconds: float, texts: str) -> None:
    """Find the rate that can go on, post ten times as much, and see the line recover."""
    sustained = pipeline.run(
        stage, "sustained", seconds=SUSTAINED_FOR, texts=texts, window=pipeline.WINDOW
    ).per_second
    with running(stage, "overload") as line:
        phases = (
            Phase("calm", CALM * sustained, BEFORE),
            Phase("overload", TIMES * sustained, SECONDS),
            Phase("after", CALM * sustained, AFTER),
        )
        told = surged(line, phases, texts)
        calm, over, after = told["phases"]
        back = recovered(calm["last_sms_ms"]["p50"], after["by_second_ms"])
        figures.show(
            "overload",
            -1 if back is None else back,
            "s after the overload until latency is as before",
            reference=RECOVERED_WITHIN,
            sustained=round(sustained, 1),
            seconds=SECONDS,
            # The overload's last petition had its last text so long after the overload's end.
            drained_s=round(over["ended_after_s"] - SECONDS, 1),
            messages_verified=told["messages"],
            others_share=told["others_share"],
            accepted=told["accepted"],
            taken=told["taken"],
            calm=_without_seconds(calm),
            overload=_without_seconds(over),
            after=_without_seconds(after),
            resident_mb_before=told["before_mb"],
            resident_mb_most=told["most_mb"],
        )


def surged(
    line: Line, phases: tuple[Phase, ...], texts: str = "", *, patience: float = PATIENCE
) -> dict[str, Any]:
    """Let the generator do the phases; raises if a refusal was not as it must be or something is left."""
    pids = line.everybody()
    before, used, busy = processes.resident(pids), processes.used(pids), processes.busy()
    began = time.monotonic()
    figures.tell(", ".join(f"{phase.name} {phase.rate:.0f}/s {phase.seconds:.0f} s" for phase in phases))
    plan = Surge(
        port=line.around.ports["intake"],
        outbox=str(line.around.outbox),
        phases=phases,
        texts=texts,
        patience=patience,
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.surge", msgspec.json.encode(plan).decode()],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        text=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    theirs = sum(processes.used(pids).values()) - sum(used.values()) + told["load_cpu_ms"]
    took = (time.monotonic() - began) * 1000 * (os.cpu_count() or 1)
    told |= {"before_mb": before, "most_mb": processes.most_resident(pids)}
    told["others_share"] = round(max(0.0, processes.busy() - busy - theirs) / took, 3)
    for phase in told["phases"]:
        figures.tell(json.dumps(_without_seconds(phase)))
    settle(line, told, within=SETTLE_WITHIN)
    messages = verified(line)
    if wrong := [fault for phase in told["phases"] for fault in faults(phase)]:
        raise LeftOverError("; ".join(wrong))
    return {**told, "messages": messages}


def faults(phase: Mapping[str, Any]) -> list[str]:
    """What was answered otherwise than with 201, or with 429 or 503 and a time to come again."""
    found = {f"{count} answers {status} without Retry-After": count for status, count in _missing(phase)}
    found |= {f"{count} requests ended by {error}": count for error, count in phase["cut"].items()}
    found[f"{phase['unanswered']} requests without an answer"] = phase["unanswered"]
    return [f"{phase['name']}: {said}" for said, count in found.items() if count]


def _missing(phase: Mapping[str, Any]) -> list[tuple[str, int]]:
    return list(phase["without_retry_after"].items())


def recovered(normal: float, seconds: Mapping[str, float]) -> int | None:
    """The first second after which latency stayed normal for a while; None if there is none."""
    limit = max(LEAST_MS, NORMAL * normal)
    medians = {int(second): median for second, median in seconds.items()}
    for second in sorted(medians):
        window = [medians.get(second + further) for further in range(STEADY)]
        if all(median is not None and median <= limit for median in window):
            return second
    return None


def _without_seconds(phase: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in phase.items() if name != "by_second_ms"}
