"""Write down what happens to one market, so that its book can be built again without its exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from sortedcontainers import SortedDict

from hft.book import JsonSlice, Level, OrderBook, SortedBook
from hft.book.ladder import Ladder, OddLevel
from hft.clock import Clock
from hft.data.columns import Kind
from hft.data.rows import ROUNDED, RowBuffer
from hft.events import MarkPrice, Quote, Trade
from hft.funding import FundingRate
from hft.instrument import Instrument
from hft.market import Channel, Market
from hft.types import BookState, Price, Side, Size

__all__ = ["MarketRecorder"]

_Change: TypeAlias = tuple[Kind, int, int, int, int]
"""Kind, sign of the side, price, size, flags."""

_Ladder: TypeAlias = "Ladder[SortedDict[Price, Size]]"

_CLEAR: _Change = (Kind.CLEAR, 0, 0, 0, 0)


class _RecordingBook(SortedBook):
    """A book that notes what every call changes of what it shows.

    ``changes`` are those since they were last taken away; after `forget` they begin with everything.
    """

    __slots__ = ("changes", "is_known")

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        self.changes: list[_Change] = []
        self.is_known = False

    def forget(self) -> None:
        """Begin anew: what was noted so far is not to be relied on."""
        self.changes.clear()
        self.is_known = False

    def take(self) -> list[_Change]:
        """Return the changes since the last call."""
        if not self.is_known:
            self.is_known = True
            self.changes = [_CLEAR, *self._everything()]
        changes, self.changes = self.changes, []
        return changes

    def apply_snapshot(self, bids: JsonSlice, asks: JsonSlice) -> None:
        before = {side: dict(self.levels(side)) for side in Side} if self.is_known else {}
        super().apply_snapshot(bids, asks)
        for side, old in before.items():
            new = dict(self.levels(side))
            # An order rests where a level was taken away and put back: only what differs is a change.
            gone = old.keys() - new.keys()
            self.changes += [(Kind.LEVEL, side.sign, price, 0, 0) for price in old if price in gone]
            odd = self._ladder(side).odd
            self.changes += [
                (Kind.LEVEL, side.sign, price, size, ROUNDED if price in odd else 0)
                for price, size in new.items()
                if old.get(price) != size
            ]

    def apply_delta(self, bids: JsonSlice, asks: JsonSlice) -> None:
        if not self.is_known:
            super().apply_delta(bids, asks)
            return
        parsed = self._parse(bids, asks)
        for side, levels in zip((Side.BUY, Side.SELL), parsed, strict=True):
            for level in levels:
                self._set(side, level)
        self._refresh()

    def set_level(self, side: Side, price: Price, size: Size) -> None:
        super().set_level(side, price, size)
        self._note(side, price)

    def clear(self) -> None:
        super().clear()
        self.changes.append(_CLEAR)

    def _set(self, side: Side, level: Level | OddLevel) -> None:
        ladder = self._ladder(side)
        ladder.set((level,))
        if isinstance(level, OddLevel):
            self._note(side, level.ticks, ROUNDED)
        elif ladder.odd and level[0] in ladder.odd:
            self._note(side, level[0], ROUNDED)
        else:
            self.changes.append((Kind.LEVEL, side.sign, level[0], level[1], 0))

    def _note(self, side: Side, price: Price, flags: int = 0) -> None:
        if price:  # below one tick nothing is shown
            self.changes.append((Kind.LEVEL, side.sign, price, self.size_at(side, price), flags))

    def _everything(self) -> Iterable[_Change]:
        for side in Side:
            odd = self._ladder(side).odd
            for price, size in self.levels(side):
                yield Kind.LEVEL, side.sign, price, size, ROUNDED if price in odd else 0

    def _ladder(self, side: Side) -> _Ladder:
        return self._bids if side is Side.BUY else self._asks


class MarketRecorder:
    """Turns one market's events into rows, in the order in which they would have reached a strategy.

    A change of the book is written when the book is LIVE, all of it at once; when the book is lost, it is
    cleared, and comes back whole. A snapshot of a book that was LIVE is written as what it changes. A row is
    received when ``clock`` says, which never goes backwards. ``full`` is called with the recorder when
    ``limit`` rows have gathered in ``rows``. ``fund`` is called with what the exchange says of the next
    funding, as often as it does.
    """

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        full: Callable[[MarketRecorder], None],
        fund: Callable[[Instrument, int, FundingRate], None],
        limit: int,
    ) -> None:
        self.instrument = instrument
        self.rows = RowBuffer()
        self.market = Market(instrument)
        self.market.book = self._book = _RecordingBook(instrument)
        self._clock = clock
        self._full = full
        self._fund = fund
        self._limit = limit
        self.market.listen(Channel.BOOK, self._on_book)
        self.market.listen_lost(self._on_lost)
        self.market.listen(Channel.TRADE, self._on_trade)
        self.market.listen(Channel.QUOTE, self._on_quote)
        self.market.listen(Channel.MARK, self._on_mark)

    def _on_book(self, book: OrderBook) -> None:
        if book.state is BookState.LIVE:
            self._write(book.exchange_ns, self._book.take())

    def _on_lost(self, _: OrderBook) -> None:
        self._book.forget()
        self._write(0, [_CLEAR])

    def _on_trade(self, trade: Trade) -> None:
        self._write(trade.exchange_ns, [(Kind.TRADE, trade.side.sign, trade.price, trade.size, 0)])

    def _on_quote(self, quote: Quote) -> None:
        sides = ((Side.BUY, quote.bid, quote.bid_size), (Side.SELL, quote.ask, quote.ask_size))
        self._write(
            quote.exchange_ns,
            [(Kind.QUOTE, side.sign, price, size, 0) for side, price, size in sides if price is not None],
        )

    def _on_mark(self, mark: MarkPrice) -> None:
        if mark.funding_rate is not None and mark.next_funding_ns:
            rate = FundingRate(mark.next_funding_ns, self.instrument.symbol, mark.funding_rate, mark.mark)
            self._fund(self.instrument, self._clock.now_ns(), rate)

    def _write(self, exchange_ns: int, changes: list[_Change]) -> None:
        if not changes:
            return
        recv_ns = self._clock.now_ns()
        rows = self.rows
        for kind, sign, price, size, flags in changes:
            rows.add(exchange_ns, recv_ns, kind, sign, price, size, flags)
        rows.end_message()
        if len(rows) >= self._limit:
            self._full(self)
