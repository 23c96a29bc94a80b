"""What a centre that is not ours delivers: receipts in any order, replies in parts, a sink that fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from runtime.clock import SystemClock
from services.notify.sms import Accepted, Delivery, mark
from tests.eventually import eventually
from tests.notify.peers.centre import Centre, long_reply, reply
from tests.notify.smpp.line import Clock, Kept, sending
from tests.notify.smpp.messages import SOURCE, outbound

pytestmark = pytest.mark.real

OK, TEMPORARY, PERMANENT = 0, 0x64, 0x65


async def told(sink: Kept, count: int) -> None:
    """Wait until so many receipts are kept."""
    await eventually(lambda: len(sink.receipts_kept) >= count, every=0.02)


async def test_5_a_receipt_that_comes_before_the_answer_is_handed_over_under_the_same_id(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(receipts="before")
    async with sending(centre.port, sink) as gateway:
        under_way = asyncio.create_task(gateway.send([outbound()]))
        await told(sink, 1)
        assert not under_way.done()
        assert [Accepted(outbound().reference, 1, ("1",))] == await under_way
    (receipt,) = sink.receipts_kept
    assert ("1", Delivery.DELIVERED, "DELIVRD", "8613800138000") == (
        receipt.id,
        receipt.delivery,
        receipt.code,
        receipt.to,
    )
    assert mark(outbound().reference) == receipt.mark


async def test_6_receipts_come_in_any_order_twice_and_for_foreign_messages(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(receipts="held", twice=True)
    async with sending(centre.port, sink) as gateway:
        await gateway.send([outbound(1), outbound(2), outbound(3, text="字" * 100)])
        await centre.release(reverse=True)
        await told(sink, 8)
        foreign = {
            "source_addr": "8613900139000",
            "destination_addr": SOURCE,
            "esm_class": 4,
            "short_message": "id:999 sub:001 dlvrd:000 submit date:2611221829 done date:2611221830 "
            "stat:MB:1049 err:045 text:",
        }
        assert [OK] == await centre.deliver(foreign)
    assert ["4", "4", "3", "3", "2", "2", "1", "1", "999"] == [one.id for one in sink.receipts_kept]
    assert (Delivery.FAILED, "MB:1049.045") == (sink.receipts_kept[-1].delivery, sink.receipts_kept[-1].code)
    assert datetime(2026, 11, 22, 10, 30, tzinfo=UTC) == sink.receipts_kept[-1].at


async def test_ids_that_are_hexadecimal_in_the_answer_and_decimal_in_the_receipt_are_the_same(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(hex=True, plain=True)
    async with sending(centre.port, sink, ids="hex-decimal") as gateway:
        results = await gateway.send([outbound(n) for n in range(12)])
        await told(sink, 12)
    named = [one.ids[0] for one in results if isinstance(one, Accepted)]
    assert [str(n) for n in range(1, 13)] == named
    assert sorted(named) == sorted(one.id for one in sink.receipts_kept)


@pytest.mark.parametrize("error", [ConnectionError, ValueError])
async def test_a_receipt_that_cannot_be_kept_is_refused_and_taken_at_the_repeat(
    centre: Centre, sink: Kept, error: type[Exception]
) -> None:
    sink.failing, sink.error = 1, error
    receipt = {
        "esm_class": 4,
        "source_addr": "1",
        "destination_addr": SOURCE,
        "short_message": "id:7 stat:DELIVRD",
    }
    async with sending(centre.port, sink):
        assert [TEMPORARY] == await centre.deliver(receipt)
        assert [] == sink.receipts_kept
        assert [OK] == await centre.deliver(receipt)
    assert ["7"] == [one.id for one in sink.receipts_kept]


async def test_nothing_is_acknowledged_before_it_is_durable_and_the_session_lives_on(
    centre: Centre, sink: Kept
) -> None:
    sink.gate.clear()
    async with sending(centre.port, sink, enquire_every=timedelta(milliseconds=50)) as gateway:
        delivering = asyncio.create_task(centre.deliver(reply("5")))

        async def was_asked() -> bool:
            return bool((await centre.counts())["enquiries"] >= 3)

        await eventually(was_asked)
        assert not delivering.done()
        assert [Accepted] == [type(one) for one in await gateway.send([outbound()])]
        sink.gate.set()
        assert [OK] == await delivering
    assert ["5"] == [one.text for one in sink.inbound_kept]


async def test_many_receipts_are_handed_over_in_batches(centre: Centre, sink: Kept) -> None:
    await centre.ask(receipts="held")
    async with sending(centre.port, sink) as gateway:
        await gateway.send([outbound(n) for n in range(500)])
        await centre.release()
        await told(sink, 500)
        assert 100 > len(sink.calls)

        async def all_acknowledged() -> bool:
            return bool({"0": 500} == (await centre.counts())["answers"])

        await eventually(all_acknowledged)


async def test_what_cannot_be_read_is_not_delivered_for_ever(centre: Centre, sink: Kept) -> None:
    async with sending(centre.port, sink):
        without_id = {
            "esm_class": 4,
            "source_addr": "1",
            "destination_addr": SOURCE,
            "short_message": "hello",
        }
        assert [OK, OK] == await centre.deliver(without_id, reply("5"))
    assert [] == sink.receipts_kept
    assert ["5"] == [one.text for one in sink.inbound_kept]


LONG = "办得很好，谢谢你们！😀" * 60


async def test_20_a_long_reply_of_eleven_parts_in_reverse_order_is_one(centre: Centre, sink: Kept) -> None:
    parts = long_reply(LONG, to=f"{SOURCE}0042", each=62)
    assert 11 <= len(parts)
    async with sending(centre.port, sink):
        assert [OK] * len(parts) == await centre.deliver(*reversed(parts))
    (inbound,) = sink.inbound_kept
    assert (LONG, "8613800138000", "0042") == (inbound.text, inbound.sender, inbound.extension)


async def test_20_the_same_reference_from_two_telephones_is_two_replies(centre: Centre, sink: Kept) -> None:
    one, other = (long_reply(text * 100, sender=sender) for text, sender in (("甲", "861"), ("乙", "862")))
    mixed = [part for pair in zip(one, reversed(other), strict=True) for part in pair]
    async with sending(centre.port, sink):
        assert [OK] * 4 == await centre.deliver(*mixed)
    assert {"861": "甲" * 100, "862": "乙" * 100} == {one.sender: one.text for one in sink.inbound_kept}


async def test_20_sixteen_bits_of_reference_and_optional_parameters_join_too(
    centre: Centre, sink: Kept
) -> None:
    wide = long_reply("宽" * 100, reference=0x0102, wide=True)
    optional = [
        reply("旁" * 60, sar_msg_ref_num=0x0102, sar_total_segments=2, sar_segment_seqnum=n) for n in (2, 1)
    ]
    async with sending(centre.port, sink):
        assert [OK] * 4 == await centre.deliver(*wide, *optional)
    assert ["宽" * 100, "旁" * 120] == sorted((one.text for one in sink.inbound_kept), key=len)


async def test_20_a_reply_whose_sink_fails_is_refused_and_taken_at_the_repeat_under_one_id(
    centre: Centre, sink: Kept
) -> None:
    sink.failing = 1
    parts = long_reply("长" * 100)
    async with sending(centre.port, sink):
        assert [TEMPORARY] * 2 == await centre.deliver(*parts)
        # The centre repeats one of them first; the whole is known, so it need not wait for the other.
        assert [OK] == await centre.deliver(parts[1])
        assert [OK] == await centre.deliver(parts[0])
        assert [OK, OK] == await centre.deliver(*parts)
    assert ["长" * 100] == [one.text for one in sink.inbound_kept]


async def test_20_a_reply_that_is_repeated_has_the_same_id_and_an_equal_one_has_another(
    centre: Centre, sink: Kept
) -> None:
    clock = Clock()
    async with sending(centre.port, sink, clock=clock) as gateway:
        sink.failing = 1
        assert [TEMPORARY] == await centre.deliver(reply("5"))
        assert [OK] == await centre.deliver(reply("5"))
        assert 1 == len(sink.inbound_kept)
        # Acknowledged over a session that lives on: this is somebody's second answer.
        assert [OK] == await centre.deliver(reply("5"))
        assert 2 == len({one.id for one in sink.inbound_kept})
        # The connection broke soon after: perhaps the acknowledgement never arrived.
        await centre.drop()

        async def bound_again() -> bool:
            return await gateway.start(sink) is None and bool((await centre.counts())["binds"] == 2)

        await eventually(bound_again)
        assert [OK] == await centre.deliver(reply("5"))
        assert 2 == len(sink.inbound_kept)
    # After a crash, with nothing remembered, the first of the hour still has its id.
    async with sending(centre.port, sink, clock=clock):
        assert [OK] == await centre.deliver(reply("5"))
    assert 2 == len(sink.inbound_kept)
    assert not any("138" in one.id or "5" == one.id for one in sink.inbound_kept)


async def test_a_centre_that_waits_for_each_answer_gets_its_long_reply_through(
    centre: Centre, sink: Kept
) -> None:
    first, second = long_reply("窄" * 100)
    async with sending(centre.port, sink, clock=SystemClock(), part_wait=timedelta(milliseconds=50)):
        assert [TEMPORARY] == await centre.deliver(first)
        assert [] == sink.inbound_kept
        assert [OK] == await centre.deliver(second)
        assert [OK] == await centre.deliver(first)
    assert ["窄" * 100] == [one.text for one in sink.inbound_kept]


async def test_parts_whose_rest_never_comes_are_read_by_somebody_in_the_end(
    centre: Centre, sink: Kept
) -> None:
    _, second, third = long_reply("缺" * 180)
    soon, later = timedelta(milliseconds=50), timedelta(milliseconds=800)
    async with sending(centre.port, sink, clock=SystemClock(), part_wait=soon, part_age=later):
        assert [TEMPORARY] * 2 == await centre.deliver(third, second)
        assert [] == sink.inbound_kept
        await eventually(lambda: sink.inbound_kept)
        assert [OK] * 2 == await centre.deliver(second, third)
    assert ["〔…〕" + "缺" * 113] == [one.text for one in sink.inbound_kept]
