"""Wires notify: the only file that knows all its parts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fastapi import FastAPI

from contracts import topics
from runtime.access import Gate
from runtime.clock import Clock, SystemClock
from runtime.consume import Step
from runtime.http import add_common
from runtime.process import Process
from runtime.service import Part, Service
from services.notify import (
    domain,
    gateways,
    ledger,
    letters,
    messages,
    receipts,
    spending,
    staff,
    stories,
    texts,
    turns,
)
from services.notify.answers import Answers
from services.notify.arrivals import Arrivals
from services.notify.docket import Docket
from services.notify.gateway import SmsGateway
from services.notify.handlers import Handlers
from services.notify.http import Desk, routes
from services.notify.ledger import Caps, Ledger
from services.notify.letters import Letters
from services.notify.pages import page_routes
from services.notify.receipts import Receipts
from services.notify.rules import Quiet, Rules, Way
from services.notify.sending import Sender
from services.notify.settings import Settings
from services.notify.spending import Spending
from services.notify.standing import Standing
from services.notify.store import INDEXES

NAME: Final = "notify"


def rules(settings: Settings, words: texts.Texts, ways: Sequence[Way]) -> Rules:
    """Return the rules of this operator."""
    quiet = Quiet(settings.quiet_begins, settings.quiet_ends)
    return Rules(
        notices=words.notices(),
        ways=tuple(ways),
        lease=settings.lease,
        contact_wait=settings.contact_wait,
        quiet=quiet if quiet.begins != quiet.ends else None,
        join_window=settings.join_window,
        receipt_wait=settings.receipt_wait,
    )


def service(standing: Standing) -> Service[Docket]:
    """Describe notify to the runtime."""
    return Service(
        name=NAME,
        docket=Docket,
        parts=(
            Part("own", topics.NOTIFY, messages.Messages, messages.evolve_own),
            Part("dossier", topics.DOSSIERS, stories.Contact, stories.evolve_dossier),
            Part("intake", topics.INTAKE, stories.Story, stories.evolve_story),
            Part("routing", topics.ROUTING, stories.Story, stories.evolve_story),
            Part("mediation", topics.MEDIATION, stories.Story, stories.evolve_story),
        ),
        hears=Handlers(standing).hears(),
        wake=lambda docket: turns.wake_at(standing.rules, docket),
        woken=lambda docket, now: domain.decide_woken(standing.rules, docket, now),
        indexes=INDEXES,
        shelves=(*ledger.SHELVES, *receipts.SHELVES, *letters.SHELVES, *spending.SHELVES),
    )


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    on_step: Step | None = None,
    gateway: SmsGateway | None = None,
) -> tuple[FastAPI, Process]:
    """Make the application and its process; nothing is connected before the application starts."""
    time = clock or SystemClock()
    words = texts.load(public_url=settings.public_url)
    lines = {gateway.name: (gateway, 1)} if gateway else gateways.configured(settings, time)
    directory = staff.Shelf(settings.staff_directory) if settings.staff_directory else None
    standing = Standing(rules(settings, words, ()))
    if directory is not None:
        standing.staff(directory.look())
    sender = Sender(lines, words, standing, time, sign=settings.sign, staff=directory)
    standing.rules = replace(standing.rules, ways=tuple(lane.way for lane in sender.lanes.values()))
    if on_step is not None:
        sender.on_step = on_step
    process = Process(settings, service(standing), clock=time, effects=sender, on_step=on_step)
    numbers = Ledger(process.store, Caps(number=settings.cap_number, template=settings.cap_template))
    kept, spent = Letters(process.store), Spending(process.store, settings.prices(), time)
    sender.on_results = spent.note
    arrivals = Arrivals(
        Receipts(process.store, process.commands, standing, time, sender.writer.segments),
        Answers(process.store, process.commands, standing, numbers, time),
        also=(spent.keep, kept.forget_erased),
    )
    sender.bind(process.commands, process.fail)
    sender.attend(numbers, arrivals)
    process.health.more = sender.reasons
    app = process.application("notify: the petitioner hears of it")
    desk = Desk(process, Gate(settings.staff_key.get_secret_value()), standing, kept, spent, sender.lanes)
    app.include_router(routes(desk))
    app.include_router(page_routes(desk))
    for line, _ in lines.values():
        if (callbacks := line.routes()) is not None:
            app.include_router(callbacks, prefix="/gateways")
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    return app, process
