"""How each gateway is just now, and what it did and cost today."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from runtime.access import Staff
from services.notify.http.desk import READERS, UNREAD, Desk
from services.notify.sms import Accepted


class GatewayView(BaseModel):
    """One gateway. `usable`, `trouble` and `waiting` are this instance's; the day is everybody's."""

    gateway: str
    usable: bool = Field(description="whether messages are given to it")
    trouble: str | None = Field(description="why its last use failed; null if all is well")
    waiting: int = Field(description="claimed messages that wait for it")
    weight: int
    share: float = Field(description="of the messages, while all gateways are usable: 0 to 1")
    accepted: int = Field(description="messages that it took today (Asia/Shanghai)")
    segments: int = Field(description="segments that it took today")
    cost: float = Field(description="yuan today, an estimate: segments times the price of one")
    results: dict[str, int] = Field(description="today's attempts by how they ended, as `notify_sms_total`")


class Gateways(BaseModel):
    """All gateways; today's figures may be some seconds old."""

    gateways: list[GatewayView]
    segments: int
    cost: float


def routes(desk: Desk) -> APIRouter:
    """Make the route of the gateways."""
    router = APIRouter(tags=["gateways"])

    @router.get("/gateways", responses=UNREAD)
    async def now(_staff: Annotated[Staff, Depends(desk.gate.staff(*READERS))]) -> Gateways:
        """Show how each gateway is, and what today cost."""
        return await health(desk)

    return router


async def health(desk: Desk) -> Gateways:
    """Return all gateways as they are."""
    days = await desk.spending.today(list(desk.lanes))
    whole = sum(lane.way.weight for lane in desk.lanes.values())
    shown = []
    for name, lane in desk.lanes.items():
        day = days[name]
        shown.append(
            GatewayView(
                gateway=name,
                usable=not lane.breaker.open,
                trouble=lane.breaker.trouble or None,
                waiting=len(lane.waiting),
                weight=lane.way.weight,
                share=round(lane.way.weight / whole, 4),
                accepted=day.results.get(Accepted.__name__, 0),
                segments=day.segments,
                cost=round(float(desk.spending.prices.cost(name, day.segments)), 4),
                results=dict(day.results),
            )
        )
    return Gateways(
        gateways=shown,
        segments=sum(one.segments for one in shown),
        cost=round(sum(one.cost for one in shown), 4),
    )
