"""The websocket by which orders of one product are entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hft import ClockOffset, ConnectionSpec, Costs, DecodeError, Link, OrderError, PendingRequests, Priority
from hft_binance import limits
from hft_binance.endpoints import WS_API_PATHS, Product
from hft_binance.login import Login
from hft_binance.private_codec import Answer, ApiError, decode_answer, event_name
from hft_binance.requests import NS_PER_MS, encode_request
from hft_binance.signing import Signer, signed_params

__all__ = ["OrderSocket", "SocketRequest", "api_spec"]

_LOGIN_COSTS = {product: limits.weight(product, 2) for product in Product}
_REVOKED = 401
_BANNED = 418
_TOO_MANY = (429, _BANNED)
_TOO_MANY_ORDERS = -1015

_DEAD_TIMEOUTS = 3
"""A connection that brings nothing at all for so many times as long as an answer may take, although it was
asked all the while, is dead: that much earlier is it replaced than one on which nothing is asked."""


class SocketRequest(Protocol):
    """A request about an order, as the socket sees it."""

    request_id: str
    sent_ns: int

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way."""

    def dropped(self, reason: str) -> None:
        """Learn that it certainly was not sent."""

    def unanswered(self, reason: str) -> None:
        """Learn that nobody knows what became of it."""

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


class OrderSocket:
    """Sends requests and hands each its answer.

    With an Ed25519 key it logs in each time it opens, and requests are not signed; otherwise each is.
    ``changed`` is called when it can be used, with "", and with the reason when it no longer can.
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
        self.spec = api_spec(product, host, "orders")
        self.conn = self.spec.name
        self.clock = clock
        self.ready = False
        self.pending: PendingRequests[SocketRequest] = PendingRequests(
            link.clock, answer_timeout_ns, self._on_unanswered
        )
        self._dead_ns = _DEAD_TIMEOUTS * answer_timeout_ns
        self._asked_since_ns = 0
        """When the first request was written after which nothing has come yet, 0: there is none."""
        self._link = link
        self._signer = signer
        self._changed = changed
        self._number = 0
        self._message_costs = limits.MESSAGE_COSTS[product]
        self._login = (
            Login(
                link,
                self.spec,
                self._write_login,
                _LOGIN_COSTS[product],
                done=self._on_usable,
                bad_time=bad_time,
            )
            if logs_in
            else None
        )

    def connect(self) -> None:
        """Begin to connect."""
        self._link.connect(self.spec)

    def send(self, request: SocketRequest, costs: Costs, priority: Priority, deadline_ns: int) -> None:
        """Send a request; raise `OrderError` where it certainly is not sent."""
        if not self.ready:
            raise OrderError(f"{self.product.value}: the order connection is down")
        try:
            self._link.send(
                self.conn,
                costs + self._message_costs,
                priority,
                request.write,
                deadline_ns=deadline_ns,
                dropped=request.dropped,
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
        """Log in, if there is a need to."""
        self._asked_since_ns = 0
        if self._login is None:
            self._on_usable()
        else:
            self._login.begin()

    def on_close(self) -> None:
        """Give up on what is under way."""
        if self._login is not None:
            self._login.stop()
        self._lose("the order connection broke")
        self.pending.lose("the order connection broke")

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        """Take an answer."""
        self._asked_since_ns = 0
        answer = decode_answer(data)
        request = self.pending.take(answer.id) if isinstance(answer.id, str) else None
        # What was sent after the request that is answered is not in the exchange's count.
        sent_ns = recv_ns if request is None else request.sent_ns
        for count in answer.limits:
            if name := limits.counted(self.product, count.kind, count.interval, count.interval_num):
                self._link.observe(name, count.count, sent_ns)
        if answer.status in _TOO_MANY:
            self._back_off(answer)
        if request is not None:
            request.answered(answer.status, bytes(answer.result), answer.error, recv_ns)
        elif answer.id is None:
            self._on_notice(answer, data)
        elif self._login is not None:
            self._login.take(answer.id, answer.status, answer.error)

    def _on_unanswered(self, request: SocketRequest, reason: str) -> None:
        request.unanswered(reason)
        silent_ns = self._link.clock.now_ns() - self._asked_since_ns
        if self.ready and self._asked_since_ns and silent_ns >= self._dead_ns:
            self._asked_since_ns = 0
            self._link.warn(f"{self.conn}: nothing has come for {silent_ns / 1e9:g} s, connecting anew")
            self.connect()

    def _on_notice(self, answer: Answer, data: bytes) -> None:
        if answer.status == _REVOKED:
            # The session is logged out; so must we be, and try again.
            self._lose(f"logged out: {answer.error.code} {answer.error.msg[:200]!r}")
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
            self._link.refused(None, wait_ns)
        elif answer.error.code == _TOO_MANY_ORDERS:
            for name in limits.ORDERS[self.product].values():
                self._link.refused(name, wait_ns)
        else:
            self._link.refused(self.product.value, wait_ns)

    def _write_login(self, request_id: str, now_ns: int) -> bytes:
        now_ms = (now_ns + self.clock.offset_ns) // NS_PER_MS
        return encode_request(request_id, "session.logon", signed_params({"timestamp": now_ms}, self._signer))

    def _on_usable(self) -> None:
        self.ready = True
        self._changed("")

    def _lose(self, reason: str) -> None:
        if self.ready:
            self.ready = False
            self._changed(f"{self.product.value}: {reason}")
