"""The parts of `make demo` that its own run does not prove; the run itself belongs to `.ci/run`."""

from __future__ import annotations

import secrets
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from contracts import areas
from contracts.kinds import STAFF_CHANNELS, Channel, SessionKind
from contracts.provision import provision
from local.demo import figures, report, verify
from local.demo.__main__ import conclude, personal
from local.demo.drive import Driver, Ride
from local.demo.journeys import Journey, load
from local.demo.report import Seen
from local.demo.streams import Reader, outbox
from local.demo.system import System
from local.demo.table import table, width, wrapped
from tests.e2e.standing import PERSONAL, Standing, registered, whole


@pytest.fixture(scope="module")
def journeys() -> tuple[Journey, ...]:
    return load()


def test_there_are_the_seven_worked_examples_each_with_what_is_missing(
    journeys: tuple[Journey, ...],
) -> None:
    assert [1, 2, 3, 4, 5, 6, 7] == [journey.number for journey in journeys]
    assert all(journey.not_yet and journey.petitions for journey in journeys)


def test_petitioners_are_told_apart_and_none_is_told_to_another(journeys: tuple[Journey, ...]) -> None:
    petitions = [petition for journey in journeys for petition in journey.petitions]
    assert len(petitions) == len({petition.phone for petition in petitions})
    assert len(petitions) == len({petition.name for petition in petitions})
    assert all(areas.is_area(petition.area) for petition in petitions)


def test_each_example_comes_in_by_its_real_way(journeys: tuple[Journey, ...]) -> None:
    ways = [{petition.channel for petition in journey.petitions} for journey in journeys]
    reception, visit, grid = Channel.RECEPTION, Channel.VISIT, Channel.GRID
    letter, outreach = Channel.LETTER, Channel.OUTREACH
    assert [{reception}, {visit}, {grid}, {reception}, {letter}, {reception}, {outreach}] == ways
    assert 1700 == journeys[4].petitions[0].signatories
    assert {reception, grid, outreach} <= STAFF_CHANNELS


def test_the_joint_meeting_on_parking_has_the_four_units_of_the_report(
    journeys: tuple[Journey, ...],
) -> None:
    meeting = journeys[1].petitions[0].steps[0]
    assert SessionKind.JOINT_MEETING == meeting.session
    assert 4 == len(meeting.units)


def test_the_formula_gives_the_rate_of_the_report() -> None:
    assert Decimal("96.62") == figures.percent(13_208, 13_670)
    assert figures.percent(0, 0) is None
    assert "7 of 10 (70.00 %)" == figures.said(7, 10)
    assert [] == figures.check()


def test_columns_are_straight_with_chinese_in_them() -> None:
    rows = [("一二三四五六七八", "x"), ("ab 您好，世界", "yy")]
    lines = table(("名", "code"), rows, (6, 4)).splitlines()
    assert "名      code" == lines[0]
    assert ["一二三  x", "四五六", "七八", "ab 您   yy", "好，世", "界"] == lines[2:]


@pytest.mark.parametrize("columns", [4, 7, 41])
def test_no_line_is_wider_than_its_column(columns: int) -> None:
    text = "petitioner +86138****8101: 【长沙信访】您好，“事项”07X3Q-5HZM5-7DV7K已办结。averyverylongword"
    lines = wrapped(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert text.replace(" ", "") == "".join(lines).replace(" ", "")


def test_a_line_begins_with_no_stop_and_ends_with_no_opening_quote() -> None:
    assert ["一", "二，", "三", "“四"] == wrapped("一二，三“四", 4)


def test_what_does_not_fit_is_marked() -> None:
    assert ["一二三", "四五…"] == wrapped("一二三四五六七八", 6, 2)


def test_the_story_is_shown_with_the_sms_and_the_body_that_has_the_fact() -> None:
    standing = whole()
    lines = verify.first_copies(verify.decoded(standing.records)[0])
    seen = Seen(lines, {sms.reference: sms for sms in standing.texts})
    rows = list(report.rows(standing.petition, seen))
    assert ("09:00:00.000", "intake", "DossierSaved", "routing, notify alone") == rows[0]
    assert ("09:00:00.000", "notify", "SmsSent m1", "petitioner +86138****8999: 您好") in rows
    assert (
        "09:00:00.000",
        "mediation",
        "CaseConcluded settled with a signed agreement",
        "body-labor-v1",
    ) in rows


def test_an_open_petition_does_not_count_as_solved() -> None:
    one, other = whole(), Standing()
    registered(other)
    seen = Seen(verify.first_copies(verify.decoded(one.records)[0]), {})
    petition = load()[6].petitions[0]
    rides = [Ride(petition, petition_id=one.petition), Ride(petition, petition_id="07X3Q-5HZM5-7DV7K")]
    assert report.solved(rides, seen).startswith("Solved rate: 1 of 2 (50.00 %)")


def test_the_words_to_look_for_hold_every_petitioners_name_number_title_and_code(
    journeys: tuple[Journey, ...],
) -> None:
    petition = journeys[0].petitions[0]
    words = personal([Ride(petition, query_code="AB-CD")])
    assert {petition.name, petition.phone, petition.title, "AB-CD", "ABCD"} <= words.keys()
    assert any(kind == "words" for kind in words.values())


@pytest.mark.parametrize(("findings", "code"), [([], 0), (["A petition was not told."], 1)])
def test_the_exit_code_says_whether_all_holds(
    findings: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == conclude(findings)
    assert all(finding in capsys.readouterr().out for finding in findings)


async def test_a_refused_step_is_told_and_stops_nobody_else(journeys: tuple[Journey, ...]) -> None:
    refusal = httpx.Response(403, json={"code": "staff-only-channel", "title": "仅限工作人员"})
    said: list[str] = []
    key = "a-test-key-for-staff-tokens-0123456789"
    system = System({"intake": "http://intake"}, "", Path(), key, alone=True)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: refusal)) as client:
        ride = await Driver(system, client).ride(journeys[0].petitions[0], said.append)
    assert "intake answers 403 to POST /petitions: staff-only-channel 仅限工作人员." == ride.trouble
    assert [f"stuck: {ride.trouble}"] == said


def test_a_line_of_the_outbox_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    file = tmp_path / "outbox.jsonl"
    assert () == outbox(file)
    line = '{"at":"","reference":"r.1","petition":"p","template":"t","to":"+86","text":"x","segments":1}'
    file.write_text(f"{line}\n{line[:20]}")
    assert ["r.1"] == [sms.reference for sms in outbox(file)]


@pytest.mark.real
async def test_what_is_read_from_the_broker_is_verified_byte_for_byte(broker: str) -> None:
    prefix, standing = f"t{secrets.token_hex(5)}-", whole()
    await provision(broker, prefix=prefix)
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()
    try:
        async with Reader(broker, prefix=prefix) as reader:
            assert 0 == await reader.catch_up()
            for record in standing.records:
                await producer.send_and_wait(prefix + record.topic, record.value, key=record.key.encode())
            assert len(standing.records) == await reader.catch_up()
            assert [] == verify.verify(reader.records, standing.texts, PERSONAL)
            await producer.send_and_wait(prefix + "intake-dead-letters-v1", b"{")
            assert 1 == await reader.catch_up()
            assert ["A message without a key in intake-dead-letters-v1: a dead letter lies at offset 0."] == (
                verify.verify(reader.records, standing.texts, PERSONAL)
            )
    finally:
        await producer.stop()
