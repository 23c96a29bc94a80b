"""Dockets that this process has just saved, so that the next batch need not load them.

Stands before step 2 of a batch. A copy may be older than what is stored: every save is conditional on the
version, so that shows as a lost race and the docket is loaded then (`consume.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from time import monotonic
from typing import Final

from contracts.identity import PetitionId
from runtime.record import Record

# A journey on the line takes seconds; and what was erased elsewhere must not stay in memory for long.
LONGEST: Final = timedelta(seconds=30)


@dataclass
class Kept:
    """At most `most` records, none for longer than `longest`; the longest kept go first."""

    most: int = 0
    longest: timedelta = LONGEST
    _records: dict[PetitionId, tuple[float, Record]] = field(default_factory=dict)

    def take(self, petitions: Iterable[PetitionId]) -> dict[PetitionId, Record]:
        """Return what is known of `petitions` and forget it: whoever took it puts back what he has saved."""
        self._expire()
        taken = ((petition, self._records.pop(petition, None)) for petition in petitions)
        return {petition: found[1] for petition, found in taken if found is not None}

    def put(self, record: Record) -> None:
        """Keep a record as it is stored now. A parked one is not kept: it may hold megabytes."""
        known = self._records.get(record.petition)
        if record.parked is not None or (known is not None and known[1].version >= record.version):
            return
        self._records.pop(record.petition, None)
        self._records[record.petition] = monotonic(), record
        for oldest in list(islice(self._records, max(0, len(self._records) - self.most))):
            del self._records[oldest]

    def _expire(self) -> None:
        limit = monotonic() - self.longest.total_seconds()
        while self._records:
            oldest = next(iter(self._records))
            if self._records[oldest][0] > limit:
                return
            del self._records[oldest]

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._records)
