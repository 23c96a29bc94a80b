"""What comes in from staff: what was sent and how it stands, calls to make, replies to read, the gateways.

desk: what all share · messages: lists, one petition's messages, what a person decides · calls: who must be
called · replies: what people wrote · gateways: how they are, and what today cost
"""

from fastapi import APIRouter

from services.notify.http import calls, gateways, messages, replies
from services.notify.http.desk import REFUSALS, Desk

__all__ = ["REFUSALS", "Desk", "routes"]


def routes(desk: Desk) -> APIRouter:
    """Make all routes."""
    router = APIRouter()
    for part in (messages, calls, replies, gateways):
        router.include_router(part.routes(desk))
    return router
