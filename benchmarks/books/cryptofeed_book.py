"""cryptofeed's book: its own JSON decoder, Decimals, and the C book inside its OrderBook type."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import Any

from cryptofeed.types import OrderBook

try:
    from cryptofeed._json import loads
except ImportError:  # before 3.0
    from yapic.json import loads

from benchmarks.books.interface import BookUnderTest, Levels, near_touch
from benchmarks.inputs import DepthInput

__all__ = ["Book"]

_TOP = 20


class Book(BookUnderTest):
    """What its Binance feed does for a message, without its sequence check, task and callbacks.

    It makes a new book of every snapshot, and a list of the changes beside applying them.
    """

    name = "cryptofeed"
    create = "OrderBook('BINANCE', 'BTC-USDT')"
    best = "book.book.bids.index(0); book.book.asks.index(0)"
    best_of_loaded = "contestant.book.book.bids.index(0); contestant.book.book.asks.index(0)"
    resize = ("book.book.bids[price] = small", "book.book.bids[price] = large")
    remove = ("del book.book.bids[price]", "book.book.bids[price] = large")
    top = "list(islice(book.book.bids.items(), 20))"

    def __init__(self) -> None:
        self.book = OrderBook("BINANCE", "BTC-USDT")
        self.names: dict[str, Any] = {
            "apply_frame": self._apply_frame,
            "OrderBook": OrderBook,
            "islice": islice,
            "book": self.book,
        }

    def prepare(self, depth: DepthInput) -> None:
        self._depth = depth
        self.names.update(near_touch(depth, Decimal))
        self._bids = {Decimal(price): Decimal(size) for price, size in depth.bids}
        self._asks = {Decimal(price): Decimal(size) for price, size in depth.asks}
        self._changes = [
            (update.is_bid, Decimal(update.price), Decimal(update.size)) for update in depth.updates
        ]

    def load_raw(self) -> None:
        snapshot = loads(self._depth.snapshot, parse_float=Decimal)
        self._take(
            {Decimal(price): Decimal(size) for price, size in snapshot["bids"]},
            {Decimal(price): Decimal(size) for price, size in snapshot["asks"]},
        )

    def load(self) -> None:
        self._take(self._bids, self._asks)

    def apply(self, start: int, stop: int) -> None:
        bids, asks = self.book.book.bids, self.book.book.asks
        for is_bid, price, size in self._changes[start:stop]:
            side = bids if is_bid else asks
            if size:
                side[price] = size
            elif price in side:
                del side[price]

    def levels(self) -> tuple[Levels, Levels]:
        return self.book.book.bids.to_list()[:_TOP], self.book.book.asks.to_list()[:_TOP]

    def _take(self, bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]) -> None:
        self.book = self.names["book"] = OrderBook("BINANCE", "BTC-USDT", bids=bids, asks=asks)

    def _apply_frame(self, frame: bytes) -> None:
        data = loads(frame, parse_float=Decimal)["data"]
        book = self.book.book
        for side, levels in ((book.bids, data["b"]), (book.asks, data["a"])):
            changes = []
            for price_text, size_text in levels:
                price, size = Decimal(price_text), Decimal(size_text)
                changes.append((price, size))
                if size:
                    side[price] = size
                elif price in side:
                    del side[price]
