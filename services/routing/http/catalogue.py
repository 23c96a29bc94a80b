"""The catalogue in force, with its version, and why a newer edit was refused."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from contracts.bodies import SHELF, Entry
from runtime.access import Staff
from services.routing.http.desk import READERS, UNREAD, Desk


class CatalogueView(BaseModel):
    """What is in force; `refused` has file, line and reason of an edit that was not taken, else is empty."""

    version: str
    refused: str
    bodies: list[Entry]


def routes(desk: Desk) -> APIRouter:
    """Make the route."""
    router = APIRouter(tags=["catalogue"])

    @router.get("/catalogue", responses=UNREAD)
    async def show(_staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))]) -> CatalogueView:
        """Show the catalogue in force."""
        found = desk.catalogue
        return CatalogueView(version=found.version, refused=SHELF.refused, bodies=list(found.rows))

    return router
