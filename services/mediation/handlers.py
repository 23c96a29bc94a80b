"""What mediation hears, in the order of the journey: each fact goes to the decision it may lead to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.routing import PetitionRouted
from runtime.service import Heard
from services.mediation import domain
from services.mediation.deadlines import Terms
from services.mediation.domain import Docket


def on_petition_accepted(
    docket: Docket, _heard: Heard[PetitionAccepted], now: datetime, *, terms: Terms
) -> Sequence[Fact]:
    """Open the case if its body is known already."""
    return domain.decide_opening(docket, terms, now)


def on_petition_routed(
    docket: Docket, _heard: Heard[PetitionRouted], now: datetime, *, terms: Terms
) -> Sequence[Fact]:
    """Open the case if the acceptance is known already; anew if it went from another body to this one."""
    return domain.decide_opening(docket, terms, now)


def on_petition_rated(docket: Docket, _heard: Heard[PetitionRated], now: datetime) -> Sequence[Fact]:
    """Count the rating of an answered case."""
    return domain.decide_rating(docket, now)


Handler = Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]


def hears(terms: Terms) -> Mapping[type[Fact], Handler]:
    """Return which handler takes which fact; `terms` come from the settings."""
    return {
        PetitionAccepted: partial(on_petition_accepted, terms=terms),
        PetitionRouted: partial(on_petition_routed, terms=terms),
        PetitionRated: on_petition_rated,
    }
