"""What a record must say to be believed: its key, its topic and its contents agree."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import UndecodableError
from contracts.topics import DOSSIERS, INTAKE, ROUTING, Topic
from runtime.consume import Saved
from runtime.draft import Delivery
from runtime.listen import Listener, _understand
from runtime.publish import Publisher
from runtime.settings import ServiceSettings
from tests.eventually import eventually
from tests.runtime import toy
from tests.runtime.scripted import Bench, away
from tests.runtime.toy import Streams, petition

GOOD = Streams().write(toy.rated()).value


def record(value: bytes | None, key: bytes | None = petition().encode()) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("", 3, 7, 0, 0, key, value, None, 0, 0, ())


def refused(found: ConsumerRecord[Any, Any], topic: Topic = INTAKE) -> str:
    with pytest.raises(UndecodableError) as error:
        _understand(found, topic)
    return error.value.reason


def test_a_message_in_its_place_is_understood() -> None:
    of, message = _understand(record(GOOD), INTAKE)
    assert petition() == of
    assert message is not None
    assert toy.rated() == message.fact


@pytest.mark.parametrize("key", [None, b"", petition(2).encode(), petition().lower().encode(), b"\xff"])
def test_a_message_under_another_petitions_key_is_not_believed(key: bytes | None) -> None:
    assert "key" == refused(record(GOOD, key))


def test_a_fact_on_a_topic_that_is_not_its_own_is_not_believed() -> None:
    assert "topic" == refused(record(GOOD), ROUTING)


def test_a_type_that_is_not_known_is_kept_for_a_newer_release() -> None:
    assert GOOD is not None
    newer = GOOD.replace(b"PetitionRated.v1", b"PetitionRated.v9")
    of, message = _understand(record(newer), INTAKE)
    assert petition() == of
    assert message is not None
    assert message.fact is None


@pytest.mark.parametrize("value", [b"", b"null", b"{}", b"\xff\x00", b"[" * 100_000])
def test_what_is_no_message_is_refused_with_a_code(value: bytes) -> None:
    assert "envelope" == refused(record(value))


def test_a_null_value_on_a_compacted_topic_erases_the_petition_of_its_key() -> None:
    assert (petition(), None) == _understand(record(None), DOSSIERS)


@pytest.mark.parametrize("key", [None, b"", b"\xff", "张三".encode(), petition().lower().encode()])
def test_a_null_value_without_a_petition_as_its_key_erases_nothing(key: bytes | None) -> None:
    assert "null" == refused(record(None, key), DOSSIERS)


def test_a_null_value_where_nothing_can_be_erased_is_no_message() -> None:
    assert "null" == refused(record(None), INTAKE)


def settings() -> ServiceSettings:
    """Nothing is connected by the tests here."""
    return ServiceSettings(
        broker="127.0.0.1:1", database="mongodb://127.0.0.1:1/x", host="127.0.0.1", port=1, staff_key="k" * 32
    )


async def test_a_batch_that_is_repeated_does_not_repeat_its_dead_letters() -> None:
    bench = Bench(toy.service())
    letters: list[tuple[str, Delivery]] = []

    class Letters:
        async def dead_letter(self, reason: str, delivery: Delivery) -> None:
            letters.append((reason, delivery))

    listener = Listener(settings(), bench.batches, cast("Publisher", Letters()), lambda _reason: None)
    records = tuple(
        ConsumerRecord(INTAKE.name, 3, offset, 0, 0, petition().encode(), value, None, 0, 0, ())
        for offset, value in ((7, b"poison"), (8, GOOD))
    )
    bench.store.trouble["load"] = [away(), away()]
    batch = listener._read(records)  # noqa: SLF001 - what a poll brings, without a broker
    await listener._carry(batch)  # noqa: SLF001 - the step that is tested has no outside
    assert 3 == bench.log.count("load")
    key = petition().encode()
    assert [("envelope", Delivery(INTAKE.name, 3, 7, b"poison", None, key))] == letters
    assert 1 == bench.store.record(petition()).marks["ratings"].ordinal


async def test_a_stop_that_cuts_a_batch_short_is_no_failure_but_a_bug_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[str] = []
    for error, stopped, expected in (
        (asyncio.CancelledError(), True, []),
        (ZeroDivisionError(), False, ["a batch could not be handled"]),
    ):
        bench = Bench(toy.service())
        listener = Listener(settings(), bench.batches, cast("Publisher", None), failures.append)

        async def attempt(
            _works: Any,
            listener: Listener = listener,
            error: BaseException = error,
            stop: bool = stopped,
        ) -> None:
            listener._stopped = stop  # noqa: SLF001 - what stop() does first
            raise error

        monkeypatch.setattr(bench.batches, "save", attempt)
        carrying = asyncio.create_task(listener._carry(listener._read(())))  # noqa: SLF001 - the step that is tested has no outside
        carrying.add_done_callback(listener._carried)  # noqa: SLF001 - the step that is tested has no outside
        await asyncio.wait({carrying})
        assert expected == failures


async def test_two_batches_are_saved_at_once_but_each_petition_hears_its_messages_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(toy.service())
    listener = Listener(settings(), bench.batches, cast("Publisher", None), lambda _reason: None)
    saving: list[set[str]] = []
    ends: list[asyncio.Event] = []

    async def save(works: Any) -> Saved:
        saving.append(set(works))
        ends.append(asyncio.Event())
        await ends[-1].wait()
        return Saved({}, [])

    monkeypatch.setattr(bench.batches, "save", save)

    async def arrive(*chances: int) -> None:
        records = tuple(
            ConsumerRecord(INTAKE.name, 3, chance, 0, 0, petition(chance).encode(), value, None, 0, 0, ())
            for chance in chances
            if (value := Streams(petition(chance)).write(toy.rated()).value)
        )
        await listener._on_batch(cast("Any", SimpleNamespace(raw_message=records)))  # noqa: SLF001 - the step that is tested has no outside

    async def reading() -> None:
        await arrive(1, 2)
        await arrive(3)
        await arrive(4)
        await arrive(3, 5)

    read = asyncio.create_task(reading())
    await eventually(lambda: 2 == len(saving), deadline=5)
    assert [{petition(1), petition(2)}, {petition(3)}] == saving, "the third finds no room"
    ends[0].set()
    await eventually(lambda: 3 == len(saving), deadline=5)
    ends[2].set()
    await eventually(lambda: 1 == len(listener._saving), deadline=5)  # noqa: SLF001 - the step that is tested has no outside
    assert 3 == len(saving), "a batch with the same petition waits, though there is room"
    ends[1].set()
    await eventually(lambda: 4 == len(saving), deadline=5)
    ends[3].set()
    await read
    await eventually(lambda: not listener._tasks, deadline=5)  # noqa: SLF001 - the step that is tested has no outside


async def test_nothing_is_committed_past_a_batch_that_is_not_done() -> None:
    bench, committed = Bench(toy.service()), list[dict[Any, int]]()
    bench.batches.flush.at_once = False
    listener = Listener(settings(), bench.batches, cast("Publisher", None), lambda _reason: None)

    class Consumer:
        async def commit(self, offsets: dict[Any, int]) -> None:
            committed.append(offsets)

    listener.subscriber.consumer = cast("Any", Consumer())
    streams = Streams()
    batches = []
    for offset in (7, 8):
        value = streams.write(toy.rated()).value
        read = ConsumerRecord(INTAKE.name, 3, offset, 0, 0, petition().encode(), value, None, 0, 0, ())
        batches.append(listener._read((read,)))  # noqa: SLF001 - what a poll brings, without a broker
    listener._under_way.extend(batches)  # noqa: SLF001 - the step that is tested has no outside
    # The second batch is done while the first one still waits for the broker.
    bench.publisher.open.clear()
    first = asyncio.create_task(listener._carry(batches[0]))  # noqa: SLF001 - the step that is tested has no outside
    await eventually(lambda: bench.publisher.waiting, every=0)
    batches[1].done = True
    await listener._commit()  # noqa: SLF001 - the step that is tested has no outside
    assert [] == committed
    bench.publisher.open.set()
    await first
    assert [9] == [offset for offsets in committed for offset in offsets.values()]
