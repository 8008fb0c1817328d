"""What risk rules see in a run: the order manager's totals, the ledger, the markets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from hft.errors import UsageError
from hft.instrument import Instrument, InstrumentId
from hft.market import Market
from hft.order import Order
from hft.plugin.risk import RiskView
from hft.types import Side, Size

__all__ = ["LiveRiskView", "OpenOrders", "Positions"]


class OpenOrders(Protocol):
    """What the view needs of the order manager."""

    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        """Return the orders of an instrument that may still trade."""
        ...

    def exposure(self, instrument: Instrument, side: Side) -> int:
        """Return the lots of a side that may still trade."""
        ...

    def exposure_of(self, client_order_id: str) -> int:
        """Return the lots of one order that may still trade, 0 if there is none."""
        ...


class Positions(Protocol):
    """What the view needs of the ledger."""

    def position(self, instrument: Instrument) -> Size:
        """Return the position in signed lots."""
        ...


class LiveRiskView(RiskView):
    """Answers from totals that are kept up to date, so that a question costs a few lookups."""

    def __init__(self, orders: OpenOrders, positions: Positions, markets: Iterable[Market]) -> None:
        self._orders = orders
        self._positions = positions
        self._markets = {market.instrument.id: market for market in markets}

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        market = self._markets.get(instrument_id)
        if market is None:
            raise UsageError(f"{instrument_id} is not part of this run, no strategy trades it")
        return market.instrument

    def market(self, instrument: Instrument) -> Market:
        return self._markets[instrument.id]

    def position(self, instrument: Instrument) -> Size:
        return self._positions.position(instrument)

    def open_orders(self, instrument: Instrument) -> Sequence[Order]:
        return self._orders.open_orders(instrument)

    def worst_case_position(self, order: Order) -> Size:
        instrument, side, orders = order.instrument, order.side, self._orders
        # An open order is in the side's total already: only what it grows by comes on top.
        growth = max(0, order.size - order.filled - orders.exposure_of(order.client_order_id))
        worst = orders.exposure(instrument, side) + growth
        return Size(self._positions.position(instrument) + side.sign * worst)
