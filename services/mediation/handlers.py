"""What mediation hears, in the order of the journey: each fact goes to the decision it may lead to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.routing import (
    CommonPolicyApplied,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnRefused,
)
from runtime.service import Heard
from services.mediation import domain
from services.mediation.deadlines import Terms
from services.mediation.domain import Docket


def on_petition_accepted(
    docket: Docket, _heard: Heard[PetitionAccepted], now: datetime, *, terms: Terms
) -> Sequence[Fact]:
    """Open the case if its body is known already."""
    return domain.decide_opened_by_policy(docket, terms, now)


def on_petition_routed(
    docket: Docket, _heard: Heard[PetitionRouted], now: datetime, *, terms: Terms
) -> Sequence[Fact]:
    """Open the case if the acceptance is known already; anew if it went from another body to this one."""
    return domain.decide_opened_by_policy(docket, terms, now)


def on_return_refused(docket: Docket, _heard: Heard[ReturnRefused], now: datetime) -> Sequence[Fact]:
    """Let the body go on: its objection was refused."""
    return domain.decide_keeping(docket, now)


def on_petition_sent_to_triage(
    docket: Docket, _heard: Heard[PetitionSentToTriage], now: datetime
) -> Sequence[Fact]:
    """Take the case from the body that had it."""
    return domain.decide_handing_back(docket, now)


def on_petition_put_to_conference(
    docket: Docket, _heard: Heard[PetitionPutToConference], now: datetime
) -> Sequence[Fact]:
    """Take the case from the body that had it: the joint conference decides who leads."""
    return domain.decide_handing_back(docket, now)


def on_petition_referred(docket: Docket, _heard: Heard[PetitionReferred], now: datetime) -> Sequence[Fact]:
    """Take the case from the body that had it: an office outside the bodies has the petition."""
    return domain.decide_handing_back(docket, now)


def on_common_policy_applied(
    docket: Docket, _heard: Heard[CommonPolicyApplied], now: datetime, *, terms: Terms
) -> Sequence[Fact]:
    """Conclude and answer the case by the policy of its campaign, or say why not."""
    return domain.decide_policy(docket, terms, now)


def on_petition_rated(docket: Docket, _heard: Heard[PetitionRated], now: datetime) -> Sequence[Fact]:
    """Count the rating of an answered case."""
    return domain.decide_rating(docket, now)


Handler = Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]


def hears(terms: Terms) -> Mapping[type[Fact], Handler]:
    """Return which handler takes which fact; `terms` come from the settings."""
    return {
        PetitionAccepted: partial(on_petition_accepted, terms=terms),
        PetitionRouted: partial(on_petition_routed, terms=terms),
        ReturnRefused: on_return_refused,
        PetitionSentToTriage: on_petition_sent_to_triage,
        PetitionPutToConference: on_petition_put_to_conference,
        PetitionReferred: on_petition_referred,
        CommonPolicyApplied: partial(on_common_policy_applied, terms=terms),
        PetitionRated: on_petition_rated,
    }
