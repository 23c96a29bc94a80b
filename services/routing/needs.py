"""What needs a person now: a desk whose due times pass, a body over its capacity, an edit that was not taken.

A petition whose due time passes stays where it is, since only people move it; so here people are called: by a
metric, a line in the log, the head of the desks' page, and `/needs` for whoever watches from outside.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from contracts.bodies import SHELF
from contracts.calendar import here, minute
from runtime.access import Gate, Staff
from runtime.clock import Clock
from runtime.store import Store
from services.routing import metrics, store
from services.routing.http.desk import READERS, UNREAD
from services.routing.load import Watch, counting

log = structlog.get_logger()
# What the staff must have done to a petition of each list by its due time.
LISTS: Final = {
    store.TRIAGE: "待研判",
    store.RETURNS: "退回待裁定",
    store.AGENDA: "联席会议待议",
    store.FOLLOW_UPS: "待回头看",
}


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
class Lateness:
    """Counts what is past its due time, sets the metric, and says in the log when a list becomes late."""

    store: Store
    clock: Clock
    late: set[str] = field(default_factory=set)

    async def count(self) -> list[Need]:
        """Count now, the longest late first."""
        found = [need for name in LISTS if (need := await self._count(name))]
        return sorted(found, key=lambda need: (need.since is None, need.since))

    async def _count(self, name: str) -> Need | None:
        count, oldest = await store.overdue(self.store, name, self.clock.now())
        metrics.OVERDUE.labels(name).set(count)
        if count and name not in self.late:
            log.warning("desk_overdue", reason=name, count=count)
        self.late = self.late | {name} if count else self.late - {name}
        if oldest is None:
            return None
        told = f"{LISTS[name]}：{count} 件已超过期限，最早的应在 {minute(oldest)} 前办理"
        return Need(what=name, count=count, since=here(oldest), told=told, page=f"/desk#{name}")


async def needed(lateness: Lateness, watch: Watch) -> Needs:
    """Return all that needs a person now."""
    found = await lateness.count()
    for body in (await watch.count()).bodies:
        if body.over:
            told = f"{body.name}：在办 {body.open} 件，超过可办的 {body.capacity} 件"
            found.append(Need(what="load", count=body.open, since=None, told=told, page="/desk#load"))
    if SHELF.refused:
        told = f"调处机构目录的修改没有生效：{SHELF.refused}"
        found.append(Need(what="catalogue", count=0, since=None, told=told, page="/desk"))
    return Needs(needs=found)


def routes(lateness: Lateness, watch: Watch, gate: Gate) -> APIRouter:
    """Make the route; the counting lives as long as the application."""
    router = APIRouter(tags=["load"], lifespan=counting(lateness.count, watch.every))

    @router.get("/needs", responses=UNREAD)
    async def show(_staff: Annotated[Staff, Depends(gate.staff(*READERS))]) -> Needs:
        """Say what needs a person now, what is past its due time first; empty when nothing does."""
        return await needed(lateness, watch)

    return router
