"""A campaign as people see it: the JSON objects and the plain tables; times are told in Changsha's time."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from contracts.bodies import Body, catalogue
from contracts.calendar import here
from contracts.domains import Domain
from contracts.policies import title as title_of
from runtime.pages import Templates, wanted
from services.routing import domain, store
from services.routing.domain import Campaign, Order


class RuleView(BaseModel):
    """The rule in force."""

    version: int
    searched: bool = Field(description="whether earlier petitions have been looked through")
    bodies: list[Body]
    domains: list[Domain]
    areas: list[str]
    phrases: list[str]
    received_from: datetime | None
    received_until: datetime | None


class OrderView(BaseModel):
    """How far a batch has come. `left` will be answered if the batch is under way; else they were skipped."""

    order: str
    policy: str
    version: int
    title: str
    outcome: str
    by: str
    at: datetime
    total: int
    applied: int
    answered: int
    declined: int = Field(description="had an outcome of their own, which stands")
    left: int
    done_at: datetime | None


class CampaignView(BaseModel):
    """One campaign."""

    code: str
    name: str
    field: str
    begins: datetime
    ends: datetime
    running: bool
    by: str
    rule: RuleView | None
    members: int
    unsettled: int
    orders: list[OrderView]


class ClusterView(BaseModel):
    """A proposed cluster; `cluster` is what is sent to take it in."""

    cluster: str
    kind: Literal["alike", "subject"]
    size: int
    body_name: str | None
    area_name: str | None
    term: str | None
    petitions: list[str] = Field(description="some of them")


class Campaigns(BaseModel):
    """All campaigns, and the clusters that could become one."""

    campaigns: list[CampaignView]
    proposals: list[ClusterView]


class MemberView(BaseModel):
    """One member; what he wrote is read from intake, and that reading is a fact."""

    petition_id: str
    body: str | None
    body_name: str | None
    joined_at: datetime | None
    order: str | None
    answered: bool
    declined: bool


class Members(BaseModel):
    """One page of members, those not settled first; `next` goes into `after` for the following page."""

    members: list[MemberView]
    next: str | None


class Joined(BaseModel):
    """What came of it: `refused` tells why others did not join."""

    joined: int
    refused: dict[str, int]


def rule_view(campaign: Campaign, rule: domain.Rule) -> RuleView:
    """Show the rule in force."""
    return RuleView(
        version=campaign.rule_version,
        searched=campaign.searched == campaign.rule_version,
        bodies=list(rule.bodies),
        domains=list(rule.domains),
        areas=list(rule.areas),
        phrases=list(rule.phrases),
        received_from=rule.received_from,
        received_until=rule.received_until,
    )


def order_view(order: Order, counts: store.Counts) -> OrderView:
    """Show how far a batch has come."""
    return OrderView(
        order=order.code,
        policy=order.policy,
        version=order.version,
        title=title_of(order.policy, order.version),
        outcome=order.outcome,
        by=order.by,
        at=here(order.at),
        total=order.total,
        applied=counts.applied,
        answered=counts.answered,
        declined=counts.declined,
        left=max(0, order.total - counts.applied),
        done_at=here(order.done_at) if order.done_at else None,
    )


def member_view(member: store.Member) -> MemberView:
    """Show one member."""
    return MemberView(
        petition_id=member.petition,
        body=member.body,
        body_name=catalogue().name(Body(member.body)) if member.body else None,
        joined_at=here(member.joined_at) if member.joined_at else None,
        order=member.order or None,
        answered=member.answered,
        declined=member.declined,
    )


class Pages:
    """The same as plain tables, for people without a program of their own: no script."""

    def __init__(self) -> None:
        self._templates = Templates(Path(__file__).parent.parent / "templates")

    def answer(self, accept: str, name: str, shown: BaseModel, **more: Any) -> Response:  # noqa: ANN401 - a template takes anything
        """Answer with the page if an Accept header names HTML before JSON, as browsers do."""
        if not wanted(accept):
            return JSONResponse(shown.model_dump(mode="json"), headers={"Cache-Control": "no-store"})
        return self._templates.page(name, shown=shown, **more)
