"""One instrument as its exchange shows it, and who listens to it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import attrs

from hft.book import OrderBook, new_book
from hft.events import MarkPrice, Quote, Trade
from hft.instrument import Instrument
from hft.latency import UNTRACED, Trace
from hft.types import BookState, quick

__all__ = ["Channel", "Market", "MarketCounters"]


@quick
class Channel(enum.Enum):
    """The kinds of public market data."""

    BOOK = "book"
    TRADE = "trade"
    QUOTE = "quote"
    MARK = "mark"


@attrs.define
class MarketCounters:
    """What an instrument's stream has brought since the start.

    ``frames``: frames about this instrument. ``book_updates``: frames of the stream that were
    applied to the book; answers to snapshot requests are not counted. ``gaps``: holes found in the
    sequence. ``resyncs``: synchronisations begun after the first.
    """

    frames: int = 0
    trades: int = 0
    quotes: int = 0
    book_updates: int = 0
    gaps: int = 0
    resyncs: int = 0
    checksums_ok: int = 0
    checksums_failed: int = 0


def _ignore(_: Any) -> None:
    """Stand in for the listeners of a channel that nobody listens to."""


class Market:
    """One instrument as its exchange shows it: its book, and where its events go.

    The stream of the exchange calls ``on_book(book)`` after an update of a LIVE book,
    ``on_trade(trade)``, ``on_quote(quote)`` and ``on_mark(mark)`` directly. They are plain
    attributes that the kernel sets once at start (`listen`): to the one listener's bound method, or
    to a call of several. ``on_book_lost(book)`` is called when the book leaves LIVE.

    ``channels`` is what somebody listens to; a stream subscribes to no more. ``trace`` takes the times of
    what happens to the book.
    """

    __slots__ = (
        "book",
        "channels",
        "counters",
        "instrument",
        "on_book",
        "on_book_lost",
        "on_mark",
        "on_quote",
        "on_trade",
        "trace",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book: OrderBook = new_book(instrument)
        self.channels: set[Channel] = set()
        self.counters = MarketCounters()
        self.trace: Trace = UNTRACED
        self.on_book: Callable[[OrderBook], None] = _ignore
        self.on_book_lost: Callable[[OrderBook], None] = _ignore
        self.on_trade: Callable[[Trade], None] = _ignore
        self.on_quote: Callable[[Quote], None] = _ignore
        self.on_mark: Callable[[MarkPrice], None] = _ignore

    def listen(self, channel: Channel, listener: Callable[[Any], None]) -> None:
        """Add a listener; those of one channel are called in the order in which they were added."""
        name = f"on_{channel.value}"
        current = getattr(self, name)
        if channel not in self.channels:
            self.channels.add(channel)
            setattr(self, name, listener)
        else:
            setattr(self, name, _both(current, listener))

    def listen_lost(self, listener: Callable[[OrderBook], None]) -> None:
        """Add a listener for the book leaving LIVE."""
        current = self.on_book_lost
        self.on_book_lost = listener if current is _ignore else _both(current, listener)

    def lose(self, state: BookState) -> None:
        """Take the book out of LIVE, telling the listeners if it was."""
        was_live = self.book.state is BookState.LIVE
        self.book.state = state
        if was_live:
            self.on_book_lost(self.book)

    def __repr__(self) -> str:
        return f"<Market {self.instrument.id} {self.book.state.value}>"


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def call(event: Any) -> None:
        first(event)
        second(event)

    return call
