"""What every order book offers, whichever way it is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from hft.instrument import Instrument
from hft.types import BookState, Price, Side, Size

if TYPE_CHECKING:  # what a message is made of are slices
    from hft.book.layout import DepthLayout, DepthMessage

__all__ = ["JsonSlice", "Level", "OrderBook"]

JsonSlice = bytes | msgspec.Raw
"""A piece of a frame that the decoder left undecoded."""

Level = tuple[Price, Size]
"""One price level: price in ticks, size in lots."""


class OrderBook(ABC):
    """The levels of one instrument, best first on both sides, and whether they may be relied on.

    The synchroniser of the exchange's stream writes it; strategies, risk rules and the paper
    exchange read it. Reads on the hot path are the attributes, which cost no call:

    ``best_bid``, ``best_ask``
        `Price`, or None when that side is empty.
    ``best_bid_size``, ``best_ask_size``
        `Size`, 0 when that side is empty.
    ``state``
        `BookState`; only LIVE may be quoted on.
    ``update_id``, ``exchange_ns``, ``recv_ns``
        of the last update applied, 0 before the first.

    Levels come as the slice of JSON that the decoder left undecoded: ``[["61837.63","3.78"],...]``
    (further elements of a level are ignored), or objects with ``px``/``sz`` or ``price``/``size``.
    A level that is negative, too large or malformed raises `GridError` or `DecodeError` naming it
    **before** anything of the slice is applied.

    Levels off the grid are real: an exchange that coarsens a tick or lot size leaves older orders
    standing as they are. Such a level is kept exactly, for `exact_levels`; everywhere else it shows
    its whole lots, at the next tick away from the other side.
    """

    if not TYPE_CHECKING:  # mypy takes the annotations below for assignments, which () would forbid
        __slots__ = ()

    instrument: Instrument
    state: BookState
    update_id: int
    exchange_ns: int
    recv_ns: int
    best_bid: Price | None
    best_bid_size: Size
    best_ask: Price | None
    best_ask_size: Size

    # -- writing ---------------------------------------------------------------------------------

    @abstractmethod
    def apply_snapshot(self, bids: JsonSlice, asks: JsonSlice) -> None:
        """Replace both sides by the levels of two JSON slices; levels of size 0 are left out."""

    @abstractmethod
    def apply_delta(self, bids: JsonSlice, asks: JsonSlice) -> None:
        """Set the levels of two JSON slices to their absolute sizes; size 0 deletes the level.

        Deleting a level that is not there is normal: exchanges send it for levels outside their
        snapshot.
        """

    def read_message(self, layout: DepthLayout, data: bytes) -> DepthMessage | None:
        """Read a message that is of a layout to the byte, at several times a codec's speed.

        Its levels are for this book alone, and stand where slices stand. None: it is for the codec, as
        every message is without the native module.
        """
        return None

    @abstractmethod
    def set_level(self, side: Side, price: Price, size: Size) -> None:
        """Set one level to an absolute size; 0 deletes it."""

    @abstractmethod
    def clear(self) -> None:
        """Remove every level; ``state`` is left alone."""

    # -- reading ---------------------------------------------------------------------------------

    @abstractmethod
    def bids(self, n: int | None = None) -> list[Level]:
        """Return the best ``n`` bids (all by default), highest price first."""

    @abstractmethod
    def asks(self, n: int | None = None) -> list[Level]:
        """Return the best ``n`` asks (all by default), lowest price first."""

    @abstractmethod
    def size_at(self, side: Side, price: Price) -> Size:
        """Return the size shown at one price, 0 when there is none."""

    def exact_levels(self, side: Side, n: int | None = None) -> list[tuple[Decimal, Decimal]]:
        """Return exact price and size of the best ``n`` levels as the exchange states them, best first.

        The same as `levels`, except that levels off the grid are neither rounded nor put together.
        Slow: for reports and comparisons.
        """
        price, size = self.instrument.price_to_decimal, self.instrument.size_to_decimal
        return [(price(ticks), size(lots)) for ticks, lots in self.levels(side, n)]

    def levels(self, side: Side, n: int | None = None) -> list[Level]:
        """Return the best ``n`` levels of a side, best first."""
        return self.bids(n) if side is Side.BUY else self.asks(n)

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask, which no exchange shows when in order."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid >= ask

    @property
    def spread(self) -> int | None:
        """Best ask minus best bid in ticks, None while a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else ask - bid

    @property
    def mid(self) -> float | None:
        """Middle of best bid and best ask in ticks, None while a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def microprice(self) -> float | None:
        """Best bid and ask weighted by the opposite size, in ticks (Stoikov 2018, first order)."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None:
            return None
        bid_size, ask_size = self.best_bid_size, self.best_ask_size
        return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)

    def depth(self, side: Side, n: int) -> Size:
        """Return the total size of the best ``n`` levels of a side."""
        return Size(sum(size for _, size in self.levels(side, n)))

    def imbalance(self, n: int = 1) -> float | None:
        """Return (bids - asks) / (bids + asks) over ``n`` levels, -1 to 1; None when both are empty."""
        bids, asks = self.depth(Side.BUY, n), self.depth(Side.SELL, n)
        return (bids - asks) / (bids + asks) if bids or asks else None

    def weighted_price(self, side: Side, n: int) -> float | None:
        """Return the size-weighted mean price in ticks of the best ``n`` levels of a side."""
        levels = self.levels(side, n)
        total = sum(size for _, size in levels)
        return sum(price * size for price, size in levels) / total if total else None

    def sweep_price(self, side: Side, size: Size) -> float | None:
        """Return the mean price in ticks of taking ``size`` lots from a side.

        None when the side does not hold that much, or ``size`` is not positive.
        """
        if size <= 0:
            return None
        left, cost = int(size), 0
        for price, shown in self.levels(side):
            taken = min(left, shown)
            cost += price * taken
            left -= taken
            if not left:
                return cost / size
        return None
