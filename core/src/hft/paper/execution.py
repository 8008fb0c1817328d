"""An execution client that trades against the books it watches, and not for real."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import ClassVar

import attrs

from hft.book import OrderBook
from hft.clock import Clock, Timer
from hft.errors import UsageError
from hft.events import Fill, Funding, OrderReport, ReportKind, Trade
from hft.funding import FundingRate
from hft.instrument import MAX_COUNT, Instrument
from hft.market import Channel, Market
from hft.money import product, trim
from hft.order import Order
from hft.paper.choice import new_delay_line, new_fill_model
from hft.paper.config import NO_L3, PaperConfig, QueueModelName
from hft.paper.fees import FeeSchedule
from hft.paper.fill_model import FillModel, Match, Outcome
from hft.paper.funding import ConstantFunding, FundingRates
from hft.paper.latency import ConstantLatency, LatencyModel
from hft.paper.queue import new_queue_model
from hft.paper.statistics import OrderStatistics
from hft.plugin.execution import ApprovedOrder, Capabilities, ExecutionClient, ExecutionEvents
from hft.types import InstrumentKind, Liquidity, OrderType, Price, Side, Size, TimeInForce

__all__ = ["PaperExecution"]

_HALF = Decimal("0.5")

_REMEMBERED = 10_000
"""Finished orders that `PaperExecution.query` still answers for."""


@attrs.define(kw_only=True, eq=False)
class _PaperOrder:
    """An order as the simulated exchange has it; the kernel's own may change while ours is under way."""

    number: int
    client_order_id: str
    instrument: Instrument
    side: Side
    price: Price | None
    size: Size
    type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    accepted: bool = False
    joined_ns: int = 0
    """When it began to wait in a queue; 0 while it does not, and once it had its first fill there."""
    waits: bool = False
    filled: Size = Size(0)
    fills: list[Fill] = attrs.Factory(list)
    final: OrderReport | None = None
    """The report that ended it; an order that is filled needs none."""

    @property
    def is_open(self) -> bool:
        return self.accepted and self.final is None and self.filled < self.size

    @property
    def state(self) -> str:
        if self.final is not None:
            return self.final.kind.value
        return "open" if self.is_open else "filled"


class PaperExecution(ExecutionClient[PaperConfig]):
    """Fills our orders from live or replayed books by the `FillModel`, after realistic delays.

    What we send arrives some time later, what the exchange answers reaches ``events`` some time after it
    happened, both in order. ``latency`` says how long that takes, ``funding`` what perpetuals pay; by default
    both are what ``config`` has as constant. So a cancel can meet an order that is filled already: then the
    fill counts and the cancel is rejected. Events never come from inside a call, also without latency.
    `attach` every market before it brings data and before the strategies listen, so that a strategy sees
    nothing before the simulated exchange does. `simulate` instead gives the fill model of a book that
    somebody else keeps, who calls the model and hands its matches to `settle`.

    A fill's ``exchange_ns`` is when it happened by our clock, ``recv_ns`` when it was told. Order and
    trade ids count from 1 and are the same in every run with the same input. Funds are unlimited.
    ``statistics`` are by instrument.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        amend=True, amend_keeps_priority=True, post_only=True, reduce_only=True
    )

    def __init__(
        self,
        config: PaperConfig,
        events: ExecutionEvents,
        clock: Clock,
        latency: LatencyModel | None = None,
        funding: FundingRates | None = None,
    ) -> None:
        # No link: what it trades with is in this process.
        self.config, self.events, self.clock = config, events, clock
        latency = latency or ConstantLatency(config.order_latency, config.response_latency)
        self.statistics: dict[Instrument, OrderStatistics] = {}
        self._requests = new_delay_line(clock, latency.request_ns)
        self._responses = new_delay_line(clock, latency.response_ns)
        self._funding = funding or ConstantFunding(config.funding_rate or Decimal(0), config.funding_interval)
        self._funding_of: dict[Instrument, FundingRates] = {}
        self._fees = FeeSchedule(config, clock.now_ns())
        self._funding_timers: dict[Instrument, Timer] = {}
        self._models: dict[Instrument, FillModel] = {}
        self._positions: dict[Instrument, int] = {}
        self._orders: dict[str, _PaperOrder] = {}
        self._open: dict[int, _PaperOrder] = {}
        self._finished: deque[str] = deque()
        self._last_order = 0
        self._last_trade = 0

    def attach(self, market: Market) -> None:
        """Trade on this market from now on; raise `UsageError` for one that cannot be simulated."""
        if self.config.queue is QueueModelName.L3:
            raise UsageError(f"{market.instrument.id}: {NO_L3}")
        model = self.simulate(market.instrument, market.book)

        def on_book(_: OrderBook) -> None:
            matches = model.on_book()
            if matches:
                self.settle(matches)

        def on_trade(trade: Trade) -> None:
            matches = model.on_trade(trade.side, trade.price, trade.size, trade.exchange_ns)
            if matches:
                self.settle(matches)

        market.listen(Channel.BOOK, on_book)
        market.listen(Channel.TRADE, on_trade)

    def simulate(
        self, instrument: Instrument, book: OrderBook, funding: FundingRates | None = None
    ) -> FillModel:
        """Trade an instrument on this book; raise `UsageError` for one that cannot be simulated.

        ``funding`` is what this one pays, instead of what all of them do.
        """
        if instrument.inverse:
            raise UsageError(f"{instrument.id}: inverse contracts cannot be simulated, use a linear one")
        for other in self._models if self._fees.is_tiered else ():
            if other.settle != instrument.settle:
                raise UsageError(
                    f"{instrument.id}: settles in {instrument.settle} and {other.id} in {other.settle}, which"
                    " fee_tiers cannot add up: give each currency an exchange of its own in the profile"
                )
        model = self._models[instrument] = new_fill_model(book, new_queue_model(self.config, instrument))
        self.statistics[instrument] = OrderStatistics()
        if instrument.kind is InstrumentKind.PERPETUAL:
            self._funding_of[instrument] = funding or self._funding
            self._fund_later(instrument)
        return model

    # -- what we send ----------------------------------------------------------------------------

    def place(self, order: ApprovedOrder) -> None:
        self._last_order += 1
        paper_order = _PaperOrder(
            number=self._last_order,
            client_order_id=order.client_order_id,
            instrument=order.instrument,
            side=order.side,
            price=order.price,
            size=order.size,
            type=order.type,
            time_in_force=order.time_in_force,
            post_only=order.post_only,
            reduce_only=order.reduce_only,
        )
        self._requests.send(partial(self._on_place, paper_order))

    def amend(self, order: ApprovedOrder, price: Price, size: Size) -> None:
        self._requests.send(partial(self._on_amend, order.client_order_id, price, size))

    def cancel(self, order: Order) -> None:
        self._requests.send(partial(self._on_cancel, order.client_order_id))

    def query(self, order: Order) -> None:
        self._requests.send(partial(self._on_query, order.client_order_id))

    async def stop(self) -> None:
        self._requests.close()
        self._responses.close()
        for timer in self._funding_timers.values():
            timer.cancel()

    # -- what arrives at the simulated exchange --------------------------------------------------

    def _on_place(self, order: _PaperOrder) -> None:
        if order.client_order_id in self._orders:
            # Not kept: the first order of this id goes on as if nothing had been asked.
            self._report(order, ReportKind.REJECTED, reason="duplicate client order id")
            return
        self._orders[order.client_order_id] = order
        reason = self._refusal(order, order.price, order.size)
        if reason:
            self._finish(order, self._report(order, ReportKind.REJECTED, reason=reason))
            return
        arrival = self._models[order.instrument].place(
            order.number,
            order.side,
            order.price,
            order.size,
            time_in_force=order.time_in_force,
            post_only=order.post_only,
        )
        if arrival.outcome is Outcome.REJECTED:
            self._finish(order, self._report(order, ReportKind.REJECTED, reason=arrival.reason))
            return
        order.accepted = True
        self._open[order.number] = order
        self.statistics[order.instrument].accepted += 1
        self._report(order, ReportKind.ACCEPTED)
        self.settle(arrival.matches)
        self._join(order)
        if arrival.outcome is Outcome.CANCELED and order.is_open:
            self._finish(order, self._report(order, ReportKind.CANCELED, reason=arrival.reason))

    def _on_amend(self, client_order_id: str, price: Price, size: Size) -> None:
        order = self._orders.get(client_order_id)
        if order is None or not order.is_open:
            self._reject(client_order_id, ReportKind.REPLACE_REJECTED, order)
            return
        reason = self._refusal(order, price, size)
        if reason:
            self._report(order, ReportKind.REPLACE_REJECTED, reason=reason)
            return
        arrival = self._models[order.instrument].amend(order.number, price, size)
        if arrival.outcome is Outcome.REJECTED:
            self._report(order, ReportKind.REPLACE_REJECTED, reason=arrival.reason)
            return
        keeps_place = price == order.price and size <= order.size
        order.price, order.size = price, size
        self._report(order, ReportKind.REPLACED)
        if not keeps_place:
            self._leave(order)
            self.settle(arrival.matches)
            self._join(order)

    def _on_cancel(self, client_order_id: str) -> None:
        order = self._orders.get(client_order_id)
        if order is None or not order.is_open:
            self._reject(client_order_id, ReportKind.CANCEL_REJECTED, order)
            return
        self._cancel(order, "")

    def _on_query(self, client_order_id: str) -> None:
        order = self._orders.get(client_order_id)
        if order is None:
            self._reject(client_order_id, ReportKind.REJECTED, order)
            return
        if order.accepted:
            self._report(order, ReportKind.ACCEPTED)
        for fill in order.fills:
            self._responses.send(partial(self._deliver_fill, fill))
        if order.final is not None:
            self._responses.send(partial(self._deliver_report, order.final))

    def _refusal(self, order: _PaperOrder, price: Price | None, size: Size) -> str:
        """Say what an exchange would object to in an order, or in what it is to become."""
        instrument = order.instrument
        model = self._models.get(instrument)
        if model is None:
            return f"{instrument.id} is not traded here"
        if not instrument.tradable:
            return f"{instrument.id} is not open for trading"
        if order.time_in_force not in self.capabilities.times_in_force:
            return f"time in force {order.time_in_force.value} is not supported"
        if (order.type is OrderType.LIMIT) is (price is None):
            return "a limit order needs a price, a market order must have none"
        if price is not None and price <= 0:
            return f"price {instrument.format_price(price)} is not positive"
        if size >= MAX_COUNT or (price is not None and price >= MAX_COUNT):
            return "price or size is too large"
        if order.post_only and (price is None or order.time_in_force is not TimeInForce.GTC):
            return "an order that cannot wait cannot be post-only"
        if size < max(1, instrument.min_size):
            shown, least = instrument.format_size(size), instrument.format_size(instrument.min_size)
            return f"size {shown} is below the minimum of {least}"
        if instrument.max_size is not None and size > instrument.max_size:
            shown, most = instrument.format_size(size), instrument.format_size(instrument.max_size)
            return f"size {shown} is above the maximum of {most}"
        if price is None:
            price = model.book.best_ask if order.side is Side.BUY else model.book.best_bid
        if price is not None:
            notional = product(price, size, instrument.point_value)
            if notional < instrument.min_notional:
                return f"notional {notional:f} is below the minimum of {instrument.min_notional:f}"
        if order.reduce_only and not self._reducible(order):
            return "reduce-only: there is no position to reduce"
        return ""

    def _reducible(self, order: _PaperOrder) -> int:
        """Return the lots that this client's own position lets a reduce-only order trade."""
        return max(0, -self._positions.get(order.instrument, 0) * order.side.sign)

    # -- what becomes of it ----------------------------------------------------------------------

    def settle(self, matches: Sequence[Match]) -> None:
        """Book and tell what a fill model made trade."""
        for match in matches:
            order = self._open.get(match.order_id)
            if order is None:
                continue  # a reduce-only order that the match before has ended
            size = match.size
            if order.reduce_only:
                size = Size(min(size, self._reducible(order)))
            if size:
                self._fill(order, match.price, size, match.liquidity)
            if size < match.size:
                self._cancel(order, "reduce-only: the position is used up")

    def _fill(self, order: _PaperOrder, price: Price, size: Size, liquidity: Liquidity) -> None:
        instrument = order.instrument
        now_ns, fees = self.clock.now_ns(), self._fees
        if fees.is_tiered:
            fees.advance_to(now_ns)
        rate = fees.maker if liquidity is Liquidity.MAKER else fees.taker
        fee = trim(product(price, size, instrument.point_value, rate))
        if fees.is_tiered:
            fees.count(product(price, size, instrument.point_value))
        statistics = self.statistics[instrument]
        statistics.fill(order.side, price, size, liquidity, fee, now_ns)
        statistics.traded += not order.filled
        if order.joined_ns:
            statistics.queue_fills += 1
            statistics.waited_ns += now_ns - order.joined_ns
            order.joined_ns = 0
        self._last_trade += 1
        fill = Fill(
            client_order_id=order.client_order_id,
            instrument=instrument,
            trade_id=str(self._last_trade),
            side=order.side,
            price=price,
            size=size,
            liquidity=liquidity,
            fee=fee,
            fee_asset=instrument.settle,
            exchange_ns=now_ns,
        )
        order.filled = Size(order.filled + size)
        order.fills.append(fill)
        self._positions[instrument] = self._positions.get(instrument, 0) + order.side.sign * size
        self._responses.send(partial(self._deliver_fill, fill))
        if not order.is_open:
            self._finish(order, None)

    def _cancel(self, order: _PaperOrder, reason: str) -> None:
        self._models[order.instrument].cancel(order.number)
        self._finish(order, self._report(order, ReportKind.CANCELED, reason=reason))

    def _finish(self, order: _PaperOrder, final: OrderReport | None) -> None:
        order.final = final
        self._leave(order)
        self._open.pop(order.number, None)
        self._finished.append(order.client_order_id)
        if len(self._finished) > _REMEMBERED:
            del self._orders[self._finished.popleft()]

    def _join(self, order: _PaperOrder) -> None:
        """Count an order that waits from now on."""
        ahead = self._models[order.instrument].ahead(order.number)
        if ahead is not None:
            order.waits = True
            order.joined_ns = now_ns = self.clock.now_ns()
            # Whole lots, as shown: what is estimated begins later.
            self.statistics[order.instrument].join(order.side, int(ahead), now_ns)

    def _leave(self, order: _PaperOrder) -> None:
        if order.waits:
            order.waits, order.joined_ns = False, 0
            self.statistics[order.instrument].leave(order.side, self.clock.now_ns())

    # -- funding ---------------------------------------------------------------------------------

    def _fund_later(self, instrument: Instrument) -> None:
        due = self._funding_of[instrument].after(instrument, self.clock.now_ns())
        if due is not None:
            self._funding_timers[instrument] = self.clock.call_at(
                due.time_ns, partial(self._fund, instrument, due)
            )

    def _fund(self, instrument: Instrument, due: FundingRate) -> None:
        """Let longs pay shorts, by the mark price or the middle of the book; without either nobody pays."""
        self._fund_later(instrument)
        now_ns, position = self.clock.now_ns(), self._positions.get(instrument)
        book = self._models[instrument].book
        bid, ask = book.best_bid, book.best_ask
        if not position:
            return
        if due.mark is not None:
            value = product(position, due.mark, instrument.base_per_lot)
        elif bid is not None and ask is not None:
            value = product(position, bid + ask, instrument.point_value, _HALF)
        else:
            return
        funding = Funding(
            instrument=instrument,
            payment_id=str(now_ns),
            amount=trim(product(value, -due.rate)),
            asset=instrument.settle,
            exchange_ns=now_ns,
        )
        self._responses.send(partial(self.events.on_funding, funding))

    # -- what we are told ------------------------------------------------------------------------

    def _report(self, order: _PaperOrder, kind: ReportKind, reason: str = "") -> OrderReport:
        report = OrderReport(
            client_order_id=order.client_order_id,
            kind=kind,
            exchange_order_id=str(order.number),
            price=order.price,
            size=order.size,
            reason=reason,
            exchange_ns=self.clock.now_ns(),
        )
        self._responses.send(partial(self._deliver_report, report))
        return report

    def _reject(self, client_order_id: str, kind: ReportKind, order: _PaperOrder | None) -> None:
        report = OrderReport(
            client_order_id=client_order_id,
            kind=kind,
            reason="order is unknown" if order is None else f"order is {order.state}",
            exchange_ns=self.clock.now_ns(),
        )
        self._responses.send(partial(self._deliver_report, report))

    # Each telling is an event of its own: a repeated one has its own time, and leaves the first alone.

    def _deliver_report(self, report: OrderReport) -> None:
        if report.recv_ns:
            report = attrs.evolve(report)
        report.recv_ns = self.clock.now_ns()
        self.events.on_report(report)

    def _deliver_fill(self, fill: Fill) -> None:
        if fill.recv_ns:
            fill = attrs.evolve(fill)
        fill.recv_ns = self.clock.now_ns()
        self.events.on_fill(fill)
