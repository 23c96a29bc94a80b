"""协同办理: one lead, the departments that its matter needs, and the street's office."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.bodies import Body
from contracts.routing import PetitionRouted
from contracts.units import roster
from services.routing import domain, joint
from services.routing.joint import JointError, JointRules
from tests.routing.dockets import FOUND, FRESH, NOW, RULES, did, facts, in_triage, returned

SHIPPED = joint.read()
PARKING = "我们在这条路上开店，路边停车位太少，顾客没有地方停车，停车收费又高，影响生意。"
WORKING = replace(RULES, joint=SHIPPED)


def with_text(content: str) -> domain.Docket:
    return replace(FRESH, dossier=domain.Dossier("反映问题", content))


def test_parking_before_shops_needs_four_departments_and_the_street() -> None:
    docket = with_text(PARKING)
    found = replace(FOUND, body=Body.TRANSPORT, second=Body.CONSUMER)
    (fact,) = domain.decide_route(docket, found, WORKING, NOW)
    assert isinstance(fact, PetitionRouted)
    helpers = ("urban-management", "market-supervision", "traffic-police", "street-office")
    assert (Body.TRANSPORT, helpers, True) == (fact.body, fact.co_handlers, fact.joint)


@pytest.mark.parametrize(
    ("area", "office"),
    [
        ("430121001", "street-430121001"),
        ("430121001005", "street-430121001"),
        ("430121", "street-office"),
        (None, "street-office"),
    ],
)
def test_the_streets_office_is_named_where_the_street_is_known(area: str | None, office: str) -> None:
    assert office == SHIPPED.helpers(PARKING, Body.TRANSPORT, area)[-1]


def test_the_same_words_in_traditional_characters_and_full_width_need_the_same() -> None:
    said = "我們在路邊開店，停　車位太少，顧客沒有地方停車"
    assert "traffic-police" in SHIPPED.helpers(said, Body.TRANSPORT, None)


@pytest.mark.parametrize("lead", [Body.LABOR, Body.MEDICAL])
def test_nobody_helps_where_no_rule_speaks_of_the_lead(lead: Body) -> None:
    assert () == SHIPPED.helpers(PARKING, lead, "430121")


def test_a_person_who_sends_it_elsewhere_gets_the_helpers_of_that_lead() -> None:
    docket = replace(in_triage(), dossier=domain.Dossier("停车", PARKING))
    (fact,) = facts(domain.decide_triage(docket, Body.TRANSPORT, "router-1", WORKING, NOW))
    assert isinstance(fact, PetitionRouted)
    assert "traffic-police" in fact.co_handlers
    again = did(returned(), ())
    again = replace(again, dossier=docket.dossier)
    _, routed = facts(domain.decide_agreement(again, Body.TRANSPORT, "router-1", WORKING, NOW))
    assert isinstance(routed, PetitionRouted)
    assert "street-office" in routed.co_handlers


def test_every_helper_that_a_rule_names_has_a_name() -> None:
    names = {roster().name(unit) for rule in SHIPPED.rules for unit in rule.units}
    assert names
    assert all("\u4e00" <= name[0] <= "\u9fff" for name in names)
    assert isinstance(SHIPPED, JointRules)


RULE = """version = "1"
[[rule]]
name = "one"
bodies = ["transport"]
words = [["停车"]]
units = ["traffic-police"]
street = true
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RULE.replace("transport", "nobody"), "one: nobody is no body"),
        (RULE.replace("traffic-police", "nobody"), "one: nobody is no unit"),
        (RULE.replace('[["停车"]]', "[]"), "would apply to everything"),
        (RULE.replace("停车", "停車"), "停車 is never found"),
        (RULE.replace("street = true", ""), "a rule has"),
        (RULE + "x", "rules.toml"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    (file := tmp_path / "rules.toml").write_text(text, "utf-8")
    with pytest.raises(JointError, match=told):
        joint.read(file)
