"""The days that the Regulations on Petition Work (2022) give a body; every decision counts with them.

The 60 days for handling (art. 34) are not among them: they run from intake's acceptance, whose fact carries
the instant at which they end, and mediation takes that instant as it is.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from contracts.workdays import Workdays, shipped

# Art. 23: the unit that received a petition tells the petitioner within 15 days, for a transfer from its day.
ACCEPT_WITHIN: Final = timedelta(days=15)
# Art. 35: a review may be asked for within 30 days of the written answer.
REVIEW_WITHIN: Final = timedelta(days=30)
# Art. 23: whoever finds that a transferred matter is not his business objects within 5 working days.
RETURN_WORKDAYS: Final = 5


@dataclass(frozen=True)
class Terms:
    """How long each step may take; calendar days, as the Regulations count unless they say working days.

    `return_workdays` are working days, by the calendar `workdays`.
    """

    accept: timedelta = ACCEPT_WITHIN
    review: timedelta = REVIEW_WITHIN
    return_workdays: int = RETURN_WORKDAYS
    workdays: Workdays = field(default_factory=shipped)
