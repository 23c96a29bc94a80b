"""Wires routing: the only file that knows all its parts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from fastapi import FastAPI

from contracts import bodies, places, policies, topics
from contracts.bodies import catalogue
from contracts.edited import Shelf
from contracts.kinds import Kind
from contracts.units import roster
from runtime.access import Gate
from runtime.clock import Clock, SystemClock
from runtime.consume import Step
from runtime.http import add_common
from runtime.process import Process
from runtime.service import Part, Service
from services.routing import domain, joint
from services.routing.campaigns import Drives
from services.routing.classifier import Classifier, classify, load, words
from services.routing.gazetteer import area_named
from services.routing.handlers import Handlers
from services.routing.http import Desk, routes
from services.routing.load import Watch
from services.routing.load import routes as load_routes
from services.routing.needs import CATALOGUE, PLACES, POLICIES, Calls
from services.routing.needs import routes as needs_routes
from services.routing.pages import page_routes
from services.routing.settings import Settings
from services.routing.store import INDEXES

NAME = "routing"


@dataclass
class Rulebook:
    """Gives the rules with the catalogue and the places in force now; their versions are in every fact."""

    settled: domain.Rules
    _made: domain.Rules | None = None
    _of: tuple[str, str] = ("", "")

    def __call__(self) -> domain.Rules:
        """Return the rules in force now."""
        versions = catalogue().version, places.SHELF.look().version
        if self._made is None or versions != self._of:
            lexicon = f"{self.settled.lexicon_version}:{versions[1]}"
            self._made = replace(self.settled, catalogue_version=versions[0], lexicon_version=lexicon)
            self._of = versions
        return self._made


def finder(by: Classifier, title: str, content: str) -> domain.Finding:
    """Ask the classifier and the gazetteer, and say what they found in the domain's words."""
    read = words(title, content)
    found = classify(read, by=by)
    return domain.Finding(
        body=found.body,
        second=found.second,
        domain=found.domain,
        area=area_named(read),
        kind=Kind(found.kind),
        joint=found.joint,
        confidence=found.confidence,
        reasons=tuple(domain.Term(reason.term, reason.weight) for reason in found.reasons),
        sure=found.sure,
        urgency=found.urgency,
        urgent_phrase=found.urgent_phrase,
    )


def service(handlers: Handlers, drives: Drives | None = None) -> Service[domain.Docket]:
    """Describe routing to the runtime; with `drives`, what is routed joins its campaign."""
    return Service(
        name=NAME,
        docket=domain.Docket,
        parts=(
            Part("own", topics.ROUTING, domain.Routing, domain.evolve_own),
            Part("dossier", topics.DOSSIERS, domain.Dossier, domain.evolve_dossier),
            Part("intake", topics.INTAKE, domain.Intake, domain.evolve_intake),
            Part("mediation", topics.MEDIATION, domain.Case, domain.evolve_mediation),
        ),
        hears=drives.joining(handlers.hears()) if drives else handlers.hears(),
        indexes=INDEXES,
    )


def build(
    settings: Settings, *, clock: Clock | None = None, on_step: Step | None = None
) -> tuple[FastAPI, Process]:
    """Make the application and its process; nothing is connected before the application starts."""
    by, joint_rules = load(), joint.read()
    settled = domain.Rules(
        f"{by.version}:{joint_rules.version}",
        catalogue().version,
        settings.triage_within,
        settings.return_within,
        settings.conference_within,
        settings.most_transfers,
        joint_rules,
    )

    rules = Rulebook(settled)
    handlers = Handlers(lambda title, content: finder(by, title, content), rules)
    time = clock or SystemClock()
    drives = Drives(
        time,
        rules,
        me=token_hex(8),
        every=settings.campaign_every,
        lease=settings.campaign_lease,
        pace=settings.campaign_pace,
    )
    process = Process(settings, service(handlers, drives), clock=time, effects=drives, on_step=on_step)
    drives.bind(process.store, process.commands, process.fail)
    app = process.application("routing: the right body of the 15, and the triage desk")
    gate = Gate(settings.staff_key.get_secret_value())
    desk = Desk(process, gate, rules, roster(), drives, settings.cluster_least)
    app.include_router(routes(desk))
    watch = Watch(process.store, settings.load_every)
    edited: dict[str, Callable[[], Shelf[Any]]] = {
        CATALOGUE: lambda: bodies.SHELF,
        POLICIES: lambda: policies.SHELF,
        PLACES: lambda: places.SHELF,
    }
    calls = Calls(process.store, time, edited)
    app.include_router(load_routes(watch, desk.gate))
    app.include_router(needs_routes(calls, watch, desk.gate))
    app.include_router(page_routes(desk, watch, calls))
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    return app, process
