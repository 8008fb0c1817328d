"""Requests about orders, from their sending to their end: answered, refused, unanswered or not sent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import ClassVar

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
    OrderState,
    Price,
    Priority,
    ReportKind,
    RestAnswer,
    RestCall,
    Size,
    TransportError,
)
from hft_okx import limits
from hft_okx.evidence import Evidence
from hft_okx.order_params import OrderForms, is_contract
from hft_okx.private_codec import ItemAnswer, OrderAnswer, decode_order_answer
from hft_okx.private_socket import PrivateSocket
from hft_okx.refusals import BAD_TIME, SUB_ACCOUNT_FULL, TOO_MANY, explain, verdict
from hft_okx.rest_api import RestApi

__all__ = ["Desk"]

_REASON_CHARS = 200
_PENDING = (OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)


class Desk:
    """Sends the orders of one instrument. ``uses_socket`` is False where they travel by REST."""

    def __init__(
        self,
        instrument: Instrument,
        link: Link,
        api: RestApi,
        evidence: Evidence,
        forms: OrderForms,
        socket: PrivateSocket,
        *,
        uses_socket: bool,
        validity_ns: int,
        order_wait_ns: int,
        effect_ns: int,
        bad_time: Callable[[], None],
    ) -> None:
        self.instrument = instrument
        self.link = link
        self.clock = link.clock
        self.api = api
        self.evidence = evidence
        self.events = evidence.events
        self.forms = forms
        self.socket = socket
        self.uses_socket = uses_socket
        self.validity_ms = validity_ns // 1_000_000
        self.order_wait_ns = order_wait_ns
        self.effect_ns = effect_ns
        self.bad_time = bad_time
        self.capped = is_contract(instrument)

    def place(self, orders: Sequence[ApprovedOrder]) -> None:
        """Send new orders in one message."""
        for order in orders:
            self.forms.check(order)
        self._send(_Placing(self, orders))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Send a change of price and size."""
        self._send(_Amending(self, order, price, size))

    def cancel(self, orders: Sequence[Order]) -> None:
        """Send cancels in one message, by REST where the socket cannot: they must get out."""
        request = _Cancelling(self, orders)
        if self.uses_socket:
            try:
                self.socket.send(request, request.costs, Priority.CANCEL, 0)
            except OrderError:
                pass
            else:
                return
        request.send_rest(0)

    def _send(self, request: _Request) -> None:
        deadline_ns = self.clock.now_ns() + self.order_wait_ns
        if self.uses_socket:
            self.socket.send(request, request.costs, request.priority, deadline_ns)
        else:
            request.send_rest(deadline_ns)

    def expires_ms(self, now_ns: int) -> int:
        """Return until when the exchange is to carry out what is sent now, by its own clock."""
        return self.api.server_ns(now_ns) // 1_000_000 + self.validity_ms


class _Request(OrderMessage):
    """A request about one order or several, which can travel either way."""

    __slots__ = ("desk", "orders", "request_id", "sent_ns")

    action: ClassVar[str]
    """The name of the limits that it counts against."""
    ops: ClassVar[tuple[str, str]]
    """Its name on the websocket, for one order and for several."""
    paths: ClassVar[tuple[str, str]]
    capped: ClassVar[bool] = True
    """Whether it counts against the limit of the sub-account."""
    expires: ClassVar[bool] = True

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        self.desk: Desk = desk
        self.orders: Sequence[Order] = tuple(orders)
        self.request_id = ""
        self.sent_ns = 0

    @abstractmethod
    def text(self, order: Order, *, ws: bool) -> str:
        """Write what is asked about one order."""

    @abstractmethod
    def taken(self, order: Order, item: ItemAnswer, recv_ns: int) -> None:
        """Take the answer that it was taken."""

    @property
    def is_batch(self) -> bool:
        """Whether it is about several orders."""
        return len(self.orders) > 1

    @property
    def costs(self) -> Costs:
        """What it takes of the limits."""
        desk = self.desk
        return limits.new_order_costs(
            self.action,
            desk.instrument.native_symbol,
            len(self.orders),
            capped=self.capped and desk.capped,
        )

    # -- sending -----------------------------------------------------------------------------------

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way; raise `OrderError` if it is not to be sent any more."""
        self.check_wanted()
        desk = self.desk
        args = ",".join([self.text(order, ws=True) for order in self.orders])
        number = desk.socket.register(self, now_ns)
        expires = f',"expTime":"{desk.expires_ms(now_ns)}"' if self.expires else ""
        op = self.ops[len(self.orders) > 1]
        return f'{{"id":"{number}","op":"{op}","args":[{args}]{expires}}}'.encode()

    def send_rest(self, deadline_ns: int) -> None:
        """Send it by REST."""
        desk = self.desk
        call = RestCall(
            method="POST",
            shown=desk.api.shown(self._path),
            write=self.write_rest,
            costs=self.costs,
            priority=self.priority,
            deadline_ns=deadline_ns,
        )
        desk.link.call(call, self._on_rest)

    def write_rest(self, now_ns: int) -> HttpRequest:
        """Return it as REST sends it; raise `OrderError` if it is not to be sent any more."""
        self.check_wanted()
        desk = self.desk
        body = ",".join([self.text(order, ws=False) for order in self.orders])
        expires_ms = desk.expires_ms(now_ns) if self.expires else 0
        body = f"[{body}]" if self.is_batch else body
        return desk.api.request(now_ns, "POST", self._path, body, expires_ms=expires_ms)

    @property
    def _path(self) -> str:
        return self.paths[self.is_batch]

    # -- its end -----------------------------------------------------------------------------------

    def answered(self, answer: OrderAnswer, recv_ns: int, status: int = 200) -> None:
        """Take the answer, whichever way it came: item by item, where it has items."""
        items = answer.items
        self._back_off({answer.code, *(item.code for item in items)} & TOO_MANY, status)
        if not items:
            for order in self.orders:
                self.refused(order, answer.code, answer.msg, status, recv_ns)
            return
        if len(items) != len(self.orders):
            self.unanswered(f"{len(items)} answers to a request about {len(self.orders)} orders")
            return
        for order, item in zip(self.orders, items, strict=True):
            if item.client_id not in ("", order.client_order_id):
                self.unanswered(f"the answer is about {item.client_id[:40]!r}")
            elif item.code != "0":
                self.refused(order, item.code, item.msg, status, recv_ns)
            elif answer.code in ("0", "1", "2") and status == 200:
                self.taken(order, item, recv_ns)
            else:
                self.refused(order, answer.code, answer.msg, status, recv_ns)

    def refused(self, order: Order, code: str, msg: str, status: int, recv_ns: int) -> None:
        """Tell what an answer other than success proves."""
        desk = self.desk
        judged = verdict(code, status)
        if code in BAD_TIME:
            desk.bad_time()
        reason = explain(code, msg[:_REASON_CHARS]) if code != "0" else f"status {status}"
        self.ruled(order, judged, reason, code="" if code == "0" else code, recv_ns=recv_ns)

    def await_effect(self, order: Order) -> None:
        """Watch a request that was taken: that it had an effect is told by the private channel only."""
        desk = self.desk
        desk.clock.call_later(desk.effect_ns, partial(self._look_for_effect, order))

    def _look_for_effect(self, order: Order) -> None:
        if order.state in _PENDING:
            self.tell(order, ReportKind.UNKNOWN, "the exchange took the request and told of no effect")

    def _back_off(self, codes: Set[str], status: int) -> None:
        """Leave alone what the exchange says is used up; where the status said so, that is done already."""
        if codes and status == 200:
            names = [limits.SUB_ACCOUNT] if codes == {SUB_ACCOUNT_FULL} else [name for name, _ in self.costs]
            for name in names:
                self.desk.link.refused(name)

    def _on_rest(self, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError):
            self.broken(answer)
            return
        try:
            decoded = decode_order_answer(answer.body)
        except DecodeError as error:
            if answer.status == 200:
                self.desk.link.undecoded(self.desk.api.shown(self._path), answer.body, str(error))
            decoded = OrderAnswer(code="0")
            if answer.status == 200:
                self.unanswered(f"the answer was not understood: {error}")
                return
        self.answered(decoded, answer.recv_ns, answer.status)


class _Placing(_Request):
    """New orders."""

    __slots__ = ()

    action = "place"
    ops = ("order", "batch-orders")
    paths = ("/api/v5/trade/order", "/api/v5/trade/batch-orders")
    priority = Priority.NEW
    failed = ReportKind.REJECTED

    def text(self, order: Order, *, ws: bool) -> str:
        return self.desk.forms.place(order, ws=ws)

    def taken(self, order: Order, item: ItemAnswer, recv_ns: int) -> None:
        self.tell(order, ReportKind.ACCEPTED, exchange_order_id=item.order_id, recv_ns=recv_ns)


class _Amending(_Request):
    """A change of an order."""

    __slots__ = ("price", "size")

    action = "amend"
    ops = ("amend-order", "batch-amend-orders")
    paths = ("/api/v5/trade/amend-order", "/api/v5/trade/amend-batch-orders")
    priority = Priority.AMEND
    failed = ReportKind.REPLACE_REJECTED

    def __init__(self, desk: Desk, order: Order, price: Price, size: Size) -> None:
        super().__init__(desk, (order,))
        self.price = price
        self.size = size

    def text(self, order: Order, *, ws: bool) -> str:
        return self.desk.forms.amend(order, self.price, self.size, ws=ws)

    def taken(self, order: Order, item: ItemAnswer, recv_ns: int) -> None:
        self.await_effect(order)


class _Cancelling(_Request):
    """Cancels."""

    __slots__ = ()

    action = "cancel"
    ops = ("cancel-order", "batch-cancel-orders")
    paths = ("/api/v5/trade/cancel-order", "/api/v5/trade/cancel-batch-orders")
    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED
    capped = False
    expires = False

    def text(self, order: Order, *, ws: bool) -> str:
        return self.desk.forms.cancel(order, ws=ws)

    def taken(self, order: Order, item: ItemAnswer, recv_ns: int) -> None:
        self.await_effect(order)

    def dropped(self, reason: str) -> None:
        # It waited for a socket that broke; the other way is still there.
        self.send_rest(0)
