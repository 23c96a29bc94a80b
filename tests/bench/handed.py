"""Follows the file gateway: which SMS of which petition was handed over, seen a few milliseconds later."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

BITS = {"registered": 1, "accepted": 2, "routed": 4, "sent-to-triage": 8, "case-opened": 16}
TRIAGED = BITS["registered"] | BITS["accepted"] | BITS["sent-to-triage"]
ROUTED = BITS["registered"] | BITS["accepted"] | BITS["routed"] | BITS["case-opened"]


class Sms(msgspec.Struct, frozen=True):
    """What is read of a line."""

    reference: str
    petition: str
    template: str


_decoder = msgspec.json.Decoder(Sms)


@dataclass
class Tail:
    """Reads what was added since the last look; a line that is not whole yet waits for the next one."""

    path: Path
    _read_to: int = 0

    def look(self) -> list[Sms]:
        """The new lines."""
        try:
            file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        try:
            size = os.fstat(file).st_size
            if size <= self._read_to:
                return []
            block = os.pread(file, size - self._read_to, self._read_to)
        finally:
            os.close(file)
        end = block.rfind(b"\n") + 1
        self._read_to += end
        return [_decoder.decode(line) for line in block[:end].splitlines()]


@dataclass
class Progress:
    """How far one petition has come; times are of this process's clock, in seconds."""

    posted: float = 0.0
    first: float = 0.0
    last: float = 0.0
    mask: int = 0
    references: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every SMS is handed over that the arrival of this petition leads to."""
        return TRIAGED == self.mask & TRIAGED or ROUTED == self.mask & ROUTED

    def note(self, sms: Sms, now: float) -> None:
        """Take one SMS down."""
        self.first = self.first or now
        self.last = now
        self.mask |= BITS.get(sms.template, 0)
        self.references.append(sms.reference)
