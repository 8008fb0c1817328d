"""An exchange that matches orders at random and tells of each: what a recording of single orders holds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from hft.data import LAST, ORDER_COLUMNS, ColumnsWriter, Kind
from hft.instrument import Instrument

__all__ = ["RandomExchange", "write_orders"]

Event = tuple[int, int, int, int, int]
"""Kind, side, price, size, order id."""


class RandomExchange:
    """Keeps one queue a price and yields messages; ids are not in the order of arrival."""

    def __init__(self, chance: random.Random, *, around: int = 100, far: int = 5) -> None:
        self.chance, self.around, self.far = chance, around, far
        self.queues: dict[tuple[int, int], list[list[int]]] = {}
        """By side and price: order id and size, first come first."""
        self.used: set[int] = set()
        self.requeued: set[int] = set()
        """What the last message sent to the back of its queue."""

    def message(self) -> list[Event]:
        """Let something happen."""
        self.requeued.clear()
        what, chance = self.chance.random(), self.chance
        orders = [(key, order) for key, queue in self.queues.items() for order in queue]
        if not orders or what < 0.45:
            return self.arrive(chance.choice([1, -1]))
        key, order = chance.choice(orders)
        side, _ = key
        if what < 0.65:
            self._leave(key, order)
            return [(Kind.REMOVE, chance.choice([0, side]), 0, 0, order[0])]
        if what < 0.8:
            return self.change(key, order)
        if what < 0.97:
            return self.take(chance.choice([1, -1]), chance.randint(1, 40))
        return self.snapshot()

    def arrive(self, side: int) -> list[Event]:
        """Add an order that takes nothing, mostly near the best."""
        best = self.best(-side)
        limit = self.around + self.far * side if best is None else best - side
        price = limit - side * min(int(self.chance.expovariate(0.7)), 2 * self.far)
        return self.add(side, price, self.chance.choice([1, 5, 20, 40]))

    def add(self, side: int, price: int, size: int) -> list[Event]:
        """Add this order."""
        order_id = self.chance.getrandbits(64)
        while order_id in self.used:
            order_id = self.chance.getrandbits(64)
        self.used.add(order_id)
        self.queues.setdefault((side, price), []).append([order_id, size])
        return [(Kind.ADD, side, price, size, order_id)]

    def change(self, key: tuple[int, int], order: list[int]) -> list[Event]:
        """Give an order another size, or another price on its own side."""
        side, price = key
        if self.chance.random() < 0.3:
            opposite = self.best(-side)
            price -= side * self.chance.randint(-1, 2)
            if opposite is not None and (price - opposite) * side >= 0:
                price = opposite - side
        size = self.chance.randint(1, order[1] + 3)
        if price != key[1] or size > order[1]:
            self._leave(key, order)
            order[1] = size
            self.queues.setdefault((side, price), []).append(order)
            self.requeued.add(order[0])
        order[1] = size
        return [(Kind.CHANGE, self.chance.choice([0, side]), price, size, order[0])]

    def take(self, side: int, size: int) -> list[Event]:
        """Let an aggressor take the best opposite orders."""
        events: list[Event] = []
        while size and (price := self.best(-side)) is not None:
            trade, after = 0, []
            queue = self.queues[-side, price]
            while size and queue:
                order = queue[0]
                lots = min(size, order[1])
                size, trade = size - lots, trade + lots
                order[1] -= lots
                events.append((Kind.FILL, -side, price, lots, order[0]))
                if order[1]:
                    after.append((Kind.CHANGE, -side, price, order[1], order[0]))
                else:
                    self._leave((-side, price), order)
                    after.append((Kind.REMOVE, -side, price, 0, order[0]))
            events.insert(len(events) - len(after), (Kind.TRADE, side, price, trade, 0))
            events += after
        return events

    def snapshot(self) -> list[Event]:
        """State everything anew, some of it having changed meanwhile; an empty book would be a lost one."""
        left = sum(map(len, self.queues.values()))
        for key, queue in list(self.queues.items()):
            for order in list(queue):
                if self.chance.random() < 0.1 and left > 1:
                    self._leave(key, order)
                    left -= 1
        return [(Kind.CLEAR, 0, 0, 0, 0), *self.orders()]

    def orders(self) -> Iterator[Event]:
        """Yield the orders as they wait, each as one that is added."""
        for (side, price), queue in self.queues.items():
            for order_id, size in queue:
                yield Kind.ADD, side, price, size, order_id

    def best(self, side: int) -> int | None:
        """Return the best price of a side."""
        prices = [price * side for (each, price), queue in self.queues.items() if each == side and queue]
        return max(prices) * side if prices else None

    def _leave(self, key: tuple[int, int], order: list[int]) -> None:
        self.queues[key].remove(order)


def write_orders(folder: Path, instrument: Instrument, chance: random.Random, length: int) -> None:
    """Write events in two parts, as `histories.record` does for levels."""
    exchange = RandomExchange(chance)
    rows: list[tuple[int, ...]] = []
    recv_ns = 1_000
    message: list[Event] = [(Kind.CLEAR, 0, 0, 0, 0), *exchange.arrive(1), *exchange.arrive(-1)]
    while len(rows) < length:
        recv_ns += chance.choice([0, 1, 1, 5, 40])
        happened = chance.choice([0, recv_ns, recv_ns - 3, recv_ns - 10, recv_ns + 7])
        for number, (kind, side, price, size, order_id) in enumerate(message):
            # A trade is a message of its own now and then, and so is what it leaves of the book.
            last = number + 1 == len(message) or (kind == Kind.TRADE and chance.random() < 0.5)
            rows.append((happened, recv_ns, kind, side, price, size, LAST * last, order_id))
        message = exchange.message()
    half = next(i + 1 for i in range(len(rows) // 2, len(rows)) if rows[i][6])
    for name, part in (("a", rows[:half]), ("b", rows[half:])):
        with ColumnsWriter(folder / name, instrument, orders=True) as writer:
            if part:
                writer.append(dict(zip(ORDER_COLUMNS, zip(*part, strict=True), strict=True)))
