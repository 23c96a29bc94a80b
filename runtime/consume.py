"""How a batch is handled: load, decide, save, publish, clear. Messages, commands, wake-ups take this path.

The order is what makes it safe: nothing is published before it is saved, nothing is committed before it is
published, and everything can be done again. This is the one file that catches every exception, and it does
so around one petition's decision only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.identity import PetitionId
from runtime import logs, metrics, tracing
from runtime.clock import Clock
from runtime.draft import Delivery, Draft, Failure, Outcome
from runtime.flush import Flush
from runtime.kept import Kept
from runtime.publish import Publisher
from runtime.record import Pending, Record, empty
from runtime.service import Effects, Refused, Service
from runtime.store import Store

log = structlog.get_logger()

LOST_RACE: Final = "_id"


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
    """One command: who decides, why, and who waits for the answer.

    `fresh` says that the petition's id was made just now: nothing is stored of it, so nothing need be loaded.
    """

    decide: Callable[[Any, datetime], Sequence[Fact] | Refused]
    answer: "asyncio.Future[Answer]"
    cause: str | None = None
    traceparent: str | None = None
    fresh: bool = False


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

    pending: dict[PetitionId, tuple[Pending, ...]]
    surplus: list[Delivery]


@dataclass
class Batches:
    """Handles batches for one service; safe to run several at once, in one process or in many.

    `on_step` is called after each step with its name; the crash tests end the process there.
    `outcomes` hears what became of each message, and of each petition that it was parked.
    `kept` remembers dockets between batches, `clear_at_once` and `flush` say when published facts go.
    """

    service: Service[Any]
    store: Store
    publisher: Publisher
    clock: Clock
    effects: Effects | None = None
    on_step: Step = _no_step
    outcomes: Callable[[Outcome, str], None] = lambda _outcome, _topic: None
    clear_at_once: bool = True
    kept: Kept = field(default_factory=Kept)
    flush: Flush = field(init=False)
    _busy: dict[PetitionId, asyncio.Future[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flush = Flush(self.store, self.publisher, self._step, at_once=self.clear_at_once)

    async def _step(self, name: str) -> None:
        await self.on_step(name)  # whoever listens may have changed since this was made

    async def handle(self, works: Mapping[PetitionId, Sequence[Work]]) -> None:
        """Take one batch from load to clear; raises DatabaseError when the database is away.

        A caller that reads from Kafka repeats the whole batch then: what was saved is found heard.
        """
        await self.finish(await self.save(works))

    async def save(self, works: Mapping[PetitionId, Sequence[Work]]) -> "Saved":
        """Load, decide and save; whoever asked has his answer when this returns."""
        metrics.BATCH.observe(len(works))
        await self._turn(works)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._busy.update(dict.fromkeys(works, mine))
        try:
            return await self._saved(works)
        finally:
            for petition in works:
                del self._busy[petition]
            mine.set_result(None)

    async def _turn(self, works: Mapping[PetitionId, Sequence[Work]]) -> None:
        """Wait for batches of this process that have a petition of these in hand: one would lose the race."""
        while others := {self._busy[petition] for petition in works if petition in self._busy}:
            await asyncio.wait(others)

    async def _saved(self, works: Mapping[PetitionId, Sequence[Work]]) -> "Saved":
        waiting: dict[PetitionId, Sequence[Work]] = dict(works)
        refused: dict[PetitionId, str] = {}
        saved = Saved({}, [])
        remembered = self.kept.take(waiting)
        for petition, asked in waiting.items():
            if petition not in remembered and all(isinstance(one, Ask) and one.fresh for one in asked):
                remembered[petition] = empty(petition, self.service)
        while waiting:
            records = {**remembered, **await self._load([p for p in waiting if p not in remembered])}
            await self.on_step("loaded")
            now = self.clock.now()
            with metrics.timed("decide"):
                drafts = [self._draft(records[p], waiting[p], now, refused.get(p)) for p in waiting]
            await self.on_step("decided")
            with metrics.timed("save"):
                clashes = await self.store.save([draft for draft, *_ in drafts if draft.changed])
            await self.on_step("saved")
            again: set[PetitionId] = set()
            races = 0
            for draft, answers, outcomes in drafts:
                petition = draft.record.petition
                clash = clashes.get(petition)
                if clash == LOST_RACE:
                    again.add(petition)
                    races += 1
                elif clash is not None and len(answers) < len(waiting[petition]):
                    # Nobody waits for the answer to a heard fact, and it must not be passed over: park it.
                    again.add(petition)
                    refused[petition] = clash
                elif answers and petition in remembered and not draft.changed:
                    # A "no" must hold against what is stored, and what is remembered may be older.
                    again.add(petition)
                else:
                    self._count(draft, outcomes)
                    self._answer(answers, Clash(clash) if clash else None)
                    if clash is None:
                        self._keep(draft, saved)
            metrics.RACES.inc(races)
            remembered = {}
            waiting = {petition: works for petition, works in waiting.items() if petition in again}
        return saved

    async def _load(self, petitions: Sequence[PetitionId]) -> dict[PetitionId, Record]:
        if not petitions:
            return {}
        with metrics.timed("load"):
            return await self.store.load(petitions)

    async def finish(self, saved: "Saved") -> None:
        """Publish and clear what was saved; what found no room behind a parked message is a dead letter."""
        await self.flush.publish(saved.pending)
        for delivery in saved.surplus:
            await self.publisher.dead_letter("parked-full", delivery)

    def _keep(self, draft: Draft, saved: "Saved") -> None:
        if draft.left is not None and draft.changed:
            self.flush.left_out(draft.record, draft.left)
        if facts := draft.pending:
            saved.pending[draft.record.petition] = facts
        saved.surplus.extend(draft.surplus)
        self.kept.put(draft.stored())
        if self.effects is not None and draft.changed:
            self.effects.saved(draft.docket, draft.facts, woken=draft.woken, traceparent=draft.traceparent)

    def _draft(
        self, record: Record, works: Sequence[Work], now: datetime, refused: str | None
    ) -> tuple[Draft, list[tuple[Ask, Answer]], list[tuple[Outcome, str]]]:
        draft = Draft(record, self.service, guarded, left=self.flush.left(record))
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
            metrics.messages(topic, outcome).inc()
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
