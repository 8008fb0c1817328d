"""The private connection: logged in, subscribed to what happens to the account, open for orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hft import ConnectionSpec, DecodeError, Link, Login, RequestSocket, SocketRequest
from hft_okx import limits
from hft_okx.codec import PING, PONG, request_frame
from hft_okx.endpoints import PRIVATE_PATH
from hft_okx.private_codec import OrderAnswer, PrivateFrame, decode_order_answer, decode_private
from hft_okx.refusals import BAD_TIME, NOT_LOGGED_IN
from hft_okx.signing import Signer

__all__ = ["PrivateSocket"]

_CHANNELS = (
    {"channel": "orders", "instType": "ANY"},
    {"channel": "account"},
    {"channel": "positions", "instType": "ANY"},
    {"channel": "balance_and_position"},
)

_SUBSCRIBE_ID = "subscribe"


class Request(SocketRequest, Protocol):
    """What is sent over the connection and answered there."""

    def answered(self, answer: OrderAnswer, recv_ns: int) -> None:
        """Take the answer."""


class PrivateSocket(RequestSocket[Request]):
    """Logs in and subscribes each time it opens; then orders are sent and heard of on it.

    ``on_data`` gets the frames of its channels; ``bad_time`` is called where the exchange says that our time
    is wrong. ``server_ns`` turns our time into the exchange's.
    """

    def __init__(
        self,
        host: str,
        link: Link,
        signer: Signer,
        *,
        server_ns: Callable[[int], int],
        answer_timeout_ns: int,
        on_data: Callable[[PrivateFrame, int], None],
        changed: Callable[[str], None],
        bad_time: Callable[[], None],
    ) -> None:
        url = f"{host}{PRIVATE_PATH}"
        spec = ConnectionSpec(
            name=url,
            url=url,
            messages_per_s=limits.ORDER_MESSAGES_PER_S,
            ping=PING,
            ping_ns=limits.PING_NS,
            silence_ns=limits.SILENCE_NS,
            limit=limits.CONNECTIONS,
        )
        super().__init__(link, spec, "the private connection", changed, answer_timeout_ns=answer_timeout_ns)
        self._signer = signer
        self._server_ns = server_ns
        self._on_data = on_data
        self._bad_time = bad_time
        self._logged_in = False
        self._awaited: set[str] = set()
        """Channels whose subscription was not acknowledged yet."""
        self._login = Login(link, spec, self._write_login)
        self._subscription = Login(link, spec, self._write_subscription)

    def stop(self) -> None:
        """Wait for no answer any more."""
        self._login.stop()
        self._subscription.stop()

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Log in."""
        super().on_open()
        self._logged_in = False
        self._login.begin()

    def on_close(self) -> None:
        """Give up on what is under way."""
        self.stop()
        self._logged_in = False
        super().on_close()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take a frame; raise `DecodeError` for one that is not understood."""
        self.heard()
        if data == PONG:
            return
        frame = decode_private(data)
        if frame.event:
            self._on_event(frame)
        elif frame.op:
            self._on_answer(frame, data, recv_ns)
        elif frame.arg is not None:
            self._on_data(frame, recv_ns)
        else:
            raise DecodeError("unknown frame")

    def _on_answer(self, frame: PrivateFrame, data: bytes, recv_ns: int) -> None:
        request = self.pending.take(frame.id or "")
        if request is None:
            return  # it was answered before
        try:
            answer = decode_order_answer(data)
        except DecodeError as error:
            request.unanswered(f"the answer was not understood: {error}")
            raise
        request.answered(answer, recv_ns)
        if frame.code == NOT_LOGGED_IN:
            self._log_in_again(f"{frame.code} {frame.msg[:200]!r}")

    def _on_event(self, frame: PrivateFrame) -> None:
        match frame.event:
            case "login":
                self._on_login(frame)
            case "subscribe":
                self._on_subscribed("" if frame.arg is None else frame.arg.channel)
            case "notice":
                self.link.warn(f"{self.conn}: {frame.code} {frame.msg[:200]!r}, connecting anew")
                self.connect()
            case "error" | "channel-conn-count-error":
                self._on_refused(frame)
            case "unsubscribe" | "channel-conn-count":
                pass
            case _:
                raise DecodeError("unknown frame")

    def _on_login(self, frame: PrivateFrame) -> None:
        if frame.code not in ("", "0"):
            self._on_refused(frame)
            return
        self._login.succeeded()
        self._logged_in = True
        self._awaited = {channel["channel"] for channel in _CHANNELS}
        self._subscription.begin()

    def _on_subscribed(self, channel: str) -> None:
        self._awaited.discard(channel)
        if self._logged_in and not self._awaited and not self.ready:
            self._subscription.succeeded()
            self.usable()

    def _on_refused(self, frame: PrivateFrame) -> None:
        said = f"{frame.code} {frame.msg[:200]!r}"
        request = self.pending.take(frame.id) if frame.id else None
        if frame.code in BAD_TIME:
            self._bad_time()
        if request is not None:
            request.answered(OrderAnswer(code=frame.code, msg=frame.msg), self.link.clock.now_ns())
        if frame.code == NOT_LOGGED_IN and self._logged_in:
            self._log_in_again(said)
        elif not self._logged_in:
            self._login.refused(said)
        elif not self.ready:
            self._subscription.refused(f"subscription: {said}")
        elif request is None:
            self.link.warn(f"{self.conn}: refused: {said}")

    def _log_in_again(self, said: str) -> None:
        """Take the session for logged out, as the exchange does."""
        if self._logged_in:
            self._logged_in = False
            self.lose(f"logged out: {said}")
            self._login.begin()

    def _write_login(self, now_ns: int) -> bytes:
        return request_frame("login", [self._signer.login(self._server_ns(now_ns))])

    def _write_subscription(self, now_ns: int) -> bytes:
        wanted = [channel for channel in _CHANNELS if channel["channel"] in self._awaited]
        return request_frame("subscribe", wanted, _SUBSCRIBE_ID)
