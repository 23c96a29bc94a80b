"""Wires intake: the only file that knows all its parts."""

from pathlib import Path

from fastapi import FastAPI

from contracts import topics
from runtime.access import Gate
from runtime.clock import Clock
from runtime.consume import Step
from runtime.http import add_common
from runtime.process import Process
from runtime.service import Part, Service
from services.intake import domain
from services.intake.codes import Codes
from services.intake.handlers import HEARS
from services.intake.http import Desk, routes
from services.intake.pages import Pages, page_routes
from services.intake.settings import Settings
from services.intake.store import INDEXES

NAME = "intake"


def service() -> Service[domain.Docket]:
    """Describe intake to the runtime."""
    return Service(
        name=NAME,
        docket=domain.Docket,
        parts=(
            Part("own", topics.INTAKE, domain.Intake, domain.evolve_own),
            Part("dossier", topics.DOSSIERS, domain.Dossier, domain.evolve_dossier),
            Part("routing", topics.ROUTING, domain.Routing, domain.evolve_routing),
            Part("mediation", topics.MEDIATION, domain.Case, domain.evolve_mediation),
            Part("notify", topics.NOTIFY, domain.Messages, domain.evolve_notify),
        ),
        hears=HEARS,
        indexes=INDEXES,
    )


def build(
    settings: Settings, *, clock: Clock | None = None, on_step: Step | None = None
) -> tuple[FastAPI, Process]:
    """Make the application and its process; nothing is connected before the application starts."""
    process = Process(settings, service(), clock=clock, on_step=on_step)
    app = process.application("intake: petitions in, the petitioner's story out")
    desk = Desk(process, settings, Codes(settings.code_secret.get_secret_value()))
    pages = Pages(Path(__file__).parent / "templates")
    app.include_router(routes(desk, Gate(settings.staff_key.get_secret_value()), pages))
    app.include_router(page_routes(desk, pages))
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    pages.answer_errors(app)
    return app, process
