"""ccxt.pro: the book and the message handler of its Binance class."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import orjson
from ccxt.async_support.base.ws.order_book import OrderBook
from ccxt.pro import binance

from benchmarks.books.interface import BookUnderTest, Levels, near_touch
from benchmarks.inputs import DepthInput

__all__ = ["Book"]

_TOP = 20


class Book(BookUnderTest):
    """Frames go to ``handle_order_book_message``, after orjson, which ccxt takes where it is installed."""

    name = "ccxt.pro"
    create = "OrderBook()"
    best = "book['bids'][0]; book['asks'][0]"
    top = "book['bids'][:20]"
    resize = ("book['bids'].store(price, small)", "book['bids'].store(price, large)")
    remove = ("book['bids'].store(price, 0)", "book['bids'].store(price, large)")
    notes = {"frame": "no sequence check"}

    def __init__(self) -> None:
        self._book = OrderBook()
        self._exchange = binance()
        # It speaks up on being dropped without having been closed, though it never opened anything.
        logging.getLogger("ccxt").setLevel(logging.ERROR)
        self.names: dict[str, Any] = {
            "apply_frame": self._apply_frame,
            "OrderBook": OrderBook,
            "book": self._book,
        }

    def prepare(self, depth: DepthInput) -> None:
        self._depth = depth
        self.names.update(near_touch(depth, float))
        self._snapshot = self._parse(depth.snapshot)
        self._changes = [(update.is_bid, float(update.price), float(update.size)) for update in depth.updates]

    def load_raw(self) -> None:
        self._book.reset(self._parse(self._depth.snapshot))

    def load(self) -> None:
        self._book.reset(self._snapshot)

    def apply(self, start: int, stop: int) -> None:
        bids, asks = self._book["bids"], self._book["asks"]
        for is_bid, price, size in self._changes[start:stop]:
            (bids if is_bid else asks).store(price, size)

    def levels(self) -> tuple[Levels, Levels]:
        return _exact(self._book["bids"]), _exact(self._book["asks"])

    def _apply_frame(self, frame: bytes) -> None:
        self._exchange.handle_order_book_message(None, orjson.loads(frame)["data"], self._book)

    def _parse(self, body: bytes) -> Any:
        message = orjson.loads(body)
        snapshot = self._exchange.parse_order_book(message, "BTC/USDT")
        snapshot["nonce"] = message["lastUpdateId"]
        return snapshot


def _exact(side: Any) -> Levels:
    return [(Decimal(str(price)), Decimal(str(size))) for price, size in side[:_TOP]]
