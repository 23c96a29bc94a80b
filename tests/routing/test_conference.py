"""联席会议: what comes before it, that its decision binds, and that somebody looks what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contracts.bodies import Body
from contracts.kinds import Outcome
from contracts.mediation import CaseConcluded
from contracts.routing import (
    ConferenceDecided,
    ConferenceFollowedUp,
    ConferenceGround,
    FollowUp,
    Occasion,
    Office,
    PetitionEscalated,
    PetitionPutToConference,
    PetitionRouted,
    Tier,
)
from contracts.units import roster
from runtime.service import Refused
from services.routing import domain
from services.routing.domain import Place
from tests.routing.dockets import (
    FRESH,
    NOW,
    RULES,
    did,
    facts,
    in_conference,
    in_triage,
    returned,
    told,
    with_body,
)

LATER, LAST = NOW + timedelta(days=20), NOW + timedelta(days=30)
RESOLUTION = domain.Resolution(
    lead=Body.TRANSPORT,
    helpers=("urban-management", "market-supervision", "traffic-police", "street-430121001"),
    finish_by=LAST,
    follow_up_at=LATER,
)
WHY = ConferenceGround.SEVERAL_DEPARTMENTS


def decided() -> domain.Docket:
    docket = in_conference()
    return did(docket, domain.decide_resolution(docket, RESOLUTION, "leader-1", RULES, NOW))


@pytest.mark.parametrize("docket", [with_body(), in_triage(), returned()])
def test_a_petition_can_be_put_on_the_agenda_wherever_it_is(docket: domain.Docket) -> None:
    (fact,) = facts(domain.decide_agenda(docket, WHY, "group-transport", "router-1", RULES, NOW))
    assert isinstance(fact, PetitionPutToConference)
    assert (1, "group-transport", "router-1") == (fact.item, fact.group, fact.by)
    after = told(docket, (fact,))
    assert Place.CONFERENCE == domain.place(after)
    assert (None, None, None) == (after.own.body, after.own.triage_due, after.own.return_due)


def referred(office: Office) -> domain.Docket:
    return did(in_triage(), domain.decide_triage(in_triage(), office, "router-1", RULES, NOW))


@pytest.mark.parametrize(
    ("docket", "code"),
    [
        (FRESH, "not-routed-yet"),
        (in_conference(), "already-on-agenda"),
        (referred(Office.PETITION_OFFICE), "already-ended"),
        (referred(Office.DISCIPLINE_INSPECTION), "already-ended"),
        (told(with_body(), (CaseConcluded(at=NOW, outcome=Outcome.SETTLED, by="m"),)), "already-ended"),
    ],
)
def test_what_has_its_end_or_no_place_yet_is_not_put_there(docket: domain.Docket, code: str) -> None:
    assert Refused(code) == domain.decide_agenda(docket, WHY, None, "router-1", RULES, NOW)


def test_the_conference_names_a_lead_helpers_and_dates_and_the_lead_has_it_from_then_on() -> None:
    fact, routed = facts(domain.decide_resolution(in_conference(), RESOLUTION, "leader-1", RULES, NOW))
    assert isinstance(fact, ConferenceDecided)
    assert (1, Body.TRANSPORT, LAST, LATER) == (fact.item, fact.lead, fact.finish_by, fact.follow_up_at)
    assert isinstance(routed, PetitionRouted)
    assert (Body.TRANSPORT, 2, 1) == (routed.body, routed.transfer, routed.conference)
    assert (RESOLUTION.helpers, True) == (routed.co_handlers, routed.joint)
    assert Occasion.CONFERENCE == routed.occasion
    docket = told(in_conference(), (fact, routed))
    assert (Place.BODY, Body.TRANSPORT) == (domain.place(docket), domain.body_of(docket))
    again = domain.decide_resolution(docket, RESOLUTION, "leader-1", RULES, NOW)
    assert Refused("not-on-agenda") == again


@pytest.mark.parametrize(
    ("finish_by", "follow_up_at"), [(LATER, LAST), (LAST, NOW), (NOW, NOW), (LAST, NOW - timedelta(days=1))]
)
def test_dates_in_the_past_or_out_of_order_are_refused(finish_by: datetime, follow_up_at: datetime) -> None:
    asked = replace(RESOLUTION, finish_by=finish_by, follow_up_at=follow_up_at)
    answer = domain.decide_resolution(in_conference(), asked, "leader-1", RULES, NOW)
    assert Refused("dates-out-of-order") == answer


def test_the_office_looks_again_until_it_is_done() -> None:
    docket = decided()
    assert LATER == docket.own.follow_up_at
    next_at = LATER + timedelta(days=7)
    (fact,) = facts(domain.decide_follow_up(docket, FollowUp.UNDER_WAY, next_at, "office-1", RULES, LATER))
    assert ConferenceFollowedUp(
        at=LATER,
        item=1,
        result=FollowUp.UNDER_WAY,
        next_at=next_at,
        by="office-1",
        rule_version="lexicon-1",
        catalogue_version="catalogue-1",
    ) == (fact)
    docket = told(docket, (fact,))
    assert next_at == docket.own.follow_up_at
    docket = did(docket, domain.decide_follow_up(docket, FollowUp.DONE, None, "office-1", RULES, next_at))
    assert docket.own.follow_up_at is None
    answer = domain.decide_follow_up(docket, FollowUp.DONE, None, "office-1", RULES, next_at)
    assert Refused("nothing-to-follow-up") == answer


@pytest.mark.parametrize(
    ("result", "next_at"),
    [(FollowUp.UNDER_WAY, None), (FollowUp.NOT_BEGUN, LATER), (FollowUp.DONE, LAST)],
)
def test_what_is_not_done_needs_a_day_to_look_again(result: FollowUp, next_at: datetime | None) -> None:
    answer = domain.decide_follow_up(decided(), result, next_at, "office-1", RULES, LATER)
    assert Refused("next-date-wrong") == answer


def test_going_up_a_tier_is_counted_and_never_goes_down() -> None:
    docket = with_body()
    for number, tier in enumerate((Tier.CITY, Tier.PROVINCE), start=1):
        (fact,) = facts(domain.decide_escalation(docket, tier, "router-1", RULES, NOW))
        assert isinstance(fact, PetitionEscalated)
        assert (number, tier) == (fact.number, fact.to_tier)
        docket = told(docket, (fact,))
        assert Refused("not-a-higher-tier") == domain.decide_escalation(docket, tier, "router-1", RULES, NOW)
    assert 2 == docket.own.escalations
    assert Refused("already-ended") == domain.decide_escalation(FRESH, Tier.CITY, "router-1", RULES, NOW)


def test_a_second_item_of_the_same_petition_has_the_next_number() -> None:
    docket = decided()
    (fact,) = facts(domain.decide_agenda(docket, ConferenceGround.ESCALATED, None, "r", RULES, NOW))
    assert isinstance(fact, PetitionPutToConference)
    assert 2 == fact.item


def test_the_roster_has_an_office_13_working_groups_and_58_member_units() -> None:
    found = roster()
    assert (13, 58) == (len(found.groups), len(found.units))
    assert all(group.units for group in found.groups.values())
    assert {"urban-management", "market-supervision", "traffic-police", "street-office"} <= set(found.units)
    assert all(found.knows(helper) for helper in RESOLUTION.helpers)
    assert not found.knows("street-999999001")
    assert not found.knows("nobody")
