"""The calls: whom no SMS reaches is called, or told another way, and staff say how that ended.

They are listed by `GET /messages?state=call`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends

from contracts.notify import CallOutcome
from runtime.access import Staff
from services.notify.http.desk import CALLERS, UNDECIDED, Asked, Desk, Trace
from services.notify.http.messages import PetitionMessages, view
from services.notify.outcomes import decide_called


class Called(Asked):
    """How a call task ended; with each of these it is over."""

    outcome: CallOutcome


def routes(desk: Desk) -> APIRouter:
    """Make the route of the calls."""
    router = APIRouter(tags=["calls"])

    @router.post("/calls/{petition_id}", responses=UNDECIDED)
    async def done(
        petition_id: str,
        asked: Called,
        staff: Annotated[Staff, Depends(desk.gate.staff(*CALLERS))],
        traceparent: Trace = None,
    ) -> PetitionMessages:
        """Close the call task of a petition; answers with all its messages."""
        return await called(desk, petition_id, asked, staff, traceparent)

    return router


async def called(
    desk: Desk, petition_id: str, asked: Called, staff: Staff, traceparent: str | None = None
) -> PetitionMessages:
    """Note how a call ended."""
    docket = await desk.take(
        petition_id,
        lambda docket, now: decide_called(docket, asked.outcome, staff.who, now),
        traceparent,
        "called",
    )
    return view(desk, docket)
