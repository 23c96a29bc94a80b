"""Every fact that routing states names the rules and the catalogue that it was made by: a walk over all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import Outcome
from contracts.registry import FACTS
from contracts.routing import ConferenceGround, FollowUp, Office, ReturnGround, Tier
from contracts.topics import ROUTING
from services.routing import domain
from tests.routing.dockets import (
    FOUND,
    FRESH,
    NOW,
    RULES,
    facts,
    in_conference,
    in_triage,
    objection,
    returned,
    told,
    versions,
    with_body,
)

CAMPAIGN = domain.Campaign(
    code="wages-2026",
    name="欠薪集中攻坚",
    field="劳动报酬",
    begins=NOW - timedelta(days=1),
    ends=NOW + timedelta(days=90),
    by="leader-7",
    changed_at=NOW - timedelta(days=1),
    rule=domain.Rule(bodies=(Body.LABOR,)),
)
ORDER = domain.Order("wages-2026.1", "training-refund", 1, "5" * 64, Outcome.SUPPORTED, "leader-7", NOW, 1)
RESOLUTION = domain.Resolution(
    lead=Body.RURAL,
    helpers=(),
    finish_by=NOW + timedelta(days=30),
    follow_up_at=NOW + timedelta(days=20),
)


def walked() -> list[Fact]:
    """What each of routing's decisions states."""
    body, before, waits = with_body(), in_conference(), in_triage()
    decided = facts(domain.decide_resolution(before, RESOLUTION, "leader-1", RULES, NOW))
    joined = facts(domain.decide_join(body, CAMPAIGN, "router-1", RULES, NOW))
    member = told(body, joined)
    answers = [
        domain.with_rules(FRESH, domain.decide_route(FRESH, FOUND, RULES, NOW), (CAMPAIGN,), RULES, NOW),
        domain.decide_route(FRESH, replace(FOUND, sure=False), RULES, NOW),
        domain.decide_triage(waits, Body.LABOR, "router-1", RULES, NOW),
        domain.decide_triage(waits, Office.PETITION_OFFICE, "router-1", RULES, NOW),
        domain.decide_again(body, replace(FOUND, body=Body.RURAL), RULES, NOW),
        domain.decide_objection(body, objection(body), RULES, NOW),
        domain.decide_refusal(returned(), ReturnGround.NO_GROUNDS, "router-1", RULES, NOW),
        domain.decide_agreement(returned(), Body.RURAL, "router-1", RULES, NOW),
        domain.decide_agreement(returned(), None, "router-1", RULES, NOW),
        domain.decide_agenda(body, ConferenceGround.SEVERAL_DEPARTMENTS, None, "router-1", RULES, NOW),
        decided,
        domain.decide_follow_up(told(before, decided), FollowUp.DONE, None, "office-1", RULES, NOW),
        domain.decide_escalation(body, Tier.CITY, "router-1", RULES, NOW),
        joined,
        domain.decide_leave(member, CAMPAIGN.code, "router-1", RULES, NOW),
        domain.decide_policy(member, CAMPAIGN.code, ORDER, RULES, NOW),
    ]
    return [fact for answer in answers for fact in facts(answer)]


def test_every_fact_of_routings_names_the_rules_and_the_catalogue_that_made_it() -> None:
    stated = walked()
    assert {kind for kind in FACTS if kind.TOPIC is ROUTING} == {type(fact) for fact in stated}
    wrong = {type(fact).__name__ for fact in stated if versions(fact) != ("lexicon-1", "catalogue-1")}
    assert set() == wrong
