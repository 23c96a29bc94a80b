"""Campaigns: who joins by rule and by hand, who never does, and that a policy is applied to each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.fact import Fact
from contracts.kinds import DecidedBy, Kind, Outcome
from contracts.mediation import CaseConcluded
from contracts.routing import (
    CommonPolicyApplied,
    Office,
    PetitionJoinedCampaign,
    PetitionLeftCampaign,
    PetitionReferred,
    PetitionRouted,
)
from runtime.service import Refused
from services.routing import domain
from services.routing.domain import Campaign, Order, Rule
from tests.routing.dockets import FOUND, FRESH, NOW, RULES, did, facts, told

RULE = Rule(bodies=(Body.LABOR,), areas=("430102",), phrases=("拖欠工资", "欠薪"))
CAMPAIGN = Campaign(
    code="wages-2026",
    name="欠薪集中攻坚",
    field="劳动报酬",
    begins=NOW - timedelta(days=1),
    ends=NOW + timedelta(days=90),
    by="leader-7",
    changed_at=NOW - timedelta(days=1),
    rule=RULE,
    rule_version=3,
)
OTHER = replace(CAMPAIGN, code="other-2026")
ORDER = Order("wages-2026.1", "training-refund", 1, "5" * 64, Outcome.SUPPORTED, "leader-7", NOW, 1)
ROUTED = did(FRESH, domain.decide_route(FRESH, FOUND, RULES, NOW))
MEMBER = did(ROUTED, domain.decide_join(ROUTED, CAMPAIGN, "router-1", RULES, NOW))


def routing_of(docket: domain.Docket, *campaigns: Campaign) -> tuple[Fact, ...]:
    """What the first decision states while these campaigns are known."""
    return facts(
        domain.with_rules(docket, domain.decide_route(docket, FOUND, RULES, NOW), campaigns, RULES, NOW)
    )


def test_a_petition_joins_by_rule_as_it_is_routed() -> None:
    routed, joined = routing_of(FRESH, CAMPAIGN)
    assert isinstance(routed, PetitionRouted)
    assert isinstance(joined, PetitionJoinedCampaign)
    assert ("wages-2026", DecidedBy.MACHINE) == (joined.campaign, joined.decided_by)
    assert (3, None) == (joined.rule_version, joined.by)


def test_a_petition_joins_one_campaign_only_when_several_rules_take_it_in() -> None:
    stated = [type(fact).__name__ for fact in routing_of(FRESH, OTHER, CAMPAIGN)]
    assert ["PetitionRouted", "PetitionJoinedCampaign"] == stated


@pytest.mark.parametrize(
    "rule",
    [
        replace(RULE, bodies=(Body.PROPERTY,)),
        replace(RULE, domains=(Domain.HOUSING,)),
        replace(RULE, areas=("430103",)),
        replace(RULE, phrases=("退还学费",)),
        replace(RULE, received_from=NOW + timedelta(days=400)),
        replace(RULE, received_until=NOW - timedelta(days=4000)),
        None,
    ],
)
def test_a_petition_stays_out_when_one_part_of_the_rule_does_not_fit(rule: Rule | None) -> None:
    assert 1 == len(routing_of(FRESH, replace(CAMPAIGN, rule=rule)))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ("430100", True),
        ("430102", True),
        ("430102009", True),
        ("430102009003", True),
        ("43010200900307", True),
        ("43010200900308", False),
        ("430102009004", False),
        ("430103", False),
    ],
)
def test_a_rule_takes_in_what_lies_in_its_area_from_the_city_down_to_a_grid(
    wanted: str, *, fits: bool
) -> None:
    docket = replace(ROUTED, own=replace(ROUTED.own, area="43010200900307"))
    assert fits == domain.fits(replace(RULE, areas=(wanted,)), docket)


def test_a_petition_of_no_known_area_fits_no_rule_that_names_one() -> None:
    docket = replace(ROUTED, own=replace(ROUTED.own, area=None))
    assert not domain.fits(replace(RULE, areas=("430100",)), docket)


def test_nobody_joins_outside_the_dates_of_a_campaign() -> None:
    over = replace(CAMPAIGN, ends=NOW)
    assert 1 == len(routing_of(FRESH, over))
    assert Refused("campaign-not-running") == domain.decide_join(ROUTED, over, "router-1", RULES, NOW)


def test_a_phrase_is_found_in_traditional_characters_and_through_noise() -> None:
    text = domain.Dossier("訴求", "公司拖 欠 工資三個月")
    assert domain.fits(RULE, replace(ROUTED, dossier=text))


def test_a_person_joins_a_petition_once_and_is_named() -> None:
    (fact,) = facts(domain.decide_join(ROUTED, CAMPAIGN, "router-1", RULES, NOW))
    assert isinstance(fact, PetitionJoinedCampaign)
    assert (DecidedBy.PERSON, "router-1") == (fact.decided_by, fact.by)
    assert () == facts(domain.decide_join(MEMBER, CAMPAIGN, "router-2", RULES, NOW))
    assert Refused("in-another-campaign") == domain.decide_join(MEMBER, OTHER, "router-1", RULES, NOW)


def test_a_petition_that_was_taken_out_is_not_brought_back_by_a_rule_but_by_a_person() -> None:
    out = did(MEMBER, domain.decide_leave(MEMBER, "wages-2026", "router-1", RULES, NOW))
    assert () == domain.decide_rule(out, CAMPAIGN, RULES, NOW)
    assert isinstance(domain.decide_rule(out, OTHER, RULES, NOW)[0], PetitionJoinedCampaign)
    assert isinstance(
        facts(domain.decide_join(out, CAMPAIGN, "router-1", RULES, NOW))[0], PetitionJoinedCampaign
    )


def test_a_report_of_wrongdoing_joins_no_campaign() -> None:
    report = replace(ROUTED, own=replace(ROUTED.own, kind=Kind.REPORT))
    assert () == domain.decide_rule(report, CAMPAIGN, RULES, NOW)
    assert Refused("report-stays-apart") == domain.decide_join(report, CAMPAIGN, "router-1", RULES, NOW)


def test_a_petition_with_an_outcome_joins_no_campaign_and_is_settled_by_none() -> None:
    ended = [CaseConcluded(at=NOW, outcome=Outcome.EXPLAINED, by="mediator-7")]
    refused = Refused("already-concluded")
    assert refused == domain.decide_join(told(ROUTED, ended), CAMPAIGN, "router-1", RULES, NOW)
    assert refused == domain.decide_policy(told(MEMBER, ended), "wages-2026", ORDER, RULES, NOW)


def test_a_member_that_no_body_has_is_not_settled() -> None:
    referred = told(MEMBER, [PetitionReferred(at=NOW, office=Office.PETITION_OFFICE, by="router-1")])
    assert Refused("not-with-a-body") == domain.decide_policy(referred, "wages-2026", ORDER, RULES, NOW)


def test_a_policy_is_applied_with_the_hash_of_its_text_and_only_once() -> None:
    (fact,) = facts(domain.decide_policy(MEMBER, "wages-2026", ORDER, RULES, NOW))
    assert isinstance(fact, CommonPolicyApplied)
    assert ("5" * 64, "leader-7", "wages-2026.1") == (fact.sha256, fact.by, fact.order)
    settled = told(MEMBER, [fact])
    assert () == facts(domain.decide_policy(settled, "wages-2026", replace(ORDER, code="x.2"), RULES, NOW))
    assert Refused("already-settled") == domain.decide_leave(settled, "wages-2026", "router-1", RULES, NOW)


def test_a_policy_is_for_members_of_its_campaign_alone() -> None:
    assert Refused("not-a-member") == domain.decide_policy(ROUTED, "wages-2026", ORDER, RULES, NOW)
    assert Refused("not-a-member") == domain.decide_leave(ROUTED, "wages-2026", "router-1", RULES, NOW)


STEPS: dict[str, Callable[[domain.Docket], Sequence[Fact] | Refused]] = {
    "route": lambda docket: domain.with_rules(
        docket, domain.decide_route(docket, FOUND, RULES, NOW), (CAMPAIGN,), RULES, NOW
    ),
    "join": lambda docket: domain.decide_join(docket, CAMPAIGN, "router-1", RULES, NOW),
    "join-other": lambda docket: domain.decide_join(docket, OTHER, "router-1", RULES, NOW),
    "rule": lambda docket: domain.decide_rule(docket, CAMPAIGN, RULES, NOW),
    "leave": lambda docket: domain.decide_leave(docket, "wages-2026", "router-1", RULES, NOW),
    "settle": lambda docket: domain.decide_policy(docket, "wages-2026", ORDER, RULES, NOW),
    "settle-other": lambda docket: domain.decide_policy(docket, "other-2026", ORDER, RULES, NOW),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_a_petition_is_in_one_campaign_at_a_time_and_settled_once_whatever_happens(steps: list[str]) -> None:
    docket, inside, settled = FRESH, "", 0
    for step in steps:
        answer = STEPS[step](docket)
        stated = () if isinstance(answer, Refused) else tuple(answer)
        for fact in stated:
            match fact:
                case PetitionJoinedCampaign():
                    assert not inside
                    inside = fact.campaign
                case PetitionLeftCampaign():
                    assert inside == fact.campaign
                    inside = ""
                case CommonPolicyApplied():
                    assert inside == fact.campaign
                    settled += 1
        docket = told(docket, stated)
        membership = docket.own.membership
        assert (inside, settled) == (membership.campaign, int(membership.settled))
        assert membership.free == (docket.own.body is not None and not inside and not settled)
    assert settled <= 1
