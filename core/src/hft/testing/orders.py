"""An order manager on an exchange whose every step a test decides: what arrives, trades and is told when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

import attrs

from hft.clock import Clock, SimulatedClock
from hft.events import Fill, OrderReport, ReportKind
from hft.instrument import Instrument
from hft.ledger import Ledger
from hft.market import Market
from hft.order import Order
from hft.orders import ClientOrderIds, OrderManager, Owner
from hft.plugin.execution import (
    ApprovedOrder,
    Capabilities,
    ExecutionClient,
    ExecutionEvents,
    OrderStatus,
)
from hft.plugin.risk import RiskRule
from hft.risk import LiveRiskView, RiskEngine
from hft.types import Liquidity, Price, Side, Size

__all__ = [
    "ModelExchange",
    "ModelExchangeWithoutAmend",
    "NotedOwner",
    "OrderWorld",
    "PositionLedger",
    "RestingOrder",
]


@attrs.define
class RestingOrder:
    """An order as the exchange has it; ``arrived`` is its place in the queue of its price."""

    instrument: Instrument
    side: Side
    price: Price
    size: Size
    arrived: int
    filled: int = 0

    @property
    def left(self) -> int:
        """Lots that may still trade."""
        return self.size - self.filled


@attrs.frozen
class _NoConfig:
    pass


class ModelExchange(ExecutionClient[_NoConfig]):
    """Handles requests by the rules that exchanges share, one at a time when a test says so.

    Requests wait in ``requests`` until `arrive`, answers in ``answers`` until `tell`. Sizes are totals,
    a request about an order that is gone is refused, final reports state what was filled. ``messages``
    are the requests sent, ``position`` is what really was traded, ``fills`` of what. ``refuse_next`` is a
    reason to refuse the next request, ``send_error`` is raised instead of sending. What is taken out of
    ``requests`` was lost on its way there, what is taken out of ``answers`` on its way back; the account's
    coroutines answer at once and truly.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        amend=True, amend_keeps_priority=True, reduce_only=True
    )

    def __init__(self, events: ExecutionEvents, clock: Clock) -> None:
        self.config, self.events, self.clock = _NoConfig(), events, clock
        self.requests: deque[Callable[[], None]] = deque()
        self.answers: list[OrderReport | Fill] = []
        self.resting: dict[str, RestingOrder] = {}
        self.messages: list[tuple[str, str]] = []
        self.position = 0
        self.fills: list[Fill] = []
        self.ended: dict[str, OrderReport] = {}
        self.refuse_next = ""
        self.send_error: Exception | None = None
        self._trades = 0
        self._arrivals = 0

    # -- what the order manager calls ------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        assert order.price is not None, "the model exchange has no market orders"
        resting = RestingOrder(order.instrument, order.side, order.price, order.size, 0)
        self._send("place", order, partial(self._on_place, order.client_order_id, resting))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._send("amend", order, partial(self._on_amend, order.client_order_id, price, size))

    def cancel(self, order: Order) -> None:
        self._send("cancel", order, partial(self._on_cancel, order.client_order_id))

    def query(self, order: Order) -> None:
        self._send("query", order, partial(self._on_query, order.client_order_id))

    def _send(self, what: str, order: Order, arrival: Callable[[], None]) -> None:
        if self.send_error is not None:
            raise self.send_error
        self.messages.append((what, order.client_order_id))
        self.requests.append(arrival)

    # -- what a test does ------------------------------------------------------------------------

    def arrive(self) -> None:
        """Handle the request that was sent first."""
        self.requests.popleft()()

    def tell(self, index: int = 0) -> None:
        """Tell one of the waiting answers."""
        answer = self.answers.pop(index)
        if isinstance(answer, Fill):
            self.events.on_fill(answer)
        else:
            self.events.on_report(answer)

    def settle(self) -> None:
        """Let every request arrive and every answer be told, until nothing is under way."""
        while self.requests or self.answers:
            while self.requests:
                self.arrive()
            while self.answers:
                self.tell()

    def fill(self, client_order_id: str, size: int) -> Fill:
        """Trade some lots of a resting order."""
        order = self.resting[client_order_id]
        assert 0 < size <= order.left
        order.filled += size
        self.position += order.side.sign * size
        self._trades += 1
        if not order.left:
            del self.resting[client_order_id]
        fill = Fill(
            client_order_id=client_order_id,
            instrument=order.instrument,
            trade_id=str(self._trades),
            side=order.side,
            price=order.price,
            size=Size(size),
            liquidity=Liquidity.MAKER,
            fee=Decimal(0),
            fee_asset=order.instrument.settle,
            exchange_ns=self.clock.now_ns(),
        )
        self.fills.append(fill)
        self.answers.append(fill)
        if not order.left:
            self.ended[client_order_id] = self._ended(client_order_id, ReportKind.ACCEPTED, order)
        return fill

    def end(self, client_order_id: str, kind: ReportKind) -> None:
        """End a resting order, CANCELED or EXPIRED."""
        order = self.resting.pop(client_order_id)
        self.ended[client_order_id] = self._ended(client_order_id, kind, order)
        self.report(client_order_id, kind, filled=Size(order.filled))

    def report(
        self,
        client_order_id: str,
        kind: ReportKind,
        *,
        price: Price | None = None,
        size: Size | None = None,
        filled: Size | None = None,
        reason: str = "",
        exchange_ns: int = 0,
    ) -> None:
        """Add an answer, true or not."""
        self.answers.append(
            OrderReport(
                client_order_id=client_order_id,
                kind=kind,
                price=price,
                size=size,
                filled=filled,
                reason=reason,
                exchange_ns=exchange_ns,
            )
        )

    # -- what arrives ----------------------------------------------------------------------------

    def _refusal(self, client_order_id: str) -> str:
        refusal, self.refuse_next = self.refuse_next, ""
        return refusal or ("" if client_order_id in self.resting else "order is gone")

    def _on_place(self, client_order_id: str, order: RestingOrder) -> None:
        self.resting[client_order_id] = order
        refusal = self._refusal(client_order_id)
        if refusal:
            del self.resting[client_order_id]
            self.ended[client_order_id] = self._ended(client_order_id, ReportKind.REJECTED, order)
            self.report(client_order_id, ReportKind.REJECTED, reason=refusal)
            return
        order.arrived = self._queue_up()
        self.report(client_order_id, ReportKind.ACCEPTED)

    def _on_amend(self, client_order_id: str, price: Price, size: Size) -> None:
        refusal = self._refusal(client_order_id)
        if refusal or size <= self.resting[client_order_id].filled:
            self.report(client_order_id, ReportKind.REPLACE_REJECTED, reason=refusal or "filled beyond that")
            return
        order = self.resting[client_order_id]
        if price != order.price or size > order.size:
            order.arrived = self._queue_up()
        order.price, order.size = price, size
        self.report(client_order_id, ReportKind.REPLACED, price=price, size=size)

    def _on_cancel(self, client_order_id: str) -> None:
        refusal = self._refusal(client_order_id)
        if refusal:
            self.report(client_order_id, ReportKind.CANCEL_REJECTED, reason=refusal)
        else:
            self.end(client_order_id, ReportKind.CANCELED)

    def _on_query(self, client_order_id: str) -> None:
        self.answers += [fill for fill in self.fills if fill.client_order_id == client_order_id]
        order = self.resting.get(client_order_id)
        if order is not None:
            self.answers.append(self._ended(client_order_id, ReportKind.ACCEPTED, order))
        elif client_order_id in self.ended:
            self.answers.append(self.ended[client_order_id])
        else:
            self.report(client_order_id, ReportKind.NOT_FOUND)

    def _ended(self, client_order_id: str, kind: ReportKind, order: RestingOrder) -> OrderReport:
        return OrderReport(
            client_order_id=client_order_id,
            kind=kind,
            price=order.price,
            size=order.size,
            filled=Size(order.filled),
        )

    # -- what the account is ---------------------------------------------------------------------

    async def open_orders(self) -> list[OrderStatus]:
        return [
            OrderStatus(
                report=self._ended(client_order_id, ReportKind.ACCEPTED, order),
                instrument=order.instrument,
                side=order.side,
                size=order.size,
                price=order.price,
            )
            for client_order_id, order in self.resting.items()
        ]

    async def executions(self, instrument: Instrument, since_ns: int) -> list[Fill]:
        return [fill for fill in self.fills if fill.instrument is instrument and fill.exchange_ns >= since_ns]

    def _queue_up(self) -> int:
        self._arrivals += 1
        return self._arrivals


class ModelExchangeWithoutAmend(ModelExchange):
    """The same exchange, unable to change an order."""

    capabilities: ClassVar[Capabilities] = Capabilities(amend=False)


class PositionLedger(Ledger):
    """A ledger that keeps its fills."""

    def __init__(self) -> None:
        super().__init__()
        self.fills: list[Fill] = []

    def on_fill(self, fill: Fill) -> bool:
        is_new = super().on_fill(fill)
        if is_new:
            self.fills.append(fill)
        return is_new


class NotedOwner(Owner):
    """An owner of orders that notes what it is told: an order's state, or ``fill``, and its client id."""

    def __init__(self, name: str = "strategy") -> None:
        self.name = name
        self.refusal = ""
        self.told: list[tuple[str, str]] = []
        self.orders: list[Order] = []

    def on_order(self, order: Order) -> None:
        """Note an order."""
        self.told.append((order.state.value, order.client_order_id))
        self.orders.append(order)

    def on_fill(self, fill: Fill) -> None:
        """Note a fill."""
        self.told.append(("fill", fill.client_order_id))


class OrderWorld:
    """An order manager that trades one market on a model exchange, on a clock that the test moves.

    ``rules`` are risk rules by name; without any, everything is approved.
    """

    def __init__(
        self,
        market: Market,
        exchange: type[ModelExchange] = ModelExchange,
        *,
        rules: Mapping[str, RiskRule[Any]] | None = None,
    ) -> None:
        self.clock = SimulatedClock(1_700_000_000_000_000_000)
        self.ledger = PositionLedger()
        self.warnings: list[str] = []
        self.manager = OrderManager(
            self.clock,
            ClientOrderIds("test", "1"),
            self.ledger,
            warn=lambda _, line: self.warnings.append(line),
        )
        self.market = market
        self.view = LiveRiskView(self.manager, self.ledger, [market], self.clock)
        self.risk = RiskEngine(
            (rules or {}).items(), self.view, lambda halt: self.manager.halt(halt.reason), self.clock
        )
        self.risk.start()
        self.manager.risk = self.risk
        self.instrument = market.instrument
        self.exchange = exchange(self.manager, self.clock)
        self.manager.add_exchange(self.instrument.exchange, self.exchange)
        self.manager.add_market(market)
