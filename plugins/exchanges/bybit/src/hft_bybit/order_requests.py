"""Requests about orders, from their sending to their end: taken, refused, unanswered or not sent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Raw

from hft import (
    ApprovedOrder,
    Costs,
    DecodeError,
    HttpRequest,
    Instrument,
    Link,
    Order,
    OrderError,
    OrderMessage,
    Price,
    Priority,
    ReportKind,
    RestAnswer,
    RestCall,
    Size,
    TransportError,
)
from hft_bybit import limits
from hft_bybit.confirmations import Awaited, Confirmations
from hft_bybit.endpoints import product_traded
from hft_bybit.evidence import Evidence
from hft_bybit.order_socket import OrderSocket
from hft_bybit.private_codec import (
    Acknowledged,
    TradeFrame,
    decode_acknowledged,
    decode_batch,
    decode_envelope,
    decode_verdicts,
    refusal_of,
)
from hft_bybit.refusals import BAD_TIME, verdict
from hft_bybit.requests import Form, OrderBodies, order_frame
from hft_bybit.rest_api import RestApi

__all__ = ["Desk"]

_REASON_CHARS = 200
_OK = 200


class Desk:
    """Sends the orders of one instrument. ``socket`` is None where orders travel by REST."""

    def __init__(
        self,
        instrument: Instrument,
        link: Link,
        api: RestApi,
        evidence: Evidence,
        confirmations: Confirmations,
        *,
        bodies: OrderBodies,
        socket: OrderSocket | None,
        order_wait_ns: int,
        bad_time: Callable[[], None],
    ) -> None:
        self.instrument = instrument
        self.product = product_traded(instrument)
        self.link = link
        self.clock = link.clock
        self.api = api
        self.evidence = evidence
        self.events = evidence.events
        self.confirmations = confirmations
        self.bodies = bodies
        self.socket = socket
        self.bad_time = bad_time
        self._order_wait_ns = order_wait_ns

    def place(self, order: ApprovedOrder) -> None:
        """Send a new order."""
        self._send(_Placing(self, order, self.bodies.placing(order)))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Send a change of price and size."""
        self._send(_Amending(self, order, price, size))

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        """Send several new orders in one message."""
        self._send(_PlacingBatch(self, orders))

    def cancel(self, order: Order) -> None:
        """Send a cancel, by REST where the socket cannot: it must get out."""
        self._send_cancel(_Cancelling(self, order))

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        """Send several cancels in one message."""
        self._send_cancel(_CancellingBatch(self, orders))

    def _send(self, request: _Request) -> None:
        deadline_ns = self.clock.now_ns() + self._order_wait_ns
        if self.socket is None:
            request.send_rest(deadline_ns)
        else:
            self.socket.send(request, request.costs(rest=False), request.priority, deadline_ns)

    def _send_cancel(self, request: _Request) -> None:
        if self.socket is not None:
            try:
                self.socket.send(request, request.costs(rest=False), Priority.CANCEL, 0)
            except OrderError:
                pass
            else:
                return
        request.send_rest(0)


class _Request(OrderMessage):
    """A request about one or several orders of an instrument, which can travel either way."""

    __slots__ = ("bucket", "desk", "orders", "request_id", "sent_ns")

    operation: ClassVar[str]
    """What is asked, by the exchange's word for it."""
    awaited: ClassVar[Awaited]
    """What follows on the private stream."""

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        self.desk: Desk = desk
        self.orders: Sequence[Order] = orders
        self.bucket = f"{desk.product.value} {self.operation}"
        self.request_id = ""
        self.sent_ns = 0

    def costs(self, *, rest: bool) -> Costs:
        """Return what it takes of the limits."""
        return limits.order_costs(self.desk.product, self.operation, rest=rest, orders=len(self.orders))

    @property
    def path(self) -> str:
        """Where it goes by REST."""
        return f"/v5/order/{self.operation}"

    @abstractmethod
    def body(self) -> str:
        """Return what is asked."""

    @abstractmethod
    def take_result(self, result: Raw, verdicts: Raw, recv_ns: int) -> None:
        """Take the rest of an answer that says success."""

    # -- sending -----------------------------------------------------------------------------------

    def send_rest(self, deadline_ns: int) -> None:
        """Send it by REST."""
        desk = self.desk
        call = RestCall(
            method="POST",
            shown=desk.api.shown(self.path),
            write=self._write_rest,
            costs=self.costs(rest=True),
            priority=self.priority,
            deadline_ns=deadline_ns,
        )
        desk.link.call(call, lambda answer: self._on_rest(call, answer))

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way; raise `OrderError` if it is not to be sent any more."""
        self._begin()
        desk = self.desk
        socket = desk.socket
        assert socket is not None
        return order_frame(
            f"order.{self.operation}",
            self.body(),
            socket.register(self, now_ns),
            time_ms=desk.api.server_ms(now_ns),
            window_ms=desk.api.window_ms,
        )

    def _write_rest(self, now_ns: int) -> HttpRequest:
        self._begin()
        return self.desk.api.write_post(self.path, self.body(), now_ns)

    def _begin(self) -> None:
        """Note what is about to be sent; raise `OrderError` where it is not wanted any more."""
        self.check_wanted()
        for order in self.orders:
            self.desk.confirmations.expect(order, self.awaited)

    # -- what became of it -------------------------------------------------------------------------

    def answered(self, frame: TradeFrame, recv_ns: int) -> None:
        """Take the answer of the websocket."""
        self._take(_OK, frame.code, frame.message, frame.data, frame.verdicts, recv_ns)

    def _on_rest(self, call: RestCall, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError):
            self.broken(answer)
            return
        code = self.desk.api.judge(call, answer)
        if answer.status != _OK or code:
            _, message = refusal_of(answer.body)
            self._take(answer.status, code, message, Raw(b""), Raw(b""), answer.recv_ns)
            return
        try:
            envelope = decode_envelope(answer.body)
        except DecodeError as error:
            self._on_nonsense(answer.body, error)
            return
        self._take(_OK, 0, "", envelope.result, envelope.verdicts, answer.recv_ns)

    def _take(self, status: int, code: int, message: str, result: Raw, verdicts: Raw, recv_ns: int) -> None:
        if status != _OK or code:
            for order in self.orders:
                self.refused(order, status, code, message, recv_ns)
            return
        try:
            self.take_result(result, verdicts, recv_ns)
        except DecodeError as error:
            self._on_nonsense(bytes(result), error)

    def _on_nonsense(self, body: bytes, error: DecodeError) -> None:
        self.desk.link.undecoded(self.desk.api.shown(self.path), body, str(error))
        self.unanswered(f"the answer was not understood: {error}")

    def taken(self, order: Order, answer: Acknowledged, recv_ns: int) -> None:
        """Note that the exchange has taken what was asked about an order."""
        self.desk.confirmations.taken(order, self.awaited)

    def refused(self, order: Order, status: int, code: int, message: str, recv_ns: int) -> None:
        """Tell what an answer other than success proves."""
        judged = verdict(status, code)
        if code in BAD_TIME:
            self.desk.bad_time()
        reason = message[:_REASON_CHARS] or f"status {status}"
        self.ruled(order, judged, reason, code=str(code) if code else "", recv_ns=recv_ns)

    def tell_failed(self, order: Order, reason: str, *, code: str = "", recv_ns: int = 0) -> None:
        self.desk.confirmations.heard(order.client_order_id, self.awaited)
        super().tell_failed(order, reason, code=code, recv_ns=recv_ns)


class _Single(_Request):
    """A request about one order."""

    __slots__ = ()

    def take_result(self, result: Raw, verdicts: Raw, recv_ns: int) -> None:
        self.taken(self.orders[0], decode_acknowledged(result), recv_ns)


class _Batch(_Request):
    """A request about several orders, each with an answer of its own."""

    __slots__ = ()

    def body(self) -> str:
        return self.desk.bodies.batch([self.body_of(order) for order in self.orders])

    @abstractmethod
    def body_of(self, order: Order) -> str:
        """Return what is asked about one of the orders."""

    def take_result(self, result: Raw, verdicts: Raw, recv_ns: int) -> None:
        answers, said = decode_batch(result).orders, decode_verdicts(verdicts)
        if not len(answers) == len(said) == len(self.orders):
            raise DecodeError(
                f"{len(answers)} answers and {len(said)} verdicts to a batch of {len(self.orders)} orders"
            )
        for order, answer, verdict_ in zip(self.orders, answers, said, strict=True):
            if verdict_.code:
                self.refused(order, _OK, verdict_.code, verdict_.message, recv_ns)
            else:
                self.taken(order, answer, recv_ns)


class _New(_Request):
    """Something about new orders."""

    __slots__ = ()

    priority = Priority.NEW
    failed = ReportKind.REJECTED
    awaited = Awaited.PLACED

    def _begin(self) -> None:
        super()._begin()
        for order in self.orders:
            self.desk.evidence.note_placed(order)

    def taken(self, order: Order, answer: Acknowledged, recv_ns: int) -> None:
        self.desk.evidence.note_id(answer.order_id, order.client_order_id)
        super().taken(order, answer, recv_ns)
        self.tell(order, ReportKind.ACCEPTED, exchange_order_id=answer.order_id, recv_ns=recv_ns)


class _Cancel(_Request):
    """Something about orders that are to go."""

    __slots__ = ()

    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED
    awaited = Awaited.CANCELED

    def dropped(self, reason: str) -> None:
        # It waited for a socket that broke; the other way is still there.
        self.send_rest(0)


class _Placing(_New, _Single):
    """A new order."""

    __slots__ = ("_form",)

    operation = "create"

    def __init__(self, desk: Desk, order: Order, form: Form) -> None:
        super().__init__(desk, (order,))
        self._form = form

    def body(self) -> str:
        return self.desk.bodies.place(self.orders[0], self._form)


class _Amending(_Single):
    """A change of an order."""

    __slots__ = ("_body",)

    operation = "amend"
    priority = Priority.AMEND
    failed = ReportKind.REPLACE_REJECTED
    awaited = Awaited.AMENDED

    def __init__(self, desk: Desk, order: Order, price: Price, size: Size) -> None:
        super().__init__(desk, (order,))
        self._body = desk.bodies.amend(order, price, size)

    def body(self) -> str:
        return self._body


class _Cancelling(_Cancel, _Single):
    """A cancel."""

    __slots__ = ()

    operation = "cancel"

    def __init__(self, desk: Desk, order: Order) -> None:
        super().__init__(desk, (order,))

    def body(self) -> str:
        return self.desk.bodies.cancel(self.orders[0])


class _PlacingBatch(_New, _Batch):
    """Several new orders."""

    __slots__ = ("_forms",)

    operation = "create-batch"

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        super().__init__(desk, tuple(orders))
        # What the exchange does not have is refused before anything is sent.
        self._forms = {order.client_order_id: desk.bodies.placing(order) for order in orders}

    def body_of(self, order: Order) -> str:
        return self.desk.bodies.place(order, self._forms[order.client_order_id])


class _CancellingBatch(_Cancel, _Batch):
    """Several cancels."""

    __slots__ = ()

    operation = "cancel-batch"

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        super().__init__(desk, tuple(orders))

    def body_of(self, order: Order) -> str:
        return self.desk.bodies.cancel(order)
