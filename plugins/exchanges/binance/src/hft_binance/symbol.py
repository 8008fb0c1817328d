"""What the stream keeps of one symbol: its frames become events of its market."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from hft import Chain, Continuity, DecodeError, DepthPath, Market, Step, Synchroniser, TradeIds
from hft_binance import codec
from hft_binance.endpoints import Product

__all__ = ["CONTINUITY", "FuturesContinuity", "Handler", "SpotContinuity", "Symbol"]

NS_PER_MS = 1_000_000

Handler = Callable[[Raw, int], None]
"""Takes a frame's ``data`` and when it was received."""


class SpotContinuity(Continuity):
    """Ids count changes: an update continues the book if it begins no later than the next id."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if first_id <= book_id + 1 else Step.GAP


class FuturesContinuity(Continuity):
    """Ids are shared by all symbols and jump: an update names the one before it in ``pu``.

    The id of a snapshot may lie between two updates of its symbol, where the documented rule
    ``U <= lastUpdateId <= u`` would refuse it for ever while the symbol is quiet. As levels are
    absolute, an update continues every snapshot that is not older than the update before it.
    """

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id < snapshot_id:
            return Step.OLD
        return Step.NEXT if first_id <= snapshot_id or 0 < prev_id <= snapshot_id else Step.GAP

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if last_id <= book_id:
            return Step.OLD
        return Step.NEXT if prev_id == book_id else Step.GAP


CONTINUITY: dict[Product, Continuity] = {Product.SPOT: SpotContinuity(), Product.USDM: FuturesContinuity()}


class Symbol:
    """One symbol's market, synchroniser and last ids; the handlers are the hot path.

    ``depth_conn`` is the connection that brings its book. While a connection is replaced, both bring
    trades and tickers: each trade is told once, and a ticker only if it is newer than the last.
    """

    __slots__ = (
        "_agg_trades",
        "_last_ticker",
        "_trades",
        "depth_conn",
        "key",
        "market",
        "sync",
    )

    def __init__(self, market: Market, key: tuple[Product, str], sync: Synchroniser) -> None:
        self.market = market
        self.key = key
        self.sync = sync
        self.depth_conn = ""
        self.forget_ids()

    def depth_path(self, stream: str) -> DepthPath | None:
        """Return the short way of the book's changes, for a stream of that name; None if there is none."""
        native = self.key[1]
        if self.key[0] is Product.SPOT:
            return self.sync.path(codec.spot_depth_layout(stream, native), Chain.RANGE)
        return self.sync.path(codec.futures_depth_layout(stream, native), Chain.PREVIOUS)

    def on_snapshot(self, body: bytes, recv_ns: int) -> None:
        """Take the answer to a snapshot request."""
        layout = codec.SPOT_SNAPSHOT if self.key[0] is Product.SPOT else codec.FUTURES_SNAPSHOT
        message = self.market.book.read_message(layout, body)
        if message is not None:
            self.sync.on_snapshot(message.last_id, message.bids, message.asks, message.exchange_ns, recv_ns)
            return
        snapshot = codec.decode_depth_snapshot(body)
        self.sync.on_snapshot(
            snapshot.last_update_id, snapshot.bids, snapshot.asks, snapshot.event_ms * NS_PER_MS, recv_ns
        )

    def forget_ids(self) -> None:
        """Take the next trade and ticker whatever their ids: the exchange may have begun anew."""
        self._trades, self._agg_trades = TradeIds(), TradeIds()
        self._last_ticker = -1

    def handler(self, kind: codec.Kind) -> Handler:
        """Return the method that takes the frames of a kind."""
        match kind:
            case codec.Kind.DEPTH:
                return self.on_spot_depth if self.key[0] is Product.SPOT else self.on_futures_depth
            case codec.Kind.TRADE:
                return self.on_trade
            case codec.Kind.AGG_TRADE:
                return self.on_agg_trade
            case codec.Kind.BOOK_TICKER:
                return self.on_book_ticker
            case codec.Kind.MARK_PRICE:
                return self.on_mark_price
            case _:
                return self.on_unneeded

    def on_spot_depth(self, data: Raw, recv_ns: int) -> None:
        """Apply a change of the book."""
        self.market.counters.frames += 1
        try:
            update = codec.decode_depth(data)
        except DecodeError:
            self.on_unreadable_depth()
            raise
        self._check(update.symbol)
        self.sync.on_delta(
            update.first_id, update.last_id, 0, update.bids, update.asks, update.event_ms * NS_PER_MS, recv_ns
        )

    def on_futures_depth(self, data: Raw, recv_ns: int) -> None:
        """Apply a change of the book."""
        self.market.counters.frames += 1
        try:
            update = codec.decode_futures_depth(data)
        except DecodeError:
            self.on_unreadable_depth()
            raise
        self._check(update.symbol)
        self.sync.on_delta(
            update.first_id,
            update.last_id,
            update.prev_id,
            update.bids,
            update.asks,
            update.event_ms * NS_PER_MS,
            recv_ns,
        )

    def on_trade(self, data: Raw, recv_ns: int) -> None:
        """Tell of a trade."""
        counters = self.market.counters
        counters.frames += 1
        message = codec.decode_trade(data)
        self._check(message.symbol)
        if not self._trades.is_new(message.id):
            return
        trade = codec.trade_event(message, self.market.instrument, recv_ns)
        if trade is not None:
            counters.trades += 1
            self.market.on_trade(trade)

    def on_agg_trade(self, data: Raw, recv_ns: int) -> None:
        """Tell of an aggregated trade; its ids are counted apart from those of trades."""
        counters = self.market.counters
        counters.frames += 1
        message = codec.decode_agg_trade(data)
        self._check(message.symbol)
        if not self._agg_trades.is_new(message.id):
            return
        trade = codec.trade_event(message, self.market.instrument, recv_ns)
        if trade is not None:
            counters.trades += 1
            self.market.on_trade(trade)

    def on_book_ticker(self, data: Raw, recv_ns: int) -> None:
        """Tell of best bid and ask."""
        counters = self.market.counters
        counters.frames += 1
        message = codec.decode_book_ticker(data)
        if message.update_id <= self._last_ticker:
            return
        self._check(message.symbol)
        quote = codec.quote_event(message, self.market.instrument, recv_ns)
        self._last_ticker = message.update_id
        counters.quotes += 1
        self.market.on_quote(quote)

    def on_mark_price(self, data: Raw, recv_ns: int) -> None:
        """Tell of mark price and funding."""
        self.market.counters.frames += 1
        message = codec.decode_mark_price(data)
        self._check(message.symbol)
        self.market.on_mark(codec.mark_event(message, self.market.instrument, recv_ns))

    def on_unneeded(self, data: Raw, recv_ns: int) -> None:
        """Count a frame in which there is nothing to tell."""
        self.market.counters.frames += 1

    def on_unreadable_depth(self) -> None:
        """Start the book over: what the frame said is missing, and the next may come too late."""
        self.sync.on_corrupt("unreadable update")

    def _check(self, symbol: str) -> None:
        if symbol != self.market.instrument.native_symbol:
            raise DecodeError(
                f"frame about {symbol[:40]!r} on a stream of {self.market.instrument.native_symbol}"
            )
