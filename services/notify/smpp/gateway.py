"""The gateway that is a message centre: keeps one session bound, sends, and brings home what it delivers.

A centre cannot be asked about a message by our reference (query_sm wants the id that the missing answer would
have named), so what is unknown stays so until a receipt or a late answer resolves it, or a person.
"""

import asyncio
import random
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from runtime.clock import Clock
from services.notify.gateway import Caps, Sink
from services.notify.metrics import SMPP_BOUND
from services.notify.smpp import compose, naming, outcome
from services.notify.smpp.outcome import Answer, Taken, Unwritten
from services.notify.smpp.pace import Pace
from services.notify.smpp.reception import Reception
from services.notify.smpp.session import BindError, Hearing, Session
from services.notify.smpp.settings import Settings
from services.notify.sms import (
    Accepted,
    Attempt,
    Down,
    Found,
    Misconfigured,
    NotFound,
    NotSent,
    Outbound,
    Refused,
    Result,
)

log = structlog.get_logger()

CALLS: Final = 4
# What is taken at once leaves within about two seconds at the granted rate: leases are short.
SECONDS_TAKEN: Final = 2
MOST_TAKEN: Final = 500
# How often, and how soon at first, the rest of a message is tried again whose first segment has left.
AGAIN: Final = 6
AGAIN_FROM: Final = 0.1
STEADY: Final = 10.0  # seconds that a session must have held before the next pause is short again
DRAIN_WITHIN: Final = 2.0
START_WITHIN: Final = 2.0  # a centre that is far away holds up nothing else


class Smpp:
    """See above, and `services.notify.gateway.SmsGateway`. Messages leave in the order of the calls."""

    def __init__(self, settings: Settings, clock: Clock, *, name: str = "smpp") -> None:
        self.name = name
        self.caps = Caps(
            batch=max(1, min(MOST_TAKEN, int(settings.rate * SECONDS_TAKEN / CALLS))),
            window=CALLS,
            query=False,
            receipts=settings.receipts,
            replies=True,
            extension=settings.extension,
            rate=settings.rate,
        )
        self._settings, self._clock = settings, clock
        self._pace = Pace(settings.rate)
        self._reference = random.randrange(256)  # noqa: S311 - tells long messages apart, hides nothing
        self._hindrance: Result = Down("smpp.not-bound-yet")
        self._session: Session | None = None
        self._reception: Reception | None = None
        self._work: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._stopped = False

    async def start(self, sink: Sink) -> Result | None:
        """Bind, and go on binding by itself; returns what stands in the way at present."""
        if not self._stopped and (self._work is None or self._work.done()):
            self._tried.clear()
            self._work = asyncio.create_task(self._go_on(sink))
            self._work.add_done_callback(self._broke)
            with suppress(TimeoutError):
                async with asyncio.timeout(START_WITHIN):
                    await self._tried.wait()
        return None if self._session is not None else self._hindrance

    def routes(self) -> None:
        """Nobody calls it over HTTP."""

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Send; what cannot be written at once, for want of a session, is not kept."""
        if self._session is None:
            return [self._hindrance] * len(batch)
        # Tasks begin in the order in which they were made, and the session lets them out in that order.
        return await asyncio.gather(*(self._send(message) for message in batch))

    async def query(self, attempts: Sequence[Attempt]) -> Sequence[Found | NotFound | None]:
        """Know nothing (see above)."""
        return [None] * len(attempts)

    async def stop(self) -> None:
        """Bring home what was delivered, unbind, hang up; for good."""
        self._stopped = True
        session, reception = self._session, self._reception
        self._session = None
        if session is not None and reception is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_WITHIN):
                    await reception.drained()
            await session.close()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        self._session, self._hindrance = None, Down("smpp.stopped")

    @property
    def rate(self) -> float:
        """How many submit_sm a second at present: less than granted after "too fast"."""
        return self._pace.rate

    # One message.

    async def _send(self, message: Outbound) -> Result:
        if message.valid_until is not None and message.valid_until <= self._clock.now():
            return NotSent("smpp.no-longer-valid")
        self._reference = (self._reference + 1) & 0xFF
        bodies = compose.bodies(message, self._reference, self._settings)
        if isinstance(bodies, Refused):
            return bodies
        answers = [await self._submit(bodies[0], message)]
        if len(bodies) > 1 and isinstance(answers[0], Taken):
            answers += await asyncio.gather(*(self._submit_rest(body, message) for body in bodies[1:]))
        result = outcome.of_message(message.reference, answers)
        if isinstance(result, Refused):
            log.warning("sms_refused", gateway=self.name, petition=message.petition, reason=result.code)
        if isinstance(result, Accepted):
            return Accepted(result.reference, result.segments, self._ids(result.ids))
        return result

    def _ids(self, ids: Sequence[str]) -> tuple[str, ...]:
        return tuple(kept for one in ids if (kept := self._settings.ids.of_answer(one)))

    async def _submit(self, body: bytes, message: Outbound) -> Answer:
        if self._session is None:
            return Unwritten("connection-lost")
        return await self._session.submit(body, reference=message.reference, until=message.lease_until)

    async def _submit_rest(self, body: bytes, message: Outbound) -> Answer:
        """Send a segment after the first: what did not leave is tried again, over a new session too."""
        answer = await self._submit(body, message)
        for attempt in range(AGAIN):
            pause = AGAIN_FROM * 2**attempt
            if not outcome.may_repeat(answer) or self._late(message.lease_until, pause):
                break
            await asyncio.sleep(pause)
            answer = await self._submit(body, message)
        return answer

    def _late(self, lease_until: datetime, pause: float) -> bool:
        return self._clock.now() + timedelta(seconds=pause) >= lease_until

    # The session.

    async def _go_on(self, sink: Sink) -> None:
        """Receive, and stay bound, until cancelled; a fault in one of them ends both."""
        given = self._settings
        secret = await asyncio.to_thread(
            naming.key, given.password.get_secret_value(), f"{self.name} {given.system_id}"
        )
        self._reception = Reception(self.name, given, naming.Names(secret), self._clock, sink)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reception.run())
            group.create_task(self._stay_bound(self._reception))

    def _broke(self, task: asyncio.Task[None]) -> None:
        """Say so; whoever calls `start` next begins anew."""
        if not task.cancelled() and (error := task.exception()) is not None:
            first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
            log.critical("smpp_broke", gateway=self.name, reason=type(first).__name__)
            self._hindrance = Down("smpp.broke")
            self._tried.set()

    async def _stay_bound(self, reception: Reception) -> None:
        """Bind, wait for the end, bind again; after a failure each pause is longer, and none is the same."""
        hearing = Hearing(reception.delivered, reception.late)
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            session = Session(self._settings, self._clock, self._pace, hearing)
            hindrance, began = await self._opened(session), loop.time()
            if hindrance is None:
                await self._used(session, reception)
            else:
                self._hindrance = hindrance
            self._tried.set()
            failures = 0 if loop.time() - began >= STEADY else failures + 1
            await asyncio.sleep(self._pause(failures))

    async def _used(self, session: Session, reception: Reception) -> None:
        """Offer the session until it ends."""
        self._session = session
        self._tried.set()
        SMPP_BOUND.set(1)
        log.info("smpp_session_opened", gateway=self.name)
        try:
            reason = await asyncio.shield(session.ended)
        finally:
            self._session = None
            SMPP_BOUND.set(0)
            session.abort()
            reception.disconnected()
        self._hindrance = Down(f"smpp.{reason}")
        log.warning("smpp_session_ended", gateway=self.name, reason=reason)

    async def _opened(self, session: Session) -> Down | Misconfigured | None:
        """Open a session; returns what stands in the way, if anything."""
        try:
            await session.open()
        except BindError as error:
            hindrance: Down | Misconfigured = outcome.of_bind(error.status)
        except TimeoutError:
            hindrance = Down("smpp.no-answer")
        except (ssl.SSLError, FileNotFoundError, PermissionError) as error:
            # Whom to trust, or whether to speak TLS at all: our settings say so.
            hindrance = Misconfigured(f"smpp.{type(error).__name__}")
        except (OSError, UnicodeError) as error:
            hindrance = Down(f"smpp.{type(error).__name__}")
        else:
            return None
        log.warning("smpp_bind_failed", gateway=self.name, reason=hindrance.reason)
        return hindrance

    def _pause(self, failures: int) -> float:
        first, longest = (
            self._settings.reconnect_from.total_seconds(),
            self._settings.reconnect_to.total_seconds(),
        )
        pause = min(longest, first * 2.0 ** min(failures, 20))
        return pause * random.uniform(0.5, 1)  # noqa: S311 - spreads instances, hides nothing
