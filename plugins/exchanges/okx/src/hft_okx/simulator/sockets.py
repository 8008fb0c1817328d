"""The websockets of the simulated OKX: routes, silence, upgrades."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import attrs
from aiohttp import web

from hft import Clock
from hft.sim import Hub, Outbox, SocketServer, Subscriber
from hft_okx.simulator.connection import BUSINESS, PRIVATE, PUBLIC, Connection, PrivateServices, Route
from hft_okx.simulator.listing import NS_PER_S

__all__ = ["SocketRules", "Sockets"]

_CONNECTIONS_PER_S = 3
_SILENCE_NS = 30 * NS_PER_S
_NOTICE_NS = 60 * NS_PER_S
"""How long before an upgrade its notice comes."""

_GOING_AWAY, _NO_DATA = 1001, 4004


@attrs.frozen(kw_only=True)
class SocketRules:
    """What a test or a drill may want other than the exchange has it."""

    lifetime_ns: int = 0
    """After how long a connection is closed for an upgrade, 0: never."""
    capacity: int = 5_000
    """Frames that wait for a slow client before it is cut off."""
    limited: bool = True
    """Whether connections and requests are counted."""


class Sockets(SocketServer[Connection]):
    """Serves all websockets; ``private`` is None where there is nobody to log in."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        subscribed: Callable[[Subscriber, str, str], None],
        private: PrivateServices | None,
        rules: SocketRules,
    ) -> None:
        super().__init__(
            hub,
            clock,
            capacity=rules.capacity,
            connections=_CONNECTIONS_PER_S if rules.limited else 0,
            connections_ns=NS_PER_S,
        )
        self._hub = hub
        self._subscribed = subscribed
        self._private = private
        self._rules = rules
        self._numbers = count(0xA4D3AE55)

    def routes(self) -> list[web.RouteDef]:
        """Return the sockets as routes."""
        return [
            web.get(route.path, self.handler(self._maker(route))) for route in (PUBLIC, BUSINESS, PRIVATE)
        ]

    def announce_upgrade(self) -> None:
        """Tell every client that its connection will be closed soon, and close it then."""
        for connection in self.connections:
            self._announce(connection, _NOTICE_NS)

    def begin(self, connection: Connection) -> None:
        timers, clock = connection.timers, self.clock

        def look() -> None:
            silent_ns = clock.now_ns() - connection.last_recv_ns
            if silent_ns >= _SILENCE_NS:
                self.counters.idle += 1
                connection.outbox.close(_NO_DATA, "No data received in 30s.")
            else:
                timers["silence"] = clock.call_later(_SILENCE_NS - silent_ns, look)

        timers["silence"] = clock.call_later(_SILENCE_NS, look)
        lifetime_ns = self._rules.lifetime_ns
        if lifetime_ns:
            notice_ns = max(lifetime_ns - _NOTICE_NS, lifetime_ns // 2)
            timers["announce"] = clock.call_later(
                notice_ns, lambda: self._announce(connection, lifetime_ns - notice_ns)
            )

    def _announce(self, connection: Connection, wait_ns: int) -> None:
        def expire() -> None:
            self.counters.too_old += 1
            connection.outbox.close(_GOING_AWAY)

        connection.outbox.send(connection.notice())
        connection.timers["expire"] = self.clock.call_later(wait_ns, expire)

    def _maker(self, route: Route) -> Callable[[web.Request, Outbox], Connection]:
        def make(request: web.Request, outbox: Outbox) -> Connection:
            return Connection(
                route,
                next(self._numbers),
                outbox,
                self._hub,
                self.clock,
                self._subscribed,
                self._private if route is PRIVATE else None,
                limited=self._rules.limited,
            )

        return make
