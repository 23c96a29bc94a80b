"""The district or county that a text names, and nothing where it names several or none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.areas import NAMES, is_area
from services.routing.gazetteer import DATA, GazetteerError, find_area, read, read_streets, refine

EXAMPLES = [
    ("长沙市天心区某小区停水", "430103"),
    ("长沙县泉塘街道没有公交", "430121002"),
    ("長沙縣的道路", "430121"),
    ("寧鄉市的水渠", "430182"),
    ("住在 岳 麓 区", "430104"),
    ("望城区和天心区交界处", None),
    ("长沙的地铁什么时候开通", "430100"),
    ("从株洲到长沙的城铁", None),
    ("浏阳河边的步道", None),
    ("我们小区停水", None),
    ("浏阳市永和镇的磷矿", "430181109"),
    ("永和镇的磷矿", None),  # there are towns of that name in other provinces
    ("星沙街道和泉塘街道之间", "430121"),
    ("", None),
]


@pytest.mark.parametrize(("text", "area"), EXAMPLES)
def test_finds_the_area_that_a_text_names(text: str, area: str | None) -> None:
    assert area == find_area(text)


def test_every_area_is_found_by_its_own_name() -> None:
    assert {code: find_area(name) for code, name in NAMES.items()} == {code: code for code in NAMES}


@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)))
def test_never_raises_whatever_is_written(text: str) -> None:
    assert find_area(text) is None or is_area(str(find_area(text)))


def test_a_broken_edit_is_refused_with_line_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(f"{DATA.read_text('utf-8')}430999\t某区\n", "utf-8")

    with pytest.raises(GazetteerError, match=r"names\.tsv, line \d+: '430999' is no area"):
        read(path)


def test_a_name_with_two_meanings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("430102\t某街道\n430103\t某街道\n", "utf-8")

    with pytest.raises(GazetteerError, match="line 2"):
        read(path)


def test_the_city_has_172_streets_and_towns_each_within_a_district() -> None:
    streets = read_streets()
    assert 172 == len(streets) == len(set(streets.values()))
    assert set(NAMES) - {"430100"} == {code[:6] for code in streets.values()}


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        (None, None, None),
        (None, "430121", "430121"),
        ("430121", "430121002", "430121002"),
        ("430100", "430121002", "430121002"),
        ("430102", "430121002", "430102"),
        ("430121001005", "430121002", "430121001005"),
        ("430121", "430100", "430121"),
    ],
)
def test_a_text_makes_the_given_area_narrower_and_never_another(
    known: str | None, found: str | None, expected: str | None
) -> None:
    assert expected == refine(known, found)
