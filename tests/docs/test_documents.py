"""What the documents say is there: links, commands, paths, checks, tables, and the picture's topics."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.registry import FACTS
from contracts.topics import ALL_TOPICS, BODY_TOPICS, FACT_TOPICS, SERVICES
from tests.architecture.fitting import process
from tests.architecture.source import ROOT
from tests.docs import tables

DOCUMENTS = sorted(
    path for pattern in ("*.md", "docs/**/*.md") for path in ROOT.glob(pattern) if ".local" not in path.parts
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PICTURE = ROOT / "docs" / "flow.svg"
SVG = "{http://www.w3.org/2000/svg}"

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_PATH = re.compile(r"`((?:contracts|runtime|services|local|docs|tests)/[\w./-]+?)(?:::(\w+))?`")
_COMMAND = re.compile(r"(?:`|^)make ([a-z][a-z-]+)", re.MULTILINE)


def named(path: Path) -> str:
    """How a failing case is called."""
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return _FENCE.sub("", path.read_text("utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that a reader's page makes of the headings."""
    found = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in _HEADING.findall(prose(path)))
    return {heading.strip().replace(" ", "-") for heading in found}


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def broken(path: Path) -> Iterator[str]:
    """Links of a document that lead nowhere."""
    for link in _LINK.findall(prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists():
            yield link
        elif anchor and anchor not in anchors(target):
            yield f"{link}: no such heading"


def missing(text: str) -> Iterator[str]:
    """Paths in a text, with the test where one is named, that are not there."""
    for place, test in _PATH.findall(text):
        target = ROOT / place
        if not target.exists() or (test and f"def {test}(" not in target.read_text("utf-8")):
            yield f"{place}::{test}" if test else place


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    assert [] == list(broken(path))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_commands_can_be_made(path: Path) -> None:
    asked = set(_COMMAND.findall(path.read_text("utf-8")))
    assert set() == asked - targets()


def test_the_readme_names_every_command_that_a_newcomer_needs() -> None:
    assert {"up", "demo", "test", "check", "clean-local"} <= set(
        _COMMAND.findall((ROOT / "README.md").read_text())
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_paths_are_there(path: Path) -> None:
    assert [] == list(missing(prose(path)))


@pytest.mark.parametrize("path", DECISIONS, ids=named)
def test_a_decision_names_the_checks_that_enforce_it(path: Path) -> None:
    _, _, checks = prose(path).partition("**Checks.**")
    assert [] != [place for place, _ in _PATH.findall(checks) if place.startswith("tests/")]


def test_every_decision_is_in_the_list() -> None:
    listed = _LINK.findall((ROOT / "docs" / "decisions" / "README.md").read_text("utf-8"))
    assert [path.name for path in DECISIONS] == listed


@pytest.mark.parametrize(
    ("document", "mark", "expected"),
    [
        ("runbook.md", "shared", tables.shared()),
        ("runbook.md", "own", tables.own()),
        ("runbook.md", "metrics", tables.metrics()),
        ("notify-texts.md", "told", tables.told()),
    ],
)
def test_a_table_of_a_document_is_what_the_code_says(document: str, mark: str, expected: str) -> None:
    text = (ROOT / "docs" / document).read_text("utf-8")
    found = re.search(rf"<!-- {mark} -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert found is not None
    assert expected == found[1]


def test_every_reason_not_to_be_ready_is_in_the_runbook() -> None:
    source = (ROOT / "runtime" / "health.py").read_text("utf-8")
    reasons = set(re.findall(r'append\(f?"(\w+):', source))
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert reasons != set()
    assert [] == [reason for reason in sorted(reasons) if f"| `{reason}` |" not in text]


def test_every_fact_is_on_the_way_of_a_petition() -> None:
    text = (ROOT / "docs" / "journey.md").read_text("utf-8")
    assert [] == [fact.__name__ for fact in FACTS if f"`{fact.__name__}`" not in text]


def test_the_picture_says_what_it_shows() -> None:
    picture = ET.parse(PICTURE).getroot()  # noqa: S314 - our own file
    assert "img" == picture.get("role")
    named_by = (picture.get("aria-labelledby") or "").split()
    said = [element for element in picture if element.get("id") in named_by]
    assert [f"{SVG}title", f"{SVG}desc"] == [element.tag for element in said]
    assert all(element.text for element in said)


def test_the_picture_has_the_topics_by_their_names() -> None:
    picture = ET.parse(PICTURE).getroot()  # noqa: S314 - our own file
    shown = {element.text for element in picture.iter(f"{SVG}text") if element.get("class") == "topic"}
    assert {topic.name for topic in FACT_TOPICS} | {f"body-<code>-v1 × {len(BODY_TOPICS)}"} == shown
    personal = {
        text.text for group in picture.iter(f"{SVG}g") if group.get("class") == "red" for text in group
    }
    assert {topic.name for topic in FACT_TOPICS if topic.personal} == personal & {t.name for t in ALL_TOPICS}


def test_the_picture_shows_who_writes_and_who_listens() -> None:
    picture = ET.parse(PICTURE).getroot()  # noqa: S314 - our own file
    writes = {element.get("data-writes") for element in picture.iter() if element.get("data-writes")}
    listens = {element.get("data-listens") for element in picture.iter() if element.get("data-listens")}
    assert {f"{topic.writer} {topic.name}" for topic in FACT_TOPICS} | {"mediation body"} == writes
    assert {
        f"{name} {topic.name}" for name in SERVICES for topic in process(name).service.listens_to()
    } == listens


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    document = tmp_path / "planted.md"
    document.write_text(
        "# Here it is\n[a](#here-it-is) [b](gone.md) [c](#gone) [d](https://example.org/gone)\n"
        "```\n[e](in-code.md)\n```\n",
        "utf-8",
    )
    assert ["gone.md", "#gone: no such heading"] == list(broken(document))


def test_a_path_or_a_check_that_is_gone_is_named() -> None:
    text = "`runtime/gone.py` `runtime/store.py` `tests/docs/tables.py::test_gone` `contracts/`"
    assert ["runtime/gone.py", "tests/docs/tables.py::test_gone"] == list(missing(text))


def test_a_command_that_nobody_can_make_is_found() -> None:
    assert {"gone"} == set(_COMMAND.findall("`make gone`, then\nmake up\nand make sense")) - targets()
