"""The lexicon's files: what is shipped holds together, and a broken edit is refused with its place."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from contracts.bodies import Body
from services.routing.classifier import classifier, classify, words
from services.routing.lexicon import LexiconError, load
from services.routing.lexicon.entries import DATA, read
from services.routing.lexicon.wording import plain
from services.routing.model import read as read_figures

BROKEN = [
    ("phrases/labor.tsv", "拖欠工资", "1 columns, expected 2 to 4"),
    ("phrases/labor.tsv", "新的说法\tviel", "weight 'viel' is not a number"),
    ("phrases/labor.tsv", "新的说法\t70", "weight 70 must be between -10 and 10"),
    ("phrases/labor.tsv", "欠\t3", "must have 2 to 12 characters"),
    ("phrases/labor.tsv", "勞動仲裁\t3", "must be written '劳动仲裁'"),
    ("phrases/labor.tsv", "拖欠工资\t3", "stands twice in this file"),
    ("phrases/labor.tsv", "新的说法\t3\tsport", "'sport' is none of the 19 domains"),
    ("kinds.tsv", "新的说法\tpraise\t3", "'praise' is no kind"),
    ("groups.tsv", "teacher\t老师", "group 'teacher' stands twice"),
    ("pairs.tsv", "teacher\tnobody\ttext\tlabor\t1", "there is no group 'nobody' in groups.tsv"),
    ("pairs.tsv", "teacher\tpay\tpage\tlabor\t1", "'page' is neither 'sentence' nor 'text'"),
    ("pairs.tsv", "teacher\tpay\ttext\tsport\t1", "'sport' is no body"),
    ("urgency.tsv", "soon\t明天就到", "'soon' must be one of life, minors, cut-off, date, or '-'"),
    ("urgency.tsv", "life\t病危", "phrase '病危' stands twice in this file"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def edit(folder: Path, name: str, row: str) -> int:
    """Append a row as a clerk would; returns its line number."""
    path = folder / name
    text = path.read_text("utf-8")
    path.write_text(f"{text}{row}\n", "utf-8")
    return text.count("\n") + 1


def test_every_body_has_phrases_when_the_shipped_lexicon_is_read() -> None:
    targets = {phrase.target for phrase in read().phrases}

    assert {body.value for body in Body} <= targets


def test_the_version_is_the_edition_and_a_digest_and_fits_into_a_fact() -> None:
    version = load().version

    assert version.startswith(f"lexicon-{read().weighing.edition}-")
    assert len(version) <= 64


def test_the_version_changes_when_a_phrase_does(folder: Path) -> None:
    before = load(folder).version
    edit(folder, "phrases/labor.tsv", "新的说法\t3")

    assert before != load(folder).version


@pytest.mark.parametrize(("name", "row", "reason"), BROKEN, ids=[reason for *_, reason in BROKEN])
def test_a_broken_edit_is_refused_with_file_line_and_reason(
    folder: Path, name: str, row: str, reason: str
) -> None:
    line = edit(folder, name, row)

    with pytest.raises(LexiconError) as refused:
        load(folder)

    assert str(refused.value).startswith(f"{Path(name).name}, line {line}: ")
    assert reason in str(refused.value)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "phrases" / "rural.tsv").unlink()

    with pytest.raises(LexiconError, match=r"rural\.tsv"):
        load(folder)


def test_a_missing_setting_is_named(folder: Path) -> None:
    (folder / "settings.toml").write_text("[weighing]\n", "utf-8")

    with pytest.raises(LexiconError, match=r"settings\.toml"):
        load(folder)


def test_a_new_phrase_counts_as_soon_as_it_is_written(folder: Path) -> None:
    edit(folder, "phrases/rural.tsv", "蚂蚁上树\t7")

    edited = classifier(load(folder), read_figures())

    assert classify(words("蚂蚁上树", ""), by=edited).body is Body.RURAL


def test_a_phrase_inside_a_longer_one_does_not_count() -> None:
    lexicon = load()

    found = {lexicon.terms[term] for term in lexicon.weigh(words("", "拖欠工资")) if term < lexicon.phrases}

    assert found == {"拖欠工资"}


def test_a_simplified_character_that_is_also_a_traditional_one_stays() -> None:
    assert ("怎么办", "为什么怎么办") == (plain("怎么办"), plain("為什麼怎么辦"))


@pytest.mark.parametrize("variant", ["s2t", "s2tw", "s2hk"])
def test_every_phrase_is_found_when_written_in_traditional_characters(variant: str) -> None:
    traditional = OpenCC(variant)
    lexicon = load()

    missed = [term for term in lexicon.terms[: lexicon.phrases] if plain(traditional.convert(term)) != term]

    assert missed == []


def test_a_phrase_in_the_title_weighs_more_than_in_the_content() -> None:
    lexicon = load()

    found = lexicon.weigh(words("公交", "停电"))

    assert found[lexicon.terms.index("公交")] > found[lexicon.terms.index("停电")]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("，！？：；（）％．～…\u3000,.e\u0301\u0338か\u3099ｶﾞ去") | st.characters()))
def test_plain_wording_is_that_of_the_whole_folding(text: str) -> None:
    """What is replaced beforehand, to save time, is what the folding itself makes of it."""
    folded = unicodedata.normalize("NFKC", text)
    assert plain(folded) == plain(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None)))
def test_plain_wording_never_raises_and_keeps_nothing_that_separates(text: str) -> None:
    assert not any(letter.isspace() for letter in plain(text))
