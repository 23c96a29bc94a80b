"""Wires mediation: its description for the runtime and its HTTP interface; the only file with all parts."""

from typing import Final

from fastapi import FastAPI

from contracts.topics import INTAKE, MEDIATION, ROUTING
from runtime import problems
from runtime.access import Gate
from runtime.clock import Clock
from runtime.consume import Step
from runtime.http import add_common
from runtime.process import Process
from runtime.service import Part, Service
from services.mediation import domain, store
from services.mediation.deadlines import Terms
from services.mediation.domain import Docket
from services.mediation.handlers import hears
from services.mediation.http import WORDS, Desk, routes
from services.mediation.settings import Settings

NAME: Final = "mediation"


def service(terms: Terms) -> Service[Docket]:
    """Describe mediation to the runtime."""
    return Service(
        name=NAME,
        docket=Docket,
        parts=(
            Part("own", MEDIATION, domain.Case, domain.evolve_own),
            Part("intake", INTAKE, domain.Intake, domain.evolve_intake),
            Part("routing", ROUTING, domain.Routing, domain.evolve_routing),
        ),
        hears=hears(terms),
        wake=domain.next_deadline,
        woken=domain.decide_overdue,
        mirrors=domain.mirrors,
        indexes=(store.BY_DUE,),
    )


def build(
    settings: Settings, *, clock: Clock | None = None, on_step: Step | None = None
) -> tuple[FastAPI, Process]:
    """Make the application and its process; nothing is connected before the application starts."""
    terms = settings.terms()
    process = Process(settings, service(terms), clock=clock, on_step=on_step)
    problems.know(WORDS)
    app = process.application("Mediation: the bodies' cases")
    gate = Gate(settings.staff_key.get_secret_value())
    app.include_router(routes(Desk(process, gate, terms)))
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    return app, process
