"""The order book in native code, and in Python what its fast path leaves over."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hft.book._native import NativeCore, NativeSide, ReadLevels, members
from hft.book.interface import JsonSlice, Level, OrderBook
from hft.book.ladder import Ladder, OddLevel
from hft.book.levels import parse_levels
from hft.types import Price, Side, Size

__all__ = ["NativeBook"]


class NativeBook(NativeCore, OrderBook):
    """Two contiguous arrays a side, filled straight from the JSON; see `OrderBook`.

    Slices in an unusual form and levels off the grid take the path of `SortedBook`, over the same arrays.
    """

    __slots__ = ()

    def apply_exactly(self, replace: bool, bids: JsonSlice, asks: JsonSlice) -> None:
        """Apply a snapshot or a delta of any form; raise before anything of it is applied."""
        new_bids, new_asks = self._parse(Side.BUY, bids), self._parse(Side.SELL, asks)
        for side, levels in ((Side.BUY, new_bids), (Side.SELL, new_asks)):
            ladder = self._ladder(side)
            if replace:
                ladder.clear()
            ladder.set(levels)
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

    def _parse(self, side: Side, levels: JsonSlice | ReadLevels) -> Sequence[Level | OddLevel]:
        return (
            levels.pairs() if isinstance(levels, ReadLevels) else parse_levels(self.instrument, side, levels)
        )

    def _ladder(self, side: Side) -> Ladder[NativeSide]:
        """Make the ladder of a side: it has no state of its own."""
        native = self.bid_side if side is Side.BUY else self.ask_side
        return Ladder(self.instrument, native, native.odd)


for _name, _member in members().items():
    setattr(NativeBook, _name, _member)
