"""What all of notify's desks share: who may do what, how a petition is decided on, refusals in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header
from pydantic import BaseModel, ConfigDict

from contracts import identity
from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime import problems, tracing
from runtime.access import Gate, Role
from runtime.http import raise_for
from runtime.problems import Problem
from runtime.process import Process
from runtime.record import Record
from runtime.service import Refused
from services.notify.docket import Docket
from services.notify.lane import Lane
from services.notify.letters import Letters
from services.notify.rules import Rules
from services.notify.spending import Spending
from services.notify.standing import Standing

problems.know(
    {
        "no-such-petition": ("没有这件信访事项", "请核对受理编号后再试。"),
        "no-such-message": ("没有这条短信", "请刷新页面，从列表中选择。"),
        "message-not-unknown": ("这条短信已经有结果", "可能已有回执，或已由其他同事确认，请刷新页面。"),
        "no-call-task": ("该事项没有待打的电话", "可能已由其他同事登记，请刷新页面。"),
        "no-such-reply": ("没有这条回复", "请刷新页面；超过半年的回复已经清除。"),
        "reply-not-waiting": ("这条回复不需要阅读登记", "系统已自动处理，或已随信访人资料一并清除。"),
        "reply-has-petition": (
            "这条回复已对应到信访事项",
            "请在受理系统中查阅该事项的联系电话，每次查阅都有记录。",
        ),
    }
)
REFUSALS: Final = {"no-such-message": 404, "message-not-unknown": 409, "no-call-task": 409}
READERS: Final = (Role.OPERATOR, Role.CLERK, Role.LEADER, Role.AUDITOR)
# What people wrote is personal: an auditor needs none of it.
LETTER_READERS: Final = (Role.OPERATOR, Role.CLERK, Role.LEADER)
DECIDERS: Final = (Role.OPERATOR, Role.CLERK)
CALLERS: Final = (Role.OPERATOR, Role.CLERK, Role.LEADER)
MOST_LISTED: Final = 500
UNREAD: Final = problems.documented(401, 403)
UNFOUND: Final = problems.documented(401, 403, 404)
UNDECIDED: Final = problems.documented(400, 401, 403, 404, 409)
Trace = Annotated[str | None, Header(alias="traceparent")]
Decide = Callable[[Docket, datetime], Sequence[Fact] | Refused]


class Asked(BaseModel):
    """What somebody asks for; a field that nobody knows is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Desk:
    """The service as its desks see it."""

    process: Process
    gate: Gate
    standing: Standing
    letters: Letters
    spending: Spending
    lanes: Mapping[str, Lane[Any, Any]]

    @property
    def rules(self) -> Rules:
        """The rules in force now."""
        return self.standing.rules

    async def take(self, said: str, decide: Decide, traceparent: str | None, span: str) -> Docket:
        """Let `decide` run on a petition and return it as it is then; raises Problem if it refuses."""
        petition = known(said)
        with tracing.span(span, traceparent) as context:
            answer = await self.process.commands.ask(petition, decide, cause="http", traceparent=context)
        raise_for(answer, REFUSALS)
        return self.docket((await self.process.store.load([petition]))[petition])

    def docket(self, record: Record) -> Docket:
        """Return what notify knows of a petition."""
        docket: Docket = self.process.service.assemble(record.petition, record.parts)
        return docket


def known(said: str) -> PetitionId:
    """Read a petition id; raises Problem 404 for what is none."""
    petition = identity.parse(said)
    if petition is None:
        raise Problem(404, "no-such-petition")
    return petition
