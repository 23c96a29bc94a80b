"""How many open petitions each body has beside what it can handle: counted, shown, alarmed.

A body over its capacity gets its petitions all the same: no decision reads this, so none goes elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from contracts.bodies import Body, catalogue
from runtime.access import Gate, Staff
from runtime.store import DatabaseError, Store
from services.routing import metrics, store
from services.routing.http.desk import READERS, UNREAD

log = structlog.get_logger()


class LoadView(BaseModel):
    """One body: its open petitions and its capacity, both as numbers of petitions."""

    body: Body
    name: str
    open: int
    capacity: int
    over: bool


class Loads(BaseModel):
    """All bodies, those with the least room first."""

    bodies: list[LoadView]


@dataclass
class Watch:
    """Counts from time to time, sets the metrics, and says in the log when a body passes its capacity."""

    store: Store
    every: timedelta
    over: set[Body] = field(default_factory=set)

    async def count(self) -> Loads:
        """Count now."""
        names = catalogue()
        found = []
        for body in Body:
            capacity, has = names.capacity(body), await store.open_at(self.store, body)
            view = LoadView(
                body=body, name=names.name(body), open=has, capacity=capacity, over=has > capacity
            )
            found.append(view)
            self._note(view)
        return Loads(bodies=sorted(found, key=lambda one: one.capacity - one.open))

    def _note(self, view: LoadView) -> None:
        metrics.OPEN.labels(view.body).set(view.open)
        metrics.CAPACITY.labels(view.body).set(view.capacity)
        if view.over and view.body not in self.over:
            log.warning("body_overloaded", reason=view.body, count=view.open)
        self.over = self.over | {view.body} if view.over else self.over - {view.body}


def counting(
    count: Callable[[], Awaitable[object]], every: timedelta
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Count again and again as long as the application lives; one that fails is tried again."""

    async def run() -> None:
        while True:
            try:
                await count()
            except DatabaseError as error:
                log.warning("load_not_counted", reason=type(error).__name__)
            await asyncio.sleep(every.total_seconds())

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return living


def routes(watch: Watch, gate: Gate) -> APIRouter:
    """Make the route; the counting lives as long as the application."""
    router = APIRouter(tags=["load"], lifespan=counting(watch.count, watch.every))

    @router.get("/load", responses=UNREAD)
    async def show(_staff: Annotated[Staff, Depends(gate.staff(*READERS))]) -> Loads:
        """Show each body's open petitions beside its capacity."""
        return await watch.count()

    return router
