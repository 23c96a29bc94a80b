"""Starts one service in the textbook's shape: `python -m tests.bench.textbook intake`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from fastapi import FastAPI

from runtime import logs, tracing
from runtime.process import Process, serve
from runtime.settings import ServiceSettings
from tests.bench.textbook.listening import OneByOne, PerRequest, Relay
from tests.bench.textbook.transactions import Transactions


def reshape(process: Process, settings: ServiceSettings) -> None:
    """Put the textbook's parts in the place of the runtime's; nothing is connected yet."""
    work = Transactions(
        process.service,
        process.store,
        process.publisher,
        process.clock,
        process.effects,
        url=settings.database.get_secret_value(),
    )
    process.batches = process.health.batches = work
    process.commands = PerRequest(
        work,
        wait=settings.command_wait,
        waiting_limit=settings.commands_waiting,
        unpublished_limit=settings.unpublished_limit,
        answer_within=settings.answer_within,
    )
    process.listener = OneByOne(settings, work, process.publisher, process.fail)
    process.sweeper = Relay(
        process.store, work, process.clock, every=settings.sweep_every, after=settings.sweep_after
    )
    effects: Any = process.effects
    if process.service.name == "routing":
        # Routing's campaigns look at dockets too.
        effects.bind(process.store, process.commands, process.fail)
    elif effects is not None:
        effects.bind(process.commands, process.fail)


def main() -> int:
    """Serve until stopped."""
    name = sys.argv[1]
    settings = import_module(f"services.{name}.settings").Settings()
    build = import_module(f"services.{name}.app").build

    def reshaped(given: ServiceSettings) -> tuple[FastAPI, Process]:
        app, process = build(given)
        reshape(process, given)
        return app, process

    logs.configure(name)
    tracing.configure(name)
    return serve(settings, reshaped)


if __name__ == "__main__":
    sys.exit(main())
