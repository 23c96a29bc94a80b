"""One bound session with the centre: a window of submit_sm under way, each with its own answer.

What was written and has no answer when the connection ends is lost at once, with all that are under way; what
was not written is not. Nothing waits for a PDU that cannot come any more. A session ends once and is never
used again: `gateway.py` makes the next one.
"""

import asyncio
import ssl
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

import structlog

from runtime.clock import Clock
from services.notify.smpp import pdu
from services.notify.smpp.outcome import TOO_FAST, Answer, Lost, Rejected, Taken, Unwritten
from services.notify.smpp.pace import Pace
from services.notify.smpp.pdu import Command, Frame, Status
from services.notify.smpp.settings import Settings

log = structlog.get_logger()

UNBIND_WITHIN: Final = 2.0
# Answers that may still come after we gave them up.
MOST_OVERDUE: Final = 10_000


class BindError(Exception):
    """The centre refuses the bind."""

    def __init__(self, status: int) -> None:
        super().__init__(f"0x{status:02x}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears what the centre says by itself; none of them may raise.

    `delivered` gets the bodies and sequences of all deliver_sm that came together, `late` the reference and
    the answer to a submit_sm that was given up.
    """

    delivered: Callable[["Session", list[Frame]], None]
    late: Callable[[str, Taken | Rejected], None]


@dataclass(slots=True)
class _Waiting:
    """A submit_sm that was not written yet."""

    body: bytes
    reference: str
    until: datetime
    answer: "asyncio.Future[Frame | Lost | Unwritten]"


@dataclass(slots=True)
class _Under:
    """A request that was written."""

    answer: "asyncio.Future[Frame | Lost | Unwritten]"
    timer: asyncio.TimerHandle
    command: Command
    reference: str
    turn: int


class Session(asyncio.Protocol):
    """See above. `ended` is done when it is over, with the reason."""

    def __init__(self, settings: Settings, clock: Clock, pace: Pace, hearing: Hearing) -> None:
        self._settings, self._clock, self._pace, self._hearing = settings, clock, pace, hearing
        self._loop = asyncio.get_running_loop()
        self._splitter = pdu.Splitter()
        self._under: dict[int, _Under] = {}
        self._overdue: OrderedDict[int, str] = OrderedDict()
        self._queue: deque[_Waiting] = deque()
        self._room = settings.window
        self._patience = settings.response_timeout.total_seconds()
        self._pumping: asyncio.TimerHandle | None = None
        self._out: list[bytes] = []
        self._sequence = 0
        self._leaving = False
        self._heard = self._loop.time()
        self._transport: asyncio.Transport | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.ended: asyncio.Future[str] = self._loop.create_future()

    async def open(self) -> None:
        """Connect and bind; raises OSError, TimeoutError or BindError."""
        wait = self._settings.connect_timeout.total_seconds()
        host, port = self._settings.host, self._settings.port
        try:
            async with asyncio.timeout(wait):
                await self._loop.create_connection(lambda: self, host, port, ssl=self._trust())
            await self._bind(wait)
            self._keeper = self._loop.create_task(self._keep())
        finally:
            if self._keeper is None:
                self._end("not-bound")

    def _trust(self) -> ssl.SSLContext | None:
        if not self._settings.tls:
            return None
        context = ssl.create_default_context(cafile=self._settings.tls_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def _bind(self, wait: float) -> None:
        given = self._settings
        body = pdu.bind_body(given.system_id, given.password.get_secret_value(), given.system_type)
        answer = await self._request(Command.BIND_TRANSCEIVER, body, wait)
        if isinstance(answer, Lost):
            raise TimeoutError if answer.reason == "no-answer" else ConnectionResetError
        if answer.status != Status.OK:
            raise BindError(answer.status)

    # What we ask.

    async def submit(self, body: bytes, *, reference: str, until: datetime) -> Answer:
        """Write one submit_sm in its turn and wait for its answer; nothing is written from `until` on."""
        waiting: asyncio.Future[Frame | Lost | Unwritten] = self._loop.create_future()
        self._queue.append(_Waiting(body, reference, until, waiting))
        self._pump_soon()
        answer = await waiting
        if not isinstance(answer, Frame):
            return answer
        taken = _taken(answer)
        if isinstance(taken, Rejected) and taken.status in TOO_FAST:
            return Rejected(taken.status, self._pace.wait(self._loop.time()))
        return taken

    def _pump_soon(self, wait: float = 0.0) -> None:
        """Have the queue looked at, once: what comes in the same moment leaves together."""
        if self._pumping is None or (not wait and self._pumping.when() > self._loop.time()):
            if self._pumping is not None:
                self._pumping.cancel()
            self._pumping = self._loop.call_later(wait, self._pump)

    def _pump(self) -> None:
        """Write what waits, first come first out, as far as window and pace allow."""
        self._pumping = None
        while self._queue:
            first = self._queue[0]
            if first.answer.done():  # whoever waited was cancelled
                self._queue.popleft()
                continue
            unwritten = self._hindrance(first.until)
            wait = 0.0 if unwritten else self._pace.wait(self._loop.time())
            if wait and self._clock.now() + timedelta(seconds=wait) >= first.until:
                unwritten = Unwritten("too-fast", wait)
            if unwritten:
                self._queue.popleft().answer.set_result(unwritten)
            elif self._room == 0:
                return  # the next answer makes room
            elif wait:
                self._pump_soon(wait)
                return
            else:
                self._queue.popleft()
                self._room -= 1
                turn = self._pace.take(self._loop.time())
                self._write(Command.SUBMIT_SM, first.body, first.answer, first.reference, turn)

    def _hindrance(self, until: datetime) -> Unwritten | None:
        if self.ended.done():
            return Unwritten("connection-lost")
        if self._leaving:
            return Unwritten("closed")
        return Unwritten("lease-expired") if self._clock.now() >= until else None

    async def _request(self, command: Command, body: bytes, wait: float) -> Frame | Lost:
        if self.ended.done():
            return Lost("connection-lost")
        answer: asyncio.Future[Frame | Lost | Unwritten] = self._loop.create_future()
        self._write(command, body, answer, wait=wait)
        found = await answer
        return Lost(found.reason) if isinstance(found, Unwritten) else found

    def _write(
        self,
        command: Command,
        body: bytes,
        answer: "asyncio.Future[Frame | Lost | Unwritten]",
        reference: str = "",
        turn: int = 0,
        *,
        wait: float = 0.0,
    ) -> None:
        """Hand one request to the connection; the answer comes, or is lost."""
        self._sequence = sequence = self._sequence % pdu.LAST_SEQUENCE + 1
        timer = self._loop.call_later(wait or self._patience, self._expired, sequence)
        self._under[sequence] = _Under(answer, timer, command, reference, turn)
        self._push(pdu.encode(command, sequence, body))

    def _push(self, data: bytes) -> None:
        """Write at the end of this moment, together with what else is written in it."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _settle(self, sequence: int, result: Frame | Lost) -> None:
        under = self._under.pop(sequence)
        under.timer.cancel()
        if under.command is Command.SUBMIT_SM:
            self._room += 1
            if self._queue:
                self._pump_soon()
        if not under.answer.done():  # whoever waited may have been cancelled
            under.answer.set_result(result)

    def _expired(self, sequence: int) -> None:
        reference = self._under[sequence].reference
        self._settle(sequence, Lost("no-answer"))
        if reference:
            self._overdue[sequence] = reference
            if len(self._overdue) > MOST_OVERDUE:
                self._overdue.popitem(last=False)

    # What the centre says.

    def answer(self, sequence: int, status: int) -> bool:
        """Answer a deliver_sm; False if there is nobody to answer any more."""
        if self.ended.done():
            return False
        # An error has no body, success an empty message id (4.6.2).
        self._reply(Command.DELIVER_SM, sequence, status, b"" if status else b"\0")
        return True

    def _reply(self, command: int, sequence: int, status: int = Status.OK, body: bytes = b"") -> None:
        self._push(pdu.encode(command | pdu.RESPONSE, sequence, body, status))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what the centre sent."""
        self._heard = self._loop.time()
        try:
            frames = self._splitter.feed(data)
        except pdu.MalformedError:
            self._end("malformed")
            return
        delivered = []
        for frame in frames:
            if frame.command == Command.DELIVER_SM:
                delivered.append(frame)
            else:
                self._take(frame)
        if delivered:
            self._hearing.delivered(self, delivered)

    def _take(self, frame: Frame) -> None:
        if frame.command & pdu.RESPONSE:
            self._answered(frame)
        elif frame.command == Command.ENQUIRE_LINK:
            self._reply(frame.command, frame.sequence)
        elif frame.command == Command.UNBIND:
            self._reply(frame.command, frame.sequence)
            self._end("unbound", polite=True)
        elif frame.command not in {Command.OUTBIND, Command.ALERT_NOTIFICATION}:  # these want no answer
            self._reply(Command.GENERIC_NACK, frame.sequence, Status.INVALID_COMMAND)

    def pause_writing(self) -> None:
        """Take nothing more from a centre that does not read; in the end it counts as silent."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def _answered(self, frame: Frame) -> None:
        under = self._under.get(frame.sequence)
        asked = under.command if under else Command.SUBMIT_SM
        if frame.command not in {asked | pdu.RESPONSE, Command.GENERIC_NACK}:
            log.warning("smpp_answer_skipped")  # it answers what nobody has asked
        elif under:
            self._learn(under, frame)  # before there is room in the window: the next one must know
            self._settle(frame.sequence, frame)
            if frame.status == Status.INVALID_BIND_STATUS:
                self._end("not-bound")
        elif reference := self._overdue.pop(frame.sequence, ""):
            self._hearing.late(reference, _taken(frame))

    def _learn(self, under: _Under, frame: Frame) -> None:
        if under.command is Command.SUBMIT_SM:
            if frame.status in TOO_FAST:
                self._pace.throttled(under.turn, self._loop.time())
            elif frame.status == Status.OK:
                self._pace.accepted(under.turn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the connection."""
        self._end("connection-lost" if exc is None else f"connection-lost.{type(exc).__name__}")

    # The end.

    async def _keep(self) -> None:
        """Ask after each silence whether the centre is there; without an answer it is not."""
        every = self._settings.enquire_every.total_seconds()
        while not self.ended.done():
            silent = self._loop.time() - self._heard
            if silent < every:
                await asyncio.wait({self.ended}, timeout=every - silent)
                continue
            if isinstance(await self._request(Command.ENQUIRE_LINK, b"", self._patience), Lost):
                self._end("silent")

    async def close(self) -> None:
        """Take leave: write no more, wait for the answers that are under way, unbind, hang up."""
        self._leaving = True
        self._pump()
        if self._under and not self.ended.done():
            await asyncio.wait({under.answer for under in self._under.values()}, timeout=self._patience)
        if not self.ended.done():
            await self._request(Command.UNBIND, b"", UNBIND_WITHIN)
        self._end("closed", polite=True)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def abort(self) -> None:
        """Hang up at once."""
        self._end("aborted")

    def _end(self, reason: str, *, polite: bool = False) -> None:
        """End the session, once: everything that is under way is lost, at once."""
        if self.ended.done():
            return
        self.ended.set_result(reason)
        if self._transport is not None:
            # Polite: what was written still goes out. Else nobody is there to read it.
            self._flush()
            self._transport.close() if polite else self._transport.abort()
        if self._pumping is not None:
            self._pumping.cancel()
        self._pump()  # those that wait were not written, and will not be
        for sequence in list(self._under):
            self._settle(sequence, Lost("connection-lost"))


def _taken(frame: Frame) -> Taken | Rejected:
    """Read the answer to a submit_sm; a generic_nack without a reason is an error all the same."""
    if frame.status == Status.OK and frame.command != Command.GENERIC_NACK:
        return Taken(pdu.message_id(frame.body))
    return Rejected(frame.status or Status.UNKNOWN_ERROR)
