"""Who is told of a case, by codes; a broken edit is refused with its line, and no number is ever shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.notify.staff import Directory, DirectoryError, Shelf, read

TEXT = """# 2026-11
[[staff]]
code = "zhang.wei"
phone = "138 0000 3001"
superior = "leader-03"

[[staff]]
code = "labor"  # the desk on duty
phone = "13800003002"
superior = "leader-04"

[[staff]]
code = "leader-03"
phone = "13800003003"
superior = "leader-04"

[[staff]]
code = "leader-04"
phone = "+8613800003004"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A directory in a file."""
    (path := tmp_path / "staff.toml").write_text(TEXT, "utf-8")
    return path


def later(file: Path, text: str, seconds: int) -> None:
    """Write the file with a time of its own, so that clocks of any grain tell the edits apart."""
    file.write_text(text, "utf-8")
    os.utime(file, (1_800_000_000 + seconds,) * 2)


@pytest.mark.parametrize(
    ("code", "body", "handler", "superior"),
    [
        ("zhang.wei", "labor", "3001", "3003"),
        ("", "labor", "3002", "3004"),
        ("li.na", "labor", "3002", "3004"),
        ("leader-04", "labor", "3004", "3004"),
        ("leader-04", "rural", "3004", None),
        ("li.na", "rural", None, None),
        ("", "", None, None),
    ],
)
def test_a_case_is_told_to_its_handler_else_to_the_desk_of_its_body(
    file: Path, code: str, body: str, handler: str | None, superior: str | None
) -> None:
    found = read(file)
    assert (handler and f"+861380000{handler}") == found.handler(code, body)
    assert (superior and f"+861380000{superior}") == found.superior(code, body)


def test_an_empty_directory_reaches_nobody(tmp_path: Path) -> None:
    (file := tmp_path / "staff.toml").write_text("", "utf-8")
    assert Directory() == read(file)
    assert Directory().handler("zhang.wei", "labor") is None


@pytest.mark.parametrize(
    ("before", "after", "line", "told"),
    [
        ('"138 0000 3001"', '"0731-85553001"', 4, "zhang.wei: no SMS reaches it: landline"),
        ('"138 0000 3001"', '"13800003001转1"', 4, "no SMS reaches it: not-a-number"),
        ('"138 0000 3001"', "13800003001", 4, "phone: Input should be a valid string"),
        ('phone = "13800003002"\n', "", 7, "phone: Field required"),
        ('"labor"', '"zhang.wei"', 8, "zhang.wei is listed above already"),
        ('"labor"', '"张伟"', 8, "code: String should match pattern"),
        ('superior = "leader-03"', 'superior = "leader-99"', 5, "the superior leader-99 is not listed"),
        ('"+8613800003004"', '"+8613800003004"\nsuperior = "leader-03"', 5, "the superiors go in a circle"),
        ('"leader-03"\nphone', '"leader-03"\nage = 5\nphone', 14, "age: Extra inputs are not permitted"),
        ('code = "zhang.wei"', "code = ", 3, "Invalid value"),
        ("[[staff]]", "[[people]]", 1, "people: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_broken_directory_is_refused_with_line_and_reason_and_without_numbers(
    file: Path, before: str, after: str, line: int, told: str
) -> None:
    assert before in TEXT
    file.write_text(TEXT.replace(before, after, 1), "utf-8")
    with pytest.raises(DirectoryError) as error:
        read(file)
    assert str(error.value).startswith(f"staff.toml, line {line}: ")
    assert told in str(error.value)
    assert "0000" not in str(error.value)
    assert "3001" not in str(error.value)
    assert error.value.__cause__ is None or "3001" not in str(error.value.__cause__)


def test_nothing_that_is_printed_shows_a_number(file: Path) -> None:
    shelf = Shelf(file)
    found = shelf.look()
    for shown in (repr(shelf), repr(found), repr(found.people["labor"]), str(found.people)):
        assert "0000" not in shown


def test_an_edit_counts_at_once_and_a_broken_one_leaves_the_old_in_force(file: Path) -> None:
    later(file, TEXT, 0)
    shelf = Shelf(file)
    first = shelf.look()
    assert first is shelf.look(), "read once"
    later(file, TEXT.replace("13800003002", "13800003009"), 1)
    assert "+8613800003009" == shelf.look().handler("", "labor")
    later(file, TEXT.replace("13800003002", "none"), 2)
    assert "+8613800003009" == shelf.look().handler("", "labor")
    assert "staff.toml, line 9: labor: no SMS reaches it: not-a-number" == shelf.refused
    file.unlink()
    assert "+8613800003009" == shelf.look().handler("", "labor")
    assert shelf.refused.startswith("staff.toml: ")
    later(file, TEXT, 3)
    assert ("+8613800003002", "") == (shelf.look().handler("", "labor"), shelf.refused)


def test_a_directory_that_was_never_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError):
        Shelf(tmp_path / "gone.toml").look()
