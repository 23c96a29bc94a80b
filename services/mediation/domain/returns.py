"""退回: a body objects to a case, and what becomes of it when routing has decided."""

from collections.abc import Sequence
from datetime import datetime

from contracts.bodies import Body
from contracts.fact import Fact
from contracts.kinds import ReturnReason
from contracts.mediation import CaseHandedBack, CaseKept, CaseReturned
from runtime.service import Refused
from services.mediation.domain.case import (
    Asker,
    Decision,
    Docket,
    Refusal,
    State,
    not_theirs,
    why_not_open,
    without_outcome,
)
from services.mediation.domain.overdue import decide_overdue


def decide_return(
    docket: Docket, asker: Asker, reason: ReturnReason, suggested: Body | None, now: datetime
) -> Decision:
    """退回: let the body object before it takes the case up, within its 5 working days (art. 23).

    What the joint conference has decided binds. Where the calendar does not know the year, the objection is
    taken and says so: the router sees that nobody has checked its time.
    """
    if refusal := not_theirs(docket, asker):
        return refusal
    case = docket.own
    if case.state is not State.OPENED or case.body is None:
        return Refused(why_not_open(case))
    if docket.routing.bound:
        return Refused(Refusal.BOUND)
    if suggested == case.body:
        return Refused(Refusal.OWN_BODY)
    if case.return_by is not None and now >= case.return_by:
        return Refused(Refusal.RETURN_TOO_LATE)
    returned = CaseReturned(
        at=now,
        body=case.body,
        transfer=case.transfer,
        reason=reason,
        suggested=suggested,
        return_by=case.return_by,
        calendar_lacks=case.calendar_lacks,
        by=asker.who,
    )
    return (*decide_overdue(docket, now), returned)


def decide_keeping(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Give the case back into the body's hands once its objection was refused."""
    case = docket.own
    if case.state is not State.RETURNED or case.body is None or docket.routing.refused != case.transfer:
        return ()
    return (CaseKept(at=now, body=case.body, transfer=case.transfer),)


def decide_handing_back(docket: Docket, now: datetime) -> Sequence[Fact]:
    """Take the case from its body where routing has the petition again, unless it has its outcome."""
    case = docket.own
    if case.body is None or case.state is State.HANDED_BACK or not without_outcome(case):
        return ()
    handed_back = CaseHandedBack(at=now, body=case.body, transfer=case.transfer)
    return (*decide_overdue(docket, now), handed_back)
