"""From a frame on a loopback websocket to the order on it, with every transport there is."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from benchmarks.chain import Chain
from benchmarks.inputs import DepthInput, depth_input
from benchmarks.samples import Distribution, Sampled
from hft import SystemClock

__all__ = ["loopback"]

FRAMES = 1_000

_READY = b" " * 200
"""Said by the client first, as long as an order: a frame that came before could not be answered."""

Client = Callable[[str, DepthInput], Coroutine[Any, Any, None]]
"""Connects to a URL, answers every frame with an order, returns when the other side closes."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def loopback(rounds: int) -> Sampled:
    """Let each transport on each event loop take a connection of ``FRAMES`` frames in every round.

    The other side is another process, so the figures are those of a whole round trip: two system calls
    and a wake-up on each side, which is most of it.
    """
    clients: dict[str, Client] = {}
    missing: dict[str, str] = {}
    for name, module in (
        ("hft on websockets", "hft.net.websocket"),
        ("hft on picows", "benchmarks.picows_transport"),
    ):
        try:
            clients[name] = _ours(importlib.import_module(module).connect)
        except ImportError as error:
            missing[name] = str(error)
    clients["the websockets library's own client"] = _plain
    loops: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    try:
        loops["uvloop"] = importlib.import_module("uvloop").new_event_loop
    except ImportError as error:
        missing["uvloop"] = str(error)
    samples = _measure(clients, loops, rounds)
    return Sampled(
        name="frame to signed order over a loopback websocket, round trip",
        distributions=[Distribution.of(name, taken) for name, taken in samples.items()],
        missing=missing,
    ).compared()


def _measure(clients: dict[str, Client], loops: dict[str, LoopFactory], rounds: int) -> dict[str, list[int]]:
    depth = depth_input(1_000)
    samples: dict[str, list[int]] = {f"{client}, {loop}": [] for loop in loops for client in clients}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.loopback_peer"], stdout=subprocess.PIPE, text=True
    ) as peer:
        assert peer.stdout is not None
        port = int(peer.stdout.readline())
        for number in range(-1, rounds):
            for loop_name, loop_factory in loops.items():
                for client_name, client in clients.items():
                    with asyncio.Runner(loop_factory=loop_factory) as runner:
                        runner.run(client(f"ws://127.0.0.1:{port}/{FRAMES}", depth))
                    taken = json.loads(peer.stdout.readline())
                    if number >= 0:
                        samples[f"{client_name}, {loop_name}"] += taken
        peer.terminate()
    return samples


def _ours(connect: Callable[..., Awaitable[Any]]) -> Client:
    async def run(url: str, depth: DepthInput) -> None:
        closed = asyncio.Event()
        clock = SystemClock()
        chain = Chain(depth, clock, write=lambda data: transport.send(data))
        chain.rewind()

        def on_frame(data: bytes, recv_ns: int) -> None:
            chain.on_frame(data, recv_ns)
            chain.answer()

        transport = await connect(url, on_frame=on_frame, on_lost=lambda reason: closed.set(), clock=clock)
        transport.send(_READY)
        await closed.wait()
        await transport.wait_closed()

    return run


async def _plain(url: str, depth: DepthInput) -> None:
    """Use the library as its documentation shows: iterate over the messages, await each send."""
    clock = SystemClock()
    written: list[bytes] = []
    chain = Chain(depth, clock, write=written.append)
    chain.rewind()
    async for message in _messages(url):
        connection, data = message
        chain.on_frame(data, clock.now_ns())
        for order in written:
            await connection.send(order, text=True)
        written.clear()
        chain.answer()


async def _messages(url: str) -> AsyncIterator[tuple[Any, bytes]]:
    from websockets.asyncio.client import connect

    async with connect(url, compression=None) as connection:
        await connection.send(_READY, text=True)
        # decode=False spares it the conversion to text and back.
        with contextlib.suppress(importlib.import_module("websockets").ConnectionClosed):
            while True:
                yield connection, await connection.recv(decode=False)
