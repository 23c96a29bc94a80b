"""The file outbox: a gateway that writes each SMS as one JSON line, for one machine and for demonstrations.

Several instances may share the file. Whoever writes holds an exclusive lock, has read what the others wrote,
and looks at its lease once more, so no message stands in the file twice whatever was killed or stopped when.
"""

import asyncio
import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
import structlog

from runtime.clock import Clock
from services.notify import segments
from services.notify.gateway import Caps, Sink
from services.notify.sms import (
    Accepted,
    Attempt,
    Down,
    Found,
    Misconfigured,
    NotFound,
    NotSent,
    Outbound,
    Result,
    Unknown,
)

log = structlog.get_logger()

# A holder writes for milliseconds; one that was stopped in the middle holds it until it goes on or dies.
LOCK_WAIT: Final = 5.0
LOCK_AGAIN: Final = 0.002
# About 30 MB. What is forgotten is looked for in the file itself when somebody asks.
MOST_REMEMBERED: Final = 100_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One SMS as it stands in the file. `text` is what the telephone shows, the signature included."""

    at: str
    reference: str
    petition: str
    template: str
    to: str
    text: str
    segments: int


class _Known(msgspec.Struct, frozen=True):
    """What is read back of a line."""

    reference: str
    segments: int


# How each line begins: only that is cut off when torn, in case the path is somebody else's file.
_BEGINS: Final = b'{"at":"'
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Known)


class _LockedError(Exception):
    """Somebody else holds the file for too long."""


@dataclass
class Outbox:
    """The gateway. Only `send` and `query` touch the file, each within one lock, in a thread."""

    path: Path
    clock: Clock
    lock_wait: float = LOCK_WAIT
    most_remembered: int = MOST_REMEMBERED
    name: str = "outbox"
    caps: Caps = field(default_factory=lambda: Caps(batch=500, window=1, query=True))

    def __post_init__(self) -> None:
        self._read_to = 0
        self._file: tuple[int, int] | None = None
        self._seen: dict[str, _Known] = {}
        self._forgot = False

    async def start(self, _sink: Sink) -> Result | None:
        """Read what stands in the file; returns what hinders writing."""
        return await asyncio.to_thread(self._start)

    def routes(self) -> None:
        """Nobody calls a file's owner back."""

    def _start(self) -> Result | None:
        try:
            with self._locked():
                return None
        except _LockedError:
            return Down("outbox-locked")
        except OSError as error:
            return Misconfigured(_reason(error))

    async def send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        """Append what is not there yet, in one write, and have it on disk before anything is reported."""
        return await asyncio.to_thread(self._send, batch)

    def _send(self, batch: Sequence[Outbound]) -> Sequence[Result]:
        try:
            with self._locked() as file:
                return self._append(file, batch)
        except _LockedError:
            return [Down("outbox-locked")] * len(batch)
        except OSError as error:
            return [Misconfigured(_reason(error))] * len(batch)

    def _append(self, file: int, batch: Sequence[Outbound]) -> Sequence[Result]:
        now = self.clock.now()
        at = now.isoformat().replace("+00:00", "Z")
        results: list[Result] = []
        lines: dict[str, Line] = {}
        for message in batch:
            known = self._seen.get(message.unique) or lines.get(message.unique)
            if known is None and self._forgot and not message.reference.endswith(".1"):
                known = self._search(file, message.unique)
            if known is None:
                if message.lease_until <= now:
                    results.append(NotSent("lease-expired"))
                    continue
                known = lines[message.unique] = _line(message, at)
            results.append(Accepted(known.reference, known.segments))
        if lines:
            value = b"".join(_encoder.encode(line) + b"\n" for line in lines.values())
            if failure := self._write(file, value):
                written = {line.reference for line in lines.values()}
                return [failure if _among(result, written) else result for result in results]
            for unique, line in lines.items():
                self._remember(unique, _Known(line.reference, line.segments))
        return results

    def _write(self, file: int, value: bytes) -> Result | None:
        """Write all or nothing; returns what went wrong."""
        before = self._read_to
        try:
            written = os.write(file, value)
        except OSError as error:
            return Down(_reason(error))
        if written < len(value):
            # The disk is full. Half a batch helps nobody, and what is cut off here was never sent.
            os.ftruncate(file, before)
            return Down("disk-full")
        try:
            os.fsync(file)
        except OSError as error:
            # It stands in the file for now, and nobody can say whether it will after a power failure.
            return Unknown(_reason(error))
        self._read_to = before + written
        return None

    async def query(self, attempts: Sequence[Attempt]) -> Sequence[Found | NotFound | None]:
        """Look into the file. Their leases have passed, so what is not there will not come any more."""
        return await asyncio.to_thread(self._query, attempts)

    def _query(self, attempts: Sequence[Attempt]) -> Sequence[Found | NotFound | None]:
        try:
            with self._locked() as file:
                return [self._look(file, attempt) for attempt in attempts]
        except (_LockedError, OSError) as error:
            log.warning("outbox_query_failed", reason=type(error).__name__, count=len(attempts))
            return [None] * len(attempts)

    def _look(self, file: int, attempt: Attempt) -> Found | NotFound:
        known = self._seen.get(attempt.unique) or (self._forgot and self._search(file, attempt.unique))
        return Found(known.reference, known.segments) if known else NotFound()

    async def stop(self) -> None:
        """Nothing is held between calls."""

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file, wait for the lock, and read what was written meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Numbers and texts are personal: nobody but the service's own user reads them.
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(file)
            self._catch_up(file)
            yield file
        finally:
            os.close(file)  # gives the lock back too

    def _lock(self, file: int) -> None:
        give_up = time.monotonic() + self.lock_wait
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise _LockedError from None
                time.sleep(LOCK_AGAIN)
            else:
                return

    def _catch_up(self, file: int) -> None:
        status = os.fstat(file)
        if self._file != (status.st_dev, status.st_ino) or status.st_size < self._read_to:
            # Another file than last time. What was sent before stays known.
            self._file, self._read_to = (status.st_dev, status.st_ino), 0
        while self._read_to < status.st_size:
            block = os.pread(file, 1 << 22, self._read_to)
            end = block.rfind(b"\n") + 1
            if not end:
                break
            for line in block[: end - 1].split(b"\n"):
                self._note(line)
            self._read_to += end
        if rest := os.pread(file, len(_BEGINS), self._read_to):
            if not _BEGINS.startswith(rest):
                raise OSError(errno.ENOTSUP, "this file is no outbox")
            # Whoever wrote this line was killed within the write, and did not report it: it was never sent.
            log.warning("outbox_line_cut", offset=self._read_to, count=status.st_size - self._read_to)
            os.ftruncate(file, self._read_to)

    def _note(self, line: bytes) -> None:
        try:
            known = _decoder.decode(line)
        except msgspec.DecodeError:
            log.warning("outbox_line_skipped", offset=self._read_to)
            return
        self._remember(known.reference.rpartition(".")[0], known)

    def _remember(self, unique: str, known: _Known) -> None:
        self._seen[unique] = known
        if len(self._seen) > self.most_remembered:
            self._forgot = True
            for oldest in list(islice(self._seen, self.most_remembered // 10)):
                del self._seen[oldest]

    def _search(self, file: int, unique: str) -> _Known | None:
        """Look through the whole file for what was forgotten (quotes within texts are escaped there)."""
        if not self._read_to:
            return None
        with mmap.mmap(file, self._read_to, prot=mmap.PROT_READ) as lines:
            found = lines.rfind(b'"reference":"%b.' % unique.encode())
            if found < 0:
                return None
            start = lines.rfind(b"\n", 0, found) + 1
            return _decoder.decode(lines[start : lines.find(b"\n", found)])


def _line(message: Outbound, at: str) -> Line:
    text = f"【{message.sign}】{message.text}"
    return Line(
        at=at,
        reference=message.reference,
        petition=message.petition,
        template=message.template,
        to=message.to,
        text=text,
        segments=segments.count(text),
    )


def _among(result: Result, written: set[str]) -> bool:
    return isinstance(result, Accepted) and result.reference in written


def _reason(error: OSError) -> str:
    """Return the operating system's name of the error as a code: `outbox.ENOSPC`."""
    return f"outbox.{errno.errorcode.get(error.errno or errno.EIO, 'EIO')}"
