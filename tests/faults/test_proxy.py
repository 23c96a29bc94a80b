"""The proxy misbehaves as it is told to, and behaves again when it is healed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from local import ports
from tests.eventually import eventually
from tests.faults.proxy import Mode, Proxy

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A server that says everything again, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with contextlib.suppress(OSError):
            while block := await reader.read(100):
                self.heard += block
                writer.write(block)
        writer.close()


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[tuple[Echo, Proxy]]:
    told, port = Echo(), ports.free()
    server = await asyncio.start_server(told.serve, ports.HOST, port)
    async with server, Proxy(port) as proxy:
        yield told, proxy


@contextlib.asynccontextmanager
async def calling(proxy: Proxy) -> AsyncIterator[Ends]:
    reader, writer = await asyncio.open_connection(ports.HOST, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def said(ends: Ends, word: bytes) -> bytes:
    """What comes back; empty if the connection is gone."""
    reader, writer = ends
    try:
        writer.write(word)
        return await asyncio.wait_for(reader.readexactly(len(word)), 5)
    except (OSError, asyncio.IncompleteReadError):
        return b""


async def silent(ends: Ends) -> bool:
    """Whether nothing comes, not even the news that the connection is gone."""
    waiting = asyncio.ensure_future(ends[0].read(1))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not done


async def test_bytes_pass_both_ways_when_nothing_is_cut() -> None:
    async with echo() as (_, proxy), calling(proxy) as ends:
        assert b"hello" == await said(ends, b"hello")


async def test_connections_are_reset_and_refused_when_it_drops_them() -> None:
    async with echo() as (_, proxy):
        async with calling(proxy) as ends:
            assert b"hello" == await said(ends, b"hello")
            proxy.cut(Mode.DROP)
            assert b"" == await said(ends, b"again")
        async with calling(proxy) as ends:
            assert b"" == await said(ends, b"again")
        proxy.heal()
        async with calling(proxy) as ends:
            assert b"again" == await said(ends, b"again")


async def test_everything_arrives_late_when_it_stalls() -> None:
    async with echo() as (_, proxy), calling(proxy) as ends:
        proxy.cut(Mode.STALL)
        ends[1].write(b"hello")
        assert await silent(ends)
        proxy.heal()
        assert b"hello" == await asyncio.wait_for(ends[0].readexactly(5), 5)


async def test_what_is_asked_arrives_and_the_answer_is_lost_when_it_is_deaf() -> None:
    async with echo() as (told, proxy):
        async with calling(proxy) as ends:
            proxy.cut(Mode.DEAF)
            ends[1].write(b"hello")
            await eventually(lambda: told.heard == b"hello")
            assert await silent(ends)
            proxy.heal()
            assert b"" == await said(ends, b"again")
        async with calling(proxy) as ends:
            assert b"again" == await said(ends, b"again")


async def test_old_connections_are_dead_for_good_and_new_ones_work_when_they_are_half_open() -> None:
    async with echo() as (told, proxy), calling(proxy) as old:
        assert b"hello" == await said(old, b"hello")
        proxy.cut(Mode.HALF_OPEN)
        proxy.heal()
        old[1].write(b"lost")
        async with calling(proxy) as new:
            assert b"again" == await said(new, b"again")
        assert await silent(old)
        assert b"helloagain" == told.heard


@pytest.mark.parametrize("mode", [Mode.DELAY])
async def test_bytes_still_arrive_when_they_are_delayed(mode: Mode) -> None:
    async with echo() as (_, proxy), calling(proxy) as ends:
        proxy.cut(mode)
        assert b"hello" == await said(ends, b"hello")


async def test_the_caller_hears_it_when_the_called_one_hangs_up() -> None:
    async with echo() as (_, proxy), calling(proxy) as ends:
        assert b"hello" == await said(ends, b"hello")
        ends[1].write_eof()
        assert b"" == await asyncio.wait_for(ends[0].read(1), 5)
