"""The lines that a person reads while the system starts: seconds since the start, then one short sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]


class Progress:
    """Prints finished steps at once, and passing news no more often than every `pause` seconds.

    Every line ends with a newline and stays: the same text is readable in a terminal, a log file and a pipe.
    """

    def __init__(self, *, pause: float = 2.0, began: float | None = None) -> None:
        self._began = time.monotonic() if began is None else began
        self._pause = pause
        self._last = self._began

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Print a step that is worth a line of its own."""
        self._last = time.monotonic()
        sys.stdout.write(f"{self.elapsed:6.1f} s  {text}\n")
        sys.stdout.flush()

    def hint(self, text: str) -> None:
        """Print passing news, unless something was printed a moment ago."""
        if time.monotonic() - self._last >= self._pause:
            self.say(text)


def silent(_text: str) -> None:
    """Take the place of `Progress.say` where nobody reads along."""
