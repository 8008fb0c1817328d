"""The private streams: subscribed over the websocket API, or followed by a listen key."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from hft import Backoff, ClockOffset, ConnectionSpec, DecodeError, Link, RestAnswer, Timer, TransportError
from hft_binance import limits
from hft_binance.codec import PING
from hft_binance.endpoints import Product
from hft_binance.login import Login
from hft_binance.order_socket import api_spec
from hft_binance.private_codec import (
    KeyExpired,
    Shutdown,
    Terminated,
    UserEvent,
    decode_event,
    decode_listen_key,
    decode_spot_frame,
    event_name,
)
from hft_binance.requests import NS_PER_MS, encode_request
from hft_binance.rest_api import RestApi, refusal
from hft_binance.signing import Signer, signed_params

__all__ = ["ListenKeyStream", "SocketStream", "UserDataStream"]

_KEEP_ALIVE_NS = 30 * 60 * 1_000_000_000
"""A listen key lives for an hour after it was last asked for."""

_INITIAL_NS, _MAXIMUM_NS = 500_000_000, 30_000_000_000

_EVENTS = (
    "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE",
    "ALGO_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "MARGIN_CALL",
    "listenKeyExpired",
)
"""What is asked for; above all not TRADE_LITE, which tells every fill a second time."""

_KEY_PATHS = {Product.SPOT: "/api/v3/userDataStream", Product.USDM: "/fapi/v1/listenKey"}
_KEY_WEIGHTS = {Product.SPOT: 2, Product.USDM: 1}

OnEvent = Callable[[Product, UserEvent, int], None]


class UserDataStream(ABC):
    """The private stream of one product.

    ``changed`` is called with "" when what happens is heard of, and with the reason when it no longer is.
    ``unknown`` counts events of unknown names, which are ignored.
    """

    def __init__(
        self, product: Product, conn: str, link: Link, on_event: OnEvent, changed: Callable[[str], None]
    ) -> None:
        self.product = product
        self.conn = conn
        self.ready = False
        self.unknown: dict[str, int] = {}
        self._link = link
        self._on_event = on_event
        self._changed = changed

    @abstractmethod
    def connect(self) -> None:
        """Begin to connect."""

    @abstractmethod
    def stop(self) -> None:
        """End what was begun; the connection is closed by somebody else."""

    @abstractmethod
    def on_open(self) -> None:
        """Learn that the connection is open."""

    @abstractmethod
    def on_close(self) -> None:
        """Learn that it broke."""

    @abstractmethod
    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take a frame."""

    def _heard(self) -> None:
        if not self.ready:
            self.ready = True
            self._changed("")

    def _lose(self, reason: str) -> None:
        if self.ready:
            self.ready = False
            self._changed(f"{self.product.value}: {reason}")

    def _on_unknown(self, data: bytes, error: DecodeError) -> None:
        """Count an event that is not known; raise the error for one that is, and for what is none."""
        name = event_name(data)
        if not name or f"{name!r}" not in str(error):
            raise error
        count = self.unknown[name] = self.unknown.get(name, 0) + 1
        if count == 1:
            self._link.warn(f"{self.conn}: event {name[:40]!r} is unknown and ignored")


class SocketStream(UserDataStream):
    """Spot's private stream over the websocket API; the subscription is signed with any kind of key."""

    def __init__(
        self,
        host: str,
        link: Link,
        signer: Signer,
        clock: ClockOffset,
        on_event: OnEvent,
        changed: Callable[[str], None],
        bad_time: Callable[[], None],
    ) -> None:
        self.spec = api_spec(Product.SPOT, host, "user")
        super().__init__(Product.SPOT, self.spec.name, link, on_event, changed)
        self._signer = signer
        self._clock = clock
        self._login = Login(
            link,
            self.spec,
            self._write_subscription,
            limits.weight(Product.SPOT, 2),
            done=self._heard,
            bad_time=bad_time,
        )

    def connect(self) -> None:
        self._link.connect(self.spec)

    def stop(self) -> None:
        self._login.stop()

    def on_open(self) -> None:
        self._login.begin()

    def on_close(self) -> None:
        self._login.stop()
        self._lose("the user data connection broke")

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        try:
            frame = decode_spot_frame(data)
        except DecodeError as error:
            self._on_unknown(data, error)
            return
        event = frame.event
        if event is None:
            self._login.take(frame.id, frame.status, frame.error)
        elif isinstance(event, Terminated):
            self._lose("the exchange ended the subscription to user data")
            self._login.begin()
        elif isinstance(event, Shutdown):
            self.connect()
        else:
            self._on_event(Product.SPOT, event, recv_ns)

    def _write_subscription(self, request_id: str, now_ns: int) -> bytes:
        now_ms = (now_ns + self._clock.offset_ns) // NS_PER_MS
        params = signed_params({"timestamp": now_ms}, self._signer)
        return encode_request(request_id, "userDataStream.subscribe.signature", params)


class ListenKeyStream(UserDataStream):
    """A private stream whose URL holds a key, which is asked for by REST and kept alive.

    A connection with a key that has died opens and stays silent: each time it broke, the key is asked for
    again before the stream counts as heard.
    """

    def __init__(
        self,
        product: Product,
        host: str,
        link: Link,
        api: RestApi,
        on_event: OnEvent,
        changed: Callable[[str], None],
        *,
        routed: bool,
    ) -> None:
        super().__init__(
            product, f"{host}{'/private' if routed else ''}/ws#{product.value}-user", link, on_event, changed
        )
        self._host = host
        self._api = api
        self._routed = routed
        self._key = ""
        self._verified = False
        self._open = False
        self._stopped = False
        self._timer: Timer | None = None
        self._backoff = Backoff(link.random, initial_ns=_INITIAL_NS, maximum_ns=_MAXIMUM_NS)
        self._backoff.next_ns()

    def connect(self) -> None:
        self._ask("POST", {}, self._on_key)

    def stop(self) -> None:
        self._stopped = True
        self._wait(None, 0)
        if self._key:
            self._ask("DELETE", self._key_params(), lambda _: None)

    def on_open(self) -> None:
        self._open = True
        if self._verified:
            self._heard()

    def on_close(self) -> None:
        self._open = self._verified = False
        self._lose("the user data connection broke")
        if not self._stopped:
            self.connect()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        try:
            event = decode_event(data)
        except DecodeError as error:
            if b'"result"' not in data or event_name(data):
                self._on_unknown(data, error)
            return
        if isinstance(event, KeyExpired):
            self._renew("the listen key expired")
        elif isinstance(event, (Shutdown, Terminated)):
            self._renew("the exchange closes the connection")
        else:
            self._on_event(self.product, event, recv_ns)

    # -- the key -----------------------------------------------------------------------------------

    def _ask(
        self, method: str, params: dict[str, str], then: Callable[[RestAnswer | TransportError], None]
    ) -> None:
        costs = limits.weight(self.product, _KEY_WEIGHTS[self.product])
        call = self._api.call(method, _KEY_PATHS[self.product], params, costs=costs, signed=False)
        self._link.call(call, then)

    def _key_params(self) -> dict[str, str]:
        return {"listenKey": self._key} if self.product is Product.SPOT else {}

    def _on_key(self, answer: RestAnswer | TransportError) -> None:
        if self._stopped:
            return
        try:
            if isinstance(answer, TransportError):
                raise answer
            if answer.status != 200:
                raise self._refused("POST", answer)
            key = decode_listen_key(answer.body).key
        except (TransportError, DecodeError) as error:
            self._link.warn(f"{self.conn}: no listen key: {error}")
            self._wait(self.connect, self._backoff.next_ns())
            return
        self._backoff.reset()
        self._backoff.next_ns()
        self._wait(self._keep_alive, _KEEP_ALIVE_NS)
        self._verified = True
        if key != self._key:
            self._key = key
            self._link.connect(self._spec(key))
            # Replacing a connection that was open says that it closed.
            self._verified = True
        elif self._open:
            self._heard()

    def _keep_alive(self) -> None:
        self._ask("PUT", self._key_params(), self._on_kept_alive)

    def _on_kept_alive(self, answer: RestAnswer | TransportError) -> None:
        if self._stopped:
            return
        if isinstance(answer, RestAnswer) and answer.status == 200:
            self._backoff.reset()
            self._backoff.next_ns()
            self._wait(self._keep_alive, _KEEP_ALIVE_NS)
            return
        error = self._refused("PUT", answer) if isinstance(answer, RestAnswer) else answer
        self._link.warn(f"{self.conn}: the listen key was not kept alive: {error}")
        if isinstance(answer, RestAnswer) and 400 <= answer.status < 500 and answer.status not in (418, 429):
            self._renew("the listen key is gone")
        else:
            self._wait(self._keep_alive, self._backoff.next_ns())

    def _renew(self, reason: str) -> None:
        self._lose(reason)
        self._key, self._verified = "", False
        self.connect()

    def _refused(self, method: str, answer: RestAnswer) -> TransportError:
        costs = limits.weight(self.product, 1)
        return refusal(self._api.call(method, _KEY_PATHS[self.product], costs=costs), answer)

    def _spec(self, key: str) -> ConnectionSpec:
        path = f"/private/ws?listenKey={key}&events={'/'.join(_EVENTS)}" if self._routed else f"/ws/{key}"
        return ConnectionSpec(
            name=self.conn,
            url=f"{self._host}{path}",
            ping=PING,
            ping_ns=limits.PING_NS,
            silence_ns=limits.SILENCE_NS,
            limit=limits.CONNECTIONS[self.product],
        )

    def _wait(self, then: Callable[[], None] | None, delay_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if then is None else self._link.clock.call_later(delay_ns, then)
