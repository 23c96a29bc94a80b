"""What needs a person now: a desk whose due times pass, a body over its capacity, an edit that was not taken.

A petition whose due time passes stays where it is, since only people move it; so here people are called: by a
metric, a line in the log, the head of the desks' page, and `/needs` for whoever watches from outside.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from contracts.calendar import here, minute
from contracts.edited import Shelf
from runtime.access import Gate, Staff
from runtime.clock import Clock
from runtime.store import Store
from services.routing import metrics, store
from services.routing.http.desk import READERS, UNREAD
from services.routing.load import Loads, Watch, counting

log = structlog.get_logger()
# What the staff must have done to a petition of each list by its due time.
LISTS: Final = {
    store.TRIAGE: "待研判",
    store.RETURNS: "退回待裁定",
    store.AGENDA: "联席会议待议",
    store.FOLLOW_UPS: "待回头看",
}
CATALOGUE: Final = "catalogue"
POLICIES: Final = "policies"
PLACES: Final = "places"
FILES: Final = {CATALOGUE: "调处机构目录", POLICIES: "共性政策", PLACES: "街道社区名单"}


class Need(BaseModel):
    """One thing to do: how many petitions it is about, since when it is late, and where it is done."""

    what: str
    count: int
    since: datetime | None
    told: str
    page: str


class Needs(BaseModel):
    """All of them, what is past its due time first; empty when nobody need do anything now."""

    needs: list[Need]


@dataclass
class Calls:
    """Counts and looks from time to time, sets the metric, and says in the log when something begins.

    `shelves` are the files that the operator edits.
    """

    store: Store
    clock: Clock
    shelves: Mapping[str, Callable[[], Shelf[Any]]]
    late: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    async def look(self) -> list[Need]:
        """Look now: what is late, the longest late first, then the edits that were not taken."""
        found = [need for name in LISTS if (need := await self._overdue(name))]
        found.sort(key=lambda need: (need.since is None, need.since))
        return found + [need for name in self.shelves if (need := self._edited(name))]

    async def _overdue(self, name: str) -> Need | None:
        count, oldest = await store.overdue(self.store, name, self.clock.now())
        metrics.OVERDUE.labels(name).set(count)
        if count and name not in self.late:
            log.warning("due_time_passed", reason=name, count=count)
        self.late = self.late | {name} if count else self.late - {name}
        if oldest is None:
            return None
        told = f"{LISTS[name]}：{count} 件已超过期限，最早的应在 {minute(oldest)} 前办理"
        return Need(what=name, count=count, since=here(oldest), told=told, page=f"/desk#{name}")

    def _edited(self, name: str) -> Need | None:
        shelf = self.shelves[name]()
        shelf.look()
        if shelf.refused != self.refused.get(name, ""):
            self.refused[name] = shelf.refused
            log.warning("data_edited", detail=name, reason=shelf.refused or "whole again")
        if not shelf.refused:
            return None
        told = f"{FILES[name]}的修改有误，没有生效，仍按原来的办理：{shelf.refused}"
        return Need(what=name, count=0, since=None, told=told, page="/desk")


async def needed(calls: Calls, loads: Loads) -> Needs:
    """Return all that needs a person now."""
    found = await calls.look()
    for body in loads.bodies:
        if body.over:
            told = f"{body.name}：在办 {body.open} 件，超过可办的 {body.capacity} 件"
            found.append(Need(what="load", count=body.open, since=None, told=told, page="/desk#load"))
    return Needs(needs=found)


def routes(calls: Calls, watch: Watch, gate: Gate) -> APIRouter:
    """Make the route; the looking lives as long as the application."""
    router = APIRouter(tags=["load"], lifespan=counting(calls.look, watch.every))

    @router.get("/needs", responses=UNREAD)
    async def show(_staff: Annotated[Staff, Depends(gate.staff(*READERS))]) -> Needs:
        """Say what needs a person now, what is past its due time first; empty when nothing does."""
        return await needed(calls, await watch.count())

    return router
