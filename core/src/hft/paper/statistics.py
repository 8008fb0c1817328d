# cython: overflowcheck=True
"""What became of our orders at the simulated exchange, in figures."""

from __future__ import annotations

from decimal import Decimal

from hft.types import Liquidity, Side

__all__ = ["OrderStatistics"]

_BUY, _MAKER = Side.BUY, Liquidity.MAKER

_FACTOR, _PART = 2**31, 2**61


class Sum:
    """A sum of numbers and products that are not negative: exact whatever its size.

    ``_part`` is what is not in ``_whole`` yet: it fits into the integers of a processor, and so does a
    product of two numbers below `_FACTOR`.
    """

    __slots__ = ("_part", "_whole")

    def __init__(self) -> None:
        self._part = self._whole = 0

    def add(self, number: int) -> None:
        """Add a number."""
        self._part += number
        if self._part >= _PART:
            self._whole += self._part
            self._part = 0

    def add_product(self, first: int, second: int) -> None:
        """Add a product of two numbers."""
        if first < _FACTOR and second < _FACTOR:
            self.add(first * second)
        else:
            large = first
            self._whole += large * second

    def value(self) -> int:
        """Return what was added up."""
        return self._whole + self._part


class OrderStatistics:
    """The figures of one instrument's orders, as the simulated exchange has them; times are its own.

    ``accepted`` orders, of which ``traded`` had a fill; ``maker_fills`` and ``taker_fills`` by number.
    ``turnover`` is the sum of price in ticks times size in lots. ``quoting_ns`` is the time in which a bid
    and an ask of ours waited. An order that waits ``joined`` a queue with ``ahead`` lots before it in all;
    of these, ``queue_fills`` first fills came after ``waited_ns`` in all. ``inventory`` is the position in
    lots, ``inventory_time`` the sum of its size times nanoseconds, ``inventory_max`` the largest.
    """

    __slots__ = (
        "_ahead",
        "_asks",
        "_bids",
        "_held",
        "_inventory_since_ns",
        "_inventory_time",
        "_lots",
        "_quoting_since_ns",
        "_turnover",
        "_waited_ns",
        "accepted",
        "inventory",
        "inventory_max",
        "joined",
        "maker_fills",
        "queue_fills",
        "quoting_ns",
        "taker_fills",
        "traded",
    )

    def __init__(self) -> None:
        self.accepted = self.traded = 0
        self.maker_fills = self.taker_fills = 0
        self._lots, self._turnover = Sum(), Sum()
        self.joined = self.queue_fills = 0
        self._ahead, self._waited_ns = Sum(), Sum()
        self.quoting_ns = 0
        self.inventory = self.inventory_max = self._held = 0
        self._inventory_time = Sum()
        self._bids = self._asks = 0
        self._quoting_since_ns = self._inventory_since_ns = 0

    @property
    def lots(self) -> int:
        """Lots traded."""
        return self._lots.value()

    @property
    def turnover(self) -> int:
        """Ticks times lots traded."""
        return self._turnover.value()

    @property
    def ahead(self) -> int:
        """Lots that were before those who joined a queue."""
        return self._ahead.value()

    @property
    def waited_ns(self) -> int:
        """Nanoseconds from joining a queue to a first fill there."""
        return self._waited_ns.value()

    @property
    def inventory_time(self) -> int:
        """Lots times nanoseconds of all positions."""
        return self._inventory_time.value()

    def join(self, side: Side, ahead: int, now_ns: int) -> None:
        """Count an order that begins to wait."""
        self.joined += 1
        self._ahead.add(ahead)
        self._wait(side, 1, now_ns)

    def leave(self, side: Side, now_ns: int) -> None:
        """Count an order that waits no more."""
        self._wait(side, -1, now_ns)

    def reach(self, waited_ns: int) -> None:
        """Count an order that waited until its first fill."""
        self.queue_fills += 1
        self._waited_ns.add(waited_ns)

    def fill(
        self, side: Side, price: int, size: int, liquidity: Liquidity, fee: Decimal, now_ns: int
    ) -> None:
        """Count a fill."""
        if liquidity is _MAKER:
            self.maker_fills += 1
        else:
            self.taker_fills += 1
        self._lots.add(size)
        self._turnover.add_product(price, size)
        self._hold(now_ns)
        if side is _BUY:
            self.inventory += size
        else:
            self.inventory -= size
        self._held = self.inventory if self.inventory > 0 else -self.inventory
        if self._held > self.inventory_max:
            self.inventory_max = self._held

    def close(self, now_ns: int) -> None:
        """Count what lasts until now."""
        self._hold(now_ns)
        self._wait(Side.BUY, 0, now_ns)

    def _hold(self, now_ns: int) -> None:
        if self._held:
            self._inventory_time.add_product(self._held, now_ns - self._inventory_since_ns)
        self._inventory_since_ns = now_ns

    def _wait(self, side: Side, change: int, now_ns: int) -> None:
        if self._bids and self._asks:
            self.quoting_ns += now_ns - self._quoting_since_ns
        self._quoting_since_ns = now_ns
        if side is _BUY:
            self._bids += change
        else:
            self._asks += change
