"""One websocket of the simulated OKX: control frames, subscriptions, logins, orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from hft import Clock
from hft.sim import ClientConnection, EventQueue, Hub, Outbox, Subscriber
from hft_okx.simulator.auth import ApiKey, Keys
from hft_okx.simulator.errors import ApiError
from hft_okx.simulator.events import Events
from hft_okx.simulator.frames import encode
from hft_okx.simulator.listing import NS_PER_MS, NS_PER_S
from hft_okx.simulator.orders import text
from hft_okx.simulator.publisher import BUSINESS_CHANNELS, PUBLIC_CHANNELS
from hft_okx.simulator.trading import ACTIONS, Trading

__all__ = ["BUSINESS", "PRIVATE", "PUBLIC", "Connection", "PrivateServices", "Route"]

_HOUR_NS = 3600 * NS_PER_S
_REQUESTS_PER_HOUR = 480
_MAX_CHANNELS = 1000
_LONGEST_ID = 32

_FAILED_LOGIN, _TOO_MANY_CHANNELS = 4001, 4008

_LOGIN_CHANNELS = frozenset({"books-l2-tbt", "books50-l2-tbt"})
_PRIVATE_CHANNELS = frozenset({"orders", "account", "positions", "balance_and_position"})

_decode = msgspec.json.Decoder().decode


@attrs.frozen(kw_only=True)
class Route:
    """A path and the channels that it takes."""

    path: str
    channels: frozenset[str]


PUBLIC = Route(path="/ws/v5/public", channels=PUBLIC_CHANNELS)
BUSINESS = Route(path="/ws/v5/business", channels=BUSINESS_CHANNELS)
PRIVATE = Route(path="/ws/v5/private", channels=_PRIVATE_CHANNELS)


@attrs.frozen(kw_only=True)
class PrivateServices:
    """What a private connection needs besides."""

    keys: Keys
    trading: Trading
    events: Events
    queue: EventQueue


class Connection(ClientConnection):
    """What one client says and is told. ``subscribed`` is called with each public subscription.

    ``limited`` is False where requests are not counted.
    """

    def __init__(
        self,
        route: Route,
        number: int,
        outbox: Outbox,
        hub: Hub,
        clock: Clock,
        subscribed: Callable[[Subscriber, str, str], None],
        private: PrivateServices | None,
        *,
        limited: bool,
    ) -> None:
        super().__init__(outbox)
        self.route = route
        self._id = f"{number:08x}"
        self._hub = hub
        self._clock = clock
        self._subscribed = subscribed
        self._private = private
        self._limited = limited
        self._args: dict[str, str] = {}
        """What each private topic was subscribed to with."""
        self._key: ApiKey | None = None
        self._requests: deque[int] = deque(maxlen=_REQUESTS_PER_HOUR)

    def frame(self, topic: str, payload: str) -> str:
        arg = self._args.get(topic)
        return payload if arg is None else f'{{"arg":{arg},{payload}}}'

    def notice(self) -> str:
        """Write the notice that it will be closed soon."""
        msg = "The connection will soon be closed for a service upgrade. Please reconnect."
        return encode({"event": "notice", "code": "64008", "msg": msg, "connId": self._id})

    def take(self, text: str) -> bool:
        if text == "ping":
            self.outbox.send("pong")
        else:
            self._take(text)
        return True

    def _take(self, message: str) -> None:
        try:
            frame = _decode(message)
        except (msgspec.DecodeError, UnicodeError):
            frame = None
        op = frame.get("op") if isinstance(frame, dict) else None
        request_id = text(frame, "id") if isinstance(frame, dict) else ""
        args = frame.get("args") if isinstance(frame, dict) else None
        if not isinstance(op, str) or len(request_id) > _LONGEST_ID or not isinstance(args, list):
            self._error("60012", f"Invalid request: {message[:200]}", request_id)
        elif op in ("subscribe", "unsubscribe", "login"):
            if self._limited and not self._count():
                self._error("60014", "Requests too frequent.", request_id)
                return
            if op == "login":
                self._log_in(args)
            else:
                for arg in args:
                    self._subscribe(op, arg, request_id)
        elif op in ACTIONS and self.route is PRIVATE:
            expires = text(frame, "expTime")
            # By itself, since a fault may have the request carried out late, twice or never.
            self._hub.request(self.subscriber, op, lambda: self._trade(op, request_id, args, expires))
        else:
            self._error("60012", f"Invalid request: {message[:200]}", request_id)

    # -- who it is ---------------------------------------------------------------------------------

    def _log_in(self, args: Any) -> None:
        try:
            if self._private is None:
                raise ApiError("60032", "API key doesn't exist.")
            self._key = self._private.keys.of_login(args, self._clock.now_ns() // NS_PER_MS)
        except ApiError as error:
            self._error(error.code, error.msg, "")
            self.outbox.close(_FAILED_LOGIN, "Login failed.")
        else:
            self.outbox.send(encode({"event": "login", "code": "0", "msg": "", "connId": self._id}))

    def _count(self) -> bool:
        now_ns, requests = self._clock.now_ns(), self._requests
        if len(requests) == _REQUESTS_PER_HOUR and now_ns - requests[0] < _HOUR_NS:
            return False
        requests.append(now_ns)
        return True

    # -- subscriptions -----------------------------------------------------------------------------

    def _subscribe(self, op: str, arg: Any, request_id: str) -> None:
        channel = text(arg, "channel") if isinstance(arg, dict) else ""
        if channel not in self.route.channels and not (
            self.route is BUSINESS and channel.startswith("candle")
        ):
            said = f"Wrong URL or channel:{channel[:40]} doesn't exist. Please use the correct URL, channel"
            self._error("60018", said, request_id)
            return
        if self.route is PRIVATE and self._key is None:
            self._error("60011", "Please log in", request_id)
            return
        if channel in _LOGIN_CHANNELS:
            self._error("64003", "Your trading fee tier doesn't meet the requirement", request_id)
            return
        topic = self._topic(channel, arg)
        ack: dict[str, Any] = {"id": request_id} if request_id else {}
        self.outbox.send(encode(ack | {"event": op, "arg": arg, "connId": self._id}))
        if op == "unsubscribe":
            self._hub.unsubscribe(self.subscriber, topic)
            return
        self._hub.subscribe(self.subscriber, topic)
        if len(self.subscriber.topics) > _MAX_CHANNELS:
            self.outbox.close(_TOO_MANY_CHANNELS)
        elif self.route is PRIVATE:
            self._begin_private(channel, topic, arg)
        else:
            self._subscribed(self.subscriber, channel, text(arg, "instId"))

    def _topic(self, channel: str, arg: Any) -> str:
        if self.route is not PRIVATE:
            return f"{channel}/{text(arg, 'instId')}"
        assert self._key is not None
        scope = text(arg, "ccy")
        if channel in ("orders", "positions"):
            name = text(arg, "instId")
            family = text(arg, "instFamily")
            scope = f"{text(arg, 'instType') or 'ANY'}/{name or (f'{family}-SWAP' if family else '')}"
        return f"user/{self._key.account}/{channel}/{scope}"

    def _begin_private(self, channel: str, topic: str, arg: Any) -> None:
        assert self._key is not None
        assert self._private is not None
        self._args[topic] = encode(arg | {"uid": self._key.account})
        count = {"event": "channel-conn-count", "channel": channel, "connCount": "1", "connId": self._id}
        self.outbox.send(encode(count))
        scope = topic.split("/", 3)[3]
        payload = self._private.events.snapshot(self._key.account, channel, scope)
        if payload:
            self._hub.publish_to(self.subscriber, topic, payload)

    # -- orders ------------------------------------------------------------------------------------

    def _trade(self, op: str, request_id: str, args: list[Any], expires: str) -> None:
        assert self._private is not None
        queue = self._private.queue
        held = queue.hold()
        began_ns = self._clock.now_ns()
        try:
            try:
                if self._key is None:
                    raise ApiError("60011", "Please log in")
                if not all(isinstance(arg, dict) for arg in args):
                    raise ApiError("60013", "Invalid args")
                body = self._private.trading.answer(self._key, op, args, expires, ws=True)
            except ApiError as error:
                body = {"code": error.code, "msg": error.msg, "data": []}
            times = {"inTime": str(began_ns // 1000), "outTime": str(self._clock.now_ns() // 1000)}
            self._hub.reply(self.subscriber, op, encode({"id": request_id, "op": op} | body | times))
        finally:
            if held:
                queue.release()

    def _error(self, code: str, msg: str, request_id: str) -> None:
        frame: dict[str, Any] = {"id": request_id} if request_id else {}
        self.outbox.send(encode(frame | {"event": "error", "code": code, "msg": msg, "connId": self._id}))
