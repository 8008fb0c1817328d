"""One position at average cost, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.ledger.assets import AssetFigures
from hft.ledger.balance import Balance
from hft.money import divide
from hft.types import PositionSide, Size

__all__ = ["Paid", "Position", "PositionView"]


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
    """What a position has paid in one asset, ``fees``, and what else that changes."""

    __slots__ = ("balance", "fees", "figures")

    def __init__(self, figures: AssetFigures, balance: Balance) -> None:
        self.fees = 0
        self.figures = figures
        self.balance = balance


class Position:
    """What was traded of one instrument on one position side, at average cost.

    All is kept in integers. ``cost`` is what was paid for the open position, ``realized`` what was earned
    with what is closed, without fees. A partial close divides the cost by a ratio that no finite number of
    digits holds: it is rounded half to even at the 52nd digit. What the rounding takes from realized it gives
    to unrealized, so their sum stays exact, and with it `cash` and the whole profit and loss; the border
    between them is off by at most half of 10^-52 for each partial close since the position was last flat.
    (Fractions would be exact there too, but their denominators grow with every fill without bound.)
    """

    __slots__ = ("adjusted", "cost", "paid", "realized", "size")

    def __init__(self) -> None:
        self.size = self.adjusted = 0
        self.realized = self.cost = 0
        self.paid: dict[str, Paid] = {}
        """By asset."""

    @property
    def cash(self) -> int:
        """What sales brought less what purchases cost, without fees."""
        return self.realized - self.cost

    def book(self, signed: int, value: int) -> int:
        """Trade some lots, bought ones positive, worth an amount of their sign; return what that realized."""
        before, cost = self.size, self.cost
        self.size = after = before + signed
        is_long, is_bought = before > 0, signed > 0
        if is_long is is_bought or not before:
            self.cost = cost + value
            return 0
        if not after:
            left = 0
        elif is_long is (after > 0):
            left = divide(cost * after, before)
        else:
            # Turned: what is open now was all opened by this fill.
            left = value // signed * after
        self.cost = left
        realized = left - cost - value
        self.realized += realized
        return realized
