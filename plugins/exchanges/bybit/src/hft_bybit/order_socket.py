"""The websocket by which orders are entered, of all products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from hft import ConnectionSpec, Link, Login, RequestSocket, SocketRequest
from hft_bybit import limits
from hft_bybit.endpoints import TRADE_PATH
from hft_bybit.private_codec import TradeFrame, decode_trade_frame
from hft_bybit.refusals import TOO_MANY
from hft_bybit.requests import NS_PER_MS
from hft_bybit.rest_api import RestApi
from hft_bybit.signing import Signer, login_args

__all__ = ["OrderSocket", "login_frame", "private_spec"]

_LOGGED_IN_ALREADY = 20001
_RESTARTING = 10019
_LOGIN_ID = "login"


class Request(SocketRequest, Protocol):
    """A request about orders, as the socket sees it."""

    bucket: str
    """Which of the account's limits it costs."""

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


class OrderSocket(RequestSocket[Request]):
    """Sends requests and hands each its answer; logs in each time it opens, and signs nothing after that."""

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
        spec = private_spec(host, TRADE_PATH, b'{"reqId":"ping","op":"ping"}')
        super().__init__(link, spec, "the order connection", changed, answer_timeout_ns=answer_timeout_ns)
        self._api = api
        self._bad_time = bad_time
        self._login = Login(link, spec, lambda now_ns: login_frame(signer, api, "reqId", now_ns))

    def stop(self) -> None:
        """End what was begun; the connection is closed by somebody else."""
        self._login.stop()

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Log in."""
        super().on_open()
        self._login.begin()

    def on_close(self) -> None:
        """Give up on what is under way."""
        self._login.stop()
        super().on_close()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer."""
        self.heard()
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
            self.link.refused(bucket, limits.wait_ns(frame.headers, server_ns))
        if request is not None:
            request.answered(frame, recv_ns)
        elif not frame.request_id and frame.code:
            # Such as a frame that could not be read: whichever it was, it will be asked about.
            self.link.undecoded(self.conn, data, f"answer without id: {frame.code}")
        if frame.code == _RESTARTING:
            self.connect()

    def _on_login(self, frame: TradeFrame) -> None:
        if frame.code in (0, _LOGGED_IN_ALREADY):
            self._login.succeeded()
            self.usable()
            return
        self._bad_time()
        self._login.refused(f"{frame.code} {frame.message[:200]!r}")
