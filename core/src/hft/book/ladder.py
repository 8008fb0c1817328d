"""One side of an order book, with the levels that are off the grid kept exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Generic, Protocol, TypeVar

import attrs

from hft.book.interface import Level
from hft.errors import GridError
from hft.instrument import MAX_COUNT, Instrument
from hft.types import Price, Side, Size

__all__ = ["Ladder", "Levels", "OddLevel"]

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


class Levels(Protocol):
    """What a `Ladder` asks of the map of price to size that it keeps."""

    def __setitem__(self, price: Price, size: Size, /) -> None: ...
    def get(self, price: Price, default: Size, /) -> Size: ...
    def pop(self, price: Price, default: None, /) -> Size | None: ...
    def items(self) -> Iterable[Level]: ...
    def clear(self) -> None: ...


Map = TypeVar("Map", bound=Levels)


class Ladder(Generic[Map]):
    """Sizes by price of one side; ``levels`` is sorted by ticks.

    ``odd`` holds every level, by exact price, of the ticks at which one off the grid is shown.
    """

    __slots__ = ("_instrument", "levels", "odd")

    def __init__(
        self, instrument: Instrument, levels: Map, odd: dict[Price, dict[Decimal, OddLevel]]
    ) -> None:
        self._instrument = instrument
        self.levels = levels
        self.odd = odd

    def set(self, levels: Iterable[Level | OddLevel]) -> None:
        """Set levels to their absolute sizes, in order; 0 deletes."""
        sizes, odd = self.levels, self.odd
        for level in levels:
            if isinstance(level, OddLevel):
                self._set_odd(level)
                continue
            price, size = level
            if odd and price in odd:
                self._set_odd(self._exactly(price, size))
            elif size:
                sizes[price] = size
            else:
                sizes.pop(price, None)

    def clear(self) -> None:
        """Remove every level."""
        self.levels.clear()
        self.odd.clear()

    def exact(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Yield exact price and size of every level, by no order."""
        instrument, odd = self._instrument, self.odd
        for price, size in self.levels.items():
            if price not in odd:
                yield instrument.price_to_decimal(price), instrument.size_to_decimal(size)
        for levels in odd.values():
            for level in levels.values():
                yield level.price, level.size

    def _exactly(self, price: Price, size: Size) -> OddLevel:
        instrument = self._instrument
        return OddLevel(price, size, instrument.price_to_decimal(price), instrument.size_to_decimal(size))

    def _set_odd(self, level: OddLevel) -> None:
        ticks = level.ticks
        beside = self.odd.get(ticks)
        if beside is None:
            even = self._exactly(ticks, self.levels.get(ticks, Size(0)))
            beside = self.odd[ticks] = {even.price: even} if even.size else {}
        beside.pop(level.price, None)
        if level.size:
            beside[level.price] = level
        if all(each == self._exactly(ticks, each.lots) for each in beside.values()):
            del self.odd[ticks]
        self._show(ticks, sum(each.lots for each in beside.values()))

    def _show(self, price: Price, size: int) -> None:
        # A price below one tick and a size below one lot are kept, but cannot be shown.
        if price and size:
            self.levels[price] = Size(min(size, MAX_COUNT - 1))
        else:
            self.levels.pop(price, None)
