"""The verification that ends `make demo`: silent on a whole journey, and it names every planted fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.envelope import read
from contracts.identity import PetitionId
from local.demo.records import Recorded
from local.demo.verify import verify
from tests.e2e.standing import (
    CONTENT,
    NAME,
    PERSONAL,
    PHONE,
    Standing,
    ended,
    opened,
    registered,
    whole,
)

INTAKE, ROUTING, MEDIATION = "petition-intake-v1", "petition-routing-v1", "petition-mediation-v1"
DOSSIERS, NOTIFY, VIEW = "petition-dossiers-v1", "petition-notify-v1", "body-labor-v1"
PETITION = whole().petition


def found(standing: Standing) -> list[str]:
    return verify(standing.records, standing.texts, PERSONAL)


def place(standing: Standing, topic: str, number: int) -> int:
    """Where the message of this number lies in the list."""
    return next(
        at
        for at, record in enumerate(standing.records)
        if record.topic == topic and record.value and read(record.value).envelope.ordinal == number
    )


def changed(record: Recorded, **attributes: object) -> Recorded:
    """The same message with other words in its envelope or, for "data", in its fact."""
    message = json.loads(record.value or b"")
    message["data"] |= attributes.pop("data", {})
    return replace(record, value=json.dumps({**message, **attributes}, ensure_ascii=False).encode())


def alter(topic: str, number: int, **attributes: object) -> Callable[[Standing], None]:
    def spoil(standing: Standing) -> None:
        at = place(standing, topic, number)
        standing.records[at] = changed(standing.records[at], **attributes)

    return spoil


def drop(topic: str, number: int) -> Callable[[Standing], None]:
    def spoil(standing: Standing) -> None:
        del standing.records[place(standing, topic, number)]

    return spoil


def append(topic: str, value: bytes | None) -> Callable[[Standing], None]:
    return lambda standing: standing.put(topic, value)


def swap(standing: Standing) -> None:
    one, other = place(standing, MEDIATION, 3), place(standing, MEDIATION, 4)
    records = standing.records
    records[one], records[other] = records[other], records[one]


def repeat_altered(standing: Standing) -> None:
    standing.records.append(changed(standing.records[place(standing, INTAKE, 2)], traceparent=None))


def other_key(standing: Standing) -> None:
    at = place(standing, ROUTING, 1)
    standing.records[at] = replace(standing.records[at], key="07X3Q-5HZM5-7DV7K")


def wrong_topic(standing: Standing) -> None:
    standing.records.append(replace(standing.records[place(standing, INTAKE, 2)], topic=NOTIFY))


def stray_copy(standing: Standing) -> None:
    original = standing.records[place(standing, MEDIATION, 2)]
    standing.records.append(replace(original, topic="body-rural-v1"))


def no_dossier(standing: Standing) -> None:
    del standing.records[place(standing, DOSSIERS, 1)]


def lose_text(standing: Standing) -> None:
    del standing.texts[0]


def double_text(standing: Standing) -> None:
    standing.texts.append(standing.texts[0])


def stray_text(standing: Standing) -> None:
    standing.texts.append(replace(standing.texts[0], reference="stray.1"))


def personal_key(standing: Standing) -> None:
    standing.records.append(replace(standing.records[0], topic="petition-seals-v1", key=PHONE, value=b"{}"))


def escaped_name(standing: Standing) -> None:
    at = place(standing, ROUTING, 1)
    message = json.loads(standing.records[at].value or b"")
    message["data"]["note"] = NAME
    standing.records[at] = replace(standing.records[at], value=json.dumps(message).encode())


FAULTS: dict[str, tuple[Callable[[Standing], None], str]] = {
    "a missing number": (
        drop(MEDIATION, 3),
        f"{PETITION} in {MEDIATION}: number 4 follows number 2: numbers are missing between them.",
    ),
    "a missing first message": (
        drop(ROUTING, 1),
        f"{PETITION} in {ROUTING}: it has neither a body nor a place at the triage desk.",
    ),
    "numbers out of order": (swap, f"{PETITION} in {MEDIATION}: number 3 comes after number 4."),
    "altered bytes": (
        alter(INTAKE, 1, data={"signatories": 9}),
        f"{PETITION} in {INTAKE}: number 2 does not name the hash of number 1: one of them was altered.",
    ),
    "a first message with a predecessor": (
        alter(ROUTING, 1, previous="0" * 64),
        f"{PETITION} in {ROUTING}: number 1 is the first and yet names a predecessor.",
    ),
    "a repeat with other bytes": (
        repeat_altered,
        f"{PETITION} in {INTAKE}: number 2 was published twice, with different bytes.",
    ),
    "another subject than the key": (
        other_key,
        f"07X3Q-5HZM5-7DV7K in {ROUTING}: number 1 says that it is about {PETITION}.",
    ),
    "a fact on another service's topic": (
        wrong_topic,
        f"{PETITION} in {NOTIFY}: number 2 is a PetitionAccepted, which belongs in {INTAKE}.",
    ),
    "a wrong message id": (
        alter(ROUTING, 1, id="x"),
        f"{PETITION} in {ROUTING}: number 1 calls itself x.",
    ),
    "an unknown type": (
        alter(ROUTING, 1, type="cn.petition.routing.No.v1"),
        f"{PETITION} in {ROUTING}: number 1 is of the type cn.petition.routing.No.v1, which is unknown here.",
    ),
    "bytes that are no message": (
        append(INTAKE, b"{"),
        f"{PETITION} in {INTAKE}: the message at offset 3 is unreadable (envelope).",
    ),
    "an empty message": (
        append(INTAKE, None),
        f"{PETITION} in {INTAKE}: the message at offset 3 is empty.",
    ),
    "a dead letter": (
        append("routing-dead-letters-v1", b"{}"),
        f"{PETITION} in routing-dead-letters-v1: a dead letter lies at offset 0.",
    ),
    "a copy that a body did not get": (
        drop(VIEW, 2),
        f"{PETITION} in {VIEW}: number 2 of {MEDIATION} is missing.",
    ),
    "a copy with other bytes": (
        alter(VIEW, 2, data={"handler": "other"}),
        f"{PETITION} in {VIEW}: number 2 differs from the original in {MEDIATION}.",
    ),
    "a copy for another body": (
        stray_copy,
        f"{PETITION} in body-rural-v1: number 2 is none of this body's.",
    ),
    "a dossier that was changed": (
        alter(DOSSIERS, 1, data={"title": "别的"}),
        f"{PETITION} in {INTAKE}: number 1 does not name the hash of its dossier, number 1 in {DOSSIERS}.",
    ),
    "no dossier": (
        no_dossier,
        f"{PETITION} in {INTAKE}: number 1 names a dossier, and there is none in {DOSSIERS}.",
    ),
    "no registration": (
        drop(INTAKE, 1),
        f"{PETITION} in {INTAKE}: nothing says that it was registered.",
    ),
    "no acceptance": (
        drop(INTAKE, 2),
        f"{PETITION} in {INTAKE}: it was not accepted, so it has no due time.",
    ),
    "an answer without an outcome": (
        drop(MEDIATION, 4),
        f"{PETITION} in {MEDIATION}: number 5 answers with settled, the outcome is missing.",
    ),
    "an answer with another outcome": (
        alter(MEDIATION, 5, data={"outcome": "explained"}),
        f"{PETITION} in {MEDIATION}: number 5 answers with explained, the outcome is settled.",
    ),
    "a rating that got lost": (
        drop(MEDIATION, 6),
        f"{PETITION} in {MEDIATION}: the petitioner's rating has not reached the case.",
    ),
    "an outcome without a message": (
        drop(NOTIFY, 10),
        f"{PETITION} in {MEDIATION}: number 4 (CaseConcluded) was not told to the petitioner.",
    ),
    "a message that was not sent": (
        drop(NOTIFY, 12),
        f"{PETITION} in {NOTIFY}: the message m4 about {MEDIATION}/{PETITION}/4 was not sent.",
    ),
    "a message that was never queued": (
        drop(NOTIFY, 13),
        f"{PETITION} in {NOTIFY}: number 15 sends the message m5, which was never queued.",
    ),
    "an SMS that is not in the outbox": (
        lose_text,
        f"{PETITION} in {NOTIFY}: number 3 names the SMS {PETITION}.m1.1, which the outbox has 0 times.",
    ),
    "an SMS that is twice in the outbox": (
        double_text,
        f"{PETITION} in {NOTIFY}: number 3 names the SMS {PETITION}.m1.1, which the outbox has 2 times.",
    ),
    "an SMS that nobody sent": (
        stray_text,
        f"{PETITION} in {NOTIFY}: no message names the SMS stray.1, which the outbox has.",
    ),
    "a name in a fact": (
        alter(ROUTING, 1, data={"by": NAME}),
        f"{PETITION} in {ROUTING}: number 1 holds the name of a petitioner.",
    ),
    "a name in escaped letters": (
        escaped_name,
        f"{PETITION} in {ROUTING}: number 1 holds the name of a petitioner.",
    ),
    "words in an envelope": (
        alter(NOTIFY, 1, subject=CONTENT),
        f"{PETITION} in {NOTIFY}: number ? holds words of a petitioner.",
    ),
    "a number as a key": (
        personal_key,
        f"{PHONE} in petition-seals-v1: number ? holds the number of a petitioner.",
    ),
}


def test_nothing_is_found_on_a_whole_journey() -> None:
    assert [] == found(whole())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named(fault: str) -> None:
    spoil, sentence = FAULTS[fault]
    standing = whole()
    spoil(standing)
    assert sentence in found(standing)


def test_identical_repeats_are_no_fault() -> None:
    standing = whole()
    standing.records += [record for record in standing.records if record.topic in {INTAKE, MEDIATION}]
    assert [] == found(standing)


def test_a_petition_that_is_with_a_body_may_be_open() -> None:
    standing = Standing()
    registered(standing)
    opened(standing)
    assert [] == found(standing)


def test_a_petition_without_a_case_has_no_owner() -> None:
    standing = Standing()
    registered(standing)
    why = f"number 1 of {ROUTING} gave it to labor, which has no case of it."
    assert [f"{PETITION} in {MEDIATION}: {why}"] == found(standing)


def test_two_petitions_do_not_disturb_each_other() -> None:
    one, other = whole(), Standing(petition=PetitionId("07X3Q-5HZM5-7DV7K"))
    registered(other)
    opened(other)
    ended(other)
    mixed = [record for pair in zip(one.records, other.records, strict=True) for record in pair]
    assert [] == verify(mixed, [*one.texts, *other.texts], PERSONAL)


def test_an_erased_dossier_is_not_missed() -> None:
    standing = whole()
    standing.put(DOSSIERS, None)
    assert [] == found(standing)


def test_findings_repeat_no_personal_data() -> None:
    standing = whole()
    alter(ROUTING, 1, data={"by": f"{NAME} {PHONE} {CONTENT}"})(standing)
    said = " ".join(found(standing))
    assert not [word for word in PERSONAL if word in said]
