"""联席会议 over HTTP: its members, its agenda, its decisions, and the look back at what became of them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from contracts.bodies import Body
from contracts.calendar import here
from contracts.fact import Code
from contracts.routing import ConferenceGround, FollowUp, Tier
from contracts.units import MEMBERS
from runtime.access import Role, Staff
from runtime.problems import Problem
from runtime.record import Record
from services.routing import domain, store
from services.routing.http.desk import (
    DECIDERS,
    MOST_LISTED,
    READERS,
    UNDECIDED,
    UNREAD,
    Asked,
    Desk,
    Standing,
    Trace,
    UrgencyView,
    urgency_view,
)


class UnitView(BaseModel):
    """One member unit."""

    code: str
    name: str


class GroupView(BaseModel):
    """One working group with its units."""

    code: str
    name: str
    units: list[UnitView]


class RosterView(BaseModel):
    """The whole conference."""

    version: str
    office: UnitView
    groups: list[GroupView]
    units: list[UnitView]


class ItemView(BaseModel):
    """One item: before the decision with its due time, after it with the lead and the dates."""

    petition_id: str
    item: int
    why: ConferenceGround
    group: str | None
    group_name: str | None
    due: datetime
    transfers: int
    lead: Body | None
    lead_name: str | None
    helpers: list[UnitView]
    finish_by: datetime | None
    followed_up: int
    urgency: UrgencyView | None


class Agenda(BaseModel):
    """What the conference must decide and where its office must look again, each oldest due first."""

    waiting: list[ItemView]
    follow_ups: list[ItemView]


class Motion(Asked):
    """Why a petition is put before the conference, and which working group prepares it."""

    why: ConferenceGround
    group: Code | None = None


class Resolution(Asked):
    """What the conference decided; the lead is one of the 15 bodies, helpers are units, bodies or streets."""

    lead: Body
    helpers: list[Code] = Field(default=[], max_length=MEMBERS)
    finish_by: AwareDatetime
    follow_up_at: AwareDatetime


class LookBack(Asked):
    """What the office found; without `next_at` the matter is done."""

    result: FollowUp
    next_at: AwareDatetime | None = None


class Escalation(Asked):
    """The tier that the matter goes up to."""

    to: Tier


class Escalations(BaseModel):
    """How many petitions went up a tier, by the tier that they reached, and how often in all."""

    petitions: int
    times: int
    reached: dict[Tier, int]


def routes(desk: Desk) -> APIRouter:
    """Make the routes."""
    router = APIRouter(prefix="/conference", tags=["joint conference"])
    _add_reading(router, desk)
    _add_deciding(router, desk)
    return router


def _add_reading(router: APIRouter, desk: Desk) -> None:
    reading = Annotated[Staff, Depends(desk.gate.staff(*READERS))]

    @router.get("/units", responses=UNREAD)
    async def units(_staff: reading) -> RosterView:
        """List the office, the 13 working groups and the 58 member units."""
        roster = desk.roster
        return RosterView(
            version=roster.version,
            office=UnitView(code=roster.office, name=roster.office_name),
            groups=[
                GroupView(code=group.code, name=group.name, units=_units(desk, group.units))
                for group in roster.groups.values()
            ],
            units=_units(desk, tuple(roster.units)),
        )

    @router.get("", responses=UNREAD)
    async def agenda(_staff: reading, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50) -> Agenda:
        """List what waits for a decision and what must be looked at again."""
        return await listed(desk, limit=limit)

    @router.get("/escalations", responses=UNREAD)
    async def escalations(_staff: reading) -> Escalations:
        """Count what went up a tier."""
        reached = dict.fromkeys(Tier, 0)
        petitions = times = 0
        for record in await store.gone_up(desk.process.store, limit=100_000):
            own: domain.Routing = record.parts["own"]
            petitions, times = petitions + 1, times + own.escalations
            reached[own.tier or Tier.COUNTY] += 1
        return Escalations(petitions=petitions, times=times, reached=reached)


def _add_deciding(router: APIRouter, desk: Desk) -> None:
    deciding = Annotated[Staff, Depends(desk.gate.staff(*DECIDERS))]
    resolving = Annotated[Staff, Depends(desk.gate.staff(Role.LEADER))]

    @router.post("/{petition_id}/agenda", responses=UNDECIDED)
    async def put(petition_id: str, motion: Motion, staff: deciding, traceparent: Trace = None) -> Standing:
        """Put a petition on the agenda; the body that had it gives it back."""
        if motion.group is not None and motion.group not in desk.roster.groups:
            raise Problem(404, "not-found", errors=[{"field": "group", "message": "没有这个专项工作小组"}])
        return await desk.take(
            petition_id,
            lambda docket, now: domain.decide_agenda(
                docket, motion.why, motion.group, staff.who, desk.rules, now
            ),
            traceparent,
            "conference",
        )

    @router.post("/{petition_id}/decision", responses=UNDECIDED)
    async def resolve(
        petition_id: str, resolution: Resolution, staff: resolving, traceparent: Trace = None
    ) -> Standing:
        """Decide an item: the lead has the petition from now on, and cannot return it."""
        return await resolved(desk, petition_id, resolution, staff, traceparent)

    @router.post("/{petition_id}/follow-up", responses=UNDECIDED)
    async def look_back(
        petition_id: str, found: LookBack, staff: deciding, traceparent: Trace = None
    ) -> Standing:
        """Enter what the office found when it looked again."""
        return await looked_back(desk, petition_id, found, staff, traceparent)

    @router.post("/{petition_id}/escalation", responses=UNDECIDED)
    async def escalate(
        petition_id: str, escalation: Escalation, staff: deciding, traceparent: Trace = None
    ) -> Standing:
        """Take a matter up a tier; it is counted."""
        return await desk.take(
            petition_id,
            lambda docket, now: domain.decide_escalation(docket, escalation.to, staff.who, desk.rules, now),
            traceparent,
            "escalation",
        )


async def listed(desk: Desk, *, limit: int) -> Agenda:
    """Return both lists as people see them."""
    found = {
        name: await store.queue(desk.process.store, name, limit=limit)
        for name in (store.AGENDA, store.FOLLOW_UPS)
    }
    return Agenda(
        waiting=[_view(desk, record, "conference_due") for record in found[store.AGENDA]],
        follow_ups=[_view(desk, record, "follow_up_at") for record in found[store.FOLLOW_UPS]],
    )


async def resolved(
    desk: Desk, petition_id: str, resolution: Resolution, staff: Staff, traceparent: str | None = None
) -> Standing:
    """Put the conference's decision to the petition; raises Problem 422 for helpers that nobody knows."""
    if strangers := [code for code in resolution.helpers if not desk.roster.knows(code)]:
        errors = [{"field": "helpers", "message": f"没有这个单位：{strangers[0]}"}]
        raise Problem(422, "invalid-input", errors=errors)
    asked = domain.Resolution(
        lead=resolution.lead,
        helpers=tuple(dict.fromkeys(resolution.helpers)),
        finish_by=resolution.finish_by,
        follow_up_at=resolution.follow_up_at,
    )
    return await desk.take(
        petition_id,
        lambda docket, now: domain.decide_resolution(docket, asked, staff.who, desk.rules, now),
        traceparent,
        "conference",
    )


async def looked_back(
    desk: Desk, petition_id: str, found: LookBack, staff: Staff, traceparent: str | None = None
) -> Standing:
    """Put what the office found to the petition."""
    return await desk.take(
        petition_id,
        lambda docket, now: domain.decide_follow_up(
            docket, found.result, found.next_at, staff.who, desk.rules, now
        ),
        traceparent,
        "follow-up",
    )


def _units(desk: Desk, codes: tuple[str, ...]) -> list[UnitView]:
    return [UnitView(code=code, name=desk.roster.name(code)) for code in codes]


def _view(desk: Desk, record: Record, due: str) -> ItemView:
    own: domain.Routing = record.parts["own"]
    item = own.item
    if item is None:
        raise Problem(500, "internal")
    group = desk.roster.groups.get(item.group)
    return ItemView(
        petition_id=record.petition,
        item=item.number,
        why=item.why,
        group=group.code if group else None,
        group_name=group.name if group else None,
        due=here(getattr(own, due)),
        transfers=own.transfer,
        lead=item.lead,
        lead_name=desk.catalogue.name(item.lead) if item.lead else None,
        helpers=_units(desk, item.helpers),
        finish_by=here(item.finish_by) if item.finish_by else None,
        followed_up=item.followed_up,
        urgency=urgency_view(own),
    )
