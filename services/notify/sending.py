"""Takes what was claimed to the gateway and brings back how it ended; the claim was saved before.

Nothing here decides: results go back to the docket as commands. A result that gets lost on the way is found
by the lease: the docket wakes, the message counts as unknown, and the gateway is asked.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import structlog

from contracts.envelope import message_id
from contracts.fact import Fact
from contracts.notify import SmsClaimed, SmsQueued, SmsUnknown
from contracts.topics import NOTIFY
from runtime.commands import Asked, UnavailableError
from runtime.consume import Answer, Stated, Step
from services.notify import numbers
from services.notify.domain import (
    Docket,
    Report,
    Rules,
    Sms,
    State,
    decide_reported,
    reference,
    unique,
)
from services.notify.gateway import SmsGateway
from services.notify.metrics import SMS, WAITING
from services.notify.sms import (
    Attempt,
    Down,
    Inbound,
    Misconfigured,
    NotSent,
    Outbound,
    Receipt,
    Result,
    Unknown,
)
from services.notify.texts import Texts

log = structlog.get_logger()

# Beyond this, claims are left to their leases rather than to this process's memory.
MOST_WAITING: Final = 50_000
REPORTS_AT_ONCE: Final = 2
LONGEST_PAUSE: Final = 5.0
STOP_SECONDS: Final = 5.0
Item = TypeVar("Item")


class Asker(Protocol):
    """Where results go: `runtime.commands.Commands`."""

    async def ask_all(self, asked: Sequence[Asked]) -> list[Answer | UnavailableError]:
        """Let each decide on its docket."""
        ...


class _Way:
    """What a result needs to find its way back to the docket."""

    __slots__ = ("attempt", "cause", "message", "petition", "traceparent")

    def __init__(self, docket: Docket, message: Sms, traceparent: str | None) -> None:
        self.traceparent = traceparent
        self.petition = docket.petition
        self.message, self.attempt = message.message, message.attempt
        self.cause = message_id(NOTIFY, docket.petition, message.claim)

    def report(self, result: Any) -> Report:  # noqa: ANN401 - any of the results that Report names
        return Report(self.message, self.attempt, result)


class Sender:
    """The effects of notify (`runtime.service.Effects`) for one gateway.

    `on_step` hears "sending", "sent", "reported", "asking", "asked"; the crash tests end the process there.
    """

    def __init__(self, gateway: SmsGateway, texts: Texts, rules: Rules, *, sign: str) -> None:
        self._gateway, self._texts, self._sign, self._rules = gateway, texts, sign, rules
        self.on_step: Step = _no_step
        self._waiting: deque[tuple[_Way, Outbound]] = deque()
        self._lookups: deque[tuple[_Way, Attempt]] = deque()
        self._unsendable: deque[tuple[_Way, Result]] = deque()
        self._wanted = asyncio.Event()
        self._calls = asyncio.Semaphore(gateway.caps.window)
        self._reports = asyncio.Semaphore(REPORTS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._asker: Asker | None = None
        self._fail: Any = None
        self._stopping = False
        self._trouble = ""

    def bind(self, asker: Asker, fail: Any) -> None:  # noqa: ANN401 - Process.fail
        """Say where results go, and what to call if sending itself breaks."""
        self._asker, self._fail = asker, fail

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
            if not isinstance(fact, SmsQueued | SmsClaimed | SmsUnknown):
                continue
            message = docket.own.find(fact.message)
            attempt = 1 if isinstance(fact, SmsQueued) else fact.attempt
            if message is None or message.attempt != attempt or self._stopping:
                continue
            if isinstance(fact, SmsUnknown):
                if message.state is State.UNKNOWN and self._gateway.caps.query:
                    self._lookups.append((_Way(docket, message, traceparent), self._attempt(docket, message)))
            elif fact.lease_until is not None and message.state is State.CLAIMED:
                self._take(_Way(docket, message, traceparent), docket, message, fact.lease_until)
        if self._waiting or self._lookups or self._unsendable:
            self._begin()

    def _take(self, way: _Way, docket: Docket, message: Sms, lease_until: datetime) -> None:
        if len(self._waiting) >= MOST_WAITING:
            log.warning("claim_left_to_lease", petition=docket.petition, message=message.message)
            return
        contact, values = numbers.read(docket.dossier.phone), docket.values(message.cause)
        if isinstance(contact, numbers.Unusable):
            # Between the claim and now the dossier was erased or changed.
            self._unsendable.append((way, NotSent("no-contact")))
            return
        rendered = values is not None and self._texts.render(
            message.template, message.version, docket.petition, values
        )
        if not rendered:
            log.error("text_not_rendered", petition=docket.petition, template=message.template)
            self._unsendable.append((way, NotSent("text-missing")))
            return
        outbound = Outbound(
            reference=reference(docket.petition, message.message, message.attempt),
            unique=unique(docket.petition, message.message),
            petition=docket.petition,
            to=contact.e164,
            template=message.template,
            params=rendered.params,
            text=rendered.text,
            sign=self._sign,
            lease_until=lease_until,
        )
        self._waiting.append((way, outbound))

    @staticmethod
    def _attempt(docket: Docket, message: Sms) -> Attempt:
        contact = numbers.read(docket.dossier.phone)
        return Attempt(
            reference=reference(docket.petition, message.message, message.attempt),
            unique=unique(docket.petition, message.message),
            to=contact.e164 if isinstance(contact, numbers.Usable) else "",
            at=message.changed_at,
        )

    # What this process does with it.

    def _begin(self) -> None:
        self._wanted.set()
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and self._fail is not None:
            log.critical("sending_broke", reason=type(task.exception()).__name__)
            self._fail("sending broke")

    async def _run(self) -> None:
        """Send what waits, batch after batch; while one is under way the next one collects."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting or self._lookups or self._unsendable:
                if lost := _some(self._unsendable, self._gateway.caps.batch):
                    await self._report(lost)
                if asked := _some(self._lookups, self._gateway.caps.batch):
                    await self._calls.acquire()
                    self._spawn(self._ask(asked))
                if batch := _some(self._waiting, self._gateway.caps.batch):
                    await self._calls.acquire()
                    self._spawn(self._send(batch))
                WAITING.set(len(self._waiting))

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _send(self, batch: Sequence[tuple[_Way, Outbound]]) -> None:
        try:
            await self.on_step("sending")
            results = await _all(self._gateway.send([outbound for _, outbound in batch]), len(batch))
            await self.on_step("sent")
        finally:
            self._calls.release()
        self._note(results)
        await self._report([(way, result) for (way, _), result in zip(batch, results, strict=True)])

    async def _ask(self, batch: Sequence[tuple[_Way, Attempt]]) -> None:
        try:
            await self.on_step("asking")
            found = await _all(self._gateway.query([attempt for _, attempt in batch]), len(batch))
            await self.on_step("asked")
        finally:
            self._calls.release()
        answers = zip(batch, found, strict=True)
        await self._report([(way, result) for (way, _), result in answers if result is not None])

    def _note(self, results: Iterable[Result]) -> None:
        trouble = ""
        for result in results:
            SMS.labels(type(result).__name__).inc()
            if isinstance(result, Down | Misconfigured | Unknown):
                trouble = result.reason
        if trouble and trouble != self._trouble:
            log.error("gateway_failed", gateway=self._gateway.name, reason=trouble)
        if self._trouble and not trouble:
            log.info("gateway_recovered", gateway=self._gateway.name)
        self._trouble = trouble

    async def _report(self, results: Sequence[tuple[_Way, Any]]) -> None:
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

    async def _asked(self, results: Sequence[tuple[_Way, Any]]) -> Sequence[tuple[_Way, Any]]:
        """Report and return those that must be reported again."""
        if self._asker is None:
            raise RuntimeError("the sender is not bound")
        asked = [
            Asked(way.petition, partial(_decide, self._rules, way.report(result)), way.cause, way.traceparent)
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
        return not (self._waiting or self._lookups or self._unsendable or self._tasks)

    async def start(self) -> None:
        """Prepare the gateway; a gateway that cannot be used yet holds up nothing else."""
        hindrance = await self._gateway.start(self)
        self._note([] if hindrance is None else [hindrance])

    async def reasons(self) -> list[str]:
        """Return what staff must look at before messages go out again."""
        if self._trouble:
            await self.start()
        if not self._trouble:
            return []
        return [f"gateway {self._gateway.name}: {self._trouble}; messages wait and go out once it is mended"]

    async def receipts(self, batch: Sequence[Receipt]) -> None:
        """Refuse: no gateway that sends receipts is in use yet."""
        raise UnavailableError(len(batch))

    async def inbound(self, batch: Sequence[Inbound]) -> None:
        """Refuse: no gateway that takes replies is in use yet."""
        raise UnavailableError(len(batch))

    async def stop(self) -> None:
        """Take nothing more, finish what is under way; what is left is found by its lease."""
        self._stopping = True
        self._lookups.clear()
        self._waiting.clear()
        self._unsendable.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._gateway.stop()


def _decide(rules: Rules, report: Report, docket: Docket, now: datetime) -> Sequence[Fact]:
    return decide_reported(rules, docket, report, now)


async def _no_step(_name: str) -> None:
    return None


def _some(items: deque[Item], most: int) -> list[Item]:
    return [items.popleft() for _ in range(min(most, len(items)))]


async def _all(call: Awaitable[Sequence[Any]], count: int) -> Sequence[Any]:
    """Wait for a gateway's answers; one that broke its word, or raised, leaves all of them unknown."""
    answers: tuple[Sequence[Any] | BaseException] = await asyncio.gather(call, return_exceptions=True)
    answer = answers[0]
    if isinstance(answer, BaseException):
        log.error("gateway_raised", reason=type(answer).__name__, count=count)
        return [Unknown("raised")] * count
    if len(answer) != count:
        log.error("gateway_answered_short", count=count)
        return [Unknown("short-answer")] * count
    return answer
