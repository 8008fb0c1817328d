# cython: overflowcheck=True
"""What became of our orders at the simulated exchange, in figures."""

from __future__ import annotations

from decimal import Decimal

from hft.types import Liquidity, Side

__all__ = ["OrderStatistics"]

_BUY, _MAKER = Side.BUY, Liquidity.MAKER


class OrderStatistics:
    """The figures of one instrument's orders, as the simulated exchange has them; times are its own.

    ``accepted`` orders, of which ``traded`` had a fill; ``maker_fills`` and ``taker_fills`` by number.
    ``turnover`` is the sum of price in ticks times size in lots. ``quoting_ns`` is the time in which a bid
    and an ask of ours waited. An order that waits ``joined`` a queue with ``ahead`` lots before it in all;
    of these, ``queue_fills`` first fills came after ``waited_ns`` in all. ``inventory`` is the position in
    lots, ``inventory_time`` the sum of its size times nanoseconds, ``inventory_max`` the largest.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_held",
        "_inventory_since_ns",
        "_quoting_since_ns",
        "accepted",
        "ahead",
        "inventory",
        "inventory_max",
        "inventory_time",
        "joined",
        "lots",
        "maker_fills",
        "queue_fills",
        "quoting_ns",
        "taker_fills",
        "traded",
        "turnover",
        "waited_ns",
    )

    def __init__(self) -> None:
        self.accepted = self.traded = 0
        self.maker_fills = self.taker_fills = 0
        self.lots = self.turnover = 0
        self.joined = self.ahead = 0
        self.queue_fills = self.waited_ns = 0
        self.quoting_ns = 0
        self.inventory = self.inventory_max = self.inventory_time = 0
        self._held = 0
        self._bids = self._asks = 0
        self._quoting_since_ns = self._inventory_since_ns = 0

    def join(self, side: Side, ahead: int, now_ns: int) -> None:
        """Count an order that begins to wait."""
        self.joined += 1
        self.ahead += ahead
        self._wait(side, 1, now_ns)

    def leave(self, side: Side, now_ns: int) -> None:
        """Count an order that waits no more."""
        self._wait(side, -1, now_ns)

    def fill(
        self, side: Side, price: int, size: int, liquidity: Liquidity, fee: Decimal, now_ns: int
    ) -> None:
        """Count a fill."""
        if liquidity is _MAKER:
            self.maker_fills += 1
        else:
            self.taker_fills += 1
        self.lots += size
        self.turnover += price * size
        self._hold(now_ns)
        if side is _BUY:
            self.inventory += size
        else:
            self.inventory -= size
        self._held = abs(self.inventory)
        if self._held > self.inventory_max:
            self.inventory_max = self._held

    def close(self, now_ns: int) -> None:
        """Count what lasts until now."""
        self._hold(now_ns)
        self._wait(Side.BUY, 0, now_ns)

    def _hold(self, now_ns: int) -> None:
        if self._held:
            self.inventory_time += self._held * (now_ns - self._inventory_since_ns)
        self._inventory_since_ns = now_ns

    def _wait(self, side: Side, change: int, now_ns: int) -> None:
        if self._bids and self._asks:
            self.quoting_ns += now_ns - self._quoting_since_ns
        self._quoting_since_ns = now_ns
        if side is _BUY:
            self._bids += change
        else:
            self._asks += change
