# cython: overflowcheck=True
"""The simulated exchange: what it does with the orders that reach it, and what it tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import attrs

from hft import primitives
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
from hft.paper.latency import Delay, LatencyModel
from hft.paper.listing import Listing, PaperOrder
from hft.plugin.execution import ExecutionEvents
from hft.plugin.hearer import hearer_of
from hft.types import InstrumentKind, Liquidity, Price, Size

__all__ = ["PaperExchange", "new_order"]

# For every order: in Python 3.11 to look up the member of an enum costs more than to compare it.
_ACCEPTED, _REPLACED = ReportKind.ACCEPTED, ReportKind.REPLACED
_CANCELED, _REJECTED = ReportKind.CANCELED, ReportKind.REJECTED
_CANCEL_REJECTED, _REPLACE_REJECTED = ReportKind.CANCEL_REJECTED, ReportKind.REPLACE_REJECTED
_RESTING, _ENDED, _REFUSED = Outcome.RESTING, Outcome.CANCELED, Outcome.REJECTED

_HALF = Decimal("0.5")

_REPORT = OrderReport(client_order_id="", kind=_ACCEPTED)
"""What all reports have in common."""

_REMEMBERED = 1_000
"""Finished orders about which one may still ask: of an older one the end was told long before any answer."""


class PaperExchange:
    """Takes requests after a delay, trades orders by the fill model of their instrument, tells after a delay.

    ``orders`` are those that can be asked about, by client id.
    """

    __slots__ = (
        "_answers",
        "_ask_ns",
        "_clock",
        "_fees",
        "_finished",
        "_last_order",
        "_last_trade",
        "_listing",
        "_now",
        "_now_ns",
        "_oldest",
        "_requests",
        "listings",
        "orders",
    )

    def __init__(
        self, config: PaperConfig, events: ExecutionEvents, clock: Clock, latency: LatencyModel
    ) -> None:
        self._clock = clock
        self._ask_ns = clock.now_ns  # bound, since it is asked at every turn
        self._now = self._now_ns = 0
        """The time of the turn: all that happens in it happens then."""
        request, response = latency.delays()
        self._requests = _Requests(clock, request, self)
        self._answers = _Answers(clock, response, events)
        self._fees = FeeSchedule(config, clock.now_ns())
        self.listings: dict[Instrument, Listing] = {}
        self._listing: Listing | None = None
        """Where the order before was placed."""
        self.orders: dict[str, PaperOrder] = {}
        self._finished: list[str] = []
        self._oldest = 0
        """Where the first to be forgotten stands, once there are as many as are remembered."""
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
        self.listings[instrument], self._listing = listing, None
        self._fund_later(listing)

    def close(self) -> None:
        """Forget what is under way and all orders, and leave nothing on the clock."""
        self._requests.close()
        self._answers.close()
        for order in self.orders.values():
            if order.is_open():
                order.listing.model.cancel(order)
        self.orders.clear()
        self._finished.clear()
        for listing in self.listings.values():
            if listing.funding_timer is not None:
                listing.funding_timer.cancel()

    # -- what is sent ----------------------------------------------------------------------------

    def place(self, order: Order) -> None:
        """Send a new order."""
        self._last_order += 1
        self._begin(self._ask_ns())
        self._requests.send(new_order(self._last_order, order), self._now_ns)

    def amend(self, client_order_id: str, price: Price, size: Size) -> None:
        """Send a change of an order's price and whole size."""
        self._begin(self._ask_ns())
        self._requests.send(_new_amendment(client_order_id, price, size), self._now_ns)

    def cancel(self, client_order_id: str) -> None:
        """Send a cancellation."""
        self._begin(self._ask_ns())
        self._requests.send(_Cancellation(client_order_id), self._now_ns)

    def query(self, client_order_id: str) -> None:
        """Send a question: it is answered with all that was told of the order."""
        self._begin(self._ask_ns())
        self._requests.send(_Question(client_order_id), self._now_ns)

    # -- what arrives ----------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> None:
        # The clock tells one time as one object.
        if now_ns is not self._now:
            self._now = self._now_ns = now_ns

    def _on_place(self, order: PaperOrder) -> None:
        if self.orders.setdefault(order.client_order_id, order) is not order:
            # Not kept: the first order of this id goes on as if nothing had been asked.
            self._report(order, _REJECTED, "duplicate client order id")
            return
        listing = self._listing
        if listing is None or listing.instrument is not order.instrument:
            listing = self.listings.get(order.instrument)
            if listing is None:
                self._refuse(order, f"{order.instrument.id} is not traded here")
                return
            self._listing = listing
        order.listing = listing
        reason = listing.refusal(order, order.price, order.size)
        if reason:
            self._refuse(order, reason)
            return
        arrival = listing.model.place(
            order, order.side, order.price, order.size, order.time_in_force, order.post_only
        )
        if arrival.outcome is _REFUSED:
            self._refuse(order, arrival.reason)
            return
        order.accepted = True
        listing.statistics.accepted += 1
        self._report(order, _ACCEPTED, "")
        if arrival.matches:
            self._settle(arrival.matches)
        if arrival.outcome is _RESTING:
            self._join(order, arrival.ahead)
        elif arrival.outcome is _ENDED and order.is_open():
            self._finish(order, self._report(order, _CANCELED, arrival.reason))

    def _on_amend(self, request: _Amendment) -> None:
        order = self.orders.get(request.client_order_id)
        if order is None or not order.is_open():
            self._reject(request.client_order_id, _REPLACE_REJECTED, order)
            return
        price, size = request.price, request.size
        listing = order.listing
        reason = listing.refusal(order, price, size)
        if reason:
            self._report(order, _REPLACE_REJECTED, reason)
            return
        arrival = listing.model.amend(order, price, size)
        if arrival.outcome is _REFUSED:
            self._report(order, _REPLACE_REJECTED, arrival.reason)
            return
        keeps_place = price == order.price and size <= order.size
        order.price, order.size = price, size
        self._report(order, _REPLACED, "")
        if not keeps_place:
            self._leave(order)
            if arrival.matches:
                self._settle(arrival.matches)
            if arrival.outcome is _RESTING:
                self._join(order, arrival.ahead)

    def _on_cancel(self, request: _Cancellation) -> None:
        order = self.orders.get(request.client_order_id)
        if order is None or not order.is_open():
            self._reject(request.client_order_id, _CANCEL_REJECTED, order)
            return
        self._cancel(order, "")

    def _on_query(self, request: _Question) -> None:
        order = self.orders.get(request.client_order_id)
        if order is None:
            self._reject(request.client_order_id, _REJECTED, order)
            return
        if order.accepted:
            self._report(order, _ACCEPTED, "")
        for fill in order.fills or ():
            self._answers.send(fill, self._now_ns)
        if order.final is not None:
            self._answers.send(order.final, self._now_ns)

    # -- what becomes of it ----------------------------------------------------------------------

    def settle(self, matches: Sequence[Match]) -> None:
        """Book and tell what a fill model made trade."""
        self._begin(self._ask_ns())
        self._settle(matches)

    def _settle(self, matches: Sequence[Match]) -> None:
        for match in matches:
            order: PaperOrder = match.order_id
            if order.final is not None:
                # A reduce-only order that the match before has ended, or one whose cancel arrived between two
                # events of the message that made it trade.
                continue
            if not order.reduce_only:
                self._fill(order, match.price, match.size, match.liquidity)
                continue
            size = Size(min(match.size, order.listing.reducible(order)))
            if size:
                self._fill(order, match.price, size, match.liquidity)
            if size < match.size:
                self._cancel(order, "reduce-only: the position is used up")

    def _fill(self, order: PaperOrder, price: Price, size: Size, liquidity: Liquidity) -> None:
        listing, statistics = order.listing, order.listing.statistics
        fee = listing.fill(order.side, price * size, size, liquidity, self._now_ns)
        statistics.fill(order.side, price, size, liquidity, fee, self._now_ns)
        if order.joined_ns:
            statistics.reach(self._now_ns - order.joined_ns)
            order.joined_ns = 0
        self._last_trade += 1
        fill = _new_fill(order, f"{self._last_trade}", price, size, liquidity, fee, self._now)
        if order.fills is None:
            statistics.traded += 1
            order.fills = [fill]
        else:
            order.fills.append(fill)
        order.filled += size
        self._answers.send(fill, self._now_ns)
        if order.filled >= order.size:
            self._finish(order, None)

    def _cancel(self, order: PaperOrder, reason: str) -> None:
        order.listing.model.cancel(order)
        self._finish(order, self._report(order, _CANCELED, reason))

    def _refuse(self, order: PaperOrder, reason: str) -> None:
        self._finish(order, self._report(order, _REJECTED, reason))

    def _finish(self, order: PaperOrder, final: OrderReport | None) -> None:
        order.final = final
        self._leave(order)
        finished, remembered = self._finished, _REMEMBERED
        if len(finished) < remembered:
            finished.append(order.client_order_id)
        else:
            del self.orders[finished[self._oldest]]
            finished[self._oldest] = order.client_order_id
            self._oldest = (self._oldest + 1) % remembered

    def _join(self, order: PaperOrder, ahead: int) -> None:
        """Count an order that waits from now on, unless what it took has ended it."""
        if order.final is None:
            order.waits, order.joined_ns = True, self._now_ns
            order.listing.statistics.join(order.side, ahead, self._now_ns)

    def _leave(self, order: PaperOrder) -> None:
        if order.waits:
            order.waits, order.joined_ns = False, 0
            order.listing.statistics.leave(order.side, self._now_ns)

    # -- funding ---------------------------------------------------------------------------------

    def _fund_later(self, listing: Listing) -> None:
        if listing.funding is None:
            return
        due = listing.funding.after(listing.instrument, self._ask_ns())
        if due is not None:
            listing.funding_timer = self._clock.call_at(due.time_ns, partial(self._fund, listing, due))

    def _fund(self, listing: Listing, due: FundingRate) -> None:
        """Let longs pay shorts, by the mark price or the middle of the book; without either nobody pays."""
        self._fund_later(listing)
        self._begin(self._ask_ns())
        position = listing.position
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
            payment_id=str(self._now),
            amount=trim(product(value, -due.rate)),
            asset=instrument.settle,
            exchange_ns=self._now,
        )
        self._answers.send(funding, self._now_ns)

    # -- what is told ----------------------------------------------------------------------------

    def _report(self, order: PaperOrder, kind: ReportKind, reason: str) -> OrderReport:
        report = _new_report(
            order.client_order_id, kind, order.exchange_order_id, order.price, order.size, reason, self._now
        )
        self._answers.send(report, self._now_ns)
        return report

    def _reject(self, client_order_id: str, kind: ReportKind, order: PaperOrder | None) -> None:
        reason = "order is unknown" if order is None else f"order is {order.state()}"
        report = _new_report(client_order_id, kind, "", None, None, reason, self._now)
        self._answers.send(report, self._now_ns)


# -- what is under way ---------------------------------------------------------------------------


class _Amendment:
    __slots__ = ("client_order_id", "price", "size")

    client_order_id: str
    price: Price
    size: Size


class _Cancellation:
    __slots__ = ("client_order_id",)

    def __init__(self, client_order_id: str) -> None:
        self.client_order_id = client_order_id


class _Question:
    __slots__ = ("client_order_id",)

    def __init__(self, client_order_id: str) -> None:
        self.client_order_id = client_order_id


class _Requests(DelayLine):
    """Carries what is asked to the exchange."""

    __slots__ = ("_exchange",)

    def __init__(self, clock: Clock, delay: Delay, exchange: PaperExchange) -> None:
        DelayLine.__init__(self, clock, delay)
        self._exchange = exchange

    def arrive(self, message: Any, now_ns: int) -> None:
        exchange = self._exchange
        exchange._begin(now_ns)
        if isinstance(message, PaperOrder):
            exchange._on_place(message)
        elif isinstance(message, _Amendment):
            exchange._on_amend(message)
        elif isinstance(message, _Cancellation):
            exchange._on_cancel(message)
        else:
            exchange._on_query(message)


class _Answers(DelayLine):
    """Carries what is told to us. Each telling is an event of its own: a repeated one has its own time, and
    leaves the first alone."""

    __slots__ = ("_events",)

    def __init__(self, clock: Clock, delay: Delay, events: ExecutionEvents) -> None:
        DelayLine.__init__(self, clock, delay)
        self._events = hearer_of(events)

    def arrive(self, message: Any, now_ns: int) -> None:
        if isinstance(message, Fill):
            fill = message
            if fill.recv_ns != 0:
                fill = attrs.evolve(fill)
            fill.recv_ns = now_ns
            self._events.on_fill(fill)
        elif isinstance(message, OrderReport):
            report = message
            if report.recv_ns != 0:
                report = attrs.evolve(report)
            report.recv_ns = now_ns
            self._events.on_report(report)
        else:
            self._events.on_funding(message)


def new_order(number: int, order: Order) -> PaperOrder:
    """Make what the exchange has of an order that is sent."""
    made = PaperOrder.__new__(PaperOrder)
    made.exchange_order_id = f"{number}"
    made.client_order_id = order.client_order_id
    made.instrument = order.instrument
    made.side = order.side
    made.price = order.price
    made.size = order.size
    made.type = order.type
    made.time_in_force = order.time_in_force
    made.post_only = order.post_only
    made.reduce_only = order.reduce_only
    made.accepted = made.waits = False
    made.joined_ns = made.filled = 0
    made.fills = made.final = None
    return made


def _new_amendment(client_order_id: str, price: Price, size: Size) -> _Amendment:
    made = _Amendment.__new__(_Amendment)
    made.client_order_id = client_order_id
    made.price = price
    made.size = size
    return made


# Both are copies: their classes take a keyword for each attribute, which costs more than all else that is
# done here for an order.


def _new_report(
    client_order_id: str,
    kind: ReportKind,
    exchange_order_id: str,
    price: Price | None,
    size: Size | None,
    reason: str,
    now: int,
) -> OrderReport:
    report = primitives.copied(_REPORT)
    report.client_order_id = client_order_id
    report.kind = kind
    report.exchange_order_id = exchange_order_id
    report.price = price
    report.size = size
    report.reason = reason
    report.exchange_ns = now
    return report


def _new_fill(
    order: PaperOrder,
    trade_id: str,
    price: Price,
    size: Size,
    liquidity: Liquidity,
    fee: Decimal,
    now: int,
) -> Fill:
    fill = primitives.copied(order.listing.form)
    fill.client_order_id = order.client_order_id
    fill.trade_id = trade_id
    fill.side = order.side
    fill.price = price
    fill.size = size
    fill.liquidity = liquidity
    fill.fee = fee
    fill.exchange_ns = now
    return fill
