"""How fast submit_sm may follow each other: as the operator granted, slower after "too fast". No I/O.

Times are seconds of a clock that only goes forward.
"""

from typing import Final

# What a loop that was busy may catch up with.
BURST: Final = 0.05
SLOWEST: Final = 1 / 32  # of the granted rate
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
RECOVERY: Final = 10.0  # seconds from the slowest back to the granted rate


class Pace:
    """One for each gateway; it outlives sessions.

    Each "too fast" about something that was written since the last one halves the rate and doubles the pause;
    those about what was written before say nothing new.
    """

    def __init__(self, rate: float) -> None:
        self._granted = self._rate = rate
        self._next = self._pause = self._changed = 0.0
        self.turn = 0

    def wait(self, now: float) -> float:
        """Return how long the next one must wait."""
        return max(0.0, self._next - now)

    def take(self, now: float) -> int:
        """Note that one leaves now; returns what `throttled` and `accepted` want to hear of it."""
        if self._rate < self._granted and now > self._changed:
            recovered = self._granted * (now - self._changed) / RECOVERY
            self._rate, self._changed = min(self._granted, self._rate + recovered), now
        self._next = max(self._next, now - BURST) + 1 / self._rate
        return self.turn

    def throttled(self, turn: int, now: float) -> None:
        """Slow down, and let nothing be written for a while."""
        if turn == self.turn:
            self.turn += 1
            self._rate = max(self._rate / 2, self._granted * SLOWEST)
            self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
            self._next = self._changed = now + self._pause

    def accepted(self, turn: int) -> None:
        """Note that the peer takes messages again."""
        if turn == self.turn:
            self._pause = 0.0

    @property
    def rate(self) -> float:
        """How many a second at present."""
        return self._rate
