"""督办: which deadlines bind a case now, and what is said of those that passed."""

from collections.abc import Sequence
from datetime import datetime

from contracts.fact import Fact
from contracts.mediation import CaseOverdue, Step
from services.mediation.domain.case import Case, Docket, State


def decide_overdue(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Say of every step whose time has passed that it is overdue, once each.

    Every step that is taken asks this first, so a late one is never entered as if it had been in time.
    """
    return tuple(
        CaseOverdue(at=now, step=step, since=until) for step, until in _running(docket.own) if until <= now
    )


def next_deadline(docket: Docket) -> datetime | None:
    """Return when the next step becomes overdue; None while nothing is awaited."""
    return min((until for _, until in _running(docket.own)), default=None)


def _running(case: Case) -> Sequence[tuple[Step, datetime]]:
    """Return the deadlines that bind the case now and have not been stated as missed.

    Handling is finished (办结) by the answer, not by the conclusion: an outcome that the petitioner was not
    told would otherwise lie without a due time.
    """
    if case.state is State.HANDED_BACK:
        return ()  # its body owes nothing more; routing's facts say who does, and until when
    awaited = {Step.ACCEPT: case.accept_by if case.state is State.OPENED else None}
    awaited[Step.FINISH] = case.due if case.answered_at is None else None
    return [(step, until) for step, until in awaited.items() if until and step not in case.overdue]
