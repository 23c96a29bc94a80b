"""Sending against a message centre that is not ours (node-smpp), and what each of its faults ends in."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from services.notify.smpp.gateway import Smpp
from services.notify.smpp.session import Session
from services.notify.sms import (
    Accepted,
    Delivery,
    Down,
    Fault,
    Misconfigured,
    NotSent,
    Refused,
    Result,
    Throttled,
    Unknown,
    mark,
)
from tests.eventually import eventually
from tests.notify.peers.centre import Centre, running
from tests.notify.smpp.line import Clock, Kept, sending
from tests.notify.smpp.messages import SIGN, SOURCE, START, outbound, settings

pytestmark = pytest.mark.real


async def bound_again(gateway: Smpp, sink: Kept) -> None:
    """Wait until the gateway has a session."""

    async def is_bound() -> bool:
        return await gateway.start(sink) is None

    await eventually(is_bound, every=0.02)


async def test_a_message_arrives_as_the_telephone_shows_it(centre: Centre, sink: Kept) -> None:
    until = START + timedelta(hours=72)
    async with sending(centre.port, sink) as gateway:
        (result,) = await gateway.send([outbound(text="您好，“请”😀𠮷", extension="0042", valid_until=until)])
    assert Accepted("07X3Q-G8F91-BDAN5.registered.1.1", 1, ("1",)) == result
    assert [
        {
            "id": "1",
            "from": f"{SOURCE}0042",
            "to": "8613800138000",
            "ton": 1,
            "npi": 1,
            "coding": 8,
            "esm": 0,
            "receipt": 1,
            "validity": "2026-11-25T02:00:00.000Z",
            "text": f"【{SIGN}】您好，“请”😀𠮷",
            "udh": [],
            "mark": mark("07X3Q-G8F91-BDAN5.registered.1.1"),
        }
    ] == await centre.got()


async def test_a_batch_is_answered_in_its_order_and_leaves_in_it(centre: Centre, sink: Kept) -> None:
    await centre.ask(slow=10)
    async with sending(centre.port, sink, window=7) as gateway:
        batches = [
            [outbound(20 * batch + n, text=f"第{20 * batch + n}条") for n in range(20)] for batch in range(5)
        ]
        results = await asyncio.gather(*(gateway.send(batch) for batch in batches))
    seen = await centre.counts()
    assert [str(n) for n in range(1, 101)] == [
        one.ids[0] for batch in results for one in batch if isinstance(one, Accepted)
    ]
    assert [f"【{SIGN}】第{n}条" for n in range(100)] == await centre.texts()
    assert 7 == seen["mostUnderWay"]


# Case 2 is in test_killed.py.


async def test_3_an_answer_that_never_comes_leaves_its_message_unknown_and_the_next_one_goes_out(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(silent=1, receipts="no")
    wait = timedelta(milliseconds=300)
    async with sending(centre.port, sink, response_timeout=wait, window=1) as gateway:
        results = await gateway.send([outbound(1, text="一"), outbound(2, text="二")])
        assert [Unknown("smpp.no-answer"), Accepted(outbound(2).reference, 1, ("2",))] == results
        assert [] == [text for text in await centre.texts() if text.count("一") > 1]
        assert 1 == (await centre.counts())["binds"]
    assert 2 == (await centre.counts())["submits"]


async def test_an_answer_that_comes_late_names_the_message_that_counts_as_unknown(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(silent=1, late=400, receipts="no")
    async with sending(centre.port, sink, response_timeout=timedelta(milliseconds=200)) as gateway:
        assert [Unknown("smpp.no-answer")] == await gateway.send([outbound()])
        (late,) = await eventually(lambda: sink.receipts_kept)
    assert (outbound().reference, "1", Delivery.PENDING) == (late.reference, late.id, late.delivery)


async def test_4_when_the_line_breaks_the_written_are_unknown_at_once_and_the_rest_goes_out_once(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(slow=60_000)
    async with sending(centre.port, sink, window=20, response_timeout=timedelta(seconds=60)) as gateway:
        messages = [outbound(n, text=f"第{n}条") for n in range(50)]
        under_way = asyncio.create_task(gateway.send(messages))

        async def window_is_full() -> bool:
            return bool(20 == (await centre.counts())["submits"])

        await eventually(window_is_full)
        await centre.drop()
        async with asyncio.timeout(1):
            results = await under_way
        assert [Unknown("smpp.connection-lost")] * 20 == results[:20]
        assert [NotSent("smpp.connection-lost")] * 30 == results[20:]
        await centre.ask(slow=0)
        await bound_again(gateway, sink)
        again = await gateway.send(messages[20:])
        assert all(isinstance(result, Accepted) for result in again)
    texts = await centre.texts()
    assert sorted(f"【{SIGN}】第{n}条" for n in range(50)) == sorted(texts)


@pytest.mark.parametrize("status", [0x58, 0x14])
async def test_8_too_fast_slows_down_more_each_time_and_sends_once(
    centre: Centre, sink: Kept, status: int
) -> None:
    await centre.ask(reject=status, rejectTimes=3, receipts="no")
    waits: list[timedelta] = []
    clock = Clock()
    async with sending(centre.port, sink, clock=clock, window=1) as gateway:
        for attempt in range(10):
            # What the core does: it waits, claims anew, and sends again.
            (result,) = await gateway.send([outbound(seconds=60)])
            if isinstance(result, Accepted):
                break
            assert isinstance(result, Throttled), attempt
            waits.append(result.retry_after)
        assert isinstance(result, Accepted)
        assert [0.5, 1.0, 2.0] == [round(wait.total_seconds(), 1) for wait in waits]
        assert 10_000 / 8 == pytest.approx(gateway.rate, rel=0.3)
        more = await gateway.send([outbound(n) for n in range(2, 10)])
        assert all(isinstance(one, Accepted) for one in more)
    assert 9 == len(await centre.got())


async def test_while_it_is_too_fast_nobody_waits_longer_than_a_lease(centre: Centre, sink: Kept) -> None:
    await centre.ask(reject=0x58, rejectTimes=1, receipts="no")
    async with sending(centre.port, sink, window=1) as gateway:
        results = await gateway.send([outbound(n, seconds=0.3) for n in range(20)])
    assert all(isinstance(result, Throttled) for result in results)
    assert 1 == (await centre.counts())["submits"]


@pytest.mark.parametrize(
    ("status", "hindrance"),
    [
        (0x0D, Misconfigured("smpp.0x0d")),
        (0x0E, Misconfigured("smpp.0x0e")),
        (0x0F, Misconfigured("smpp.0x0f")),
        (0x05, Down("smpp.0x05")),
        (0x08, Down("smpp.0x08")),
    ],
)
async def test_9_a_refused_bind_says_whose_fault_it_is_and_is_tried_again(
    centre: Centre, sink: Kept, status: int, hindrance: Result
) -> None:
    await centre.ask(bind=status)
    gateway = Smpp(settings(centre.port), Clock())
    try:
        assert hindrance == await gateway.start(sink)
        assert [hindrance] * 2 == await gateway.send([outbound(1), outbound(2)])
        assert 0 == (await centre.counts())["submits"]
        await centre.ask(bind=0)
        await bound_again(gateway, sink)
        assert [Accepted] == [type(one) for one in await gateway.send([outbound()])]
    finally:
        await gateway.stop()


async def test_9_a_wrong_password_is_ours_to_mend(centre: Centre, sink: Kept) -> None:
    async with sending(centre.port, sink, password="wrong") as gateway:
        assert Misconfigured("smpp.0x0e") == await gateway.start(sink)


async def test_9_a_centre_that_is_not_there_is_down(sink: Kept, unused_tcp_port: int) -> None:
    async with sending(unused_tcp_port, sink) as gateway:
        assert [Down("smpp.ConnectionRefusedError")] == await gateway.send([outbound()])


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (0x0B, Refused("smpp.0x0b", Fault.NUMBER)),
        (0x45, Refused("smpp.0x45", Fault.PARAMETER)),
        (0x0A, Misconfigured("smpp.0x0a")),
        (0x08, NotSent("smpp.0x08")),
        (0x64, NotSent("smpp.0x64")),
        (0xFF, Unknown("smpp.0xff")),
    ],
)
async def test_14_what_the_centre_refuses_is_written_once(
    centre: Centre, sink: Kept, status: int, result: Result
) -> None:
    await centre.ask(reject=status, rejectTimes=1)
    async with sending(centre.port, sink) as gateway:
        assert [result] == await gateway.send([outbound(text="长" * 300)])
    assert 1 == (await centre.counts())["submits"]


FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("字" * 64, [70]),
        ("字" * 65, [67, 4]),
        ("字" * 128, [67, 67]),
        ("字" * 129, [67, 67, 1]),
        ("字" * 60 + "😀" + "字" * 20, [66, 22]),
        ("𠮷" * 33, [66, 6]),
        ("字" * 59 + "葛\U000e0100" + "字" * 30, [65, 33]),
        ("字" * 58 + FAMILY + "字" * 10, [64, 18]),
    ],
)
async def test_15_each_segment_can_be_read_alone_and_all_make_the_text(
    centre: Centre, sink: Kept, text: str, lengths: list[int]
) -> None:
    async with sending(centre.port, sink) as gateway:
        (result,) = await gateway.send([outbound(text=text)])
    got = await centre.got()
    whole = f"【{SIGN}】{text}"
    if len(lengths) == 1:
        assert [whole] == [one["text"] for one in got]
        return
    in_order = sorted(got, key=lambda one: int(one["udh"][0][-2:], 16))
    assert whole == "".join(one["text"] for one in in_order)
    assert lengths == [len(one["text"].encode("utf-16-be")) // 2 for one in in_order]
    assert all("\ufffd" not in one["text"] for one in got)
    assert 1 == len({one["udh"][0][4:6] for one in got})
    assert [f"{len(got):02x}{n:02x}" for n in range(1, len(got) + 1)] == [
        one["udh"][0][6:] for one in in_order
    ]
    assert [1] * len(got) == [one["receipt"] for one in got]
    assert Accepted(outbound().reference, len(got), tuple(one["id"] for one in in_order)) == result


async def test_two_long_messages_under_way_at_once_have_references_of_their_own(
    centre: Centre, sink: Kept
) -> None:
    async with sending(centre.port, sink) as gateway:
        await gateway.send([outbound(n, text=f"{n}" * 100) for n in range(1, 4)])
    got = await centre.got()
    assert 3 == len({one["udh"][0][4:6] for one in got})
    assert 6 == len(got)


@pytest.mark.parametrize("status", [0x58, 0x08])
async def test_the_rest_of_a_message_goes_out_though_it_was_not_taken_at_first(
    centre: Centre, sink: Kept, status: int
) -> None:
    await centre.ask(reject=status, rejectAfter=1, rejectTimes=2)
    async with sending(centre.port, sink) as gateway:
        (result,) = await gateway.send([outbound(text="字" * 129, seconds=60)])
    assert isinstance(result, Accepted)
    assert 3 == result.segments == len(set(result.ids))
    got = await centre.got()
    assert ["01", "02", "03"] == sorted(one["udh"][0][-2:] for one in got)


async def test_a_message_of_which_a_part_was_refused_is_unknown_and_says_which_segments_left(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(reject=0x0B, rejectAfter=1, rejectTimes=1)
    async with sending(centre.port, sink) as gateway:
        (result,) = await gateway.send([outbound(text="字" * 129)])
    assert Unknown("smpp.partly-sent.0x0b", ("1", "2")) == result


async def test_the_rest_of_a_message_goes_out_over_the_next_session(centre: Centre, sink: Kept) -> None:
    await centre.ask(slow=150, receipts="no")
    async with sending(centre.port, sink, window=1) as gateway:
        under_way = asyncio.create_task(gateway.send([outbound(text="字" * 129)]))

        async def first_two_are_there() -> bool:
            return bool(2 == (await centre.counts())["submits"])

        await eventually(first_two_are_there, every=0.005)
        await centre.drop()
        (result,) = await under_way
    # The second had been written and is lost; the third was not, and followed.
    assert Unknown("smpp.connection-lost", ("1", "3")) == result
    assert 3 == (await centre.counts())["submits"]


async def test_nothing_is_written_once_the_lease_has_passed(centre: Centre, sink: Kept) -> None:
    clock = Clock()
    await centre.ask(slow=300)
    async with sending(centre.port, sink, clock=clock, window=1) as gateway:
        under_way = asyncio.create_task(gateway.send([outbound(n) for n in range(5)]))

        async def first_is_there() -> bool:
            return bool((await centre.counts())["submits"])

        await eventually(first_is_there, every=0.005)
        clock.forward(timedelta(seconds=10))
        results = await under_way
    assert [Accepted, *[NotSent] * 4] == [type(result) for result in results]
    assert NotSent("smpp.lease-expired") == results[1]
    assert 1 == (await centre.counts())["submits"]


async def test_a_message_that_is_no_longer_valid_is_not_sent(centre: Centre, sink: Kept) -> None:
    async with sending(centre.port, sink) as gateway:
        assert [NotSent("smpp.no-longer-valid")] == await gateway.send([outbound(valid_until=START)])


async def test_the_granted_rate_is_kept(centre: Centre, sink: Kept) -> None:
    loop = asyncio.get_running_loop()
    async with sending(centre.port, sink, rate=200) as gateway:
        began = loop.time()
        await gateway.send([outbound(n) for n in range(100)])
        took = loop.time() - began
    assert 0.4 <= took < 1.5  # 100 at 200 a second, less what may follow at once


async def test_a_centre_that_does_not_answer_whether_it_is_there_is_left_and_bound_anew(
    centre: Centre, sink: Kept
) -> None:
    await centre.ask(deaf=True, slow=60_000)
    short = timedelta(milliseconds=200)
    async with sending(
        centre.port, sink, enquire_every=short, response_timeout=timedelta(milliseconds=400)
    ) as gateway:
        assert [Unknown("smpp.no-answer")] == await gateway.send([outbound()])

        async def bound_twice() -> bool:
            return bool((await centre.counts())["binds"] >= 2)

        await eventually(bound_twice)
        await centre.ask(deaf=False, slow=0)
        await bound_again(gateway, sink)
        assert [Accepted] == [type(one) for one in await gateway.send([outbound(2)])]


async def test_a_centre_that_takes_leave_is_bound_anew(centre: Centre, sink: Kept) -> None:
    async with sending(centre.port, sink) as gateway:
        await centre.unbind()

        async def bound_twice() -> bool:
            return bool(2 == (await centre.counts())["binds"])

        await eventually(bound_twice)
        await bound_again(gateway, sink)
        assert [Accepted] == [type(one) for one in await gateway.send([outbound()])]


async def test_who_stops_waits_for_the_answers_and_takes_leave(centre: Centre, sink: Kept) -> None:
    await centre.ask(slow=300)
    async with sending(centre.port, sink) as gateway:
        under_way = asyncio.create_task(gateway.send([outbound(n) for n in range(5)]))

        async def all_are_there() -> bool:
            return bool(5 == (await centre.counts())["submits"])

        await eventually(all_are_there, every=0.01)
        await gateway.stop()
        assert [Accepted] * 5 == [type(result) for result in await under_way]
        assert [Down("smpp.stopped")] == await gateway.send([outbound(9)])
    assert 0 == (await centre.counts())["sessions"]


async def test_over_tls_the_certificate_is_checked(
    tmp_path_factory: pytest.TempPathFactory, sink: Kept
) -> None:
    folder = tmp_path_factory.mktemp("tls")
    with running(folder, tls=True) as centre:
        async with sending(centre.port, sink, tls=True, tls_ca=folder / "certificate.pem") as gateway:
            assert [Accepted] == [type(one) for one in await gateway.send([outbound()])]
        async with sending(centre.port, sink, tls=True) as stranger:
            assert [Misconfigured("smpp.SSLCertVerificationError")] == await stranger.send([outbound()])
        async with sending(centre.port, sink, tls=True, tls_ca=folder / "gone.pem") as careless:
            assert [Misconfigured("smpp.FileNotFoundError")] == await careless.send([outbound()])


async def test_a_fault_of_ours_is_told_and_the_next_start_begins_anew(
    centre: Centre, sink: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Session) -> None:
        raise ZeroDivisionError

    gateway = Smpp(settings(centre.port), Clock())
    with monkeypatch.context() as patched:
        patched.setattr(Session, "open", broken)
        assert Down("smpp.broke") == await gateway.start(sink)
    try:
        assert None is await gateway.start(sink)
        assert [Accepted] == [type(one) for one in await gateway.send([outbound()])]
    finally:
        await gateway.stop()
    assert Down("smpp.stopped") == await gateway.start(sink)
