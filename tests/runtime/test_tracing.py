"""The trace of a request goes on where there is one and begins where there is none."""

from __future__ import annotations

import re

import pytest

from contracts.envelope import read, seal
from runtime import tracing
from tests.runtime import toy
from tests.runtime.toy import petition

SHAPE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
GIVEN = f"00-{'4bf92f3577b34da6a3ce929d0e0e4736'}-{'00f067aa0ba902b7'}-01"


def test_a_given_context_is_carried_on() -> None:
    with tracing.span("submit", GIVEN) as context:
        assert GIVEN == context


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "张三",
        GIVEN.upper(),
        GIVEN + "-more",
        GIVEN + "\n",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
    ],
)
def test_without_a_valid_context_one_is_made(given: str | None) -> None:
    with tracing.span("submit", given) as first, tracing.span("submit", given) as second:
        assert SHAPE.fullmatch(first)
        assert first != second
    value = seal(toy.rated(), petition=petition(), ordinal=1, previous=None, cause="http", traceparent=first)
    assert first == read(value).envelope.traceparent


def test_nothing_is_exported_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    tracing.configure("toy")
    assert not tracing._on  # noqa: SLF001 - the switch is the point
