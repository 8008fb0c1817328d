"""What the stream keeps of one symbol: its frames become events of its market."""

from __future__ import annotations

from collections.abc import Callable

from hft import BookState, Chain, Continuity, DecodeError, DepthPath, Market, Seen, Step, Synchroniser
from hft_bybit import codec
from hft_bybit.endpoints import Product

__all__ = ["CONTINUITY", "CountingContinuity", "Handler", "Symbol"]

Handler = Callable[[codec.Frame, int], None]
"""Takes a frame of a topic and when it was received."""

_RESTARTED = 1
"""The id of the first message of a service that has begun anew: a whole book, whatever its type."""


class CountingContinuity(Continuity):
    """Ids count messages of a topic: the next is the one right behind."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if last_id == book_id + 1 else Step.GAP


CONTINUITY = CountingContinuity()


class Symbol:
    """One symbol's market, synchroniser and what was told last; the handlers are the hot path.

    ``conn`` is the connection that brings its book, ``book_topic`` the topic.
    """

    __slots__ = (
        "_quote_id",
        "_quote_ns",
        "_ticker",
        "_trades",
        "book_topic",
        "conn",
        "key",
        "market",
        "sync",
    )

    def __init__(self, market: Market, key: tuple[Product, str], sync: Synchroniser) -> None:
        self.market = market
        self.key = key
        self.sync = sync
        self.conn = ""
        self.book_topic = ""
        # Both connections bring trades while one is replaced.
        self._trades = Seen()
        self._ticker: codec.Ticker | None = None
        self._quote_id, self._quote_ns = 0, 0

    def depth_path(self, topic: str) -> DepthPath | None:
        """Return the short way of the book's changes, for a topic of that name; None if there is none."""
        return self.sync.path(codec.delta_layout(self.key[0], topic, self.key[1]), Chain.NEXT)

    def forget(self) -> None:
        """Take the next ticker for the first: a connection broke, and the exchange may have begun anew."""
        self._ticker = None
        self._quote_id, self._quote_ns = 0, 0

    def on_book(self, frame: codec.Frame, recv_ns: int) -> None:
        """Take a book, or a change of it."""
        self.market.counters.frames += 1
        try:
            book = codec.decode_book(frame.data)
        except DecodeError:
            self.on_unreadable_book()
            raise
        self._check(book.symbol)
        if frame.type == "snapshot" or book.update_id == _RESTARTED:
            self._take_snapshot(book, frame.exchange_ns, recv_ns)
        elif frame.type == "delta":
            update_id = book.update_id
            self.sync.on_delta(update_id, update_id, 0, book.bids, book.asks, frame.exchange_ns, recv_ns)
        else:
            self.on_unreadable_book()
            raise DecodeError(f"type {frame.type[:40]!r} of a book is unknown")

    def on_top(self, frame: codec.Frame, recv_ns: int) -> None:
        """Take the best bid and ask; what has not changed for a while is told again with the same id."""
        counters = self.market.counters
        counters.frames += 1
        book = codec.decode_book(frame.data)
        self._check(book.symbol)
        self._tell_top(book, frame.exchange_ns, recv_ns)

    def on_book_and_top(self, frame: codec.Frame, recv_ns: int) -> None:
        """Take a book of one level, which is the best bid and ask as well."""
        self.on_book(frame, recv_ns)
        self._tell_top(codec.decode_book(frame.data), frame.exchange_ns, recv_ns)

    def on_trades(self, frame: codec.Frame, recv_ns: int) -> None:
        """Tell of trades."""
        market = self.market
        market.counters.frames += 1
        for message in codec.decode_trades(frame.data):
            self._check(message.symbol)
            if not self._trades.add(message.id):
                continue
            trade = codec.trade_event(message, market.instrument, recv_ns)
            if trade is not None:
                market.counters.trades += 1
                market.on_trade(trade)

    def on_ticker(self, frame: codec.Frame, recv_ns: int) -> None:
        """Tell of mark price and funding; a change states only what is new."""
        self.market.counters.frames += 1
        said = codec.decode_ticker(frame.data)
        self._check(said.symbol)
        if frame.type == "snapshot":
            self._ticker = said
        elif frame.type != "delta":
            raise DecodeError(f"type {frame.type[:40]!r} of a ticker is unknown")
        elif self._ticker is None or not said.says_something:
            return
        else:
            self._ticker = _merged(self._ticker, said)
        mark = codec.mark_event(self._ticker, self.market.instrument, frame.exchange_ns, recv_ns)
        if mark is not None:
            self.market.on_mark(mark)

    def on_unneeded(self, frame: codec.Frame, recv_ns: int) -> None:
        """Count a frame in which there is nothing to tell."""
        self.market.counters.frames += 1

    def on_unreadable_book(self) -> None:
        """Start the book over: what the frame said is missing, and the next may come too late."""
        self.sync.on_corrupt("unreadable update")

    def _take_snapshot(self, book: codec.Book, exchange_ns: int, recv_ns: int) -> None:
        known = self.market.book
        is_live = known.state is BookState.LIVE
        if is_live and book.update_id != _RESTARTED and exchange_ns < known.exchange_ns:
            return  # of a connection that is taking over, and lags behind the one that it replaces
        self.sync.on_snapshot(book.update_id, book.bids, book.asks, exchange_ns, recv_ns)

    def _tell_top(self, book: codec.Book, exchange_ns: int, recv_ns: int) -> None:
        if book.update_id == self._quote_id or exchange_ns < self._quote_ns:
            return
        quote = codec.quote_event(book, self.market.instrument, exchange_ns, recv_ns)
        self._quote_id, self._quote_ns = book.update_id, exchange_ns
        self.market.counters.quotes += 1
        self.market.on_quote(quote)

    def _check(self, symbol: str) -> None:
        if symbol != self.market.instrument.native_symbol:
            raise DecodeError(
                f"frame about {symbol[:40]!r} on a topic of {self.market.instrument.native_symbol}"
            )


def _merged(known: codec.Ticker, change: codec.Ticker) -> codec.Ticker:
    return codec.Ticker(
        known.symbol,
        known.mark if change.mark is None else change.mark,
        known.index if change.index is None else change.index,
        known.funding_rate if change.funding_rate is None else change.funding_rate,
        known.next_funding_ms if change.next_funding_ms is None else change.next_funding_ms,
    )
