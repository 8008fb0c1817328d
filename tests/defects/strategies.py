"""A strategy with one defect at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs

from hft import Order, OrderBook, OrderState, Price, Side, Size, Strategy
from hft.testing.conformance import StrategyUnderTest

__all__ = ["DEFECTS", "HEALTHY"]


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to configure."""


class Quoter(Strategy[Config]):
    """Quotes on both sides, every tenth of a second at most."""

    stated_ns = 0

    def on_book(self, book: OrderBook) -> None:
        bid, ask = book.best_bid, book.best_ask
        now_ns = self.trading.clock.now_ns()
        if bid is None or ask is None or now_ns < self.stated_ns + 100_000_000:
            return
        self.stated_ns = now_ns
        self.state(book, bid, ask)

    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        away = self.trading.random.randrange(5, 50)
        size = Size(book.instrument.min_size * 1_000)
        self.trading.quote(book.instrument, [(Price(bid - away), size)], [(Price(ask + away), size)])


@attrs.frozen
class Plugin:
    """One strategy."""

    cls: type[Strategy[Any]]
    name: str = "quoter"

    def market_data(self) -> None:
        return None

    execution = simulator = risk_rule = market_data

    def strategy(self) -> type[Strategy[Any]]:
        return self.cls


def subject(cls: type[Strategy[Any]]) -> StrategyUnderTest:
    return StrategyUnderTest(plugin=Plugin(cls), seconds=5)


HEALTHY = subject(Quoter)
DEFECTS: dict[str, StrategyUnderTest] = {}


def defect(card: str) -> Callable[[type[Quoter]], type[Quoter]]:
    """Register a strategy as one that a card refuses."""

    def register(cls: type[Quoter]) -> type[Quoter]:
        DEFECTS[card] = subject(cls)
        return cls

    return register


@defect("ST-01")
class RaisesAfterAWhile(Quoter):
    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        super().state(book, bid, ask)
        assert self.trading.clock.now_ns() % 10**10 < 2 * 10**9


@defect("ST-02")
class DrawsItsOwnNumbers(Quoter):
    def on_start(self) -> None:
        self.trading.random = random.Random()


@defect("ST-03")
class WritesAFile(Quoter):
    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        super().state(book, bid, ask)
        with open("/dev/null", "w") as file:  # noqa: PTH123
            file.write("quoted")


@defect("ST-04")
class PlacesAtTheEnd(Quoter):
    def on_stop(self) -> None:
        self.trading.clock.call_later(10**9, self.again)

    def again(self) -> None:
        market = self.trading.markets[0]
        self.trading.place(market.instrument, Side.BUY, Size(1_000), Price(100))


@defect("ST-05")
class QuotesNothingWorth(Quoter):
    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        self.trading.place(book.instrument, Side.BUY, Size(1), Price(bid - 5))


@defect("ST-06")
class GivesUpForGood(Quoter):
    lost = False

    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        if self.trading.clock.now_ns() - self.__dict__.setdefault("seen_ns", 0) > 2 * 10**9:
            self.lost = bool(self.seen_ns)
        self.seen_ns = self.trading.clock.now_ns()
        if not self.lost:
            super().state(book, bid, ask)


@defect("ST-07")
class ExpectsBothSides(Quoter):
    def on_book(self, book: OrderBook) -> None:
        assert book.best_bid is not None
        assert book.best_ask is not None
        super().on_book(book)


@defect("ST-08")
class TriesAgainAtOnce(Quoter):
    def state(self, book: OrderBook, bid: Price, ask: Price) -> None:
        for _ in range(500):
            order: Order = self.trading.place(book.instrument, Side.BUY, Size(1_000), Price(bid - 5))
            if order.state is not OrderState.REJECTED:
                break


@defect("ST-09")
class AddsUpEverything(Quoter):
    def on_book(self, book: OrderBook) -> None:
        for _ in range(6_000):
            self.trading.position(book.instrument)
        super().on_book(book)
