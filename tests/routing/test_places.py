"""Every petition is at any time at exactly one place, and replaying the facts gives the same place.

Routing and mediation run side by side here, as plain values; each hears the other's facts late, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.intake import PetitionAccepted
from contracts.kinds import Kind, Outcome, ReturnReason
from contracts.mediation import CaseOpened, CaseReturned
from contracts.routing import (
    ConferenceGround,
    FollowUp,
    Office,
    PetitionRouted,
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
HEARING = st.tuples(st.just("hear"), st.sampled_from(["routing", "mediation", "both"]))
# Hearing and the body's steps come more often, or few petitions would ever come to an outcome.
ACTIONS = st.one_of(
    *[HEARING] * 5,
    *[st.tuples(st.sampled_from(["accept", "conclude", "object", "agenda"]), st.none())] * 3,
    st.tuples(st.just("triage"), st.one_of(BODIES, st.sampled_from(list(Office)))),
    st.tuples(st.just("object"), st.one_of(BODIES, st.none())),
    st.tuples(st.just("agree"), st.one_of(BODIES, st.none())),
    st.tuples(st.just("refuse"), st.none()),
    st.tuples(st.just("resolve"), BODIES),
    st.tuples(st.just("follow-up"), st.booleans()),
    st.tuples(
        st.just("supplement"),
        st.builds(
            lambda body, sure, kind: replace(FOUND, body=body, sure=sure, kind=kind),
            BODIES,
            st.booleans(),
            st.sampled_from(list(Kind)),
        ),
    ),
    st.tuples(st.just("escalate"), st.sampled_from(list(Tier))),
    st.tuples(st.just("answer"), st.none()),
    st.tuples(st.just("wait"), st.none()),
)


def resolution(lead: Body, now: datetime) -> domain.Resolution:
    """A decision of the conference."""
    return domain.Resolution(
        lead=lead,
        helpers=("street-office",),
        finish_by=now + timedelta(days=30),
        follow_up_at=now + timedelta(days=20),
    )


# What routing's staff try: on the docket, with what was drawn, at a time.
ROUTERS: dict[str, Callable[[domain.Docket, Any, datetime], Any]] = {
    "triage": lambda docket, to, now: domain.decide_triage(docket, to, "r-1", RULES, now),
    "agree": lambda docket, to, now: domain.decide_agreement(docket, to, "r-1", RULES, now),
    "refuse": lambda docket, _, now: domain.decide_refusal(
        docket, ReturnGround.NO_GROUNDS, "r-1", RULES, now
    ),
    "agenda": lambda docket, _, now: domain.decide_agenda(
        docket, ConferenceGround.BODIES_DISAGREE, None, "r-1", RULES, now
    ),
    "resolve": lambda docket, lead, now: domain.decide_resolution(
        docket, resolution(lead, now), "l-1", RULES, now
    ),
    "follow-up": lambda docket, done, now: domain.decide_follow_up(
        docket,
        FollowUp.DONE if done else FollowUp.UNDER_WAY,
        None if done else now + timedelta(days=3),
        "o-1",
        RULES,
        now,
    ),
    "supplement": lambda docket, found, now: domain.decide_again(docket, found, RULES, now),
    "escalate": lambda docket, tier, now: domain.decide_escalation(docket, tier, "r-1", RULES, now),
}
# What the bodies try.
MEDIATORS: dict[str, Callable[[mediation.Docket, Any, datetime], Any]] = {
    "object": lambda case, to, now: mediation.decide_return(
        case, EVERYBODY, ReturnReason.NOT_OUR_MATTER, to, now
    ),
    "accept": lambda case, _, now: mediation.decide_acceptance(case, EVERYBODY, "", now),
    "conclude": lambda case, _, now: mediation.decide_conclusion(
        case, EVERYBODY, Outcome.EXPLAINED, agreement=False, now=now
    ),
    "answer": lambda case, _, now: mediation.decide_answer(case, EVERYBODY, TERMS, now),
}


def act(world: World, action: str, drawn: Any) -> None:
    """Let somebody try something; most of it is refused most of the time."""
    if action in ROUTERS:
        world.route(ROUTERS[action](world.routing, drawn, world.now))
    elif action in MEDIATORS:
        world.mediate(MEDIATORS[action](world.case, drawn, world.now))
    elif action == "wait":
        world.now += timedelta(days=1)
    else:
        if drawn != "mediation":
            world.deliver_to_routing()
        if drawn != "routing":
            world.deliver_to_mediation()


def begun(*, sure: bool, kind: Kind) -> World:
    """A petition whose first decision was made."""
    world = World()
    accepted = PetitionAccepted(at=NOW, due=NOW + timedelta(days=60))
    world.case = replace(world.case, intake=mediation.evolve_intake(world.case.intake, accepted))
    found = replace(FOUND, sure=sure, kind=kind)
    world.route(domain.decide_route(world.routing, found, RULES, NOW))
    return world


def check(world: World) -> None:
    """The petition is at exactly one place."""
    own = world.routing.own
    places = [own.body, own.triage_due, own.conference_due, own.office]
    assert 1 == sum(place is not None for place in places), places
    assert domain.place(world.routing) is not None
    assert (domain.place(world.routing) is Place.BODY) == (domain.body_of(world.routing) is not None)
    assert own.return_due is None or own.body is not None
    assert all(("lexicon-1", "catalogue-1") == versions(fact) for fact in world.stated)
    assert own.transfer <= RULES.most_transfers or own.item is not None, (
        "no fourth body but by the conference"
    )


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.sampled_from(list(Kind)), st.lists(ACTIONS, max_size=30))
def test_a_petition_is_always_at_exactly_one_place_and_replaying_gives_the_same(
    sure: bool, kind: Kind, actions: list[tuple[str, Any]]
) -> None:
    world = begun(sure=sure, kind=kind)
    check(world)
    for action, with_ in actions:
        act(world, action, with_)
        check(world)
    replayed = FRESH
    for fact in world.stated:
        replayed = replace(replayed, own=domain.evolve_own(replayed.own, fact))
    for fact in world.cases[: len(world.cases) - len(world.to_routing)]:
        replayed = replace(replayed, mediation=domain.evolve_mediation(replayed.mediation, fact))
    assert world.routing == replayed
    assert domain.place(world.routing) == domain.place(replayed)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(ACTIONS, max_size=30))
def test_both_services_agree_who_has_it_once_all_is_heard(sure: bool, actions: list[tuple[str, Any]]) -> None:
    world = begun(sure=sure, kind=Kind.REQUEST)
    for action, with_ in actions:
        act(world, action, with_)
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


def test_an_outcome_that_meets_the_conference_half_way_stays_with_its_body() -> None:
    world = begun(sure=True, kind=Kind.REQUEST)
    world.settle()
    act(world, "accept", None)
    act(world, "conclude", None)
    act(world, "agenda", None)  # before routing has heard of the outcome
    assert Place.CONFERENCE == domain.place(world.routing)
    world.settle()
    assert (Place.BODY, Body.LABOR) == (domain.place(world.routing), domain.body_of(world.routing))
    assert mediation.State.CONCLUDED == world.case.own.state
    act(world, "answer", None)
    world.settle()
    assert Place.ENDED == domain.place(world.routing)
    act(world, "resolve", Body.RURAL)
    assert Body.LABOR == world.case.own.body, "nothing is decided about it any more"
    assert Place.ENDED == domain.place(world.routing)


def test_an_objection_that_meets_a_new_place_half_way_is_no_objection_any_more() -> None:
    world = begun(sure=True, kind=Kind.REQUEST)
    world.settle()
    act(world, "agenda", None)
    act(world, "object", None)  # before mediation has heard of the conference
    world.settle()
    assert (Place.CONFERENCE, None) == (domain.place(world.routing), world.routing.own.return_due)
    assert mediation.State.HANDED_BACK == world.case.own.state
