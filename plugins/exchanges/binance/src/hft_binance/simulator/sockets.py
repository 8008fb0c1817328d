"""The stream sockets of the simulated Binance: routes, pings, ages, limits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import count

import attrs
from aiohttp import WSMsgType, web

from hft import Clock
from hft.sim import Hub, Outbox, OutboxCounters
from hft_binance.simulator import frames
from hft_binance.simulator.connection import Connection
from hft_binance.simulator.control import answer_control
from hft_binance.simulator.listing import NS_PER_MS, NS_PER_S, SPOT, USDM, ProductRules
from hft_binance.simulator.publisher import MARKET, PUBLIC

__all__ = ["CONNECTIONS", "SocketCounters", "SocketRules", "Sockets", "StreamConnection"]

_MAX_STREAMS = 1024
_MAX_MESSAGE = 65_536

CONNECTIONS, _CONNECTIONS_NS = 300, 300 * NS_PER_S
"""New connections from one address: 300 in five minutes."""

_NOTICE_NS = 10 * NS_PER_S
"""How long before it closes a socket spot says so; the documentation has no number."""

_CLOSE_S = 1.0
_GOING_AWAY, _POLICY = 1001, 1008


@attrs.frozen(kw_only=True)
class SocketRules:
    """What a test or a drill may want other than the exchange has it."""

    lifetime_ns: int = 24 * 3600 * NS_PER_S
    capacity: int = 5_000
    """Frames that wait for a slow client before it is cut off."""
    connections: int = CONNECTIONS
    """New connections of one address in five minutes, 0: as many as it likes."""


@attrs.define
class SocketCounters:
    """Why sockets were closed by this side."""

    too_many_messages: int = 0
    too_many_streams: int = 0
    no_pong: int = 0
    too_old: int = 0


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


class Sockets:
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
        self.counters = SocketCounters()
        self.outboxes = OutboxCounters()
        self._hub = hub
        self._clock = clock
        self._activate = activate
        self._rules = rules
        self._private = private
        self._connections: set[Connection] = set()
        self._opened: dict[str, deque[int]] = {}
        self._names = count(1)

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

    async def stop(self) -> None:
        """Close every socket, politely at first."""
        for connection in tuple(self._connections):
            connection.outbox.close(_GOING_AWAY)
        await self._all_gone()
        for connection in tuple(self._connections):
            connection.outbox.abort()
        await self._all_gone()

    async def _all_gone(self) -> None:
        gone = [asyncio.ensure_future(connection.gone.wait()) for connection in self._connections]
        if gone:
            _, late = await asyncio.wait(gone, timeout=_CLOSE_S)
            for waiter in late:
                waiter.cancel()

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

    def handler(
        self, make: Callable[[web.Request, Outbox], Connection]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return what serves a websocket; ``make`` is called for each client.

        It may raise one of aiohttp's HTTP answers instead.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            wait_s = self._connect(request.remote or "")
            if wait_s:
                return web.Response(status=429, headers={"Retry-After": str(wait_s)})
            socket = web.WebSocketResponse(
                timeout=_CLOSE_S, autoping=False, compress=False, max_msg_size=_MAX_MESSAGE
            )
            await socket.prepare(request)
            assert isinstance(request.transport, asyncio.Transport)
            outbox = Outbox(socket, request.transport, self.outboxes, self._rules.capacity)
            await self._serve(socket, make(request, outbox))
            return socket

        return handle

    async def _serve(self, socket: web.WebSocketResponse, connection: Connection) -> None:
        self._hub.join(connection.subscriber)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.outbox.run(), name=f"socket {next(self._names)}")
        try:
            self._set_timers(connection)
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
            self._connections.discard(connection)
            connection.gone.set()

    def _take(self, connection: Connection, type: WSMsgType, data: str | bytes) -> bool:
        """Take one message of a client; False when it has overstepped a limit."""
        now_ns = self._clock.now_ns()
        received = connection.received
        if received.maxlen and len(received) == received.maxlen and now_ns - received[0] < NS_PER_S:
            self.counters.too_many_messages += 1
            return False
        received.append(now_ns)
        if type is WSMsgType.PONG:
            connection.last_pong_ns = now_ns
        elif type is WSMsgType.PING:
            connection.outbox.pong(bytes(data) if not isinstance(data, str) else data.encode())
        else:
            text = data if isinstance(data, str) else data.decode(errors="replace")
            if not connection.take(text):
                self.counters.too_many_streams += 1
                return False
        return True

    def _connect(self, address: str) -> int:
        """Count a new connection, 0, or return the seconds for which the address may open no more."""
        most = self._rules.connections
        if not most:
            return 0
        now_ns = self._clock.now_ns()
        opened = self._opened.setdefault(address, deque(maxlen=most))
        if len(opened) == most and now_ns - opened[0] < _CONNECTIONS_NS:
            return -((now_ns - opened[0] - _CONNECTIONS_NS) // NS_PER_S)
        opened.append(now_ns)
        return 0

    # -- pings and age ---------------------------------------------------------------------------

    def _set_timers(self, connection: Connection) -> None:
        product, outbox, timers = connection.product, connection.outbox, connection.timers
        connection.last_pong_ns = self._clock.now_ns()

        def ping() -> None:
            now_ns = self._clock.now_ns()
            if now_ns - connection.last_pong_ns > product.pong_ns:
                self.counters.no_pong += 1
                outbox.abort()
                return
            outbox.ping(str(now_ns // NS_PER_MS).encode())
            timers["ping"] = self._clock.call_later(product.ping_ns, ping)

        def announce() -> None:
            outbox.send(connection.shutdown_notice(self._clock.now_ns() // NS_PER_MS))

        def expire() -> None:
            self.counters.too_old += 1
            outbox.close(_GOING_AWAY)

        timers["ping"] = self._clock.call_later(product.ping_ns, ping)
        timers["expire"] = self._clock.call_later(self._rules.lifetime_ns, expire)
        if product.announces_shutdown:
            notice_ns = max(self._rules.lifetime_ns - _NOTICE_NS, self._rules.lifetime_ns // 2)
            timers["announce"] = self._clock.call_later(notice_ns, announce)
