"""One position at average cost, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.money import divide
from hft.types import PositionSide, Size

__all__ = ["Position", "PositionView"]


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


class Position:
    """What was traded of one instrument on one position side, at average cost.

    All is kept in integers. ``cash`` is never divided, so it and with it the whole profit and loss are
    exact. ``cost`` is the part of it that the open position stands for, which a partial close divides by a
    ratio that no finite number of digits holds: it is rounded half to even at the 52nd digit. What the
    rounding takes from realized it gives to unrealized, so their sum stays exact; the border between them
    is off by at most half of 10^-52 for each partial close since the position was last flat. (Fractions
    would be exact there too, but their denominators grow with every fill without bound.)
    """

    __slots__ = ("adjusted", "cash", "cost", "fees", "size")

    def __init__(self) -> None:
        self.size = self.adjusted = 0
        self.cash = self.cost = 0
        self.fees: dict[str, int] = {}

    def book(self, signed: int, lot_price: int) -> int:
        """Trade some lots, bought ones positive, each for this amount; return what that realized."""
        before = self.size
        self.size = after = before + signed
        value = lot_price * signed
        self.cash -= value
        if before * signed >= 0:
            self.cost += value
            return 0
        cost = self.cost
        if before * after > 0:
            self.cost = divide(cost * after, before)
        else:
            # Closed, or turned: what is open now was all opened by this fill.
            self.cost = lot_price * after
        return self.cost - cost - value

    def pay(self, asset: str, fee: int) -> None:
        """Add a fee."""
        if fee:
            self.fees[asset] = self.fees.get(asset, 0) + fee
