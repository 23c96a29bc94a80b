"""How a batch is handled: load, decide, save, publish, clear. Messages, commands, wake-ups take this path.

The order is what makes it safe: nothing is published before it is saved, nothing is committed before it is
published, and everything can be done again. This is the one file that catches every exception, and it does
so around one petition's decision only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from time import perf_counter
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime import logs, metrics, tracing
from runtime.clock import Clock
from runtime.draft import Delivery, Draft, Failure, Outcome
from runtime.publish import Publisher
from runtime.record import Pending, Record
from runtime.service import Effects, Refused, Service
from runtime.store import Store

log = structlog.get_logger()

LOST_RACE: Final = "_id"
# How many published ids are remembered, so that a batch that loaded them before they were cleared skips them.
RECENT: Final = 50_000


@dataclass(frozen=True, slots=True)
class Clash:
    """A unique rule of the service stood in the way; `index` names its key."""

    index: str


@dataclass(frozen=True, slots=True)
class Parked:
    """The petition is parked: no command is taken until it is redriven."""


@dataclass(frozen=True, slots=True)
class Stated:
    """The facts that a command led to; they are durable when the asker hears of them."""

    facts: tuple[Fact, ...]


Answer = Stated | Refused | Clash | Failure | Parked


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """One command: who decides, why, and who waits for the answer."""

    decide: Callable[[Any, datetime], Sequence[Fact] | Refused]
    answer: "asyncio.Future[Answer]"
    cause: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """The petition's time has come."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """Replay what is parked."""


Work = Delivery | Ask | Wake | Redrive
Step = Callable[[str], Awaitable[None]]


async def _no_step(_name: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Saved:
    """What a batch has yet to publish: facts by petition, and messages that nothing has room for."""

    pending: dict[PetitionId, list[Pending]]
    surplus: list[Delivery]


@dataclass
class Batches:
    """Handles batches for one service; safe to run several at once, in one process or in many.

    `on_step` is called after each step with its name; the crash tests end the process there.
    `outcomes` hears what became of each message, and of each petition that it was parked.
    """

    service: Service[Any]
    store: Store
    publisher: Publisher
    clock: Clock
    effects: Effects | None = None
    on_step: Step = _no_step
    outcomes: Callable[[Outcome, str], None] = lambda _outcome, _topic: None
    _in_flight: dict[PetitionId, asyncio.Future[None]] = field(default_factory=dict)
    _started: dict[int, float] = field(default_factory=dict)
    _recent: dict[str, None] = field(default_factory=dict)

    async def handle(self, works: Mapping[PetitionId, Sequence[Work]]) -> None:
        """Take one batch from load to clear; raises DatabaseError when the database is away.

        A caller that reads from Kafka repeats the whole batch then: what was saved is found heard.
        """
        await self.finish(await self.save(works))

    async def save(self, works: Mapping[PetitionId, Sequence[Work]]) -> "Saved":
        """Load, decide and save; whoever asked has his answer when this returns."""
        metrics.BATCH.observe(len(works))
        waiting: dict[PetitionId, Sequence[Work]] = dict(works)
        refused: dict[PetitionId, str] = {}
        saved = Saved({}, [])
        while waiting:
            with _timed("load"):
                records = await self.store.load(waiting)
            await self.on_step("loaded")
            now = self.clock.now()
            with _timed("decide"):
                drafts = [self._draft(records[p], waiting[p], now, refused.get(p)) for p in waiting]
            await self.on_step("decided")
            with _timed("save"):
                clashes = await self.store.save([draft for draft, *_ in drafts if draft.changed])
            await self.on_step("saved")
            again: set[PetitionId] = set()
            for draft, answers, outcomes in drafts:
                petition = draft.record.petition
                clash = clashes.get(petition)
                if clash == LOST_RACE:
                    again.add(petition)
                elif clash is not None and len(answers) < len(waiting[petition]):
                    # Nobody waits for the answer to a heard fact, and it must not be passed over: park it.
                    again.add(petition)
                    refused[petition] = clash
                else:
                    self._count(draft, outcomes)
                    self._answer(answers, Clash(clash) if clash else None)
                    if clash is None:
                        self._keep(draft, saved)
            metrics.RACES.inc(len(again))
            waiting = {petition: works for petition, works in waiting.items() if petition in again}
        return saved

    async def finish(self, saved: "Saved") -> None:
        """Publish and clear what was saved; what found no room behind a parked message is a dead letter."""
        await self.publish(saved.pending)
        for delivery in saved.surplus:
            await self.publisher.dead_letter("parked-full", delivery)

    def _keep(self, draft: Draft, saved: "Saved") -> None:
        if facts := [*draft.record.pending, *draft.new]:
            saved.pending[draft.record.petition] = facts
        saved.surplus.extend(draft.surplus)
        if self.effects is not None and draft.changed:
            self.effects.saved(draft.docket, draft.facts, woken=draft.woken, traceparent=draft.traceparent)

    async def publish(self, pending: Mapping[PetitionId, Sequence[Pending]]) -> None:
        """Publish and clear; the sweeper comes in here too.

        Two batches of this process may hold facts of one petition: the later one waits for the earlier one,
        so that the order holds even if a publish must be repeated, and leaves out what that one published.
        """
        if not pending:
            return
        earlier = {self._in_flight[petition] for petition in pending if petition in self._in_flight}
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight.update(dict.fromkeys(pending, mine))
        self._started[id(mine)] = perf_counter()
        try:
            if earlier:
                await asyncio.wait(earlier)
            due = {
                petition: facts
                for petition, all_facts in pending.items()
                if (facts := [fact for fact in all_facts if fact.id not in self._recent])
            }
            if due:
                await self._publish(due)
        finally:
            del self._started[id(mine)]
            for petition in pending:
                if self._in_flight.get(petition) is mine:
                    del self._in_flight[petition]
            mine.set_result(None)

    async def _publish(self, due: Mapping[PetitionId, Sequence[Pending]]) -> None:
        with _timed("publish"):
            await self.publisher.publish(due)
        await self.on_step("published")
        with _timed("clear"):
            await self.store.clear(due)
        await self.on_step("cleared")
        self._recent.update(dict.fromkeys(fact.id for facts in due.values() for fact in facts))
        for old in list(islice(self._recent, max(0, len(self._recent) - RECENT))):
            del self._recent[old]

    def oldest_unpublished(self) -> float:
        """Return the age in seconds of the oldest batch that waits for the broker."""
        return perf_counter() - min(self._started.values()) if self._started else 0.0

    def _draft(
        self, record: Record, works: Sequence[Work], now: datetime, refused: str | None
    ) -> tuple[Draft, list[tuple[Ask, Answer]], list[tuple[Outcome, str]]]:
        draft = Draft(record, self.service, guarded)
        answers: list[tuple[Ask, Answer]] = []
        outcomes: list[tuple[Outcome, str]] = []
        if refused is not None:
            draft.refuse(refused, now)
        for work in works:
            if isinstance(work, Delivery):
                outcomes.append((_traced(draft, work, now), work.topic))
            elif isinstance(work, Ask):
                answers.append((work, self._ask(draft, work, now)))
            elif refused is not None:
                continue
            elif isinstance(work, Wake):
                draft.wake(now)
            else:
                draft.redrive(now)
        return draft, answers, outcomes

    def _count(self, draft: Draft, outcomes: Sequence[tuple[Outcome, str]]) -> None:
        """Tell what became of the messages, once it is durable."""
        was_parked = draft.record.parked is not None
        for outcome, topic in outcomes:
            if outcome is Outcome.DEAD_LETTER:
                continue  # counted where it is published
            metrics.MESSAGES.labels(topic, outcome).inc()
            # What waits behind a parked message says nothing new about how many petitions fail.
            if outcome is not Outcome.PARKED or not was_parked:
                self.outcomes(outcome, topic)
            was_parked = was_parked or outcome is Outcome.PARKED
        if draft.parked is not None and draft.parked is not draft.record.parked:
            log.error(
                "petition_parked",
                petition=draft.record.petition,
                reason=str(draft.parked.reason),
                detail=draft.parked.detail,
                count=len(draft.parked.messages),
            )

    @staticmethod
    def _ask(draft: Draft, work: Ask, now: datetime) -> Answer:
        if draft.parked is not None:
            return Parked()
        answer = draft.ask(work.decide, now, cause=work.cause, traceparent=work.traceparent)
        if isinstance(answer, Failure):
            log.error("command_failed", petition=draft.record.petition, detail=answer.detail)
        return Stated(answer) if isinstance(answer, tuple) else answer

    @staticmethod
    def _answer(answers: Sequence[tuple[Ask, Answer]], instead: Clash | None) -> None:
        for ask, answer in answers:
            if not ask.answer.done():
                ask.answer.set_result(instead or answer)


def guarded(decision: Callable[[], Any]) -> Any:  # noqa: ANN401 - passes the decision's own type through
    """Run one petition's decision; what it raises becomes a Failure that names the line, never the values."""
    try:
        return decision()
    except Exception as error:  # noqa: BLE001 - a bug in one petition's decision must not stop the others
        return Failure(logs.place_of(error))


def _traced(draft: Draft, delivery: Delivery, now: datetime) -> Outcome:
    """Hear a message under a span of its own if spans are recorded at all."""
    if not tracing.recording() or delivery.message is None:
        return draft.hear(delivery, now)
    envelope = delivery.message.envelope
    with tracing.span(f"hear {envelope.type}", envelope.traceparent) as context:
        return draft.hear(delivery, now, context)


class _timed:  # noqa: N801 - reads as a verb where it is used
    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        metrics.STEP_SECONDS.labels(self._step).observe(perf_counter() - self._start)
