"""A connection over real sockets: what it loses, it gets back, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

from websockets.asyncio.server import ServerConnection, serve

from hft.clock import NS_PER_S, SystemClock
from hft.net import Connection, ConnectionSpec


class Handler:
    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def on_open(self, conn: str, recv_ns: int) -> None:
        self.calls.put_nowait(("open", b""))

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        self.calls.put_nowait(("frame", data))

    def on_close(self, conn: str, recv_ns: int) -> None:
        self.calls.put_nowait(("close", b""))

    async def next(self, count: int) -> list[tuple[str, bytes]]:
        async with asyncio.timeout(5):
            return [await self.calls.get() for _ in range(count)]


async def test_reconnects_subscribes_rotates_and_leaves_nothing() -> None:
    seen: list[ServerConnection] = []

    async def exchange(connection: ServerConnection) -> None:
        seen.append(connection)
        async for message in connection:
            await connection.send(f"re: {message!s}")

    async with serve(exchange, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        handler, warnings = Handler(), list[str]()
        connection = Connection(
            ConnectionSpec(name=url, url=url, on_open=(b"subscribe",), silence_ns=NS_PER_S // 5),
            handler,
            clock=SystemClock(),
            random=random.Random(1),
            warn=warnings.append,
        )
        connection.start()
        assert await handler.next(2) == [("open", b""), ("frame", b"re: subscribe")]
        assert connection.send(b"more")
        assert await handler.next(1) == [("frame", b"re: more")]
        seen[0].transport.abort()
        assert await handler.next(3) == [("close", b""), ("open", b""), ("frame", b"re: subscribe")]
        # And without a word from the exchange, as if a cable were cut.
        assert await handler.next(3) == [("close", b""), ("open", b""), ("frame", b"re: subscribe")]
        await connection.stop()
        assert await handler.next(1) == [("close", b"")]
        assert len(seen) == 3
    assert connection.counters.closed == 3
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_importing_the_package_does_not_bring_in_http_or_sockets() -> None:
    code = "import sys, hft.net; sys.exit('aiohttp' in sys.modules or 'websockets' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
