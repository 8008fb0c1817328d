"""The order book in pure Python, on sortedcontainers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

from sortedcontainers import SortedDict

from hft.book.interface import JsonSlice, Level, OrderBook
from hft.book.ladder import Ladder, OddLevel
from hft.book.levels import parse_levels
from hft.errors import GridError
from hft.instrument import MAX_COUNT, Instrument
from hft.types import BookState, Price, Side, Size

__all__ = ["SortedBook"]

_Ladder: TypeAlias = "Ladder[SortedDict[Price, Size]]"
_Parsed: TypeAlias = Sequence[Level | OddLevel]


class SortedBook(OrderBook):
    """Two sorted maps of price to size; see `OrderBook`."""

    __slots__ = (
        "_asks",
        "_bids",
        "best_ask",
        "best_ask_size",
        "best_bid",
        "best_bid_size",
        "exchange_ns",
        "instrument",
        "recv_ns",
        "state",
        "update_id",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.state = BookState.SYNCING
        self.update_id = 0
        self.exchange_ns = 0
        self.recv_ns = 0
        self._bids: _Ladder = Ladder(instrument, SortedDict(), {})
        self._asks: _Ladder = Ladder(instrument, SortedDict(), {})
        self._refresh()

    def apply_snapshot(self, bids: JsonSlice, asks: JsonSlice) -> None:
        new_bids, new_asks = self._parse(bids, asks)
        self._bids.clear()
        self._asks.clear()
        self._bids.set(new_bids)
        self._asks.set(new_asks)
        self._refresh()

    def apply_delta(self, bids: JsonSlice, asks: JsonSlice) -> None:
        new_bids, new_asks = self._parse(bids, asks)
        self._bids.set(new_bids)
        self._asks.set(new_asks)
        self._refresh()

    def set_level(self, side: Side, price: Price, size: Size) -> None:
        if not (0 < price < MAX_COUNT and 0 <= size < MAX_COUNT):
            raise GridError(f"{self.instrument.id}: level {price} x {size} is out of range")
        (self._bids if side is Side.BUY else self._asks).set([(price, size)])
        self._refresh()

    def clear(self) -> None:
        self._bids.clear()
        self._asks.clear()
        self._refresh()

    def bids(self, n: int | None = None) -> list[Level]:
        bids = self._bids.levels
        return [(price, bids[price]) for price in islice(reversed(bids), n)]

    def asks(self, n: int | None = None) -> list[Level]:
        return list(islice(self._asks.levels.items(), n))

    def exact_levels(self, side: Side, n: int | None = None) -> list[tuple[Decimal, Decimal]]:
        ladder = self._bids if side is Side.BUY else self._asks
        if not ladder.odd:
            return super().exact_levels(side, n)
        return sorted(ladder.exact(), reverse=side is Side.BUY)[:n]

    def size_at(self, side: Side, price: Price) -> Size:
        return (self._bids if side is Side.BUY else self._asks).levels.get(price, Size(0))

    def _refresh(self) -> None:
        bids, asks = self._bids.levels, self._asks.levels
        if bids:
            self.best_bid, self.best_bid_size = bids.peekitem(-1)
        else:
            self.best_bid, self.best_bid_size = None, Size(0)
        if asks:
            self.best_ask, self.best_ask_size = asks.peekitem(0)
        else:
            self.best_ask, self.best_ask_size = None, Size(0)

    def _parse(self, bids: JsonSlice, asks: JsonSlice) -> tuple[_Parsed, _Parsed]:
        # Both before either is touched: a fault in the asks must not leave new bids.
        instrument = self.instrument
        return parse_levels(instrument, Side.BUY, bids), parse_levels(instrument, Side.SELL, asks)
