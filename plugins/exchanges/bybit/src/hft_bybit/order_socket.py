"""The websocket by which orders are entered, of all products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from hft import ConnectionSpec, Costs, Link, Login, OrderError, PendingRequests, Priority
from hft_bybit import limits
from hft_bybit.endpoints import TRADE_PATH
from hft_bybit.private_codec import TradeFrame, decode_trade_frame
from hft_bybit.refusals import TOO_MANY
from hft_bybit.requests import NS_PER_MS
from hft_bybit.rest_api import RestApi
from hft_bybit.signing import Signer, login_args

__all__ = ["OrderSocket", "SocketRequest", "login_frame", "private_spec"]

_LOGGED_IN_ALREADY = 20001
_RESTARTING = 10019
_LOGIN_ID = "login"

_DEAD_TIMEOUTS = 3
"""A connection that brings nothing at all for so many times as long as an answer may take, although it was
asked all the while, is dead: that much earlier is it replaced than one on which nothing is asked."""


class SocketRequest(Protocol):
    """A request about orders, as the socket sees it."""

    request_id: str
    sent_ns: int
    bucket: str
    """Which of the account's limits it costs."""

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way."""

    def dropped(self, reason: str) -> None:
        """Learn that it certainly was not sent."""

    def unanswered(self, reason: str) -> None:
        """Learn that nobody knows what became of it."""

    def answered(self, frame: TradeFrame, recv_ns: int) -> None:
        """Take the answer."""


def private_spec(host: str, path: str, ping: bytes) -> ConnectionSpec:
    """Return a connection that needs a login; neither side says anything while nothing happens but pings."""
    url = f"{host}{path}"
    return ConnectionSpec(
        name=url,
        url=url,
        messages_per_s=limits.ORDER_MESSAGES_PER_S,
        ping=ping,
        ping_ns=limits.PING_NS,
        silence_ns=limits.SILENCE_NS,
        limit=limits.CONNECTIONS,
    )


def login_frame(signer: Signer, api: RestApi, id_name: str, now_ns: int) -> bytes:
    """Write the login of a websocket; its answer names the id, where it names any."""
    expires_ms = api.server_ms(now_ns) + limits.LOGIN_WINDOW_NS // NS_PER_MS
    return msgspec.json.encode(
        {id_name: _LOGIN_ID, "op": "auth", "args": login_args(signer, expires_ms=expires_ms)}
    )


class OrderSocket:
    """Sends requests and hands each its answer; logs in each time it opens, and signs nothing after that.

    ``changed`` is called when it can be used, with "", and with the reason when it no longer can.
    """

    def __init__(
        self,
        host: str,
        link: Link,
        signer: Signer,
        api: RestApi,
        *,
        answer_timeout_ns: int,
        changed: Callable[[str], None],
        bad_time: Callable[[], None],
    ) -> None:
        self.spec = private_spec(host, TRADE_PATH, b'{"reqId":"ping","op":"ping"}')
        self.conn = self.spec.name
        self.ready = False
        self.pending: PendingRequests[SocketRequest] = PendingRequests(
            link.clock, answer_timeout_ns, self._on_unanswered
        )
        self._dead_ns = _DEAD_TIMEOUTS * answer_timeout_ns
        self._asked_since_ns = 0
        """When the first request was written after which nothing has come yet, 0: there is none."""
        self._link = link
        self._api = api
        self._changed = changed
        self._bad_time = bad_time
        self._number = 0
        self._login = Login(link, self.spec, lambda now_ns: login_frame(signer, api, "reqId", now_ns))

    def connect(self) -> None:
        """Begin to connect."""
        self._link.connect(self.spec)

    def stop(self) -> None:
        """End what was begun; the connection is closed by somebody else."""
        self._login.stop()

    def send(self, request: SocketRequest, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        if not self.ready:
            raise OrderError("the order connection is down")
        try:
            self._link.send(
                self.conn, costs, priority, request.write, deadline_ns=deadline_ns, dropped=request.dropped
            )
        except OrderError:
            self.pending.discard(request.request_id)
            raise

    def register(self, request: SocketRequest, now_ns: int) -> str:
        """Give a request that is being written its id, and remember it."""
        self._number = number = self._number + 1
        request.request_id = request_id = str(number)
        request.sent_ns = now_ns
        self.pending.add(request_id, request, now_ns)
        self._asked_since_ns = self._asked_since_ns or now_ns
        return request_id

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Log in."""
        self._asked_since_ns = 0
        self._login.begin()

    def on_close(self) -> None:
        """Give up on what is under way."""
        self._login.stop()
        self._lose("the order connection broke")
        self.pending.lose("the order connection broke")

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer."""
        self._asked_since_ns = 0
        frame = decode_trade_frame(data)
        if frame.op == "auth":
            self._on_login(frame)
            return
        if frame.op in ("ping", "pong"):
            return
        request = self.pending.take(frame.request_id)
        bucket = limits.SOCKET_ORDERS if request is None else request.bucket
        # What was sent after the request that is answered is not in the exchange's count.
        self._api.take_limits(bucket, frame.headers, recv_ns if request is None else request.sent_ns)
        if frame.code in TOO_MANY:
            server_ns = recv_ns + self._api.clock.offset_ns
            self._link.refused(bucket, limits.wait_ns(frame.headers, server_ns))
        if request is not None:
            request.answered(frame, recv_ns)
        elif not frame.request_id and frame.code:
            # Such as a frame that could not be read: whichever it was, it will be asked about.
            self._link.undecoded(self.conn, data, f"answer without id: {frame.code}")
        if frame.code == _RESTARTING:
            self.connect()

    def _on_login(self, frame: TradeFrame) -> None:
        if frame.code in (0, _LOGGED_IN_ALREADY):
            self._login.succeeded()
            self.ready = True
            self._changed("")
            return
        self._bad_time()
        self._login.refused(f"{frame.code} {frame.message[:200]!r}")

    def _on_unanswered(self, request: SocketRequest, reason: str) -> None:
        request.unanswered(reason)
        silent_ns = self._link.clock.now_ns() - self._asked_since_ns
        if self.ready and self._asked_since_ns and silent_ns >= self._dead_ns:
            self._asked_since_ns = 0
            self._link.warn(f"{self.conn}: nothing has come for {silent_ns / 1e9:g} s, connecting anew")
            self.connect()

    def _lose(self, reason: str) -> None:
        if self.ready:
            self.ready = False
            self._changed(reason)
