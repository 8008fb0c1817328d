"""The websocket by which orders of one product are entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hft import ClockOffset, ConnectionSpec, Costs, DecodeError, Link, Priority, RequestSocket, SocketRequest
from hft_binance import limits
from hft_binance.endpoints import WS_API_PATHS, Product
from hft_binance.login import Login
from hft_binance.private_codec import Answer, ApiError, decode_answer, event_name
from hft_binance.requests import NS_PER_MS, encode_request
from hft_binance.signing import Signer, signed_params

__all__ = ["OrderSocket", "api_spec"]

_LOGIN_COSTS = {product: limits.weight(product, 2) for product in Product}
_REVOKED = 401
_BANNED = 418
_TOO_MANY = (429, _BANNED)
_TOO_MANY_ORDERS = -1015


class Request(SocketRequest, Protocol):
    """A request about an order, as the socket sees it."""

    def answered(self, status: int, result: bytes, error: ApiError, recv_ns: int) -> None:
        """Take the answer."""


def api_spec(product: Product, host: str, purpose: str) -> ConnectionSpec:
    """Return a connection to the websocket API of a product, kept apart by its purpose.

    Neither side says anything while nothing is traded: what we ask shows that the line is alive.
    """
    url = f"{host}{WS_API_PATHS[product]}"
    method = "ping" if product is Product.SPOT else "session.status"
    return ConnectionSpec(
        name=f"{url}#{purpose}",
        url=url,
        messages_per_s=limits.ORDER_MESSAGES_PER_S,
        ping=encode_request("ping", method, {}),
        ping_ns=limits.PING_NS,
        silence_ns=limits.SILENCE_NS,
        limit=limits.CONNECTIONS[product],
    )


class OrderSocket(RequestSocket[Request]):
    """Sends requests and hands each its answer.

    With an Ed25519 key it logs in each time it opens, and requests are not signed; otherwise each is.
    """

    def __init__(
        self,
        product: Product,
        host: str,
        link: Link,
        signer: Signer,
        clock: ClockOffset,
        *,
        logs_in: bool,
        answer_timeout_ns: int,
        changed: Callable[[str], None],
        bad_time: Callable[[], None],
    ) -> None:
        self.product = product
        super().__init__(
            link,
            api_spec(product, host, "orders"),
            f"{product.value}: the order connection",
            changed,
            answer_timeout_ns=answer_timeout_ns,
        )
        self.clock = clock
        self._signer = signer
        self._message_costs = limits.MESSAGE_COSTS[product]
        self._login = (
            Login(
                link,
                self.spec,
                self._write_login,
                _LOGIN_COSTS[product],
                done=self.usable,
                bad_time=bad_time,
            )
            if logs_in
            else None
        )

    def send(self, request: Request, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        super().send(request, costs + self._message_costs, priority, deadline_ns)

    # -- connection --------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Log in, if there is a need to."""
        super().on_open()
        if self._login is None:
            self.usable()
        else:
            self._login.begin()

    def on_close(self) -> None:
        """Give up on what is under way."""
        if self._login is not None:
            self._login.stop()
        super().on_close()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer."""
        self.heard()
        answer = decode_answer(data)
        request = self.pending.take(answer.id) if isinstance(answer.id, str) else None
        # What was sent after the request that is answered is not in the exchange's count.
        sent_ns = recv_ns if request is None else request.sent_ns
        for count in answer.limits:
            if name := limits.counted(self.product, count.kind, count.interval, count.interval_num):
                self.link.observe(name, count.count, sent_ns)
        if answer.status in _TOO_MANY:
            self._back_off(answer)
        if request is not None:
            request.answered(answer.status, bytes(answer.result), answer.error, recv_ns)
        elif answer.id is None:
            self._on_notice(answer, data)
        elif self._login is not None:
            self._login.take(answer.id, answer.status, answer.error)

    def _on_notice(self, answer: Answer, data: bytes) -> None:
        if answer.status == _REVOKED:
            # The session is logged out; so must we be, and try again.
            self.lose(f"{self.product.value}: logged out: {answer.error.code} {answer.error.msg[:200]!r}")
            if self._login is not None:
                self._login.begin()
        elif event_name(data) == "serverShutdown":
            self.connect()
        elif answer.status:
            # Such as a frame that could not be read: whichever it was, it will be asked about.
            raise DecodeError(f"answer without id: status {answer.status}, {answer.error.code}")

    def _back_off(self, answer: Answer) -> None:
        """Leave alone what the exchange says is used up: all of it once it has banned us."""
        data = answer.error.data
        wait_ns = max(0, data.retry_ms - data.server_ms) * NS_PER_MS if data is not None else 0
        if answer.status == _BANNED:
            self.link.refused(None, wait_ns)
        elif answer.error.code == _TOO_MANY_ORDERS:
            for name in limits.ORDERS[self.product].values():
                self.link.refused(name, wait_ns)
        else:
            self.link.refused(self.product.value, wait_ns)

    def _write_login(self, request_id: str, now_ns: int) -> bytes:
        now_ms = (now_ns + self.clock.offset_ns) // NS_PER_MS
        return encode_request(request_id, "session.logon", signed_params({"timestamp": now_ms}, self._signer))
