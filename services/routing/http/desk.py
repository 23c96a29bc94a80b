"""What all desks of routing share: how a decision is put to a petition, and what a refusal is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel, ConfigDict

from contracts import identity
from contracts.bodies import Catalogue, catalogue
from contracts.fact import Fact
from contracts.identity import PetitionId
from contracts.kinds import URGENCIES, Urgency
from contracts.units import Roster
from runtime import problems, tracing
from runtime.access import Gate, Role
from runtime.http import raise_for
from runtime.problems import Problem
from runtime.process import Process
from runtime.service import Refused
from services.routing import domain
from services.routing.campaigns import Drives

problems.know(
    {
        "no-such-petition": ("没有这件信访事项", "请核对受理编号后再试。"),
        "not-in-triage": ("该事项不在待研判队列中", "可能已由其他同事处理，请刷新队列。"),
        "no-return-pending": ("该事项没有待裁定的退回异议", "可能已由其他同事裁定，请刷新队列。"),
        "same-body": ("不能再交给提出异议的机构", "请选择其他机构；仍应由它办理的，请驳回异议。"),
        "area-missing": ("不清楚该事项属于哪个区县", "请在 area 中填写区县代码后再分办。"),
        "body-accused": (
            "检举控告事项不能交给被反映的单位",
            "请移送纪检监察机关，或选择与被反映单位无关的机构。",
        ),
        "report-of-wrongdoing": (
            "检举控告事项应当移送纪检监察机关",
            "经核实不属于检举控告的，请在 kind 中注明正确的类别后再分办。",
        ),
        "not-routed-yet": ("该事项尚未分办", "请在分办之后再提交联席会议。"),
        "already-on-agenda": ("该事项已列入联席会议议题", "请刷新议题列表。"),
        "already-ended": ("该事项已有结果或已移送", "无需再提交；请查看办理情况。"),
        "not-on-agenda": ("该事项不在联席会议议题中", "可能已经议定，请刷新议题列表。"),
        "dates-out-of-order": ("日期先后有误", "回头看的日期应在今天之后，且不晚于办结日期。"),
        "nothing-to-follow-up": ("该事项没有待回头看的决定", "请刷新列表。"),
        "next-date-wrong": ("下次回头看的日期有误", "已落实的不填日期；未落实的请填写今天之后的日期。"),
        "not-a-higher-tier": ("只能提级到更高一级", "请核对现在所在的层级。"),
        "no-such-campaign": ("没有这个集中攻坚行动", "请核对代码后再试。"),
        "campaign-exists": ("这个代码已经用过", "请换一个代码；要修改请使用 PUT。"),
        "ends-before-it-begins": ("结束时间不晚于开始时间", "请核对起止日期。"),
        "campaign-not-running": ("集中攻坚行动不在开展期间", "请核对起止日期。"),
        "in-another-campaign": ("该事项已纳入另一个集中攻坚行动", "请先从那里移出。"),
        "report-stays-apart": ("检举控告事项不纳入集中攻坚", "请由纪检监察机关单独办理。"),
        "not-with-a-body": ("该事项现在没有承办机构", "请等研判或移送有结果后再试。"),
        "not-a-member": ("该事项不在这个集中攻坚行动中", "请核对编号后再试。"),
        "already-settled": ("该事项已按共性政策答复", "信访人不服的可以申请复查。"),
        "already-concluded": ("该事项已有办理结果", "原结果有效，不再适用共性政策。"),
        "no-such-policy": ("没有公布过这个政策或版本", "请先在政策目录中公布，再批量答复。"),
        "order-under-way": ("上一批还在进行", "请等上一批完成后再下达。"),
        "nobody-to-settle": ("没有待答复的事项", "请先纳入事项。"),
        "no-such-cluster": ("没有这一组事项", "可能已纳入集中攻坚，请刷新后再试。"),
    }
)
REFUSALS: Final = {
    "not-in-triage": 409,
    "no-return-pending": 409,
    "same-body": 422,
    "area-missing": 409,
    "body-accused": 409,
    "report-of-wrongdoing": 409,
    "not-routed-yet": 409,
    "already-on-agenda": 409,
    "already-ended": 409,
    "not-on-agenda": 409,
    "dates-out-of-order": 422,
    "nothing-to-follow-up": 409,
    "next-date-wrong": 422,
    "not-a-higher-tier": 409,
    "no-such-campaign": 404,
    "campaign-exists": 409,
    "campaign-not-running": 409,
    "in-another-campaign": 409,
    "report-stays-apart": 409,
    "not-with-a-body": 409,
    "not-a-member": 409,
    "already-settled": 409,
    "already-concluded": 409,
    "no-such-policy": 404,
    "order-under-way": 409,
    "nobody-to-settle": 409,
}
READERS: Final = (Role.ROUTER, Role.LEADER, Role.OPERATOR, Role.AUDITOR)
DECIDERS: Final = (Role.ROUTER, Role.LEADER)
MOST_LISTED: Final = 500
# What the interface description says of readings and of decisions that do not succeed.
UNREAD: Final = problems.documented(401, 403)
UNDECIDED: Final = problems.documented(400, 401, 403, 404, 409)
Trace = Annotated[str | None, Header(alias="traceparent")]
Decide = Callable[[domain.Docket, datetime], Sequence[Fact] | Refused]


class Asked(BaseModel):
    """What somebody asks for; a field that nobody knows is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UrgencyView(BaseModel):
    """Why a petition cannot wait its turn, in words for the staff, and the phrase that says so."""

    why: Urgency
    name: str
    phrase: str | None


class Standing(BaseModel):
    """Where a petition is now."""

    petition_id: str
    place: domain.Place | None
    body: str | None
    office: str | None


@dataclass(frozen=True)
class Desk:
    """The service as its desks see it."""

    process: Process
    gate: Gate
    current: Callable[[], domain.Rules]
    roster: Roster
    drives: Drives
    cluster_least: int

    @property
    def rules(self) -> domain.Rules:
        """The rules in force now."""
        return self.current()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force now."""
        return catalogue()

    async def take(self, said: str, decide: Decide, traceparent: str | None, span: str) -> Standing:
        """Let `decide` run on a petition and tell where it is then; raises Problem with the reason if not.

        What is routed joins its campaign in the same breath.
        """
        petition = known(said)

        def with_rules(docket: domain.Docket, now: datetime) -> Sequence[Fact] | Refused:
            return domain.with_rules(docket, decide(docket, now), self.drives.known(), self.rules, now)

        with tracing.span(span, traceparent) as context:
            answer = await self.process.commands.ask(petition, with_rules, cause="http", traceparent=context)
        raise_for(answer, REFUSALS)
        docket = await self.docket(petition)
        return Standing(
            petition_id=petition,
            place=domain.place(docket),
            body=domain.body_of(docket),
            office=docket.own.office,
        )

    async def docket(self, petition: PetitionId) -> domain.Docket:
        """Return what routing knows of a petition."""
        record = (await self.process.store.load([petition]))[petition]
        docket: domain.Docket = self.process.service.assemble(petition, record.parts)
        return docket


def urgency_view(own: domain.Routing) -> UrgencyView | None:
    """Show why a petition cannot wait; None for one that can."""
    if own.urgency is None:
        return None
    return UrgencyView(why=own.urgency, name=URGENCIES[own.urgency], phrase=own.urgent_phrase)


def known(said: str) -> PetitionId:
    """Read a petition id; raises Problem 404 for what is none."""
    petition = identity.parse(said)
    if petition is None:
        raise Problem(404, "no-such-petition")
    return petition
