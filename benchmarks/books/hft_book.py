"""hft's own book, driven as in a run: the exchange's stream decodes, checks the sequence and applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from benchmarks.books.interface import BookUnderTest, Levels, near_touch
from benchmarks.inputs import INSTRUMENT, STREAM, DepthInput
from hft import (
    Channel,
    Instrument,
    Market,
    OrderBook,
    Price,
    RecordedFeed,
    Request,
    Side,
    SimulatedClock,
    Size,
    SystemClock,
)
from hft.latency import Trace
from hft_binance import codec
from hft_binance.config import Config
from hft_binance.stream import BinanceStream

__all__ = ["CONN", "HftBook", "open_stream"]

_TOP = 20
_SNAPSHOT_URL = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000"
CONN = f"wss://stream.binance.com:9443/stream?streams={STREAM}"


def open_stream(
    market: Market, depth: DepthInput, trace: Trace, feed_type: type[RecordedFeed] = RecordedFeed
) -> RecordedFeed:
    """Return a feed whose stream has brought the market's book in step with the snapshot."""
    market.trace = trace
    feed = feed_type("binance", "mainnet", clock=SimulatedClock(), trace=trace)
    feed.stream = BinanceStream(Config(), feed)
    feed.stream.subscribe([market])
    feed.on_open(CONN, 0)
    feed.on_response(Request(url=_SNAPSHOT_URL), depth.snapshot, 0)
    # The first update bridges; from here on every one follows the one before.
    for frame in depth.frames:
        feed.on_frame(CONN, frame, 0)
    assert market.book.update_id == depth.first_id + len(depth.frames), "the book is out of step"
    return feed


class HftBook(BookUnderTest):
    """Raw updates go through the feed's ``on_frame``, the first call of the hot path."""

    create = "new_book(instrument)"
    best = "book.best_bid; book.best_ask"
    top = "book.bids(20)"
    resize = ("set_level(BUY, price, small)", "set_level(BUY, price, large)")
    remove = ("set_level(BUY, price, 0)", "set_level(BUY, price, large)")
    frame = "on_frame(conn, frame, 0)"
    begin = "book.update_id = first_id"
    notes = {
        "frame": "decoding, sequence check, book and one listener",
        "load": "from the undecoded JSON slice, parsing included",
    }

    feed_type: ClassVar[type[RecordedFeed]] = RecordedFeed

    def __init__(self, new_book: Callable[[Instrument], OrderBook]) -> None:
        self.names: dict[str, Any] = {"new_book": new_book, "instrument": INSTRUMENT, "conn": CONN}
        self._new_book = new_book

    def prepare(self, depth: DepthInput) -> None:
        market = Market(INSTRUMENT)
        market.book = self._book = self.names["book"] = self._new_book(INSTRUMENT)
        market.listen(Channel.BOOK, lambda book: None)
        self._depth = depth
        self.names["on_frame"] = open_stream(
            market, depth, Trace(SystemClock().now_ns), self.feed_type
        ).on_frame
        self.names["first_id"] = depth.first_id
        self.names.update(near_touch(depth, str), BUY=Side.BUY, set_level=self._book.set_level)
        self.names["price"] = INSTRUMENT.price(self.names["price"])
        for name in ("small", "large"):
            self.names[name] = INSTRUMENT.size(self.names[name])
        self._slices = codec.decode_depth_snapshot(depth.snapshot)
        self._changes = [
            (
                Side.BUY if update.is_bid else Side.SELL,
                Price(INSTRUMENT.price(update.price)),
                Size(INSTRUMENT.size(update.size)),
            )
            for update in depth.updates
        ]

    def load_raw(self) -> None:
        # As the stream does it.
        message = self._book.read_message(codec.SPOT_SNAPSHOT, self._depth.snapshot)
        if message is not None:
            self._book.apply_snapshot(message.bids, message.asks)
            self._book.update_id = message.last_id
            return
        snapshot = codec.decode_depth_snapshot(self._depth.snapshot)
        self._book.apply_snapshot(snapshot.bids, snapshot.asks)
        self._book.update_id = snapshot.last_update_id

    def load(self) -> None:
        self._book.apply_snapshot(self._slices.bids, self._slices.asks)

    def apply(self, start: int, stop: int) -> None:
        set_level = self._book.set_level
        for side, price, size in self._changes[start:stop]:
            set_level(side, price, size)

    def levels(self) -> tuple[Levels, Levels]:
        book = self._book
        return book.exact_levels(Side.BUY, _TOP), book.exact_levels(Side.SELL, _TOP)
