"""What risk rules see in a run: the order manager's totals, the ledger, the markets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from hft.clock import Clock
from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.money import Amount, product, to_amount, trim
from hft.order import Order
from hft.plugin.risk import RiskView
from hft.types import BookState, PositionSide, Side, Size

__all__ = ["AccountView", "Figures", "LiveRiskView", "OpenOrders", "Positions"]

_HALF = Decimal("0.5")

# Bound once: a member of an enum is looked up in 40 ns where that is compiled.
_LIVE = BookState.LIVE
_BUY, _SELL = Side.BUY, Side.SELL
_BOTH, _LONG = PositionSide.BOTH, PositionSide.LONG


class OpenOrders(Protocol):
    """What the view needs of the order manager."""

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        ...

    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return the orders of an instrument that may still trade."""
        ...

    def open_count_of(self, instrument: Instrument) -> int:
        """Return how many orders of an instrument may still trade."""
        ...

    def exposure(self, instrument: Instrument, side: Side) -> int:
        """Return the lots of a side that may still trade."""
        ...

    def exposures(self, instrument: Instrument) -> tuple[int, int]:
        """Return the lots of both sides that may still trade, buys first."""
        ...

    def exposure_of(self, client_order_id: str) -> int:
        """Return the lots of one order that may still trade, 0 if there is none."""
        ...


class Figures(Protocol):
    """The running totals of one asset, each an `Amount`."""

    profit: int
    open_value: int
    opening: int
    peak: int


class Positions(Protocol):
    """What the view needs of the ledger; ``hedged`` are the instruments traded in hedge mode."""

    hedged: set[Instrument]

    def position(self, instrument: Instrument) -> Size:
        """Return the position in signed lots."""
        ...

    def position_of(self, instrument: Instrument, position_side: PositionSide) -> Size:
        """Return the position of one side."""
        ...

    def figures(self, asset: str) -> Figures:
        """Return the running totals of an asset."""
        ...

    def balance(self, exchange: str, asset: str) -> Amount | None:
        """Return what an account has of an asset."""
        ...

    def balance_over_all(self, asset: str) -> Amount | None:
        """Return what all accounts have of an asset."""
        ...

    def mark_mid(self, instrument: Instrument, twice_ticks: int) -> bool:
        """Value an instrument at half of these ticks; say whether that changed any profit."""
        ...

    def roll_day(self, now_ns: int) -> int:
        """Begin a day that has come; return when the next one does."""
        ...


class AccountView(RiskView):
    """What the risk engine needs of a view beside what rules do."""

    @abstractmethod
    def revalue(self, instrument: Instrument) -> bool:
        """Value an instrument at the middle of its book; say whether that changed any profit."""

    @abstractmethod
    def roll_day(self) -> int:
        """Begin a day that has come; return when the next one does, in nanoseconds UTC."""


class _Line:
    """One instrument of the run, and what half a tick of a lot is worth; None where that is not linear."""

    __slots__ = ("half_point", "instrument", "market", "twice_ticks")

    def __init__(self, market: Market) -> None:
        self.market = market
        self.instrument = instrument = market.instrument
        self.half_point: int | None = None
        if not instrument.inverse:
            lot_value = product(instrument.lot_size, instrument.contract_multiplier)
            self.half_point = to_amount(product(instrument.tick_size, lot_value, _HALF))
        self.twice_ticks: int | None = None

    def mid(self) -> int | None:
        """Return bid + ask in ticks, the last there was of a LIVE book, None if there never was."""
        book = self.market.book
        if book.state is _LIVE:
            bid, ask = book.best_bid, book.best_ask
            if bid is not None and ask is not None:
                self.twice_ticks = bid + ask
        return self.twice_ticks


class LiveRiskView(AccountView):
    """Answers from totals that are kept up to date, so that a question costs a few lookups.

    `gross_exposure` looks at every instrument of its asset.
    """

    def __init__(
        self, orders: OpenOrders, positions: Positions, markets: Iterable[Market], clock: Clock
    ) -> None:
        self._orders = orders
        self._positions = positions
        self._clock = clock
        self._day_ends_ns = 0
        self._lines = {market.instrument: _Line(market) for market in markets}
        self._instruments = tuple(self._lines)
        self._ids = {instrument.id: instrument for instrument in self._instruments}
        self._by_asset: dict[str, list[_Line]] = {}
        for line in self._lines.values():
            self._by_asset.setdefault(line.instrument.settle, []).append(line)

    # -- instruments and markets -----------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        return self._clock.now_ns()

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._instruments

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        instrument = self._ids.get(instrument_id)
        if instrument is None:
            raise UsageError(f"{instrument_id} is not part of this run, no strategy trades it")
        return instrument

    def market(self, instrument: Instrument) -> Market:
        return self._lines[instrument].market

    def mark(self, instrument: Instrument) -> Decimal | None:
        twice_ticks = self._lines[instrument].mid()
        return None if twice_ticks is None else trim(product(twice_ticks, instrument.tick_size, _HALF))

    def value(self, instrument: Instrument, size: int) -> Amount | None:
        line = self._lines[instrument]
        twice_ticks = line.mid()
        if twice_ticks is None or line.half_point is None:
            return None
        return Amount(size * twice_ticks * line.half_point)

    # -- positions and orders --------------------------------------------------------------------

    def position(self, instrument: Instrument) -> Size:
        return self._positions.position(instrument)

    def position_of(self, instrument: Instrument, position_side: PositionSide) -> Size:
        return self._positions.position_of(instrument, position_side)

    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        return self._orders.open_orders(instrument)

    def open_order_count(self, instrument: Instrument | None = None) -> int:
        if instrument is None:
            return self._orders.open_count
        return self._orders.open_count_of(instrument)

    def worst_case_position(self, order: Order) -> Size:
        return _worst_case_position(self._orders, self._positions, order)

    def extremes(self, instrument: Instrument) -> tuple[Size, Size]:
        position = self._positions.position(instrument)
        buys, sells = self._orders.exposures(instrument)
        return Size(position - sells), Size(position + buys)

    # -- money -----------------------------------------------------------------------------------

    def net_profit(self, asset: str) -> Amount:
        return Amount(self._positions.figures(asset).profit)

    def profit_today(self, asset: str) -> Amount:
        if self._clock.now_ns() >= self._day_ends_ns:
            self.roll_day()
        figures = self._positions.figures(asset)
        return Amount(figures.profit - figures.opening)

    def peak_profit(self, asset: str) -> Amount:
        figures = self._positions.figures(asset)
        if figures.profit > figures.peak:
            figures.peak = figures.profit
        return Amount(figures.peak)

    def balance(self, exchange: str, asset: str) -> Amount | None:
        return self._positions.balance(exchange, asset)

    def equity(self, asset: str) -> Amount | None:
        balance = self._positions.balance_over_all(asset)
        return None if balance is None else Amount(balance + self._positions.figures(asset).open_value)

    def gross_exposure(self, asset: str) -> Amount | None:
        total, exposures, position = 0, self._orders.exposures, self._positions.position
        hedged = self._positions.hedged
        for line in self._by_asset.get(asset, ()):
            instrument = line.instrument
            buys, sells = exposures(instrument)
            if instrument in hedged:
                lots = self._gross_lots(instrument, buys, sells)
            else:
                # Written out: a call for each instrument is a third of the cost.
                net = position(instrument)
                lots = net + buys
                if sells - net > lots:
                    lots = sells - net
            if lots:
                twice_ticks = line.mid()
                if twice_ticks is None or line.half_point is None:
                    return None
                total += lots * twice_ticks * line.half_point
        return Amount(total)

    def exposure_growth(self, order: Order) -> Amount | None:
        growth = _growth(self._orders, order)
        if growth <= 0 or _closes(order):
            return Amount(0)
        instrument = order.instrument
        buys, sells = self._orders.exposures(instrument)
        lots = -self._gross_lots(instrument, buys, sells)
        if order.side is _BUY:
            lots += self._gross_lots(instrument, buys + growth, sells)
        else:
            lots += self._gross_lots(instrument, buys, sells + growth)
        return self.value(instrument, lots) if lots else Amount(0)

    # -- for the engine --------------------------------------------------------------------------

    def revalue(self, instrument: Instrument) -> bool:
        twice_ticks = self._lines[instrument].mid()
        return twice_ticks is not None and self._positions.mark_mid(instrument, twice_ticks)

    def roll_day(self) -> int:
        self._day_ends_ns = self._positions.roll_day(self._clock.now_ns())
        return self._day_ends_ns

    # -- counting --------------------------------------------------------------------------------

    def _gross_lots(self, instrument: Instrument, buys: int, sells: int) -> int:
        """Return the lots of the worse case, long or short; in hedge mode no order nets with another."""
        net = self._positions.position(instrument)
        if instrument in self._positions.hedged:
            position_of = self._positions.position_of
            hedged = abs(position_of(instrument, PositionSide.LONG))
            hedged += abs(position_of(instrument, PositionSide.SHORT))
            if hedged:
                return hedged + abs(position_of(instrument, PositionSide.BOTH)) + buys + sells
        longest, shortest = net + buys, sells - net
        return max(shortest, longest)


# Functions, since of an order's attributes only these know where they lie once they are compiled.


def _worst_case_position(orders: OpenOrders, positions: Positions, order: Order) -> Size:
    instrument, side = order.instrument, order.side
    worst = orders.exposure(instrument, side) + _growth(orders, order)
    held = positions.position(instrument)
    # What `Size(lots)` returns, without its call.
    return held + worst if side is _BUY else held - worst  # type: ignore[return-value]


def _growth(orders: OpenOrders, order: Order) -> int:
    """Return the lots by which an order adds to its side's total: all, or what an amendment adds."""
    growth = order.size - order.filled - orders.exposure_of(order.client_order_id)
    return max(0, growth)


def _closes(order: Order) -> bool:
    """Whether an order can only make a position smaller, whatever else is open."""
    if order.position_side is _BOTH:
        return order.reduce_only
    return order.reduce_only or (order.side is _SELL) is (order.position_side is _LONG)
