"""A wrong table is refused when it is read, with line, row and reason; whoever edits it is no programmer."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.mediation import CaseAnswered, CaseConcluded
from contracts.registry import BY_TYPE
from services.notify.notices import STAFF, VALID, Audience, Notice
from services.notify.stories import OFFERS
from services.notify.table import (
    LONGEST,
    MUST_TELL,
    TABLE_FILE,
    TextError,
    in_use,
    most_units,
    offered,
    read,
    used,
)
from services.notify.texts import load

TABLE = read(TABLE_FILE)
SHIPPED = TABLE_FILE.read_text("utf-8")
LINE = 1 + SHIPPED[: SHIPPED.index("[[message]]")].count("\n") + 1
FIRST = f"texts.toml, line {LINE}: registered 2026-11-01: "
RATED = "cn.petition.mediation.CaseRated.v1"
TO_HANDLER = "信访事项{petition}由您经办，{due}前办结。请先联系信访人，每次调解、走访后在系统登记。"
ASSIGNED = """template = "case-assigned"
version = "2026-11-26"
fact = "cn.petition.{}.v1"
"""


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The shipped table, changed at the first place that fits."""
    table = SHIPPED
    for before, after in changes:
        assert before in table
        table = table.replace(before, after, 1)
    path = tmp_path / "texts.toml"
    path.write_text(table, "utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("{tell_by}", "{due}", f"{FIRST}cn.petition.intake.PetitionRegistered.v1 offers no due"),
        ("编号{petition}", "编号", f"{FIRST}does not name the petition"),
        ("{again}现{why}", "{reason}", "put it into a phrase"),
        ("{again}现{why}", "{again}{why}", "routed 2026-11-26: two variables side by side"),
        ("{again}现{why}", "{again} {why}", "routed 2026-11-26: two variables side by side"),
        (TO_HANDLER, "{petition}，{due}。", "variables alone"),
        ("您好，您反映的事项我们", "【信访局】您好，您反映的事项我们", f"{FIRST}stray brackets"),
        ("您好，您反映的事项我们", "{您好，您反映的事项我们", f"{FIRST}stray brackets"),
        ("您好，您反映的事项我们", "您好，您反映的事项{}我们", f"{FIRST}stray brackets"),
        ("，可随时查看进展。{query}", "{query}" + "。长" * 150, f"{FIRST}may grow beyond {LONGEST}"),
        ("请保存好编号和查询码，可随时", "长" * 400, f"{FIRST}text: String should have at most 400"),
        ("cn.petition.mediation.CaseOpened.v1", "cn.petition.mediation.CaseShut.v1", "no such fact"),
        ("cn.petition.mediation.CaseOpened.v1", "cn.petition.mediation.CaseReturned.v1", "does not hear"),
        ("cn.petition.routing.PetitionReferred.v1", RATED, "nobody is told of"),
        ('template = "accepted"', 'template = "registered"', "stands for one fact and one audience"),
        ('template = "registered-signers"', 'template = "registered-reps"', "one fact and one audience"),
        ('audience = "co-signers"', 'audience = "representatives"', "reps tells the representatives"),
        ('version = "2026-11-25"\nfact = "cn.petition.routing.PetitionRouted.v1"',
         'version = "2026-11-01"\nfact = "cn.petition.routing.PetitionRouted.v1"', "same version"),
        (ASSIGNED.format("mediation.CaseAccepted"), ASSIGNED.format("routing.PetitionRouted"),
         "nobody handles the case yet"),
        ("您作为代表反映的事项{petition}", "{petition}，{query}", "offers no link to the representatives"),
        ("没有{step}，", "没有{step}{by_handler}，", "offers no handler to the petitioner"),
        ("urgent = true", "urgent = true\nstatutory = false", f"{FIRST}the law wants"),
        ("urgent = true", "urgent = 1", f"{FIRST}urgent: "),
        ("urgent = true", 'urgent = true\nvalid = "3 days"', f"{FIRST}valid: Value error, write a duration"),
        ("urgent = true", 'urgent = true\nvalid = "PT1M"', f"{FIRST}valid: "),
        ("urgent = true", 'urgent = true\nvalid = "P400D"', f"{FIRST}valid: "),
        ("urgent = true", "question = true", f"{FIRST}a question is asked by itself"),
        ("joins = true", "joins = false", f"{FIRST}joins needs a joined phrase"),
        ('joined = "已收到', 'joined = "{petition}已收到', f"{FIRST}a joined phrase has neither"),
        ('joined = "已收到并登记，', 'joined = "{due}已收到并登记，', "offers no due"),
        ('audience = "petitioner"', 'audience = "everybody"', f"{FIRST}audience: "),
        ('audience = "petitioner"', 'audience = "petitioner"\nchannel = "letter"', f"{FIRST}channel: "),
        ('audience = "petitioner"', 'audience = "petitioner"\ntelephone = "1"', f"{FIRST}telephone: "),
        ('settled = "双方已达成一致"', "", "words.outcome lacks settled"),
        ('settled = "双方已达成一致"', 'settled = "【一致】"', "words.outcome: settled"),
        ('query = "查询：{link}"', 'query = "查询"', "phrases.query needs a variable"),
        ('query = "查询：{link}"', 'query = "【查询】：{link}"', "phrases.query has stray brackets"),
        ("有新进展：{statements}", "有新进展", "frames.petitioner takes {petition} and {statements}"),
        ("representatives = ", "handler = ", "there is no frame"),
        ("[phrases]", "[phrases", "texts.toml, line "),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_with_the_place_and_the_reason(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    with pytest.raises(TextError, match=re.escape(fault)):
        read(edited(tmp_path, (before, after)))


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    path = edited(tmp_path, ("编号{petition}", "编号"), ("{again}现{why}", "{again}{why}"))
    with pytest.raises(TextError, match=r"does not name the petition; .* two variables side by side"):
        read(path)


def test_a_table_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"^gone\.toml: "):
        read(tmp_path / "gone.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TextError, match=r"^binary\.toml: "):
        read(tmp_path / "binary.toml")


def test_a_row_says_how_and_the_defaults_are_those_of_a_notice(tmp_path: Path) -> None:
    flags = 'urgent = true\nvalid = "P1DT12H"'
    notice = load(edited(tmp_path, ("urgent = true", flags))).notices()[BY_TYPE[TABLE.message[0].fact]][0]
    assert notice == Notice("registered", "2026-11-01", urgent=True, valid=timedelta(hours=36), joins=True)
    referred = in_use(TABLE)["accepted"].notice()
    assert referred == Notice("accepted", "2026-11-01", joins=True)
    assert (referred.audience, referred.valid) == (Audience.PETITIONER, VALID)


def test_what_the_law_wants_told_is_told_to_the_petitioner_whatever_he_opted_out_of() -> None:
    rows = [row for row in in_use(TABLE).values() if row.audience is Audience.PETITIONER and not row.question]
    statutory = {BY_TYPE[row.fact] for row in rows if row.statutory}
    assert statutory >= MUST_TELL


def test_an_answer_stays_worth_sending_for_two_weeks() -> None:
    for kind in (CaseConcluded, CaseAnswered):
        told = [notice for notice in load().notices()[kind] if notice.statutory]
        assert {timedelta(days=14)} == {notice.valid for notice in told}


def test_petitioners_and_those_beside_them_read_no_name_of_the_staff() -> None:
    for row in TABLE.message:
        names = used(row.text, TABLE.phrases)
        assert "handler" not in names or row.audience in STAFF
        assert "link" not in names or row.audience is Audience.PETITIONER


def test_staff_may_be_told_who_handles_a_case_and_petitioners_what_opens_their_page() -> None:
    overdue = next(kind for kind in OFFERS if "step" in OFFERS[kind])
    assert {"handler", "todo"} <= offered(overdue, Audience.SUPERIOR)
    assert "link" in offered(overdue, Audience.PETITIONER)


def test_what_a_text_can_grow_to_is_what_its_values_can() -> None:
    assert 17 + 11 + 4 == most_units("{petition}于{due}办结。", {})
    assert 2 + 60 + 1 == most_units("{why}", {"why": "因“{reason}"}) + 1
