"""The sending side of a websocket whose client is slow, or whose simulator is."""

from __future__ import annotations

import asyncio
from typing import Any

from hft.sim import Outbox, OutboxCounters
from hft.testing.virtual_time import run


class FakeSocket:
    """A websocket that notes what is written, and the transport under it."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def send_str(self, frame: str) -> None:
        self.written.append(frame)

    def close(self) -> None:
        self.written.append("closed")

    def abort(self) -> None:
        self.written.append("aborted")

    def pause_reading(self) -> None:
        self.written.append("paused")

    def resume_reading(self) -> None:
        self.written.append("resumed")


def played(script: Any, capacity: int = 10) -> tuple[list[str], OutboxCounters]:
    """Let a script use an outbox; return what was written and what was counted."""

    async def main() -> tuple[list[str], OutboxCounters]:
        socket: Any = FakeSocket()
        counters = OutboxCounters()
        outbox = Outbox(socket, socket, counters, capacity)
        writing = asyncio.create_task(outbox.run())
        await script(outbox, socket)
        outbox.finish()
        await writing
        return socket.written, counters

    return run(main())


def test_a_stalled_socket_is_written_to_later_and_in_order() -> None:
    async def script(outbox: Outbox, socket: FakeSocket) -> None:
        first, second = outbox.stall(), outbox.stall()
        for frame in "abc":
            outbox.send(frame)
        first()
        await asyncio.sleep(1)
        assert socket.written == []
        second()
        await asyncio.sleep(1)
        outbox.send("d")
        await asyncio.sleep(1)

    assert played(script)[0] == ["a", "b", "c", "d"]


def test_a_client_that_is_too_slow_is_cut_off() -> None:
    async def script(outbox: Outbox, socket: FakeSocket) -> None:
        outbox.stall()
        for number in range(13):
            outbox.send(str(number))
            await asyncio.sleep(0)
        assert not outbox.is_open

    written, counters = played(script)
    assert written == ["aborted"]
    assert counters.overflowed == 1


def test_a_cut_comes_behind_what_was_sent() -> None:
    async def script(outbox: Outbox, socket: FakeSocket) -> None:
        outbox.send("a")
        outbox.cut()
        outbox.send("b")
        await asyncio.sleep(1)

    assert played(script)[0] == ["a", "closed"]


def test_reading_stops_until_every_stall_is_over() -> None:
    async def script(outbox: Outbox, socket: FakeSocket) -> None:
        first, second = outbox.stall_reading(), outbox.stall_reading()
        first()
        assert socket.written == ["paused"]
        second()

    assert played(script)[0] == ["paused", "resumed"]
