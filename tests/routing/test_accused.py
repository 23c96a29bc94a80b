"""检举控告: a report of wrongdoing goes to discipline inspection, and never to whoever is accused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.kinds import Kind
from contracts.routing import ConferenceGround, Office, PetitionReferred, PetitionRouted
from contracts.units import roster
from runtime.service import Refused
from services.routing import domain, joint
from services.routing.domain import Place
from tests.routing.dockets import NOW, RULES, did, facts, in_triage

REPORT = "举报教育局工作人员收受培训机构好处，对违规办学视而不见。"
WORKING = replace(RULES, joint=joint.read())


def report(content: str = REPORT) -> domain.Docket:
    return replace(in_triage(Kind.REPORT), dossier=domain.Dossier("举报", content))


@pytest.mark.parametrize("content", [REPORT, f"{REPORT}请纪委监察委查处。"])
def test_a_report_is_referred_to_discipline_inspection(content: str) -> None:
    docket = report(content)
    answer = domain.decide_triage(docket, Office.DISCIPLINE_INSPECTION, "router-1", RULES, NOW)
    assert [PetitionReferred] == [type(fact) for fact in facts(answer)]
    docket = did(docket, answer)
    assert (Place.DISCIPLINE, None) == (domain.place(docket), domain.body_of(docket))


@given(body=st.sampled_from(list(Body)), kind=st.sampled_from([None, Kind.REPORT]))
def test_no_body_gets_a_report(body: Body, kind: Kind | None) -> None:
    answer = domain.decide_triage(report(), body, "router-1", RULES, NOW, domain.Corrected(kind))
    assert isinstance(answer, Refused)


def test_what_a_person_finds_to_be_no_report_goes_to_a_body_but_not_to_the_one_that_it_names() -> None:
    for body, kind in ((Body.EDUCATION, Kind.REQUEST), (Body.EDUCATION, Kind.SUGGESTION)):
        answer = domain.decide_triage(report(), body, "router-1", RULES, NOW, domain.Corrected(kind))
        assert Refused("body-accused") == answer
    (fact,) = facts(
        domain.decide_triage(report(), Body.CONSUMER, "router-1", RULES, NOW, domain.Corrected(Kind.REQUEST))
    )
    assert isinstance(fact, PetitionRouted)
    assert (Body.CONSUMER, Kind.REQUEST) == (fact.body, fact.kind)


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ("举报某医院，卫健委不作为，包庇院长", Body.MEDICAL),
        ("實名舉報派出所民警索賄", Body.LITIGATION),
        ("举报劳动人事争议调处中心的人收钱办事", Body.LABOR),
        ("举报住建局干部", Body.REALESTATE),
        ("举报城 管 打人", Body.CONSTRUCTION),
    ],
)
def test_the_body_that_is_or_contains_the_accused_is_known_from_the_text(content: str, body: Body) -> None:
    assert body in domain.accused(report(content))


def test_the_petition_office_gets_no_report_about_itself() -> None:
    answer = domain.decide_triage(report("举报信访局干部"), Office.PETITION_OFFICE, "r", RULES, NOW)
    assert Refused("body-accused") == answer


def test_a_request_that_names_a_unit_accuses_nobody() -> None:
    docket = replace(in_triage(), dossier=domain.Dossier("请求", "请教育局帮忙解决入学问题"))
    assert frozenset() == domain.accused(docket)
    assert [PetitionRouted] == [
        type(f) for f in facts(domain.decide_triage(docket, Body.EDUCATION, "r", RULES, NOW))
    ]


def test_whoever_is_accused_neither_helps_nor_leads_nor_sits_in_the_conference() -> None:
    content = "举报交警与停车公司勾结，路边停车位乱收停车费，店铺没有生意，顾客走光。"
    docket = report(content)
    (fact,) = facts(
        domain.decide_triage(docket, Body.CONSUMER, "router-1", WORKING, NOW, domain.Corrected(Kind.REQUEST))
    )
    assert isinstance(fact, PetitionRouted)
    assert ("urban-management", "market-supervision", "street-office") == fact.co_handlers
    assert Refused("report-of-wrongdoing") == domain.decide_agenda(
        docket, ConferenceGround.SEVERAL_DEPARTMENTS, None, "router-1", RULES, NOW
    )
    docket = did(docket, (fact,))
    docket = did(
        docket,
        domain.decide_agenda(docket, ConferenceGround.SEVERAL_DEPARTMENTS, None, "router-1", RULES, NOW),
    )
    resolution = domain.Resolution(
        lead=Body.CONSUMER,
        helpers=("traffic-police",),
        finish_by=NOW + timedelta(days=9),
        follow_up_at=NOW + timedelta(days=5),
    )
    for asked in (resolution, replace(resolution, lead=Body.TRANSPORT, helpers=())):
        answer = domain.decide_resolution(docket, asked, "leader-1", RULES, NOW)
        assert Refused("body-accused") == answer


def test_every_body_is_led_by_some_unit_that_a_text_can_name() -> None:
    led = roster().bodies_of(frozenset(roster().units))
    assert set(Body) == led
