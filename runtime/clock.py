"""The one source of time; `app.py` hands it in and tests move it."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time: aware, UTC, whole milliseconds (the database keeps no finer ones)."""

    def now(self) -> datetime:
        """Return the time now."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time now, cut to milliseconds."""
        now = datetime.now(UTC)  # noqa: TID251 - this is the clock that the rule points to
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
