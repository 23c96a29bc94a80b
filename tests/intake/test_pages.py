"""The pages, for old eyes and telephones: whole HTML, labels, contrast, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import services.intake
from contracts.bodies import catalogue
from contracts.fact import Fact
from runtime import problems
from runtime.pages import HEADERS
from runtime.problems import Problem
from services.intake.http import Receipt
from services.intake.pages import BUSY, Adding, Pages, like_a_mobile
from services.intake.story import tell
from tests.intake import arrivals
from tests.intake.page import Page
from tests.intake.test_story import told

PAGES = Pages(Path(services.intake.__file__).parent / "templates")
NASTY = "<script>alert('1')</script> & \"王\" {{ 7*7 }} </textarea>"
TYPED = {
    "title": NASTY,
    "content": f"\n{NASTY}\n",
    "name": NASTY,
    "phone": NASTY,
    "area": "430102",
    "representatives": f"\n{NASTY}",
    "co_signers": NASTY,
    "key": "k1",
}
EVERY_FIELD = [
    {"field": field, "message": "不能为空"}
    for field in (
        "title",
        "content",
        "petitioner.name",
        "petitioner.phone",
        "area",
        "representatives",
        "co_signers.1.phone",
    )
]
JOURNEY: tuple[Fact, ...] = (
    arrivals.saved(content=NASTY),
    arrivals.REGISTERED,
    arrivals.ACCEPTED,
    arrivals.TRIAGE,
    arrivals.ROUTED,
    arrivals.OPENED,
    arrivals.TAKEN,
    arrivals.SESSION,
    arrivals.CONCLUDED,
    arrivals.ANSWERED,
    arrivals.RATED,
)
# Black on white is 21; WCAG 2.2 asks 7 of text at its highest level (1.4.6) and 3 of edges (1.4.11).
CONTRAST_OF_TEXT = 7.0
CONTRAST_OF_EDGES = 3.0


def story_page(*facts: Fact, notice: str = "") -> str:
    return bytes(PAGES.story(tell(told(*facts), catalogue()), code="4827193506", notice=notice).body).decode()


def count_of(action: str, number: int) -> int:
    """How many forms of one kind stand on the story after so many facts."""
    forms = Page(story_page(*JOURNEY[:number])).all("form")
    return sum(form.attributes["action"] == action for form in forms)


def receipt_page(*, reachable: bool = True) -> str:
    receipt = Receipt(petition_id=arrivals.petition(), query_code="482 719 3506")
    page = PAGES.page("receipt.html", 201, receipt=receipt, phone="13800138000", reachable=reachable)
    return bytes(page.body).decode()


EVERY_PAGE = {
    "form": bytes(PAGES.form().body).decode(),
    "form-with-errors": bytes(PAGES.form(TYPED, EVERY_FIELD, status=422).body).decode(),
    "form-with-notice": bytes(PAGES.form(TYPED, notice="系统暂时繁忙", status=503).body).decode(),
    "query": bytes(PAGES.query().body).decode(),
    "query-with-error": bytes(PAGES.query(NASTY, error="编号不对", status=404).body).decode(),
    "receipt": receipt_page(),
    "receipt-of-a-landline": receipt_page(reachable=False),
    "problem": bytes(
        PAGES.page("problem.html", 429, problem=Problem(429, "too-many-tries").document()).body
    ).decode(),
    "story-told-by-no-sms": story_page(arrivals.saved(), arrivals.REGISTERED, arrivals.SKIPPED),
    "story-with-a-supplement-not-taken": bytes(
        PAGES.story(
            tell(told(*JOURNEY[:3]), catalogue()),
            code="4827193506",
            adding=Adding(arrivals.petition(), "4827193506", "k1", f"\n{NASTY}\n", "不能为空"),
            status=422,
        ).body
    ).decode(),
    "supplement-while-busy": bytes(
        PAGES.page(
            "supplement.html", 503, adding=Adding(NASTY, NASTY, NASTY, f"\n{NASTY}\n"), notice=BUSY
        ).body
    ).decode(),
    "story-with-notice": story_page(*JOURNEY, notice="感谢您的评价。"),
} | {f"story-{number}": story_page(*JOURNEY[:number]) for number in range(2, len(JOURNEY) + 1)}

every_page = pytest.mark.parametrize("source", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())


@every_page
def test_a_page_is_whole_html_in_chinese(source: str) -> None:
    page = Page(source)
    assert [] == page.faults
    assert "zh-CN" == page.one("html").attributes["lang"]
    assert "utf-8" == page.all("meta")[0].attributes["charset"]
    assert "width=device-width" in (page.all("meta")[1].attributes["content"] or "")
    assert page.one("title").text.endswith("长沙信访")
    assert page.one("h1").text.strip()
    assert 1 == len(page.all("main"))


@every_page
def test_every_field_has_a_label_and_every_reference_an_aim(source: str) -> None:
    page = Page(source)
    assert [] == page.unlabelled()
    assert set() == page.dangling()


@every_page
def test_a_page_needs_no_script_and_nothing_from_elsewhere(source: str) -> None:
    page = Page(source)
    assert [] == page.all("script", "link", "img", "iframe", "object")
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert "style" != name
            if name in {"href", "action", "src"}:
                assert re.match(r"/(?!/)|#|tel:[0-9-]+$", value or ""), value
    assert "@import" not in source
    assert "url(" not in source


@every_page
def test_a_page_says_the_same_without_its_style(source: str) -> None:
    style = Page(source).one("style").text
    assert "content:" not in style
    assert "display:none" not in style.partition("@media print")[0]
    assert "position:" not in style
    assert "order:" not in re.sub("border:", "", style)


@every_page
def test_what_people_typed_is_shown_and_never_run(source: str) -> None:
    assert "<script" not in source
    assert source.count("alert(") == source.count("7*7")


@pytest.mark.parametrize("name", ["form-with-errors", "form-with-notice"])
def test_a_form_that_was_not_taken_keeps_everything_that_was_typed(name: str) -> None:
    assert TYPED == Page(EVERY_PAGE[name]).typed()


def test_a_form_with_errors_says_them_above_and_at_the_field() -> None:
    page = Page(EVERY_PAGE["form-with-errors"])
    (alert,) = [e for e in page.elements if e.attributes.get("role") == "alert"]
    for name in ("title", "content", "name", "phone", "area"):
        entry = page.by_id(name)
        assert "true" == entry.attributes["aria-invalid"]
        assert f"{name}-error" in (entry.attributes["aria-describedby"] or "").split()
        assert "不能为空" == page.by_id(f"{name}-error").text
        assert any(f"#{name}" == a.attributes["href"] for a in page.all("a") if "li" in a.within)
    assert len(EVERY_FIELD) == alert.text.count("不能为空")
    assert "联名人：第2人：不能为空" in alert.text


def test_a_fresh_form_has_a_key_of_its_own() -> None:
    keys = {Page(bytes(PAGES.form().body).decode()).typed()["key"] for _ in range(3)}
    assert 3 == len(keys)
    assert all(len(key) >= 32 for key in keys)


def test_a_fresh_form_is_not_marked_as_wrong() -> None:
    assert "aria-invalid" not in EVERY_PAGE["form"]
    assert 'role="alert"' not in EVERY_PAGE["form"]


def test_the_rating_is_asked_for_once_there_is_an_answer_and_only_then() -> None:
    assert [0] * 8 + [1, 0] == [count_of("/rate", number) for number in range(2, len(JOURNEY) + 1)]


def test_a_supplement_can_be_written_until_there_is_an_answer_and_no_longer() -> None:
    assert [1] * 8 + [0, 0] == [count_of("/supplement", number) for number in range(2, len(JOURNEY) + 1)]


def test_a_supplement_that_was_not_taken_keeps_what_was_typed_and_says_why_above_and_at_the_field() -> None:
    page = Page(EVERY_PAGE["story-with-a-supplement-not-taken"])
    assert ("k1", f"\n{NASTY}\n") == (page.typed()["key"], page.typed()["text"])
    assert "不能为空" == page.by_id("text-error").text
    assert "true" == page.by_id("text").attributes["aria-invalid"]
    (alert,) = [e for e in page.elements if e.attributes.get("role") == "alert"]
    assert "不能为空" in alert.text
    assert f"\n{NASTY}\n" == Page(EVERY_PAGE["supplement-while-busy"]).typed()["text"]


def test_the_way_to_a_review_is_shown_after_the_rating_too() -> None:
    for source in (EVERY_PAGE["story-10"], EVERY_PAGE["story-11"]):
        assert "复查" in Page(source).one("dl").text


def test_the_story_shows_what_the_petitioner_wrote() -> None:
    assert NASTY in Page(EVERY_PAGE["story-3"]).one("main").text


def test_a_personal_page_is_kept_nowhere_and_leads_nowhere() -> None:
    answer = PAGES.story(tell(told(*JOURNEY), catalogue()), code="4827193506")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "no-store" == answer.headers["cache-control"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_error_that_a_page_may_show_has_its_words() -> None:
    for code, (title, detail) in problems.WORDS.items():
        assert re.search(r"[\u4e00-\u9fff]", title), code
        assert detail.endswith("。"), code


@pytest.mark.parametrize(
    ("phone", "mobile"),
    [
        ("13800138000", True),
        ("138 0013 8000", True),
        ("+86 138-0013-8000", True),
        ("１３８００１３８０００", True),
        ("0731-88665544", False),
        ("1380013800", False),
        ("没有", False),
    ],
)
def test_the_receipt_knows_a_mobile_number_when_it_sees_one(phone: str, mobile: bool) -> None:
    assert mobile == like_a_mobile(phone)


def colours(selector: str) -> tuple[str, str]:
    """Text and background colour of a rule of the style sheet, each from the body where it has none."""
    style = Page(EVERY_PAGE["form"]).one("style").text

    def of(rule: str, name: str) -> str | None:
        found = re.search(rf"^{re.escape(rule)}\{{([^}}]*)\}}", style, re.MULTILINE)
        value = found and re.search(rf"(?:^|;){name}:(#[0-9a-f]{{3,6}})", found.group(1))
        return value.group(1) if value else None

    text = of(selector, "color") or of("body", "color")
    back = of(selector, "background") or of("body", "background")
    assert text
    assert back
    return text, back


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 between two colours."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_the_published_one() -> None:
    assert 21.0 == pytest.approx(contrast("#000", "#fff"))
    assert 4.54 == pytest.approx(contrast("#767676", "#ffffff"), abs=0.01)


@pytest.mark.parametrize("selector", ["body", "header", "a", ".hint", ".wrong", "button", "time", "footer"])
def test_text_stands_out_from_its_background(selector: str) -> None:
    assert contrast(*colours(selector)) >= CONTRAST_OF_TEXT


@pytest.mark.parametrize("selector", ["body", "a", ".wrong"])
def test_text_stands_out_in_a_box_of_errors(selector: str) -> None:
    assert contrast(colours(selector)[0], colours(".error")[1]) >= CONTRAST_OF_TEXT


def test_edges_of_fields_and_the_focus_stand_out() -> None:
    style = Page(EVERY_PAGE["form"]).one("style").text
    for pattern in (
        r"textarea,select\{[^}]*border:2px solid (#[0-9a-f]{3,6})",
        r"outline:4px solid (#[0-9a-f]+)",
    ):
        edge = re.search(pattern, style)
        assert edge
        assert contrast(edge.group(1), "#fff") >= CONTRAST_OF_EDGES
