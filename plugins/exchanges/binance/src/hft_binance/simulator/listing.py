"""What the simulated Binance lists: the two products, and one symbol of either."""

from __future__ import annotations

from collections import deque
from itertools import count

import attrs

from hft import InstrumentKind, Price, Side, Size
from hft.sim import PublicTrade, RecordedMarket, Step, SyntheticMarket, WorldMarket

__all__ = ["SPOT", "USDM", "AggTrade", "Listing", "ProductRules"]

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_AGG_TRADES_KEPT = 1000
_SPOT_DIGITS = 8
"""Spot states every number with eight digits behind the point, futures with those of the grid."""

_FIRST_UPDATE_ID = 10_000_000


@attrs.frozen(kw_only=True)
class ProductRules:
    """One of the two exchanges behind the name: its paths and published limits (docs of 2026)."""

    name: str
    rest: str
    """Where its REST paths begin."""
    weight_per_min: int
    messages_per_s: int
    """What a websocket may send; pings and pongs count."""
    ping_ns: int
    pong_ns: int
    """After how long without a pong the socket is closed."""
    announces_shutdown: bool
    order_limits: tuple[tuple[str, int, int], ...]
    """Orders that one account may place: interval, its number, and how many."""


SPOT = ProductRules(
    name="spot",
    rest="/api/v3",
    weight_per_min=6000,
    messages_per_s=5,
    ping_ns=20 * NS_PER_S,
    pong_ns=60 * NS_PER_S,
    announces_shutdown=True,
    order_limits=(("SECOND", 10, 50), ("DAY", 1, 160_000)),
)
USDM = ProductRules(
    name="usdm",
    rest="/fapi/v1",
    weight_per_min=2400,
    messages_per_s=10,
    ping_ns=180 * NS_PER_S,
    pong_ns=600 * NS_PER_S,
    announces_shutdown=False,
    order_limits=(("SECOND", 10, 300), ("MINUTE", 1, 1200)),
)


@attrs.define(eq=False)
class AggTrade:
    """What one order traded at one price."""

    agg_id: int
    first: PublicTrade
    last: PublicTrade
    size: Size


class Listing:
    """One symbol: its market, its update ids as this exchange counts them, its aggregated trades.

    Update ids count changed levels. On spot every symbol counts by itself; on futures all symbols
    share ``futures_ids``, which is why their updates chain on ``pu`` instead of being contiguous.
    """

    def __init__(self, market: WorldMarket, futures_ids: count[int]) -> None:
        instrument = market.instrument
        self.market = market
        self.symbol = instrument.native_symbol
        self.product = SPOT if instrument.kind is InstrumentKind.SPOT else USDM
        self.agg_trades: deque[AggTrade] = deque(maxlen=_AGG_TRADES_KEPT)
        self._ids = futures_ids if self.product is USDM else count(_FIRST_UPDATE_ID)
        self._update_id = next(self._ids)
        self._agg_ids = count(1)
        self._price_zeros = self._zeros(instrument.format_price(1))
        self._size_zeros = self._zeros(instrument.format_size(1))

    @staticmethod
    def new_futures_ids() -> count[int]:
        """Return the counter that all symbols of futures share."""
        return count(_FIRST_UPDATE_ID)

    @property
    def update_id(self) -> int:
        """The id of the last change of the book."""
        market = self.market
        return market.book.update_id if isinstance(market, RecordedMarket) else self._update_id

    def synthetic(self) -> SyntheticMarket:
        """Return its market as one that takes orders."""
        assert isinstance(self.market, SyntheticMarket)
        return self.market

    def next_update_id(self) -> int:
        """Count one changed level."""
        self._update_id = next(self._ids)
        return self._update_id

    def price(self, ticks: Price) -> str:
        """Write a price as this product does."""
        return self.market.instrument.format_price(ticks) + self._price_zeros

    def size(self, lots: Size) -> str:
        """Write a size as this product does."""
        return self.market.instrument.format_size(lots) + self._size_zeros

    def signed_size(self, lots: int) -> str:
        """Write the size of a position."""
        return ("-" if lots < 0 else "") + self.size(Size(abs(lots)))

    def levels(self, side: Side, n: int) -> list[tuple[str, str]]:
        """Write the best ``n`` levels of a side."""
        return [(self.price(price), self.size(size)) for price, size in self.market.levels(side, n)]

    def aggregate(self, step: Step) -> list[AggTrade]:
        """Put the trades of one order together by price, and remember them."""
        groups: list[AggTrade] = []
        for trade in step.trades:
            if groups and groups[-1].last.price == trade.price:
                groups[-1].last = trade
                groups[-1].size = Size(groups[-1].size + trade.size)
            else:
                groups.append(AggTrade(next(self._agg_ids), trade, trade, trade.size))
        self.agg_trades.extend(groups)
        return groups

    def _zeros(self, unit: str) -> str:
        if self.product is USDM:
            return ""
        _, point, digits = unit.partition(".")
        return ("" if point else ".") + "0" * (_SPOT_DIGITS - len(digits))
