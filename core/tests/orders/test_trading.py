"""What a strategy trades through, and how it is joined to its markets."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from hft.clock import Clock, Timer
from hft.errors import OrderError
from hft.market import Channel
from hft.order import Order
from hft.orders import StrategyTrading, WiredStrategy, wire_strategy
from hft.plugin.strategy import Strategy, Trading
from hft.testing.orders import OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import BookState, OrderState, Price, Side, Size


@attrs.frozen(kw_only=True)
class Config:
    pass


class Joiner(Strategy[Config]):
    """Quotes at the touch, raises when told to, and notes what it is told."""

    def __init__(self, config: Config, trading: Trading) -> None:
        super().__init__(config, trading)
        self.told: list[str] = []
        self.raise_on = ""

    def note(self, what: str) -> None:
        self.told.append(what)
        if what == self.raise_on:
            raise ValueError("a bug")

    def on_start(self) -> None:
        self.trading.every(1_000, lambda: self.note("tick"))

    def on_book(self, book: object) -> None:
        instrument = self.trading.markets[0].instrument
        self.trading.quote(instrument, [(Price(9_999), Size(10))], [(Price(10_001), Size(10))])
        self.note("book")

    def on_order(self, order: Order) -> None:
        self.note(order.state.value)

    def on_stop(self) -> None:
        self.note("stop")
        order = self.trading.place(self.trading.markets[0].instrument, Side.BUY, Size(10), Price(1))
        assert order.state is OrderState.REJECTED


class BusyClock(Clock):
    """One whose calls come late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.late_ns = 0

    def now_ns(self) -> int:
        return self._clock.now_ns() + self.late_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        return self._clock.call_at(when_ns, callback)


class Run:
    """One strategy, wired to a model exchange."""

    def __init__(self, strategy: type[Strategy[Config]] = Joiner) -> None:
        self.world = OrderWorld(make_market(make_instrument()))
        self.market = self.world.market
        self.faults: list[tuple[str, Exception]] = []
        self.lines: list[str] = []
        self.trading = StrategyTrading(
            "joiner",
            [self.market],
            self.world.manager,
            self.world.ledger,
            clock=self.world.clock,
            random=random.Random(1),
            log=self.lines.append,
            on_fault=lambda name, error: self.faults.append((name, error)),
        )
        self.strategy = strategy(Config(), self.trading)
        self.wired: WiredStrategy = wire_strategy(self.strategy, self.trading)
        self.wired.start()

    @property
    def joiner(self) -> Joiner:
        assert isinstance(self.strategy, Joiner)
        return self.strategy

    def book(self) -> None:
        self.market.on_book(self.market.book)
        self.world.exchange.settle()


def test_only_what_is_overridden_is_listened_to() -> None:
    class TradesOnly(Strategy[Config]):
        def on_trade(self, trade: object) -> None: ...

    assert Run(TradesOnly).market.channels == {Channel.TRADE}
    assert Run().market.channels == {Channel.BOOK}


def test_what_an_ancestor_overrides_counts() -> None:
    class Child(Joiner):
        pass

    assert Run(Child).market.channels == {Channel.BOOK}


def test_quotes_go_to_the_exchange_and_orders_come_back() -> None:
    run = Run()
    run.book()
    assert len(run.world.exchange.resting) == 2
    assert run.joiner.told == ["book", "new", "new"]
    assert len(run.trading.open_orders(run.world.instrument)) == 2
    buy = next(order for order in run.trading.open_orders(run.world.instrument) if order.side is Side.BUY)
    run.world.exchange.fill(buy.client_order_id, 10)
    run.world.exchange.settle()
    assert run.trading.position(run.world.instrument) == 10


def test_a_book_that_leaves_live_withdraws_the_quotes_before_the_strategy_could_act() -> None:
    run = Run()
    run.book()
    own = run.trading.place(run.world.instrument, Side.BUY, Size(10), Price(9_000))
    run.world.exchange.settle()
    run.market.lose(BookState.STALE)
    run.world.exchange.settle()
    assert list(run.world.exchange.resting) == [own.client_order_id]


@pytest.mark.parametrize("where", ["book", "new", "tick"])
def test_a_strategy_that_raises_is_stopped_and_its_orders_cancelled(where: str) -> None:
    run = Run()
    run.book()
    own = run.trading.place(run.world.instrument, Side.BUY, Size(10), Price(9_000))
    run.joiner.raise_on = where
    run.world.exchange.settle()
    run.book()
    run.world.clock.advance(1_000)
    run.world.exchange.settle()
    assert [(name, str(error)) for name, error in run.faults] == [("joiner", "a bug")]
    assert run.world.exchange.resting == {}
    assert own.state is OrderState.CANCELED
    assert not run.wired.running
    told = list(run.joiner.told)
    run.book()
    run.world.clock.advance(10_000)
    run.wired.stop()
    assert run.joiner.told == told
    assert run.world.exchange.resting == {}


@pytest.mark.parametrize("price", [9_999.5, Decimal(9_999)])
def test_a_price_between_two_ticks_gets_nowhere_near_an_order(price: Any) -> None:
    run = Run()
    instrument = run.world.instrument
    with pytest.raises(OrderError, match="no whole number of ticks"):
        run.trading.quote(instrument, [(price, Size(10))], [])
    with pytest.raises(OrderError, match="no whole number of ticks"):
        run.trading.place(instrument, Side.BUY, Size(10), price)
    with pytest.raises(OrderError, match="no whole number of lots"):
        run.trading.quote(instrument, [(Price(9_999), price)], [])
    order = run.trading.place(instrument, Side.BUY, Size(10), Price(9_000))
    run.world.exchange.settle()
    with pytest.raises(OrderError, match="no whole number of lots"):
        run.trading.amend(order, Price(9_000), price)
    assert run.world.manager.counters.sent == 1


def test_another_strategy_is_not_stopped_by_a_fault_of_the_first() -> None:
    run = Run()
    calls: list[int] = []
    run.market.listen(Channel.BOOK, lambda _: calls.append(1))
    run.joiner.raise_on = "book"
    run.book()
    assert calls == [1]


def test_a_strategy_that_is_stopped_is_told_and_leaves_nothing() -> None:
    run = Run()
    run.book()
    run.wired.stop()
    run.world.exchange.settle()
    assert "stop" in run.joiner.told
    assert run.faults == []
    assert run.world.exchange.resting == {}
    told = list(run.joiner.told)
    run.book()
    run.world.clock.advance(1_000_000)
    assert run.joiner.told == told
    assert run.world.exchange.resting == {}
    assert run.world.clock.next_timer_ns() is None


def test_a_fault_while_stopping_still_cancels() -> None:
    run = Run()
    run.book()
    run.joiner.raise_on = "stop"
    run.wired.stop()
    run.world.exchange.settle()
    assert run.world.exchange.resting == {}
    assert len(run.faults) == 1


def test_a_timer_repeats_without_drift_and_does_not_make_up_for_what_it_missed() -> None:
    run = Run()
    fired: list[int] = []
    start_ns = run.world.clock.now_ns()
    late: Callable[[], None] = lambda: fired.append(run.world.clock.now_ns() - start_ns)  # noqa: E731
    timer = run.trading.every(100, late)
    run.world.clock.advance(250)
    assert fired == [100, 200]
    timer.cancel()
    timer.cancel()
    run.world.clock.advance(1_000)
    assert fired == [100, 200]
    assert timer.cancelled


def test_a_timer_on_a_clock_that_is_late_goes_on_at_whole_multiples_of_its_interval() -> None:
    run = Run()
    fired: list[int] = []
    clock = run.trading.clock = BusyClock(run.world.clock)
    start_ns = clock.now_ns()
    timer = run.trading.every(100, lambda: fired.append(clock.now_ns() - start_ns))
    run.world.clock.advance(100)
    clock.late_ns = 250
    run.world.clock.advance(100)
    assert fired == [100, 450]
    assert timer.when_ns == start_ns + 500
    clock.late_ns = 0
    run.world.clock.advance(400)
    assert fired == [100, 450, 500, 600]


def test_a_timer_may_stop_itself() -> None:
    run = Run()
    fired: list[int] = []
    timer = run.trading.every(100, lambda: (fired.append(1), timer.cancel())[0])
    run.world.clock.advance(1_000)
    assert fired == [1]


def test_quotes_are_changed_by_stating_others_only() -> None:
    run = Run()
    run.book()
    quote = run.trading.open_orders(run.world.instrument)[0]
    with pytest.raises(OrderError, match="is a quote"):
        run.trading.cancel(quote)
    with pytest.raises(OrderError, match="is a quote"):
        run.trading.amend(quote, Price(9_000), Size(1))


def test_orders_placed_singly_are_amended_and_cancelled() -> None:
    run = Run()
    order = run.trading.place(run.world.instrument, Side.BUY, Size(10), Price(9_000))
    run.world.exchange.settle()
    run.trading.amend(order, Price(9_001), Size(10))
    run.world.exchange.settle()
    assert order.price == 9_001
    run.trading.cancel(order)
    run.world.exchange.settle()
    assert order.state is OrderState.CANCELED


def test_an_instrument_that_the_profile_does_not_give_is_refused() -> None:
    run = Run()
    other = make_instrument("ETH/USDT")
    with pytest.raises(OrderError, match="ETH/USDT@test is not given to strategy 'joiner'"):
        run.trading.quote(other, [], [])
    with pytest.raises(OrderError, match="not given"):
        run.trading.place(other, Side.BUY, Size(1), Price(1))


def test_a_log_line_names_its_strategy() -> None:
    run = Run()
    run.trading.log("hello")
    assert run.lines == ["joiner: hello"]
