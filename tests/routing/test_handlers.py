"""Each handler: first delivery; second delivery changes nothing; failure, then redelivery succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts import topics
from contracts.bodies import Body
from contracts.dossiers import DossierSaved
from contracts.envelope import digest, read, seal
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Channel, ReturnReason
from contracts.mediation import CaseOpened, CaseReturned
from contracts.routing import PetitionRouted, ReturnReceived
from runtime.consume import guarded
from runtime.draft import Delivery, Draft, Outcome
from runtime.record import empty
from services.routing import app, domain
from services.routing.classifier import load
from services.routing.handlers import Handlers

NOW = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
PETITION = PetitionId("07X3M-CC8K0-0CV76")
RULES = domain.Rules("lexicon-1", "catalogue-1", timedelta(days=2))
LEXICON = load()
DOSSIER = DossierSaved(
    at=NOW,
    name="李某",
    phone="13800000000",
    title="工地拖欠农民工工资",
    content="包工头拖欠工资半年，多次讨薪没有结果，请求支付劳动报酬。",
    code_salt="s",
    code_hash="0" * 64,
)
REGISTERED = PetitionRegistered(
    at=NOW,
    channel=Channel.NETWORK,
    area="430102",
    first_receiver="petition-office",
    dossier_sha256="0" * 64,
    request="1" * 64,
    payload="2" * 64,
    tell_by=NOW,
)
ACCEPTED = PetitionAccepted(at=NOW, due=NOW + timedelta(days=60))


class Classifier:
    """The real classifier, which is always sure here and can be made to fail."""

    broken = False

    def __call__(self, title: str, content: str) -> domain.Finding:
        """Find, or raise."""
        if self.broken:
            raise ZeroDivisionError
        return replace(app.finder(LEXICON, title, content), sure=True)


def draft(classifier: Classifier) -> Draft:
    """An empty docket of routing."""
    service = app.service(Handlers(classifier, lambda: RULES))
    return Draft(empty(PETITION, service), service, guarded)


def deliveries(topic: topics.Topic, facts: Sequence[Fact]) -> list[Delivery]:
    """The facts as they come from their topic."""
    found, previous = [], None
    for ordinal, fact in enumerate(facts, start=1):
        value = seal(
            fact, petition=PETITION, ordinal=ordinal, previous=previous, cause=None, traceparent=None
        )
        previous = digest(value)
        found.append(Delivery(topic.name, 0, ordinal, value, read(value)))
    return found


def orders() -> list[list[Delivery]]:
    """Every order in which the two streams may arrive."""
    dossier = deliveries(topics.DOSSIERS, [DOSSIER])
    intake = deliveries(topics.INTAKE, [REGISTERED, ACCEPTED])
    return [[*dossier, *intake], [*intake, *dossier], [intake[0], *dossier, intake[1]]]


@pytest.mark.parametrize("order", range(3))
def test_first_delivery_routes_once_in_whichever_order_the_streams_arrive(order: int) -> None:
    docket = draft(Classifier())
    outcomes = [docket.hear(delivery, NOW) for delivery in orders()[order]]
    assert {Outcome.APPLIED} == set(outcomes)
    (fact,) = docket.facts
    assert isinstance(fact, PetitionRouted)
    assert "labor" == fact.body


@pytest.mark.parametrize("order", range(3))
def test_second_delivery_changes_nothing(order: int) -> None:
    docket = draft(Classifier())
    for delivery in orders()[order]:
        docket.hear(delivery, NOW)
    before = (dict(docket.parts), dict(docket.marks), list(docket.new))
    outcomes = [docket.hear(delivery, NOW) for delivery in orders()[order]]
    assert before == (docket.parts, docket.marks, docket.new)
    assert {Outcome.HEARD} == set(outcomes)


@pytest.mark.parametrize("order", range(3))
def test_failure_parks_and_redelivery_after_the_fix_routes(order: int) -> None:
    classifier = Classifier()
    classifier.broken = True
    docket = draft(classifier)
    for delivery in orders()[order]:
        docket.hear(delivery, NOW)
    assert docket.parked is not None
    assert not docket.facts
    classifier.broken = False
    assert Outcome.APPLIED == docket.redrive(NOW)
    assert [PetitionRouted] == [type(fact) for fact in docket.facts]


SUPPLEMENTED = DOSSIER.model_copy(
    update={
        "at": NOW + timedelta(days=1),
        "title": "孩子入学",
        "content": "孩子今年小升初，学校不让报名入学，请教育局帮助解决入学学位问题。",
    }
)


def routed_once(classifier: Classifier) -> tuple[Draft, Delivery]:
    """A petition that is with a body, and the message that makes another matter of it."""
    docket = draft(classifier)
    for delivery in orders()[1]:
        docket.hear(delivery, NOW)
    assert [PetitionRouted] == [type(fact) for fact in docket.facts]
    return docket, deliveries(topics.DOSSIERS, [DOSSIER, SUPPLEMENTED])[1]


def test_a_supplement_is_looked_at_once_when_it_is_delivered_twice() -> None:
    docket, supplement = routed_once(Classifier())
    assert Outcome.APPLIED == docket.hear(supplement, NOW)
    _, again = docket.facts
    assert isinstance(again, PetitionRouted)
    assert ("education", 2, "supplemented") == (again.body, again.transfer, again.occasion)
    before = (dict(docket.parts), dict(docket.marks), list(docket.new))
    assert Outcome.HEARD == docket.hear(supplement, NOW)
    assert before == (docket.parts, docket.marks, docket.new)


def test_a_supplement_that_failed_is_looked_at_when_it_is_replayed() -> None:
    classifier = Classifier()
    docket, supplement = routed_once(classifier)
    classifier.broken = True
    docket.hear(supplement, NOW)
    assert docket.parked is not None
    classifier.broken = False
    assert Outcome.APPLIED == docket.redrive(NOW)
    assert ["labor", "education"] == [fact.body for fact in docket.facts if isinstance(fact, PetitionRouted)]


def with_case(classifier: Classifier) -> tuple[Draft, Delivery]:
    """A petition whose body has opened a case and objects."""
    docket = draft(classifier)
    for delivery in orders()[1]:
        docket.hear(delivery, NOW)
    opened = CaseOpened(at=NOW, body=Body.LABOR, transfer=1, accept_by=NOW, due=NOW)
    returned = CaseReturned(
        at=NOW, body=Body.LABOR, transfer=1, reason=ReturnReason.NOT_OUR_MATTER, return_by=NOW, by="m-1"
    )
    first, second = deliveries(topics.MEDIATION, [opened, returned])
    docket.hear(first, NOW)
    return docket, second


def test_an_objection_is_laid_before_the_router_once_when_it_is_delivered_twice() -> None:
    docket, objection = with_case(Classifier())
    assert Outcome.APPLIED == docket.hear(objection, NOW)
    assert [PetitionRouted, ReturnReceived] == [type(fact) for fact in docket.facts]
    before = (dict(docket.parts), dict(docket.marks), list(docket.new))
    assert Outcome.HEARD == docket.hear(objection, NOW)
    assert before == (docket.parts, docket.marks, docket.new)
