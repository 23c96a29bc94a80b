"""Routing's rules: the sure go to a body, the unsure and every report to a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.intake import PetitionRegistered
from contracts.kinds import Channel, DecidedBy, Kind, Urgency
from contracts.routing import Office, PetitionReferred, PetitionRouted, PetitionSentToTriage, TriageReason
from runtime.service import Refused
from services.routing import domain
from tests.routing.dockets import FOUND, NOW, RULES, objection
from tests.routing.dockets import FRESH as DOCKET


def folded(docket: domain.Docket, facts: object) -> domain.Docket:
    """The docket after routing has stated facts."""
    own = docket.own
    for fact in facts if isinstance(facts, tuple) else ():
        own = domain.evolve_own(own, fact)
    return replace(docket, own=own)


def test_a_sure_finding_is_routed_with_its_reasons_and_versions() -> None:
    (fact,) = domain.decide_route(DOCKET, FOUND, RULES, NOW)
    assert isinstance(fact, PetitionRouted)
    assert (Body.LABOR, 1, DecidedBy.MACHINE) == (fact.body, fact.transfer, fact.decided_by)
    assert [("拖欠工资", 4.035)] == [(reason.term, reason.weight) for reason in fact.reasons]
    assert ("lexicon-1", "catalogue-1") == (fact.rule_version, fact.catalogue_version)
    assert DOCKET.intake.due == fact.due


def test_the_area_that_the_petitioner_gave_goes_before_the_one_in_the_text() -> None:
    (given_area,) = domain.decide_route(DOCKET, FOUND, RULES, NOW)
    (from_text,) = domain.decide_route(replace(DOCKET, intake=domain.Intake(due=NOW)), FOUND, RULES, NOW)
    assert isinstance(given_area, PetitionRouted)
    assert isinstance(from_text, PetitionRouted)
    assert ("430102", "430111") == (given_area.area, from_text.area)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (replace(FOUND, sure=False), TriageReason.UNSURE),
        (replace(FOUND, body=None, sure=False), TriageReason.NO_BODY),
        (replace(FOUND, kind=Kind.REPORT), TriageReason.REPORT),
        (replace(FOUND, area=None), TriageReason.AREA_UNKNOWN),
    ],
)
def test_a_person_must_look_when_the_machine_is_not_sure_or_it_is_a_report(
    found: domain.Finding, why: TriageReason
) -> None:
    docket = replace(DOCKET, intake=domain.Intake(due=DOCKET.intake.due))
    (fact,) = domain.decide_route(docket, found, RULES, NOW)
    assert isinstance(fact, PetitionSentToTriage)
    assert (why, NOW + timedelta(days=2)) == (fact.why, fact.due)


def test_joint_handling_names_the_second_body_as_co_handler() -> None:
    (fact,) = domain.decide_route(DOCKET, replace(FOUND, joint=True), RULES, NOW)
    assert isinstance(fact, PetitionRouted)
    assert (Body.CONSTRUCTION,) == fact.co_handlers


@given(
    sure=st.booleans(),
    body=st.sampled_from([*Body, None]),
    kind=st.sampled_from(list(Kind)),
    confidence=st.floats(0, 1),
)
def test_every_petition_has_exactly_one_place_and_a_report_never_a_body(
    sure: bool, body: Body | None, kind: Kind, confidence: float
) -> None:
    found = replace(FOUND, sure=sure, body=body, kind=kind, confidence=confidence)
    facts = tuple(domain.decide_route(DOCKET, found, RULES, NOW))
    after = folded(DOCKET, facts)
    assert 1 == len(facts)
    assert (after.own.body is None) == (after.own.triage_due is not None)
    if kind is Kind.REPORT:
        assert after.own.body is None
    assert () == domain.decide_route(after, found, RULES, NOW), "decided once"


def test_nothing_is_decided_before_both_the_text_and_the_acceptance_are_there() -> None:
    without_text = replace(DOCKET, dossier=domain.Dossier())
    without_acceptance = replace(DOCKET, intake=domain.Intake())
    assert not domain.ready(without_text)
    assert not domain.ready(without_acceptance)
    assert () == domain.decide_route(without_acceptance, FOUND, RULES, NOW)


def in_triage(kind: Kind = Kind.REQUEST) -> domain.Docket:
    """A docket that waits for a person."""
    found = replace(FOUND, sure=False, kind=kind)
    return folded(DOCKET, tuple(domain.decide_route(DOCKET, found, RULES, NOW)))


@pytest.mark.parametrize("to", [*Body, *Office])
def test_a_persons_decision_ends_the_waiting(to: Body | Office) -> None:
    facts = domain.decide_triage(in_triage(), to, "router-1", RULES, NOW)
    assert isinstance(facts, tuple)
    after = folded(in_triage(), facts)
    assert after.own.triage_due is None
    if isinstance(to, Office):
        assert [PetitionReferred] == [type(fact) for fact in facts]
        assert (to, None) == (after.own.office, after.own.body)
    else:
        assert (to, 1) == (after.own.body, after.own.transfer)
    again = domain.decide_triage(after, to, "router-2", RULES, NOW)
    assert Refused("not-in-triage") == again


def test_reasons_are_kept_only_for_the_body_that_they_spoke_for() -> None:
    (same,) = _facts(domain.decide_triage(in_triage(), Body.LABOR, "r", RULES, NOW))
    (other,) = _facts(domain.decide_triage(in_triage(), Body.RURAL, "r", RULES, NOW))
    assert isinstance(same, PetitionRouted)
    assert isinstance(other, PetitionRouted)
    assert (1, 0) == (len(same.reasons), len(other.reasons))
    assert (Body.CONSTRUCTION, Body.LABOR) == (same.second, other.second)


def test_what_was_never_in_triage_cannot_be_decided_there() -> None:
    for docket in permutations([DOCKET, replace(DOCKET, intake=domain.Intake())], 1):
        assert Refused("not-in-triage") == domain.decide_triage(docket[0], Body.LABOR, "r", RULES, NOW)


def _facts(answer: object) -> tuple[Fact, ...]:
    assert isinstance(answer, tuple)
    return answer


def test_a_person_says_the_area_that_nobody_knows_before_it_goes_to_a_body() -> None:
    docket = replace(DOCKET, intake=domain.Intake(due=DOCKET.intake.due))
    docket = folded(docket, tuple(domain.decide_route(docket, replace(FOUND, area=None), RULES, NOW)))
    assert Refused("area-missing") == domain.decide_triage(docket, Body.LABOR, "r", RULES, NOW)
    corrected = domain.Corrected(area="430112")
    (fact,) = _facts(domain.decide_triage(docket, Body.LABOR, "r", RULES, NOW, corrected))
    assert isinstance(fact, PetitionRouted)
    assert "430112" == fact.area


def test_a_street_in_the_text_makes_the_petitions_own_area_narrower() -> None:
    (fact,) = domain.decide_route(DOCKET, replace(FOUND, area="430102013"), RULES, NOW)
    assert isinstance(fact, PetitionRouted)
    assert "430102013" == fact.area


URGENT = replace(FOUND, urgency=Urgency.LIFE, urgent_phrase="随时倒塌")


def test_what_cannot_wait_is_said_so_in_every_fact_about_its_place_until_its_text_says_otherwise() -> None:
    (routed,) = domain.decide_route(DOCKET, URGENT, RULES, NOW)
    (asked,) = domain.decide_route(DOCKET, replace(URGENT, sure=False), RULES, NOW)
    docket = folded(DOCKET, (asked,))
    (sent,) = _facts(domain.decide_triage(docket, Body.RURAL, "r", RULES, NOW))
    objected = folded(docket, (sent,))
    objected = folded(objected, tuple(domain.decide_objection(objected, objection(objected), RULES, NOW)))
    (_, back) = _facts(domain.decide_agreement(objected, None, "r", RULES, NOW))
    (anew,) = domain.decide_again(folded(DOCKET, (routed,)), replace(URGENT, body=Body.RURAL), RULES, NOW)
    for fact in (routed, asked, sent, back, anew):
        assert isinstance(fact, PetitionRouted | PetitionSentToTriage)
        assert (Urgency.LIFE, "随时倒塌") == (fact.urgency, fact.urgent_phrase)
    (calm,) = domain.decide_again(folded(DOCKET, (routed,)), replace(FOUND, body=Body.RURAL), RULES, NOW)
    assert folded(DOCKET, (routed, calm)).own.urgency is None


GRID = "43010200100107"


def test_a_grid_is_said_beside_its_community_wherever_the_petition_goes() -> None:
    registered = PetitionRegistered(
        at=NOW,
        channel=Channel.GRID,
        area=GRID[:12],
        grid=GRID,
        first_receiver="petition-office",
        dossier_sha256="0" * 64,
        request="1" * 64,
        payload="2" * 64,
        tell_by=NOW + timedelta(days=15),
    )
    docket = replace(DOCKET, intake=domain.evolve_intake(DOCKET.intake, registered))
    assert GRID == docket.intake.area
    found = replace(FOUND, area="430102001")
    (routed,) = domain.decide_route(docket, found, RULES, NOW)
    (asked,) = domain.decide_route(docket, replace(found, sure=False), RULES, NOW)
    waits = folded(docket, (asked,))
    (sent,) = _facts(domain.decide_triage(waits, Body.RURAL, "r", RULES, NOW))
    objected = folded(waits, (sent,))
    objected = folded(objected, tuple(domain.decide_objection(objected, objection(objected), RULES, NOW)))
    (_, back) = _facts(domain.decide_agreement(objected, None, "r", RULES, NOW))
    (anew,) = domain.decide_again(folded(docket, (routed,)), replace(found, body=Body.RURAL), RULES, NOW)
    doubtful = replace(found, body=Body.RURAL)
    (again,) = domain.decide_again(waits, doubtful, RULES, NOW)
    for fact in (routed, asked, sent, back, anew, again):
        assert isinstance(fact, PetitionRouted | PetitionSentToTriage)
        assert (GRID[:12], GRID) == (fact.area, fact.grid)
    assert GRID == folded(waits, (sent,)).own.area


def test_what_a_person_finds_to_be_a_report_of_wrongdoing_goes_to_no_body_either() -> None:
    found = domain.Corrected(kind=Kind.REPORT)
    refused = domain.decide_triage(in_triage(), Body.LABOR, "r", RULES, NOW, found)
    assert Refused("report-of-wrongdoing") == refused
    (fact,) = _facts(domain.decide_triage(in_triage(), Office.DISCIPLINE_INSPECTION, "r", RULES, NOW, found))
    assert isinstance(fact, PetitionReferred)
