"""Turn what happens in the world into Bybit's public topics, as far as somebody is subscribed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

import attrs

from hft import Clock, Price, Side, Size, Timer
from hft.sim import Hub, Step, SyntheticMarket
from hft_bybit.codec import Kind, Topic, topic_of
from hft_bybit.endpoints import Product
from hft_bybit.simulator import frames
from hft_bybit.simulator.listing import NS_PER_MS, NS_PER_S, Listing

__all__ = ["Publisher"]

_BOOK_MS = {1: 10, 50: 20, 200: 100, 1000: 200}
"""How often books of a depth are told of."""

_TICKER_MS = {Product.SPOT: 50, Product.LINEAR: 100}
_REPEAT_NS = 3 * NS_PER_S
"""After how long without a change the best level is told again."""

_Side = dict[Price, Size]


@attrs.define(eq=False)
class _Book:
    """One book of one depth as its subscribers have it."""

    key: str
    topic: str
    listing: Listing
    depth: int
    update_id: int
    bids: _Side = attrs.Factory(dict)
    asks: _Side = attrs.Factory(dict)
    is_dirty: bool = True
    told_ns: int = 0


@attrs.define(eq=False)
class _Ticker:
    key: str
    topic: str
    listing: Listing
    fields: dict[str, str]


class Publisher:
    """Renders markets for the subscribers of a hub, whose topics are ``product/topic``.

    Books and tickers have a rhythm: they get a timer when somebody subscribes, and lose it when nobody is
    left. `first` gives a new subscriber what the changes after it build upon.
    """

    def __init__(self, listings: Iterable[Listing], hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._listings = {(listing.product, listing.symbol): listing for listing in listings}
        self._books: dict[str, _Book] = {}
        self._tickers: dict[str, _Ticker] = {}
        self._timers: dict[str, Timer] = {}
        self._seqs = count(7_000_000_000)
        self._update_ids = count(1_000, 1_000_000)
        for listing in self._listings.values():
            if isinstance(listing.market, SyntheticMarket):
                self._watch(listing, listing.market)

    def stop(self) -> None:
        """Cancel every timer."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def find(self, product: Product, name: str) -> Topic | None:
        """Return a topic that there is; None for any other."""
        topic = topic_of(name)
        if topic is None or (product, topic.symbol) not in self._listings:
            return None
        if topic.kind is Kind.BOOK and topic.depth not in _BOOK_MS:
            return None
        return topic

    def first(self, product: Product, name: str) -> str:
        """Set a topic in motion that somebody subscribed to, and return its first frame, empty if none."""
        topic = self.find(product, name)
        assert topic is not None, "only topics that there are"
        listing, key = self._listings[product, topic.symbol], f"{product.value}/{name}"
        if topic.kind is Kind.BOOK:
            return self._first_book(key, name, listing, topic.depth)
        if topic.kind is Kind.TICKER:
            return self._first_ticker(key, name, listing)
        return ""

    def restart(self) -> None:
        """Do what the exchange does when its service begins anew: every book comes whole, with id 1."""
        for book in self._books.values():
            book.update_id = 1
            self._show(book)
            self._hub.publish(book.key, self._whole(book))

    # -- events ----------------------------------------------------------------------------------

    def _watch(self, listing: Listing, market: SyntheticMarket) -> None:
        name = f"publicTrade.{listing.symbol}"
        key = f"{listing.product.value}/{name}"

        def on_step(step: Step) -> None:
            if step.levels:
                for book in self._books.values():
                    book.is_dirty = book.is_dirty or book.listing is listing
            if step.trades and self._hub.is_wanted(key):
                now_ms = step.time_ns // NS_PER_MS
                self._hub.publish(key, frames.trades(listing, name, step.trades, next(self._seqs), now_ms))

        market.observers.append(on_step)

    # -- books -----------------------------------------------------------------------------------

    def _first_book(self, key: str, name: str, listing: Listing, depth: int) -> str:
        book = self._books.get(key)
        if book is None:
            book = self._books[key] = _Book(key, name, listing, depth, next(self._update_ids))
            self._show(book)
            self._repeat(key, _BOOK_MS[depth] * NS_PER_MS, lambda: self._tell_book(book), self._books)
        return self._whole(book) if book.bids or book.asks else ""

    def _show(self, book: _Book) -> None:
        book.bids = dict(book.listing.levels(Side.BUY, book.depth))
        book.asks = dict(book.listing.levels(Side.SELL, book.depth))
        book.is_dirty = not isinstance(book.listing.market, SyntheticMarket)
        book.told_ns = self._clock.now_ns()

    def _tell_book(self, book: _Book) -> None:
        if not book.listing.market.is_ready:
            return
        now_ns = self._clock.now_ns()
        if not book.is_dirty:
            if book.depth == 1 and now_ns - book.told_ns >= _REPEAT_NS:
                book.told_ns = now_ns
                self._hub.publish(book.key, self._whole(book))
            return
        bids, asks = book.bids, book.asks
        was_empty = not (bids or asks)
        self._show(book)
        if (bids, asks) == (book.bids, book.asks):
            return
        book.update_id += 1
        if book.depth == 1 or was_empty:
            self._hub.publish(book.key, self._whole(book))
            return
        self._hub.publish(
            book.key,
            self._frame(book, "delta", _changes(bids, book.bids), _changes(asks, book.asks)),
        )

    def _whole(self, book: _Book) -> str:
        return self._frame(book, "snapshot", book.bids, book.asks)

    def _frame(self, book: _Book, type: str, bids: _Side, asks: _Side) -> str:
        listing = book.listing

        def texts(levels: _Side) -> frames.LevelTexts:
            return [
                (listing.price(price), listing.size(size) if size else "0") for price, size in levels.items()
            ]

        return frames.book(
            listing,
            book.topic,
            type,
            texts(bids),
            texts(asks),
            update_id=book.update_id,
            seq=next(self._seqs),
            now_ms=self._clock.now_ns() // NS_PER_MS,
        )

    # -- tickers ---------------------------------------------------------------------------------

    def _first_ticker(self, key: str, name: str, listing: Listing) -> str:
        ticker = self._tickers.get(key)
        if ticker is None:
            ticker = self._tickers[key] = _Ticker(key, name, listing, frames.ticker_fields(listing))
            self._repeat(
                key, _TICKER_MS[listing.product] * NS_PER_MS, lambda: self._tell_ticker(ticker), self._tickers
            )
        return self._ticker_frame(ticker, "snapshot", ticker.fields)

    def _tell_ticker(self, ticker: _Ticker) -> None:
        fields = frames.ticker_fields(ticker.listing)
        changed = {name: value for name, value in fields.items() if ticker.fields.get(name) != value}
        ticker.fields = fields
        if not changed:
            return
        if ticker.listing.product is Product.SPOT:
            self._hub.publish(ticker.key, self._ticker_frame(ticker, "snapshot", fields))
        else:
            self._hub.publish(ticker.key, self._ticker_frame(ticker, "delta", changed))

    def _ticker_frame(self, ticker: _Ticker, type: str, fields: dict[str, str]) -> str:
        now_ms = self._clock.now_ns() // NS_PER_MS
        return frames.tickers(ticker.listing, ticker.topic, type, fields, next(self._seqs), now_ms)

    # -- rhythms ---------------------------------------------------------------------------------

    def _repeat(
        self,
        key: str,
        interval_ns: int,
        tell: Callable[[], None],
        kept: dict[str, _Book] | dict[str, _Ticker],
    ) -> None:
        def again() -> None:
            if not self._hub.is_wanted(key):
                kept.pop(key, None)
                self._timers.pop(key, None)
                return
            tell()
            self._timers[key] = self._clock.call_later(interval_ns, again)

        self._timers[key] = self._clock.call_later(interval_ns, again)


def _changes(before: _Side, after: _Side) -> _Side:
    """Return the levels that differ, those that are gone with size 0."""
    changed = {price: size for price, size in after.items() if before.get(price) != size}
    return {**dict.fromkeys(before.keys() - after.keys(), Size(0)), **changed}
