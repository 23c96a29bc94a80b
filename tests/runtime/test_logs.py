"""Nothing gets into a log line but what is on the list; libraries' own words never do."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from runtime import logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configure logging as a service does, and read what it writes."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    logs.configure("toy")
    try:
        yield lambda: [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    finally:
        structlog.configure(**before)
        structlog.contextvars.clear_contextvars()
        root.handlers, root.level = handlers, level


def test_a_line_is_one_json_object_with_the_ids_that_are_bound(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(petition="P-1"):
        structlog.get_logger().info("petition_routed", reason="labor")
    (line,) = lines()
    assert ("petition_routed", "info", "toy", "P-1", "labor") == tuple(
        line[key] for key in ("event", "level", "service", "petition", "reason")
    )
    assert line["timestamp"].endswith("Z")


def test_a_key_that_is_not_on_the_list_is_dropped_and_named(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(name="张三"):
        structlog.get_logger().info("petition_saved", phone="13800138000", content="水", count=1)
    (line,) = lines()
    assert "content,name,phone" == line["dropped_keys"]
    assert 1 == line["count"]
    assert not {"phone", "content", "name"} & set(line)
    assert "13800138000" not in str(line)


def test_an_exceptions_words_are_dropped_too(lines: Any) -> None:
    try:
        raise ValueError("张三 13800138000")  # noqa: TRY301 - the traceback is the point
    except ValueError:
        structlog.get_logger().exception("petition_failed")
    (line,) = lines()
    assert "13800138000" not in str(line)
    assert "exc_info" in line["dropped_keys"]


def test_of_a_librarys_warning_only_its_place_is_kept(lines: Any) -> None:
    try:
        raise ValueError("13800138000")  # noqa: TRY301 - what is logged is the raising
    except ValueError:
        logging.getLogger("some.library").exception("payload %s", "张三 13800138000")
    logging.getLogger("some.library").info("not even a warning: 13800138000")
    (line,) = lines()
    assert ("library_warned", "some.library") == (line["event"], line["reason"])
    assert line["detail"].startswith("test_logs:")
    assert "13800138000" not in str(line)
    assert "payload" not in str(line)


def test_a_value_that_json_does_not_know_does_not_break_the_line(lines: Any) -> None:
    structlog.get_logger().info("x_done", detail=object(), count=1)
    (line,) = lines()
    assert line["detail"].startswith("<object")
