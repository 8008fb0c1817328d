"""Play recorded market data: to the exchange when it happened, to us when we saw it, in the order of time.

The twin in pure Python of the loop in the native module, which must do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from hft.book import OrderBook
from hft.clock import SimulatedClock
from hft.data import LAST, Day, Kind
from hft.data.columns import ORDER_KINDS
from hft.errors import DataError
from hft.events import Quote, Trade
from hft.market import Channel, Market
from hft.paper.fill_model import FillModel, Match
from hft.paper.market_orders import MarketOrder, MarketOrders
from hft.types import BookState, Price, Side, Size

__all__ = ["Replay", "ReplayFeed"]

NEVER = 2**63 - 1

_RELEASE = 1 << 20
"""Events after which the memory of those before is let go."""


@attrs.frozen(kw_only=True, eq=False)
class ReplayFeed:
    """One instrument's recorded events and whom they reach.

    ``book`` is the exchange's, on which ``model`` fills our orders; what it made trade is handed to
    ``settle``, which keeps to that: books may not be up to date meanwhile. ``market`` is what we see.
    ``days`` gives the recorded days in the order of time; it is called once for the exchange and once for us.
    ``latency_ns`` is the age of the data when we see them, None where the recorded times are to tell.
    """

    market: Market
    book: OrderBook
    model: FillModel
    settle: Callable[[Sequence[Match]], None]
    days: Callable[[], Iterator[Day]]
    latency_ns: int | None


class Replay:
    """Merges the events of many instruments, and the calls due on the clock, by time.

    An event happens at the exchange at ``exchange_ns``, and reaches us at ``recv_ns``, or ``latency_ns``
    after it happened. It never happens after we saw it, and neither sequence goes backwards: what is
    out of order counts as happening with what came before it. At the same time calls of the clock
    come first, then what happens at exchanges, then what reaches us, instruments in their order.

    The events of one message are played together; its last one shows the book. One with levels on it is LIVE,
    one that is crossed BROKEN, and an empty one SYNCING; of a loss listeners are told as in a live run.
    `step` goes on; setting ``stopped`` ends it after the message that is being handled. ``played`` counts the
    events that have reached us.
    """

    def __init__(self, clock: SimulatedClock, feeds: Sequence[ReplayFeed]) -> None:
        self.stopped = False
        self.played = 0
        self._clock = clock
        self._cursors: list[_Cursor] = [_AtExchange(feed, clock) for feed in feeds]
        self._cursors += [_AtOurs(feed, clock) for feed in feeds]

    def step(self, events: int, until_ns: int = NEVER) -> bool:
        """Play so many events to us; return False at the end, or once ``until_ns`` is over."""
        clock, enough = self._clock, self.played + events
        while self.played < enough and not self.stopped:
            cursor = min(self._cursors, key=_when)
            when_ns = cursor.when_ns
            if when_ns == NEVER or when_ns > until_ns:
                return False
            due_ns = clock.next_timer_ns()
            if due_ns is not None and due_ns <= when_ns:
                clock.advance_to(due_ns)
                continue
            while True:
                self.played += cursor.is_ours
                if cursor.play():
                    break
        return True


def _when(cursor: _Cursor) -> int:
    return cursor.when_ns


def _state(book: OrderBook) -> BookState:
    if book.best_bid is None and book.best_ask is None:
        return BookState.SYNCING
    return BookState.BROKEN if book.is_crossed else BookState.LIVE


class _Cursor:
    """Goes through the events of one feed, on the exchange's side or on ours."""

    is_ours = False

    def __init__(
        self, feed: ReplayFeed, book: OrderBook, orders: MarketOrders, clock: SimulatedClock
    ) -> None:
        self.when_ns = 0
        self._orders = orders
        self._feed = feed
        self._book = book
        self._clock = clock
        self._days = feed.days()
        self._day: Day | None = None
        self._at = self._length = 0
        self._touched = False
        self._columns: tuple[memoryview[Any], ...] = ()
        self._find()

    def play(self) -> bool:
        """Handle one event and find the next; return whether it was the last of its message."""
        at = self._at
        exchange_ns, _, kinds, sides, prices, sizes, flags, *order_ids = self._columns
        kind = kinds[at]
        side, price, size = Side.BUY if sides[at] > 0 else Side.SELL, Price(prices[at]), Size(sizes[at])
        if kind == Kind.LEVEL:
            self._book.set_level(side, price, size)
            self._touched = True
        elif kind == Kind.CLEAR:
            self._orders.clear()
            self._touched = True
        elif kind == Kind.TRADE:
            self._on_trade(side, price, size, exchange_ns[at])
        elif kind == Kind.QUOTE:
            self._on_quote(side, price, size)
        elif kind in ORDER_KINDS and order_ids:
            self._on_order(kind, order_ids[0][at], side, price, size)
        else:
            raise DataError(f"{self._book.instrument.id}: event {at} is of unknown kind {kind}")
        is_last = bool(flags[at] & LAST)
        if is_last:
            if self._touched:
                self._touched = False
                self._book.exchange_ns = exchange_ns[at]
                if self._orders.end_message():
                    self._on_snapshot()
                self._on_book()
            self._on_last(exchange_ns[at])
        self._at += 1
        if not self._at % _RELEASE and self._day is not None:
            self._day.release(self._at)
        self._find()
        return is_last or self.when_ns == NEVER

    def _find(self) -> None:
        """Find the event to come and its time."""
        while self._at == self._length:
            self._day = next(self._days, None)
            if self._day is None:
                self.when_ns = NEVER
                return
            self._at, self._length = 0, len(self._day)
            self._columns = tuple(memoryview(column.data) for column in self._day.columns.values())
        exchange_ns, recv_ns = self._columns[0][self._at], self._columns[1][self._at]
        latency_ns = self._feed.latency_ns
        if latency_ns is not None:
            when_ns = (exchange_ns or recv_ns) + (latency_ns if self.is_ours else 0)
        elif self.is_ours or not 0 < exchange_ns < recv_ns:
            when_ns = recv_ns
        else:
            when_ns = exchange_ns
        if when_ns > self.when_ns:
            self.when_ns = when_ns

    def _on_order(self, kind: int, order_id: int, side: Side, price: Price, size: Size) -> None:
        orders = self._orders
        if kind == Kind.FILL:
            self._on_fill(orders.find(order_id), size)
            return
        self._touched = True
        if kind == Kind.ADD:
            orders.add(order_id, side, price, size)
        elif kind == Kind.CHANGE:
            order = orders.find(order_id)
            side, was, rank = order.side, order.price, order.rank
            self._on_leave(side, was, rank, orders.change(order, price, size))
        else:
            order = orders.remove(order_id)
            self._on_leave(order.side, order.price, order.rank, order.size)

    def _on_book(self) -> None: ...

    def _on_leave(self, side: Side, price: Price, rank: int, lots: int) -> None: ...

    def _on_fill(self, order: MarketOrder, size: Size) -> None: ...

    def _on_snapshot(self) -> None: ...

    def _on_trade(self, side: Side, price: Price, size: Size, exchange_ns: int) -> None: ...

    def _on_quote(self, side: Side, price: Price, size: Size) -> None: ...

    def _on_last(self, exchange_ns: int) -> None: ...


class _AtExchange(_Cursor):
    """What happens at the exchange, where our orders are."""

    def __init__(self, feed: ReplayFeed, clock: SimulatedClock) -> None:
        super().__init__(feed, feed.book, feed.model.orders, clock)
        self._model, self._settle = feed.model, feed.settle

    def _on_book(self) -> None:
        self._book.state = _state(self._book)
        self._tell(self._model.on_book())

    def _on_trade(self, side: Side, price: Price, size: Size, exchange_ns: int) -> None:
        self._tell(self._model.on_trade(side, price, size, exchange_ns))

    def _on_leave(self, side: Side, price: Price, rank: int, lots: int) -> None:
        self._model.on_leave(side, price, rank, lots)

    def _on_fill(self, order: MarketOrder, size: Size) -> None:
        self._tell(self._model.on_fill(order, size))

    def _on_snapshot(self) -> None:
        self._model.on_snapshot()

    def _tell(self, matches: Sequence[Match]) -> None:
        if matches:
            self._clock.advance_to(self.when_ns)
            self._settle(matches)


class _AtOurs(_Cursor):
    """What we see of it."""

    is_ours = True

    def __init__(self, feed: ReplayFeed, clock: SimulatedClock) -> None:
        self._market = market = feed.market
        self._quote: dict[Side, tuple[Price, Size]] = {}
        super().__init__(feed, market.book, MarketOrders(market.book), clock)

    def _on_book(self) -> None:
        market, book = self._market, self._book
        book.recv_ns = self.when_ns
        market.counters.book_updates += 1
        state = _state(book)
        if state is not BookState.LIVE:
            self._clock.advance_to(self.when_ns)
            market.lose(state)
            return
        book.state = state
        if Channel.BOOK in market.channels:
            self._clock.advance_to(self.when_ns)
            market.on_book(book)

    def _on_trade(self, side: Side, price: Price, size: Size, exchange_ns: int) -> None:
        market = self._market
        market.counters.trades += 1
        if Channel.TRADE in market.channels:
            self._clock.advance_to(self.when_ns)
            market.on_trade(Trade(market.instrument, "", side, price, size, exchange_ns, self.when_ns))

    def _on_quote(self, side: Side, price: Price, size: Size) -> None:
        self._quote[side] = price, size

    def _on_last(self, exchange_ns: int) -> None:
        market = self._market
        market.counters.frames += 1
        if not self._quote:
            return
        quote, self._quote = self._quote, {}
        market.counters.quotes += 1
        if Channel.QUOTE in market.channels:
            bid, bid_size = quote.get(Side.BUY, (None, Size(0)))
            ask, ask_size = quote.get(Side.SELL, (None, Size(0)))
            self._clock.advance_to(self.when_ns)
            market.on_quote(
                Quote(market.instrument, bid, bid_size, ask, ask_size, 0, exchange_ns, self.when_ns)
            )
