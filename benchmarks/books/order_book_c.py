"""The C extension order_book (bmoscon), with orjson in front of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
from order_book import OrderBook

from benchmarks.books.interface import BookUnderTest, Levels, near_touch
from benchmarks.inputs import DepthInput

__all__ = ["OrderBookC"]

_TOP = 20


class OrderBookC(BookUnderTest):
    """Prices and sizes are of the type ``number``; its README shows Decimals."""

    create = "OrderBook()"
    best = "book.bids.index(0); book.asks.index(0)"
    # A book that shows no more is faster than a slice of items(), of to_list(), or index(i) twenty times.
    top = "shallow.bids.to_list()"
    resize = ("shallow.bids[price] = small", "shallow.bids[price] = large")
    remove = ("del shallow.bids[price]", "shallow.bids[price] = large")
    notes = {"top": "of a book made with max_depth=20"}

    def __init__(self, number: Callable[[str], Any]) -> None:
        self._number = number
        self._book = OrderBook()
        self._shallow = OrderBook(max_depth=_TOP)
        self.names: dict[str, Any] = {
            "apply_frame": self._apply_frame,
            "OrderBook": OrderBook,
            "book": self._book,
            "shallow": self._shallow,
        }

    def prepare(self, depth: DepthInput) -> None:
        number = self._number
        self._depth = depth
        self.names.update(near_touch(depth, number))
        self._bids = {number(price): number(size) for price, size in depth.bids}
        self._asks = {number(price): number(size) for price, size in depth.asks}
        self._shallow.bids = self._bids
        self._changes = [
            (update.is_bid, number(update.price), number(update.size)) for update in depth.updates
        ]

    def load_raw(self) -> None:
        number = self._number
        snapshot = orjson.loads(self._depth.snapshot)
        self._book.bids = {number(price): number(size) for price, size in snapshot["bids"]}
        self._book.asks = {number(price): number(size) for price, size in snapshot["asks"]}

    def load(self) -> None:
        self._book.bids = self._bids
        self._book.asks = self._asks

    def apply(self, start: int, stop: int) -> None:
        bids, asks = self._book.bids, self._book.asks
        for is_bid, price, size in self._changes[start:stop]:
            side = bids if is_bid else asks
            if size:
                side[price] = size
            elif price in side:
                del side[price]

    def levels(self) -> tuple[Levels, Levels]:
        return _exact(self._book.bids), _exact(self._book.asks)

    def _apply_frame(self, frame: bytes) -> None:
        number, book = self._number, self._book
        data = orjson.loads(frame)["data"]
        for side, levels in ((book.bids, data["b"]), (book.asks, data["a"])):
            for price_text, size_text in levels:
                price, size = number(price_text), number(size_text)
                if size:
                    side[price] = size
                elif price in side:
                    del side[price]


def _exact(side: Any) -> Levels:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size in side.to_list()[:_TOP]]
