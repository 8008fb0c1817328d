"""Requests about orders, from their sending to their end: answered, refused, unanswered or not sent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from hft import (
    ApprovedOrder,
    Costs,
    DecodeError,
    HttpRequest,
    Link,
    Order,
    OrderError,
    OrderMessage,
    Price,
    Priority,
    ReportKind,
    RestAnswer,
    RestCall,
    Ruling,
    Size,
    TransportError,
    reading,
)
from hft_hyperliquid import actions, limits
from hft_hyperliquid.actions import Action, Envelopes
from hft_hyperliquid.evidence import Evidence
from hft_hyperliquid.order_socket import AccountSocket
from hft_hyperliquid.private_codec import Post, Status, decode_action_answer, decode_statuses
from hft_hyperliquid.refusals import (
    NO_MATCH,
    OUT_OF_BUDGET,
    code_of,
    is_bad_time,
    verdict_of_status,
    verdict_of_text,
)
from hft_hyperliquid.rest_api import RestApi

__all__ = ["Desk"]

_REASON_CHARS = 200
_TOO_MANY = 429
_NOT_REPLACED = "Error placing new order during modify"


class Desk:
    """Sends the orders of one account.

    ``by_socket`` says which way they travel; cancels take the other one where theirs is down. ``assets``
    are the numbers of coins, ``market_price`` bounds what an order without a price may pay,
    ``out_of_budget`` is called where the account has no actions left, ``bad_time`` where our time is wrong.
    """

    def __init__(
        self,
        link: Link,
        api: RestApi,
        envelopes: Envelopes,
        evidence: Evidence,
        socket: AccountSocket,
        assets: dict[str, int],
        *,
        by_socket: bool,
        order_wait_ns: int,
        answer_timeout_ns: int,
        validity_ns: int,
        market_price: Callable[[Order], Price],
        out_of_budget: Callable[[], None],
        bad_time: Callable[[], None],
    ) -> None:
        self.link = link
        self.clock = link.clock
        self.api = api
        self.envelopes = envelopes
        self.evidence = evidence
        self.events = evidence.events
        self.socket = socket
        self.assets = assets
        self.by_socket = by_socket
        self.order_wait_ns = order_wait_ns
        self.answer_timeout_ns = answer_timeout_ns
        self.validity_ns = validity_ns
        self.market_price = market_price
        self.out_of_budget = out_of_budget
        self.bad_time = bad_time

    def place(self, orders: Sequence[ApprovedOrder]) -> None:
        """Send new orders in one action."""
        self._send(_Placing(self, orders))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        """Send a modification."""
        if self.evidence.order_id(order) is None:
            raise OrderError(f"order {order.client_order_id} has no id at the exchange yet")
        self._send(_Modifying(self, order, price, size))

    def cancel(self, orders: Sequence[Order]) -> None:
        """Send cancels of one instrument's orders in one action, whichever way is open: they must get out."""
        request = _Cancelling(self, orders)
        if self.by_socket:
            try:
                self.socket.send(request, request.costs(over_socket=True), Priority.CANCEL, 0)
            except OrderError:
                pass
            else:
                return
        request.send_rest(0)

    def _send(self, request: _Request) -> None:
        deadline_ns = self.clock.now_ns() + self.order_wait_ns
        if self.by_socket:
            self.socket.send(request, request.costs(over_socket=True), request.priority, deadline_ns)
        else:
            request.send_rest(deadline_ns)

    def entry(self, order: Order, price: Price | None, size: Size) -> Action:
        """Return an order as actions have it."""
        bound = self.market_price(order) if price is None else price
        return actions.order_entry(order, self.assets[order.instrument.native_symbol], bound, size)


class _Request(OrderMessage):
    """An action about orders of one instrument, which can travel either way."""

    __slots__ = ("desk", "orders", "request_id", "sent_ns")

    name: ClassVar[str]

    def __init__(self, desk: Desk, orders: Sequence[Order]) -> None:
        self.desk: Desk = desk
        self.orders: Sequence[Order] = tuple(orders)
        self.request_id = ""
        self.sent_ns = 0

    @abstractmethod
    def action(self) -> Action:
        """Return what is to be done; raise `OrderError` if it is not to be sent any more."""

    @abstractmethod
    def take(self, order: Order, status: Status, recv_ns: int) -> None:
        """Take what is said of one order, other than a refusal."""

    def costs(self, *, over_socket: bool) -> Costs:
        """Return what it takes of the limits."""
        cancels = self.priority is Priority.CANCEL
        return limits.action_costs(len(self.orders), over_socket=over_socket, cancels=cancels)

    # -- ways ----------------------------------------------------------------------------------------

    def write(self, now_ns: int) -> bytes:
        """Return the frame, noted as under way; raise `OrderError` if it is not to be sent any more."""
        action = self.action()
        desk = self.desk
        number = int(desk.socket.register(self, now_ns))
        return desk.envelopes.post(action, number, desk.api.server_ns(now_ns))

    def send_rest(self, deadline_ns: int) -> None:
        """Send it by REST."""
        api = self.desk.api

        def write(now_ns: int) -> HttpRequest:
            # Made when its turn has come, as it may have changed or not be wanted any more.
            signed = api.action(self.action(), costs=(), priority=self.priority)
            return signed.write(now_ns)

        call = RestCall(
            method="POST",
            shown=f"{api.shown_host}/exchange {self.name}",
            write=write,
            costs=self.costs(over_socket=False),
            priority=self.priority,
            deadline_ns=deadline_ns,
        )
        self.desk.link.call(call, self._on_rest)

    # -- ends ----------------------------------------------------------------------------------------

    def answered_by_post(self, post: Post, recv_ns: int) -> None:
        """Take the answer over the websocket."""
        if post.kind == "action":
            self._answered(post.payload, recv_ns)
            return
        if post.kind != "error":
            self._not_understood(post.payload, f"a post of type {post.kind!r}")
            return
        text = post.payload.decode(errors="replace").strip('"')
        head = text[:3]
        status = int(head) if head.isdecimal() else 400
        self._refused_whole(text, verdict_of_status(status), status, recv_ns)

    def _on_rest(self, answer: RestAnswer | TransportError) -> None:
        if isinstance(answer, TransportError):
            self.broken(answer)
        elif answer.status == 200:
            self._answered(answer.body, answer.recv_ns)
        else:
            text = answer.body[:_REASON_CHARS].decode(errors="replace")
            said = f"status {answer.status}: {text!r}"
            # The limits were told already by whoever saw the status.
            self._refused_whole(said, verdict_of_status(answer.status), 0, answer.recv_ns)

    def _answered(self, body: bytes, recv_ns: int) -> None:
        try:
            with reading("its values"):
                self._take_statuses(body, recv_ns)
        except DecodeError as failure:
            self._not_understood(body, str(failure))

    def _take_statuses(self, body: bytes, recv_ns: int) -> None:
        statuses = decode_statuses(decode_action_answer(body))
        if isinstance(statuses, str):
            self._refused_whole(statuses, verdict_of_text(statuses), 0, recv_ns)
            return
        if len(statuses) < len(self.orders):
            # What was refused before it was looked at closely is refused as one.
            error = next((each.error for each in statuses if each.error), None)
            if error is None:
                raise DecodeError(f"{len(statuses)} answers to an action about {len(self.orders)} orders")
            statuses = [Status(error=error)] * len(self.orders)
        for order, status in zip(self.orders, statuses, strict=False):
            if status.error is not None:
                self._refused(order, status.error, verdict_of_text(status.error), recv_ns)
            else:
                self.take(order, status, recv_ns)

    def _not_understood(self, body: bytes, why: str) -> None:
        self.desk.link.undecoded(f"{self.desk.api.shown_host} {self.name}", body, why)
        self.unanswered(f"the answer was not understood: {why}")

    def _refused_whole(self, text: str, ruling: Ruling, status: int, recv_ns: int) -> None:
        if OUT_OF_BUDGET in text:
            self.desk.out_of_budget()
        elif is_bad_time(text):
            self.desk.bad_time()
        elif status == _TOO_MANY or text.startswith(str(_TOO_MANY)):
            self.desk.link.refused(limits.ADDRESS)
        for order in self.orders:
            self._refused(order, text, ruling, recv_ns)

    def _refused(self, order: Order, text: str, ruling: Ruling, recv_ns: int) -> None:
        reason = text[:_REASON_CHARS]
        if ruling is Ruling.NOT_TAKEN:
            reason = f"not sent: {reason}"
        kind = ReportKind.UNKNOWN if ruling is Ruling.UNKNOWN else self.failed
        self.refused(order, kind, reason, recv_ns)

    def refused(self, order: Order, kind: ReportKind, reason: str, recv_ns: int) -> None:
        """Tell that it was refused, or that it is not known whether it was."""
        self.tell(order, kind, reason, code=code_of(reason), recv_ns=recv_ns)


class _Placing(_Request):
    """New orders."""

    __slots__ = ()

    name = "order"
    priority = Priority.NEW
    failed = ReportKind.REJECTED

    def action(self) -> Action:
        self.check_wanted()
        return actions.order_action(
            [self.desk.entry(order, order.price, order.size) for order in self.orders]
        )

    def take(self, order: Order, status: Status, recv_ns: int) -> None:
        self.desk.evidence.on_placed(order, status, recv_ns)

    def refused(self, order: Order, kind: ReportKind, reason: str, recv_ns: int) -> None:
        if reason.startswith(NO_MATCH):
            # It was taken, found nobody to trade with, and has ended.
            code = code_of(reason)
            self.tell(order, ReportKind.EXPIRED, reason, code=code, recv_ns=recv_ns, filled=Size(0))
        else:
            super().refused(order, kind, reason, recv_ns)


class _Modifying(_Request):
    """A change of price and size: another order takes the place of the one that there is."""

    __slots__ = ("_left", "_price", "_size")

    name = "batchModify"
    priority = Priority.AMEND
    failed = ReportKind.REPLACE_REJECTED

    def __init__(self, desk: Desk, order: Order, price: Price, size: Size) -> None:
        super().__init__(desk, (order,))
        self._price = price
        self._size = size
        self._left = Size(0)

    def action(self) -> Action:
        self.check_wanted()
        (order,) = self.orders
        # The exchange takes off nothing for what has traded already.
        self._left = Size(self._size - order.filled)
        if self._left <= 0:
            raise OrderError(f"order {order.client_order_id} has traded as much already")
        action = actions.modify_action(order.client_order_id, self.desk.entry(order, self._price, self._left))
        evidence = self.desk.evidence
        order_id = evidence.order_id(order)
        assert order_id is not None, "it was looked at before"
        evidence.replacements.begin(order, order_id)
        return action

    def take(self, order: Order, status: Status, recv_ns: int) -> None:
        named = status.resting or status.filled
        if named is None:
            raise DecodeError("the answer to a modification names no order")
        desk = self.desk
        if not desk.evidence.on_modified(order, named, self._price, self._left, recv_ns):
            desk.clock.call_later(desk.answer_timeout_ns, partial(self._look, order, named.order_id))

    def _look(self, order: Order, order_id: int) -> None:
        chain = self.desk.evidence.replacements.find(order.client_order_id)
        if order.is_open and chain is not None and chain.following and chain.following[0] == order_id:
            self.unanswered("it is not told how much had traded before the change")

    def unanswered(self, reason: str) -> None:
        desk = self.desk
        chain = desk.evidence.replacements.find(self.orders[0].client_order_id)
        if chain is not None:
            chain.doubtful_until_ns = desk.clock.now_ns() + desk.validity_ns
        super().unanswered(reason)

    def refused(self, order: Order, kind: ReportKind, reason: str, recv_ns: int) -> None:
        super().refused(order, kind, reason, recv_ns)
        if kind is ReportKind.UNKNOWN:
            return
        self.desk.evidence.on_modification_failed(order.client_order_id, recv_ns)
        if reason.startswith(_NOT_REPLACED):
            self.unanswered(reason)  # the order is gone, and how much of it had traded comes apart


class _Cancelling(_Request):
    """Cancels."""

    __slots__ = ()

    name = "cancelByCloid"
    priority = Priority.CANCEL
    failed = ReportKind.CANCEL_REJECTED

    def action(self) -> Action:
        asset = self.desk.assets[self.orders[0].instrument.native_symbol]
        return actions.cancel_action(asset, [order.client_order_id for order in self.orders])

    def dropped(self, reason: str) -> None:
        # It waited for a connection that broke; the other way is still there.
        self.send_rest(0)

    def take(self, order: Order, status: Status, recv_ns: int) -> None:
        # How much of it had traded is told by the feed; where that says nothing, it is asked.
        self.desk.clock.call_later(self.desk.answer_timeout_ns, partial(self._look, order))

    def _look(self, order: Order) -> None:
        if order.is_open:
            self.tell(order, ReportKind.UNKNOWN, "cancelled, and not told how much of it had traded")
