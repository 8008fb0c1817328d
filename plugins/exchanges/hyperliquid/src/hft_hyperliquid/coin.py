"""What the stream keeps of one coin: its frames become events of its market."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from hft import Continuity, Market, Seen, Step, Synchroniser
from hft_hyperliquid import codec
from hft_hyperliquid.codec import NS_PER_MS

__all__ = ["CONTINUITY", "Coin", "Handler"]

Handler = Callable[[Raw, int], None]
"""Takes a frame's ``data`` and when it was received."""


class _Snapshots(Continuity):
    """There are no changes to chain: every message is the whole book."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.GAP

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return Step.GAP


CONTINUITY: Continuity = _Snapshots()


class Coin:
    """One coin's market, synchroniser and what was told last; the handlers are the hot path."""

    __slots__ = ("_book_ms", "_quote_ms", "_trades", "market", "sync")

    def __init__(self, market: Market, sync: Synchroniser) -> None:
        self.market = market
        self.sync = sync
        self._trades = Seen()
        self._book_ms = self._quote_ms = 0

    def on_disconnect(self) -> None:
        """Rely on nothing until it is told anew; another server may lag behind the last one."""
        self._book_ms = self._quote_ms = 0
        self.sync.on_disconnect()

    def on_book(self, book: codec.Book, recv_ns: int) -> None:
        """Take a whole book; one that is older than the last is left out."""
        market = self.market
        market.counters.frames += 1
        if book.time < self._book_ms:
            return
        self._book_ms = book.time
        trace = market.trace
        trace.decoded_ns = trace.now_ns()
        trace.exchange_ns = exchange_ns = book.time * NS_PER_MS
        bids, asks = book.levels
        self.sync.on_snapshot(book.time, bids, asks, exchange_ns, recv_ns)

    def on_trades(self, trades: list[codec.PublicTrade], recv_ns: int) -> None:
        """Tell trades, each once: the first frame of a subscription repeats what was before."""
        market = self.market
        market.counters.frames += 1
        for trade in trades:
            event = codec.trade_event(trade, market.instrument, recv_ns)
            if self._trades.add(codec.trade_key(trade)):
                market.counters.trades += 1
                market.on_trade(event)

    def on_bbo(self, bbo: codec.Bbo, recv_ns: int) -> None:
        """Tell best bid and ask, unless something newer was told."""
        market = self.market
        market.counters.frames += 1
        if bbo.time < self._quote_ms:
            return
        quote = codec.quote_event(bbo, market.instrument, recv_ns)
        self._quote_ms = bbo.time
        market.counters.quotes += 1
        market.on_quote(quote)

    def on_context(self, context: codec.AssetContext, recv_ns: int) -> None:
        """Tell mark price and funding."""
        market = self.market
        market.counters.frames += 1
        mark = codec.mark_event(context, market.instrument, recv_ns)
        if mark is not None:
            market.on_mark(mark)
