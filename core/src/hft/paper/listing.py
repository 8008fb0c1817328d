# cython: overflowcheck=True
"""An instrument as the simulated exchange trades it, and an order in it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

from hft.clock import Timer
from hft.events import Fill, OrderReport
from hft.instrument import MAX_COUNT, Instrument
from hft.money import product, trim
from hft.paper.fees import FeeSchedule
from hft.paper.fill_model import FillModel
from hft.paper.funding import FundingRates
from hft.paper.statistics import OrderStatistics
from hft.types import Liquidity, OrderType, Price, Side, Size, TimeInForce

__all__ = ["TIMES_IN_FORCE", "Listing", "PaperOrder"]

TIMES_IN_FORCE = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
"""What orders may ask for."""

_BUY, _GTC, _LIMIT, _MAKER = Side.BUY, TimeInForce.GTC, OrderType.LIMIT, Liquidity.MAKER

_KNOWN_COSTS = 4096
"""Fees that are remembered: as many prices times sizes as are traded at in some hours."""


class PaperOrder:
    """An order as the simulated exchange has it; the kernel's own may change while ours is under way.

    ``listing`` is where it trades, once it has arrived. ``joined_ns`` is
    when it began to wait in a queue; 0 while it does not (``waits``), and once it had its first fill there.
    ``fills`` is None before the first. ``final`` is the report that ended it; an order that is filled needs
    none.
    """

    __slots__ = (
        "accepted",
        "client_order_id",
        "exchange_order_id",
        "filled",
        "fills",
        "final",
        "instrument",
        "joined_ns",
        "listing",
        "post_only",
        "price",
        "reduce_only",
        "side",
        "size",
        "time_in_force",
        "type",
        "waits",
    )

    exchange_order_id: str
    client_order_id: str
    instrument: Instrument
    side: Side
    price: Price | None
    size: Size
    type: OrderType
    time_in_force: TimeInForce
    post_only: bool
    reduce_only: bool
    listing: Listing
    accepted: bool
    waits: bool
    joined_ns: int
    filled: int
    fills: list[Fill] | None
    final: OrderReport | None

    def is_open(self) -> bool:
        """Return whether it may still trade."""
        return self.accepted and self.final is None and self.filled < self.size

    def state(self) -> str:
        """Return in a word what has become of it."""
        if self.final is not None:
            return self.final.kind.value
        return "open" if self.is_open() else "filled"


class Costs:
    """What fills cost at one rate; what was found is remembered, since prices and sizes repeat."""

    __slots__ = ("_known", "_unit", "rate")

    def __init__(self, point_value: Decimal, rate: Decimal) -> None:
        self.rate = rate
        self._unit = product(point_value, rate)
        self._known: dict[int, Decimal] = {}

    def of(self, value: int) -> Decimal:
        """Return the fee of so many ticks times lots, exactly."""
        fee = self._known.get(value)
        if fee is None:
            if len(self._known) == _KNOWN_COSTS:
                self._known.clear()
            fee = self._known[value] = trim(product(value, self._unit))
        return fee


class Listing:
    """An instrument as the simulated exchange trades it: its rules, what its fills cost, our position in it.

    ``position`` is in lots, negative when short. ``form`` is what all fills here have in common, ``funding``
    what it pays, None if it never does.
    """

    __slots__ = (
        "_fees",
        "_maker",
        "_max_size",
        "_min_size",
        "_min_value",
        "_taker",
        "_tradable",
        "form",
        "funding",
        "funding_timer",
        "instrument",
        "model",
        "position",
        "statistics",
    )

    def __init__(
        self, instrument: Instrument, model: FillModel, fees: FeeSchedule, funding: FundingRates | None
    ) -> None:
        self.instrument = instrument
        self.form = Fill(
            client_order_id="",
            instrument=instrument,
            trade_id="",
            side=_BUY,
            price=Price(0),
            size=Size(0),
            liquidity=_MAKER,
            fee=Decimal(0),
            fee_asset=instrument.settle,
        )
        self.model = model
        self.funding = funding
        self.funding_timer: Timer | None = None
        self.position = 0
        self.statistics = OrderStatistics()
        self._tradable = instrument.tradable
        # No size that is looked at is larger.
        self._min_size = min(max(1, instrument.min_size), MAX_COUNT)
        self._max_size = MAX_COUNT if instrument.max_size is None else min(instrument.max_size, MAX_COUNT)
        # In ticks times lots, since integers are compared in no time; a fraction divides exactly.
        self._min_value = ceil(Fraction(instrument.min_notional) / Fraction(instrument.point_value))
        self._fees = fees
        self._maker = Costs(instrument.point_value, fees.maker)
        self._taker = Costs(instrument.point_value, fees.taker)

    def refusal(self, order: PaperOrder, price: Price | None, size: Size) -> str:
        """Say what an exchange would object to in an order, or in what it is to become; empty if nothing."""
        instrument = self.instrument
        if not self._tradable:
            return f"{instrument.id} is not open for trading"
        if order.time_in_force is not _GTC and order.time_in_force not in TIMES_IN_FORCE:
            return f"time in force {order.time_in_force.value} is not supported"
        if (order.type is _LIMIT) is (price is None):
            return "a limit order needs a price, a market order must have none"
        if price is not None and price <= 0:
            return f"price {instrument.format_price(price)} is not positive"
        if size >= MAX_COUNT or (price is not None and price >= MAX_COUNT):
            return "price or size is too large"
        if order.post_only and (price is None or order.time_in_force is not _GTC):
            return "an order that cannot wait cannot be post-only"
        lots: int = max(0, size)
        if lots < self._min_size:
            shown, least = instrument.format_size(size), instrument.format_size(instrument.min_size)
            return f"size {shown} is below the minimum of {least}"
        if lots > self._max_size:
            shown, most = instrument.format_size(size), instrument.format_size(self._max_size)
            return f"size {shown} is above the maximum of {most}"
        if price is None:
            book = self.model.book
            price = book.best_ask if order.side is _BUY else book.best_bid
        if self._min_value != 0 and price is not None and price * size < self._min_value:
            notional = product(price, size, instrument.point_value)
            return f"notional {notional:f} is below the minimum of {instrument.min_notional:f}"
        if order.reduce_only and not self.reducible(order):
            return "reduce-only: there is no position to reduce"
        return ""

    def reducible(self, order: PaperOrder) -> int:
        """Return the lots that our own position lets a reduce-only order trade."""
        return max(0, -self.position if order.side is _BUY else self.position)

    def fill(self, side: Side, value: int, size: Size, liquidity: Liquidity, now_ns: int) -> Decimal:
        """Book a fill, worth so many ticks times lots, into the position; return what it costs."""
        if side is _BUY:
            self.position += size
        else:
            self.position -= size
        fees = self._fees
        if fees.is_tiered:
            point_value = self.instrument.point_value
            fees.advance_to(now_ns)
            if self._maker.rate is not fees.maker or self._taker.rate is not fees.taker:
                self._maker, self._taker = Costs(point_value, fees.maker), Costs(point_value, fees.taker)
            fees.count(product(value, point_value))
        return (self._maker if liquidity is _MAKER else self._taker).of(value)
