"""Carries out a campaign's long work: finds earlier petitions for a new rule, settles a batch one by one.

Everything it does is a command on one petition's docket, so ordinary work goes on between, and what was done
is in the dockets: killed in the middle, this or another instance goes on with what is left, and nothing is
done twice.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime.clock import Clock
from runtime.commands import Asked, Commands, UnavailableError
from runtime.consume import Answer, Stated
from runtime.service import Heard, Refused
from runtime.store import DatabaseError, Store
from services.routing import domain, store
from services.routing.domain import Campaign, Docket, Order, Rules

log = structlog.get_logger()

AT_ONCE: Final = 100
# So many may be on their way to an answer: when mediation is behind, the batch waits, not ordinary work.
RUN_AHEAD: Final = 300
LOOK_EVERY: Final = 0.1
MOST_LOOKS: Final = 50
# By then every instance knows a changed rule (they look every two seconds at most), so the search finds all
# that was routed without it.
KNOWN_EVERYWHERE: Final = timedelta(seconds=5)
Handler = Callable[[Docket, Heard[Any], datetime], Sequence[Fact]]
Decide = Callable[[Docket, datetime], Sequence[Fact] | Refused]


class Drives:
    """The campaigns as this instance knows them, and the task that works for them."""

    def __init__(
        self,
        clock: Clock,
        rules: Callable[[], Rules],
        *,
        me: str,
        every: timedelta,
        lease: timedelta,
        pace: int,
    ) -> None:
        self._clock, self._rules, self._me, self._lease, self._pace = clock, rules, me, lease, pace
        self._every = every.total_seconds()
        self._known: tuple[Campaign, ...] = ()
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    def bind(self, store_: Store, commands: Commands, fail: Callable[[str], None]) -> None:
        """Say where dockets are, how commands are put, and what ends the process."""
        self._store, self._commands, self._fail = store_, commands, fail

    def known(self) -> Sequence[Campaign]:
        """Return the campaigns that decisions go by; at most a few seconds old."""
        return self._known

    def joining(self, hears: Mapping[type[Fact], Handler]) -> Mapping[type[Fact], Handler]:
        """Let what a handler routes join a campaign in the same breath."""
        return {kind: self._joining(handler) for kind, handler in hears.items()}

    def _joining(self, handler: Handler) -> Handler:
        def heard(docket: Docket, message: Heard[Any], now: datetime) -> Sequence[Fact]:
            facts = domain.with_rules(docket, handler(docket, message, now), self._known, self._rules(), now)
            return () if isinstance(facts, Refused) else facts

        return heard

    async def start(self) -> None:
        """Read the campaigns before the first petition is routed, then begin to work."""
        while True:
            try:
                await self._refresh()
            except DatabaseError as error:
                log.warning("campaigns_not_read", reason=type(error).__name__)
                await asyncio.sleep(self._every)
            else:
                break
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    def saved(
        self,
        docket: Any,  # noqa: ANN401 - the runtime's own signature
        facts: Sequence[Fact],
        *,
        woken: bool,
        traceparent: str | None,
    ) -> None:
        """Nothing waits for a docket here: what is to be done is asked of the database."""

    async def stop(self) -> None:
        """Stop where it stands; another instance, or this one when it is back, goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # It ends by a bug only, and then a batch would stand still unseen.
        if not task.cancelled():
            self._fail("the campaigns' work ended")

    async def _run(self) -> None:
        while True:
            try:
                await self._refresh()
                for campaign in self._known:
                    await self._work(campaign)
            except DatabaseError as error:
                log.warning("campaign_work_interrupted", reason=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _refresh(self) -> None:
        self._known = tuple(stored.campaign for stored in await store.campaigns(self._store))

    async def _work(self, campaign: Campaign) -> None:
        now = self._clock.now()
        if campaign.under_way is not None:
            if await self._hold(campaign.code):
                await self._settle(campaign.code, campaign.under_way)
        elif self._to_search(campaign, now) and await self._hold(campaign.code):
            await self._search(campaign)

    @staticmethod
    def _to_search(campaign: Campaign, now: datetime) -> bool:
        due = campaign.rule is not None and campaign.searched < campaign.rule_version
        return due and campaign.runs(now) and now >= campaign.changed_at + KNOWN_EVERYWHERE

    async def _settle(self, code: str, order: Order) -> None:
        """Have the policy applied to every member that is not settled, page by page."""

        def decide(docket: Docket, now: datetime) -> Sequence[Fact] | Refused:
            return domain.decide_policy(docket, code, order, self._rules(), now)

        after = ""
        while page := await store.unsettled(self._store, code, after=after, limit=AT_ONCE):
            if not await self._hold(code):
                return
            await self._caught_up(order)
            await self.put(page, decide)
            after = page[-1]
        skipped = await store.size(self._store, code, unsettled_only=True)

        def done(campaign: Campaign) -> Campaign | Refused:
            if campaign.under_way is None or campaign.under_way.code != order.code:
                return Refused("no-such-order")
            ended = replace(campaign.under_way, done_at=self._clock.now(), skipped=skipped)
            return replace(campaign, orders=(*campaign.orders[:-1], ended), worker="", lease=None)

        await store.change(self._store, code, done)
        log.info("batch_settled", detail=order.code, count=order.total - skipped)

    async def _caught_up(self, order: Order) -> None:
        """Wait until mediation has answered most of what it was given; not for ever, some may be parked."""
        for _ in range(MOST_LOOKS):
            if await store.awaited(self._store, order.code) <= RUN_AHEAD:
                return
            await asyncio.sleep(LOOK_EVERY)

    async def _search(self, campaign: Campaign) -> None:
        """Let earlier petitions join that the rule takes in."""

        def decide(docket: Docket, now: datetime) -> Sequence[Fact]:
            return domain.decide_rule(docket, campaign, self._rules(), now)

        after = ""
        while page := await store.free(self._store, after=after, limit=AT_ONCE):
            if not await self._hold(campaign.code):
                return
            now = self._clock.now()
            found = [r.petition for r in page if decide(Docket(petition=r.petition, **r.parts), now)]
            await self.put(found, decide)
            after = page[-1].petition

        def done(now_stored: Campaign) -> Campaign:
            return replace(now_stored, searched=campaign.rule_version, worker="", lease=None)

        await store.change(self._store, campaign.code, done)
        log.info("rule_searched", detail=campaign.code, count=campaign.rule_version)

    async def _hold(self, code: str) -> bool:
        """Take or keep the work on a campaign for a while; False if another instance has it."""
        now = self._clock.now()

        def held(campaign: Campaign) -> Campaign | Refused:
            if campaign.worker != self._me and campaign.lease is not None and now < campaign.lease:
                return Refused("somebody-else")
            if campaign.worker == self._me and campaign.lease and campaign.lease - now > self._lease / 2:
                return Refused("held")
            return replace(campaign, worker=self._me, lease=now + self._lease)

        answer = await store.change(self._store, code, held)
        return not isinstance(answer, Refused) or answer.code == "held"

    async def put(self, petitions: Sequence[PetitionId], decide: Decide) -> list[Answer]:
        """Put one command to each petition, no faster than the pace; returns the answers in order."""
        loop = asyncio.get_running_loop()
        answers: list[Answer] = []
        for place in range(0, len(petitions), AT_ONCE):
            page = petitions[place : place + AT_ONCE]
            await asyncio.sleep(self._next - loop.time())
            self._next = max(self._next, loop.time()) + len(page) / self._pace
            answers += await self._answers(page, decide)
        return answers

    async def _answers(self, page: Sequence[PetitionId], decide: Decide) -> list[Answer]:
        """Put the command until each has an answer; where too much waits, ordinary work goes first."""
        found: dict[PetitionId, Answer] = {}
        while left := [petition for petition in page if petition not in found]:
            try:
                given = await self._commands.ask_all([Asked(p, decide, cause="campaign") for p in left])
            except UnavailableError as error:
                await asyncio.sleep(error.seconds)
                continue
            answered = zip(left, given, strict=True)
            found |= {p: answer for p, answer in answered if not isinstance(answer, UnavailableError)}
        return [found[petition] for petition in page]


def stated(answers: Sequence[Answer]) -> int:
    """Count the answers that led to a fact."""
    return sum(isinstance(answer, Stated) and bool(answer.facts) for answer in answers)
