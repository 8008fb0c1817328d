"""What a simulator has yet to send to one websocket client, and no more than a bounded amount of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:  # only `hft sim` pays for importing aiohttp
    from aiohttp import web

__all__ = ["DEFAULT_CAPACITY", "Outbox", "OutboxCounters"]

DEFAULT_CAPACITY = 5_000
"""Frames; about ten seconds of a busy stream."""


@attrs.define
class OutboxCounters:
    """What became of the frames of all clients of a simulator."""

    sent: int = 0
    silenced: int = 0
    overflowed: int = 0
    """Clients that were disconnected because they did not read."""


@attrs.frozen
class _Ping:
    payload: bytes


@attrs.frozen
class _Pong:
    payload: bytes


@attrs.frozen
class _Cut:
    """Cut the connection without a goodbye once what stands before is written."""


@attrs.frozen
class _Close:
    code: int
    reason: bytes


class Outbox:
    """The sending side of one websocket: `send` returns at once, `run` writes.

    A client that does not read fills ``capacity`` frames and is then cut off, as exchanges do: it
    would otherwise receive the past. `silence` keeps the socket open and sends nothing any more.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        counters: OutboxCounters,
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._counters = counters
        self._capacity = capacity
        self._queue: deque[str | _Ping | _Pong | _Cut | _Close] = deque()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._silent = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._stalls = 0
        self._read_stalls = 0
        self.is_open = True

    def send(self, frame: str) -> None:
        """Queue a text frame."""
        self._put(frame)

    def ping(self, payload: bytes) -> None:
        """Queue a ping of the websocket protocol."""
        self._put(_Ping(payload))

    def pong(self, payload: bytes) -> None:
        """Queue the answer to a ping."""
        self._put(_Pong(payload))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close after what is queued has been sent."""
        self._put(_Close(code, reason.encode()))

    def silence(self) -> None:
        """Send nothing any more, not even pings, and leave the socket open."""
        self._silent = True
        self._counters.silenced += len(self._queue)
        self._queue.clear()
        self._room.set()

    def abort(self) -> None:
        """Cut the connection without a goodbye."""
        self.finish()
        self._transport.abort()

    def cut(self) -> None:
        """Cut the connection without a goodbye after what is queued has been written."""
        self._put(_Cut())

    def stall(self) -> Callable[[], None]:
        """Write nothing until the returned function is called; what is sent meanwhile is queued."""
        self._stalls += 1
        self._flowing.clear()
        return self._flow

    def stall_reading(self) -> Callable[[], None]:
        """Read nothing until the returned function is called: the client's writing backs up."""
        self._read_stalls += 1
        if self._read_stalls == 1 and self.is_open:
            self._transport.pause_reading()
        return self._resume_reading

    def finish(self) -> None:
        """Drop what is queued and let `run` return: the client is gone."""
        self.is_open = False
        self._queue.clear()
        self._room.set()
        self._flowing.set()
        self._wake.set()

    async def room(self) -> None:
        """Wait until the client has read at least half of what is queued."""
        await self._room.wait()

    async def run(self) -> None:
        """Write until the socket is closed by either side."""
        queue = self._queue
        while self.is_open:
            await self._wake.wait()
            self._wake.clear()
            while queue and self.is_open:
                if self._stalls:
                    await self._flowing.wait()
                    continue
                item = queue.popleft()
                try:
                    if isinstance(item, str):
                        await self._socket.send_str(item)
                        self._counters.sent += 1
                    elif isinstance(item, _Ping):
                        await self._socket.ping(item.payload)
                    elif isinstance(item, _Pong):
                        await self._socket.pong(item.payload)
                    elif isinstance(item, _Cut):
                        # What was written goes out first, if the client takes it.
                        self.is_open = False
                        self._transport.close()
                    else:
                        await self._socket.close(code=item.code, message=item.reason)
                        self.is_open = False
                except (ConnectionError, RuntimeError):
                    # aiohttp raises RuntimeError where the client closed first.
                    self.is_open = False
                if len(queue) <= self._capacity // 2:
                    self._room.set()
        self._room.set()

    def _flow(self) -> None:
        self._stalls -= 1
        if not self._stalls:
            self._flowing.set()

    def _resume_reading(self) -> None:
        self._read_stalls -= 1
        if not self._read_stalls and self.is_open:
            self._transport.resume_reading()

    def _put(self, item: str | _Ping | _Pong | _Cut | _Close) -> None:
        if self._silent or not self.is_open:
            self._counters.silenced += 1
            return
        if len(self._queue) >= self._capacity:
            self._counters.overflowed += 1
            self.abort()
            return
        self._queue.append(item)
        if len(self._queue) > self._capacity // 2:
            self._room.clear()
        self._wake.set()
