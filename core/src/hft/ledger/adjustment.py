"""A position that was taken over from the exchange because ours was another."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.instrument import Instrument
from hft.types import PositionSide, Size

__all__ = ["Adjustment"]


@attrs.frozen(kw_only=True)
class Adjustment:
    """What `Ledger.adopt` booked: signed lots ``before`` and ``after``, the difference at ``price``."""

    instrument: Instrument
    position_side: PositionSide
    before: Size
    after: Size
    price: Decimal
    at_ns: int = 0

    def __str__(self) -> str:
        side = "" if self.position_side is PositionSide.BOTH else f" {self.position_side.value}"
        instrument = self.instrument
        return (
            f"{instrument}{side}: position adjusted from {instrument.format_size(self.before)} to"
            f" {instrument.format_size(self.after)} at {self.price:f}, as the exchange states it"
        )
