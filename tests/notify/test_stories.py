"""What notify keeps of the persons behind a petition, and of who has its case."""

from __future__ import annotations

from contracts.bodies import Body
from contracts.dossiers import DossierSaved, Person, Role
from contracts.fact import Fact
from contracts.mediation import CaseAccepted, CaseHandedBack, CaseOpened, CaseOverdue, Step
from contracts.topics import DOSSIERS
from services.notify.notices import Audience
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


def test_each_audience_has_its_people_in_the_order_in_which_they_came() -> None:
    contact = evolve_dossier(Contact(), SAVED)
    assert {"": "13800138000"} == contact.people(Audience.PETITIONER)
    assert ["r1", "r2"] == list(contact.people(Audience.REPRESENTATIVES))
    assert {"c1": "13800002001"} == contact.people(Audience.CO_SIGNERS)
    assert {} == contact.people(Audience.HANDLER) == contact.people(Audience.SUPERIOR)
    many = Contact("", {f"c{number}": f"138000{number:05}" for number in (10, 2, 1)})
    assert ["c1", "c2", "c10"] == list(many.people(Audience.CO_SIGNERS))


def test_one_telephone_is_told_once_whoever_gave_it() -> None:
    others = (
        SPEAKER.model_copy(update={"phone": "+86 138-0013-8000"}),
        SECOND,
        SIGNER.model_copy(update={"phone": "13800001002"}),
    )
    contact = evolve_dossier(Contact(), fact_of(DossierSaved, phone="13800138000", others=others))
    assert ["r2"] == list(contact.people(Audience.REPRESENTATIVES))
    assert {} == contact.people(Audience.CO_SIGNERS)


def test_an_unusable_number_stays_so_that_staff_see_whom_no_sms_reaches() -> None:
    contact = Contact("无", {"r1": "0731-85555555"})
    assert {"": "无"} == contact.people(Audience.PETITIONER)
    assert {"r1": "0731-85555555"} == contact.people(Audience.REPRESENTATIVES)


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
