"""The district or county that a text names, and nothing where it names several or none."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import places
from contracts.areas import NAMES, is_area
from contracts.edited import Shelf
from services.routing.gazetteer import DATA, GazetteerError, find_area, read, refine


def edit(file: Path, text: str, seconds: int) -> None:
    file.write_text(text, "utf-8")
    os.utime(file, (1_800_000_000 + seconds,) * 2)


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
    ("芙蓉区文艺路街道识字里社区停水", "430102001001"),
    ("芙蓉區識字里社區停水", "430102001001"),
    ("识字里社区停水", None),  # a community alone names no district
    ("芙蓉区文艺路街道曙光社区停水", "430102001"),  # that one lies in another street
    ("浏阳市升平村的水渠", "430181"),  # two towns have a village of that name
    ("浏阳市永和镇升平村的水渠", "430181109219"),
    ("望城区和天心区的社区", None),
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
    streets = {name: code for code, name in places.read().streets.items()}
    assert 172 == len(streets) == len(set(streets.values()))
    assert set(NAMES) - {"430100"} == {code[:6] for code in streets.values()}


def test_every_community_is_found_by_its_own_name_in_its_street() -> None:
    lists = places.read()
    assert 1646 == len(lists.communities)
    found = {
        code: find_area(f"{NAMES[code[:6]]}{lists.streets[code[:9]]}{name}")
        for code, name in lists.communities.items()
    }
    assert {code: code for code in lists.communities} == found


def test_an_edit_of_the_lists_counts_at_once_and_a_broken_one_is_refused_with_line_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / file.name for file in places.FILES]
    for file, shipped in zip(files, places.FILES, strict=True):
        edit(file, shipped.read_text("utf-8"), 0)
    shelf = Shelf(files[0], places.read, beside=tuple(files[1:]))
    monkeypatch.setattr(places, "SHELF", shelf)
    text, before = "芙蓉区文艺路街道新开的社区停水", shelf.look().version
    assert "430102001" == find_area(text)
    whole = files[1].read_text("utf-8")
    edit(files[1], f"{whole}430102001099\t新开的社区\n", 1)
    assert "430102001099" == find_area(text)
    assert ("芙蓉区文艺路街道新开的社区", True) == (
        places.name("430102001099"),
        before != shelf.look().version,
    )
    for number, (broken, told) in enumerate(
        [
            ("430102001099\t甲社区\n430102001099\t乙社区\n", "'乙社区' stands twice"),
            ("430102999001\t某社区\n", "'430102999001' is no community of a street"),
            ("430102001099\n", "a code, a tab and a name"),
        ]
    ):
        edit(files[1], whole + broken, 2 + number)
        assert "430102001099" == find_area(text), "the old list stays in force"
        assert re.fullmatch(rf"communities\.tsv, line \d+: {re.escape(told)}.*", shelf.refused)
    edit(files[0], "430999001\t某街道\n", 9)
    assert "430102001099" == find_area(text)
    assert "streets.tsv, line 1: '430999001' is no street of the city" == shelf.refused


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("430100", "长沙市"),
        ("430121001", "长沙县星沙街道"),
        ("430102001001", "芙蓉区文艺路街道识字里社区"),
        ("43010200100107", "芙蓉区文艺路街道识字里社区07号网格"),
        ("430102999", "芙蓉区"),
    ],
)
def test_a_code_is_told_by_the_names_that_are_known(code: str, name: str) -> None:
    assert name == places.name(code)


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
        ("430121", "430121002003", "430121002003"),
        ("43012100200307", "430121002003", "43012100200307"),
        ("430121002004", "430121002003", "430121002004"),
    ],
)
def test_a_text_makes_the_given_area_narrower_and_never_another(
    known: str | None, found: str | None, expected: str | None
) -> None:
    assert expected == refine(known, found)
