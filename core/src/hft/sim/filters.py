"""What sizes and prices an exchange accepts, and the way from its numbers to ticks and lots."""

from __future__ import annotations

from decimal import Decimal

import attrs

from hft.instrument import MAX_COUNT, Instrument
from hft.sim.refusals import Reason, Refused
from hft.types import Price, Size

__all__ = ["Filters", "lots_of", "ticks_of"]


@attrs.frozen(kw_only=True)
class Filters:
    """The limits of one instrument, in ticks, lots and quote currency.

    ``bands`` are the multiples of the reference price between which limit prices must lie.
    """

    min_price: Price = Price(1)
    max_price: Price = Price(10**8)
    min_size: Size = Size(1)
    max_size: Size = Size(10**9)
    max_market_size: Size = Size(10**7)
    min_notional: Decimal = Decimal(0)
    max_notional: Decimal | None = None
    bands: tuple[Decimal, Decimal] | None = None
    max_orders: int = 200
    max_triggers: int = 5
    max_amendments: int = 10_000

    def check_price(self, ticks: Price, reference: Decimal) -> None:
        """Raise `Refused` for a limit price outside the bounds; ``reference`` is in ticks."""
        if ticks < self.min_price:
            raise Refused(Reason.LOW_PRICE, self.min_price)
        if ticks > self.max_price:
            raise Refused(Reason.HIGH_PRICE, self.max_price)
        if self.bands is not None and reference > 0:
            down, up = (reference * band for band in self.bands)
            if not down <= ticks <= up:
                raise Refused(Reason.PRICE_BAND, up if ticks > up else down)

    def check_size(self, lots: Size, *, is_market: bool) -> None:
        """Raise `Refused` for a size outside the bounds."""
        if lots < self.min_size:
            raise Refused(Reason.SMALL, self.min_size)
        if lots > self.max_size:
            raise Refused(Reason.LARGE, self.max_size)
        if is_market and lots > self.max_market_size:
            raise Refused(Reason.LARGE_MARKET, self.max_market_size)

    def check_notional(self, notional: Decimal) -> None:
        """Raise `Refused` for an order worth too little or too much."""
        if notional < self.min_notional:
            raise Refused(Reason.NOTIONAL, self.min_notional)
        if self.max_notional is not None and notional > self.max_notional:
            raise Refused(Reason.LARGE_NOTIONAL, self.max_notional)


def ticks_of(instrument: Instrument, price: Decimal) -> Price:
    """Return a price in ticks; raise `Refused` if it is not on the grid."""
    return Price(_count(price, instrument.tick_size, Reason.TICK))


def lots_of(instrument: Instrument, size: Decimal) -> Size:
    """Return a size in lots; raise `Refused` if it is not on the grid."""
    return Size(_count(size, instrument.lot_size, Reason.LOT))


def _count(value: Decimal, step: Decimal, reason: Reason) -> int:
    count, rest = divmod(value, step) if value < MAX_COUNT * step else (Decimal(MAX_COUNT), Decimal(0))
    if rest:
        raise Refused(reason, step)
    return int(count)
