"""The stream sockets of the simulated Binance: routes, pings, ages, limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from hft import Clock
from hft.sim import Hub, Outbox, SocketServer
from hft_binance.simulator import frames
from hft_binance.simulator.connection import Connection
from hft_binance.simulator.control import answer_control
from hft_binance.simulator.listing import NS_PER_MS, NS_PER_S, SPOT, USDM, ProductRules
from hft_binance.simulator.publisher import MARKET, PUBLIC

__all__ = ["CONNECTIONS", "SocketRules", "Sockets", "StreamConnection"]

_MAX_STREAMS = 1024

CONNECTIONS, _CONNECTIONS_NS = 300, 300 * NS_PER_S
"""New connections from one address: 300 in five minutes."""

_NOTICE_NS = 10 * NS_PER_S
"""How long before it closes a socket spot says so; the documentation has no number."""

_GOING_AWAY = 1001


@attrs.frozen(kw_only=True)
class SocketRules:
    """What a test or a drill may want other than the exchange has it."""

    lifetime_ns: int = 24 * 3600 * NS_PER_S
    capacity: int = 5_000
    """Frames that wait for a slow client before it is cut off."""
    connections: int = CONNECTIONS
    """New connections of one address in five minutes, 0: as many as it likes."""


class StreamConnection(Connection):
    """One client's stream socket: what it is subscribed to and how it wants its frames."""

    def __init__(
        self,
        product: ProductRules,
        route: str,
        outbox: Outbox,
        hub: Hub,
        activate: Callable[[ProductRules, str], None],
        *,
        combined: bool,
    ) -> None:
        super().__init__(product, outbox, messages_per_s=product.messages_per_s)
        self.route = route
        self.combined = combined
        self._hub = hub
        self._activate = activate
        self._streams: dict[str, None] = {}

    def subscribe(self, stream: str) -> None:
        self._streams[stream] = None
        topic = f"{self.route}/{stream}"
        self._hub.subscribe(self.subscriber, topic)
        self._activate(self.product, topic)

    def unsubscribe(self, stream: str) -> None:
        self._streams.pop(stream, None)
        self._hub.unsubscribe(self.subscriber, f"{self.route}/{stream}")

    def streams(self) -> list[str]:
        return list(self._streams)

    def shutdown_notice(self, now_ms: int) -> str:
        return self._wrap("!serverShutdown", frames.shutdown(now_ms))

    def frame(self, topic: str, payload: str) -> str:
        return self._wrap(topic.partition("/")[2], payload)

    def take(self, text: str) -> bool:
        self.outbox.send(answer_control(self, text, numeric_ids=self.product is USDM))
        return len(self._streams) <= _MAX_STREAMS

    def _wrap(self, stream: str, payload: str) -> str:
        return f'{{"stream":"{stream}","data":{payload}}}' if self.combined else payload


class Sockets(SocketServer[Connection]):
    """Serves the stream sockets of both products.

    ``activate`` is called with every topic that somebody subscribes to. ``private`` may make the
    connection of a client that gives something else than streams where streams stand: a listen key.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        activate: Callable[[ProductRules, str], None],
        rules: SocketRules,
        private: Callable[[web.Request, Outbox], Connection | None] = lambda _, __: None,
    ) -> None:
        super().__init__(
            hub,
            clock,
            capacity=rules.capacity,
            connections=rules.connections,
            connections_ns=_CONNECTIONS_NS,
        )
        self._activate = activate
        self._lifetime_ns = rules.lifetime_ns
        self._private = private

    def routes(self) -> list[web.RouteDef]:
        """Return the sockets as routes; the bare paths are spot's."""
        routes: list[web.RouteDef] = []
        for prefix, product, route in (
            ("", SPOT, "spot"),
            (f"/{PUBLIC}", USDM, PUBLIC),
            (f"/{MARKET}", USDM, MARKET),
        ):
            single, combined = (self._handler(product, route, combined=flag) for flag in (False, True))
            routes += [
                web.get(f"{prefix}/ws", single),
                web.get(f"{prefix}/ws/{{streams:.+}}", single),
                web.get(f"{prefix}/stream", combined),
            ]
        return routes

    # -- one socket ------------------------------------------------------------------------------

    def _handler(
        self, product: ProductRules, route: str, *, combined: bool
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        def make(request: web.Request, outbox: Outbox) -> Connection:
            private = self._private(request, outbox)
            if private is not None:
                return private
            connection = StreamConnection(
                product, route, outbox, self._hub, self._activate, combined=combined
            )
            listed = request.query.get("streams", "") if combined else request.match_info.get("streams", "")
            for stream in [stream for stream in listed.split("/") if stream][:_MAX_STREAMS]:
                connection.subscribe(stream)
            return connection

        return self.handler(make)

    # -- pings and age ---------------------------------------------------------------------------

    def begin(self, connection: Connection) -> None:
        product, outbox, timers = connection.product, connection.outbox, connection.timers

        def ping() -> None:
            now_ns = self.clock.now_ns()
            if now_ns - connection.last_pong_ns > product.pong_ns:
                self.counters.no_pong += 1
                outbox.abort()
                return
            outbox.ping(str(now_ns // NS_PER_MS).encode())
            timers["ping"] = self.clock.call_later(product.ping_ns, ping)

        def announce() -> None:
            outbox.send(connection.shutdown_notice(self.clock.now_ns() // NS_PER_MS))

        def expire() -> None:
            self.counters.too_old += 1
            outbox.close(_GOING_AWAY)

        timers["ping"] = self.clock.call_later(product.ping_ns, ping)
        timers["expire"] = self.clock.call_later(self._lifetime_ns, expire)
        if product.announces_shutdown:
            notice_ns = max(self._lifetime_ns - _NOTICE_NS, self._lifetime_ns // 2)
            timers["announce"] = self.clock.call_later(notice_ns, announce)
