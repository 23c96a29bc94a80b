"""Takes what was claimed to its gateway and brings back how it ended; the claim was saved before.

Nothing here decides: results go back to the docket as commands. A result that gets lost on the way is found
by the lease: the docket wakes, the message counts as unknown, and the gateway is asked.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog

from contracts.fact import Fact
from contracts.notify import SmsClaimed, SmsPostponed, SmsQueued, SmsUnknown
from runtime.clock import Clock
from runtime.commands import Asked, UnavailableError
from runtime.consume import Stated, Step
from runtime.store import DatabaseError
from services.notify import staff
from services.notify.docket import Docket
from services.notify.domain import Report, decide_reported, decide_taken
from services.notify.gateway import Sink, SmsGateway
from services.notify.lane import Lane
from services.notify.ledger import Going
from services.notify.messages import Sms, State
from services.notify.metrics import GATEWAY_OPEN, SMS, WAITING
from services.notify.rules import Rules
from services.notify.sms import Accepted, Attempt, NotSent, Outbound, Result, Unknown, Withheld
from services.notify.standing import Standing
from services.notify.texts import Texts
from services.notify.trail import Arrivals, Asker, LastLook, Offer, Sent, Trail
from services.notify.turns import unique
from services.notify.writing import Writer

log = structlog.get_logger()

# Beyond this, claims are left to their leases rather than to this process's memory.
MOST_WAITING: Final = 50_000
REPORTS_AT_ONCE: Final = 2
LONGEST_PAUSE: Final = 5.0
STOP_SECONDS: Final = 2.5
PROBE_EVERY: Final = 1.0


class Sender:
    """The effects of notify (`runtime.service.Effects`) for its gateways.

    `on_step` hears "sending", "sent", "reported", "asking", "asked"; the crash tests end the process there.
    """

    def __init__(
        self,
        gateways: Mapping[str, tuple[SmsGateway, int]],
        texts: Texts,
        standing: Standing,
        clock: Clock,
        *,
        sign: str,
        staff: staff.Shelf | None = None,
    ) -> None:
        self._staff = staff
        self._standing, self._clock = standing, clock
        self.writer = Writer(texts, standing, sign)
        self.lanes: dict[str, Lane[Trail, Offer]] = {
            name: Lane(
                gateway,
                weight,
                send=self._send,
                ask=self._ask,
                claim=self._claim,
                changed=self._changed,
            )
            for name, (gateway, weight) in gateways.items()
        }
        self.on_step: Step = _no_step
        # Who counts how batches ended (`spending.py`).
        self.on_results: Callable[[str, Sequence[object]], None] = _nobody_counts
        self._reports = asyncio.Semaphore(REPORTS_AT_ONCE)
        self._unsendable: set[asyncio.Task[None]] = set()
        self._probing: asyncio.Task[None] | None = None
        self._asker: Asker | None = None
        self._look: LastLook | None = None
        self._arrivals: Arrivals | None = None
        self._stopping = False

    def bind(self, asker: Asker, fail: Callable[[str], None]) -> None:
        """Say where results go, and what to call if sending itself breaks."""
        self._asker = asker
        for lane in self.lanes.values():
            lane.failed = fail

    def attend(self, look: LastLook, arrivals: Arrivals) -> None:
        """Say who looks last before a message leaves, and where what comes back goes."""
        self._look, self._arrivals = look, arrivals

    # What the runtime calls.

    def saved(
        self,
        docket: Docket,
        facts: Sequence[Fact],
        *,
        woken: bool,  # noqa: ARG002 - what is due states a fact here
        traceparent: str | None = None,
    ) -> None:
        """Take up what was just claimed, and what must be asked for."""
        for fact in facts:
            if isinstance(fact, SmsPostponed) or (isinstance(fact, SmsQueued) and fact.lease_until is None):
                self._offered(docket, fact, traceparent)
                continue
            if not isinstance(fact, SmsQueued | SmsClaimed | SmsUnknown):
                continue
            message = docket.own.find(fact.message)
            attempt = 1 if isinstance(fact, SmsQueued) else fact.attempt
            if message is None or message.attempt != attempt or self._stopping:
                continue
            lane = self.lanes.get(message.gateway or next(iter(self.lanes)))
            if lane is None:
                # Claimed for a gateway that was configured then: its lease brings it up again.
                log.warning("gateway_gone", petition=docket.petition, gateway=message.gateway)
            elif isinstance(fact, SmsUnknown):
                if message.state is State.UNKNOWN and lane.way.query:
                    lane.lookups.append(
                        (Trail(docket, message, traceparent), self.writer.attempt(docket, message))
                    )
                    lane.wake()
            elif fact.lease_until is not None and message.state is State.CLAIMED:
                self._take(lane, docket, message, fact.lease_until, traceparent)

    def _offered(self, docket: Docket, fact: SmsQueued | SmsPostponed, traceparent: str | None) -> None:
        """Offer a message to its lane."""
        lane = self.lanes.get(fact.gateway or "")
        if lane is None or self._stopping or len(lane.offers) >= MOST_WAITING:
            return
        name = unique(docket.petition, fact.message)
        lane.offers[name] = Offer(docket.petition, fact.message, traceparent)
        lane.wake()

    async def _claim(self, lane: Lane[Trail, Offer], batch: Sequence[Offer]) -> None:
        """Claim what the lane takes up; what cannot be claimed now is offered anew in a while."""
        if self._asker is None:
            raise RuntimeError("the sender is not bound")
        asked = [
            Asked(
                offer.petition,
                partial(_decide_taken, self._standing.rules, offer.message),
                None,
                offer.traceparent,
            )
            for offer in batch
        ]
        try:
            await self._asker.ask_all(asked)
        except UnavailableError as error:
            log.warning(
                "offers_left", gateway=lane.gateway.name, reason=type(error).__name__, count=len(batch)
            )

    def _take(
        self,
        lane: Lane[Trail, Offer],
        docket: Docket,
        message: Sms,
        lease_until: datetime,
        traceparent: str | None,
    ) -> None:
        if len(lane.waiting) >= MOST_WAITING:
            log.warning("claim_left_to_lease", petition=docket.petition, message=message.message)
            return
        written = self.writer.write(docket, message, lease_until, lane.gateway.caps.extension)
        if isinstance(written, NotSent):
            log.error("sms_left_unwritten", petition=docket.petition, reason=written.reason)
            self._lost(Trail(docket, message, traceparent), written)
            return
        going, outbound, pieces = written
        lane.waiting.append((Trail(docket, message, traceparent, going, pieces), outbound))
        lane.wake()

    def _lost(self, way: Trail, result: Result) -> None:
        """Report what never came into a lane."""
        task = asyncio.create_task(self._report([(way, result)]))
        self._unsendable.add(task)
        task.add_done_callback(self._unsendable.discard)

    # What a lane calls.

    async def _send(self, lane: Lane[Trail, Offer], batch: Sequence[tuple[Trail, Outbound]]) -> None:
        try:
            await self.on_step("sending")
            withheld = await self._withheld(batch)
            leaving = [(w, o) for (w, o), no in zip(batch, withheld, strict=True) if no is None]
            results = iter(await self._posted(lane, leaving))
            ended = [(way, no or next(results)) for (way, _), no in zip(batch, withheld, strict=True)]
            await self.on_step("sent")
        finally:
            lane.done()
            lane.ended(len(batch))
        WAITING.labels(lane.gateway.name).set(len(lane.waiting))
        for _, result in ended:
            SMS.labels(lane.gateway.name, type(result).__name__).inc()
        self.on_results(lane.gateway.name, [result for _, result in ended])
        await self._registered(lane, ended)
        await self._report(ended)

    async def _withheld(self, batch: Sequence[tuple[Trail, Outbound]]) -> list[Result | None]:
        """Look once more, across petitions, whether each message may leave."""
        if self._look is None:
            raise RuntimeError("the sender is not bound")
        goings = [way.going for way, _ in batch if way.going is not None]
        try:
            reasons = await self._look.look(goings, self._clock.now())
        except DatabaseError as error:
            # What is not known to be allowed does not leave; the claim comes up again.
            log.warning("last_look_failed", reason=type(error).__name__, count=len(goings))
            return [NotSent("database-away")] * len(batch)
        return [None if reason is None else Withheld(reason) for reason in reasons]

    async def _posted(
        self, lane: Lane[Trail, Offer], leaving: Sequence[tuple[Trail, Outbound]]
    ) -> Sequence[Result]:
        if not leaving or self._look is None:
            return []
        goings = [way.going for way, _ in leaving if way.going is not None]
        noting = asyncio.ensure_future(self._noted(goings))
        if any(going.question for going in goings):
            # A reply may come within the second: its question must be known by then.
            await noting
        results = await lane.post([outbound for _, outbound in leaving])
        await noting
        return results

    async def _noted(self, goings: Sequence[Going]) -> None:
        if self._look is None:
            raise RuntimeError("the sender is not bound")
        try:
            await self._look.note(goings, self._clock.now())
        except DatabaseError as error:
            log.warning("sms_not_counted", reason=type(error).__name__, count=len(goings))

    async def _registered(self, lane: Lane[Trail, Offer], ended: Sequence[tuple[Trail, Result]]) -> None:
        """Keep what receipts will call the messages, before anybody can hear that they were sent."""
        named = [
            Sent(
                lane.gateway.name,
                way.petition,
                way.message,
                way.attempt,
                result.ids,
                len(result.ids) if isinstance(result, Accepted) else way.segments,
            )
            for way, result in ended
            # Of what is unknown an answer may still come, and name a segment.
            if (isinstance(result, Accepted) and result.ids)
            or (isinstance(result, Unknown) and lane.way.receipts)
        ]
        pause = 0.05
        while named and self._arrivals is not None:
            try:
                return await self._arrivals.register(named, self._clock.now())
            except DatabaseError as error:
                log.warning("ids_not_kept", reason=type(error).__name__, count=len(named))
            if self._stopping:
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return None

    async def _ask(self, lane: Lane[Trail, Offer], batch: Sequence[tuple[Trail, Attempt]]) -> None:
        try:
            await self.on_step("asking")
            found = await lane.query([attempt for _, attempt in batch])
            await self.on_step("asked")
        finally:
            lane.done()
        self.on_results(lane.gateway.name, [told for told in found if told is not None])
        answers = zip(batch, found, strict=True)
        await self._report([(way, result) for (way, _), result in answers if result is not None])

    async def _report(self, results: Sequence[tuple[Trail, Any]]) -> None:
        """Have the results stated, each caused by its claim; repeats while the database is away."""
        pause = 0.05
        async with self._reports:
            while results:
                results = await self._asked(results)
                if results:
                    if self._stopping:
                        return
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        await self.on_step("reported")

    async def _asked(self, results: Sequence[tuple[Trail, Any]]) -> Sequence[tuple[Trail, Any]]:
        """Report and return those that must be reported again."""
        if self._asker is None:
            raise RuntimeError("the sender is not bound")
        asked = [
            Asked(
                way.petition,
                partial(_decide, self._standing.rules, way.report(result)),
                way.cause,
                way.traceparent,
            )
            for way, result in results
        ]
        try:
            answers = await self._asker.ask_all(asked)
        except UnavailableError:
            return results
        again = []
        for item, answer in zip(results, answers, strict=True):
            if isinstance(answer, UnavailableError):
                again.append(item)
            elif not isinstance(answer, Stated):
                # Parked, or a fault of ours: once that is mended the lease brings the message up again.
                log.error("sms_report_not_taken", petition=item[0].petition, reason=type(answer).__name__)
        return again

    # What the process asks for.

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._unsendable and all(lane.idle for lane in self.lanes.values())

    async def start(self) -> None:
        """Prepare the gateways; one that cannot be used yet holds up nothing else."""
        if self._arrivals is None:
            raise RuntimeError("the sender is not bound")
        for lane in self.lanes.values():
            await lane.start(self._arrivals)
        self._arrivals.start()
        self._probing = asyncio.create_task(self._probe(self._arrivals))

    async def _probe(self, sink: Sink) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY)
            if self._staff is not None:
                self._standing.staff(self._staff.look())
            for lane in self.lanes.values():
                await lane.probe(sink)

    def _changed(self) -> None:
        closed = frozenset(name for name, lane in self.lanes.items() if lane.breaker.open)
        self._standing.close(closed)
        for name in self.lanes:
            GATEWAY_OPEN.labels(name).set(name not in closed)

    async def reasons(self) -> list[str]:
        """Return what operators must mend: a directory that is refused, or that no gateway takes messages."""
        edit = [self._staff.refused] if self._staff is not None and self._staff.refused else []
        if any(not lane.breaker.trouble for lane in self.lanes.values()):
            return edit
        return edit + [
            f"gateway {name}: {lane.breaker.trouble}; messages wait and go out once it is mended"
            for name, lane in self.lanes.items()
        ]

    async def stop(self) -> None:
        """Take nothing more, finish what is under way; what is left is found by its lease."""
        self._stopping = True
        if self._probing is not None and self._arrivals is not None:
            self._probing.cancel()
            self._arrivals.stop()
        await asyncio.gather(*(lane.stop(STOP_SECONDS) for lane in self.lanes.values()))
        if self._unsendable:
            await asyncio.wait(self._unsendable, timeout=STOP_SECONDS)


def _decide_taken(rules: Rules, message: str, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_taken(rules, docket, message, now)


def _decide(rules: Rules, report: Report, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_reported(rules, docket, report, now)


def _nobody_counts(_gateway: str, _results: Sequence[object]) -> None:
    return None


async def _no_step(_name: str) -> None:
    return None
