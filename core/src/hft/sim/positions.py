"""Positions in linear perpetuals, with exact cost."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

import attrs

from hft.money import difference, product, total
from hft.sim.fees import rounded

__all__ = ["Position"]

_ROUNDING = Context(prec=40, rounding=ROUND_HALF_UP)


@attrs.define(eq=False)
class Position:
    """Signed lots, and what they cost in the settlement asset, signed alike.

    Whatever leaves ``cost`` goes into the profit of the trade that took it, so that over any number
    of trades cash paid, cost kept and profit booked add up exactly.
    """

    point_value: Decimal
    """What one lot is worth at a price of one tick."""
    size: int = 0
    cost: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    """Fees since it was flat."""
    realised: Decimal = Decimal(0)
    """All profit that it ever made."""
    isolated: Decimal = Decimal(0)
    """Margin that is set aside for it, where it is not margined by the whole account."""
    updated_ns: int = 0

    def trade(self, lots: int, price: int) -> Decimal:
        """Add signed lots at a price in ticks; return the profit that is realised."""
        closing = 0 if lots * self.size >= 0 else min(abs(lots), abs(self.size)) * (1 if lots > 0 else -1)
        profit = Decimal(0)
        if closing:
            whole = abs(closing) == abs(self.size)
            share = (
                self.cost if whole else rounded(_ROUNDING.divide(self.cost * abs(closing), abs(self.size)))
            )
            profit = difference(-product(closing * price, self.point_value), share)
            self.cost = difference(self.cost, share)
            self.size += closing
        opening = lots - closing
        if opening:
            self.cost = total((self.cost, product(opening * price, self.point_value)))
            self.size += opening
        if not self.size:
            self.fees = Decimal(0)
        self.realised = total((self.realised, profit))
        return profit

    def value(self, mark: Decimal, tick: Decimal) -> Decimal:
        """Return its signed worth at a mark price."""
        return rounded(_ROUNDING.divide(product(self.size, self.point_value, mark), tick))

    def unrealised(self, mark: Decimal, tick: Decimal) -> Decimal:
        """Return the profit that closing at the mark price would make."""
        return difference(self.value(mark, tick), self.cost)

    def entry(self, tick: Decimal, *, with_fees: bool = False) -> Decimal:
        """Return the mean price it was opened at, 0 when it is flat; with fees where it breaks even."""
        if not self.size:
            return Decimal(0)
        cost = total((self.cost, self.fees)) if with_fees else self.cost
        return _ROUNDING.divide(product(cost, tick), product(self.size, self.point_value))
