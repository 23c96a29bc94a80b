"""One gateway's lane: what waits for it, how many calls are under way, how fast they may follow each other.

Stands between the sender, which fills the lane, and the gateway. A lane whose breaker is open sends nothing:
what waits in it is handed back at once, so that another gateway can have it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any, Final, Generic, TypeVar

import structlog

from services.notify.breaker import Breaker
from services.notify.gateway import Sink, SmsGateway
from services.notify.rules import Way
from services.notify.sms import Attempt, Down, Outbound, Result, Scope, Throttled, Unknown

log = structlog.get_logger()

# A gateway with a rate gets messages in slices of this many seconds.
SLICE: Final = 0.05
# And so many seconds' worth of them is claimed at most where it cannot be asked about what it was given.
AT_ONCE: Final = 0.1
# A gateway that throttles is asked again after this long, whatever it said: leases go on meanwhile.
MOST_PAUSED: Final = 5.0
K = TypeVar("K")
Offered = TypeVar("Offered")
Item = TypeVar("Item")


class Lane(Generic[K, Offered]):
    """The lane. `K` is what the sender needs to find a result's way back, `Offered` what to claim an offer.

    `send` and `ask` are the sender's: they get a batch, call `post` or `query`, and report. So is `claim`:
    what it gets was offered to this lane, and comes back into `waiting`.
    """

    def __init__(
        self,
        gateway: SmsGateway,
        weight: int,
        *,
        send: Callable[["Lane[K, Offered]", Sequence[tuple[K, Outbound]]], Awaitable[None]],
        ask: Callable[["Lane[K, Offered]", Sequence[tuple[K, Attempt]]], Awaitable[None]],
        claim: Callable[["Lane[K, Offered]", Sequence[Offered]], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self.gateway, self.breaker = gateway, Breaker()
        caps = gateway.caps
        self.way = Way(
            gateway.name,
            weight,
            query=caps.query,
            receipts=caps.receipts,
            replies=caps.replies,
            free_text=caps.free_text,
        )
        self.waiting: deque[tuple[K, Outbound]] = deque()
        self.lookups: deque[tuple[K, Attempt]] = deque()
        self.offers: dict[str, Offered] = {}
        self._claim = claim
        self._send, self._ask, self._changed = send, ask, changed
        self._calls = asyncio.Semaphore(caps.window)
        self._under_way = 0
        self._room = asyncio.Event()
        self._wanted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self.failed: Callable[[str], None] = lambda _reason: None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not (self.waiting or self.lookups or self.offers or self._tasks)

    def wake(self) -> None:
        """Say that something was put in."""
        self._wanted.set()
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
            self._loop.add_done_callback(self._ended)

    async def start(self, sink: Sink) -> None:
        """Prepare the gateway; one that cannot be used yet holds up nothing else."""
        hindrance = await self.gateway.start(sink)
        if hindrance is not None:
            self._note([hindrance])

    async def probe(self, sink: Sink) -> None:
        """Ask a gateway that failed whether it can be used again, when its pause is over."""
        if self.breaker.open and monotonic() >= self.breaker.probe_at:
            self.breaker.probed(await self.gateway.start(sink), monotonic())
            if not self.breaker.open:
                log.info("gateway_recovered", gateway=self.gateway.name)
                self._changed()

    async def post(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Send, and learn from how it ended."""
        if self.breaker.open:
            return [Down("breaker-open")] * len(batch)
        results: Sequence[Result] = await all_of(self.gateway.send(batch), len(batch))
        self._note(results)
        return results

    def ended(self, count: int) -> None:
        """So many messages have come to their end: there is room for others."""
        self._under_way -= count
        self._room.set()

    async def query(self, batch: Sequence[Attempt]) -> Sequence[Any]:
        """Ask what became of attempts."""
        return await all_of(self.gateway.query(batch), len(batch))

    def _note(self, results: Sequence[Result]) -> None:
        before, was_open = self.breaker.trouble, self.breaker.open
        self.breaker.note(results, monotonic())
        if self.breaker.trouble and self.breaker.trouble != before:
            log.error("gateway_failed", gateway=self.gateway.name, reason=self.breaker.trouble)
        if before and not self.breaker.trouble:
            log.info("gateway_recovered", gateway=self.gateway.name)
        for result in results:
            if isinstance(result, Throttled) and result.scope is Scope.GATEWAY:
                self._not_before = max(self._not_before, monotonic() + result.retry_after.total_seconds())
        if was_open is not self.breaker.open:
            self._changed()

    async def _run(self) -> None:
        """Send what waits, batch after batch; while one is under way the next one collects."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self.waiting or self.lookups or self.offers:
                if asked := _some(self.lookups, self.gateway.caps.batch):
                    await self._calls.acquire()
                    self._spawn(self._ask(self, asked))
                if self.waiting:
                    await self._calls.acquire()
                    await self._paced()
                    batch = _some(self.waiting, self._most())
                    self._under_way += len(batch)
                    self._spawn(self._send(self, batch))
                elif self.offers:
                    await self._take_up()

    async def _take_up(self) -> None:
        """Claim what was offered, no more than leaves at once: what is claimed when we die is unknown.

        A gateway that is not used takes up nothing; what was offered to it is offered anew, to another one.
        """
        if self.breaker.open:
            self.offers.clear()
            return
        while self._under_way and self._under_way + self._most() > self._at_once():
            self._room.clear()
            await self._room.wait()
        batch = [self.offers.pop(name) for name in list(self.offers)[: self._most()]]
        await self._claim(self, batch)

    def _at_once(self) -> int:
        """Return how many messages may be claimed and not ended: what leaves within a tenth of a second."""
        rate = self.gateway.caps.rate
        return self.gateway.caps.batch if rate is None else int(rate * AT_ONCE)

    def _most(self) -> int:
        rate, most = self.gateway.caps.rate, self.gateway.caps.batch
        return most if rate is None else min(most, max(1, int(rate * SLICE)))

    async def _paced(self) -> None:
        """Wait until the gateway takes the next call."""
        pause = self._not_before - monotonic()
        if pause > 0 and not self.breaker.open:
            await asyncio.sleep(min(pause, MOST_PAUSED))
        if rate := self.gateway.caps.rate:
            self._not_before = monotonic() + min(len(self.waiting), self._most()) / rate

    def _spawn(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(self._called(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _called(self, work: Awaitable[None]) -> None:
        await work

    def done(self) -> None:
        """One call is over: the next may begin, whatever is still to be reported of this one."""
        self._calls.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.critical("sending_broke", reason=type(task.exception()).__name__)
            self.failed("sending broke")

    async def stop(self, seconds: float) -> None:
        """Take nothing more, finish what is under way; what is left is found by its lease."""
        self.waiting.clear()
        self.lookups.clear()
        self.offers.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.gateway.stop()


def _some(items: deque[Item], most: int) -> list[Item]:
    return [items.popleft() for _ in range(min(most, len(items)))]


async def all_of(call: Awaitable[Sequence[Any]], count: int) -> Sequence[Any]:
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
