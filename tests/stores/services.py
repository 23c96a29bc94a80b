"""The four services as they describe themselves, for tests over all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from runtime.service import Service
from services.intake.app import service as intake
from services.mediation.app import service as mediation
from services.mediation.deadlines import Terms
from services.notify import texts
from services.notify.app import service as notify
from services.notify.rules import Rules, Way
from services.notify.standing import Standing
from services.routing.app import service as routing
from services.routing.domain import Finding
from services.routing.domain import Rules as RoutingRules
from services.routing.handlers import Handlers


def _find(_title: str, _content: str) -> Finding:
    raise NotImplementedError


NOTIFY_RULES: Final = Rules(
    notices=texts.load().notices(),
    ways=(Way("outbox"),),
    lease=timedelta(seconds=10),
    contact_wait=timedelta(hours=72),
)
SERVICES: Final[dict[str, Service[Any]]] = {
    "intake": intake(),
    "routing": routing(Handlers(_find, lambda: RoutingRules("1", "1", timedelta(days=1)))),
    "mediation": mediation(Terms()),
    "notify": notify(Standing(NOTIFY_RULES)),
}
