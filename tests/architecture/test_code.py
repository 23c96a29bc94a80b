"""The project's own source under every rule."""

import pytest

from tests.architecture.rules import RULES, Rule
from tests.architecture.source import Source, sources


@pytest.fixture(scope="module")
def project() -> tuple[Source, ...]:
    return tuple(sources())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_source_keeps_the_rule(rule: Rule, project: tuple[Source, ...]) -> None:
    findings = [finding for source in project for finding in rule(source)]
    assert [] == findings, "\n" + "\n".join(findings)
