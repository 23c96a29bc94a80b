"""The catalogue as data: what a change must keep, and that a broken one is refused with line and reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contracts.bodies import SHIPPED, Body, CatalogueError, Shelf, read

TEXT = SHIPPED.read_text("utf-8")
HEAD, *ROWS = TEXT.split("[[body]]")
RETIRED = """
code = "{code}"
name = "网络培训调处中心"
takes = "Training sold over the network; taken over by others."
phone = "12345"
hours = "工作日"
since = 2020-01-01
until = 2024-01-01
successor = "{successor}"
"""


def catalogue(*rows: str, head: str = HEAD) -> str:
    return "[[body]]".join([head, *rows])


def retired(code: str, successor: str) -> str:
    return RETIRED.format(code=code, successor=successor)


def branch(areas: str, capacity: int = 10) -> str:
    row = ROWS[0].replace('["430100"]', areas).replace("capacity = 3000", f"capacity = {capacity}")
    return row.replace("劳动人事争议调处中心", f"劳动分中心{capacity}")


COUNTIES = '["430102", "430103", "430104", "430105", "430111", "430112", "430181", "430182"]'


def test_the_shipped_catalogue_has_15_bodies_for_the_whole_city_with_capacity_and_dates() -> None:
    found = read(SHIPPED)
    assert list(Body) == list(found.entries)
    assert all(entry.capacity and entry.since and entry.areas == ("430100",) for entry in found.rows)
    assert found.since.isoformat() in found.version


def test_a_body_may_have_branches_and_the_one_of_the_area_answers(tmp_path: Path) -> None:
    (file := tmp_path / "bodies.toml").write_text(
        catalogue(branch(COUNTIES, 7), branch('["430121"]', 5), *ROWS[1:]), "utf-8"
    )
    found = read(file)
    names = [found.entry(Body.LABOR, area).name for area in ("430121", "430121001", "430102", None)]
    assert ["劳动分中心5", "劳动分中心5", "劳动分中心7", "劳动分中心7"] == names
    assert 12 == found.capacity(Body.LABOR)


def test_what_was_a_retired_bodys_goes_to_the_last_of_its_successors(tmp_path: Path) -> None:
    rows = [*ROWS, retired("training", "online"), retired("online", "education")]
    (file := tmp_path / "bodies.toml").write_text(catalogue(*rows), "utf-8")
    assert {"training": Body.EDUCATION, "online": Body.EDUCATION} == read(file).successors


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (catalogue(*ROWS[1:]), 'version = "2026-11-01"', "labor is missing"),
        (catalogue(*ROWS, ROWS[0]), "areas", "twice"),
        (catalogue(ROWS[0].replace("labor", "labour"), *ROWS[1:]), "labour", "none of the 15 codes"),
        (catalogue(branch('["430121"]'), *ROWS[1:]), '["430121"]', "nobody takes labor in 430102"),
        (catalogue(branch('["430100", "440100"]'), *ROWS[1:]), "440100", "440100 is no area"),
        (catalogue(*ROWS, retired("a-b", "c-d"), retired("c-d", "a-b")), "c-d", "in a circle"),
        (catalogue(*ROWS, retired("a-b", "nobody")), '"nobody"', "no successor among the bodies"),
        (catalogue(*ROWS, retired("a-b", "labor").replace("2024", "2010")), "until", "before it began"),
        (catalogue(ROWS[0].replace("3000", "-1"), *ROWS[1:]), "capacity = -1", "capacity"),
        (catalogue(ROWS[0].replace("0731-12333", "call us"), *ROWS[1:]), "call us", "phone"),
        (
            catalogue(ROWS[0].replace("capacity = 3000", "capacity = "), *ROWS[1:]),
            "capacity = ",
            "TOML|value",
        ),
        (catalogue(ROWS[0] + 'colour = "red"\n', *ROWS[1:]), "colour", "not permitted"),
    ],
)
def test_a_broken_catalogue_is_refused_with_line_and_reason(
    tmp_path: Path, text: str, line: str, told: str
) -> None:
    (file := tmp_path / "bodies.toml").write_text(text, "utf-8")
    with pytest.raises(CatalogueError, match=told) as error:
        read(file)
    number = int(str(error.value).partition("line ")[2].partition(":")[0])
    told_of = text.splitlines()[number - 1]
    assert line in told_of or "missing" in told, f"{error.value}: {told_of}"


def later(file: Path, text: str, seconds: int) -> None:
    """Write the file with a time of its own, so that clocks of any grain tell the edits apart."""
    file.write_text(text, "utf-8")
    os.utime(file, (1_800_000_000 + seconds,) * 2)


def test_an_edit_counts_at_once_and_a_broken_one_leaves_the_old_in_force(tmp_path: Path) -> None:
    later(file := tmp_path / "bodies.toml", TEXT, 0)
    shelf = Shelf(file)
    first = shelf.look()
    assert first is shelf.look(), "read once"
    later(file, TEXT.replace('"2026-11-01"', '"2026-12-01"').replace("0731-12333", "12333"), 1)
    second = shelf.look()
    assert ("2026-12-01", "12333", "") == (second.version, second.entries[Body.LABOR].phone, shelf.refused)
    later(file, catalogue(*ROWS[1:]), 2)
    assert second is shelf.look()
    assert "line" in shelf.refused
    assert "labor is missing" in shelf.refused
    file.unlink()
    assert second is shelf.look()
    later(file, TEXT, 3)
    assert ("2026-11-01", "") == (shelf.look().version, shelf.refused)


def test_without_any_catalogue_nothing_begins(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError):
        Shelf(tmp_path / "gone.toml").look()
