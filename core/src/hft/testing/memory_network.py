"""Streams of bytes between the clients and servers of one event loop, without a socket."""

from __future__ import annotations

import asyncio
import errno
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["MemoryNetwork", "MemoryTransport"]

_FIRST_PORT = 20_001
_HIGH_WATER = 64 * 1024
"""Bytes under way at which a sender is asked to pause, as asyncio's own transports do."""

NS_PER_S = 1_000_000_000

_Factory = Callable[[], asyncio.BaseProtocol]


class MemoryNetwork:
    """Every server of a loop by its port; bytes take ``latency_ns`` each way and arrive in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency_ns: int) -> None:
        self.latency_s = latency_ns / NS_PER_S
        self._loop = loop
        self._listeners: dict[int, _Listener] = {}
        self._ports = itertools.count(_FIRST_PORT)

    def listen(self, factory: _Factory, host: str, port: int) -> asyncio.AbstractServer:
        """Serve a port; 0 takes the next one."""
        port = port or next(self._ports)
        if port in self._listeners:
            raise OSError(errno.EADDRINUSE, f"port {port} is served already")
        listener = _Listener(self._loop, factory, host, port, self._listeners)
        self._listeners[port] = listener
        return listener

    def listener(self, port: int) -> _Listener:
        """Return who serves a port; raise `ConnectionRefusedError` where nobody does."""
        if port not in self._listeners:
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"nobody serves port {port}")
        return self._listeners[port]

    async def connect(self, factory: _Factory, port: int) -> tuple[MemoryTransport, asyncio.BaseProtocol]:
        """Connect to whoever serves a port."""
        self.listener(port)
        await asyncio.sleep(2 * self.latency_s)
        listener = self.listener(port)
        addresses = (listener.host, port), ("127.0.0.1", next(self._ports))
        protocol, served = factory(), listener.factory()
        ours = MemoryTransport(self._loop, self.latency_s, protocol, addresses)
        theirs = MemoryTransport(self._loop, self.latency_s, served, addresses[::-1])
        ours.peer, theirs.peer = theirs, ours
        served.connection_made(theirs)
        protocol.connection_made(ours)
        return ours, protocol


class _Listener(asyncio.AbstractServer):
    """A server; it is its own socket where its address is asked for."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: _Factory,
        host: str,
        port: int,
        listeners: dict[int, _Listener],
    ) -> None:
        self.factory = factory
        self.host = host
        self.port = port
        self.sockets = (self,)
        self._loop = loop
        self._listeners = listeners

    def getsockname(self) -> tuple[str, int]:
        return self.host, self.port

    def close(self) -> None:
        if self.is_serving():
            del self._listeners[self.port]

    async def wait_closed(self) -> None:
        return None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self._listeners.get(self.port) is self

    async def start_serving(self) -> None:
        return None

    async def serve_forever(self) -> None:
        await self._loop.create_future()


class MemoryTransport(asyncio.Transport):
    """One end of a connection.

    As with a socket: what was written before `close` arrives, what was under way at `abort` is lost;
    who does not read lets the other side's bytes pile up until it is asked to pause.
    """

    peer: MemoryTransport

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        latency_s: float,
        protocol: asyncio.BaseProtocol,
        addresses: tuple[tuple[str, int], tuple[str, int]],
    ) -> None:
        super().__init__({"peername": addresses[0], "sockname": addresses[1]})
        self._loop = loop
        self._latency_s = latency_s
        self._protocol: Any = protocol
        self._incoming: deque[tuple[float, bytes | None]] = deque()
        self._incoming_bytes = 0
        self._arrival: asyncio.Handle | None = None
        self._reading = True
        self._closing = False
        self._lost = False
        self._ended = False
        self._high, self._low = _HIGH_WATER, _HIGH_WATER // 4
        self._writing_paused = False

    # -- what protocols call ---------------------------------------------------------------------

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data and not self._closing and not self._ended:
            self.peer._receive(bytes(data))
            self._pace()

    def write_eof(self) -> None:
        if not self._closing and not self._ended:
            self._ended = True
            self.peer._receive(None)

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self.write_eof()
            self._end(None)

    def abort(self) -> None:
        if not self._lost:
            self._loop.call_later(self._latency_s, self.peer._reset)
            self.peer._forget_incoming()
            self._end(None)

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._expect()

    def get_write_buffer_size(self) -> int:
        return self.peer._incoming_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = (4 * low if low is not None else _HIGH_WATER) if high is None else high
        self._low = self._high // 4 if low is None else low
        self._pace()

    # -- bytes under way -------------------------------------------------------------------------

    def _receive(self, data: bytes | None) -> None:
        """Take what the peer wrote, None for the end of it; it is here after the latency."""
        if self._closing:
            return
        self._incoming.append((self._loop.time() + self._latency_s, data))
        self._incoming_bytes += len(data or b"")
        self._expect()

    def _expect(self) -> None:
        if self._incoming and self._reading and self._arrival is None:
            self._arrival = self._loop.call_at(self._incoming[0][0], self._arrive)

    def _arrive(self) -> None:
        self._arrival = None
        now = self._loop.time()
        chunks: list[bytes] = []
        ended = False
        while self._incoming and self._reading and self._incoming[0][0] <= now and not ended:
            _, data = self._incoming.popleft()
            if data is None:
                ended = True
            else:
                chunks.append(data)
        if chunks:
            data = b"".join(chunks)
            self._incoming_bytes -= len(data)
            self._protocol.data_received(data)
            self.peer._pace()
        if ended and not self._closing and not self._protocol.eof_received():
            self.close()
        self._expect()

    def _pace(self) -> None:
        size = self.get_write_buffer_size()
        if not self._writing_paused and size > self._high:
            self._writing_paused = True
            self._protocol.pause_writing()
        elif self._writing_paused and size <= self._low and not self._lost:
            self._writing_paused = False
            self._protocol.resume_writing()

    def _forget_incoming(self) -> None:
        self._incoming.clear()
        self._incoming_bytes = 0
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _reset(self) -> None:
        if not self._closing:
            self._end(ConnectionResetError(errno.ECONNRESET, "connection reset by peer"))

    def _end(self, error: Exception | None) -> None:
        self._closing = True
        self._forget_incoming()
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._protocol.connection_lost, error)
