"""The words: every told fact renders in full, in two segments, and nothing gets in that should not."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.bodies import Body, catalogue
from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.intake import PetitionAccepted, PetitionRegistered
from contracts.kinds import Outcome
from contracts.mediation import (
    ByPolicy,
    CaseAccepted,
    CaseAnswered,
    CaseConcluded,
    CaseOpened,
    CaseOverdue,
    SessionHeld,
    Step,
)
from contracts.policies import published
from contracts.routing import PetitionRouted, Reason
from contracts.topics import INTAKE, MEDIATION, ROUTING
from services.notify import texts
from services.notify.notices import STAFF, Audience, Notice
from services.notify.segments import count, units
from services.notify.stories import OFFERS, Story, evolve_story
from services.notify.table import LONGEST, TABLE_FILE, VALUE_UNITS, WORDED
from services.notify.texts import Part, load
from services.notify.wording import clean, cut
from tests.notify.journey import PETITION, TOLD, fact_of

TEXTS = load()
NOTICES = [(kind, notice) for kind, notices in TEXTS.notices().items() for notice in notices]
LONGEST_BODY = max(Body, key=lambda body: len(catalogue().name(body)))


def values_of(fact: Fact, body: str = LONGEST_BODY) -> dict[str, str]:
    """What a fact offers, where it has to be said with the longest words."""
    case = Story(body=body, handler="zhang.wei", due="2027-01-20T02:00:00+00:00")
    (telling,) = evolve_story(case, fact).tellings
    return telling.values | ({"body": body} if "body" in telling.values else {})


def rendered(kind: type[Fact], values: dict[str, str], words: texts.Texts = TEXTS) -> str:
    """The text for a fact of this kind."""
    notice = words.notices()[kind][0]
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
    found = TEXTS.render(
        notice.template, notice.version, PETITION, values_of(TOLD[kind]) if kind in TOLD else {}
    )
    assert found is not None
    assert not re.search(r"[{}【】]|None|UTC|T\d\d:", found.text)
    assert PETITION in found.text
    assert found.text.startswith("您好") == (notice.audience not in STAFF)
    assert count(f"【长沙信访】{found.text}") <= 2


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_words(outcome: Outcome) -> None:
    text = rendered(CaseConcluded, values_of(fact_of(CaseConcluded, outcome=outcome)))
    assert str(outcome) not in text
    assert count(f"【长沙信访】{text}") <= 2


@pytest.mark.parametrize("name", WORDED)
def test_every_code_has_its_words(name: str) -> None:
    words = tomllib.loads(TABLE_FILE.read_text("utf-8"))["words"][name]
    assert {str(code) for code in WORDED[name]} == set(words)


def test_what_a_fact_offers_is_in_the_fact_or_known_of_the_case() -> None:
    for kind, names in OFFERS.items():
        assert set(names) <= {*kind.model_fields, "body", "reason", "policy", "handler", "due"}, kind


def test_a_routed_petition_says_to_whom_and_why() -> None:
    fact = fact_of(
        PetitionRouted,
        body=Body.LABOR,
        reasons=(Reason(term="工资", weight=1), Reason(term="拖欠工资", weight=3)),
    )
    text = rendered(PetitionRouted, values_of(fact, Body.LABOR))
    assert "，现因涉及“拖欠工资”，转交劳动人事争议调处中心办理，联系电话0731-12333" in text


def test_a_phrase_without_its_value_is_left_out() -> None:
    text = rendered(PetitionRouted, values_of(fact_of(PetitionRouted, reasons=())))
    assert f"{PETITION}，现转交" in text


def test_the_link_appears_only_where_there_is_one(tmp_path: Path) -> None:
    values = values_of(TOLD[PetitionRegistered])
    assert "查询：" not in rendered(PetitionRegistered, values)
    linked = rendered(PetitionRegistered, values, load(public_url="https://xf.example.cn/"))
    assert linked.endswith(f"查询：https://xf.example.cn/petitions/{PETITION}")
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_value_is_never_read_as_a_template(term: str) -> None:
    text = rendered(PetitionRouted, {"body": "labor", "reason": term})
    assert f"因涉及“{cut(clean(term), VALUE_UNITS)}”，" in text


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
    notice = words.notices()[PetitionRegistered][0]
    assert (notice.template, notice.version) == ("registered", "2026-11-01")
    found = words.render("registered", "2026-10-01", PETITION, {})
    assert found is not None
    assert found.text == f"旧文{PETITION}"


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


def test_the_rating_is_asked_for_by_itself_and_not_of_who_opted_out() -> None:
    (asked,) = (notice for notice in TEXTS.notices()[CaseAnswered] if notice.question)
    assert (asked.audience, asked.statutory, asked.joins) == (Audience.PETITIONER, False, False)
    found = TEXTS.render(asked.template, asked.version, PETITION, {})
    assert found is not None
    assert "请直接回复1至5分" in found.text


def test_the_outcome_goes_to_all_who_stand_behind_a_petition() -> None:
    for kind in (PetitionRegistered, CaseConcluded, CaseAnswered):
        told = {notice.audience for notice in TEXTS.notices()[kind]}
        assert {Audience.PETITIONER, Audience.REPRESENTATIVES, Audience.CO_SIGNERS} == told


@pytest.mark.parametrize("step", Step)
def test_handler_and_superior_read_what_is_late_and_what_to_do_now(step: Step) -> None:
    values = values_of(fact_of(CaseOverdue, step=step))
    texts_ = {
        notice.audience: found.text
        for notice in TEXTS.notices()[CaseOverdue]
        if (found := TEXTS.render(notice.template, notice.version, PETITION, values))
    }
    assert {Audience.PETITIONER, Audience.HANDLER, Audience.SUPERIOR} == set(texts_)
    assert "请今天" in texts_[Audience.HANDLER]
    assert "经办人zhang.wei" in texts_[Audience.SUPERIOR]
    assert "zhang.wei" not in texts_[Audience.PETITIONER]


def test_a_superior_is_told_where_nobody_handles_the_case_yet() -> None:
    (telling,) = evolve_story(Story(body=LONGEST_BODY), fact_of(CaseOverdue, step=Step.ACCEPT)).tellings
    found = TEXTS.render("overdue-superior", "2026-11-26", PETITION, telling.values)
    assert found is not None
    assert "经办人" not in found.text


def test_a_handler_reads_which_case_is_his_and_until_when() -> None:
    found = TEXTS.render("case-assigned", "2026-11-26", PETITION, values_of(TOLD[CaseAccepted]))
    assert found is not None
    assert found.text.startswith(f"信访事项{PETITION}由您经办，2027年1月20日前办结")


def part(template: str, kind: type[Fact], ordinal: int, version: str = "") -> Part:
    """A message that waits, as the rules hand it over."""
    versions = {notice.template: notice.version for notice in TEXTS.notices()[kind]}
    return Part(
        template,
        version or versions[template],
        message_id(kind.TOPIC, PETITION, ordinal),
        values_of(TOLD[kind], Body.LABOR),
    )


ROUTED, OPENED = part("routed", PetitionRouted, 1), part("case-opened", CaseOpened, 1)
RECEIVED, TAKEN_UP = part("registered", PetitionRegistered, 1), part("accepted", PetitionAccepted, 2)


def test_messages_of_one_hour_become_one_in_the_order_of_the_journey() -> None:
    assert [topic.name for topic in (INTAKE, ROUTING, MEDIATION)] == [
        kept.cause.partition("/")[0] for kept in (TAKEN_UP, ROUTED, OPENED)
    ]
    words = load(public_url="https://xf.example.cn")
    found = words.render_joined(PETITION, [OPENED, TAKEN_UP, ROUTED, RECEIVED])
    assert found is not None
    said = [
        found.text.index(word) for word in ("已收到并登记", "已受理", "转交", "已开始办理", "查询：https")
    ]
    assert said == sorted(said)
    assert 1 == found.text.count(PETITION) - found.text.count(f"/{PETITION}")
    assert 1 == found.text.count("您好")
    apart = [
        words.render(p.template, p.version, PETITION, p.values) for p in (OPENED, TAKEN_UP, ROUTED, RECEIVED)
    ]
    assert count(found.text) < sum(count(one.text) for one in apart if one)


def test_what_is_said_twice_is_joined_once_and_what_differs_stays() -> None:
    held = [part("session-held", SessionHeld, ordinal) for ordinal in (3, 4)]
    other = Part(held[1].template, held[1].version, held[1].cause, {**held[1].values, "number": "7"})
    same, differing = TEXTS.render_joined(PETITION, held), TEXTS.render_joined(PETITION, [held[0], other])
    assert same is not None
    assert differing is not None
    assert (1, 2) == (same.text.count("已开展"), differing.text.count("已开展"))


MANY = [
    Part(
        "session-held",
        "2026-11-01",
        message_id(MEDIATION, PETITION, number),
        {"body": "labor", "kind": "mediation", "number": str(number)},
    )
    for number in range(1, 30)
]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [RECEIVED, part("case-overdue", CaseOverdue, 3)],
        [RECEIVED, part("registered-reps", PetitionRegistered, 1)],
        [RECEIVED, part("routed", PetitionRouted, 1, version="2026-11-25")],
        [RECEIVED, part("routed", PetitionRouted, 1, version="2001-01-01")],
        [RECEIVED, Part("accepted", "2026-11-01", message_id(INTAKE, PETITION, 2), {})],
        MANY,
    ],
    ids=["nothing", "does-not-join", "other-audience", "old-version", "no-version", "no-value", "too-long"],
)  # fmt: skip
def test_what_cannot_be_joined_is_sent_by_itself(parts: list[Part]) -> None:
    assert TEXTS.render_joined(PETITION, parts) is None


@given(
    st.lists(st.sampled_from([RECEIVED, TAKEN_UP, ROUTED, OPENED]), min_size=1, unique_by=lambda p: p.cause)
)
def test_a_joined_text_does_not_depend_on_the_order_in_which_its_parts_come(parts: list[Part]) -> None:
    found, turned = TEXTS.render_joined(PETITION, parts), TEXTS.render_joined(PETITION, parts[::-1])
    assert found == turned
    assert found is not None
    assert units(found.text) <= LONGEST


HOSTILE = (
    "【银行】您的{petition}${x}{1}%d'\"<b>\r\n\x00\u202e点击http://a.example/x?y=1&z 请转账\u2066"
    + "长" * 300
)


def test_16_a_hostile_value_is_cleaned_cut_and_never_read_as_a_template() -> None:
    text = rendered(PetitionRouted, {"body": "labor", "reason": HOSTILE})
    said = text.partition("“")[2].partition("”，")[0]
    assert said.startswith("〔银行〕您的{petition}${x}{1}%d'\"<b> 点击http://a.example/x?y=1&z 请…")
    assert units(said) <= VALUE_UNITS
    assert units(f"【长沙信访】{text}") <= 500
    assert PETITION not in said
    assert text == json.loads(json.dumps(text))
    notice = TEXTS.notices()[PetitionRouted][0]
    found = TEXTS.render(notice.template, notice.version, PETITION, {"body": "labor", "reason": HOSTILE})
    assert found is not None
    params = {name: cut(value, 35) for name, value in found.params.items()}
    assert all(units(value) <= 35 for value in params.values())
    assert params == json.loads(json.dumps(params))
