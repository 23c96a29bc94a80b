"""Training and measuring, on petitions written for these tests: what an operator does with his archive."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.bodies import Body
from services.routing.classifier import classifier, classify, words
from services.routing.learning.commands import main
from services.routing.learning.samples import labelled
from services.routing.lexicon import load
from services.routing.model import SHIPPED, ModelError, read
from services.routing.model.figures import write
from tests.routing.petitions import PETITIONS

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "services" / "routing" / "learning" / "written.jsonl"
NAMES = {
    *("n", "body_accuracy", "body_top2", "domain_accuracy", "kind_accuracy", "joint_f1", "coverage"),
    *("precision_at_coverage", "calibration_error", "per_body", "ms_per_text"),
}


def row(place: int, body: str, title: str, content: str) -> dict[str, object]:
    """A labelled petition in the form of the archive."""
    return {
        "id": f"invented-{place}",
        "text": f"{title}。{content}",
        "body": body,
        "second": None,
        "domain": "housing",
        "kind": "request",
        "joint": False,
        "conf": 3,
    }


def written_to(path: Path, rows: list[dict[str, object]]) -> Path:
    """The rows as JSON lines."""
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), "utf-8")
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Petitions of all bodies, and one that no body takes."""
    rows = [row(place, *petition) for place, petition in enumerate(PETITIONS)]
    rows.append(row(len(rows), "none", "感谢政府", "问题已解决,点赞。"))
    return written_to(tmp_path / "archive.jsonl", rows)


@pytest.fixture
def trained(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A model trained on the archive."""
    model = tmp_path / "model.npz"
    assert main(["train", str(archive), "--out", str(model)]) == 0
    capsys.readouterr()
    return model


def test_training_says_what_cross_validation_measured_when_it_is_done(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(archive), "--out", str(tmp_path / "model.npz")]) == 0

    told = json.loads(capsys.readouterr().out)
    assert len(PETITIONS) + 1 == told["n"]
    assert 0.5 < told["body_accuracy"] < 1.0


def test_written_petitions_are_learned_from_and_not_measured_on(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.npz"
    told = {}
    for name, rows in (
        ("none", []),
        ("some", [row(0, "none", "白鹭围栏", f"白鹭围栏第{turn}处,看一看。") for turn in range(12)]),
    ):
        more = ["--written", str(written_to(tmp_path / name, rows))] if rows else []
        assert main(["train", str(archive), "--out", str(model), *more]) == 0
        told[name] = json.loads(capsys.readouterr().out)

    assert (0, 12) == (told["none"]["written"], told["some"]["written"])
    assert told["none"]["n"] == told["some"]["n"]
    assert classify(words("白鹭围栏", "白鹭围栏要看。"), by=classifier(load(), read(model))).body is None


def test_the_shipped_petitions_name_every_body_and_none() -> None:
    assert {*Body, "none"} == {sample.body for sample in labelled(WRITTEN)}


def test_no_sentence_of_the_shipped_petitions_stands_in_the_texts_that_may_not_be_shipped() -> None:
    folder = ROOT.parent / "shared" / "routing"
    if not folder.exists():
        pytest.skip("the texts that may not be shipped are not beside this repository")
    others = {
        run
        for name in ("petitions-labelled.jsonl", "petitions-unlabelled.jsonl")
        for line in (folder / name).read_text("utf-8").splitlines()
        for run in runs(json.loads(line)["text"])
    }

    shared = [sample.title for sample in labelled(WRITTEN) if others & runs(sample.title + sample.content)]

    assert [] == shared


def runs(text: str) -> set[int]:
    """Every run of fifteen characters, punctuation left out, as a number."""
    bare = re.sub(r"\W+", "", text)
    return {hash(bare[start : start + 15]) for start in range(len(bare) - 14)}


def test_the_same_archive_gives_the_same_bytes(archive: Path, trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.npz"
    main(["train", str(archive), "--out", str(again)])

    assert trained.read_bytes() == again.read_bytes()


def test_measuring_prints_one_object_with_the_agreed_names(
    archive: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(archive), "--model", str(trained)]) == 0

    told = json.loads(capsys.readouterr().out)
    assert set(told) == NAMES
    assert told["body_accuracy"] == 1.0
    assert told["per_body"]["labor"]["n"] == sum(body == "labor" for body, *_ in PETITIONS)


def test_measuring_takes_the_shipped_model_when_none_is_named(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(archive)]) == 0

    assert json.loads(capsys.readouterr().out)["body_accuracy"] > 0.9


def test_measuring_needs_no_broker_and_no_database(archive: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ROUTING_")}

    told = subprocess.run(
        [sys.executable, "-m", "services.routing", "evaluate", str(archive)],
        cwd=ROOT,
        env=bare,
        check=True,
        capture_output=True,
    ).stdout

    assert set(json.loads(told)) == NAMES


def test_a_label_that_is_wrong_everywhere_is_measured_as_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        row(place, "finance", title, content)
        for place, (body, title, content) in enumerate(PETITIONS)
        if body != "finance"
    ]

    main(["evaluate", str(written_to(tmp_path / "wrong.jsonl", rows))])

    assert json.loads(capsys.readouterr().out)["body_accuracy"] < 0.1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 1: is no JSON object"),
        ("[]", "line 1: is no JSON object"),
        ('{"body": "labor"}', "line 1: needs a `text`"),
        ('{"text": "秘密", "body": "sport"}', "line 1: `body` must be"),
        ('{"text": "秘密", "body": "labor", "domain": "sport"}', "line 1: `domain` must be"),
        ('{"text": "秘密", "body": "labor", "kind": "praise"}', "line 1: `kind` must be"),
        ('{"text": "秘密", "body": "labor", "joint": 1}', "line 1: `joint` must be"),
        ("", "holds no labelled petition"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_with_its_line_and_without_its_text(
    line: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_text(line + "\n", "utf-8")

    assert main(["evaluate", str(path)]) == 2

    said = capsys.readouterr().err
    assert f"archive.jsonl{', ' if reason.startswith('line') else ': '}{reason}" in said
    assert "秘密" not in said


@pytest.mark.parametrize("count", [1, 4])
def test_an_archive_that_is_too_small_is_refused_with_the_number_that_is_needed(
    count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(place, *petition) for place, petition in enumerate(PETITIONS[:count])]

    assert main(["train", str(written_to(tmp_path / "few.jsonl", rows)), "--out", str(tmp_path / "m")]) == 2

    assert "at least 5 are needed" in capsys.readouterr().err


def test_an_archive_of_one_petition_many_times_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row(place, *PETITIONS[0]) for place in range(8)]

    assert main(["train", str(written_to(tmp_path / "same.jsonl", rows)), "--out", str(tmp_path / "m")]) == 2

    assert "too few different petitions" in capsys.readouterr().err


def test_an_archive_without_kinds_can_be_sure(archive: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) | {"kind": None} for line in archive.read_text("utf-8").splitlines()]
    model = tmp_path / "model.npz"

    assert main(["train", str(written_to(tmp_path / "bare.jsonl", rows)), "--out", str(model)]) == 0

    # Nothing was learned of reports, so no score is one; what accuses by its words still goes to a person.
    assert read(model).sureness.report_limit > 1_000


def test_a_file_that_is_no_model_is_refused(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (
        ("empty.npz", b""),
        ("text.npz", b"no model"),
        ("cut.npz", SHIPPED.read_bytes()[:9999]),
    ):
        (tmp_path / name).write_bytes(content)
        assert main(["evaluate", str(archive), "--model", str(tmp_path / name)]) == 2
        assert f"{name}: is no model file" in capsys.readouterr().err


def test_a_missing_archive_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path / "nowhere.jsonl")]) == 2

    assert "nowhere.jsonl: cannot be read" in capsys.readouterr().err


def test_figures_say_the_same_after_they_were_written(tmp_path: Path, trained: Path) -> None:
    before = read(trained)
    write(before, tmp_path / "copy.npz")

    lexicon = load()
    first, second = classifier(lexicon, before), classifier(lexicon, read(tmp_path / "copy.npz"))
    for _, title, content in PETITIONS:
        one, other = (classify(words(title, content), by=by) for by in (first, second))
        assert (one.body, one.kind, one.sure) == (other.body, other.kind, other.sure)


def test_a_model_is_refused_when_it_cannot_be_written(tmp_path: Path, trained: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written"):
        write(read(trained), tmp_path / "no-such-folder" / "model.npz")


def test_the_shipped_model_names_phrases_of_the_lexicon_and_no_other_text() -> None:
    assert set(read().phrases) <= set(load().terms)
