"""The suite of strategies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from hft.clock import NS_PER_S, SimulatedClock
from hft.events import Trade
from hft.latency import UNTRACED
from hft.market import Market
from hft.orders import StrategyTrading
from hft.orders.config import AccountConfig
from hft.paper.config import PaperConfig
from hft.plugin.risk import Refused, RiskRule
from hft.plugin.strategy import Strategy
from hft.profile import ExchangeEntry, Mode, Profile, RiskEntry, StrategyEntry
from hft.profile.model import LoadedPlugin, OnError
from hft.registry.discovery import PluginKind
from hft.routing.config import FeesConfig
from hft.run.kernel import Kernel
from hft.sim import Step, SyntheticMarket, World
from hft.testing.conformance.cards import Subject, Suite, card, loaded
from hft.testing.conformance.purity import counted_calls, watched
from hft.types import BookState, Duration, Side, Size

__all__ = ["StrategySuite", "StrategyUnderTest"]

_START_NS = 1_700_000_000 * NS_PER_S
_SEED = 7
_MOST_CALLS = 5_000
"""Of functions for one book, the order manager's with it; about half a millisecond."""

_MOST_A_SECOND = 1_000
"""Requests that a strategy makes in a second whose orders are all refused."""


def _loaded(plugin: str | LoadedPlugin) -> LoadedPlugin:
    return loaded(PluginKind.STRATEGY, plugin)


@attrs.frozen(kw_only=True, eq=False)
class StrategyUnderTest(Subject):
    """A strategy as the suite runs it.

    ``plugin`` is the name of its entry point, ``config`` are the keys of its ``Config``, with which it trades
    within ``seconds`` on ``symbols`` of a busy market.
    """

    plugin: LoadedPlugin = attrs.field(converter=_loaded)
    config: Mapping[str, Any] = attrs.Factory(dict)
    symbols: Sequence[str] = ("BTC/USDT",)
    seconds: float = 30

    @property
    def name(self) -> str:  # type: ignore[override]  # an attribute that is computed
        """What the report calls it."""
        return self.plugin.name

    @property
    def strategy(self) -> type[Strategy[Any]]:
        """Its class."""
        strategy = self.plugin.strategy()
        assert strategy is not None, "the plugin does not implement hft_strategy"
        return strategy


class _OpenTrading(StrategyTrading):
    """One whose methods can be replaced, which those of compiled classes cannot."""


class _Run:
    """A dry run of one strategy in a synthetic market, on a clock that stands still in between.

    ``said`` is everything that the strategy asked of its `Trading`, with the time.
    """

    def __init__(self, subject: StrategyUnderTest, *, refuses: bool = False) -> None:
        self.clock = SimulatedClock(_START_NS)
        self.world = World.synthetic(self.clock, subject.symbols, "test", seed=_SEED, rate=1.0)
        self.said: list[tuple[Any, ...]] = []
        self.lines: list[str] = []
        instruments = [market.instrument for market in self.world.markets.values()]
        self.kernel = Kernel(
            _profile(subject, refuses=refuses),
            self.clock,
            run_id="kit",
            trace=UNTRACED,
            write=self.lines.append,
            warn=lambda _, line: self.lines.append(line),
        )
        self.kernel.make_trading = _OpenTrading
        self.kernel.wire(instruments)
        (self.strategy,) = self.kernel.strategies
        trading = self.strategy.trading
        for name in ("quote", "place", "place_batch", "amend", "cancel", "route", "cancel_parent"):
            setattr(trading, name, self._noted(name, getattr(trading, name)))
        for name in ("position", "open_orders"):
            setattr(trading, name, _counted(getattr(trading, name)))
        self.is_shown = True
        for market in self.world.markets.values():
            assert isinstance(market, SyntheticMarket)
            market.observers.append(self._on_step)

    @property
    def markets(self) -> list[Market]:
        """The markets as the strategy sees them."""
        return list(self.kernel.markets.values())

    def start(self) -> None:
        """Start, with books that are LIVE."""
        self.kernel.start()
        for market in self.markets:
            self.show(market)
        self.world.start()

    def show(self, market: Market) -> None:
        """Make the book as it really is, LIVE, and let it be seen."""
        really = self.world.markets[market.instrument.symbol]
        book = market.book
        book.clear()
        for side in Side:
            for price, size in really.levels(side, None):
                book.set_level(side, price, size)
        book.state = BookState.LIVE
        book.recv_ns = book.exchange_ns = self.clock.now_ns()
        market.on_book(book)

    def advance(self, seconds: float) -> None:
        """Let the market trade for a while."""
        self.clock.advance(int(seconds * NS_PER_S))

    def end(self) -> None:
        """Stop as a run does, and wait until cancels are confirmed."""
        self.world.stop()
        self.kernel.stop()
        self.advance(5)
        asyncio.run(self.kernel.close())

    def check(self) -> None:
        """Fail where the strategy raised or the kernel met a fault."""
        assert not self.kernel.faults, self.kernel.faults
        assert not self.kernel.manager.halted, self.kernel.manager.halted

    def _on_step(self, step: Step) -> None:
        instrument = next(m for m in self.markets if m.instrument.symbol == step.market.instrument.symbol)
        if not self.is_shown:
            return
        book, now_ns = instrument.book, self.clock.now_ns()
        for side, price, size in step.levels:
            book.set_level(side, price, size)
        book.recv_ns = book.exchange_ns = now_ns
        instrument.counters.book_updates += 1
        for each in step.trades:
            instrument.on_trade(
                Trade(
                    instrument=instrument.instrument,
                    trade_id=str(each.trade_id),
                    side=each.side,
                    price=each.price,
                    size=each.size,
                    exchange_ns=now_ns,
                    recv_ns=now_ns,
                )
            )
        instrument.on_book(book)

    def _noted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            # What comes as an iterator is to be seen by both.
            given = tuple(each if isinstance(each, _PLAIN) else _listed(each) for each in arguments)
            self.said.append((self.clock.now_ns(), name, repr(given), repr(sorted(options))))
            return call(*given, **options)

        return note


def _counted(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that `counted_calls` sees, also where what it calls is compiled."""

    def counted(*arguments: Any) -> Any:
        return call(*arguments)

    return counted


_PLAIN = (int, str, float, Decimal, type(None))


def _listed(value: Any) -> Any:
    return list(value) if hasattr(value, "__iter__") else value


@attrs.frozen
class _NoConfig:
    pass


class _RefuseAll(RiskRule[_NoConfig]):
    """Refuses every order."""

    def check(self, order: Any, view: Any) -> Refused:
        return Refused("nothing is to be traded")


@attrs.frozen
class _RefusingPlugin:
    name: str = "refuse_all"

    def market_data(self) -> None:
        return None

    execution = simulator = strategy = market_data

    def risk_rule(self) -> type[RiskRule[Any]]:
        return _RefuseAll


def _profile(subject: StrategyUnderTest, *, refuses: bool) -> Profile:
    plugin = subject.plugin
    exchange = ExchangeEntry(
        key="test",
        use="test",
        environment="test",
        url=None,
        paper=PaperConfig(),
        account=AccountConfig(),
        fees=FeesConfig(),
        max_book_age=Duration(10 * NS_PER_S),
        plugin=plugin,
        config=None,
        simulator=None,
    )
    wanted = World.synthetic(SimulatedClock(_START_NS), subject.symbols, "test").markets.values()
    strategy = StrategyEntry(
        key="kit",
        use=plugin.name,
        instruments=tuple(market.instrument.id for market in wanted),
        on_error=OnError.STOP,
        plugin=plugin,
        config=subject.strategy.Config(**subject.config),
    )
    rules = (RiskEntry(use="refuse_all", plugin=_RefusingPlugin(), config=_NoConfig()),)
    return Profile(
        path=Path("kit.yaml"),
        name="kit",
        mode=Mode.DRY_RUN,
        exchanges={"test": exchange},
        strategies={"kit": strategy},
        risk=rules if refuses else (),
        journal=False,
    )


class StrategySuite(Suite, about="strategy", number_of_cards=9, fixtures=("strategy",)):
    """What a `Strategy` has to hold. The one fixture is ``strategy``, a `StrategyUnderTest`."""

    def subject(self, request: pytest.FixtureRequest) -> StrategyUnderTest:
        """Return the strategy."""
        strategy: StrategyUnderTest = request.getfixturevalue("strategy")
        return strategy

    @card("ST-01")
    def test_it_trades_and_nothing_is_raised(self, strategy: StrategyUnderTest) -> None:
        """A strategy states what it wants; what it raises stops it.

        Setup: a busy market, from its first book on.
        Action: it runs for as long as its author says that it needs to trade.
        Holds: it asks for something, some of that is sent, and nothing is raised.
        """
        run = _ran(strategy)
        assert run.said, "the strategy asked for nothing, give a config with which it trades"
        assert run.kernel.manager.counters.sent > 0

    @card("ST-02")
    def test_it_does_the_same_again(self, strategy: StrategyUnderTest) -> None:
        """Time comes from the clock and chance from ``trading.random``: a run can be repeated.

        Setup: the same market twice; the system's time and random numbers are others.
        Action: it runs in both.
        Holds: it asks for the same, at the same times, and ends with the same position.
        """
        random.seed(1)
        first = _ran(strategy)
        random.seed(2)
        second = _ran(strategy)
        assert first.said == second.said
        positions = [
            [run.kernel.ledger.position(market.instrument) for market in run.markets]
            for run in (first, second)
        ]
        assert positions[0] == positions[1]

    @card("ST-03")
    def test_it_does_nothing_but_compute(self, strategy: StrategyUnderTest) -> None:
        """No call of a strategy blocks, sleeps or does I/O.

        Setup: a strategy that has run before, so that all it imports is there.
        Action: it runs while everything is watched.
        Holds: no file, socket, process, thread, printing, sleeping, system time or random number is used.
        """
        _ran(strategy)
        run = _Run(strategy)
        with watched() as found:
            run.start()
            run.advance(strategy.seconds)
            run.kernel.stop()
        run.end()
        run.check()
        assert not found, found[:3]

    @card("ST-04")
    def test_nothing_it_owns_is_left(self, strategy: StrategyUnderTest) -> None:
        """At the end the kernel cancels what the strategy owns, and nothing more is placed.

        Setup: a strategy that trades.
        Action: it is stopped in the middle of it, and time passes.
        Holds: none of its orders is open any more, nothing was asked for since, none of its timers runs.
        """
        run = _ran(strategy, ends=False)
        run.kernel.stop()
        said = len(run.said)
        run.advance(10)
        for market in run.markets:
            assert not run.strategy.trading.open_orders(market.instrument)
        assert run.kernel.manager.open_count == 0
        assert len(run.said) == said, f"asked for after the end: {run.said[said:][:3]}"
        run.end()
        run.check()

    @card("ST-05")
    def test_what_it_asks_for_can_be_sent(self, strategy: StrategyUnderTest) -> None:
        """Prices and sizes are whole ticks and lots within the instrument's limits.

        Setup: a busy market.
        Action: it runs.
        Holds: none of its orders is refused for its size, its price or its value.
        """
        run = _ran(strategy)
        limits = ("size", "price", "notional", "value", "crosses", "min", "max")
        refused = {
            reason: count
            for reason, count in run.kernel.manager.counters.refused.items()
            if any(word in reason for word in limits)
        }
        assert not refused, refused

    @card("ST-06")
    def test_it_goes_on_after_a_book_was_lost(self, strategy: StrategyUnderTest) -> None:
        """A book that leaves LIVE withdraws the quotes; they are stated again when it is back.

        Setup: a strategy that trades.
        Action: its books are lost for some seconds and come back.
        Holds: nothing is raised, nothing is open meanwhile, and it asks for something again.
        """
        run = _Run(strategy)
        run.start()
        run.advance(strategy.seconds)
        run.is_shown = False
        for market in run.markets:
            market.lose(BookState.STALE)
        run.advance(3)
        said = len(run.said)
        run.is_shown = True
        for market in run.markets:
            run.show(market)
        run.advance(strategy.seconds)
        assert len(run.said) > said, "it asked for nothing more"
        run.end()
        run.check()

    @card("ST-07")
    def test_it_bears_a_book_that_is_empty(self, strategy: StrategyUnderTest) -> None:
        """A side of a book may be empty, or both.

        Setup: a strategy that trades.
        Action: one side of its books goes, then the other with it, then both come back.
        Holds: nothing is raised.
        """
        run = _Run(strategy)
        run.start()
        run.advance(strategy.seconds / 2)
        run.is_shown = False
        for sides in ((Side.BUY,), (Side.SELL,), (Side.BUY, Side.SELL)):
            for market in run.markets:
                run.show(market)
                for side in sides:
                    for price, _ in market.book.levels(side, None):
                        market.book.set_level(side, price, Size(0))
                market.on_book(market.book)
            run.advance(3)
        run.end()
        run.check()

    @card("ST-08")
    def test_it_bears_that_everything_is_refused(self, strategy: StrategyUnderTest) -> None:
        """A refusal by risk is an order in state REJECTED; a strategy goes on, and does not run hot.

        Setup: a risk rule that refuses every order.
        Action: it runs.
        Holds: nothing is raised, nothing is sent, and it asks at most a thousand times a second.
        """
        run = _Run(strategy, refuses=True)
        run.start()
        run.advance(strategy.seconds)
        run.end()
        run.check()
        assert run.kernel.manager.counters.sent == 0
        assert len(run.said) <= _MOST_A_SECOND * strategy.seconds, f"{len(run.said)} requests"

    @card("ST-09")
    def test_it_is_quick(self, strategy: StrategyUnderTest) -> None:
        """Strategies are on the hot path: every book waits for the one before.

        Setup: a strategy that trades.
        Action: five hundred books are shown to it.
        Holds: on average a book costs at most 5,000 calls of functions, with those of the kernel that
            are not compiled.
        """
        run = _ran(strategy, ends=False)
        (market, *_) = run.markets
        books = 500

        def show_all() -> None:
            for _ in range(books):
                market.on_book(market.book)

        calls = counted_calls(show_all) / books
        assert calls <= _MOST_CALLS, f"{calls:.0f} calls a book"
        run.end()
        run.check()


def _ran(subject: StrategyUnderTest, *, ends: bool = True) -> _Run:
    run = _Run(subject)
    run.start()
    run.advance(subject.seconds)
    if ends:
        run.end()
    run.check()
    return run
