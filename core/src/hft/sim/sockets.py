"""The websockets of a simulator, whatever they carry: served, counted, closed in the end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from hft.clock import Clock, Timer
from hft.sim.hub import Hub, Subscriber
from hft.sim.outbox import DEFAULT_CAPACITY, Outbox, OutboxCounters

if TYPE_CHECKING:  # only whoever serves pays for importing aiohttp
    from aiohttp import WSMsgType, web

__all__ = ["ClientConnection", "SocketCounters", "SocketServer"]

NS_PER_S = 1_000_000_000

_MAX_MESSAGE = 65_536
_CLOSE_S = 1.0
_GOING_AWAY, _POLICY = 1001, 1008


class ClientConnection(ABC):
    """One client's websocket: how its messages are taken, how frames are written for it.

    ``messages_per_s`` 0 means that messages are not counted here. ``timers`` are cancelled when it is gone.
    """

    def __init__(self, outbox: Outbox, *, messages_per_s: int = 0) -> None:
        self.outbox = outbox
        self.subscriber = Subscriber(outbox, self.frame)
        self.received: deque[int] = deque(maxlen=messages_per_s)
        self.last_recv_ns = 0
        self.last_pong_ns = 0
        self.timers: dict[str, Timer] = {}
        self.gone = asyncio.Event()
        self.on_leave: Callable[[], None] = lambda: None

    @abstractmethod
    def frame(self, topic: str, payload: str) -> str:
        """Write what was published under a topic as this connection wants it."""

    @abstractmethod
    def take(self, text: str) -> bool:
        """Take a message of the client; False when it is to be cut off."""


ConnectionT = TypeVar("ConnectionT", bound=ClientConnection)


@attrs.define
class SocketCounters:
    """Why sockets were closed by this side."""

    too_many_messages: int = 0
    cut_off: int = 0
    """A message was not to be borne."""
    no_pong: int = 0
    too_old: int = 0
    idle: int = 0


class SocketServer(Generic[ConnectionT]):
    """Serves the websockets of one simulator; `stop` closes all of them.

    ``capacity`` is how many frames wait for a slow client before it is cut off. One address may open
    ``connections`` within ``connections_ns``, 0: as many as it likes. A subclass sets the timers of a
    connection in `begin`.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        *,
        capacity: int = DEFAULT_CAPACITY,
        connections: int = 0,
        connections_ns: int = 300 * NS_PER_S,
    ) -> None:
        self.counters = SocketCounters()
        self.outboxes = OutboxCounters()
        self.clock = clock
        self._hub = hub
        self._capacity = capacity
        self._most = connections
        self._most_ns = connections_ns
        self._connections: dict[ConnectionT, None] = {}
        self._opened: dict[str, deque[int]] = {}
        self._names = count(1)

    @property
    def connections(self) -> tuple[ConnectionT, ...]:
        """The clients that are connected, the oldest first."""
        return tuple(self._connections)

    def begin(self, connection: ConnectionT) -> None:
        """Set the timers of a new connection; nothing by default."""

    def handler(
        self, make: Callable[[web.Request, Outbox], ConnectionT]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what serves a websocket; ``make`` is called for each client.

        It may raise one of aiohttp's HTTP answers instead.
        """
        from aiohttp import web

        async def handle(request: web.Request) -> web.StreamResponse:
            wait_s = self._connect(request.remote or "")
            if wait_s:
                return web.Response(status=429, headers={"Retry-After": str(wait_s)})
            socket = web.WebSocketResponse(
                timeout=_CLOSE_S, autoping=False, compress=False, max_msg_size=_MAX_MESSAGE
            )
            await socket.prepare(request)
            assert isinstance(request.transport, asyncio.Transport)
            outbox = Outbox(socket, request.transport, self.outboxes, self._capacity)
            await self._serve(socket, make(request, outbox))
            return socket

        return handle

    async def stop(self) -> None:
        """Close every socket, politely at first."""
        for connection in self.connections:
            connection.outbox.close(_GOING_AWAY)
        await self._all_gone()
        for connection in self.connections:
            connection.outbox.abort()
        await self._all_gone()

    async def _all_gone(self) -> None:
        gone = [asyncio.ensure_future(connection.gone.wait()) for connection in self._connections]
        if gone:
            _, late = await asyncio.wait(gone, timeout=_CLOSE_S)
            for waiter in late:
                waiter.cancel()

    # -- one socket ------------------------------------------------------------------------------

    async def _serve(self, socket: web.WebSocketResponse, connection: ConnectionT) -> None:
        self._hub.join(connection.subscriber)
        self._connections[connection] = None
        writer = asyncio.create_task(connection.outbox.run(), name=f"socket {next(self._names)}")
        connection.last_recv_ns = connection.last_pong_ns = self.clock.now_ns()
        try:
            self.begin(connection)
            async for message in socket:
                if not self._take(connection, message.type, message.data):
                    connection.outbox.close(_POLICY)
        finally:
            self._hub.leave(connection.subscriber)
            connection.on_leave()
            for timer in connection.timers.values():
                timer.cancel()
            connection.outbox.finish()
            await asyncio.wait({writer}, timeout=_CLOSE_S)
            writer.cancel()
            self._connections.pop(connection, None)
            connection.gone.set()

    def _take(self, connection: ConnectionT, type: WSMsgType, data: str | bytes) -> bool:
        """Take one message of a client; False when it has overstepped a limit."""
        from aiohttp import WSMsgType

        now_ns = self.clock.now_ns()
        received = connection.received
        if received.maxlen and len(received) == received.maxlen and now_ns - received[0] < NS_PER_S:
            self.counters.too_many_messages += 1
            return False
        received.append(now_ns)
        connection.last_recv_ns = now_ns
        if type is WSMsgType.PONG:
            connection.last_pong_ns = now_ns
        elif type is WSMsgType.PING:
            connection.outbox.pong(bytes(data) if not isinstance(data, str) else data.encode())
        else:
            text = data if isinstance(data, str) else data.decode(errors="replace")
            if not connection.take(text):
                self.counters.cut_off += 1
                return False
        return True

    def _connect(self, address: str) -> int:
        """Count a new connection, 0, or return the seconds for which the address may open no more."""
        most = self._most
        if not most:
            return 0
        now_ns = self.clock.now_ns()
        opened = self._opened.setdefault(address, deque(maxlen=most))
        if len(opened) == most and now_ns - opened[0] < self._most_ns:
            return -((now_ns - opened[0] - self._most_ns) // NS_PER_S)
        opened.append(now_ns)
        return 0
