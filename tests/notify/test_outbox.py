"""The file outbox: whoever is killed or stopped when, each message stands in the file once."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.notify.outbox import Outbox
from services.notify.sms import (
    Accepted,
    Attempt,
    Down,
    Found,
    Misconfigured,
    NotFound,
    NotSent,
    Outbound,
    Unknown,
)
from tests.notify.journey import PETITION, START, Clock
from tests.notify.scripted import NOWHERE


def outbound(message: str = "registered.1", *, attempt: int = 1, text: str = "您好") -> Outbound:
    """A message to send; its lease holds for ten seconds."""
    unique = f"{PETITION}.{message}"
    return Outbound(
        reference=f"{unique}.{attempt}",
        unique=unique,
        petition=PETITION,
        to="+8613800138000",
        template=message.partition(".")[0],
        params={},
        text=text,
        sign="长沙信访",
        lease_until=START + timedelta(seconds=10),
    )


def attempt_of(message: Outbound) -> Attempt:
    """What is asked about it."""
    return Attempt(reference=message.reference, unique=message.unique, to=message.to, at=START)


def lines(outbox: Outbox) -> list[dict[str, Any]]:
    """What stands in the file."""
    return [msgspec.json.decode(line) for line in outbox.path.read_bytes().splitlines()]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Outbox:
    return Outbox(tmp_path / "new" / "outbox.jsonl", clock, lock_wait=0.05)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Somebody holds the file."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def test_a_message_stands_in_the_file_as_the_telephone_shows_it(outbox: Outbox) -> None:
    assert await outbox.start(NOWHERE) is None
    (result,) = await outbox.send([outbound(text="您好，“请”\n再见")])
    assert Accepted(f"{PETITION}.registered.1.1", 1) == result
    assert [
        {
            "at": "2026-11-22T02:00:00Z",
            "reference": f"{PETITION}.registered.1.1",
            "petition": PETITION,
            "template": "registered",
            "to": "+8613800138000",
            "text": "【长沙信访】您好，“请”\n再见",
            "segments": 1,
        }
    ] == lines(outbox)


async def test_the_signature_counts_as_text(outbox: Outbox) -> None:
    results = await outbox.send([outbound("a.1", text="字" * 64), outbound("a.2", text="字" * 65)])
    assert [1, 2] == [result.segments for result in results if isinstance(result, Accepted)]


async def test_nobody_else_may_read_the_file(outbox: Outbox) -> None:
    await outbox.send([outbound()])
    assert 0o600 == stat.S_IMODE(outbox.path.stat().st_mode)


async def test_a_batch_is_one_write(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    really = os.write

    def counted(file: int, value: bytes) -> int:
        written.append(len(value))
        return really(file, value)

    monkeypatch.setattr(os, "write", counted)
    await outbox.send([outbound(f"a.{number}") for number in range(50)])
    assert 1 == len(written)
    assert 50 == len(lines(outbox))


async def test_the_same_message_is_not_written_twice(outbox: Outbox) -> None:
    await outbox.send([outbound(), outbound()])
    again = await outbox.send([outbound(), outbound(attempt=2)])
    assert [Accepted(f"{PETITION}.registered.1.1", 1)] * 2 == again
    assert 1 == len(lines(outbox))


async def test_another_instance_sees_what_the_first_one_wrote(outbox: Outbox, clock: Clock) -> None:
    other = Outbox(outbox.path, clock)
    assert [NotFound()] == await other.query([attempt_of(outbound())])
    await outbox.send([outbound()])
    assert [Found(f"{PETITION}.registered.1.1", 1)] == await other.query([attempt_of(outbound(attempt=2))])
    assert [Accepted(f"{PETITION}.registered.1.1", 1)] == await other.send([outbound(attempt=2)])
    assert 1 == len(lines(outbox))


async def test_a_zombie_whose_lease_has_passed_writes_nothing(outbox: Outbox, clock: Clock) -> None:
    clock.forward(timedelta(seconds=10))
    assert [NotSent("lease-expired")] == await outbox.send([outbound()])
    assert [] == lines(outbox)


async def test_a_zombie_with_a_slow_clock_finds_the_message_there(outbox: Outbox) -> None:
    ahead = Outbox(outbox.path, Clock(START + timedelta(seconds=5)))
    await ahead.send([outbound(attempt=2)])
    assert [Accepted(f"{PETITION}.registered.1.2", 1)] == await outbox.send([outbound(attempt=1)])
    assert 1 == len(lines(outbox))


async def test_many_writers_at_once_write_each_message_once(outbox: Outbox, clock: Clock) -> None:
    writers = [Outbox(outbox.path, clock) for _ in range(8)]
    batch = [outbound(f"a.{number}") for number in range(40)]
    await asyncio.gather(*(writer.send(batch[i : i + 10]) for writer in writers for i in range(0, 40, 5)))
    references = [line["reference"] for line in lines(outbox)]
    assert sorted(references) == sorted(message.reference for message in batch)


@pytest.mark.parametrize("kept", [1, 6, 20, 150])
async def test_a_torn_last_line_is_cut_off_and_its_message_sent_again(
    outbox: Outbox, clock: Clock, kept: int
) -> None:
    await outbox.send([outbound("a.1"), outbound("a.2")])
    whole = outbox.path.read_bytes()
    outbox.path.write_bytes(whole + whole.splitlines()[1][:kept])
    other = Outbox(outbox.path, clock)
    assert [NotFound()] == await other.query([attempt_of(outbound("a.3"))])
    assert whole == outbox.path.read_bytes()
    await other.send([outbound("a.3")])
    assert 3 == len(lines(outbox))


async def test_a_line_torn_before_its_end_was_never_sent(outbox: Outbox, clock: Clock) -> None:
    await outbox.send([outbound()])
    outbox.path.write_bytes(outbox.path.read_bytes()[:-1])
    assert [NotFound()] == await Outbox(outbox.path, clock).query([attempt_of(outbound())])


async def test_a_file_that_is_no_outbox_is_left_alone(outbox: Outbox) -> None:
    outbox.path.parent.mkdir()
    outbox.path.write_text("somebody else's notes")
    assert Misconfigured("outbox.ENOTSUP") == await outbox.start(NOWHERE)
    assert [Misconfigured("outbox.ENOTSUP")] == await outbox.send([outbound()])
    assert "somebody else's notes" == outbox.path.read_text()


async def test_a_line_that_cannot_be_read_does_not_hide_the_others(outbox: Outbox, clock: Clock) -> None:
    outbox.path.parent.mkdir()
    outbox.path.write_bytes(b'{"at":"x"}\nnonsense\n\xff\n')
    await outbox.send([outbound()])
    assert [Found(f"{PETITION}.registered.1.1", 1)] == await Outbox(outbox.path, clock).query(
        [attempt_of(outbound())]
    )


async def test_a_full_disk_leaves_no_half_batch(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await outbox.send([outbound("a.1")])
    whole = outbox.path.read_bytes()
    really = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, value: really(file, value[: len(value) // 2]))
        assert [Down("disk-full")] * 2 == await outbox.send([outbound("a.2"), outbound("a.3")])
    assert whole == outbox.path.read_bytes()
    assert [Accepted(f"{PETITION}.a.2.1", 1)] == await outbox.send([outbound("a.2")])


async def test_a_write_that_fails_has_sent_nothing(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    assert [Down("outbox.ENOSPC")] == await outbox.send([outbound()])


async def test_what_may_not_be_on_the_disk_is_unknown_until_it_is_seen(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "broken")

    await outbox.send([outbound("a.1")])
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        known, unknown = await outbox.send([outbound("a.1"), outbound("a.2")])
    assert Accepted(f"{PETITION}.a.1.1", 1) == known
    assert Unknown("outbox.EIO") == unknown
    assert [Found(f"{PETITION}.a.2.1", 1)] == await outbox.query([attempt_of(outbound("a.2"))])


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outbox = Outbox(tmp_path / "file" / "outbox.jsonl", Clock())
    assert isinstance(await outbox.start(NOWHERE), Misconfigured)


async def test_while_somebody_holds_the_file_nothing_is_sent_and_nothing_is_claimed_about_it(
    outbox: Outbox,
) -> None:
    await outbox.send([outbound("a.1")])
    with held(outbox.path):
        assert [Down("outbox-locked")] == await outbox.send([outbound("a.2")])
        assert [None] == await outbox.query([attempt_of(outbound("a.1"))])
        assert Down("outbox-locked") == await outbox.start(NOWHERE)
    assert [Accepted(f"{PETITION}.a.2.1", 1)] == await outbox.send([outbound("a.2")])


async def test_what_memory_has_forgotten_is_found_in_the_file(tmp_path: Path, clock: Clock) -> None:
    outbox = Outbox(tmp_path / "outbox.jsonl", clock, most_remembered=10)
    for number in range(30):
        await outbox.send([outbound(f"a.{number}", text='"reference":"no"')])
    asked = [attempt_of(outbound(f"a.{number}")) for number in (0, 7, 29, 30)]
    assert [
        Found(f"{PETITION}.a.0.1", 1),
        Found(f"{PETITION}.a.7.1", 1),
        Found(f"{PETITION}.a.29.1", 1),
        NotFound(),
    ] == await outbox.query(asked)
    assert [Accepted(f"{PETITION}.a.3.1", 1)] == await outbox.send([outbound("a.3", attempt=2)])
    assert 30 == len(lines(outbox))


async def test_a_file_that_was_put_away_is_begun_anew_without_repeating(outbox: Outbox) -> None:
    await outbox.send([outbound("a.1")])
    outbox.path.rename(outbox.path.with_suffix(".old"))
    await outbox.send([outbound("a.1", attempt=2), outbound("a.2")])
    assert [f"{PETITION}.a.2.1"] == [line["reference"] for line in lines(outbox)]
