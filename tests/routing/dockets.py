"""Petitions as routing knows them, at each place that they can be at, for the tests of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.kinds import Kind, ReturnReason
from contracts.mediation import CaseReturned
from contracts.routing import ConferenceGround, PetitionJoinedCampaign
from contracts.topics import MEDIATION
from runtime.service import Refused
from services.routing import domain

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
RULES = domain.Rules("lexicon-1", "catalogue-1", timedelta(days=2))
FRESH = domain.Docket(
    petition=PetitionId("07X3M-CC8K0-0CV76"),
    own=domain.Routing(),
    dossier=domain.Dossier("拖欠工资", "公司拖欠工资三个月"),
    intake=domain.Intake(area="430102", due=NOW + timedelta(days=60)),
)
FOUND = domain.Finding(
    body=Body.LABOR,
    second=Body.CONSTRUCTION,
    domain=None,
    area="430111",
    kind=Kind.REQUEST,
    joint=False,
    confidence=0.97,
    reasons=(domain.Term("拖欠工资", 4.03456),),
    sure=True,
)


def facts(answer: Sequence[Fact] | Refused) -> tuple[Fact, ...]:
    """What was stated; a refusal fails the test."""
    assert not isinstance(answer, Refused), answer
    return tuple(answer)


def versions(fact: Fact) -> tuple[str | None, str | None]:
    """The versions of the rules and of the catalogue that a fact of routing's names."""
    rules = "routing_rule_version" if isinstance(fact, PetitionJoinedCampaign) else "rule_version"
    return getattr(fact, rules), getattr(fact, "catalogue_version")  # noqa: B009 - no field of all facts


def told(docket: domain.Docket, stated: Iterable[Fact]) -> domain.Docket:
    """The docket with facts of routing's and of mediation's folded in."""
    for fact in stated:
        if type(fact).TOPIC is MEDIATION:
            docket = replace(docket, mediation=domain.evolve_mediation(docket.mediation, fact))
        else:
            docket = replace(docket, own=domain.evolve_own(docket.own, fact))
    return docket


def did(docket: domain.Docket, answer: Sequence[Fact] | Refused) -> domain.Docket:
    """The docket after a decision that must not be refused."""
    return told(docket, facts(answer))


def objection(docket: domain.Docket, suggested: Body | None = Body.RURAL) -> CaseReturned:
    """The objection of the body that has the petition."""
    assert docket.own.body is not None
    return CaseReturned(
        at=NOW,
        body=docket.own.body,
        transfer=docket.own.transfer,
        reason=ReturnReason.NOT_OUR_MATTER,
        suggested=suggested,
        return_by=NOW + timedelta(days=7),
        by="mediator-1",
    )


def with_body() -> domain.Docket:
    """The machine sent it to a body."""
    return did(FRESH, domain.decide_route(FRESH, FOUND, RULES, NOW))


def in_triage(kind: Kind = Kind.REQUEST) -> domain.Docket:
    """The machine was unsure."""
    return did(FRESH, domain.decide_route(FRESH, replace(FOUND, sure=False, kind=kind), RULES, NOW))


def returned(docket: domain.Docket | None = None) -> domain.Docket:
    """The body objects."""
    docket = docket or with_body()
    return did(docket, domain.decide_objection(docket, objection(docket), RULES, NOW))


def sent_on(docket: domain.Docket, to: Body) -> domain.Docket:
    """The body objects, the router agrees and says to whom it goes."""
    docket = returned(docket)
    return did(docket, domain.decide_agreement(docket, to, "router-1", RULES, NOW))


def in_conference() -> domain.Docket:
    """The router put it before the joint conference."""
    docket = with_body()
    answer = domain.decide_agenda(
        docket, ConferenceGround.SEVERAL_DEPARTMENTS, "group-transport", "router-1", RULES, NOW
    )
    return did(docket, answer)
