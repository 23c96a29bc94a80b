"""补充: what is added may make it another matter; then it is routed anew, and the history says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.kinds import Kind, Outcome
from contracts.mediation import CaseConcluded
from contracts.routing import (
    Occasion,
    PetitionPutToConference,
    PetitionRouted,
    PetitionSentToTriage,
    TriageReason,
)
from services.routing import domain
from services.routing.domain import Place
from tests.routing.dockets import (
    FOUND,
    FRESH,
    NOW,
    RULES,
    did,
    in_conference,
    in_triage,
    returned,
    sent_on,
    told,
    with_body,
)

OTHER = replace(FOUND, body=Body.MEDICAL, second=Body.LABOR)
CONCLUDED = CaseConcluded(at=NOW, outcome=Outcome.EXPLAINED, by="m-1")


@pytest.mark.parametrize("docket", [with_body(), returned()])
def test_another_matter_goes_to_its_body_and_the_history_says_on_what_occasion(docket: domain.Docket) -> None:
    (fact,) = domain.decide_again(docket, OTHER, RULES, NOW)
    assert isinstance(fact, PetitionRouted)
    assert (Body.MEDICAL, Body.LABOR, 2) == (fact.body, fact.second, fact.transfer)
    assert (Occasion.SUPPLEMENTED, docket.intake.due) == (fact.occasion, fact.due), "no clock begins anew"
    after = told(docket, (fact,))
    assert [(Body.LABOR, None), (Body.MEDICAL, Occasion.SUPPLEMENTED)] == [
        (move.to, move.occasion) for move in after.own.history
    ]
    assert None is after.own.return_due
    assert () == domain.decide_again(after, OTHER, RULES, NOW), "once"


@pytest.mark.parametrize(
    "found",
    [FOUND, replace(OTHER, sure=False), replace(OTHER, body=None, sure=False)],
    ids=["same", "unsure", "none"],
)
def test_what_stays_the_same_matter_stays_where_it_is(found: domain.Finding) -> None:
    assert () == domain.decide_again(with_body(), found, RULES, NOW)


def test_what_a_person_had_before_him_when_he_decided_is_not_decided_again() -> None:
    docket = did(in_triage(), domain.decide_triage(in_triage(), Body.RURAL, "router-1", RULES, NOW))
    assert () == domain.decide_again(docket, FOUND, RULES, NOW), "he knew the machine's first choice"
    assert () != domain.decide_again(docket, OTHER, RULES, NOW)


@pytest.mark.parametrize("docket", [with_body(), in_triage()])
def test_what_becomes_a_report_of_wrongdoing_leaves_its_body_at_once(docket: domain.Docket) -> None:
    (fact,) = domain.decide_again(docket, replace(FOUND, kind=Kind.REPORT, sure=False), RULES, NOW)
    assert isinstance(fact, PetitionSentToTriage)
    assert (TriageReason.REPORT, Occasion.SUPPLEMENTED) == (fact.why, fact.occasion)
    after = told(docket, (fact,))
    assert (Place.TRIAGE, None) == (domain.place(after), domain.body_of(after))
    assert () == domain.decide_again(after, replace(FOUND, kind=Kind.REPORT), RULES, NOW)
    assert () == domain.decide_again(after, OTHER, RULES, NOW), "a report stays before a person"


def test_the_desk_sees_the_new_choice_in_the_time_that_it_had() -> None:
    (fact,) = domain.decide_again(in_triage(), OTHER, RULES, NOW + RULES.triage_within / 2)
    assert isinstance(fact, PetitionSentToTriage)
    assert (Body.MEDICAL, in_triage().own.triage_due) == (fact.first, fact.due)


def test_a_fourth_body_is_for_the_conference_to_decide() -> None:
    docket = sent_on(sent_on(with_body(), Body.RURAL), Body.FINANCE)
    (fact,) = domain.decide_again(docket, OTHER, RULES, NOW)
    assert isinstance(fact, PetitionPutToConference)


@pytest.mark.parametrize("docket", [FRESH, in_conference(), told(with_body(), (CONCLUDED,))])
def test_what_the_conference_has_or_has_its_outcome_stays(docket: domain.Docket) -> None:
    assert () == domain.decide_again(docket, OTHER, RULES, NOW)


def test_only_another_text_counts_as_changed() -> None:
    saved = DossierSaved(
        at=NOW, name="李某", phone="1", title="t", content="c", code_salt="s", code_hash="0" * 64
    )
    first = domain.evolve_dossier(domain.Dossier(), saved)
    later = saved.model_copy(update={"at": NOW + RULES.triage_within, "phone": "2"})
    other = later.model_copy(update={"content": "d"})
    assert (None, None) == (first.changed_at, domain.evolve_dossier(first, later).changed_at)
    assert other.at == domain.evolve_dossier(first, other).changed_at
