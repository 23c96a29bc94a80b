"""The words: every told fact renders in full, in two segments, and nothing gets in that should not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body, catalogue
from contracts.fact import Fact
from contracts.intake import PetitionRegistered
from contracts.kinds import Outcome, SessionKind
from contracts.mediation import ByPolicy, CaseAnswered, CaseConcluded, Step
from contracts.policies import published
from contracts.routing import Office, PetitionRouted, Reason
from services.notify import texts
from services.notify.notices import Notice
from services.notify.segments import count
from services.notify.stories import OFFERS, Story, evolve_story
from services.notify.texts import TABLE_FILE, TextError, clean, load
from tests.notify.journey import PETITION, TOLD, fact_of

TEXTS = load()
NOTICES = [(kind, notice) for kind, notices in TEXTS.notices().items() for notice in notices]
LONGEST_BODY = max(Body, key=lambda body: len(catalogue().name(body)))


def values_of(fact: Fact, body: str = LONGEST_BODY) -> dict[str, str]:
    """What a fact offers, where it has to be said with the longest words."""
    (telling,) = evolve_story(Story(body=body), fact).tellings
    return telling.values | ({"body": body} if "body" in telling.values else {})


def rendered(kind: type[Fact], values: dict[str, str], words: texts.Texts = TEXTS) -> str:
    """The text for a fact of this kind."""
    (notice,) = words.notices()[kind]
    found = words.render(notice.template, notice.version, PETITION, values)
    assert found is not None
    return found.text


def changed(tmp_path: Path, before: str, after: str) -> Path:
    """The shipped table with one thing changed."""
    table = TABLE_FILE.read_text("utf-8")
    assert before in table
    path = tmp_path / "texts.toml"
    path.write_text(table.replace(before, after, 1), "utf-8")
    return path


@pytest.mark.parametrize(("kind", "notice"), NOTICES, ids=lambda found: getattr(found, "template", ""))
def test_every_told_fact_renders_in_two_segments(kind: type[Fact], notice: Notice) -> None:
    found = TEXTS.render(notice.template, notice.version, PETITION, values_of(TOLD[kind]))
    assert found is not None
    assert not re.search(r"[{}【】]|None|UTC|T\d\d:", found.text)
    assert PETITION in found.text
    assert found.text.startswith("您好")
    assert count(f"【长沙信访】{found.text}") <= 2


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_words(outcome: Outcome) -> None:
    text = rendered(CaseConcluded, values_of(fact_of(CaseConcluded, outcome=outcome)))
    assert str(outcome) not in text
    assert count(f"【长沙信访】{text}") <= 2


@pytest.mark.parametrize("name", ["office", "outcome", "kind", "step"])
def test_every_code_has_its_words(name: str) -> None:
    words = tomllib.loads(TABLE_FILE.read_text("utf-8"))["words"][name]
    codes = {"office": Office, "outcome": Outcome, "kind": SessionKind, "step": Step}[name]
    assert {str(code) for code in codes} == set(words)


def test_what_a_fact_offers_is_in_the_fact_or_known_of_the_case() -> None:
    for kind, names in OFFERS.items():
        assert set(names) <= {*kind.model_fields, "body", "reason", "policy"}, kind


def test_a_routed_petition_says_to_whom_and_why() -> None:
    fact = fact_of(
        PetitionRouted,
        body=Body.LABOR,
        reasons=(Reason(term="工资", weight=1), Reason(term="拖欠工资", weight=3)),
    )
    text = rendered(PetitionRouted, values_of(fact, Body.LABOR))
    assert "因涉及“拖欠工资”，已转交劳动人事争议调处中心办理，联系电话0731-12333" in text


def test_a_phrase_without_its_value_is_left_out() -> None:
    text = rendered(PetitionRouted, values_of(fact_of(PetitionRouted, reasons=())))
    assert f"{PETITION}已转交" in text


def test_the_link_appears_only_where_there_is_one(tmp_path: Path) -> None:
    values = values_of(TOLD[PetitionRegistered])
    assert "查询：" not in rendered(PetitionRegistered, values)
    linked = rendered(PetitionRegistered, values, load(public_url="https://xf.example.cn/"))
    assert linked.endswith(f"查询：https://xf.example.cn/petitions/{PETITION}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("【银行】转账", "〔银行〕转账"),
        ("甲\r\n乙\x00丙\u202e丁", "甲乙丙丁"),
        ("{petition}${x}%d{0}", "{petition}${x}%d{0}"),
        ("e\u0301", "é"),
    ],
)
def test_a_value_cannot_bring_its_own_signature_or_hidden_signs(value: str, shown: str) -> None:
    assert shown == clean(value)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_value_is_never_read_as_a_template(term: str) -> None:
    text = rendered(PetitionRouted, {"body": "labor", "reason": term})
    assert f"因涉及“{clean(term)}”，" in text


def test_a_version_that_is_not_in_the_table_is_not_rendered() -> None:
    assert (
        TEXTS.render("registered", "2001-01-01", PETITION, {"tell_by": "2027-01-01T00:00:00+00:00"}) is None
    )


def test_a_missing_value_is_not_rendered_as_a_gap() -> None:
    assert TEXTS.render("registered", "2026-11-01", PETITION, {}) is None


def test_an_older_version_still_renders_what_was_queued_with_it(tmp_path: Path) -> None:
    row = (
        '[[message]]\ntemplate = "registered"\nversion = "2026-10-01"\naudience = "petitioner"\n'
        'fact = "cn.petition.intake.PetitionRegistered.v1"\ntext = "旧文{petition}"\n\n'
    )
    words = load(changed(tmp_path, "[[message]]", row + "[[message]]"))
    assert words.notices()[PetitionRegistered] == (Notice("registered", "2026-11-01"),)
    found = words.render("registered", "2026-10-01", PETITION, {})
    assert found is not None
    assert found.text == f"旧文{PETITION}"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("{tell_by}", "{due}", "offers no due"),
        ("编号{petition}", "编号", "does not name the petition"),
        ("{why}", "{reason}", "put it into a phrase"),
        ("您好，您反映的事项我们", "【信访局】您好，您反映的事项我们", "stray brackets"),
        ("您好，您反映的事项我们", "{您好，您反映的事项我们", "stray brackets"),
        ("cn.petition.mediation.CaseOpened.v1", "cn.petition.mediation.CaseShut.v1", "does not hear"),
        (
            "cn.petition.routing.PetitionReferred.v1",
            "cn.petition.mediation.CaseRated.v1",
            "nobody is told of",
        ),
        ('template = "accepted"', 'template = "registered"', "stands for two facts"),
        ('settled = "双方已达成一致"', "", "words.outcome lacks settled"),
        ('audience = "petitioner"', 'audience = "everybody"', "petitioner"),
        ("[phrases]", "[phrases", "not TOML"),
    ],
)
def test_a_wrong_table_is_refused_when_it_is_read(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    with pytest.raises(TextError, match=re.escape(fault)):
        load(changed(tmp_path, before, after))


def test_an_answer_by_a_common_policy_names_it_and_the_right_of_review() -> None:
    policy = max(published().values(), key=lambda policy: len(policy.title))
    by = ByPolicy(campaign="c", order="c.1", policy=policy.code, version=policy.version, sha256=policy.sha256)
    for kind in (CaseConcluded, CaseAnswered):
        text = rendered(kind, values_of(fact_of(kind, by_policy=by)))
        assert f"适用《{policy.title}》，结果是：" in text
        assert count(f"【长沙信访】{text}") <= 3
    assert "前申请复查" in text


def test_a_policy_that_is_not_published_here_is_named_by_its_code() -> None:
    by = ByPolicy(campaign="c", order="c.1", policy="unheard-of", version=9, sha256="0" * 64)
    text = rendered(CaseAnswered, values_of(fact_of(CaseAnswered, by_policy=by)))
    assert "适用《unheard-of》" in text


def test_an_answer_without_a_policy_reads_as_before() -> None:
    text = rendered(CaseAnswered, values_of(fact_of(CaseAnswered)))
    assert "适用" not in text
    assert "已书面答复您，结果是：" in text
