"""Brings the whole system up on this machine and keeps it running until it is told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from local import broker as brokers
from local import disk, kafka, mongod, ports, secrets, services, tansu, topics
from local.paths import state_directory
from local.progress import Progress
from local.services import Surroundings
from local.single import only_one
from local.supervisor import Child, Supervisor
from local.trouble import LocalError
from local.wire import answers

PORT_BASE, BROKER_PORT, MONGO_PORT = 8001, 9092, 27017
HIGHEST_PORT = 65_535
LOOK_EVERY = 0.2


@dataclass(frozen=True)
class Plan:
    """What is to run, and where; `from_environment` reads it from the variables that `make up` passes on."""

    state: Path
    broker: str = "auto"
    mongo: str = "auto"
    port_base: int = PORT_BASE
    broker_port: int = BROKER_PORT
    mongo_port: int = MONGO_PORT
    program: Sequence[str] = field(default=services.PROGRAM)
    create_topics: Callable[[str], int] = topics.create

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Plan:
        """BROKER, MONGO, PORT_BASE, BROKER_PORT, MONGO_PORT and LOCAL_STATE, each with its default."""
        return cls(
            state=state_directory(),
            broker=environ.get("BROKER") or "auto",
            mongo=environ.get("MONGO") or "auto",
            port_base=_port(environ, "PORT_BASE", PORT_BASE),
            broker_port=_port(environ, "BROKER_PORT", BROKER_PORT),
            mongo_port=_port(environ, "MONGO_PORT", MONGO_PORT),
        )

    @property
    def service_ports(self) -> dict[str, int]:
        """One port for each service, in the order of a petition's way."""
        return {name: self.port_base + place for place, name in enumerate(services.NAMES)}


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT - len(services.NAMES):
        raise LocalError(f"{name}={text} is not a port.", f"choose a number, for example {name}={default}.")
    return int(text)


def up(plan: Plan, progress: Progress | None = None, until: threading.Event | None = None) -> None:
    """Start everything, say where it is, and return after the stop signal (or `until`) with all stopped.

    Raises `LocalError` when something cannot start or a part dies; everything else is stopped by then.
    """
    told = progress or Progress()
    stop = until or threading.Event()
    with only_one(plan.state), _interrupted_by_signals():
        supervisor = Supervisor(plan.state / "logs")
        try:
            around = _start(plan, supervisor, told)
            _note(plan, around)
            told.say(f"everything is up after {told.elapsed:.1f} s; Ctrl-C stops it")
            print(_welcome(around), flush=True)
            while not stop.wait(LOOK_EVERY):
                supervisor.check()
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):
                print(flush=True)
        finally:
            _deaf()
            began = time.monotonic()
            stopped = len(supervisor.children)
            supervisor.stop()
            with contextlib.suppress(OSError):
                (plan.state / "running.json").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # nobody may be reading any more
                if stopped:
                    told.say(f"{stopped} processes stopped in {time.monotonic() - began:.1f} s")


def _start(plan: Plan, supervisor: Supervisor, told: Progress) -> Surroundings:
    disk.require_space(plan.state)
    _require_ports(plan)
    keys = secrets.load(plan.state)
    told.say(f"starting; data and logs are in {plan.state}")
    choice = brokers.choose(plan.broker, told)
    database = _start_database(plan, supervisor, choice)
    bootstrap = _start_broker(plan, supervisor, choice, told)
    if database is not None:
        supervisor.wait_until(lambda: mongod.serves_locally(plan.mongo_port), what="answer", child=database)
        told.say(f"database: mongod at {ports.HOST}:{plan.mongo_port}")
    created = plan.create_topics(bootstrap)
    told.say(f"topics: {f'{created} created' if created else 'all there'}")
    around = Surroundings(
        bootstrap=bootstrap,
        mongo=plan.mongo if database is None else f"mongodb://{ports.HOST}:{plan.mongo_port}",
        secrets=keys,
        ports=plan.service_ports,
        outbox=plan.state / "sms-outbox.jsonl",
        idempotent=choice.idempotent,
    )
    for name in services.NAMES:
        services.spawn(supervisor, name, services.environment(name, around), program=plan.program)
    services.wait_ready(supervisor, around, told.say)
    return around


def _require_ports(plan: Plan) -> None:
    for name, port in plan.service_ports.items():
        ports.require_free(port, purpose=f"the service {name}", variable="PORT_BASE")
    if plan.mongo == "auto":
        ports.require_free(plan.mongo_port, purpose="the database", variable="MONGO_PORT")
    if ":" not in plan.broker:
        ports.require_free(plan.broker_port, purpose="the broker", variable="BROKER_PORT")


def _start_database(plan: Plan, supervisor: Supervisor, choice: brokers.Choice) -> Child | None:
    """Start a mongod, unless one was given."""
    if plan.mongo != "auto":
        if not mongod.serves(plan.mongo, patience=5.0):
            raise LocalError(
                f"No database answers at {plan.mongo.rpartition('@')[2]}.",
                "start it, or leave MONGO away so that one is started here.",
            )
        return None
    folder = plan.state / "mongod"
    if not choice.lasting:
        # The broker forgets at every start, and a database that remembers would wait for facts that are gone.
        folder = plan.state / "mongod-first-look"
        shutil.rmtree(folder, ignore_errors=True)
    return mongod.start(supervisor, folder, port=plan.mongo_port)[1]


def _start_broker(plan: Plan, supervisor: Supervisor, choice: brokers.Choice, told: Progress) -> str:
    if choice.kind == "given":
        if not answers(choice.address):
            raise LocalError(
                f"No broker answers at {choice.address}.", "start it, or let BROKER=kafka start one here."
            )
        told.say(f"broker: {choice.address}, as given")
        return choice.address
    if choice.kind == "kafka":
        controller = plan.broker_port + 1
        ports.require_free(controller, purpose="the broker's controller", variable="BROKER_PORT")
        address, child = kafka.start(
            supervisor,
            plan.state / "kafka-data",
            port=plan.broker_port,
            controller_port=controller,
            jars=choice.jars,
        )
        name = f"Apache Kafka {kafka.VERSION}"
    else:
        address, child = tansu.start(supervisor, port=plan.broker_port)
        name = "Tansu"
    supervisor.wait_until(lambda: answers(address), what="answer", child=child)
    told.say(f"broker: {name} at {address}")
    return address


def _note(plan: Plan, around: Surroundings) -> None:
    """Leave a note of what runs where for other tools; nothing secret stands in it."""
    note = {
        "process": os.getpid(),
        "services": {name: around.url(name) for name in services.NAMES},
        "broker": around.bootstrap,
        # A database that was given may have a password in its address.
        "database": around.mongo if plan.mongo == "auto" else "",
        "idempotent": around.idempotent,
        "outbox": str(around.outbox),
    }
    (plan.state / "running.json").write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def _welcome(around: Surroundings) -> str:
    """The addresses, and the first thing to try."""
    intake = around.url("intake")
    rows = [f"    {name:10} {around.url(name)}" for name in services.NAMES]
    return "\n".join(
        [
            "",
            *rows,
            f"    {'SMS':10} {around.outbox}",
            "",
            "Each has /docs, /asyncapi, /metrics, /livez and /readyz. The first petition:",
            "",
            f"    curl -sS {intake}/petitions -H 'Content-Type: application/json' -d '{{",
            '      "title": "拖欠工资", "content": "我在工地干了三个月，包工头一直不发工资，请帮助讨薪。",',
            '      "channel": "network", "area": "430102",',
            '      "petitioner": {"name": "张三", "phone": "13800138000"}}\'',
            "",
            "and then, with the number and the code from the answer:",
            "",
            f"    curl -sS {intake}/petitions/PETITION_ID -H 'X-Query-Code: QUERY_CODE'",
            "",
        ]
    )


@contextlib.contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Treat SIGTERM and a closed terminal like Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _deaf()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deaf() -> None:
    """While stopping, which takes a few seconds at most, another signal must not stop the stopping."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
