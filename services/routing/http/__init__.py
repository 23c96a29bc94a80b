"""What comes in from people: the triage desk, the bodies' returns, the joint conference, campaigns.

desk: what all share · triage: what a person must decide · returns: what bodies object to · conference: the
joint conference's agenda and decisions · catalogue: the bodies in force · campaigns: drives, their members
and batches · campaign_views: how they are shown
"""

from fastapi import APIRouter

from services.routing.http import campaigns, catalogue, conference, returns, triage
from services.routing.http.desk import REFUSALS, Desk
from services.routing.http.triage import Choice

__all__ = ["REFUSALS", "Choice", "Desk", "routes"]


def routes(desk: Desk) -> APIRouter:
    """Make all routes."""
    router = APIRouter()
    for part in (triage, returns, conference, campaigns, catalogue):
        router.include_router(part.routes(desk))
    return router
