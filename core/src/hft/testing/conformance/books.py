"""Follow a book as it is shown, and compare it with every book that the exchange really had."""

from __future__ import annotations

from typing import Any

from hft.book import OrderBook
from hft.events import MarkPrice, Quote, Trade
from hft.market import Channel, Market
from hft.sim import Step, SyntheticMarket
from hft.types import BookState, Side

__all__ = ["BookWatch"]

_DEPTH = 5
"""How many levels of a side are compared; every exchange shows at least so many."""

_MOST = 5

_Shown = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


class BookWatch:
    """Notes the states of a book, and in ``wrong`` what was shown of it that never was.

    Between two changes an exchange may show any or none of the books that it had in between, never another.
    ``states`` begins with SYNCING. ``trades``, ``quotes`` and ``marks`` are those of the channels that are
    listened to.
    """

    def __init__(self, market: Market, truth: SyntheticMarket) -> None:
        self.market = market
        self.truth = truth
        self.states: list[BookState] = [market.book.state]
        self.shown = 0
        self.wrong: list[str] = []
        self.trades: list[Trade] = []
        self.quotes: list[Quote] = []
        self.marks: list[MarkPrice] = []
        self._had = {self._of_truth()}
        truth.observers.append(self._on_step)
        market.listen(Channel.BOOK, self._on_book)
        market.listen_lost(self._on_lost)

    def listen(self, channel: Channel) -> None:
        """Follow another channel as well."""
        if channel is not Channel.BOOK:
            noted: Any = {
                Channel.TRADE: self.trades,
                Channel.QUOTE: self.quotes,
                Channel.MARK: self.marks,
            }[channel]
            self.market.listen(channel, noted.append)

    @property
    def is_live(self) -> bool:
        """Whether the book is LIVE."""
        return self.market.book.state is BookState.LIVE

    @property
    def times_lost(self) -> int:
        """How often it left LIVE."""
        return sum(before is BookState.LIVE for before in self.states[:-1])

    def check(self) -> None:
        """Fail where a book was shown that the exchange never had."""
        assert not self.wrong, self.wrong
        assert self.shown, f"{self.market.instrument.id}: no book was shown"

    def check_right(self) -> None:
        """Fail unless the book is LIVE and as the exchange's is, which is at rest."""
        self.check()
        book = self.market.book
        assert book.state is BookState.LIVE, f"{self.market.instrument.id}: {self.states}"
        assert self._of_book(book) == self._of_truth(), f"{self.market.instrument.id} is not right"

    def check_untouched(self) -> None:
        """Fail where a book that nothing was done to left LIVE or was asked for again."""
        self.check_right()
        assert self.times_lost == 0, f"{self.market.instrument.id} left LIVE: {self.states}"
        assert self.market.counters.resyncs == 0, f"{self.market.instrument.id} was resynchronised"

    def never_had(self, quotes: list[Quote]) -> list[Quote]:
        """Return those best bids and asks that the exchange never had."""
        had = {(*bids[0], *asks[0]) for bids, asks in self._had if bids and asks}
        return [each for each in quotes if (each.bid, each.bid_size, each.ask, each.ask_size) not in had]

    def _on_book(self, book: OrderBook) -> None:
        self.shown += 1
        if book.state is not BookState.LIVE:
            self._say(f"a book was shown that is {book.state.value}")
        if self.states[-1] is not BookState.LIVE:
            self.states.append(BookState.LIVE)
        bid, ask = book.best_bid, book.best_ask
        if bid is not None and ask is not None and bid >= ask:
            self._say(f"the book is crossed: {bid} is bid and {ask} asked")
        if self._of_book(book) not in self._had:
            self._say(f"a LIVE book was shown that the exchange never had: {self._of_book(book)}")

    def _on_lost(self, book: OrderBook) -> None:
        self.states.append(book.state)

    def _on_step(self, step: Step) -> None:
        self._had.add(self._of_truth())

    def _say(self, what: str) -> None:
        if len(self.wrong) < _MOST:
            self.wrong.append(f"{self.market.instrument.id}: {what}")

    def _of_truth(self) -> _Shown:
        levels = self.truth.levels
        return tuple(levels(Side.BUY, _DEPTH)), tuple(levels(Side.SELL, _DEPTH))

    @staticmethod
    def _of_book(book: OrderBook) -> _Shown:
        return tuple(book.bids(_DEPTH)), tuple(book.asks(_DEPTH))
