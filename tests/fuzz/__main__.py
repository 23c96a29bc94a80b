"""`python -m tests.fuzz [--only NAME]`: a JSON object a target on stdout, progress on stderr; 1 if one fails.

SEED= repeats a run; FUZZ_SECONDS= is about how long it takes, once the parts stand. Requests go to 127.0.0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections import Counter

import httpx

from local import services
from local.trouble import LocalError
from tests.bench.stage import Line, running, standing
from tests.fuzz import balance, interface, messages, words
from tests.fuzz.forms import Pages
from tests.fuzz.rounds import Target, tried

SECONDS = 120.0
# What each part gets of the time; a balance at the end takes a few seconds more.
ON_VALUES, ON_PAGES, ON_SERVICES = 0.35, 0.1, 0.55
WITHOUT_SERVERS: tuple[Target, ...] = (*messages.TARGETS, *words.TARGETS)
NAMES = (*(target.name for target in WITHOUT_SERVERS), "pages", *services.NAMES)
# Query codes are guessed here as nobody may guess them: the limit would hide what lies behind.
UNLIMITED = {"INTAKE_TRIES_PER_ADDRESS": "1000000000", "INTAKE_TRIES_PER_PETITION": "1000000000"}


def main() -> int:
    """Try what was asked for; 1 with the failing cases if anything was handled wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--only", choices=[*NAMES, ""], default="", help="one target alone")
    only = parser.parse_args().only
    first_seed = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    seconds = float(os.environ.get("FUZZ_SECONDS") or SECONDS)
    _tell(f"SEED={first_seed} FUZZ_SECONDS={seconds:.0f} repeats this run")
    wanted = [only] if only else list(NAMES)
    failed = [_value(target, first_seed, seconds) for target in WITHOUT_SERVERS if target.name in wanted]
    if {"pages", *services.NAMES}.intersection(wanted):
        try:
            with standing() as stage, running(stage, "fuzz", extra=UNLIMITED) as line:
                failed.append(on(line, wanted, first_seed, seconds))
        except LocalError as trouble:
            _tell(str(trouble))
            return 1
    return int(any(failed))


def _value(target: Target, first_seed: int, seconds: float) -> bool:
    _tell(f"{target.name} …")
    found = tried(target, first_seed, seconds * ON_VALUES / len(WITHOUT_SERVERS))
    _show(target.name, first_seed, found.seconds, [found.failure] if found.failure else [], cases=found.cases)
    return bool(found.failure)


def on(line: Line, wanted: list[str], first_seed: int, seconds: float) -> bool:
    """Try pages and services of a line that is up, then see what it has left; True if anything failed."""
    answers: Counter[tuple[str, str, int]] = Counter()
    failed = False
    if "pages" in wanted:
        _tell("pages …")
        with httpx.Client(base_url=line.around.url("intake"), timeout=30) as client:
            pages = Pages(client, answers)
            found = tried(pages.target(), first_seed, seconds * ON_PAGES)
        _show("pages", first_seed, found.seconds, [found.failure] if found.failure else [], cases=found.cases)
        failed |= bool(found.failure)
    for name in services.NAMES:
        if name not in wanted:
            continue
        _tell(f"{name} …")
        budget = seconds * ON_SERVICES / len(services.NAMES)
        gone, took = interface.tried(name, line.around, first_seed, budget)
        failures = [f"{where}: {case}" for where, case in gone.failures.items()]
        by_status = Counter[str]()
        for (_, _, status), number in gone.answers.items():
            by_status[str(status)] += number
        _show(
            name, first_seed, took, failures, requests=gone.requests, answers=dict(sorted(by_status.items()))
        )
        answers += gone.answers
        failed |= bool(failures)
    differences = balance.differences(line.around, answers)
    _show("balance", first_seed, 0.0, differences, answers=sum(answers.values()))
    return failed or bool(differences)


def _show(target: str, first_seed: int, seconds: float, failures: list[str], **figures: object) -> None:
    row = {
        "target": target,
        "seed": first_seed,
        "seconds": round(seconds, 1),
        **figures,
        "failures": failures,
    }
    sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _tell(sentence: str) -> None:
    sys.stderr.write(f"fuzz: {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
