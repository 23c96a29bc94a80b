"""Routing with a classifier that says always the same, to measure what carries facts alone."""

from __future__ import annotations

import sys

from fastapi import FastAPI

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind
from runtime.http import add_common
from runtime.process import Process, main
from services.routing import domain
from services.routing.app import NAME, service
from services.routing.handlers import Handlers
from services.routing.settings import Settings

FOUND = domain.Finding(
    body=Body.LABOR,
    second=Body.CONSTRUCTION,
    domain=next(iter(Domain)),
    area="430102",
    kind=Kind.REQUEST,
    joint=False,
    confidence=0.97,
    reasons=(domain.Term("拖欠工资", 3.1), domain.Term("包工头", 1.7), domain.Term("劳动合同", 1.2)),
    sure=True,
)


def build(settings: Settings) -> tuple[FastAPI, Process]:
    """Wire routing as its `app.py` does, without the lexicon and the triage desk."""
    rules = domain.Rules("bench", "bench", settings.triage_within)
    process = Process(settings, service(Handlers(lambda _title, _content: FOUND, lambda: rules)))
    app = process.application("routing with a constant classifier")
    add_common(app, health=process.health, service=NAME, max_body=settings.max_body)
    return app, process


if __name__ == "__main__":
    sys.exit(main(NAME, Settings, build))
