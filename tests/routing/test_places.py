"""Every petition is at any time at exactly one place, and replaying the facts gives the same place.

Routing and mediation run side by side here, as plain values; each hears the other's facts late, in order.
What people may try is a state machine: hypothesis looks for a way through it that breaks one of the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRated
from contracts.kinds import Kind, Outcome, ReturnReason, SessionKind
from contracts.mediation import CaseOpened, CaseReturned
from contracts.routing import (
    CommonPolicyApplied,
    ConferenceGround,
    FollowUp,
    Office,
    PetitionPutToConference,
    PetitionReferred,
    PetitionRouted,
    PetitionSentToTriage,
    ReturnGround,
    Tier,
)
from runtime.service import Refused
from services.mediation import domain as mediation
from services.mediation.deadlines import Terms
from services.mediation.handlers import hears
from services.routing import domain
from services.routing.domain import Place
from tests.routing.dockets import FOUND, FRESH, NOW, RULES, versions

TERMS = Terms()
HEARS: Any = hears(TERMS)
EVERYBODY = mediation.Asker("m-1", frozenset(Body))


@dataclass
class World:
    """One petition in both services, with the facts that are under way between them."""

    routing: domain.Docket = FRESH
    case: mediation.Docket = field(default_factory=lambda: mediation.Docket(FRESH.petition))
    to_routing: list[Fact] = field(default_factory=list)
    to_mediation: list[Fact] = field(default_factory=list)
    stated: list[Fact] = field(default_factory=list)
    cases: list[Fact] = field(default_factory=list)
    now: datetime = NOW

    def route(self, answer: Any) -> None:
        """Routing has decided."""
        for fact in () if isinstance(answer, Refused) else answer:
            self.routing = replace(self.routing, own=domain.evolve_own(self.routing.own, fact))
            self.stated.append(fact)
            self.to_mediation.append(fact)

    def mediate(self, answer: Any) -> None:
        """Mediation has decided."""
        for fact in () if isinstance(answer, Refused) else answer:
            self.case = replace(self.case, own=mediation.evolve_own(self.case.own, fact))
            self.cases.append(fact)
            self.to_routing.append(fact)

    def deliver_to_mediation(self) -> None:
        """Mediation hears the oldest fact that it has not heard."""
        if self.to_mediation:
            fact = self.to_mediation.pop(0)
            self.case = replace(self.case, routing=mediation.evolve_routing(self.case.routing, fact))
            if type(fact) in HEARS:
                self.mediate(HEARS[type(fact)](self.case, Heard(fact), self.now))

    def deliver_to_routing(self) -> None:
        """Routing hears the oldest fact that it has not heard."""
        if self.to_routing:
            fact = self.to_routing.pop(0)
            self.routing = replace(
                self.routing, mediation=domain.evolve_mediation(self.routing.mediation, fact)
            )
            if isinstance(fact, CaseReturned):
                self.route(domain.decide_objection(self.routing, fact, RULES, self.now))

    def settle(self) -> None:
        """Deliver all that is under way."""
        while self.to_mediation or self.to_routing:
            self.deliver_to_mediation()
            self.deliver_to_routing()


@dataclass(frozen=True)
class Heard:
    """What a handler gets."""

    fact: Any
    id: str = "x"


BODIES = st.sampled_from(list(Body))
MAYBE_BODIES = st.none() | BODIES
# What somebody tries: with a campaign's code where it is about one.
CAMPAIGNS = (
    domain.Campaign(
        code="wages-2026",
        name="欠薪集中攻坚",
        field="劳动报酬",
        begins=NOW - timedelta(days=1),
        ends=NOW + timedelta(days=3),
        by="leader-7",
        changed_at=NOW - timedelta(days=1),
        rule=domain.Rule(bodies=(Body.LABOR, Body.RURAL)),
    ),
    domain.Campaign(
        code="other-2026",
        name="另一次集中攻坚",
        field="其他",
        begins=NOW,
        ends=NOW + timedelta(days=90),
        by="leader-7",
        changed_at=NOW,
    ),
)
FINDINGS = st.builds(
    lambda body, sure, kind, area: replace(FOUND, body=body, sure=sure, kind=kind, area=area),
    BODIES,
    st.booleans(),
    st.sampled_from([Kind.REQUEST, *Kind]),
    st.sampled_from(["430102001", "43010200100107", "430103", None]),
)
CORRECTED = st.builds(
    domain.Corrected, st.none() | st.sampled_from(list(Kind)), st.sampled_from([None, "430103"])
)


TRIED: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "triage": {"to": BODIES | st.sampled_from(list(Office)), "corrected": CORRECTED},
    "agree": {"to": MAYBE_BODIES},
    "refuse": {},
    "agenda": {"why": st.sampled_from(list(ConferenceGround))},
    "resolve": {"lead": BODIES},
    "follow_up": {"done": st.booleans()},
    "escalate": {"tier": st.sampled_from(list(Tier))},
    "join": {"campaign": st.sampled_from(CAMPAIGNS)},
    "searched_by_rule": {"campaign": st.sampled_from(CAMPAIGNS)},
    "leave": {"campaign": st.sampled_from(CAMPAIGNS)},
    "settle_by_policy": {"campaign": st.sampled_from(CAMPAIGNS)},
    "give_back": {"reason": st.sampled_from(list(ReturnReason)), "suggested": MAYBE_BODIES},
    "accept": {},
    "meet": {},
    "conclude": {"outcome": st.sampled_from(list(Outcome))},
    "answer": {},
    "rate": {"score": st.integers(1, 5)},
    "supplement": {"found": FINDINGS},
    "routing_hears": {},
    "mediation_hears": {},
    "all_hear": {},
}


def resolution(lead: Body, now: datetime) -> domain.Resolution:
    """A decision of the conference."""
    return domain.Resolution(
        lead=lead,
        helpers=("street-office",),
        finish_by=now + timedelta(days=30),
        follow_up_at=now + timedelta(days=20),
    )


def order(campaign: str, now: datetime) -> domain.Order:
    """A leader's order to settle a campaign."""
    return domain.Order(
        f"{campaign}.1", "training-refund", 1, "5" * 64, Outcome.SUPPORTED, "leader-7", now, 1
    )


def begun(*, sure: bool, kind: Kind) -> World:
    """A petition whose first decision was made."""
    world = World()
    accepted = PetitionAccepted(at=NOW, due=NOW + timedelta(days=60))
    world.case = replace(world.case, intake=mediation.evolve_intake(world.case.intake, accepted))
    found = replace(FOUND, sure=sure, kind=kind)
    world.route(domain.decide_route(world.routing, found, RULES, NOW))
    return world


def read_again(fact: Fact) -> Fact:
    """The fact as a reader of the topic gets it."""
    return type(fact).model_validate_json(fact.data())


def own_places(own: domain.Routing) -> list[Place]:
    """The places that routing's own facts give a petition: there must be exactly one."""
    ended = own.office is Office.PETITION_OFFICE
    found = {
        Place.BODY: own.body is not None,
        Place.TRIAGE: own.triage_due is not None,
        Place.CONFERENCE: own.conference_due is not None,
        Place.DISCIPLINE: own.office is not None and not ended,
        Place.ENDED: ended,
    }
    return [place for place, there in found.items() if there]


def said(stated: list[Fact]) -> Place | None:
    """The place that the last moving fact names: told without routing's own fold."""
    offices = {Office.DISCIPLINE_INSPECTION: Place.DISCIPLINE, Office.PETITION_OFFICE: Place.ENDED}
    for fact in reversed(stated):
        match fact:
            case PetitionRouted():
                return Place.BODY
            case PetitionSentToTriage():
                return Place.TRIAGE
            case PetitionPutToConference():
                return Place.CONFERENCE
            case PetitionReferred():
                return offices[fact.office]
    return None


class Journey(RuleBasedStateMachine):
    """Everything that people and services may try on one petition, in any order, facts heard late."""

    world: World

    @initialize(sure=st.booleans(), kind=st.sampled_from([Kind.REQUEST, *Kind]))
    def begin(self, sure: bool, kind: Kind) -> None:
        """The first decision is made."""
        self.world = begun(sure=sure, kind=kind)

    def routes(self, decide: Callable[[domain.Docket, datetime], Any]) -> None:
        """Routing's staff or its classifier try something; what is routed may join a campaign at once."""
        docket, now = self.world.routing, self.world.now
        self.world.route(domain.with_rules(docket, decide(docket, now), CAMPAIGNS, RULES, now))

    def handles(self, decide: Callable[[mediation.Docket, datetime], Any]) -> None:
        """The body tries something."""
        self.world.mediate(decide(self.world.case, self.world.now))

    @property
    def own(self) -> domain.Routing:
        """What routing has stated."""
        return self.world.routing.own

    @property
    def case(self) -> mediation.Case:
        """What mediation has stated."""
        return self.world.case.own

    @rule(data=st.data())
    def whose_turn_it_is(self, data: st.DataObject) -> None:
        """Somebody does what is his to do now."""
        self.tries(data.draw(st.sampled_from([name for name, turn in TURN.items() if turn(self)])), data)

    @rule(name=st.sampled_from(sorted(TRIED)), data=st.data())
    def out_of_turn(self, name: str, data: st.DataObject) -> None:
        """Somebody tries what may not be his to do."""
        self.tries(name, data)

    def tries(self, name: str, data: st.DataObject) -> None:
        """Let somebody try something."""
        getattr(self, name)(**{of: data.draw(values) for of, values in TRIED[name].items()})

    def routing_hears(self) -> None:
        """Routing hears the oldest fact that it has not heard."""
        self.world.deliver_to_routing()

    def mediation_hears(self) -> None:
        """Mediation hears the oldest fact that it has not heard."""
        self.world.deliver_to_mediation()

    def all_hear(self) -> None:
        """All that is under way arrives."""
        self.world.settle()

    @rule(days=st.integers(1, 5))
    def time_passes(self, days: int) -> None:
        """Days go by, and the clock says what is late."""
        self.world.now += timedelta(days=days)
        self.handles(mediation.decide_overdue)

    def triage(self, to: Body | Office, corrected: domain.Corrected) -> None:
        """A person decides at the desk, and may put right what the machine thought."""
        self.routes(lambda docket, now: domain.decide_triage(docket, to, "r-1", RULES, now, corrected))

    def agree(self, to: Body | None) -> None:
        """The router agrees to an objection."""
        self.routes(lambda docket, now: domain.decide_agreement(docket, to, "r-1", RULES, now))

    def refuse(self) -> None:
        """The router refuses an objection."""
        self.routes(
            lambda docket, now: domain.decide_refusal(docket, ReturnGround.NO_GROUNDS, "r-1", RULES, now)
        )

    def agenda(self, why: ConferenceGround) -> None:
        """Somebody puts it before the joint conference."""
        self.routes(lambda docket, now: domain.decide_agenda(docket, why, None, "r-1", RULES, now))

    def resolve(self, lead: Body) -> None:
        """The joint conference decides."""
        self.routes(
            lambda docket, now: domain.decide_resolution(docket, resolution(lead, now), "l-1", RULES, now)
        )

    def follow_up(self, done: bool) -> None:
        """The conference's office looks again."""
        result = FollowUp.DONE if done else FollowUp.UNDER_WAY
        self.routes(
            lambda docket, now: domain.decide_follow_up(
                docket, result, None if done else now + timedelta(days=3), "o-1", RULES, now
            )
        )

    def escalate(self, tier: Tier) -> None:
        """The matter goes up a tier."""
        self.routes(lambda docket, now: domain.decide_escalation(docket, tier, "r-1", RULES, now))

    def supplement(self, found: domain.Finding) -> None:
        """The petitioner adds something, and the classifier reads the whole again."""
        self.routes(lambda docket, now: domain.decide_again(docket, found, RULES, now))

    def join(self, campaign: domain.Campaign) -> None:
        """A person takes it into a campaign."""
        self.routes(lambda docket, now: domain.decide_join(docket, campaign, "r-1", RULES, now))

    def searched_by_rule(self, campaign: domain.Campaign) -> None:
        """A campaign's rule is tried on it."""
        self.routes(lambda docket, now: domain.decide_rule(docket, campaign, RULES, now))

    def leave(self, campaign: domain.Campaign) -> None:
        """A person takes it out of its campaign."""
        self.routes(lambda docket, now: domain.decide_leave(docket, campaign.code, "r-1", RULES, now))

    def settle_by_policy(self, campaign: domain.Campaign) -> None:
        """A common policy is applied."""
        code = campaign.code
        self.routes(lambda docket, now: domain.decide_policy(docket, code, order(code, now), RULES, now))

    def give_back(self, reason: ReturnReason, suggested: Body | None) -> None:
        """The body objects."""
        self.handles(lambda case, now: mediation.decide_return(case, EVERYBODY, reason, suggested, now))

    def accept(self) -> None:
        """The body takes it up."""
        self.handles(lambda case, now: mediation.decide_acceptance(case, EVERYBODY, "", now))

    def meet(self) -> None:
        """The body holds a session."""
        session = mediation.Session(SessionKind.MEDIATION, participants=3)
        self.handles(lambda case, now: mediation.decide_session(case, EVERYBODY, session, now))

    def conclude(self, outcome: Outcome) -> None:
        """The body comes to an outcome."""
        self.handles(
            lambda case, now: mediation.decide_conclusion(case, EVERYBODY, outcome, agreement=False, now=now)
        )

    def answer(self) -> None:
        """The body answers."""
        self.handles(lambda case, now: mediation.decide_answer(case, EVERYBODY, TERMS, now))

    def rate(self, score: int) -> None:
        """The petitioner rates."""
        rated = PetitionRated(at=self.world.now, score=score)
        case = self.world.case
        self.world.case = replace(case, intake=mediation.evolve_intake(case.intake, rated))
        self.handles(mediation.decide_rating)

    @invariant()
    def it_is_at_exactly_one_place(self) -> None:
        """Exactly one place, and what stands beside it fits."""
        own, here = self.world.routing.own, domain.place(self.world.routing)
        (place,) = own_places(own)
        settled = domain.is_settled(self.world.routing)
        assert here is place or (settled and here in {Place.BODY, Place.ENDED})
        assert place is said(self.world.stated), "it is where the last fact that moved it says"
        assert place is own.history[-1].place, "the history ends where the petition is"
        assert (here is Place.BODY) == (domain.body_of(self.world.routing) is not None)
        assert own.return_due is None or own.body is not None
        assert own.body is None or own.kind is not Kind.REPORT, "no report of wrongdoing is with a body"

    @invariant()
    def no_rule_of_the_way_is_broken(self) -> None:
        """What else must hold wherever it is."""
        own = self.world.routing.own
        assert all(("lexicon-1", "catalogue-1") == versions(fact) for fact in self.world.stated)
        assert own.transfer <= RULES.most_transfers or own.item is not None, (
            "no fourth body but by the conference"
        )
        of = own.membership
        assert of.with_body == (own.body is not None)
        assert of.free == (of.with_body and not of.campaign and not of.settled)
        assert sum(isinstance(fact, CommonPolicyApplied) for fact in self.world.stated) <= 1

    def teardown(self) -> None:
        """Replay gives the same, and both services agree who has it once all is heard."""
        if hasattr(self, "world"):
            replays(self.world)
            agree(self.world)


def replays(world: World) -> None:
    """Folding the facts again, as they stand in the topics, gives the same docket and the same place."""
    replayed = FRESH
    for fact in world.stated:
        replayed = replace(replayed, own=domain.evolve_own(replayed.own, read_again(fact)))
    for fact in world.cases[: len(world.cases) - len(world.to_routing)]:
        replayed = replace(replayed, mediation=domain.evolve_mediation(replayed.mediation, read_again(fact)))
    assert world.routing == replayed
    assert domain.place(world.routing) == domain.place(replayed)


def agree(world: World) -> None:
    """Once all is heard, both services say the same of who has it."""
    world.settle()
    case, place = world.case.own, domain.place(world.routing)
    handed = case.state in {None, mediation.State.HANDED_BACK}
    match place:
        case Place.BODY:
            assert (domain.body_of(world.routing), False) == (case.body, handed)
        case Place.ENDED:
            assert handed or case.answered_at is not None
        case _:
            assert handed, (place, case.state)
    assert (world.routing.own.return_due is not None) == (case.state is mediation.State.RETURNED)
    routed = [fact for fact in world.stated if isinstance(fact, PetitionRouted)]
    assert [fact.transfer for fact in routed] == list(range(1, len(routed) + 1)), "no transfer is skipped"
    assert all(isinstance(fact, CaseOpened) for fact in world.cases[:1])


# When it is somebody's turn: what is tried mostly, or few petitions would ever come to an outcome.
TURN: dict[str, Callable[[Journey], bool]] = {
    "all_hear": lambda _: True,
    "routing_hears": lambda one: bool(one.world.to_routing),
    "mediation_hears": lambda one: bool(one.world.to_mediation),
    "supplement": lambda one: not one.own.item,
    "triage": lambda one: one.own.triage_due is not None,
    "agree": lambda one: one.own.return_due is not None,
    "refuse": lambda one: one.own.return_due is not None,
    "resolve": lambda one: one.own.conference_due is not None,
    "follow_up": lambda one: one.own.follow_up_at is not None,
    "join": lambda one: one.own.membership.free,
    "searched_by_rule": lambda one: one.own.membership.free,
    "leave": lambda one: bool(one.own.membership.campaign),
    "settle_by_policy": lambda one: bool(one.own.membership.campaign),
    "give_back": lambda one: one.case.state is mediation.State.OPENED,
    "accept": lambda one: one.case.state is mediation.State.OPENED,
    "meet": lambda one: one.case.state is mediation.State.ACCEPTED,
    "conclude": lambda one: one.case.state is mediation.State.ACCEPTED,
    "answer": lambda one: one.case.state is mediation.State.CONCLUDED,
    "rate": lambda one: one.case.state is mediation.State.ANSWERED,
}

Journey.TestCase.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
TestEveryPetitionIsAlwaysAtExactlyOnePlace = Journey.TestCase

FEW = settings(
    max_examples=400, stateful_step_count=40, deadline=None, phases=[Phase.generate], derandomize=True
)


def keeps_its_old_place(part: domain.Routing, fact: Fact) -> domain.Routing:
    """A fold that leaves a petition at the desk when it goes to the conference."""
    folded = FOLD(part, fact)
    return (
        replace(folded, triage_due=part.triage_due) if isinstance(fact, PetitionPutToConference) else folded
    )


def forgets_a_referral(part: domain.Routing, fact: Fact) -> domain.Routing:
    """A fold that does not know one of the facts that move a petition."""
    return part if isinstance(fact, PetitionReferred) else FOLD(part, fact)


def is_not_read_from_the_wire(part: domain.Routing, fact: Fact) -> domain.Routing:
    """A fold that goes by what the topic does not carry: the very object that was stated."""
    folded = FOLD(part, fact)
    if isinstance(fact, PetitionRouted) and "grid" not in fact.model_fields_set:
        return replace(folded, area=None)
    return folded


FOLD = domain.evolve_own


@pytest.mark.parametrize("planted", [keeps_its_old_place, forgets_a_referral, is_not_read_from_the_wire])
def test_a_fault_in_the_fold_is_found_out(
    monkeypatch: pytest.MonkeyPatch, planted: Callable[[domain.Routing, Fact], domain.Routing]
) -> None:
    monkeypatch.setattr(domain, "evolve_own", planted)
    with pytest.raises((AssertionError, ValueError)):
        run_state_machine_as_test(Journey, settings=FEW)


@pytest.mark.parametrize("lost", ["with_rules", "decide_again"])
def test_a_fault_in_a_decision_is_found_out(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """A decision that sends a petition on without counting its bodies."""
    decide = getattr(domain, lost)

    def uncounted(*asked: Any) -> Any:
        answer = decide(*asked)
        return (
            answer
            if isinstance(answer, Refused)
            else tuple(
                fact.model_copy(update={"transfer": 1}) if isinstance(fact, PetitionRouted) else fact
                for fact in answer
            )
        )

    monkeypatch.setattr(domain, lost, uncounted)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Journey, settings=FEW)


def with_labor() -> Journey:
    """A petition that a body has, as everybody has heard."""
    journey = Journey()
    journey.world = begun(sure=True, kind=Kind.REQUEST)
    journey.world.settle()
    return journey


def test_an_outcome_that_meets_the_conference_half_way_stays_with_its_body() -> None:
    journey = with_labor()
    world = journey.world
    journey.accept()
    journey.conclude(Outcome.EXPLAINED)
    journey.agenda(ConferenceGround.BODIES_DISAGREE)  # before routing has heard of the outcome
    assert Place.CONFERENCE == domain.place(world.routing)
    world.settle()
    assert (Place.BODY, Body.LABOR) == (domain.place(world.routing), domain.body_of(world.routing))
    assert mediation.State.CONCLUDED == world.case.own.state
    journey.answer()
    world.settle()
    assert Place.ENDED == domain.place(world.routing)
    journey.resolve(Body.RURAL)
    assert Body.LABOR == world.case.own.body, "nothing is decided about it any more"
    assert Place.ENDED == domain.place(world.routing)


def test_an_objection_that_meets_a_new_place_half_way_is_no_objection_any_more() -> None:
    journey = with_labor()
    world = journey.world
    journey.agenda(ConferenceGround.BODIES_DISAGREE)
    journey.give_back(ReturnReason.NOT_OUR_MATTER, None)  # before mediation has heard of the conference
    world.settle()
    assert (Place.CONFERENCE, None) == (domain.place(world.routing), world.routing.own.return_due)
    assert mediation.State.HANDED_BACK == world.case.own.state
