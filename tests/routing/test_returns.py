"""退回: a body objects, the router decides; nobody sends a petition on more than three times."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.bodies import Body
from contracts.kinds import DecidedBy, Outcome, ReturnReason
from contracts.mediation import CaseAnswered, CaseConcluded
from contracts.routing import (
    ConferenceGround,
    Occasion,
    PetitionPutToConference,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnAgreed,
    ReturnGround,
    ReturnReceived,
    ReturnRefused,
    TriageReason,
)
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
    objection,
    returned,
    sent_on,
    told,
    with_body,
)

CONCLUDED = CaseConcluded(at=NOW, outcome=Outcome.EXPLAINED, by="m-1")
ANSWERED = CaseAnswered(at=NOW, outcome=Outcome.EXPLAINED, by="m-1", review_by=NOW)


def test_an_objection_lies_before_the_router_and_the_body_has_the_petition_meanwhile() -> None:
    docket = with_body()
    (fact,) = domain.decide_objection(docket, objection(docket), RULES, NOW)
    expected = ReturnReceived(
        at=NOW,
        body=Body.LABOR,
        transfer=1,
        reason=ReturnReason.NOT_OUR_MATTER,
        suggested=Body.RURAL,
        timely=True,
        due=NOW + timedelta(days=2),
        rule_version="lexicon-1",
        catalogue_version="catalogue-1",
    )
    assert expected == fact
    docket = told(docket, (fact,))
    assert (Place.BODY, Body.LABOR) == (domain.place(docket), domain.body_of(docket))
    assert () == domain.decide_objection(docket, objection(docket), RULES, NOW), "once"


def test_an_objection_whose_time_nobody_could_check_says_so() -> None:
    docket = with_body()
    unchecked = objection(docket).model_copy(update={"return_by": None, "calendar_lacks": 2031})
    (fact,) = domain.decide_objection(docket, unchecked, RULES, NOW)
    assert isinstance(fact, ReturnReceived)
    assert fact.timely is None


@pytest.mark.parametrize(
    "docket",
    [
        in_triage(),
        in_conference(),
        sent_on(with_body(), Body.RURAL),
        told(with_body(), (CONCLUDED,)),
        told(with_body(), (CONCLUDED, ANSWERED)),
    ],
)
def test_an_objection_of_a_body_that_no_longer_has_it_leads_nowhere(docket: domain.Docket) -> None:
    assert () == domain.decide_objection(docket, objection(with_body()), RULES, NOW)


def test_a_refused_objection_leaves_the_petition_where_it_is() -> None:
    docket = returned()
    (fact,) = facts(domain.decide_refusal(docket, ReturnGround.WITHIN_DUTIES, "router-1", RULES, NOW))
    assert isinstance(fact, ReturnRefused)
    docket = told(docket, (fact,))
    assert (Body.LABOR, 1, None) == (docket.own.body, docket.own.transfer, docket.own.return_due)


def test_an_agreed_return_goes_to_the_body_that_the_router_names() -> None:
    agreed, routed = facts(domain.decide_agreement(returned(), Body.RURAL, "router-1", RULES, NOW))
    assert ReturnAgreed(
        at=NOW,
        body=Body.LABOR,
        transfer=1,
        reason=ReturnReason.NOT_OUR_MATTER,
        by="router-1",
        rule_version="lexicon-1",
        catalogue_version="catalogue-1",
    ) == (agreed)
    assert isinstance(routed, PetitionRouted)
    assert (Body.RURAL, 2, Occasion.RETURNED) == (routed.body, routed.transfer, routed.occasion)
    assert (DecidedBy.PERSON, FRESH.intake.due, None) == (routed.decided_by, routed.due, routed.conference)
    assert ("lexicon-1", "catalogue-1") == (routed.rule_version, routed.catalogue_version)


def test_an_agreed_return_without_a_body_goes_back_to_the_desk_with_what_is_thought_of_it() -> None:
    agreed, asked = facts(domain.decide_agreement(returned(), None, "router-1", RULES, NOW))
    assert isinstance(agreed, ReturnAgreed)
    assert isinstance(asked, PetitionSentToTriage)
    assert (TriageReason.RETURNED, Body.RURAL, Occasion.RETURNED) == (asked.why, asked.first, asked.occasion)
    docket = told(returned(), (agreed, asked))
    assert Place.TRIAGE == domain.place(docket)
    (routed,) = facts(domain.decide_triage(docket, Body.FINANCE, "router-2", RULES, NOW))
    assert isinstance(routed, PetitionRouted)
    assert (Body.FINANCE, 2, Occasion.RETURNED) == (routed.body, routed.transfer, routed.occasion)


def test_the_desk_is_never_offered_the_body_that_objected() -> None:
    docket = returned(did(in_triage(), domain.decide_triage(in_triage(), Body.LABOR, "r", RULES, NOW)))
    docket = replace(
        docket,
        own=replace(docket.own, objection=domain.Objection(ReturnReason.OTHER_AREA, None, timely=True)),
    )
    _, asked = facts(domain.decide_agreement(docket, None, "router-1", RULES, NOW))
    assert isinstance(asked, PetitionSentToTriage)
    assert (Body.CONSTRUCTION, None) == (asked.first, asked.second)


def test_a_return_is_not_agreed_to_the_body_that_objected_nor_where_none_waits() -> None:
    assert Refused("same-body") == domain.decide_agreement(returned(), Body.LABOR, "r", RULES, NOW)
    for docket in (with_body(), in_triage(), in_conference()):
        assert Refused("no-return-pending") == domain.decide_agreement(docket, None, "r", RULES, NOW)
        assert Refused("no-return-pending") == domain.decide_refusal(
            docket, ReturnGround.NO_GROUNDS, "r", RULES, NOW
        )


def thrice() -> domain.Docket:
    """Three bodies have had it."""
    return sent_on(sent_on(with_body(), Body.RURAL), Body.FINANCE)


def test_the_third_body_is_the_last_and_the_joint_conference_decides_then() -> None:
    docket = thrice()
    assert (Body.FINANCE, 3) == (docket.own.body, docket.own.transfer)
    agreed, put = facts(domain.decide_agreement(returned(docket), Body.CONSUMER, "router-1", RULES, NOW))
    assert isinstance(agreed, ReturnAgreed)
    expected = PetitionPutToConference(
        at=NOW,
        item=1,
        ground=ConferenceGround.TRANSFERS_EXHAUSTED,
        due=NOW + timedelta(days=10),
        rule_version="lexicon-1",
        catalogue_version="catalogue-1",
    )
    assert expected == put
    assert Place.CONFERENCE == domain.place(told(returned(docket), (agreed, put)))


def test_a_person_at_the_desk_cannot_send_it_to_a_fourth_body_either() -> None:
    docket = thrice()
    own = replace(docket.own, body=None, triage_due=NOW, guess=in_triage().own.guess)
    (fact,) = facts(domain.decide_triage(replace(docket, own=own), Body.CONSUMER, "r", RULES, NOW))
    assert isinstance(fact, PetitionPutToConference)


def test_every_place_stays_in_the_history_with_its_reason() -> None:
    docket = thrice()
    moves = [(move.place, move.to, move.occasion, move.reason) for move in docket.own.history]
    assert [
        (Place.BODY, Body.LABOR, None, "拖欠工资"),
        (Place.BODY, Body.RURAL, Occasion.RETURNED, ""),
        (Place.BODY, Body.FINANCE, Occasion.RETURNED, ""),
    ] == moves
