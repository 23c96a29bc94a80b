"""The account is silent on whole petitions, and every planted fault turns it red."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from contracts.envelope import digest, read, seal
from contracts.identity import PetitionId, make
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Kind as Sort
from contracts.notify import SmsClaimed, SmsQueued, SmsSent, SmsSkipped
from contracts.routing import PetitionSentToTriage, TriageReason
from contracts.topics import INTAKE, MEDIATION, NOTIFY, ROUTING
from local.demo import verify
from local.demo.records import Recorded, Sms
from runtime.record import Parked, ParkedMessage, Pending
from tests.e2e.standing import BEGAN, DUE, Standing, opened, registered
from tests.faults import folding
from tests.faults.account import Kind, account
from tests.faults.account import Standing as Where
from tests.faults.evidence import Evidence
from tests.faults.injected import of_unknown_type
from tests.stores.services import SERVICES

ROUTED, TRIAGED, WATCHED = (make(BEGAN + timedelta(seconds=n), n) for n in (1, 2, 3))


def tell(standing: Standing, cause: str) -> None:
    """Queue, claim and send one SMS about a message."""
    message = f"m{len(standing.texts) + 1}"
    reference = f"{standing.petition}.{message}.1"
    said = {"at": BEGAN, "message": message}
    standing.state(
        SmsQueued(**said, template="told", template_version="1", cause=cause),
        SmsClaimed(**said, attempt=1, gateway="outbox", lease_until=DUE),
        SmsSent(**said, attempt=1, gateway="outbox", reference=reference, segments=1),
    )
    standing.texts.append(Sms(reference, standing.petition, "+8613800138999", "您好"))


def routed(petition: PetitionId = ROUTED) -> Standing:
    """A petition whose case is open and of which everything was told."""
    standing = Standing(petition)
    registered(standing)
    opened(standing)
    tell(standing, f"{MEDIATION.name}/{petition}/1")
    return standing


def triaged() -> Standing:
    """A petition that waits for a person."""
    standing = Standing(TRIAGED)
    registered(standing)
    standing.records = [r for r in standing.records if r.topic != ROUTING.name]
    value = seal(
        PetitionSentToTriage(
            at=BEGAN,
            kind=Sort.REQUEST,
            why=TriageReason.UNSURE,
            confidence=0.4,
            due=DUE,
            rule_version="1",
        ),
        petition=TRIAGED,
        ordinal=1,
        previous=None,
        cause=None,
        traceparent=None,
    )
    standing.put(ROUTING.name, value)
    return standing


def evidence(*standings: Standing) -> Evidence:
    """What a run would find if the dockets were what the topics tell."""
    records = [record for standing in standings for record in standing.records]
    lines = verify.first_copies(verify.decoded(records)[0])
    return Evidence(
        answers={f"key-{s.petition}": frozenset({str(s.petition)}) for s in standings},
        records=records,
        texts=[text for standing in standings for text in standing.texts],
        dockets={
            name: {PetitionId(p): folding.record(service, p, topics) for p, topics in lines.items()}
            for name, service in SERVICES.items()
        },
    )


def parked(found: Evidence, petition: PetitionId, reason: str, *names: str) -> Evidence:
    """The same with a petition parked in some services."""
    message = ParkedMessage(INTAKE.name, 0, 99, found.unknown.get(petition, b""))
    dockets = {name: dict(of_one) for name, of_one in found.dockets.items()}
    for name in names:
        stored = dockets[name][petition]
        dockets[name][petition] = replace(stored, parked=Parked(reason, "", BEGAN, (message,)))
    return replace(found, dockets=dockets)


def slipped_in(standing: Standing) -> tuple[Evidence, bytes]:
    """A petition that a fact of an unknown type has come to, before anybody parked it."""
    last = next(r.value for r in reversed(standing.records) if r.topic == INTAKE.name)
    value = of_unknown_type(last or b"")
    found = evidence(standing)
    record = Recorded(INTAKE.name, 0, 99, standing.petition, value)
    return replace(found, records=[*found.records, record], unknown={standing.petition: value}), value


def test_nothing_is_found_and_the_sum_holds_when_all_is_whole() -> None:
    found = account(evidence(routed(), triaged()))
    assert [] == found.findings
    figures = found.figures
    assert (2, 1, 1, 0) == tuple(figures[name] for name in ("accepted", "ended", "open", "parked"))
    assert (0, 0, 7) == (figures["lost"], figures["doubled"], figures["sms_sent"])


def test_a_petition_parked_by_an_injected_fact_is_told_apart() -> None:
    found, _ = slipped_in(routed())
    judged = account(parked(found, ROUTED, "unknown-type", "routing", "mediation", "notify"))
    assert [] == judged.findings
    assert (1, 0, 1) == tuple(judged.figures[name] for name in ("accepted", "ended", "parked"))


def test_a_reader_that_passes_over_an_unknown_fact_is_found() -> None:
    found, _ = slipped_in(routed())
    judged = account(parked(found, ROUTED, "unknown-type", "routing", "mediation"))
    assert {Kind.LOST} == {finding.kind for finding in judged.findings}
    assert "notify" in judged.findings[0].says


def test_a_skipped_or_an_unknown_sms_counts_as_settled_and_one_under_way_does_not() -> None:
    standing = Standing(WATCHED)
    registered(standing)
    opened(standing)
    cause = f"{MEDIATION.name}/{WATCHED}/1"
    untold = account(evidence(standing))
    assert Where.UNDER_WAY is untold.standings[WATCHED]
    standing.state(SmsSkipped(at=BEGAN, template="told", cause=cause, reason="no-contact"))
    assert Where.ENDED is account(evidence(standing)).standings[WATCHED]


def place(records: list[Recorded], topic: str, number: int) -> int:
    return next(
        at
        for at, record in enumerate(records)
        if record.topic == topic and record.value and read(record.value).envelope.ordinal == number
    )


def changed(value: bytes | None, **attributes: object) -> bytes:
    return json.dumps({**json.loads(value or b""), **attributes}, ensure_ascii=False).encode()


def without(topic: str, number: int) -> Callable[[Evidence], Evidence]:
    def plant(whole: Evidence) -> Evidence:
        records = list(whole.records)
        del records[place(records, topic, number)]
        return replace(whole, records=records)

    return plant


def altered(topic: str, number: int) -> Callable[[Evidence], Evidence]:
    def plant(whole: Evidence) -> Evidence:
        records = list(whole.records)
        at = place(records, topic, number)
        records[at] = replace(records[at], value=changed(records[at].value, traceparent=None))
        return replace(whole, records=records)

    return plant


def said_twice_otherwise(whole: Evidence) -> Evidence:
    record = whole.records[place(list(whole.records), INTAKE.name, 2)]
    return replace(
        whole, records=[*whole.records, replace(record, value=changed(record.value, causationid="x"))]
    )


def sms_twice(whole: Evidence) -> Evidence:
    return replace(whole, texts=[*whole.texts, whole.texts[0]])


def sms_by_two_attempts(whole: Evidence) -> Evidence:
    first = whole.texts[0]
    second = replace(first, reference=first.reference.rpartition(".")[0] + ".2")
    return replace(whole, texts=[*whole.texts, second])


def sms_not_there(whole: Evidence) -> Evidence:
    return replace(whole, texts=whole.texts[1:])


def two_petitions_of_a_key(whole: Evidence) -> Evidence:
    return replace(whole, answers={"one-key": frozenset({str(ROUTED), str(TRIAGED)})})


def nothing_of_it(whole: Evidence) -> Evidence:
    records = [record for record in whole.records if record.key != TRIAGED]
    dockets = {n: {p: r for p, r in of_one.items() if p != TRIAGED} for n, of_one in whole.dockets.items()}
    return replace(whole, records=records, dockets=dockets)


def nobody_asked(whole: Evidence) -> Evidence:
    return replace(whole, answers={"key": frozenset({str(ROUTED)})})


def never_answered(whole: Evidence) -> Evidence:
    return replace(whole, answers={**whole.answers, "unanswered": frozenset()})


def in_docket(service: str, **changes: object) -> Callable[[Evidence], Evidence]:
    def plant(whole: Evidence) -> Evidence:
        of_one = dict(whole.dockets[service])
        of_one[ROUTED] = replace(of_one[ROUTED], **changes)  # type: ignore[arg-type] # the changes are of fields that it has
        return replace(whole, dockets={**whole.dockets, service: of_one})

    return plant


def other_state(whole: Evidence) -> Evidence:
    stored = whole.dockets["mediation"][ROUTED]
    case = replace(stored.parts["own"], sessions=7)
    return in_docket("mediation", parts={**stored.parts, "own": case})(whole)


def behind(whole: Evidence) -> Evidence:
    stored = whole.dockets["notify"][ROUTED]
    return in_docket("notify", marks={n: m for n, m in stored.marks.items() if n != "mediation"})(whole)


def no_docket(whole: Evidence) -> Evidence:
    routing = {p: r for p, r in whole.dockets["routing"].items() if p != ROUTED}
    return replace(whole, dockets={**whole.dockets, "routing": routing})


def parked_for_no_reason(whole: Evidence) -> Evidence:
    return parked(whole, ROUTED, "gap", "notify")


def letter(whole: Evidence) -> Evidence:
    return replace(
        whole, records=[*whole.records, Recorded("routing-dead-letters-v1", 0, 0, ROUTED, b"what?")]
    )


def backwards(standing: Standing) -> list[Recorded]:
    first, second = (place(standing.records, INTAKE.name, number) for number in (1, 2))
    records = list(standing.records)
    records[first], records[second] = records[second], records[first]
    return records


def test_only_a_guest_may_have_come_out_of_order() -> None:
    whole, records = evidence(routed()), backwards(routed())
    assert [] == account(replace(whole, records=records, guests=frozenset({str(ROUTED)}))).findings
    assert Kind.LOST in {finding.kind for finding in account(replace(whole, records=records)).findings}


PENDING = (Pending("x", (INTAKE.name,), b"", BEGAN),)
PLANTED: dict[str, tuple[Callable[[Evidence], Evidence], Kind]] = {
    "a fact is lost in the middle": (without(NOTIFY.name, 2), Kind.LOST),
    "the last fact is lost": (without(INTAKE.name, 2), Kind.LOST),
    "the case is lost": (without(MEDIATION.name, 1), Kind.LOST),
    "a body's copy is lost": (without("body-labor-v1", 1), Kind.LOST),
    "the dossier is lost": (without("petition-dossiers-v1", 1), Kind.BROKEN),
    "the chain is broken": (altered(NOTIFY.name, 2), Kind.BROKEN),
    "a number has two contents": (said_twice_otherwise, Kind.DOUBLED),
    "an SMS went out twice": (sms_twice, Kind.DOUBLED),
    "two attempts both went out": (sms_by_two_attempts, Kind.DOUBLED),
    "an SMS is missing": (sms_not_there, Kind.LOST),
    "one key has two petitions": (two_petitions_of_a_key, Kind.DOUBLED),
    "a petition has vanished": (nothing_of_it, Kind.LOST),
    "a petition has no asker": (nobody_asked, Kind.STRAY),
    "a key has no petition": (never_answered, Kind.LOST),
    "a docket knows something else": (other_state, Kind.LOST),
    "a docket is behind": (behind, Kind.LOST),
    "a docket is not there": (no_docket, Kind.LOST),
    "a fact is not published": (in_docket("intake", pending=PENDING), Kind.PENDING),
    "a petition is parked for no reason": (parked_for_no_reason, Kind.PARKED),
    "there is a dead letter": (letter, Kind.LETTER),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    plant, kind = PLANTED[name]
    judged = account(plant(evidence(routed(), triaged())))
    assert kind in {finding.kind for finding in judged.findings}
    if kind in {Kind.LOST, Kind.DOUBLED}:
        assert judged.figures[kind.value] > 0


def test_one_request_that_registered_two_petitions_is_found() -> None:
    one, other = routed(ROUTED), routed(WATCHED)
    at = place(other.records, INTAKE.name, 1)
    fact = read(other.records[at].value or b"").fact
    request = next(read(r.value).fact for r in one.records if r.topic == INTAKE.name and r.value is not None)
    assert isinstance(fact, PetitionRegistered)
    assert isinstance(request, PetitionRegistered)
    value = json.loads(other.records[at].value or b"")
    value["data"]["request"] = request.request
    other.records[at] = replace(other.records[at], value=json.dumps(value, ensure_ascii=False).encode())
    assert Kind.DOUBLED in {finding.kind for finding in account(evidence(one, other)).findings}


def test_what_is_slipped_in_goes_on_the_chain_where_the_petition_stands() -> None:
    standing = routed()
    last = next(r.value for r in reversed(standing.records) if r.topic == INTAKE.name) or b""
    message = read(of_unknown_type(last))
    assert message.fact is None
    assert (3, digest(last)) == (message.envelope.ordinal, message.envelope.previous)
    assert isinstance(read(last).fact, PetitionAccepted)
    assert "language" in msgspec.json.decode(bytes(message.envelope.data))
