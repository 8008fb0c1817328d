"""The simulated exchange: what it does with the orders that reach it, and what it tells of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import attrs

from hft.clock import Clock
from hft.errors import UsageError
from hft.events import Fill, Funding, OrderReport, ReportKind
from hft.funding import FundingRate
from hft.instrument import Instrument
from hft.money import product, trim
from hft.order import Order
from hft.paper.config import PaperConfig
from hft.paper.delay_line import DelayLine
from hft.paper.fees import FeeSchedule
from hft.paper.fill_model import FillModel, Match, Outcome
from hft.paper.funding import FundingRates
from hft.paper.latency import LatencyModel
from hft.paper.listing import Listing, PaperOrder
from hft.plugin.execution import ExecutionEvents
from hft.types import InstrumentKind, Liquidity, PositionSide, Price, Size

__all__ = ["PaperExchange"]

# For every order: in Python 3.11 to look up the member of an enum costs more than to compare it.
_BOTH = PositionSide.BOTH
_ACCEPTED, _REPLACED = ReportKind.ACCEPTED, ReportKind.REPLACED
_CANCELED, _REFUSED = Outcome.CANCELED, Outcome.REJECTED

_HALF = Decimal("0.5")

_REMEMBERED = 10_000
"""Finished orders about which one may still ask."""


class PaperExchange:
    """Takes requests after a delay, trades orders by the fill model of their instrument, tells after a delay.

    ``orders`` are those that can be asked about, by client id, ``open`` those that may trade, by number.
    """

    __slots__ = (
        "_clock",
        "_events",
        "_fees",
        "_finished",
        "_last_order",
        "_last_trade",
        "_now_ns",
        "_requests",
        "_responses",
        "listings",
        "open",
        "orders",
    )

    def __init__(
        self, config: PaperConfig, events: ExecutionEvents, clock: Clock, latency: LatencyModel
    ) -> None:
        self._events = events
        self._clock = clock
        self._now_ns = clock.now_ns  # bound, since it is asked for the time at every turn
        self._requests = DelayLine(clock, latency.request_ns)
        self._responses = DelayLine(clock, latency.response_ns)
        self._fees = FeeSchedule(config, clock.now_ns())
        self.listings: dict[Instrument, Listing] = {}
        self.orders: dict[str, PaperOrder] = {}
        self.open: dict[int, PaperOrder] = {}
        self._finished: deque[str] = deque()
        self._last_order = 0
        self._last_trade = 0

    def add(self, instrument: Instrument, model: FillModel, funding: FundingRates) -> None:
        """Trade an instrument by a fill model; raise `UsageError` for one that cannot be simulated.

        ``funding`` is what it pays if it is a perpetual.
        """
        if instrument.inverse:
            raise UsageError(f"{instrument.id}: inverse contracts cannot be simulated, use a linear one")
        for other in self.listings if self._fees.is_tiered else ():
            if other.settle != instrument.settle:
                raise UsageError(
                    f"{instrument.id}: settles in {instrument.settle} and {other.id} in {other.settle}, which"
                    " fee_tiers cannot add up: give each currency an exchange of its own in the profile"
                )
        pays = instrument.kind is InstrumentKind.PERPETUAL
        listing = Listing(instrument, model, self._fees, funding if pays else None)
        self.listings[instrument] = listing
        self._fund_later(listing)

    def close(self) -> None:
        """Forget what is under way, and leave nothing on the clock."""
        self._requests.close()
        self._responses.close()
        for listing in self.listings.values():
            if listing.funding_timer is not None:
                listing.funding_timer.cancel()

    # -- what is sent ----------------------------------------------------------------------------

    def place(self, order: Order) -> None:
        """Send a new order."""
        self._last_order += 1
        self._requests.send(self._on_place, (PaperOrder(self._last_order, order),))

    def amend(self, client_order_id: str, price: Price, size: Size) -> None:
        """Send a change of an order's price and whole size."""
        self._requests.send(self._on_amend, (client_order_id, price, size))

    def cancel(self, client_order_id: str) -> None:
        """Send a cancellation."""
        self._requests.send(self._on_cancel, (client_order_id,))

    def query(self, client_order_id: str) -> None:
        """Send a question: it is answered with all that was told of the order."""
        self._requests.send(self._on_query, (client_order_id,))

    # -- what arrives ----------------------------------------------------------------------------

    def _on_place(self, order: PaperOrder) -> None:
        if order.client_order_id in self.orders:
            # Not kept: the first order of this id goes on as if nothing had been asked.
            self._report(order, ReportKind.REJECTED, "duplicate client order id")
            return
        self.orders[order.client_order_id] = order
        listing = self.listings.get(order.instrument)
        if listing is None:
            reason = f"{order.instrument.id} is not traded here"
            self._finish(order, self._report(order, ReportKind.REJECTED, reason))
            return
        order.listing = listing
        reason = listing.refusal(order, order.price, order.size)
        if reason:
            self._finish(order, self._report(order, ReportKind.REJECTED, reason))
            return
        arrival = listing.model.place(
            order.number, order.side, order.price, order.size, order.time_in_force, order.post_only
        )
        if arrival.outcome is _REFUSED:
            self._finish(order, self._report(order, ReportKind.REJECTED, arrival.reason))
            return
        order.accepted = True
        self.open[order.number] = order
        listing.statistics.accepted += 1
        self._report(order, _ACCEPTED)
        self.settle(arrival.matches)
        self._join(order)
        if arrival.outcome is _CANCELED and order.is_open():
            self._finish(order, self._report(order, ReportKind.CANCELED, arrival.reason))

    def _on_amend(self, client_order_id: str, price: Price, size: Size) -> None:
        order = self.orders.get(client_order_id)
        if order is None or not order.is_open():
            self._reject(client_order_id, ReportKind.REPLACE_REJECTED, order)
            return
        listing = order.listing
        reason = listing.refusal(order, price, size)
        if reason:
            self._report(order, ReportKind.REPLACE_REJECTED, reason)
            return
        arrival = listing.model.amend(order.number, price, size)
        if arrival.outcome is _REFUSED:
            self._report(order, ReportKind.REPLACE_REJECTED, arrival.reason)
            return
        keeps_place = price == order.price and size <= order.size
        order.price, order.size = price, size
        self._report(order, _REPLACED)
        if not keeps_place:
            self._leave(order)
            self.settle(arrival.matches)
            self._join(order)

    def _on_cancel(self, client_order_id: str) -> None:
        order = self.orders.get(client_order_id)
        if order is None or not order.is_open():
            self._reject(client_order_id, ReportKind.CANCEL_REJECTED, order)
            return
        self._cancel(order, "")

    def _on_query(self, client_order_id: str) -> None:
        order = self.orders.get(client_order_id)
        if order is None:
            self._reject(client_order_id, ReportKind.REJECTED, order)
            return
        if order.accepted:
            self._report(order, _ACCEPTED)
        for fill in order.fills:
            self._responses.send(self._deliver_fill, (fill,))
        if order.final is not None:
            self._responses.send(self._deliver_report, (order.final,))

    # -- what becomes of it ----------------------------------------------------------------------

    def settle(self, matches: Sequence[Match]) -> None:
        """Book and tell what a fill model made trade."""
        for number, price, size, liquidity in matches:
            order = self.open.get(number)
            if order is None:
                continue  # a reduce-only order that the match before has ended
            traded = Size(min(size, order.listing.reducible(order))) if order.reduce_only else size
            if traded:
                self._fill(order, price, traded, liquidity)
            if traded < size:
                self._cancel(order, "reduce-only: the position is used up")

    def _fill(self, order: PaperOrder, price: Price, size: Size, liquidity: Liquidity) -> None:
        now_ns = self._now_ns()
        listing, statistics = order.listing, order.listing.statistics
        fee = listing.fill(order.side, price * size, size, liquidity, now_ns)
        statistics.fill(order.side, price, size, liquidity, fee, now_ns)
        if not order.filled:
            statistics.traded += 1
        if order.joined_ns:
            statistics.queue_fills += 1
            statistics.waited_ns += now_ns - order.joined_ns
            order.joined_ns = 0
        self._last_trade += 1
        fill = _new_fill(order, str(self._last_trade), price, size, liquidity, fee, now_ns)
        order.filled += size
        order.fills.append(fill)
        self._responses.send(self._deliver_fill, (fill,))
        if not order.is_open():
            self._finish(order, None)

    def _cancel(self, order: PaperOrder, reason: str) -> None:
        order.listing.model.cancel(order.number)
        self._finish(order, self._report(order, ReportKind.CANCELED, reason))

    def _finish(self, order: PaperOrder, final: OrderReport | None) -> None:
        order.final = final
        self._leave(order)
        self.open.pop(order.number, None)
        self._finished.append(order.client_order_id)
        if len(self._finished) > _REMEMBERED:
            del self.orders[self._finished.popleft()]

    def _join(self, order: PaperOrder) -> None:
        """Count an order that waits from now on."""
        listing = order.listing
        ahead = listing.model.ahead(order.number)
        if ahead is not None:
            order.waits = True
            order.joined_ns = now_ns = self._now_ns()
            # Whole lots, as shown: what is estimated begins later.
            listing.statistics.join(order.side, int(ahead), now_ns)

    def _leave(self, order: PaperOrder) -> None:
        if order.waits:
            order.waits, order.joined_ns = False, 0
            order.listing.statistics.leave(order.side, self._now_ns())

    # -- funding ---------------------------------------------------------------------------------

    def _fund_later(self, listing: Listing) -> None:
        if listing.funding is None:
            return
        due = listing.funding.after(listing.instrument, self._now_ns())
        if due is not None:
            listing.funding_timer = self._clock.call_at(due.time_ns, partial(self._fund, listing, due))

    def _fund(self, listing: Listing, due: FundingRate) -> None:
        """Let longs pay shorts, by the mark price or the middle of the book; without either nobody pays."""
        self._fund_later(listing)
        now_ns, position = self._now_ns(), listing.position
        instrument, book = listing.instrument, listing.model.book
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
        self._responses.send(self._events.on_funding, (funding,))

    # -- what is told ----------------------------------------------------------------------------

    def _report(self, order: PaperOrder, kind: ReportKind, reason: str = "") -> OrderReport:
        report = _new_report(
            order.client_order_id, kind, order.exchange_order_id, order.price, order.size, reason,
            self._now_ns(),
        )  # fmt: skip
        self._responses.send(self._deliver_report, (report,))
        return report

    def _reject(self, client_order_id: str, kind: ReportKind, order: PaperOrder | None) -> None:
        reason = "order is unknown" if order is None else f"order is {order.state()}"
        report = _new_report(client_order_id, kind, "", None, None, reason, self._now_ns())
        self._responses.send(self._deliver_report, (report,))

    # Each telling is an event of its own: a repeated one has its own time, and leaves the first alone.

    def _deliver_report(self, report: OrderReport) -> None:
        if report.recv_ns:
            report = attrs.evolve(report)
        report.recv_ns = self._now_ns()
        self._events.on_report(report)

    def _deliver_fill(self, fill: Fill) -> None:
        if fill.recv_ns:
            fill = attrs.evolve(fill)
        fill.recv_ns = self._now_ns()
        self._events.on_fill(fill)


# Both do what the classes themselves do, which take a keyword for each attribute: that costs more than all
# else that is done here for an order.


def _new_report(
    client_order_id: str,
    kind: ReportKind,
    exchange_order_id: str,
    price: Price | None,
    size: Size | None,
    reason: str,
    now_ns: int,
) -> OrderReport:
    report = OrderReport.__new__(OrderReport)
    report.client_order_id = client_order_id
    report.kind = kind
    report.exchange_order_id = exchange_order_id
    report.price = price
    report.size = size
    report.filled = None
    report.code = ""
    report.reason = reason
    report.asked_ns = 0
    report.exchange_ns = now_ns
    report.recv_ns = 0
    return report


def _new_fill(
    order: PaperOrder,
    trade_id: str,
    price: Price,
    size: Size,
    liquidity: Liquidity,
    fee: Decimal,
    now_ns: int,
) -> Fill:
    fill = Fill.__new__(Fill)
    fill.client_order_id = order.client_order_id
    fill.instrument = order.instrument
    fill.trade_id = trade_id
    fill.side = order.side
    fill.price = price
    fill.size = size
    fill.liquidity = liquidity
    fill.fee = fee
    fill.fee_asset = order.instrument.settle
    fill.realized = None
    fill.position_side = _BOTH
    fill.exchange_made = False
    fill.exchange_order_id = ""
    fill.exchange_ns = now_ns
    fill.recv_ns = 0
    return fill
