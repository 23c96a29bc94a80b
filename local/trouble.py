"""What can go wrong while the system is set up on one machine: one sentence on what, one on what to do."""

from __future__ import annotations


class LocalError(Exception):
    """Something on this machine keeps the system from running.

    `what` says what was found; `remedy` says what the reader can do about it. Both are whole sentences.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n  What to do: {remedy}")
        self.what = what
        self.remedy = remedy
