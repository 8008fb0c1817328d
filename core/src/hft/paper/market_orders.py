"""The orders of everybody else, where a recording has them one by one, and the book that they make."""

from __future__ import annotations

from hft.book import OrderBook
from hft.errors import DataError
from hft.types import Price, Side, Size

__all__ = ["MarketOrder", "MarketOrders"]


class MarketOrder:
    """An order of somebody else; at one price those of lower ``rank`` came first."""

    __slots__ = ("price", "rank", "side", "size")

    def __init__(self, side: Side, price: Price, size: int, rank: int) -> None:
        self.side = side
        self.price = price
        self.size = size
        self.rank = rank


class MarketOrders:
    """Keeps a book by events of single orders.

    ``rank`` is the one that the next order to arrive gets: who notes it stands behind all that are there and
    before all that come. Orders that a snapshot names again, at the price where they were and not larger,
    have not lost their place. What is said of an order that is not there raises `DataError`, and so does a
    second one of the same id: nobody knows what the book is then.
    """

    def __init__(self, book: OrderBook) -> None:
        self.rank = 1
        self._book = book
        self._orders: dict[int, MarketOrder] = {}
        self._before: dict[int, MarketOrder] | None = None
        """Those before the book was cleared, until a snapshot is whole."""

    def find(self, order_id: int) -> MarketOrder:
        """Return an order; raise `DataError` if it is not in the book."""
        order = self._orders.get(order_id)
        if order is None:
            raise DataError(f"{self._book.instrument.id}: order {order_id} is not in the book{_ADVICE}")
        return order

    def add(self, order_id: int, side: Side, price: Price, size: int) -> None:
        """Let an order arrive."""
        if order_id in self._orders:
            raise DataError(f"{self._book.instrument.id}: order {order_id} is in the book already{_ADVICE}")
        self._shift(side, price, size)
        self._orders[order_id] = order = MarketOrder(side, price, size, self.rank)
        before = None if self._before is None else self._before.get(order_id)
        if before is not None and _keeps_place(before, price, size) and before.side is side:
            order.rank = before.rank
        else:
            self.rank += 1

    def change(self, order: MarketOrder, price: Price, size: int) -> int:
        """Give an order another price or size; return the lots that are gone from the place that it had."""
        gone = order.size
        keeps = _keeps_place(order, price, size)
        self._shift(order.side, order.price, -order.size)
        self._shift(order.side, price, size)
        order.price, order.size = price, size
        if keeps:
            return gone - size
        order.rank = self.rank
        self.rank += 1
        return gone

    def remove(self, order_id: int) -> MarketOrder:
        """Take an order out and return it."""
        order = self.find(order_id)
        del self._orders[order_id]
        self._shift(order.side, order.price, -order.size)
        return order

    def clear(self) -> None:
        """Empty the book."""
        self._book.clear()
        if self._orders:
            self._before = self._orders
            self._orders = {}

    def end_message(self) -> bool:
        """Learn that a message is whole; return whether it ended a snapshot."""
        if self._before is None or not self._orders:
            return False
        self._before = None
        return True

    def ahead(self, side: Side, price: Price, rank: int) -> int:
        """Return the lots of the orders at a price that are before a rank."""
        return sum(
            order.size
            for order in self._orders.values()
            if order.side is side and order.price == price and order.rank < rank
        )

    def _shift(self, side: Side, price: Price, lots: int) -> None:
        self._book.set_level(side, price, Size(self._book.size_at(side, price) + lots))


_ADVICE = ", which makes the data wrong: see 'hft data check'"


def _keeps_place(order: MarketOrder, price: Price, size: int) -> bool:
    """Return whether an order stays where it is when it gets this price and size."""
    return price == order.price and size <= order.size
