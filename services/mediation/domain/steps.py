"""办理: the steps of the body that has the case, from acceptance to answer, and the rating that follows."""

from collections.abc import Sequence
from datetime import datetime

from contracts.fact import Fact
from contracts.kinds import Outcome
from contracts.mediation import CaseAccepted, CaseAnswered, CaseConcluded, CaseRated, SessionHeld
from runtime.service import Refused
from services.mediation.deadlines import Terms
from services.mediation.domain.case import (
    Asker,
    Decision,
    Docket,
    Refusal,
    Session,
    State,
    not_in_hand,
    not_theirs,
    why_not_open,
)
from services.mediation.domain.overdue import decide_overdue


def decide_acceptance(docket: Docket, asker: Asker, handler: str, now: datetime) -> Decision:
    """Let a named handler take the case up; without a name it is the asker himself."""
    if refusal := not_theirs(docket, asker):
        return refusal
    if docket.own.state is not State.OPENED:
        return Refused(why_not_open(docket.own))
    return (*decide_overdue(docket, now), CaseAccepted(at=now, handler=handler or asker.who))


def decide_session(docket: Docket, asker: Asker, session: Session, now: datetime) -> Decision:
    """Enter a session; its number goes on counting when the case goes to another body."""
    if refusal := not_theirs(docket, asker) or not_in_hand(docket.own):
        return refusal
    number = docket.own.sessions + 1
    if session.number not in {None, number}:
        return Refused(Refusal.OTHER_SESSION)
    held = SessionHeld(
        at=now, number=number, kind=session.kind, participants=session.participants, units=session.units
    )
    return (*decide_overdue(docket, now), held)


def decide_conclusion(
    docket: Docket, asker: Asker, outcome: Outcome, *, agreement: bool, now: datetime
) -> Decision:
    """Give the matter its outcome; an agreement signed by both sides is a settlement (art. 33)."""
    if refusal := not_theirs(docket, asker) or not_in_hand(docket.own):
        return refusal
    if agreement and outcome is not Outcome.SETTLED:
        return Refused(Refusal.NO_SETTLEMENT)
    concluded = CaseConcluded(at=now, outcome=outcome, agreement=agreement, by=asker.who)
    return (*decide_overdue(docket, now), concluded)


def decide_answer(docket: Docket, asker: Asker, terms: Terms, now: datetime) -> Decision:
    """Tell the petitioner the outcome; from now on he has 30 days to ask for a review (art. 35)."""
    if refusal := not_theirs(docket, asker):
        return refusal
    case = docket.own
    if case.answered_at is not None:
        return Refused(Refusal.ALREADY_ANSWERED)
    if case.outcome is None:
        return Refused(Refusal.NOT_CONCLUDED)
    answered = CaseAnswered(at=now, outcome=case.outcome, by=asker.who, review_by=now + terms.review)
    return (*decide_overdue(docket, now), answered)


def decide_rating(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Count the petitioner's rating once, if there was an answer that it can be about."""
    if docket.own.state is not State.ANSWERED or docket.intake.score is None:
        return ()
    return (CaseRated(at=now, score=docket.intake.score),)
