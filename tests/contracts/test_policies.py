"""Published policies: what the hash covers, and that a wrong file is refused with the reason."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.policies import POLICIES_FILE, PolicyError, published, read, title


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
        ('code = "late-handover"', 'code = "training-refund"', "version 1 twice"),
        ('outcome = "explained"', 'outcome = "refused"', "outcome is one of"),
        ('code = "late-handover"', 'code = "晚"', "letters, digits"),
        ('issued = "2026-11-01"', "", "lacks issued"),
        ("\n[[policy]]\n", "\n[[policy]]\nprice = 1\n", "has price"),
        ("\n[[policy]]\n", "\n[[policy\n", "not TOML"),
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
