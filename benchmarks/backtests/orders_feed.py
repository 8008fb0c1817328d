"""A synthetic feed of single orders: they arrive, change, leave and are filled; the same for a seed."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.backtests.feed import FIRST_BID, INSTRUMENT, MEAN_GAP_NS, START_NS
from hft.data import LAST, ORDER_COLUMNS, ColumnsWriter, Kind, day_folder

__all__ = ["write_orders_feed"]

DEPTH = 20
"""Levels to begin with, and how far from the best orders arrive at most."""
WAITING = 10
"""Orders at each of them."""
FEED_NS = (500_000, 1_500_000)
PART = 1 << 18

Row = tuple[int, int, int, int, int]
"""Kind, side, price, size, order id."""


def write_orders_feed(root: Path, messages: int, seed: int = 11) -> Path:
    """Write so many messages below a folder, and return the folder of their day."""
    folder = day_folder(root, INSTRUMENT.id, datetime.fromtimestamp(START_NS / 1e9, UTC).date())
    chance = np.random.default_rng(seed)
    market = _Market(chance)
    now_ns = seen_ns = START_NS
    rows: list[tuple[int, ...]] = []
    with ColumnsWriter(folder, INSTRUMENT, orders=True) as writer:

        def flush() -> None:
            if rows:
                writer.append(dict(zip(ORDER_COLUMNS, zip(*rows, strict=True), strict=True)))
                rows.clear()

        for message in itertools.chain([market.snapshot()], itertools.islice(market.messages(), messages)):
            for row in message:
                kind, side, price, size, order_id = row
                rows.append((now_ns, seen_ns, kind, side, price, size, LAST * (row is message[-1]), order_id))
            if len(rows) > PART:
                flush()
            now_ns += int(chance.exponential(MEAN_GAP_NS)) + 1
            seen_ns = max(seen_ns, now_ns + int(chance.integers(*FEED_NS)))
        flush()
    return folder


class _Market:
    """Queues by side (0 bids, 1 asks) and key, the negated price of asks: the best is the highest."""

    def __init__(self, chance: np.random.Generator) -> None:
        self.chance = chance
        self.ids = itertools.count(1)
        self.queues: tuple[dict[int, deque[int]], dict[int, deque[int]]] = ({}, {})
        self.size: dict[int, int] = {}
        self.place: dict[int, tuple[int, int]] = {}
        self.best = [FIRST_BID, -FIRST_BID - 1]
        self.known: list[int] = []
        """Order ids to choose from; those that are gone are found when they are chosen."""

    def snapshot(self) -> list[Row]:
        rows: list[Row] = [(Kind.CLEAR, 0, 0, 0, 0)]
        for side, away, _ in itertools.product((0, 1), range(DEPTH), range(WAITING)):
            rows += self.add(side, self.best[side] - away)
        return rows

    def messages(self) -> Iterator[list[Row]]:
        """Yield what happens, for ever."""
        while True:
            for what, side, far, lots in zip(
                self.chance.random(PART).tolist(),
                self.chance.integers(0, 2, PART).tolist(),
                (self.chance.geometric(0.3, PART) - 1).tolist(),
                self.chance.geometric(1 / 60, PART).tolist(),
                strict=True,
            ):
                if what < 0.07:
                    yield self.trade(side, lots)
                elif self.best[0] + self.best[1] < -1 and what < 0.3:
                    yield self.add(side, self.best[side] + 1)
                elif what < 0.54 or len(self.place) < WAITING * DEPTH:
                    yield self.add(side, self.best[side] - min(far, DEPTH))
                elif what < 0.9:
                    yield self.remove(self.pick())
                else:
                    yield self.change(self.pick())

    def pick(self) -> int:
        known = self.known
        while True:
            at = int(self.chance.integers(0, len(known)))
            order_id, known[at] = known[at], known[-1]
            known.pop()
            if order_id in self.place:
                known.append(order_id)
                return order_id

    def add(self, side: int, key: int) -> list[Row]:
        order_id, size = next(self.ids), int(self.chance.geometric(1 / 40))
        self.known.append(order_id)
        self.size[order_id] = size
        self.join(order_id, side, key)
        return [(Kind.ADD, _sign(side), abs(key), size, order_id)]

    def remove(self, order_id: int) -> list[Row]:
        side, key = self.place[order_id]
        if self.is_last(side):
            return self.add(side, key)
        self.leave(order_id)
        del self.size[order_id]
        return [(Kind.REMOVE, _sign(side), abs(key), 0, order_id)]

    def change(self, order_id: int) -> list[Row]:
        side, key = self.place[order_id]
        size = max(1, self.size[order_id] + int(self.chance.integers(-20, 10)))
        to = key - int(self.chance.random() < 0.3)
        if (to != key or size > self.size[order_id]) and not self.is_last(side):
            self.leave(order_id)
            self.join(order_id, side, to)
        else:
            to, size = key, min(size, self.size[order_id])
        self.size[order_id] = size
        return [(Kind.CHANGE, _sign(side), abs(to), size, order_id)]

    def trade(self, side: int, lots: int) -> list[Row]:
        """Let an aggressor take what waits at the best price of a side."""
        key, rows, after, traded = self.best[side], [], [], 0
        queue = self.queues[side][key]
        price, sign = abs(key), _sign(side)
        while lots and key in self.queues[side] and not self.is_last(side):
            order_id = queue[0]
            part = min(lots, self.size[order_id])
            lots, traded = lots - part, traded + part
            self.size[order_id] -= part
            rows.append((Kind.FILL, sign, price, part, order_id))
            if self.size[order_id]:
                after.append((Kind.CHANGE, sign, price, self.size[order_id], order_id))
            else:
                self.leave(order_id)
                del self.size[order_id]
                after.append((Kind.REMOVE, sign, price, 0, order_id))
        if not traded:
            return self.add(side, key)
        return [(Kind.TRADE, -sign, price, traded, 0), *rows, *after]

    def join(self, order_id: int, side: int, key: int) -> None:
        self.queues[side].setdefault(key, deque()).append(order_id)
        self.place[order_id] = side, key
        self.best[side] = max(self.best[side], key)

    def leave(self, order_id: int) -> None:
        side, key = self.place.pop(order_id)
        queue = self.queues[side][key]
        queue.remove(order_id)
        if not queue:
            del self.queues[side][key]
            if key == self.best[side]:
                self.best[side] = max(self.queues[side])

    def is_last(self, side: int) -> bool:
        """Return whether no more may leave a side: a feed keeps both."""
        return len(self.queues[side]) == 1 and len(next(iter(self.queues[side].values()))) == 1


def _sign(side: int) -> int:
    return -1 if side else 1
