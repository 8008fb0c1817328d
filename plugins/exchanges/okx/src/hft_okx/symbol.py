"""What the stream keeps of one instrument: its frames become events of its market."""

from __future__ import annotations

from collections.abc import Callable

from hft import (
    BookState,
    Chain,
    Continuity,
    DecodeError,
    DepthPath,
    Market,
    Step,
    Synchroniser,
    TradeIds,
)
from hft_okx import codec
from hft_okx.checksum import TextBook
from hft_okx.codec import NS_PER_MS, Envelope

__all__ = ["Handler", "SequenceContinuity", "Symbol"]

Handler = Callable[[Envelope, int], None]
"""Takes a frame and when it was received."""

_OVERLAP_NS = 15_000_000_000
"""How long after an unexpected snapshot a second connection may still bring what the first has brought."""


class SequenceContinuity(Continuity):
    """Every update names the id of the one before it; ids jump, and begin anew at maintenance.

    So an update that names the book's id is the next whatever its own: a smaller one after maintenance,
    the same one where nothing has happened for a minute. What names another id is a hole, but for two
    cases: the last update told twice, and what a second connection brings while one is replaced, which lies
    above ``floor``. Updates without ids, as before 2023, are held together by their checksums.
    """

    def __init__(self) -> None:
        self.floor: int | None = None
        """Where the two connections of an overlap began, None while there is but one."""

    def bridges(self, snapshot_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        return self.follows(snapshot_id, first_id, last_id, prev_id)

    def follows(self, book_id: int, first_id: int, last_id: int, prev_id: int) -> Step:
        if prev_id == book_id:
            return Step.NEXT
        if last_id == book_id or (self.floor is not None and self.floor < last_id <= book_id):
            return Step.OLD
        return Step.GAP


class Symbol:
    """One instrument's market, synchroniser and last ids; the handlers are the hot path.

    ``depth_conn`` is the connection that brings its book. While a connection is replaced, both bring
    everything: each trade is told once, and best levels only if they are newer than the last.
    """

    __slots__ = (
        "_best",
        "_funding",
        "_mark",
        "_overlap_end_ns",
        "_text",
        "_trades",
        "continuity",
        "depth_conn",
        "market",
        "native",
        "sync",
    )

    def __init__(
        self, market: Market, make_sync: Callable[[Market, SequenceContinuity], Synchroniser]
    ) -> None:
        self.market = market
        self.native = market.instrument.native_symbol
        self.continuity = SequenceContinuity()
        self.sync = make_sync(market, self.continuity)
        self.depth_conn = ""
        self._overlap_end_ns = 0
        self._text: TextBook | None = None
        self._mark: codec.MarkPriceRow | None = None
        self._funding: codec.FundingRate | None = None
        self.forget_ids()

    def depth_path(self) -> DepthPath | None:
        """Return the short way of the book's changes; None if there is none."""
        return self.sync.path(codec.book_layout(self.native), Chain.PREVIOUS)

    def forget_ids(self) -> None:
        """Take the next trade and best levels whatever their ids: the exchange may have begun anew."""
        self._trades = TradeIds()
        self._best = (-1, -1)

    def on_disconnect(self) -> None:
        """Learn that the connection of the book broke."""
        self._text = None
        self.continuity.floor = None
        self.sync.on_disconnect()

    def handler(self, kind: codec.Kind) -> Handler:
        """Return the method that takes the frames of a kind."""
        match kind:
            case codec.Kind.BOOK:
                return self.on_book
            case codec.Kind.TRADE | codec.Kind.TRADE_ALL:
                return self.on_trades
            case codec.Kind.BEST:
                return self.on_best
            case codec.Kind.MARK:
                return self.on_mark
            case codec.Kind.FUNDING:
                return self.on_funding
            case _:
                return self.on_unneeded

    # -- the book ----------------------------------------------------------------------------------

    def on_book(self, frame: Envelope, recv_ns: int) -> None:
        """Take a book or a change of it."""
        self.market.counters.frames += 1
        try:
            changes = codec.decode_books(frame.data)
            times = [codec.milliseconds(change.ts) * NS_PER_MS for change in changes]
        except DecodeError:
            self.on_unreadable_book()
            raise
        if frame.action not in ("snapshot", "update"):
            self.on_unreadable_book()
            raise DecodeError(f"action {frame.action[:20]!r} is unknown")
        for change, exchange_ns in zip(changes, times, strict=True):
            if frame.action == "snapshot":
                self._on_snapshot(change, exchange_ns, recv_ns)
            else:
                self._on_update(change, exchange_ns, recv_ns)

    def _on_snapshot(self, change: codec.BookChange, exchange_ns: int, recv_ns: int) -> None:
        book = self.market.book
        if book.state is BookState.LIVE and change.seq_id:
            # Nobody asked for it: a second connection has begun to take over.
            self.continuity.floor = min(change.seq_id, book.update_id)
            self._overlap_end_ns = recv_ns + _OVERLAP_NS
            if change.seq_id <= book.update_id:
                return
        self._text = TextBook() if change.checksum else None
        if self._is_right(change):
            self.sync.on_snapshot(change.seq_id, change.bids, change.asks, exchange_ns, recv_ns)

    def _on_update(self, change: codec.BookChange, exchange_ns: int, recv_ns: int) -> None:
        if self.continuity.floor is not None and recv_ns > self._overlap_end_ns:
            self.continuity.floor = None
        if not change.seq_id and (change.prev_id or not change.checksum):
            self.sync.on_corrupt("an update with neither ids nor checksum")
        elif self._is_right(change):
            self.sync.on_delta(
                change.prev_id,
                change.seq_id,
                change.prev_id,
                change.bids,
                change.asks,
                exchange_ns,
                recv_ns,
            )

    def _is_right(self, change: codec.BookChange) -> bool:
        """Compare the checksum, where there is one, with the book after the change."""
        text = self._text
        if text is None or not change.checksum:
            return True
        counters = self.market.counters
        try:
            text.apply(change.bids, change.asks)
        except DecodeError:
            self._text = None
            self.on_unreadable_book()
            raise
        if text.checksum() == change.checksum:
            counters.checksums_ok += 1
            return True
        counters.checksums_failed += 1
        self._text = None
        self.sync.on_corrupt(f"checksum {change.checksum} is wrong")
        return False

    def on_unreadable_book(self) -> None:
        """Start the book over: what the frame said is missing, and the next may come too late."""
        self.sync.on_corrupt("unreadable update")

    # -- everything else ---------------------------------------------------------------------------

    def on_trades(self, frame: Envelope, recv_ns: int) -> None:
        """Tell of trades."""
        counters = self.market.counters
        counters.frames += 1
        for message in codec.decode_trades(frame.data):
            self._check(message.inst_id)
            trade = codec.trade_event(message, self.market.instrument, recv_ns)
            if not (trade.trade_id.isascii() and trade.trade_id.isdigit() and len(trade.trade_id) < 20):
                raise DecodeError(f"trade id {trade.trade_id[:40]!r} is not a number")
            if self._trades.is_new(int(trade.trade_id)):
                counters.trades += 1
                self.market.on_trade(trade)

    def on_best(self, frame: Envelope, recv_ns: int) -> None:
        """Tell of best bid and ask."""
        counters = self.market.counters
        counters.frames += 1
        for message in codec.decode_best(frame.data):
            quote = codec.quote_event(message, self.market.instrument, recv_ns)
            # Ids may begin anew; times do not go back.
            newest = quote.exchange_ns, message.seq_id
            if newest > self._best:
                self._best = newest
                counters.quotes += 1
                self.market.on_quote(quote)

    def on_mark(self, frame: Envelope, recv_ns: int) -> None:
        """Tell of the mark price, with the funding that was told last."""
        self.market.counters.frames += 1
        for message in codec.decode_marks(frame.data):
            self._check(message.inst_id)
            event = codec.mark_event(message, self._funding, self.market.instrument, recv_ns)
            self._mark = message
            self.market.on_mark(event)

    def on_funding(self, frame: Envelope, recv_ns: int) -> None:
        """Tell of the funding, with the mark price that was told last."""
        self.market.counters.frames += 1
        for message in codec.decode_fundings(frame.data):
            self._check(message.inst_id)
            if self._mark is not None:
                event = codec.mark_event(self._mark, message, self.market.instrument, recv_ns)
                self.market.on_mark(event)
            else:
                codec.milliseconds(message.funding_time)
            self._funding = message

    def on_unneeded(self, frame: Envelope, recv_ns: int) -> None:
        """Count a frame in which there is nothing to tell."""
        self.market.counters.frames += 1

    def _check(self, inst_id: str) -> None:
        if inst_id != self.native:
            raise DecodeError(f"frame about {inst_id[:40]!r} on a channel of {self.native}")
