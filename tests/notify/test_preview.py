"""What the office sees before a text goes live: how long, how dear, and what a vendor would refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.notify import preview
from services.notify.segments import count, units
from services.notify.table import TABLE_FILE, in_use, read

TEMPLATES = list(in_use(read(TABLE_FILE)))
ROUTED = (
    "您好，您反映的事项{petition}，{again}现{why}转交{body}办理，联系电话{phone}。"
    "该单位会主动联系您，您也可以去电询问。"
)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints."""
    assert 0 == preview.main(["preview", *arguments])
    return capsys.readouterr().out


def edited(tmp_path: Path, before: str, after: str) -> str:
    """The shipped table with one change, in a file."""
    table = TABLE_FILE.read_text("utf-8")
    assert before in table
    (path := tmp_path / "edited.toml").write_text(table.replace(before, after, 1), "utf-8")
    return str(path)


def test_it_needs_no_environment_broker_or_database() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "services.notify", "preview", "routed"],
        cwd=root,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
    )
    assert (0, b"") == (done.returncode, done.stderr)
    assert "usual: 【长沙信访】您好".encode() in done.stdout


def test_the_same_is_said_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == shown(capsys)
    assert shown(capsys, "case-answered") == shown(capsys, "case-answered")


def test_every_template_in_use_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys).splitlines()
    assert [*TEMPLATES] == [line.split()[0] for line in lines[1 : 1 + len(TEMPLATES)]]
    assert "prices in yuan, 0.045 a segment, signature 【长沙信访】 counted" in lines


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_figures_are_those_of_the_text_that_is_shown(
    capsys: pytest.CaptureFixture[str], template: str
) -> None:
    lines = shown(capsys, template, "--public-url", "https://xf.example.cn").splitlines()
    samples = [
        (line.partition(": ")[2], lines[number + 1])
        for number, line in enumerate(lines)
        if line.startswith(("  usual: ", "  longest: "))
    ]
    assert samples
    for text, figures in samples:
        segments = count(text)
        assert figures.startswith(f"    {units(text)} units, {segments} segment")
        assert f" {segments * 45 / 1000:g} yuan, {segments * 450}.00 yuan per 10,000" in figures
    pairs = [units(text) for text, _ in samples]
    assert all(usual <= longest for usual, longest in zip(pairs[::2], pairs[1::2], strict=True))


def test_every_version_is_shown_and_which_one_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "routed")
    heads = [line for line in told.splitlines() if line.startswith("routed ")]
    assert [
        "routed 2026-11-01 (for what was queued with it)",
        "routed 2026-11-25 (for what was queued with it)",
        "routed 2026-11-26 (in use)",
    ] == heads
    assert 2 == told.count("! two variables side by side")
    assert "joined: 【" not in told
    assert "有新进展：因涉及“拖欠工资”，已转交" in told


def test_price_and_signature_are_the_operators(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, "accepted", "--gateway-price", "0.05", "--sign", "某市信访局")
    assert "【某市信访局】您好" in told
    assert "1 segment, 0.05 yuan, 500.00 yuan per 10,000" in told


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("长" * 15 + ROUTED, "! 2 segments as a rule; "),
        (ROUTED, "! {why} may have 46 units, over a vendor's 35: cut there"),
        (ROUTED, "! {again} may be empty"),
        (ROUTED + "★", "! vendors refuse the signs ★"),
        (ROUTED + "请填问卷，谢谢", "! vendors may refuse a template that says 问卷"),
        (ROUTED + "拒收请回复R", "! a notice must not offer to opt out"),
        (ROUTED + "回复TD取消", "! a notice must not offer to opt out"),
    ],
)
def test_a_text_is_warned_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, warning: str
) -> None:
    told = shown(capsys, "routed", "--table", edited(tmp_path, ROUTED, text))
    assert warning in told.partition("2026-11-26")[2]


def test_a_text_over_500_with_its_signature_is_warned_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table, sign = edited(tmp_path, ROUTED, ROUTED + "长" * 100), "长" * 260
    assert "over the 500 that a vendor takes" not in shown(capsys, "routed", "--table", table)
    assert "over the 500 that a vendor takes" in shown(capsys, "routed", "--table", table, "--sign", sign)


def test_a_text_of_one_segment_has_nothing_to_warn_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert "!" not in shown(capsys, "accepted")


def test_a_wrong_table_is_told_line_by_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = edited(tmp_path, "{again}现{why}", "{again}{why}{due}")
    assert 2 == preview.main(["preview", "--table", path])
    told = capsys.readouterr()
    assert "" == told.out
    lines = told.err.splitlines()
    assert all(line.startswith("edited.toml, line ") for line in lines)
    assert ["offers no due to the petitioner", "two variables side by side; put words between them"] == [
        line.rpartition(": ")[2].removeprefix("cn.petition.routing.PetitionRouted.v1 ") for line in lines
    ]


def test_an_unknown_template_is_answered_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 2 == preview.main(["preview", "ruoted"])
    told = capsys.readouterr().err
    assert "there is no template ruoted" in told
    assert "routed" in told.partition("there are")[2]


@pytest.mark.parametrize("price", ["dear", "-1", "NaN", "Infinity"])
def test_a_price_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], price: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        preview.main(["preview", f"--gateway-price={price}"])
    assert 2 == stopped.value.code
    assert "is no price" in capsys.readouterr().err


def test_the_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        preview.main(["preview", "--help"])
    assert 0 == stopped.value.code
    told = capsys.readouterr().out
    assert all(
        option in told for option in ("template", "--gateway-price", "--sign", "--public-url", "--table")
    )
