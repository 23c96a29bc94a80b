"""Rules over the files that git keeps: no address of a package registry, no path of one machine."""

import re
from collections.abc import Iterator
from typing import Final

# Taken apart, so that this file keeps its own rule.
_HOSTS: Final = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("repo1", "maven"),
        ("repo", "maven", "apache"),
        ("maven", "aliyun"),
        ("registry", "npmjs"),
        ("npmmirror", "com"),
        ("tuna", "tsinghua"),
        ("mirrors", "aliyun"),
        ("proxy", "golang"),
        ("static", "crates"),
        ("rubygems", "org"),
        ("deb", "debian", "org"),
        ("ghcr", "io"),
        ("quay", "io"),
    )
)
_HOST: Final = re.compile("|".join(re.escape(host) for host in _HOSTS), re.IGNORECASE)
_INDEX: Final = re.compile(
    r"(?<![\w-])--(?:extra-)?index-url|(?<![\w-])--find[-]links|(?<![\w-])--registry[= ]"
)
_MACHINE_PATH: Final = re.compile(r"(?<![\w.)}\]-])/(?:home|root|Users|work)/\w|\b[A-Z]:\\\\?Users")


def names_no_registry(path: str, text: str) -> Iterator[str]:
    """Where packages come from is the machine's own setting: closed networks have mirrors."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HOST.search(line) or _INDEX.search(line):
            yield f"{path}:{number}: names a package registry ({found.group()})"


def names_no_machine_path(path: str, text: str) -> Iterator[str]:
    """A path that exists on one machine alone is wrong on every other."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _MACHINE_PATH.search(line):
            yield f"{path}:{number}: a path of one machine ({found.group()}…)"
