"""The system that the demonstration drives: the one that runs already, or one of its own from nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets as chance
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local import ports, secrets, services
from local.paths import ROOT, state_directory
from local.progress import Progress
from local.single import only_one
from local.supervisor import leashed
from local.trouble import LocalError

STOP_WITHIN = 60.0
PORTS = range(20_000, 32_000)
REMEDY = "\n  What to do: "
_STAMP = re.compile(r"^\s*[0-9.]+ s  ")


@dataclass(frozen=True)
class System:
    """Where everything is; `alone` if nothing but the demonstration can have spoken on these topics."""

    services: Mapping[str, str]
    bootstrap: str
    outbox: Path
    staff_key: str
    alone: bool


@contextlib.contextmanager
def running(told: Progress) -> Iterator[System]:
    """The system of `make up` if it runs, which then keeps the petitions; else one that ends with us."""
    if (found := _running(state_directory())) is not None:
        told.say("the system of `make up` runs already: its petitions will stay in it")
        yield found
        return
    state = state_directory() / "demo"
    _wipe(state)
    with _own(state, told):
        system = _running(state)
        if system is None:
            raise LocalError(
                "The system came up and is gone again.", f"look at the end of the logs in {state / 'logs'}."
            )
        yield system


def _running(state: Path) -> System | None:
    """Read the note that a running system leaves; None if there is none or nobody answers any more."""
    try:
        note = json.loads((state / "running.json").read_text("utf-8"))
        os.kill(note["process"], 0)
    except (OSError, ValueError, KeyError):
        return None
    if not all(services.is_ready(url) for url in note["services"].values()):
        return None
    own_broker = ":" not in (os.environ.get("BROKER") or "auto")
    return System(
        services=note["services"],
        bootstrap=note["broker"],
        outbox=Path(note["outbox"]),
        staff_key=secrets.load(state).staff_key,
        alone=own_broker and state == state_directory() / "demo",
    )


def _wipe(state: Path) -> None:
    with only_one(state):
        for entry in state.iterdir():
            if entry.name == "up.lock":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


@contextlib.contextmanager
def _own(state: Path, told: Progress) -> Iterator[None]:
    """Run `python -m local up` in its own folder and on its own ports; pass on what it says on its way up."""
    base = _neighbours(len(services.NAMES) + len(("broker", "controller", "database")))
    broker = base + len(services.NAMES)
    place = {
        "LOCAL_STATE": str(state),
        "PORT_BASE": str(base),
        "BROKER_PORT": str(broker),
        "MONGO_PORT": str(broker + 2),
        "PYTHONUNBUFFERED": "1",
    }
    child = subprocess.Popen(
        leashed([sys.executable, "-m", "local", "up"]),
        cwd=ROOT,
        env={**os.environ, **place},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        process_group=0,
    )
    try:
        _pass_on(child, state / "running.json", told)
        yield
    finally:
        child.terminate()
        try:
            child.communicate(timeout=STOP_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _pass_on(child: subprocess.Popen[str], note: Path, told: Progress) -> None:
    last: list[str] = []
    for line in child.stdout or ():
        if not _STAMP.match(line):
            last.append(line.rstrip())
            continue
        if note.exists():
            return
        told.say(_STAMP.sub("", line).rstrip())
    child.wait()
    what, _, remedy = "\n".join(last).partition(REMEDY)
    raise LocalError(what or "The system did not come up.", remedy or "mend that and run `make demo` again.")


def _neighbours(count: int) -> int:
    """Return the first of `count` free ports that stand side by side.

    They lie below those that the system gives to outgoing connections: one of these could take a port before
    its service listens, and be connected with itself.
    """
    for _ in range(100):
        first = chance.choice(PORTS)
        if not any(ports.is_taken(first + further) for further in range(count)):
            return first
    raise LocalError(f"There are no {count} free ports side by side.", "stop what listens on so many ports.")
