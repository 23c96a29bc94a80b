"""Starts the four services as four processes, each with its environment, and asks when they are ready."""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local import ports
from local.paths import ROOT
from local.progress import Say, silent
from local.secrets import Secrets
from local.supervisor import Child, Supervisor
from local.trouble import LocalError

NAMES = ("intake", "routing", "mediation", "notify")
PROGRAM = (sys.executable, "-m", "services.{name}")
ADVICE = "Mend what its last lines say and start again; nothing that was acknowledged is lost."
READY_WITHIN = 60.0
STAGE = 1
OK = 200


@dataclass(frozen=True)
class Surroundings:
    """What the services find around them; `outbox` is the file that stands for the SMS line.

    `mongo` is a URL without a database name; `ports` has one port per service.
    """

    bootstrap: str
    mongo: str
    secrets: Secrets
    ports: Mapping[str, int]
    outbox: Path
    idempotent: bool = True
    topic_prefix: str = ""
    database_prefix: str = ""

    def url(self, name: str) -> str:
        """Where a service is reached."""
        return f"http://{ports.HOST}:{self.ports[name]}"


@dataclass(frozen=True)
class Running:
    """Services that are up: where they are, and their processes by name."""

    around: Surroundings
    children: Mapping[str, Child]


# Whoever tries the system out sees each SMS at once, at night too, however many he sends to one telephone.
TRYING_OUT: Final[Mapping[str, str]] = {
    "NOTIFY_QUIET_BEGINS": "00:00",
    "NOTIFY_QUIET_ENDS": "00:00",
    "NOTIFY_JOIN_WINDOW": "PT0S",
    "NOTIFY_CAP_NUMBER": "0",
    "NOTIFY_CAP_TEMPLATE": "0",
}


def environment(name: str, around: Surroundings) -> dict[str, str]:
    """The variables of one service, on top of this process's own."""
    own = {
        "BROKER": around.bootstrap,
        "DATABASE": _database(around.mongo, around.database_prefix + name),
        "HOST": ports.HOST,
        "PORT": str(around.ports[name]),
        "STAFF_KEY": around.secrets.staff_key,
        "IDEMPOTENT": "true" if around.idempotent else "false",
        "TOPIC_PREFIX": around.topic_prefix,
    }
    if name == "intake":
        own["CODE_SECRET"] = around.secrets.code_secret
    if name == "notify":
        own |= {"OUTBOX": str(around.outbox), "PUBLIC_URL": around.url("intake")}
    trying_out = TRYING_OUT if name == "notify" else {}
    return {**trying_out, **os.environ, **{f"{name.upper()}_{key}": value for key, value in own.items()}}


def _database(url: str, name: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=f"/{name}").geturl()


def spawn(
    supervisor: Supervisor, name: str, env: Mapping[str, str], *, program: Sequence[str] = PROGRAM
) -> Child:
    """Start one service without waiting for it."""
    words = [word.format(name=name) for word in program]
    return supervisor.start(name, words, env=env, directory=ROOT, advice=ADVICE, stage=STAGE)


def is_ready(url: str, patience: float = 2.0) -> bool:
    """Whether a service says that it is ready."""
    return _readiness(url, patience)[0] == OK


def _readiness(url: str, patience: float = 2.0) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=patience) as answer:  # noqa: S310 - our own address
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(500).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)


def wait_ready(
    supervisor: Supervisor, around: Surroundings, say: Say = silent, deadline: float = READY_WITHIN
) -> None:
    """Wait until all four are ready; raises `LocalError` when one dies or does not get ready in time."""
    limit = time.monotonic() + deadline
    waiting = list(NAMES)
    while waiting:
        supervisor.check()
        for name in list(waiting):
            url = around.url(name)
            if is_ready(url):
                waiting.remove(name)
                say(f"{name}: ready at {url}")
        if waiting and time.monotonic() > limit:
            status, answer = _readiness(around.url(waiting[0]))
            raise LocalError(
                f"{waiting[0]} is not ready after {deadline:.0f} s, answers {status or 'nothing'}: {answer}",
                f"look at the end of {supervisor.logs / waiting[0]}.log.",
            )
        time.sleep(0.05)


@contextlib.contextmanager
def running(around: Surroundings, logs: Path, *, program: Sequence[str] = PROGRAM) -> Iterator[Running]:
    """All four services, ready; stopped at the end. The topics must be there already."""
    with Supervisor(logs) as supervisor:
        children = {
            name: spawn(supervisor, name, environment(name, around), program=program) for name in NAMES
        }
        wait_ready(supervisor, around)
        yield Running(around, children)
