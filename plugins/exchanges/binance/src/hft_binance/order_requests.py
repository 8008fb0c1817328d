"""Requests about orders, from their sending to their end: answered, refused, unanswered or not sent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

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
    reading,
)
from hft_binance import limits
from hft_binance.endpoints import Product
from hft_binance.evidence import Evidence
from hft_binance.order_params import check_amendment, is_futures_stop, product_traded
from hft_binance.order_socket import OrderSocket
from hft_binance.private_codec import (
    ApiError,
    decode_algo_order,
    decode_amend_answer,
    decode_batch,
    decode_error,
    decode_order_answer,
)
from hft_binance.refusals import BAD_TIME, verdict
from hft_binance.requests import FrameForm, RestOrders, RestRequest, WebsocketOrders, plain_place_params
from hft_binance.rest_api import RestApi

__all__ = ["Desk"]

_REASON_CHARS = 200


class Desk:
    """Sends the orders of one instrument. ``socket`` is None where orders travel by REST."""

    def __init__(
        self,
        instrument: Instrument,
        link: Link,
        api: RestApi,
        evidence: Evidence,
        *,
        rest: RestOrders,
        frames: WebsocketOrders,
        socket: OrderSocket | None,
        place_options: dict[str, str],
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
        self.rest = rest
        self.frames = frames
        self.socket = socket
        self.place_options = place_options
        self.bad_time = bad_time
        self.order_wait_ns = order_wait_ns
        self.place_costs = limits.PLACE_COSTS[self.product]
        self.amend_costs = limits.AMEND_COSTS[self.product]
        self.cancel_costs = limits.CANCEL_COSTS[self.product]

    def place(self, order: ApprovedOrder) -> None:
        """Send a new order."""
        request = _Placing(self, order, self.frames.placing(order))
        deadline_ns = self.clock.now_ns() + self.order_wait_ns
        if self.socket is None:
            request.send_rest(deadline_ns)
        else:
            self.socket.send(request, self.place_costs, Priority.NEW, deadline_ns)

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Send a change of price and size."""
        check_amendment(order, price, size)
        request = _Amending(self, order, price, size)
        deadline_ns = self.clock.now_ns() + self.order_wait_ns
        if self.socket is None:
            request.send_rest(deadline_ns)
        else:
            self.socket.send(request, self.amend_costs, Priority.AMEND, deadline_ns)

    def cancel(self, order: Order) -> None:
        """Send a cancel, by REST where the socket cannot: it must get out."""
        became = self.evidence.became(order.client_order_id) if is_futures_stop(order) else ""
        if became:
            _CancellingTriggered(self, order, became).send_rest(0)
            return
        request = _Cancelling(self, order)
        if self.socket is not None:
            try:
                self.socket.send(request, self.cancel_costs, Priority.CANCEL, 0)
            except OrderError:
                pass
            else:
                return
        request.send_rest(0)

    def place_batch(self, orders: Sequence[ApprovedOrder]) -> None:
        """Send several new orders in one message."""
        if any(is_futures_stop(order) for order in orders):
            raise OrderError(f"{self.instrument}: stops cannot be placed in batches")
        _PlacingBatch(self, orders).send_rest(self.clock.now_ns() + self.order_wait_ns)

    def cancel_batch(self, orders: Sequence[Order]) -> None:
        """Send several cancels in one message, those of stops one by one."""
        plain = [order for order in orders if not is_futures_stop(order)]
        if plain:
            _CancellingBatch(self, plain).send_rest(0)
        for order in orders:
            if is_futures_stop(order):
                self.cancel(order)

    def server_ns(self, now_ns: int) -> int:
        """Return the exchange's time."""
        return now_ns + self.api.clock.offset_ns


class _RestRequest(OrderMessage):
    """A request that can travel by REST."""

    __slots__ = ("desk",)

    method: ClassVar[str]

    def __init__(self, desk: Desk) -> None:
        self.desk: Desk = desk

    def send_rest(self, deadline_ns: int) -> None:
        """Send it by REST."""
        desk = self.desk
        call = RestCall(
            method=self.method,
            shown=desk.api.shown(self.path),
            write=self.write_rest,
            costs=self.costs,
            priority=self.priority,
            deadline_ns=deadline_ns,
        )
        desk.link.call(call, self._on_rest)

    @property
    @abstractmethod
    def path(self) -> str:
        """Where it goes, for messages."""

    @property
    @abstractmethod
    def costs(self) -> Costs:
        """What it takes of the limits."""

    @abstractmethod
    def write_rest(self, now_ns: int) -> HttpRequest:
        """Return it as it is sent."""

    @abstractmethod
    def take_result(self, result: bytes, recv_ns: int) -> None:
        """Take the body of an answer that says success."""

    def answered(self, status: int, result: bytes, error: ApiError, recv_ns: int) -> None:
        """Take the answer, whichever way it came."""
        if status == 200:
            try:
                with reading("its values"):
                    self.take_result(result, recv_ns)
            except DecodeError as failure:
                self.desk.link.undecoded(self.desk.api.shown(self.path), result, str(failure))
                self.unanswered(f"the answer was not understood: {failure}")
            return
        for order in self.orders:
            self.refused(order, status, error, recv_ns)

    def refused(self, order: Order, status: int, error: ApiError, recv_ns: int) -> None:
        """Tell what an answer other than success proves."""
        desk = self.desk
        judged = verdict(desk.product, status, error)
        if error.code in BAD_TIME:
            desk.bad_time()
        reason = error.msg[:_REASON_CHARS] or f"status {status}"
        self.ruled(order, judged, reason, code=str(error.code) if error.code else "", recv_ns=recv_ns)

    def _on_rest(self, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError):
            self.broken(answer)
            return
        desk = self.desk
        for name, used in limits.used(desk.product, answer.headers):
            desk.link.observe(name, used, answer.sent_ns)
        error = ApiError() if answer.status == 200 else decode_error(answer.body)
        self.answered(answer.status, answer.body, error, answer.recv_ns)


class _OrderRequest(_RestRequest):
    """A request about one order, which can travel either way."""

    __slots__ = ("order", "request_id", "sent_ns")

    def __init__(self, desk: Desk, order: Order) -> None:
        self.desk = desk
        self.order = order
        self.request_id = ""
        self.sent_ns = 0

    @property
    def path(self) -> str:
        if is_futures_stop(self.order):
            return "/fapi/v1/algoOrder"
        return "/api/v3/order" if self.desk.product is Product.SPOT else "/fapi/v1/order"

    @property
    def orders(self) -> Sequence[Order]:
        return (self.order,)

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way; raise `OrderError` if it is not to be sent any more."""
        self.check_wanted()
        desk = self.desk
        socket = desk.socket
        assert socket is not None
        return self.frame(socket.register(self, now_ns), desk.server_ns(now_ns))

    def write_rest(self, now_ns: int) -> HttpRequest:
        self.check_wanted()
        return self.desk.api.write(self.rest_request(self.desk.server_ns(now_ns)))

    @abstractmethod
    def frame(self, request_id: str, server_ns: int) -> bytes:
        """Return it as a frame."""

    @abstractmethod
    def rest_request(self, server_ns: int) -> RestRequest:
        """Return it as a REST request."""


class _Placing(_OrderRequest):
    """A new order."""

    __slots__ = ("form",)

    method = "POST"
    priority = Priority.NEW
    failed = ReportKind.REJECTED

    def __init__(self, desk: Desk, order: Order, form: FrameForm) -> None:
        self.desk = desk
        self.order = order
        self.request_id = ""
        self.sent_ns = 0
        self.form = form

    @property
    def costs(self) -> Costs:
        return self.desk.place_costs

    def frame(self, request_id: str, server_ns: int) -> bytes:
        return self.desk.frames.place(self.order, request_id, server_ns, self.form)

    def rest_request(self, server_ns: int) -> RestRequest:
        return self.desk.rest.place(self.order, server_ns)

    def take_result(self, result: bytes, recv_ns: int) -> None:
        order, evidence = self.order, self.desk.evidence
        client_id = order.client_order_id
        if is_futures_stop(order):
            algo = decode_algo_order(result)
            self.desk.events.on_report(evidence.algo_report(algo, client_id, order.instrument, recv_ns))
        else:
            evidence.on_placed(decode_order_answer(result), client_id, order.instrument, recv_ns)


class _Amending(_OrderRequest):
    """A change of an order."""

    __slots__ = ("price", "size")

    method = "PUT"
    priority = Priority.AMEND
    failed = ReportKind.REPLACE_REJECTED

    def __init__(self, desk: Desk, order: Order, price: Price, size: Size) -> None:
        self.desk = desk
        self.order = order
        self.request_id = ""
        self.sent_ns = 0
        self.price = price
        self.size = size

    @property
    def costs(self) -> Costs:
        return self.desk.amend_costs

    def frame(self, request_id: str, server_ns: int) -> bytes:
        return self.desk.frames.amend(self.order, self.price, self.size, request_id, server_ns)

    def rest_request(self, server_ns: int) -> RestRequest:
        return self.desk.rest.amend(self.order, self.price, self.size, server_ns)

    def take_result(self, result: bytes, recv_ns: int) -> None:
        instrument, evidence = self.order.instrument, self.desk.evidence
        client_id = self.order.client_order_id
        if self.desk.product is Product.SPOT:
            amended = decode_amend_answer(result)
            evidence.on_amended(amended.order, amended.transact_ms, client_id, instrument, recv_ns)
        else:
            answer = decode_order_answer(result)
            evidence.on_amended(answer, answer.when_ms, client_id, instrument, recv_ns)


class _Cancelling(_OrderRequest):
    """A cancel."""

    __slots__ = ()

    method = "DELETE"
    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED

    @property
    def costs(self) -> Costs:
        return self.desk.cancel_costs

    def frame(self, request_id: str, server_ns: int) -> bytes:
        return self.desk.frames.cancel(self.order, request_id, server_ns)

    def rest_request(self, server_ns: int) -> RestRequest:
        return self.desk.rest.cancel(self.order, server_ns)

    def dropped(self, reason: str) -> None:
        # It waited for a socket that broke; the other way is still there.
        self.send_rest(0)

    def take_result(self, result: bytes, recv_ns: int) -> None:
        desk, order = self.desk, self.order
        if is_futures_stop(order):
            # The answer says that it worked, and nothing else.
            self.tell(order, ReportKind.CANCELED, recv_ns=recv_ns)
        else:
            answer = decode_order_answer(result)
            report = desk.evidence.report(answer, order.client_order_id, order.instrument, recv_ns)
            desk.events.on_report(report)


class _CancellingTriggered(_RestRequest):
    """A cancel of what a stop became, which has the exchange's id only."""

    __slots__ = ("order", "order_id")

    method = "DELETE"
    path = "/fapi/v1/order"
    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED

    def __init__(self, desk: Desk, order: Order, order_id: str) -> None:
        self.desk = desk
        self.order = order
        self.order_id = order_id

    @property
    def costs(self) -> Costs:
        return self.desk.cancel_costs

    @property
    def orders(self) -> Sequence[Order]:
        return (self.order,)

    def write_rest(self, now_ns: int) -> HttpRequest:
        params = {"symbol": self.desk.instrument.native_symbol, "orderId": self.order_id}
        call = self.desk.api.call(self.method, self.path, params, costs=self.costs)
        return call.write(now_ns)

    def take_result(self, result: bytes, recv_ns: int) -> None:
        desk, order = self.desk, self.order
        answer = decode_order_answer(result)
        report = desk.evidence.report(answer, order.client_order_id, order.instrument, recv_ns)
        desk.events.on_report(report)


class _Batch(_RestRequest):
    """Several orders of futures in one message."""

    __slots__ = ("_orders",)

    path = "/fapi/v1/batchOrders"

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        self.desk = desk
        self._orders = tuple(orders)

    @property
    def orders(self) -> Sequence[Order]:
        return self._orders

    @abstractmethod
    def params(self) -> dict[str, Any]:
        """Return what is asked beside the time."""

    def write_rest(self, now_ns: int) -> HttpRequest:
        self.check_wanted()
        return self.desk.api.call(self.method, self.path, self.params(), costs=self.costs).write(now_ns)

    def take_result(self, result: bytes, recv_ns: int) -> None:
        entries = decode_batch(result)
        if len(entries) != len(self._orders):
            raise DecodeError(f"{len(entries)} answers to a batch of {len(self._orders)} orders")
        evidence = self.desk.evidence
        for order, entry in zip(self._orders, entries, strict=True):
            if entry.code:
                self.refused(order, 400, ApiError(entry.code, entry.msg), recv_ns)
            elif self.failed is ReportKind.REJECTED:
                evidence.on_placed(entry, order.client_order_id, order.instrument, recv_ns)
            else:
                report = evidence.report(entry, order.client_order_id, order.instrument, recv_ns)
                self.desk.events.on_report(report)


class _PlacingBatch(_Batch):
    """Several new orders."""

    __slots__ = ("_params",)

    method = "POST"
    priority = Priority.NEW
    failed = ReportKind.REJECTED
    costs = limits.BATCH_COSTS

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        super().__init__(desk, orders)
        listed = [plain_place_params(order) | desk.place_options for order in orders]
        self._params = {"batchOrders": msgspec.json.encode(listed).decode()}

    def params(self) -> dict[str, Any]:
        return self._params


class _CancellingBatch(_Batch):
    """Several cancels."""

    __slots__ = ()

    method = "DELETE"
    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED

    @property
    def costs(self) -> Costs:
        return self.desk.cancel_costs

    def params(self) -> dict[str, Any]:
        ids = [order.client_order_id for order in self._orders]
        return {
            "symbol": self.desk.instrument.native_symbol,
            "origClientOrderIdList": msgspec.json.encode(ids).decode(),
        }
