"""JSON logs with ids bound and a closed list of keys: a key not on the list is dropped, not printed."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final

import msgspec
import structlog

ALLOWED: Final = frozenset(
    {
        "event", "level", "timestamp", "service", "petition", "topic", "partition", "offset", "reason",
        "detail", "count", "group", "share", "gateway", "message", "template", "sha256", "bytes",
        "dropped_keys",
    }
)  # fmt: skip


def only_allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop every key that is not on the list and say which (their names only)."""
    unknown = sorted(set(event) - ALLOWED)
    for key in unknown:
        del event[key]
    if unknown:
        event["dropped_keys"] = ",".join(unknown)
    return event


def configure(service: str) -> None:
    """Set up structlog for this process; everything goes to standard error as one JSON object a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(serializer=_serialise),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries may put payloads into their messages: only warnings get through, without their text.
    root = logging.getLogger()
    root.handlers = [_LibraryWarnings()]
    root.setLevel(logging.WARNING)


def place_of(error: BaseException) -> str:
    """Return an error's type and the line that raised it; never its words, which may repeat personal data."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}"


def _serialise(value: object, **_: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


class _LibraryWarnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning(
            "library_warned", reason=record.name, detail=f"{record.module}:{record.lineno}"
        )
