"""The campaigns' desk: sets drives up, proposes clusters, takes petitions in, orders and shows a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import ConfigDict, Field, StringConstraints, model_validator

from contracts.areas import PATTERN as AREA
from contracts.bodies import Body
from contracts.calendar import here
from contracts.domains import Domain
from contracts.fact import Code, Count, Fact, Moment
from contracts.identity import PetitionId
from contracts.policies import published
from runtime import problems
from runtime.access import Role, Staff
from runtime.consume import Answer, Stated
from runtime.problems import FieldError, Problem
from runtime.service import Refused
from runtime.store import Store
from services.routing import domain, store
from services.routing.campaigns import stated
from services.routing.domain import Campaign, Order
from services.routing.http.campaign_views import (
    Campaigns,
    CampaignView,
    Joined,
    Members,
    Pages,
    member_view,
    order_view,
    rule_view,
)
from services.routing.http.desk import (
    DECIDERS,
    READERS,
    REFUSALS,
    UNDECIDED,
    UNREAD,
    Asked,
    Desk,
    Standing,
    Trace,
    known,
)
from services.routing.http.proposals import Proposals

UNFOUND: Final = problems.documented(401, 403, 404)
MOST_AT_ONCE: Final = 5_000
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"\S")]
When = Annotated[Moment, Field(json_schema_extra={"pattern": r"^2[01]\d\d-"})]


class RuleAsked(Asked):
    """Which petitions join by themselves; what is left out does not matter."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "anyOf": [
                {"properties": {name: {"minItems": 1}}, "required": [name]}
                for name in ("bodies", "domains", "phrases")
            ]
        },
    )

    bodies: list[Body] = Field(default=[], max_length=15)
    domains: list[Domain] = Field(default=[], max_length=19)
    areas: list[Annotated[str, Field(pattern=AREA)]] = Field(
        default=[], max_length=100, description="from the city down to a grid; what lies in one fits"
    )
    phrases: list[Words] = Field(default=[], max_length=100)
    received_from: When | None = None
    received_until: When | None = None

    @model_validator(mode="after")
    def _something(self) -> "RuleAsked":
        if not (self.bodies or self.domains or self.phrases):
            raise FieldError("请至少填写机构、领域、关键词中的一项，否则所有事项都会纳入")
        return self


class CampaignAsked(Asked):
    """A drive on one key field with its dates; without a rule petitions join by hand alone."""

    name: Words
    field: Words
    begins: When
    ends: When
    rule: RuleAsked | None = None


class NewCampaign(CampaignAsked):
    """The same with the code that facts name it by."""

    code: Code


class Joining(Asked):
    """Who joins by hand: petitions by their numbers, or a proposed cluster."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "oneOf": [
                {
                    "properties": {"petitions": {"minItems": 1}, "cluster": {"const": ""}},
                    "required": ["petitions"],
                },
                {
                    "properties": {"cluster": {"minLength": 1}, "petitions": {"maxItems": 0}},
                    "required": ["cluster"],
                },
            ]
        },
    )

    petitions: list[str] = Field(default=[], max_length=MOST_AT_ONCE)
    cluster: str = Field(default="", max_length=200, pattern=r"^((alike:[0-9]{1,10})|(subject:.+))?$")

    @model_validator(mode="after")
    def _one(self) -> "Joining":
        if bool(self.petitions) == bool(self.cluster):
            raise FieldError("请在 petitions 与 cluster 中填写且只填写一项")
        return self


class Ordering(Asked):
    """Which published policy settles all members that are not settled."""

    policy: Code
    version: Count


@dataclass
class Drawer:
    """What the routes of campaigns have in common: the desk, and the clusters that are proposed."""

    desk: Desk
    proposals: Proposals

    @property
    def database(self) -> Store:
        """Where dockets and campaigns are."""
        return self.desk.process.store

    def now(self) -> datetime:
        """Return the time."""
        return self.desk.process.clock.now()

    async def campaign(self, code: str) -> Campaign:
        """Return a campaign as it stands now; raises Problem 404."""
        for stored in await store.campaigns(self.database):
            if stored.campaign.code == code:
                return stored.campaign
        raise Problem(404, "no-such-campaign")

    async def shown(self, campaign: Campaign) -> CampaignView:
        """Show a campaign with its figures."""
        rule = campaign.rule
        return CampaignView(
            code=campaign.code,
            name=campaign.name,
            field=campaign.field,
            begins=here(campaign.begins),
            ends=here(campaign.ends),
            running=campaign.runs(self.now()),
            by=campaign.by,
            rule=rule and rule_view(campaign, rule),
            members=await store.size(self.database, campaign.code, unsettled_only=False),
            unsettled=await store.size(self.database, campaign.code, unsettled_only=True),
            orders=[
                order_view(order, await store.counts(self.database, order.code)) for order in campaign.orders
            ],
        )


def routes(desk: Desk) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["campaigns"])
    proposals = Proposals(desk.process.store, desk.process.clock, desk.cluster_least)
    drawer = Drawer(desk, proposals)
    _add_reading(router, drawer)
    _add_setting_up(router, drawer)
    _add_members(router, drawer)
    _add_orders(router, drawer)
    return router


def _add_reading(router: APIRouter, drawer: Drawer) -> None:
    reading = Annotated[Staff, Depends(drawer.desk.gate.staff(*READERS))]
    accepting = Annotated[str, Header(alias="accept")]
    pages = Pages()

    @router.get("/campaigns", response_model=Campaigns, responses=UNREAD)
    async def campaigns(_staff: reading, accept: accepting = "") -> Response:
        """List the campaigns, and propose clusters."""
        found = [s.campaign for s in await store.campaigns(drawer.database)]
        shown = Campaigns(
            campaigns=[await drawer.shown(campaign) for campaign in found],
            proposals=await drawer.proposals.clusters(),
        )
        return pages.answer(accept, "campaigns.html", shown)

    @router.get("/campaigns/{code}", response_model=CampaignView, responses=UNFOUND)
    async def campaign(code: str, _staff: reading, accept: accepting = "") -> Response:
        """Show one campaign and how far its batches have come."""
        shown = await drawer.shown(await drawer.campaign(code))
        return pages.answer(accept, "campaign.html", shown)

    @router.get("/campaigns/{code}/members", response_model=Members, responses=UNFOUND)
    async def members(
        code: str,
        _staff: reading,
        after: Annotated[str, Query(max_length=120)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        accept: accepting = "",
    ) -> Response:
        """List members, those not settled first, page by page."""
        await drawer.campaign(code)
        order, _, petition = after.rpartition("~")
        found = await store.members(drawer.database, code, after=(order, petition), limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        shown = Members(
            members=[member_view(member) for member in found[:limit]],
            next=last and f"{last.order}~{last.petition}",
        )
        further = shown.next and "?" + urlencode({"limit": limit, "after": shown.next})
        return pages.answer(accept, "members.html", shown, code=code, further=further)


def _add_setting_up(router: APIRouter, drawer: Drawer) -> None:
    changing = Annotated[Staff, Depends(drawer.desk.gate.staff(*DECIDERS))]

    @router.post("/campaigns", status_code=201, responses=UNDECIDED)
    async def create(asked: NewCampaign, staff: changing) -> CampaignView:
        """Set a campaign up; the same request again finds it."""
        _check(asked)
        now = drawer.now()
        made = Campaign(
            code=asked.code,
            name=asked.name,
            field=asked.field,
            begins=asked.begins,
            ends=asked.ends,
            by=staff.who,
            changed_at=now,
            rule=_rule(asked.rule),
        )
        if not await store.save(drawer.database, made, 0):
            stands = await drawer.campaign(asked.code)
            if replace(made, changed_at=stands.changed_at) != replace(
                stands, searched=0, worker="", lease=None
            ):
                raise Problem(409, "campaign-exists")
            made = stands
        return await drawer.shown(made)

    @router.put("/campaigns/{code}", responses=UNDECIDED)
    async def change(code: str, asked: CampaignAsked, _staff: changing) -> CampaignView:
        """Change name, dates or rule; earlier petitions are then looked through again."""
        _check(asked)
        now = drawer.now()

        def edit(campaign: Campaign) -> Campaign:
            rule = _rule(asked.rule)
            version = campaign.rule_version + (rule != campaign.rule)
            return replace(
                campaign,
                name=asked.name,
                field=asked.field,
                begins=asked.begins,
                ends=asked.ends,
                rule=rule,
                rule_version=version,
                searched=0,
                changed_at=now,
            )

        return await drawer.shown(_changed(await store.change(drawer.database, code, edit)))


def _add_members(router: APIRouter, drawer: Drawer) -> None:
    changing = Annotated[Staff, Depends(drawer.desk.gate.staff(*DECIDERS))]

    @router.post("/campaigns/{code}/members", responses=UNDECIDED)
    async def join(code: str, asked: Joining, staff: changing) -> Joined:
        """Take petitions in by hand, by their numbers or as a cluster; the same again changes nothing."""
        campaign = await drawer.campaign(code)
        petitions = await _asked_for(drawer, asked)

        def decide(docket: domain.Docket, now: datetime) -> Sequence[Fact] | Refused:
            return domain.decide_join(docket, campaign, staff.who, drawer.desk.rules, now)

        answers = await drawer.desk.drives.put(petitions, decide)
        drawer.proposals.look_again()
        return Joined(joined=stated(answers), refused=_refused(answers))

    @router.post("/campaigns/{code}/members/{petition_id}/leave", responses=UNDECIDED)
    async def leave(code: str, petition_id: str, staff: changing, traceparent: Trace = None) -> Standing:
        """Take one petition out, so that its body handles it by itself."""
        await drawer.campaign(code)
        return await drawer.desk.take(
            petition_id,
            lambda docket, now: domain.decide_leave(docket, code, staff.who, drawer.desk.rules, now),
            traceparent,
            "leave",
        )


def _add_orders(router: APIRouter, drawer: Drawer) -> None:
    @router.post("/campaigns/{code}/orders", status_code=202, responses=UNDECIDED)
    async def order(
        code: str, asked: Ordering, staff: Annotated[Staff, Depends(drawer.desk.gate.staff(Role.LEADER))]
    ) -> CampaignView:
        """Have a published policy settle all members, each with an answer of its own.

        It goes on by itself and is resumed after a crash; the same request while it runs finds it.
        """
        policy = published().get((asked.policy, asked.version))
        if policy is None:
            raise Problem(404, "no-such-policy")
        now = drawer.now()
        total = await store.size(drawer.database, code, unsettled_only=True)

        def edit(campaign: Campaign) -> Campaign | Refused:
            running = campaign.under_way
            if running is not None:
                same = (running.policy, running.version) == (asked.policy, asked.version)
                return campaign if same else Refused("order-under-way")
            if not campaign.runs(now):
                return Refused("campaign-not-running")
            if not total:
                return Refused("nobody-to-settle")
            made = Order(
                code=f"{code}.{len(campaign.orders) + 1}",
                policy=policy.code,
                version=policy.version,
                sha256=policy.sha256,
                outcome=policy.outcome,
                by=staff.who,
                at=now,
                total=total,
            )
            return replace(campaign, orders=(*campaign.orders, made))

        return await drawer.shown(_changed(await store.change(drawer.database, code, edit)))


def _check(asked: CampaignAsked) -> None:
    if asked.ends <= asked.begins:
        raise Problem(409, "ends-before-it-begins")


def _changed(answer: Campaign | Refused) -> Campaign:
    if isinstance(answer, Refused):
        raise Problem(REFUSALS[answer.code], answer.code)
    return answer


async def _asked_for(drawer: Drawer, asked: Joining) -> list[PetitionId]:
    if not asked.cluster:
        return list(dict.fromkeys(known(said) for said in asked.petitions))
    found = await drawer.proposals.members(asked.cluster, limit=MOST_AT_ONCE)
    if not found:
        raise Problem(404, "no-such-cluster")
    return found


def _refused(answers: Sequence[Answer]) -> dict[str, int]:
    codes = [
        answer.code if isinstance(answer, Refused) else "being-repaired"
        for answer in answers
        if not isinstance(answer, Stated)
    ]
    return {code: codes.count(code) for code in sorted(set(codes))}


def _rule(asked: RuleAsked | None) -> domain.Rule | None:
    if asked is None:
        return None
    return domain.Rule(
        bodies=tuple(asked.bodies),
        domains=tuple(asked.domains),
        areas=tuple(asked.areas),
        phrases=tuple(asked.phrases),
        received_from=asked.received_from,
        received_until=asked.received_until,
    )
