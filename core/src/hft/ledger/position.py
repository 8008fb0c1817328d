"""One instrument's position at average cost, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft.events import Fill
from hft.instrument import Instrument
from hft.money import difference, product, total, trim
from hft.types import Size

__all__ = ["Position", "PositionView"]

COST_DIGITS = 12
"""Cost is kept in 10^-12 of a tick times a lot; see `Position`."""

_SCALE = 10**COST_DIGITS
_UNIT = Decimal(1).scaleb(-COST_DIGITS)


@attrs.frozen(kw_only=True)
class PositionView:
    """One instrument's figures at one moment; money is in the settlement asset and exact.

    ``size`` is signed lots, long positive. ``cash`` is what sales brought less what purchases cost,
    without fees. ``realized`` and ``unrealized`` are without fees too, so that always::

        realized + unrealized == cash + value of the position at ``mark``

    ``fees`` is paid by asset, negative where rebated. ``average_price`` is None when flat; it alone
    is rounded, to 12 digits behind a tick, and nothing is computed from it.
    """

    instrument: Instrument
    size: Size
    average_price: Decimal | None
    mark: Decimal
    cash: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Mapping[str, Decimal]


class Position:
    """Books the fills of one linear instrument at average cost.

    All is kept in integers. ``cash`` counts ticks times lots and is never divided, so it and with it
    the whole profit and loss are exact. ``cost`` is the part of it that the open position stands for,
    which a partial close divides by a ratio that no finite number of digits holds: it is kept finer by
    10^12 and rounded half to even there. What the rounding takes from realized it gives to unrealized,
    so their sum stays exact; the border between them is off by at most half of 10^-12 tick times lot
    for each partial close since the position was last flat. (Fractions would be exact there too, but
    their denominators grow with every fill without bound.)
    """

    __slots__ = ("_cash", "_cost", "_fees", "_instrument", "_mark", "size")

    def __init__(self, instrument: Instrument, mark: Decimal) -> None:
        self._instrument = instrument
        self._mark = mark
        self._cash = 0
        self._cost = 0
        self._fees: dict[str, Decimal] = {}
        self.size = Size(0)

    def book(self, fill: Fill) -> None:
        """Take a fill into the figures, all of it or, if its fee cannot be added exactly, nothing."""
        if fill.fee:
            self._fees[fill.fee_asset] = total((self._fees.get(fill.fee_asset, 0), fill.fee))
        before = self.size
        signed = fill.side.sign * fill.size
        after = before + signed
        self._cash -= fill.price * signed
        if before * signed >= 0:
            self._cost += fill.price * signed * _SCALE
        elif before * after > 0:
            self._cost = _divide(self._cost * after, before)
        else:
            # Closed, or turned: what is open now was all opened by this fill.
            self._cost = fill.price * after * _SCALE
        self.size = Size(after)

    def mark(self, price: Decimal) -> None:
        """Value the position at this price from now on."""
        self._mark = price

    def view(self) -> PositionView:
        """Return the figures as they are now."""
        instrument = self._instrument
        lot_value = product(instrument.lot_size, instrument.contract_multiplier)
        point = instrument.point_value
        cost = product(self._cost, _UNIT, point)
        cash = product(self._cash, point)
        return PositionView(
            instrument=instrument,
            size=self.size,
            average_price=self._average_price(),
            mark=self._mark,
            cash=trim(cash),
            realized=trim(total((cash, cost))),
            unrealized=trim(difference(product(self._mark, self.size, lot_value), cost)),
            fees=dict(self._fees),
        )

    def _average_price(self) -> Decimal | None:
        if not self.size:
            return None
        return trim(product(_divide(self._cost, self.size), _UNIT, self._instrument.tick_size))


def _divide(numerator: int, denominator: int) -> int:
    """Divide with rounding half to even, which leans to neither side."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    if rest * 2 > denominator or (rest * 2 == denominator and quotient % 2):
        quotient += 1
    return quotient
