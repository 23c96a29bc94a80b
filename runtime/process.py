"""One service process: puts the runtime's parts together, starts them in order, stops them in order."""

import argparse
import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Callable
from typing import Any, Final

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from pydantic import ValidationError

from contracts.edited import EditError
from contracts.identity import PetitionId
from contracts.identity import parse as parse_id
from runtime import logs, metrics, problems, tracing
from runtime.clock import Clock, SystemClock
from runtime.commands import Commands
from runtime.consume import Batches, Redrive, Step
from runtime.health import Health
from runtime.kept import Kept
from runtime.listen import Listener
from runtime.publish import Publisher
from runtime.service import Effects, Service
from runtime.settings import ConfigurationError, ServiceSettings
from runtime.store import DatabaseError, Store
from runtime.sweep import Sweeper

log = structlog.get_logger()

STOP_SECONDS: Final = 3
# Leaving the group may wait for a rebalance; a member that does not leave is waited for by the others.
LEAVE_SECONDS: Final = 8
# Objects made and not yet freed; the interpreter's own 700 is a few messages.
COLLECT_AFTER: Final = 50_000
# As many as one look into the database brings; the same ones would come again.
MOST_PRINTED: Final = 1000


class Process:
    """The parts of one running service."""

    def __init__(
        self,
        settings: ServiceSettings,
        service: Service[Any],
        *,
        clock: Clock | None = None,
        effects: Effects | None = None,
        on_step: Step | None = None,
    ) -> None:
        self.settings, self.service, self.effects = settings, service, effects
        self.clock = clock or SystemClock()
        self.store = Store(settings.database.get_secret_value(), service)
        self.publisher = Publisher(
            settings.broker,
            prefix=settings.topic_prefix,
            idempotent=settings.idempotent,
            service=service.name,
        )
        self.batches = Batches(
            service,
            self.store,
            self.publisher,
            self.clock,
            effects,
            clear_at_once=False,
            kept=Kept(settings.dockets_kept),
        )
        if on_step is not None:
            self.batches.on_step = on_step
        # Asked when somebody looks: whatever hangs, the age is true.
        metrics.UNPUBLISHED_SECONDS.set_function(self.batches.flush.oldest_unpublished)
        self.commands = Commands(
            self.batches,
            wait=settings.command_wait,
            waiting_limit=settings.commands_waiting,
            unpublished_limit=settings.unpublished_limit,
            answer_within=settings.answer_within,
        )
        self.listener = Listener(settings, self.batches, self.publisher, self.fail)
        self.sweeper = Sweeper(
            self.store, self.batches, self.clock, every=settings.sweep_every, after=settings.sweep_after
        )
        self.health = Health(
            settings, self.store, self.publisher, self.batches, lambda: bool(self.listener.assigned())
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._on_fail: Callable[[], None] = lambda: None

    def on_fail(self, stop: Callable[[], None]) -> None:
        """Set what ends the process when it cannot go on."""
        self._on_fail = stop

    def fail(self, reason: str) -> None:
        """Stop the process: going on would lose or disorder facts."""
        self.health.failed = reason
        log.critical("service_failed", reason=reason)
        self._on_fail()

    async def start(self) -> None:
        """Connect, waiting for database and broker as long as it takes, then begin to listen."""
        await self._connected("database", self._prepare)
        await self._connected("broker", self.publisher.start)
        if self.effects is not None:
            await self.effects.start()
        await self._connected("consumer", self.listener.start)
        clearing = self.batches.flush.keep_clearing(self.settings.clear_every.total_seconds())
        for name, work in (("sweeper", self.sweeper.run()), ("clearing", clearing)):
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)
        self.health.started = True
        log.info("service_started", group=self.settings.group or self.service.name)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # These end by a bug only, and without them forgotten facts and due petitions would wait unseen.
        if not task.cancelled():
            self.fail(f"the {task.get_name()} ended")

    async def _prepare(self) -> None:
        await self.store.prepare()

    async def _connected(self, what: str, connect: Callable[[], Any]) -> None:
        while True:
            try:
                await connect()
            except (DatabaseError, KafkaError) as error:
                log.warning("connection_awaited", reason=what, detail=type(error).__name__)
                await asyncio.sleep(1)
            else:
                return

    async def stop(self) -> None:
        """Stop taking work, finish what is in hand within a few seconds, disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Effects report what they did by commands, and commands are published: the order of the flow.
        effects = [self.effects.stop] if self.effects is not None else []
        clear = self.batches.flush.clear
        for finish in (self.listener.stop, *effects, self.commands.stop, clear, self.publisher.stop):
            try:
                limit = LEAVE_SECONDS if finish == self.listener.stop else STOP_SECONDS
                await asyncio.wait_for(finish(), limit)
            except (TimeoutError, KafkaError, DatabaseError) as error:
                log.warning("stop_timed_out", reason=type(error).__name__, detail=finish.__qualname__)
        self.store.close()
        log.info("service_stopped")

    def application(self, title: str) -> FastAPI:
        """Make the FastAPI application whose life is the process's life."""

        @contextlib.asynccontextmanager
        async def life(_app: FastAPI) -> Any:  # noqa: ANN401 - an async generator
            starting = asyncio.create_task(self._start_or_fail())
            yield
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await self.stop()

        return FastAPI(
            title=title,
            version="1",
            lifespan=life,
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json",
            responses=problems.documented(*problems.EVERYWHERE),
        )

    async def _start_or_fail(self) -> None:
        try:
            await self.start()
        except (OSError, ValueError, RuntimeError) as error:
            self.fail(f"could not start: {type(error).__name__}")
            raise


Build = Callable[..., tuple[FastAPI, Process]]


def main(name: str, settings_class: type[ServiceSettings], build: Build) -> int:
    """Run a service (`python -m services.<name>`), or replay what it has parked (`… redrive`)."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}", description=f"the {name} service")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="serve until stopped (the default)")
    redrive = commands.add_parser("redrive", help="replay parked petitions after the cause is gone")
    redrive.add_argument("--petition", help="only this one")
    arguments = parser.parse_args()
    logs.configure(name)
    tracing.configure(name)
    try:
        settings = settings_class()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            variable = f"{name.upper()}_{'_'.join(str(part) for part in problem['loc']).upper()}"
            print(f"{name}: environment variable {variable}: {problem['msg']}", file=sys.stderr)  # noqa: T201 - a command answers on the terminal
        return 2
    if arguments.command == "redrive":
        return asyncio.run(_redrive(settings, build, arguments.petition))
    return serve(settings, build)


def serve(settings: ServiceSettings, build: Build, **options: Any) -> int:  # noqa: ANN401 - handed on to uvicorn's configuration
    """Serve until a signal; returns 1 if the service had to give up, 2 if it cannot be built as it is set."""
    try:
        app, process = build(settings, **options)
    except (ConfigurationError, EditError) as error:
        return _complain(f"{type(settings).__module__.split('.')[1]}: {error}")
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            # uvloop takes one new connection a turn: in an overload, the rest waits until it has given up.
            loop=os.environ.get("RUNTIME_LOOP", "asyncio"),
            timeout_graceful_shutdown=5,
        )
    )

    def stop() -> None:
        server.should_exit = True

    process.on_fail(stop)
    _collect_less_often()
    server.run()
    return 1 if process.health.failed or not server.started else 0


def _collect_less_often() -> None:
    """Keep the garbage collector from walking, again and again, what stays for the life of the process.

    Facts and dockets hold no cycles, so they go without it; under load it took a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)


async def _redrive(settings: ServiceSettings, build: Build, said: str | None) -> int:
    """Replay parked petitions in order; print how many are well again, and why the others are not."""
    petition = None if said is None else parse_id(said)
    if said is not None and petition is None:
        return _complain("this is not a petition id: 15 digits and capitals, as in 07X3M-CC8K0-0CV76")
    _, process = build(settings)
    try:
        await process.publisher.start()
        return await _replay(process, petition)
    except KafkaError as error:
        return _complain(f"the broker does not answer ({type(error).__name__}); start it and try again")
    except DatabaseError as error:
        return _complain(f"the database does not answer ({type(error).__name__}); start it and try again")
    finally:
        await process.publisher.stop()
        process.store.close()


async def _replay(process: Process, only: PetitionId | None) -> int:
    done: set[PetitionId] = set()
    failed = 0
    while True:
        if only is None:
            found = await process.store.parked()
        else:
            found = [r for r in (await process.store.load([only])).values() if r.parked is not None]
        records = [record for record in found if record.petition not in done]
        if not records:
            break
        works = {record.petition: (Redrive(),) for record in records}
        await process.batches.handle(works)
        await process.batches.flush.clear()
        done.update(works)
        for record in (await process.store.load(works)).values():
            if record.parked is not None:
                failed += 1
                reason = f"{record.parked.reason}: {record.parked.detail}"
                print(f"{record.petition}  still parked  {reason}")  # noqa: T201 - a command answers on the terminal
        if failed >= MOST_PRINTED:
            return _complain(f"{failed} are still parked; mend the cause and run this again for the rest")
    print(f"{len(done) - failed} of {len(done)} parked petitions replayed")  # noqa: T201 - a command answers on the terminal
    return 1 if failed else 0


def _complain(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - a command answers on the terminal
    return 2
