"""Whether a gateway is used just now: a breaker opens when it fails, and closes when it answers again.

Only what says something about the gateway counts, never a refusal of one message.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.notify.sms import Accepted, Down, Misconfigured, Result, Unknown

# So many failures in a row, and nothing that went well between them.
TRIES: Final = 5
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 300.0


@dataclass
class Breaker:
    """The state for one gateway; `trouble` is the reason of the last failure, "" if all is well.

    Times are seconds of a clock that only goes forward.
    """

    trouble: str = ""
    open: bool = False
    probe_at: float = 0.0
    _failures: int = 0
    _pause: float = FIRST_PAUSE

    def note(self, results: Iterable[Result], now: float) -> None:
        """Take in how messages ended."""
        for result in results:
            if isinstance(result, Accepted):
                self.trouble, self.open, self._failures, self._pause = "", False, 0, FIRST_PAUSE
            elif isinstance(result, Down | Misconfigured | Unknown):
                self.trouble = result.reason
                self._failures += 1
                if not self.open and (self._failures >= TRIES or isinstance(result, Misconfigured)):
                    self._trip(now)

    def probed(self, hindrance: Result | None, now: float) -> None:
        """Take in what the gateway answered when it was asked whether it can be used again.

        If so it is used, and the next failure opens the breaker at once.
        """
        if hindrance is None:
            self.open, self.trouble, self._failures = False, "", TRIES - 1
            return
        self.trouble = getattr(hindrance, "reason", type(hindrance).__name__)
        self._trip(now)

    def _trip(self, now: float) -> None:
        self.open, self.probe_at = True, now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
