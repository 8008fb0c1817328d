"""The arithmetic of the quotes: where their middle lies, how far apart they stand, how much is shown.

Prices are in quote currency until they are rounded to the grid, bids down and asks up; from there on
everything is counted in ticks and lots.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING
from typing import NamedTuple

from hft import Instrument, Level, Price, Side, Size

__all__ = ["Centre", "Grid", "avellaneda_stoikov", "ladder", "symmetric"]


class Centre(NamedTuple):
    """The price in the middle of the first bid and ask, and the distance of each from it."""

    price: float
    half_spread: float


def symmetric(
    mid: float,
    inventory: float,
    *,
    half_spread: float,
    inventory_skew: float,
    volatility: float,
    volatility_multiple: float,
) -> Centre:
    """Quote evenly about the mid, shifted against the position and widened by volatility.

    ``inventory`` is the position as a share of the largest, -1 to 1: at 1 the quotes stand
    ``inventory_skew`` times the half spread lower, so that the next sale is likelier than the next
    purchase. ``volatility`` is the standard deviation of the mid over one refresh interval.
    """
    half = half_spread + volatility_multiple * volatility
    return Centre(mid - max(-1.0, min(1.0, inventory)) * inventory_skew * half, half)


def avellaneda_stoikov(
    mid: float,
    inventory: float,
    *,
    half_spread: float,
    variance: float,
    gamma: float,
    kappa: float,
    horizon_s: float,
) -> Centre:
    """Quote about the reservation price of Avellaneda and Stoikov, at their optimal distance.

    M. Avellaneda and S. Stoikov (2008), "High-frequency trading in a limit order book", Quantitative
    Finance 8(3), 217-224, the approximation at the end of its third section::

        reservation price  r = s - q * gamma * sigma^2 * (T - t)
        spread             gamma * sigma^2 * (T - t) + 2 / gamma * ln(1 + gamma / kappa)

    ``inventory`` q is counted in orders, the unit that the paper trades in; ``variance`` sigma^2 is per
    second. There is no end of the day: the time left is always ``horizon_s``. ``half_spread`` is the
    least distance, whatever the formula says.
    """
    risk = gamma * variance * horizon_s
    optimal = risk / 2 + math.log1p(gamma / kappa) / gamma
    return Centre(mid - inventory * risk, max(half_spread, optimal))


class Grid(NamedTuple):
    """What a ladder has to keep to, in ticks and lots.

    ``min_spread`` and ``spacing`` are in ticks, ``min_value`` in ticks times lots.
    """

    levels: int
    min_spread: int
    spacing: int
    order_size: Size
    max_position: Size
    min_size: Size
    min_value: int

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        *,
        levels: int,
        min_spread: int,
        spacing: int,
        order_size: Size,
        max_position: Size,
    ) -> Grid:
        """Complete the grid with what the exchange demands of an order."""
        value = instrument.min_notional / instrument.point_value
        return cls(
            levels,
            min_spread,
            spacing,
            order_size,
            max_position,
            max(Size(1), instrument.min_size),
            0 if instrument.inverse else int(value.to_integral_value(ROUND_CEILING)),
        )


def ladder(
    instrument: Instrument,
    centre: Centre,
    grid: Grid,
    *,
    position: Size,
    best_bid: Price,
    best_ask: Price,
) -> tuple[list[Level], list[Level]]:
    """Return the bids and asks to show, best first.

    No bid reaches the best ask and no ask the best bid, so that none would trade on arrival. Filled
    altogether, a side leads to no position beyond the largest; what would, is left out, as is what is
    too small to be sent.
    """
    highest_bid, lowest_ask = instrument.price_below(best_ask), instrument.price_above(best_bid)
    bid = min(instrument.floor_price(max(0.0, centre.price - centre.half_spread)), highest_bid)
    ask = max(instrument.ceil_price(max(0.0, centre.price + centre.half_spread)), lowest_ask)
    # Clamping one side leaves the other where it was: the spread is made up on the side away from it.
    missing = grid.min_spread - (ask - bid)
    if missing > 0:
        if bid == highest_bid:
            ask = instrument.price_up(ask + missing)
        else:
            bid = instrument.price_down(bid - missing)
    bids = _side(instrument, grid, Side.BUY, bid, grid.max_position - position)
    asks = _side(instrument, grid, Side.SELL, ask, grid.max_position + position)
    return bids, asks


def _side(instrument: Instrument, grid: Grid, side: Side, first: Price, room: int) -> list[Level]:
    levels: list[Level] = []
    price, outward = first, instrument.price_down if side is Side.BUY else instrument.price_up
    for _ in range(grid.levels):
        size = min(grid.order_size, room)
        if price > 0 and size >= grid.min_size and price * size >= grid.min_value:
            levels.append((price, Size(size)))
            room -= size
        price = outward(price - side.sign * grid.spacing)
    return levels
