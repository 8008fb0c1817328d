"""The order book in native code, and in Python what its fast path leaves over."""

from __future__ import annotations

from decimal import Decimal

from hft.book._native import NativeCore, NativeSide, members
from hft.book.interface import JsonSlice, OrderBook
from hft.book.ladder import Ladder
from hft.book.levels import parse_levels
from hft.instrument import Instrument
from hft.types import Price, Side, Size

__all__ = ["NativeBook"]


class NativeBook(NativeCore, OrderBook):
    """Two contiguous arrays a side, filled straight from the JSON; see `OrderBook`.

    Slices in an unusual form and levels off the grid take the path of `SortedBook`, over the same arrays.
    """

    __slots__ = ("_asks", "_bids")

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        self._bids: Ladder[NativeSide] = Ladder(instrument, self.bid_side, self.bid_side.odd)
        self._asks: Ladder[NativeSide] = Ladder(instrument, self.ask_side, self.ask_side.odd)

    def apply_exactly(self, replace: bool, bids: JsonSlice, asks: JsonSlice) -> None:
        """Apply a snapshot or a delta of any form; raise before anything of it is applied."""
        instrument = self.instrument
        new_bids = parse_levels(instrument, Side.BUY, bids)
        new_asks = parse_levels(instrument, Side.SELL, asks)
        if replace:
            self._bids.clear()
            self._asks.clear()
        self._bids.set(new_bids)
        self._asks.set(new_asks)
        self.show()

    def set_exactly(self, side: Side, price: Price, size: Size) -> None:
        """Set one level beside others off the grid."""
        self._ladder(side).set([(price, size)])
        self.show()

    def exact_levels(self, side: Side, n: int | None = None) -> list[tuple[Decimal, Decimal]]:
        ladder = self._ladder(side)
        if not ladder.odd:
            return super().exact_levels(side, n)
        return sorted(ladder.exact(), reverse=side is Side.BUY)[:n]

    def _ladder(self, side: Side) -> Ladder[NativeSide]:
        return self._bids if side is Side.BUY else self._asks


for _name, _member in members().items():
    setattr(NativeBook, _name, _member)
