"""Published policies: what the hash covers, and that a wrong file is refused with the reason."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts import policies
from contracts.edited import Shelf
from contracts.policies import POLICIES_FILE, PolicyError, follows, published, read, title


def test_every_shipped_policy_is_read_with_a_hash_of_its_own() -> None:
    hashes = {policy.sha256 for policy in published().values()}
    assert len(published()) == len(hashes) >= 2


@pytest.mark.parametrize("field", ["code", "title", "issued", "basis", "text"])
def test_the_hash_changes_when_a_word_of_the_publication_does(field: str) -> None:
    policy = next(iter(published().values()))
    changed: Any = {field: "x"}
    assert policy.sha256 != replace(policy, **changed).sha256


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("version = 1", "version = 0", "version is a whole number"),
        ('code = "late-handover"', 'code = "training-refund"', "has this version twice"),
        ('outcome = "explained"', 'outcome = "refused"', "outcome is one of"),
        ('code = "late-handover"', 'code = "晚"', "letters, digits"),
        ('issued = "2026-11-01"', "", "line 5: the policy lacks issued"),
        ("\n[[policy]]\n", "\n[[policy]]\nprice = 1\n", "the policy has price"),
        ("\n[[policy]]\n", "\n[[policy\n", "line "),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, before: str, after: str, fault: str) -> None:
    text = POLICIES_FILE.read_text("utf-8")
    assert before in text
    path = tmp_path / "policies.toml"
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(PolicyError, match=re.escape(fault)):
        read(path)


def test_a_policy_that_is_not_published_here_is_called_by_its_code() -> None:
    assert "unheard-of" == title("unheard-of", 1)


TEXT = POLICIES_FILE.read_text("utf-8")
NEW = """
[[policy]]
code = "training-refund"
version = 2
outcome = "supported"
title = "培训退费的补充规定"
issued = "2026-12-01"
basis = "联席会议纪要第9号"
text = "按剩余课时退费。"
"""


def edit(file: Path, text: str, seconds: int) -> None:
    file.write_text(text, "utf-8")
    os.utime(file, (1_800_000_000 + seconds,) * 2)


def test_a_new_policy_counts_at_once_and_an_edit_of_what_was_published_is_refused_with_line_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(file := tmp_path / "policies.toml", TEXT, 0)
    shelf = Shelf(file, read, follows=follows)
    monkeypatch.setattr(policies, "SHELF", shelf)
    assert "training-refund" == title("training-refund", 2)
    edit(file, TEXT + NEW, 1)
    assert ("培训退费的补充规定", "") == (title("training-refund", 2), shelf.refused)
    for broken, told in (
        (TEXT, "policies.toml: training-refund, version 2, was published and now is gone"),
        (TEXT + NEW.replace("按剩余", "不按剩余"), "training-refund, version 2, was published and now reads"),
        (TEXT + NEW + "[[policy\n", "policies.toml, line "),
        (TEXT + NEW.replace('issued = "2026-12-01"', 'issued = ""'), "the policy lacks issued"),
    ):
        edit(file, broken, 2 + len(broken))
        assert "培训退费的补充规定" == title("training-refund", 2), "the old one stays in force"
        assert told in shelf.refused
    assert re.search(r"policies\.toml, line \d+: the policy", shelf.refused)
    edit(file, TEXT + NEW, 9)
    assert (True, "") == (("training-refund", 2) in published(), shelf.refused)
