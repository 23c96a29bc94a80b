"""The project's source as the rules see it: parsed files, named by their path from the repository's root."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("contracts", "runtime", "services", "audit", "local", "tests")


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative, with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The top-level package that the file belongs to."""
        return self.path.partition("/")[0]

    @property
    def module(self) -> str:
        """The file's name without its suffix."""
        return self.path.rpartition("/")[2].removesuffix(".py")

    def at(self, node: ast.AST, told: str) -> str:
        """Return a finding: where it is and what is wrong there."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {told}"


def last_word(node: ast.AST | None) -> str:
    """Return the last word of a name: `a.b.c` is `c`; "" for what is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def source(path: str, text: str) -> Source:
    """Parse `text` as the file that `path` names."""
    return Source(path, text, ast.parse(text))


def sources(root: Path = ROOT) -> Iterator[Source]:
    """Every Python file of the project's own packages."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield source(path.relative_to(root).as_posix(), path.read_text("utf-8"))


def tracked() -> list[str]:
    """Return the paths that git keeps; skips the test where this is no checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
