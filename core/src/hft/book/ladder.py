"""One side of an order book in pure Python, with the levels that are off the grid kept exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import attrs
from sortedcontainers import SortedDict

from hft.book.interface import Level
from hft.errors import GridError
from hft.instrument import MAX_COUNT, Instrument
from hft.types import Price, Side, Size

__all__ = ["Ladder", "OddLevel"]

_MAX_DIGITS = 40


@attrs.frozen
class OddLevel:
    """A level whose price or size is off the grid, and how many whole lots it shows at which tick."""

    ticks: Price
    lots: Size
    price: Decimal
    size: Decimal

    @classmethod
    def parse(cls, instrument: Instrument, side: Side, price: str, size: str) -> OddLevel:
        """Read the two texts; raise `GridError` unless they are plain decimals within range."""
        for text in (price, size):
            digits = text.replace(".", "", 1)
            if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
                raise GridError(f"{instrument.id}: {text[:_MAX_DIGITS]!r} is not a plain positive decimal")
        ticks = Fraction(price) / Fraction(instrument.tick_size)
        lots = floor(Fraction(size) / Fraction(instrument.lot_size))
        # Away from the other side, so that rounding never makes the spread look narrower.
        rounded = floor(ticks) if side is Side.BUY else ceil(ticks)
        if not ticks or rounded >= MAX_COUNT or lots >= MAX_COUNT:
            raise GridError(f"{instrument.id}: level {price} x {size} is out of range")
        return cls(Price(rounded), Size(lots), Decimal(price), Decimal(size))


class Ladder:
    """Sizes by price of one side; ``levels`` is sorted by ticks, ascending on both sides.

    ``odd`` holds the levels off the grid, by the tick at which they are shown and then by exact price.
    """

    __slots__ = ("_instrument", "levels", "odd")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.levels: SortedDict[Price, Size] = SortedDict()
        self.odd: dict[Price, dict[Decimal, OddLevel]] = {}

    def set(self, levels: Iterable[Level | OddLevel]) -> None:
        """Set levels to their absolute sizes, in order; 0 deletes."""
        sizes, odd = self.levels, self.odd
        for level in levels:
            if isinstance(level, OddLevel):
                self._set_odd(level)
                continue
            price, size = level
            if odd and price in odd:
                self._set_beside_odd(price, size)
            elif size:
                sizes[price] = size
            else:
                sizes.pop(price, None)

    def clear(self) -> None:
        """Remove every level."""
        self.levels.clear()
        self.odd.clear()

    def exact(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Yield exact price and size of every level, by no order among those of one tick."""
        instrument, odd = self._instrument, self.odd
        for ticks, total in self.levels.items():
            size = total - self._odd_lots(ticks) if odd else total
            if size:
                yield instrument.price_to_decimal(ticks), instrument.size_to_decimal(size)
        for levels in odd.values():
            for level in levels.values():
                yield level.price, level.size

    def _odd_lots(self, ticks: Price) -> int:
        return sum(level.lots for level in self.odd.get(ticks, {}).values())

    def _set_beside_odd(self, price: Price, size: Size) -> None:
        beside = self.odd[price]
        beside.pop(self._instrument.price_to_decimal(price), None)
        if not beside:
            del self.odd[price]
        self._show(price, size + self._odd_lots(price))

    def _set_odd(self, level: OddLevel) -> None:
        ticks = level.ticks
        even = self.levels.get(ticks, 0) - self._odd_lots(ticks)
        if level.price == self._instrument.price_to_decimal(ticks):
            even = 0
        beside = self.odd.setdefault(ticks, {})
        if level.size:
            beside[level.price] = level
        else:
            beside.pop(level.price, None)
        if not beside:
            del self.odd[ticks]
        self._show(ticks, even + self._odd_lots(ticks))

    def _show(self, price: Price, size: int) -> None:
        # A price below one tick and a size below one lot are kept, but cannot be shown.
        if price and size:
            self.levels[price] = Size(size)
        else:
            self.levels.pop(price, None)
