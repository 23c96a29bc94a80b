"""Every file that git keeps, under the rules for files; and the rules under planted faults."""

from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import ROOT, tracked
from tests.architecture.tracked_rules import names_no_machine_path, names_no_registry

FileRule = Callable[[str, str], Iterator[str]]
RULES: tuple[FileRule, ...] = (names_no_registry, names_no_machine_path)


@pytest.mark.parametrize("rule", RULES)
def test_tracked_files_keep_the_rule(rule: FileRule) -> None:
    findings: list[str] = []
    for path in tracked():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            findings.extend(rule(path, content.decode("utf-8", "replace")))
    assert [] == findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize(
    "line",
    [
        "--index-" + "url https://mirror.example/simple",
        "see https://py" + "pi.org/project/motor",
        "RUN pip install --extra-index-" + "url=x",
        "<url>https://repo.maven." + "apache.org/maven2</url>",
    ],
)
def test_a_registry_is_found_when_a_file_names_it(line: str) -> None:
    assert 1 == len(list(names_no_registry("Dockerfile", f"first\n{line}\n")))


@pytest.mark.parametrize(
    "path", ["/ho" + "me/li/bridge", "x=/ro" + "ot/bridge", "'/wo" + "rk/main'", "C:\\Us" + "ers\\li"]
)
def test_a_path_of_one_machine_is_found_when_a_file_names_it(path: str) -> None:
    assert 1 == len(list(names_no_machine_path("Makefile", path)))


@pytest.mark.parametrize(
    "line",
    ["uv pip compile --no-emit-index-url", "GET /petitions/home/1", "../work/x", "$(ROOT)/work/x", "pypi"],
)
def test_nothing_is_found_when_nothing_is_named(line: str) -> None:
    assert [] == [*names_no_registry("Makefile", line), *names_no_machine_path("Makefile", line)]
