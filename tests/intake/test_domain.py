"""Intake's rules: what a submission leads to, who may rate and read, and the folds behind the story."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body, catalogue
from contracts.dossiers import DossierSaved, Role
from contracts.fact import Fact
from contracts.intake import (
    DossierRead,
    PetitionAccepted,
    PetitionRated,
    PetitionRegistered,
    PetitionSupplemented,
)
from contracts.kinds import Channel
from runtime.consume import guarded
from runtime.draft import Draft
from runtime.record import empty
from runtime.service import Refused
from services.intake import domain
from services.intake.app import service
from services.intake.domain import Case, Dossier, Intake, Reading, Routing, Submission
from services.intake.story import State, state, tell
from tests.intake import arrivals
from tests.intake.arrivals import START, docket
from tests.mediation.arrivals import Streams

SERVICE = service()
ASKED = Submission(
    name="王秀英",
    phone="13800138000",
    title="小区自来水浑浊",
    content="水又黄又浑。",
    channel=Channel.LETTER,
    area="430102",
    signatories=3,
    first_receiver="petition-office",
    request="1" * 64,
    payload="2" * 64,
    code_salt="5a17",
    code_hash="3" * 64,
    tell_within=timedelta(days=15),
    finish_within=timedelta(days=60),
)
READING = Reading(reader="mediator-7", role="mediator", body=Body.LABOR, why="handling")
REGISTERED = Intake(registered_at=START)


def submitted() -> tuple[DossierSaved, PetitionRegistered, PetitionAccepted]:
    dossier, registered, accepted = stated(domain.decide_submit(docket(), ASKED, START))
    assert isinstance(dossier, DossierSaved)
    assert isinstance(registered, PetitionRegistered)
    assert isinstance(accepted, PetitionAccepted)
    return dossier, registered, accepted


def stated(answer: object) -> tuple[Fact, ...]:
    assert isinstance(answer, tuple)
    return answer


def test_a_submission_is_registered_and_accepted_at_once() -> None:
    _, registered, accepted = submitted()
    assert (START, START) == (registered.at, accepted.at)
    assert (Channel.LETTER, "430102", 3) == (registered.channel, registered.area, registered.signatories)


def test_the_petitioner_is_told_within_15_days_and_answered_within_60() -> None:
    _, registered, accepted = submitted()
    assert (START + timedelta(days=15), START + timedelta(days=60)) == (registered.tell_by, accepted.due)


def test_the_registration_carries_the_hash_of_the_very_dossier_that_is_published() -> None:
    dossier, registered, _ = submitted()
    assert sha256(dossier.data()).hexdigest() == registered.dossier_sha256


def test_a_grid_is_registered_beside_its_community() -> None:
    asked = replace(ASKED, area="43010200100107")
    _, registered, _ = stated(domain.decide_submit(docket(), asked, START))
    assert isinstance(registered, PetitionRegistered)
    assert ("430102001001", "43010200100107") == (registered.area, registered.grid)
    assert "43010200100107" == domain.evolve_own(docket().own, registered).area


def test_only_the_dossier_carries_what_the_petitioner_wrote() -> None:
    dossier, *others = submitted()
    for words in (ASKED.name, ASKED.phone, ASKED.title, ASKED.content):
        assert words in dossier.data().decode()
        assert not any(words in fact.data().decode() for fact in others)


def test_a_number_that_is_taken_is_refused_and_another_is_tried() -> None:
    assert Refused("id-taken") == domain.decide_submit(docket(own=REGISTERED), ASKED, START)


@given(st.integers(1, 5))
def test_an_answer_is_rated_once(score: int) -> None:
    before = docket(mediation=Case(answered=True))
    (rated,) = stated(domain.decide_rate(before, score, START))
    assert PetitionRated(at=START, score=score) == rated
    after = replace(before, own=domain.evolve_own(before.own, rated))
    assert Refused("already-rated") == domain.decide_rate(after, score, START)


def test_nothing_is_rated_before_the_answer() -> None:
    assert Refused("not-answered-yet") == domain.decide_rate(docket(own=REGISTERED), 5, START)


def test_every_reading_of_a_dossier_is_a_fact() -> None:
    with_body = docket(own=REGISTERED, routing=Routing(body=Body.LABOR))
    assert (
        DossierRead(at=START, reader="mediator-7", role="mediator", body=Body.LABOR, why="handling"),
    ) == domain.decide_read_dossier(with_body, READING, START)


@pytest.mark.parametrize("body", [None, Body.RURAL])
def test_a_mediator_reads_nothing_that_is_not_with_his_body(body: Body | None) -> None:
    elsewhere = docket(own=REGISTERED, routing=Routing(body=body))
    assert Refused("not-your-petition") == domain.decide_read_dossier(elsewhere, READING, START)


def test_a_mediator_without_a_body_reads_nothing() -> None:
    nowhere = docket(own=REGISTERED)
    asked = replace(READING, body=None)
    assert Refused("not-your-petition") == domain.decide_read_dossier(nowhere, asked, START)


@pytest.mark.parametrize("role", ["router", "clerk", "leader"])
def test_the_petition_office_reads_before_there_is_a_body(role: str) -> None:
    asked = replace(READING, role=role, body=None)
    assert 1 == len(stated(domain.decide_read_dossier(docket(own=REGISTERED), asked, START)))


def test_there_is_nothing_to_read_of_an_unknown_petition() -> None:
    assert Refused("no-such-petition") == domain.decide_read_dossier(docket(), READING, START)


@pytest.mark.parametrize("taken_away", [arrivals.TRIAGE, arrivals.REFERRED])
def test_a_body_that_lost_the_petition_may_no_longer_read_it(taken_away: Fact) -> None:
    part = domain.evolve_routing(domain.evolve_routing(Routing(), arrivals.ROUTED), taken_away)
    asked = domain.decide_read_dossier(docket(own=REGISTERED, routing=part), READING, START)
    assert Refused("not-your-petition") == asked


def test_a_petition_that_was_referred_by_mistake_is_with_the_body_again() -> None:
    part = domain.evolve_routing(domain.evolve_routing(Routing(), arrivals.REFERRED), arrivals.ROUTED)
    assert (Body.LABOR, "") == (part.body, part.referred_to)


def test_the_newest_dossier_stands() -> None:
    part = domain.evolve_dossier(Dossier(), arrivals.saved("旧名"))
    assert "新名" == domain.evolve_dossier(part, arrivals.saved("新名")).name


def test_a_message_has_its_newest_state() -> None:
    part = domain.Messages()
    seen = []
    for fact in (arrivals.QUEUED, arrivals.CLAIMED, arrivals.NOT_SENT, arrivals.CLAIMED, arrivals.SENT):
        part = domain.evolve_notify(part, fact)
        seen.append(part.sms[0].state)
    assert ["queued", "sending", "queued", "sending", "sent"] == seen
    assert 1 == len(part.sms)


def test_states_follow_each_other_in_the_order_of_the_journey() -> None:
    journey: list[tuple[Fact, State]] = [
        (arrivals.REGISTERED, State.ACCEPTED),
        (arrivals.ACCEPTED, State.ACCEPTED),
        (arrivals.TRIAGE, State.TRIAGE),
        (arrivals.ROUTED, State.ROUTED),
        (arrivals.OPENED, State.CASE_OPENED),
        (arrivals.TAKEN, State.IN_MEDIATION),
        (arrivals.SESSION, State.IN_MEDIATION),
        (arrivals.CONCLUDED, State.CONCLUDED),
        (arrivals.ANSWERED, State.ANSWERED),
        (arrivals.RATED, State.RATED),
    ]
    now = docket()
    for fact, expected in journey:
        now = folded(now, fact)
        assert expected == state(now), fact
    assert [expected for _, expected in journey] == sorted(
        (expected for _, expected in journey), key=list(State).index
    )


def test_a_referral_is_the_end_of_our_part() -> None:
    now = docket()
    for fact in (arrivals.REGISTERED, arrivals.ACCEPTED, arrivals.TRIAGE, arrivals.REFERRED):
        now = folded(now, fact)
    assert State.REFERRED == state(now)


def folded(before: domain.Docket, fact: Fact) -> domain.Docket:
    """The docket after one more fact."""
    part = SERVICE.by_topic[type(fact).TOPIC.name]
    changed = part.evolve(getattr(before, part.name), fact)
    return replace(before, **{part.name: changed})


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """One journey, cut off anywhere, in two interleavings of its streams; each stream keeps its order."""
    routing = draw(
        st.sampled_from([arrivals.ROUTING, (arrivals.ROUTED,), (arrivals.TRIAGE, arrivals.REFERRED)])
    )
    streams = [
        list(stream[: draw(st.integers(0, len(stream)))])
        for stream in (arrivals.OWN, (arrivals.saved(),), routing, arrivals.MEDIATION, arrivals.NOTIFY)
    ]
    turns = [number for number, stream in enumerate(streams) for _ in stream]
    first, second = draw(st.permutations(turns)), draw(st.permutations(turns))

    def woven(order: list[int]) -> list[Fact]:
        waiting = [iter(stream) for stream in streams]
        return [next(waiting[number]) for number in order]

    return woven(first), woven(second)


@given(journeys())
def test_every_interleaving_of_the_streams_tells_the_same_story(
    journey: tuple[list[Fact], list[Fact]],
) -> None:
    petition, told, parts = arrivals.petition(), [], []
    for facts in journey:
        streams, draft = Streams(petition), Draft(empty(petition, SERVICE), SERVICE, guarded)
        for fact in facts:
            draft.hear(streams.write(fact), START)
        assert draft.parked is None
        told.append(tell(draft.docket, catalogue()))
        parts.append(draft.parts)
    assert told[0] == told[1]
    assert parts[0] == parts[1]


def added(before: domain.Docket, text: str, request: str = "a" * 64) -> domain.Docket:
    for fact in stated(domain.decide_supplement(before, text, request, START)):
        before = folded(before, fact)
    return before


def registered_docket() -> domain.Docket:
    now = docket()
    for fact in submitted():
        now = folded(now, fact)
    return now


def test_a_supplement_stands_behind_the_text_and_its_fact_names_the_whole_dossiers_hash() -> None:
    before = registered_docket()
    saved, fact = stated(domain.decide_supplement(before, "水管昨天爆了。", "a" * 64, START))
    assert isinstance(saved, DossierSaved)
    assert isinstance(fact, PetitionSupplemented)
    assert saved.content.startswith(ASKED.content)
    assert saved.content.endswith("补充：水管昨天爆了。")
    assert (1, sha256(saved.data()).hexdigest()) == (fact.number, fact.dossier_sha256)
    assert (ASKED.name, ASKED.phone, before.dossier.code_hash) == (saved.name, saved.phone, saved.code_hash)
    after = added(before, "水管昨天爆了。")
    assert before.own.due == after.own.due, "no clock begins anew"


def test_one_request_adds_once_and_another_adds_again() -> None:
    once = added(registered_docket(), "一")
    assert once == added(once, "一")
    twice = added(once, "二", "b" * 64)
    assert twice.dossier.content.endswith("（1）补充：一\n\n（2）补充：二")
    assert 2 == len(twice.own.supplements)


def test_nothing_is_added_to_what_is_answered_referred_erased_or_too_long() -> None:
    before = registered_docket()
    answered = replace(before, mediation=Case(answered=True))
    referred = replace(before, routing=Routing(referred_to="petition-office"))
    for late in (answered, referred):
        assert Refused("already-answered") == domain.decide_supplement(late, "x", "a" * 64, START)
    for gone in (docket(), replace(before, dossier=Dossier())):
        assert Refused("no-such-petition") == domain.decide_supplement(gone, "x", "a" * 64, START)
    assert Refused("supplement-too-long") == domain.decide_supplement(before, "x" * 20_000, "a" * 64, START)
    full = replace(before, own=replace(before.own, supplements=tuple(map(str, range(20)))))
    assert Refused("supplement-too-long") == domain.decide_supplement(full, "x", "a" * 64, START)


BESIDE = (
    *domain.beside(Role.REPRESENTATIVE, [("沈一帆", "13800001001"), ("白露", "13800001002")]),
    *domain.beside(Role.CO_SIGNER, [("何田", "13800002001")]),
)


def test_those_beside_the_petitioner_have_a_key_each_and_stand_in_the_dossier() -> None:
    saved, registered, _ = stated(domain.decide_submit(docket(), replace(ASKED, others=BESIDE), START))
    assert isinstance(saved, DossierSaved)
    assert isinstance(registered, PetitionRegistered)
    assert ["r1", "r2", "c1"] == [other.key for other in saved.others or ()]
    assert sha256(saved.data()).hexdigest() == registered.dossier_sha256
    assert 4 == registered.signatories, "whoever is named stands behind the matter"
    assert BESIDE == domain.evolve_dossier(domain.Dossier(), saved).others


def test_more_signatures_than_names_are_counted_as_they_were_said() -> None:
    asked = replace(ASKED, others=BESIDE, signatories=1700)
    _, registered, _ = stated(domain.decide_submit(docket(), asked, START))
    assert isinstance(registered, PetitionRegistered)
    assert 1700 == registered.signatories


def test_a_dossier_with_nobody_beside_the_petitioner_is_the_same_as_before_there_were_others() -> None:
    saved, *_ = submitted()
    assert b"others" not in saved.data()


def test_a_supplement_loses_nobody() -> None:
    before = docket()
    for fact in stated(domain.decide_submit(before, replace(ASKED, others=BESIDE), START)):
        before = folded(before, fact)
    assert BESIDE == added(before, "水管昨天爆了。").dossier.others
