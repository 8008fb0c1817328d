"""Our resting orders on one side of one instrument, with what stands ahead of each."""

from __future__ import annotations

import math
from collections.abc import Hashable

from hft.book import OrderBook
from hft.paper.queue import QueueModel
from hft.types import Price, Side

__all__ = ["OwnLevel", "OwnOrder", "OwnSide"]


class OwnOrder:
    """A resting order and its place in the queue of its price.

    ``ahead`` is the lots ahead of it, an estimate and so a float. Trades and books come by different ways,
    so that a trade may be told after the book that contains it already; ``ahead`` was then cut by the book
    and must not be cut again by the trade. Hence ``prior``: what was ahead before the book at
    ``measured_ns`` last cut it, which is what a trade between ``prior_ns`` and ``measured_ns`` really met.
    All times are the exchange's. Where orders of others are known one by one, those of a lower ``rank`` are
    ahead.
    """

    __slots__ = (
        "ahead",
        "filled",
        "joined_ns",
        "measured_ns",
        "order_id",
        "post_only",
        "price",
        "prior",
        "prior_ns",
        "rank",
        "side",
        "size",
    )

    def __init__(
        self, order_id: Hashable, side: Side, price: Price, size: int, filled: int, post_only: bool
    ) -> None:
        self.order_id = order_id
        self.side = side
        self.price = price
        self.size = size
        self.filled = filled
        self.post_only = post_only

    @property
    def remaining(self) -> int:
        """Lots that may still trade."""
        return self.size - self.filled

    def join(self, ahead: float, rank: int, exchange_ns: int) -> None:
        """Take the last place of a queue as it was shown at ``exchange_ns``."""
        self.rank = rank
        self.ahead = self.prior = ahead
        self.joined_ns = self.measured_ns = self.prior_ns = exchange_ns

    def measure(self, ahead: float, exchange_ns: int) -> None:
        """Move forward to ``ahead`` by the evidence of a book; never backwards."""
        if ahead < self.ahead:
            self.prior, self.prior_ns = self.ahead, self.measured_ns
            self.ahead, self.measured_ns = max(0.0, ahead), exchange_ns

    def advance(self, traded: int, exchange_ns: int) -> int:
        """Take the lots that traded off those ahead; return how many got past to us, to the nearest lot.

        A trade that ``ahead`` contains for certain gets nobody anywhere. Time 0 is none: the trade
        then counts as new.
        """
        if exchange_ns and exchange_ns <= self.prior_ns:
            return 0
        if exchange_ns and exchange_ns <= self.measured_ns:
            met = self.prior
            self.prior = max(0.0, met - traded)
            self.ahead = min(self.ahead, self.prior)
        else:
            met = self.ahead
            self.ahead = max(0.0, met - traded)
            self.prior = max(0.0, self.prior - traded)
        return max(0, math.floor(traded - met + 0.5))


class OwnLevel:
    """Our orders at one price, in order of arrival, and what the exchange last showed there."""

    __slots__ = ("orders", "shown")

    def __init__(self, shown: int) -> None:
        self.orders: list[OwnOrder] = []
        self.shown = shown


class OwnSide:
    """One side of one instrument: our levels, and what is gone from those that the book shows.

    ``taken`` holds for a price ``(shown, lots)``: what of the size shown there our own takers have
    had, kept until another size is shown. ``printed`` holds what public trades have had since the
    last update of the book, which still shows it.
    """

    __slots__ = ("levels", "printed", "side", "taken")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[Price, OwnLevel] = {}
        self.taken: dict[Price, tuple[int, int]] = {}
        self.printed: dict[Price, int] = {}

    def add(self, order: OwnOrder, shown: int, rank: int, exchange_ns: int) -> None:
        """Put an order behind everything that its price shows."""
        order.join(float(shown), rank, exchange_ns)
        self.levels.setdefault(order.price, OwnLevel(shown)).orders.append(order)

    def remove(self, order: OwnOrder) -> None:
        """Take an order out of its level."""
        level = self.levels[order.price]
        level.orders.remove(order)
        if not level.orders:
            del self.levels[order.price]

    def measure(self, price: Price, shown: int, queue: QueueModel, exchange_ns: int) -> None:
        """Let the queue model look at one of our levels as the book shows it now."""
        level, traded = self.levels[price], self.printed.get(price, 0)
        for order in level.orders:
            order.measure(queue.ahead(order.ahead, level.shown, shown, traded), exchange_ns)
        level.shown = shown

    def free(self, price: Price, shown: int) -> int:
        """Return how much of the size shown at a price is still there to be taken."""
        return shown - self.taken.get(price, (0, 0))[1] - self.printed.get(price, 0)

    def take(self, price: Price, shown: int, size: int) -> None:
        """Remember that we had ``size`` of what is shown at a price."""
        self.taken[price] = (shown, self.taken.get(price, (0, 0))[1] + size)

    def forget_changed(self, book: OrderBook) -> None:
        """Forget what we had of levels that show another size now."""
        side = self.side
        self.taken = {p: taken for p, taken in self.taken.items() if taken[0] == book.size_at(side, p)}
