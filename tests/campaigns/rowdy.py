"""A strategy that does whatever it may, at random, and does not care what comes of it."""

from __future__ import annotations

from typing import Any

import attrs

from hft import (
    BookState,
    Fill,
    Instrument,
    Market,
    Order,
    OrderBook,
    OrderRequest,
    OrderType,
    Price,
    Side,
    Size,
    Strategy,
    TimeInForce,
    hookimpl,
)

__all__ = ["HFT_API", "Config", "Rowdy", "hft_strategy"]

HFT_API = 1

_EVERY_NS = 110_000_000
_KEPT = 30
_MARGIN = 1.3
"""How far above the least value the smallest order is."""


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Rowdy(Strategy[Config]):
    """Quote, place, amend and cancel at random, in every way that there is."""

    def on_start(self) -> None:
        self.placed: list[Order] = []
        self.random = self.trading.random
        self.trading.every(_EVERY_NS, self._act)

    def on_book(self, book: OrderBook) -> None:
        if book.state is not BookState.LIVE:
            raise AssertionError(f"told of a book that is {book.state}")
        if self.random.random() < 0.05:
            self._quote(book.instrument, book)

    def on_order(self, order: Order) -> None:
        if self.random.random() < 0.02:
            self._act()

    def on_fill(self, fill: Fill) -> None:
        if self.random.random() < 0.1:
            self._act()

    def _act(self) -> None:
        # Whatever the state of the book: it is the kernel that must refuse.
        market = self.random.choice(self.trading.markets)
        book = market.book
        if not book.best_bid or not book.best_ask:
            return
        action = self.random.choice(_ACTIONS)
        action(self, market, book)
        self.placed = [order for order in self.placed if not order.state.is_final][-_KEPT:]

    def _unit(self, instrument: Instrument, price: int) -> int:
        least = float(instrument.min_notional / instrument.point_value) / price
        return max(instrument.min_size, int(least * _MARGIN) + 1)

    def _size(self, instrument: Instrument, price: int) -> Size:
        return Size(self._unit(instrument, price) * self.random.choice((1, 1, 2, 3)))

    def _spread(self, book: OrderBook) -> int:
        assert book.best_bid
        return max(2, book.best_bid // 20_000)

    def _quote(self, instrument: Instrument, book: OrderBook) -> None:
        bid, ask = book.best_bid, book.best_ask
        if not bid or not ask:
            return
        step = self._spread(book)
        size = self._size(instrument, bid)
        levels = range(self.random.choice((1, 1, 2, 3)))
        near = self.random.choice((0, 0, 0, 1, 3)) * step // 2
        bids = [(Price(bid - near - n * step), size) for n in levels]
        asks = [(Price(ask + near + n * step), size) for n in levels]
        if self.random.random() < 0.1:
            bids = []
        if self.random.random() < 0.1:
            asks = []
        self.trading.quote(instrument, bids, asks)

    def _requote(self, market: Market, book: OrderBook) -> None:
        self._quote(market.instrument, book)

    def _passive(self, market: Market, book: OrderBook) -> tuple[Side, Price]:
        assert book.best_bid
        assert book.best_ask
        side = self.random.choice((Side.BUY, Side.SELL))
        best = book.best_bid if side is Side.BUY else book.best_ask
        return side, Price(best - side.sign * self.random.randint(0, 6) * self._spread(book))

    def _limit(self, market: Market, book: OrderBook) -> None:
        side, price = self._passive(market, book)
        size = self._size(market.instrument, price)
        post_only = self.random.random() < 0.5
        self.placed.append(self.trading.place(market.instrument, side, size, price, post_only=post_only))

    def _taker(self, market: Market, book: OrderBook) -> None:
        assert book.best_bid
        assert book.best_ask
        side = self._homewards(market)
        touch = book.best_ask if side is Side.BUY else book.best_bid
        price = Price(touch + side.sign * self.random.choice((-1, 0, 0, 5)))
        times = (TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK)
        size = self._size(market.instrument, price)
        in_force = self.random.choice(times)
        self.trading.place(market.instrument, side, size, price, time_in_force=in_force)

    def _market(self, market: Market, book: OrderBook) -> None:
        assert book.best_bid
        side = self._homewards(market)
        size = self._size(market.instrument, book.best_bid)
        self.trading.place(market.instrument, side, size, type=OrderType.MARKET)

    def _homewards(self, market: Market) -> Side:
        position = self.trading.position(market.instrument)
        if position and self.random.random() < 0.6:
            return Side.SELL if position > 0 else Side.BUY
        return self.random.choice((Side.BUY, Side.SELL))

    def _batch(self, market: Market, book: OrderBook) -> None:
        requests = []
        for _ in range(self.random.randint(2, 6)):
            side, price = self._passive(market, book)
            size = self._size(market.instrument, price)
            requests.append(OrderRequest(side=side, size=size, price=price, post_only=True))
        self.placed += self.trading.place_batch(market.instrument, requests)

    def _amend(self, market: Market, book: OrderBook) -> None:
        orders = [order for order in self.placed if order.instrument is market.instrument]
        if orders:
            order = self.random.choice(orders)
            _, price = self._passive(market, book)
            best = book.best_bid if order.side is Side.BUY else book.best_ask
            assert best
            price = Price(best - order.side.sign * self.random.randint(1, 6) * self._spread(book))
            size = self._size(market.instrument, price)
            self.trading.amend(order, price, Size(order.filled + size))

    def _reduce(self, market: Market, book: OrderBook) -> None:
        """Make an order smaller at its price, which keeps its place where the exchange can do that."""
        for order in self.placed:
            if order.instrument is market.instrument and order.price:
                left = order.remaining - self._unit(market.instrument, order.price)
                if left >= self._unit(market.instrument, order.price):
                    self.trading.amend(order, order.price, Size(order.filled + left))
                    return

    def _cancel(self, market: Market, book: OrderBook) -> None:
        if self.placed:
            self.trading.cancel(self.random.choice(self.placed))

    def _cancel_many(self, market: Market, book: OrderBook) -> None:
        for order in self.placed:
            self.trading.cancel(order)


_ACTIONS: tuple[Any, ...] = (
    *(Rowdy._requote,) * 6,
    *(Rowdy._limit,) * 4,
    *(Rowdy._taker,) * 2,
    Rowdy._market,
    Rowdy._batch,
    *(Rowdy._amend,) * 3,
    *(Rowdy._reduce,) * 2,
    *(Rowdy._cancel,) * 3,
    Rowdy._cancel_many,
)


@hookimpl
def hft_strategy() -> type[Strategy[Any]]:
    return Rowdy
