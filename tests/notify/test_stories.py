"""What notify keeps of the persons behind a petition, and of who has its case."""

from __future__ import annotations

from contracts.bodies import Body
from contracts.dossiers import DossierSaved, Person, Role
from contracts.fact import Fact
from contracts.mediation import CaseAccepted, CaseHandedBack, CaseOpened, CaseOverdue, Step
from contracts.topics import DOSSIERS
from services.notify.stories import Contact, Story, evolve_dossier, evolve_story
from tests.notify.journey import TOLD, Journey, fact_of

SPEAKER = Person(key="r1", role=Role.REPRESENTATIVE, name="沈一帆", phone="13800001001")
SECOND = Person(key="r2", role=Role.REPRESENTATIVE, name="白露", phone="138 0000 1002")
SIGNER = Person(key="c1", role=Role.CO_SIGNER, name="何田", phone="13800002001")
SAVED = fact_of(DossierSaved, phone="13800138000", others=(SIGNER, SPEAKER, SECOND))


def story(*facts: Fact) -> Story:
    """The fold of these facts."""
    part = Story()
    for fact in facts:
        part = evolve_story(part, fact)
    return part


def last(*facts: Fact) -> dict[str, str]:
    """What the last of these facts offers."""
    return story(*facts).tellings[-1].values


def test_numbers_are_kept_by_keys_and_nothing_else_of_the_persons() -> None:
    contact = evolve_dossier(Contact(), SAVED)
    others = {"c1": "13800002001", "r1": "13800001001", "r2": "138 0000 1002"}
    assert contact == Contact("13800138000", others, "+8613800138000")


def test_the_tombstone_takes_everybody_s_number() -> None:
    journey = Journey()
    journey.tell(SAVED)
    assert 3 == len(journey.docket.dossier.others)
    journey.erase(DOSSIERS)
    assert Contact() == journey.docket.dossier


def test_a_dossier_of_before_there_were_others_is_read_as_it_was() -> None:
    saved = evolve_dossier(Contact(), fact_of(DossierSaved, phone="13800138000"))
    assert saved == Contact("13800138000", e164="+8613800138000")


def test_who_handles_a_case_is_known_until_it_is_handed_back() -> None:
    opened, accepted = TOLD[CaseOpened], fact_of(CaseAccepted, handler="zhang.wei")
    assert "zhang.wei" == story(opened, accepted).handler
    assert "" == story(opened, accepted, TOLD[CaseHandedBack]).handler
    assert "" == story(opened, accepted, TOLD[CaseHandedBack], fact_of(CaseOpened, body=Body.RURAL)).handler


def test_an_overdue_step_says_which_and_whose() -> None:
    overdue = fact_of(CaseOverdue, step=Step.FINISH)
    told = last(TOLD[CaseOpened], fact_of(CaseAccepted, handler="zhang.wei"), overdue)
    assert ("finish", "zhang.wei") == (told["step"], told["handler"])
    assert "handler" not in last(TOLD[CaseOpened], fact_of(CaseOverdue, step=Step.ACCEPT))


def test_a_handler_is_told_until_when_his_case_runs() -> None:
    opened = TOLD[CaseOpened]
    assert isinstance(opened, CaseOpened)
    assert opened.due.isoformat() == last(opened, TOLD[CaseAccepted])["due"]
