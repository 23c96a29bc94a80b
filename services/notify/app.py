"""Wires notify: the only file that knows all its parts."""

from functools import partial
from typing import Final

from fastapi import FastAPI

from contracts import topics
from runtime.access import Gate
from runtime.clock import Clock, SystemClock
from runtime.consume import Step
from runtime.http import add_common
from runtime.process import Process
from runtime.service import Part, Service
from services.notify import domain, stories, texts
from services.notify.gateway import SmsGateway
from services.notify.handlers import Handlers
from services.notify.http import routes
from services.notify.outbox import Outbox
from services.notify.sending import Sender
from services.notify.settings import Settings
from services.notify.store import INDEXES

NAME: Final = "notify"


def rules(settings: Settings, words: texts.Texts, gateway: SmsGateway) -> domain.Rules:
    """Return the rules of this operator; a gateway that cannot be asked is not asked."""
    found = domain.Rules(
        notices=words.notices(),
        gateway=gateway.name,
        lease=settings.lease,
        contact_wait=settings.contact_wait,
    )
    return found if gateway.caps.query else found.without_questions()


def service(settled: domain.Rules) -> Service[domain.Docket]:
    """Describe notify to the runtime."""
    return Service(
        name=NAME,
        docket=domain.Docket,
        parts=(
            Part("own", topics.NOTIFY, domain.Messages, domain.evolve_own),
            Part("dossier", topics.DOSSIERS, stories.Contact, stories.evolve_dossier),
            Part("intake", topics.INTAKE, stories.Story, stories.evolve_story),
            Part("routing", topics.ROUTING, stories.Story, stories.evolve_story),
            Part("mediation", topics.MEDIATION, stories.Story, stories.evolve_story),
        ),
        hears=Handlers(settled).hears(),
        wake=partial(domain.wake_at, settled),
        woken=partial(domain.decide_woken, settled),
        indexes=INDEXES,
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
    line = gateway or Outbox(settings.outbox, time)
    settled = rules(settings, words, line)
    sender = Sender(line, words, settled, sign=settings.sign)
    if on_step is not None:
        sender.on_step = on_step
    process = Process(settings, service(settled), clock=time, effects=sender, on_step=on_step)
    sender.bind(process.commands, process.fail)
    process.health.more = sender.reasons
    app = process.application("notify: the petitioner hears of it")
    app.include_router(routes(process, Gate(settings.staff_key.get_secret_value())))
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    return app, process
