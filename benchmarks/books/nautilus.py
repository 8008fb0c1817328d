"""nautilus_trader's book, driven from Python by the message types of its own Binance adapter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.adapters.binance.common.schemas.market import BinanceDepth, BinanceOrderBookMsg
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from benchmarks.books.interface import BookUnderTest, Levels
from benchmarks.inputs import DepthInput

__all__ = ["Book"]

_TOP = 20


class Book(BookUnderTest):
    """Decoding and conversion are the adapter's; what comes of it goes straight to ``apply_deltas``.

    In a run of nautilus_trader a message bus and a cache stand between the two.
    """

    name = "nautilus_trader"
    create = "OrderBook(instrument_id, book_type)"
    best = "book.best_bid_price(); book.best_ask_price()"
    top = "[(level.price, level.size()) for level in book.bids()[:20]]"
    resize = ("book.apply_delta(small)", "book.apply_delta(large)")
    remove = ("book.apply_delta(gone)", "book.apply_delta(large)")
    notes = {"frame": "no sequence check, no message bus"}

    def __init__(self) -> None:
        self._id = InstrumentId.from_str("BTCUSDT.BINANCE")
        self._book = OrderBook(self._id, BookType.L2_MBP)
        self.names: dict[str, Any] = {
            "apply_frame": self._apply_frame,
            "OrderBook": OrderBook,
            "instrument_id": self._id,
            "book_type": BookType.L2_MBP,
            "book": self._book,
        }
        self._decode_snapshot = msgspec.json.Decoder(BinanceDepth).decode
        self._decode_frame = msgspec.json.Decoder(BinanceOrderBookMsg).decode

    def prepare(self, depth: DepthInput) -> None:
        self._depth = depth
        self._snapshot = self._decode_snapshot(depth.snapshot).parse_to_order_book_snapshot(self._id, 0)
        self._changes = [
            self._delta(update.is_bid, update.price, update.size, depth.first_id + number)
            for number, update in enumerate(depth.updates, 1)
        ]

        price, size = depth.bids[2]
        for name, each in (("small", "0.00001000"), ("large", size), ("gone", "0.00000000")):
            self.names[name] = self._delta(True, price, each, depth.first_id)

    def load_raw(self) -> None:
        snapshot = self._decode_snapshot(self._depth.snapshot)
        self._book.apply_deltas(snapshot.parse_to_order_book_snapshot(self._id, 0))

    def load(self) -> None:
        self._book.apply_deltas(self._snapshot)

    def apply(self, start: int, stop: int) -> None:
        apply_delta = self._book.apply_delta
        for delta in self._changes[start:stop]:
            apply_delta(delta)

    def levels(self) -> tuple[Levels, Levels]:
        return _exact(self._book.bids()), _exact(self._book.asks())

    def _apply_frame(self, frame: bytes) -> None:
        self._book.apply_deltas(self._decode_frame(frame).data.parse_to_order_book_deltas(self._id, 0))

    def _delta(self, is_bid: bool, price: str, size: str, sequence: int) -> OrderBookDelta:
        side = OrderSide.BUY if is_bid else OrderSide.SELL
        quantity = Quantity.from_str(size)
        action = BookAction.UPDATE if quantity > 0 else BookAction.DELETE
        order = BookOrder(side, Price.from_str(price), quantity, 0)
        return OrderBookDelta(self._id, action, order, 0, sequence, 0, 0)


def _exact(levels: Any) -> Levels:
    return [(level.price.as_decimal(), Decimal(str(level.size()))) for level in levels[:_TOP]]
