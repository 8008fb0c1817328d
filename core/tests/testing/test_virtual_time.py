"""A loop whose time jumps, and the network in its memory."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hft import SystemClock
from hft.sim import World, serve
from hft.testing.virtual_time import LATENCY_NS, START_NS, StuckError, VirtualClock, VirtualLoop, run

S = 1_000_000_000
MS = 1_000_000


def test_a_day_passes_at_once_and_calls_are_made_in_order() -> None:
    async def main() -> list[tuple[str, int]]:
        clock = VirtualClock()
        called: list[tuple[str, int]] = []

        def note(name: str) -> None:
            called.append((name, clock.now_ns() - START_NS))

        clock.call_later(86_400 * S + 1, lambda: note("day and a nanosecond"))
        clock.call_later(86_400 * S, lambda: note("day"))
        clock.call_at(START_NS + 1, lambda: note("nanosecond"))
        clock.call_at(0, lambda: note("past"))
        clock.call_later(5, lambda: note("never")).cancel()
        await asyncio.sleep(100_000)
        return called

    began = time.monotonic()
    assert run(main()) == [
        ("past", 0),
        ("nanosecond", 1),
        ("day", 86_400 * S),
        ("day and a nanosecond", 86_400 * S + 1),
    ]
    assert time.monotonic() - began < 5


def test_waiting_for_nothing_is_an_error_and_no_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="what is awaited never comes"):
        run(main())


def test_no_time_passes_while_a_thread_works() -> None:
    async def main() -> float:
        timer = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.to_thread(time.sleep, 0.05)
        elapsed = asyncio.get_running_loop().time()
        timer.cancel()
        return elapsed

    assert run(main()) == 0


def test_the_clock_is_of_a_virtual_loop_alone() -> None:
    async def main() -> None:
        VirtualClock()

    with pytest.raises(TypeError, match=r"start it with run\(\)"):
        asyncio.run(main())


# -- the network ---------------------------------------------------------------------------------


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Any, Any]]:
    """Yield reader and writer of both ends of a connection."""
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *ends: accepted.set_result(ends), "127.0.0.1", 9000)
    client = await asyncio.open_connection("127.0.0.1", 9000)
    try:
        yield client, await accepted
    finally:
        for _, writer in (client, accepted.result()):
            writer.close()
        server.close()
        await asyncio.sleep(1)


def test_bytes_arrive_in_order_after_the_latency() -> None:
    async def main() -> None:
        clock = VirtualClock()
        async with pair() as ((_, writer), (reader, _)):
            sent_ns = clock.now_ns()
            for number in range(100):
                writer.write(bytes([number]))
            assert await reader.readexactly(100) == bytes(range(100))
            assert clock.now_ns() - sent_ns == LATENCY_NS

    run(main())


def test_what_was_written_before_a_close_arrives_and_what_is_cut_is_lost() -> None:
    async def main() -> None:
        async with pair() as ((_, writer), (reader, _)):
            writer.write(b"last words")
            writer.close()
            assert await reader.read() == b"last words"
        async with pair() as ((_, writer), (reader, _)):
            writer.write(b"last words")
            writer.transport.abort()
            with pytest.raises(ConnectionResetError):
                await reader.read()

    run(main())


def test_who_does_not_read_makes_the_other_side_pause() -> None:
    async def main() -> None:
        async with pair() as ((_, writer), (reader, server)):
            server.transport.pause_reading()
            writer.write(b"x" * 1_000_000)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(writer.drain(), 60)
            server.transport.resume_reading()
            receiving = asyncio.create_task(reader.readexactly(1_000_000))
            await writer.drain()
            assert len(await receiving) == 1_000_000

    run(main())


def test_nothing_else_can_be_connected_to() -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError, match="nobody serves port 9"):
                await session.get("http://127.0.0.1:9/")
        with pytest.raises(ConnectionRefusedError, match="nobody serves port 9"):
            await asyncio.open_connection("127.0.0.1", 9)

    run(main())


def test_a_port_is_served_once() -> None:
    async def main() -> None:
        async with pair():
            with pytest.raises(OSError, match="port 9000 is served already"):
                await asyncio.start_server(lambda *_: None, "127.0.0.1", 9000)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 9000)
        server.close()

    run(main())


# -- an exchange ---------------------------------------------------------------------------------


async def minute(seed: int) -> tuple[int, str]:
    """Watch a simulated Binance for 60 seconds; return the frames' number and digest."""
    binance = pytest.importorskip("hft_binance.simulator", reason="needs an exchange plugin to play")
    clock = VirtualClock()
    config = binance.BinanceSimulatorConfig(symbols=("BTC/USDT",), seed=seed)
    world = World.synthetic(clock, config.symbols, "binance", seed=seed)
    frames, digest = 0, hashlib.sha256()
    async with (
        serve(binance.BinanceSimulator(config, world)) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://127.0.0.1:{port}/ws/btcusdt@depth@100ms") as ws,
    ):
        until_ns = clock.now_ns() + 60 * S
        while clock.now_ns() < until_ns:
            digest.update((await ws.receive_str()).encode())
            frames += 1
    return frames, digest.hexdigest()


def test_a_minute_of_an_exchange_takes_no_two_seconds_and_is_the_same_each_time() -> None:
    began = time.process_time()
    first = run(minute(7))
    assert time.process_time() - began < 2
    assert first[0] >= 590
    assert run(minute(7)) == first
    assert run(minute(8)) != first


def test_the_system_clock_is_not_fooled() -> None:
    async def main() -> int:
        assert isinstance(asyncio.get_running_loop(), VirtualLoop)
        clock = SystemClock()
        before_ns = clock.now_ns()
        await asyncio.sleep(3600)
        return clock.now_ns() - before_ns

    assert run(main()) < 600 * S
