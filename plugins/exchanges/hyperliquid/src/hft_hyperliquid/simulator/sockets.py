"""The websockets of the simulated Hyperliquid: subscriptions, pings, requests, limits."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from hft import Clock, Timer
from hft.sim import EventQueue, Hub, Outbox, OutboxCounters, Subscriber
from hft_hyperliquid.simulator.auth import Malformed
from hft_hyperliquid.simulator.events import frame
from hft_hyperliquid.simulator.gateway import MALFORMED, Gateway, kind_of
from hft_hyperliquid.simulator.listing import NS_PER_S
from hft_hyperliquid.simulator.weights import Weights, weight_of

__all__ = ["Sockets"]

_MAX_MESSAGE = 1 << 20
_MAX_SUBSCRIPTIONS = 1000
_MAX_USERS = 15
_MAX_OPENED, _OPENED_NS = 30, 60 * NS_PER_S
_MAX_MESSAGES, _MESSAGES_NS = 2000, 60 * NS_PER_S
_IDLE_NS, _LOOK_NS = 60 * NS_PER_S, 5 * NS_PER_S
_CLOSE_S = 1.0
_GOING_AWAY, _POLICY = 1001, 1008

_MARKET_FEEDS = frozenset({"l2Book", "bbo", "trades", "activeAssetCtx"})
_USER_FEEDS = {"orderUpdates": "orderUpdates", "userFills": "userFills", "userFundings": "userFundings"}
_USER_FEEDS |= {"userEvents": "user"}

_encode = msgspec.json.Encoder().encode

First = Callable[[str], Sequence[str]]


class _Connection:
    """One client: what it is subscribed to, by the subscription as it is echoed."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self.outbox = outbox
        self.subscriber = Subscriber(outbox, self._frame)
        self.subscriptions: dict[str, str] = {}
        self.users: set[str] = set()
        self.said_ns = clock.now_ns()
        self.timer: Timer | None = None
        self.gone = asyncio.Event()
        self._clock = clock

    def say(self, text: str) -> None:
        """Send a frame that is nobody else's."""
        self.said_ns = self._clock.now_ns()
        self.outbox.send(text)

    def _frame(self, _topic: str, payload: str) -> str:
        self.said_ns = self._clock.now_ns()
        return payload


class Sockets:
    """Serves ``/ws``. ``first`` returns what a topic begins with; ``names`` are accounts by address."""

    def __init__(
        self,
        hub: Hub,
        queue: EventQueue,
        clock: Clock,
        gateway: Gateway,
        weights: Weights,
        coins: Sequence[str],
        names: Mapping[str, str],
        first: First,
        first_of_user: Callable[[str, str, str], Sequence[str]],
        *,
        limits: float,
        backlog: int,
    ) -> None:
        self.outboxes = OutboxCounters()
        self._hub = hub
        self._queue = queue
        self._clock = clock
        self._gateway = gateway
        self._weights = weights
        self._coins = frozenset(coins)
        self._names = names
        self._first = first
        self._first_of_user = first_of_user
        self._limits = limits
        self._backlog = backlog
        self._connections: dict[_Connection, None] = {}
        self._opened: defaultdict[str, deque[int]] = defaultdict(deque)
        self._messages: defaultdict[str, deque[int]] = defaultdict(deque)
        self._numbers = count(1)

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

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client."""
        address = request.remote or ""
        if not self._counted(self._opened[address], _MAX_OPENED, _OPENED_NS):
            return web.Response(status=429, text="429 Too Many Requests")
        socket = web.WebSocketResponse(
            timeout=_CLOSE_S, autoping=True, compress=False, max_msg_size=_MAX_MESSAGE
        )
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        outbox = Outbox(socket, request.transport, self.outboxes, self._backlog)
        connection = _Connection(outbox, self._clock)
        self._hub.join(connection.subscriber)
        self._connections[connection] = None
        writer = asyncio.create_task(outbox.run(), name=f"socket {next(self._numbers)}")
        self._watch(connection)
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                if not self._counted(self._messages[address], _MAX_MESSAGES, _MESSAGES_NS):
                    outbox.close(_POLICY)
                else:
                    self._take(connection, address, message.data)
        finally:
            self._hub.leave(connection.subscriber)
            if connection.timer is not None:
                connection.timer.cancel()
            outbox.finish()
            await asyncio.wait({writer}, timeout=_CLOSE_S)
            writer.cancel()
            del self._connections[connection]
            connection.gone.set()
        return socket

    def _counted(self, times: deque[int], most: int, within_ns: int) -> bool:
        """Count something; False where it is one too many."""
        if not self._limits:
            return True
        now_ns = self._clock.now_ns()
        while times and times[0] <= now_ns - within_ns:
            times.popleft()
        if len(times) >= most * self._limits:
            return False
        times.append(now_ns)
        return True

    def _watch(self, connection: _Connection) -> None:
        """Cut a client to which nothing was said for a minute."""
        if self._clock.now_ns() - connection.said_ns >= _IDLE_NS:
            connection.outbox.abort()
            return
        connection.timer = self._clock.call_later(_LOOK_NS, lambda: self._watch(connection))

    # -- messages ------------------------------------------------------------------------------------

    def _take(self, connection: _Connection, address: str, text: str) -> None:
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            message = None
        method = message.get("method") if isinstance(message, dict) else None
        if method == "ping":
            connection.say('{"channel":"pong"}')
        elif method in ("subscribe", "unsubscribe") and isinstance(message.get("subscription"), dict):
            self._control(connection, method, message["subscription"])
        elif method == "post" and type(message.get("id")) is int and isinstance(message.get("request"), dict):
            self._post(connection, address, message["id"], message["request"])
        else:
            connection.say(frame("error", f"Error parsing JSON into valid websocket request: {text[:200]}"))

    def _control(self, connection: _Connection, method: str, asked: dict[str, Any]) -> None:
        found = self._topic(asked)
        shown = _encode(asked).decode()
        if found is None:
            connection.say(frame("error", f"Invalid subscription {shown}"))
            return
        topic, echoed, user = found
        key = _encode(echoed).decode()
        if method == "unsubscribe":
            if connection.subscriptions.pop(key, None) is None:
                connection.say(frame("error", f"Already unsubscribed: {shown}"))
                return
            self._hub.unsubscribe(connection.subscriber, topic)
            connection.say(frame("subscriptionResponse", {"method": method, "subscription": echoed}))
            return
        if key in connection.subscriptions:
            connection.say(frame("error", f"Already subscribed: {shown}"))
            return
        everybody = set[str]().union(*(each.users for each in self._connections))
        if self._limits and user and user not in everybody and len(everybody) >= _MAX_USERS:
            connection.say(frame("error", f"Cannot track more than {_MAX_USERS} total users."))
            return
        if self._limits and len(connection.subscriptions) >= _MAX_SUBSCRIPTIONS:
            connection.say(frame("error", f"Cannot track more than {_MAX_SUBSCRIPTIONS} subscriptions."))
            return
        if user:
            connection.users.add(user)
        connection.subscriptions[key] = topic
        self._hub.subscribe(connection.subscriber, topic)
        connection.say(frame("subscriptionResponse", {"method": method, "subscription": echoed}))
        name = self._names.get(user, "")
        begins = self._first_of_user(str(asked["type"]), user, name) if user else self._first(topic)
        for text in begins:
            self._hub.reply(connection.subscriber, str(asked["type"]), text)

    def _topic(self, asked: Mapping[str, Any]) -> tuple[str, dict[str, Any], str] | None:
        """Return topic, what is echoed, and whose it is; None for what there is not."""
        kind = asked.get("type")
        if kind == "allMids":
            return "allMids", {"type": kind}, ""
        if kind in _MARKET_FEEDS:
            coin = asked.get("coin")
            if coin not in self._coins:
                return None
            echoed = {"type": kind, "coin": coin}
            if kind != "l2Book":
                return f"{kind}/{coin}", echoed, ""
            if asked.get("nSigFigs") is not None or asked.get("mantissa") is not None:
                return None  # books by coarser prices are not played
            fast = asked.get("fast") is True
            echoed |= {"nSigFigs": None, "mantissa": None, **({"fast": True} if fast else {})}
            return f"l2Book/{coin}{'/fast' if fast else ''}", echoed, ""
        if isinstance(kind, str) and kind in _USER_FEEDS:
            user = asked.get("user")
            if not isinstance(user, str):
                return None
            user = user.lower()
            echoed = {"type": kind, "user": user}
            if kind == "userFills":
                echoed["aggregateByTime"] = False
            # Of an address that is no account nothing ever comes.
            return f"{_USER_FEEDS[kind]}/{self._names.get(user, user)}", echoed, user
        return None

    def _post(self, connection: _Connection, address: str, number: int, request: dict[str, Any]) -> None:
        payload, kind = request.get("payload"), request.get("type")
        if not isinstance(payload, dict) or kind not in ("info", "action"):
            self._reply(connection, number, "unknown", "error", f"422 {MALFORMED}")
            return
        name = kind_of(payload)

        def handle() -> None:
            weight = weight_of(name) if kind == "info" else 1
            if not self._weights.charge(address, weight):
                self._reply(connection, number, name, "error", "429 Too Many Requests: address")
                return
            holding = kind == "action" and self._queue.hold()
            try:
                if kind == "info":
                    answer: Any = {"type": name, "data": self._gateway.info(payload)}
                else:
                    answer = self._gateway.exchange(payload)
            except Malformed:
                self._reply(connection, number, name, "error", f"422 {MALFORMED}")
            else:
                self._reply(connection, number, name, str(kind), answer)
            finally:
                if holding:
                    self._queue.release()

        self._hub.request(connection.subscriber, name, handle)

    def _reply(self, connection: _Connection, number: int, name: str, kind: str, payload: Any) -> None:
        connection.said_ns = self._clock.now_ns()
        data = {"id": number, "response": {"type": kind, "payload": payload}}
        self._hub.reply(connection.subscriber, name, frame("post", data))
