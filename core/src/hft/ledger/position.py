"""One position at average cost, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.ledger.assets import AssetFigures
from hft.ledger.balance import Balance
from hft.ledger.wide import MOST, Wide
from hft.money import divide
from hft.types import PositionSide, Size

__all__ = ["Paid", "Position", "PositionView"]

_MOST = MOST


@attrs.frozen(kw_only=True)
class PositionView:
    """One position's figures at one moment; money is in the settlement asset and exact.

    ``size`` is signed lots, long positive. ``cash`` is what sales brought less what purchases cost,
    without fees. ``realized`` and ``unrealized`` are without fees and funding too, so that always::

        realized + unrealized == cash + value of the position at ``mark``

    ``fees`` is paid by asset, negative where rebated; ``funding`` is received by asset, negative where
    paid. ``average_price`` is None when flat, and where a long and a short position are shown as one; it
    alone is rounded, to 12 digits behind a tick, and nothing is computed from it. ``adjusted`` are the lots,
    signed, that came by `Ledger.adopt` and not by a fill.
    """

    instrument: Instrument
    size: Size
    average_price: Decimal | None
    mark: Decimal
    cash: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Mapping[str, Decimal]
    funding: Mapping[str, Decimal] = attrs.field(factory=dict)
    position_side: PositionSide = PositionSide.BOTH
    adjusted: Size = Size(0)


class Paid:
    """What a position has paid in one asset, and what else that changes."""

    __slots__ = ("_counted", "_fees", "_figures", "_is_owing", "asset", "balance")

    def __init__(self, asset: str, figures: AssetFigures, balance: Balance) -> None:
        self.asset = asset
        self.balance = balance
        self._figures = figures
        self._fees = Wide()
        self._counted = 0
        """What of it the figures know."""
        self._is_owing = False

    def add(self, fee: Wide) -> None:
        """Pay a fee; the figures are told of it by `settle`."""
        if not self._fees.add(fee):
            self._fees.put(self._fees.get() + fee.get())
        self._is_owing = True

    def fees(self) -> int:
        """Return what was paid."""
        return self._fees.get()

    def settle(self) -> None:
        """Bring the profit of the asset up to date."""
        if self._is_owing:
            fees = self._fees.get()
            self._figures.profit -= fees - self._counted
            self._counted = fees
            self._is_owing = False


class Position:
    """What was traded of one instrument on one position side, at average cost.

    All is kept in integers. `cost` is what was paid for the open position, `realized` what was earned
    with what is closed, without fees. A partial close divides the cost by a ratio that no finite number of
    digits holds: it is rounded half to even at the 52nd digit. What the rounding takes from realized it gives
    to unrealized, so their sum stays exact, and with it `cash` and the whole profit and loss; the border
    between them is off by at most half of 10^-52 for each partial close since the position was last flat.
    (Fractions would be exact there too, but their denominators grow with every fill without bound.)

    ``unit`` is what a lot gains when the price rises a tick. What is linear in ticks and lots is kept as
    their product.
    """

    __slots__ = (
        "_cash",
        "_cost",
        "_lots",
        "_point",
        "_read_cost",
        "_spent",
        "_unit",
        "adjusted",
        "last_paid",
        "lost",
        "paid",
        "size",
    )

    def __init__(self, unit: Wide) -> None:
        self.size = self.adjusted = 0
        self.lost = Wide()
        """What the last trade lost: the opposite of what it realized."""
        self.paid: dict[str, Paid] = {}
        """By asset."""
        self.last_paid: Paid | None = None
        self._unit, self._point = unit, unit.get()
        self._lots = 0
        """The size, `MOST` where that is no such count."""
        self._cost = Wide()
        self._read_cost: int | None = 0
        self._cash = self._spent = 0
        """The cash is so much, less what was spent, in ticks times lots."""

    def cost(self) -> int:
        """Return what was paid for the open position."""
        if self._read_cost is None:
            self._read_cost = self._cost.get()
        return self._read_cost

    def cash(self) -> int:
        """Return what sales brought less what purchases cost, without fees."""
        if self._spent:
            self._cash -= self._spent * self._point
            self._spent = 0
        return self._cash

    def realized(self) -> int:
        """Return what was earned with what is closed, without fees."""
        return self.cash() + self.cost()

    def put(self, size: int, cash: int, cost: int) -> None:
        """Become what was traded before, see `hft.ledger.checkpoint`."""
        self._resize(size)
        self._cash, self._spent = cash, 0
        self._cost.put(cost)
        self._read_cost = cost

    def book(self, signed: int, price: int) -> bool:
        """Trade some lots, bought ones positive, at a price in ticks; ``lost`` says what that lost.

        Return False where numbers are too large for it, or the position turns: nothing is done, and `trade`
        does it.
        """
        before, cost, lost = self._lots, self._cost, self.lost
        if before == _MOST or not -_MOST < signed < _MOST:
            return False
        product = price
        product *= signed
        after, spent = before + signed, product + self._spent
        if not (-_MOST < after < _MOST and -_MOST < product < _MOST and -_MOST < spent < _MOST):
            return False
        if not before or (before > 0) is (signed > 0):
            if not cost.add_times(self._unit, product):
                return False
            lost.clear()
        elif after and (before > 0) is not (after > 0):
            return False
        else:
            lost.take(cost)
            if not lost.add_times(self._unit, product):
                return False
            if before > 0:
                cost.reduce(after, before)
            else:
                cost.reduce(-after, -before)
            if not lost.subtract(cost):
                lost.put(lost.get() - cost.get())
        self.size = self._lots = after
        self._spent = spent
        self._read_cost = None
        return True

    def trade(self, signed: int, value: int) -> None:
        """Trade some lots worth an amount of their sign, whatever their numbers; see `book`."""
        before, cost = self.size, self.cost()
        after = before + signed
        is_long, is_bought = before > 0, signed > 0
        realized = 0
        if is_long is is_bought or not before:
            left = cost + value
        else:
            if not after:
                left = 0
            elif is_long is (after > 0):
                left = divide(cost * after, before)
            else:
                # Turned: what is open now was all opened by this fill.
                left = value // signed * after
            realized = left - cost - value
        self.put(after, self.cash() - value, left)
        self.lost.put(-realized)

    def _resize(self, size: int) -> None:
        self.size = size
        self._lots = size if -_MOST < size < _MOST else _MOST
