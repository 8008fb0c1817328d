"""The websockets of the simulated Bybit: idle ones are cut, all are counted; what all of them answer."""

from __future__ import annotations

import re
from abc import abstractmethod
from itertools import count
from typing import Any

import msgspec
from aiohttp import web

from hft import Clock
from hft.sim import ClientConnection, Hub, Outbox, SocketServer
from hft_bybit.simulator.listing import NS_PER_S

__all__ = ["CONNECTIONS", "Connection", "Sockets", "idle_ns", "read_frame"]

CONNECTIONS, _CONNECTIONS_NS = 500, 300 * NS_PER_S
"""New connections of one address: 500 in five minutes."""

_IDLE_NS = 600 * NS_PER_S
_LOOK_NS = NS_PER_S

_ACTIVE_TIME = re.compile(r"([0-9]{1,4})([sm])")

_encode = msgspec.json.Encoder().encode
_names = count(1)


class Connection(ClientConnection):
    """One client; a connection that says nothing for ``idle_ns`` is cut."""

    def __init__(self, outbox: Outbox, hub: Hub, idle_ns: int = _IDLE_NS) -> None:
        super().__init__(outbox)
        self.hub = hub
        self.idle_ns = idle_ns
        self.conn_id = f"sim-{next(_names)}"

    def frame(self, topic: str, payload: str) -> str:
        return payload

    def take(self, text: str) -> bool:
        self.handle(read_frame(text))
        return True

    @abstractmethod
    def handle(self, frame: dict[str, Any]) -> None:
        """Carry out what a client sent; an empty object is what cannot be read."""

    def reply(self, method: str, body: dict[str, Any]) -> None:
        """Answer a frame, through the faults."""
        self.hub.reply(self.subscriber, method, _encode(body).decode())


class Sockets(SocketServer[Connection]):
    """Serves the websockets, and cuts those that are idle for too long."""

    def __init__(self, hub: Hub, clock: Clock, *, capacity: int, connections: int) -> None:
        super().__init__(
            hub, clock, capacity=capacity, connections=connections, connections_ns=_CONNECTIONS_NS
        )

    def begin(self, connection: Connection) -> None:
        def look() -> None:
            if self.clock.now_ns() - connection.last_recv_ns >= connection.idle_ns:
                self.counters.idle += 1
                connection.outbox.close()
                return
            connection.timers["idle"] = self.clock.call_later(_LOOK_NS, look)

        connection.timers["idle"] = self.clock.call_later(_LOOK_NS, look)


def idle_ns(request: web.Request) -> int:
    """Return after how long without a word the client of a private connection wants to be cut."""
    match = _ACTIVE_TIME.fullmatch(request.query.get("max_active_time", ""))
    if match is None:
        return _IDLE_NS
    wanted_ns = int(match[1]) * (60 if match[2] == "m" else 1) * NS_PER_S
    return min(_IDLE_NS, max(30 * NS_PER_S, wanted_ns))


def read_frame(text: str) -> dict[str, Any]:
    """Read a frame of a client; what is no object becomes an empty one."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return frame if isinstance(frame, dict) else {}
