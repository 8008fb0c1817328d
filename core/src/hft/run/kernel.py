"""Build a run's components from its profile and join them; from then on they call each other directly."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from hft.blame import blamed, why
from hft.book import OrderBook
from hft.clock import Clock, Timer
from hft.errors import UsageError
from hft.events import MarkPrice, Trade
from hft.instrument import Instrument, InstrumentId
from hft.journal import NoteKind
from hft.latency import Trace
from hft.ledger import Ledger
from hft.market import Channel, Market
from hft.money import product, trim
from hft.orders import (
    ClientOrderIds,
    Flattener,
    OrderManager,
    SelfTradeGuard,
    StrategyTrading,
    WiredStrategy,
    wire_strategy,
)
from hft.paper import FeeSchedule, PaperExecution, new_funding_rates, new_latency_model
from hft.plugin.execution import ExecutionClient
from hft.plugin.risk import Halt
from hft.profile import ExchangeEntry, Profile, StrategyEntry
from hft.profile.model import SIMULATOR, OnError
from hft.risk import Kill, KillSwitch, LiveRiskView, RiskEngine
from hft.routing import ExchangeConditions
from hft.run.log_ring import LogRing
from hft.run.summary import LatencySummary, PositionSummary, Summary
from hft.run.wanted import wanted_instruments
from hft.run.watchdog import Watchdog
from hft.spelling import did_you_mean
from hft.types import InstrumentKind

__all__ = ["Kernel", "pick_instrument"]

_LOG_NS = 50_000_000

_HALF = Decimal("0.5")


def pick_instrument(instruments: dict[str, Instrument], wanted: InstrumentId) -> Instrument:
    """Return the instrument of an exchange by its unified symbol; raise `UsageError` if it has none."""
    instrument = instruments.get(wanted.symbol)
    if not instruments:
        raise UsageError(f"{wanted.exchange} lists no instruments at all, {wanted} cannot be traded")
    if instrument is None:
        raise UsageError(
            f"{wanted.exchange} has no instrument {wanted.symbol!r}{did_you_mean(wanted.symbol, instruments)}"
        )
    if not instrument.tradable:
        raise UsageError(f"{wanted} is not trading at the moment, take it out of the profile")
    return instrument


class Kernel:
    """Everything of a run that does not depend on where its market data come from.

    Without ``has_strategies``, which is set before `wire`, none is made, and the books are kept all the same.
    ``make_trading``, set before as well, is the class of what each trades through.

    ``wanted`` says which instruments the profile needs. `wire` takes them and joins the components;
    from `start` to `stop` the events of ``markets`` drive everything: first the simulated exchange,
    then the strategies, as an exchange knows before its clients do. ``on_halt`` is called once when
    trading halts, ``on_silent`` with a market whose book stays out of LIVE. ``note`` takes down what the
    journal is to keep (`Journal.note`). Log lines are written every ``log_interval_ns`` of the clock.
    ``warn`` takes a key, by which it limits the rate, and a line.
    """

    def __init__(
        self,
        profile: Profile,
        clock: Clock,
        *,
        run_id: str,
        trace: Trace,
        write: Callable[[str], None],
        warn: Callable[[str, str], None],
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.trace = trace
        self.wanted: list[InstrumentId] = wanted_instruments(profile)
        self.markets: dict[InstrumentId, Market] = {}
        self.ledger = Ledger()
        self.ids = ClientOrderIds(profile.name, run_id)
        self.manager = OrderManager(clock, self.ids, self.ledger, warn=warn)
        self.manager.trace = trace
        self.manager.on_halt = self._halt
        self.manager.self_trade = SelfTradeGuard(profile.self_trade, self.manager.cancel)
        self.on_halt: Callable[[], None] = lambda: None
        self.note: Callable[..., None] = _ignore_note
        self.on_silent: Callable[[Market], None] = lambda market: None
        self.flattener = Flattener(self.manager, self.ledger, clock, lambda line: warn(line[:60], line))
        self.kill_switch: KillSwitch | None = None
        self.risk: RiskEngine | None = None
        self.strategies: list[WiredStrategy] = []
        self.has_strategies = True
        self.make_trading = StrategyTrading
        self.faults: list[str] = []
        self.log_interval_ns = _LOG_NS
        self._log = LogRing(write)
        self._warn = warn
        self._log_timer: Timer | None = None
        self._is_started = False
        self._watchdog = Watchdog(
            clock,
            random.Random(f"{profile.seed}:watchdog"),
            lambda line: warn(line[:40], line),
            lambda market: self.on_silent(market),
        )
        self._paper: dict[str, PaperExecution] = {}
        self._conditions = {
            key: _conditions(entry, partial(self.manager.is_ready, key))
            for key, entry in profile.exchanges.items()
        }
        if not self.wanted:
            raise UsageError(f"{profile.path}: no strategy, nothing to run: name one under 'strategies'")

    def wire(
        self,
        instruments: Iterable[Instrument],
        clients: Mapping[str, ExecutionClient[Any]] | None = None,
        *,
        simulate: Callable[[PaperExecution, Market], None] = PaperExecution.attach,
    ) -> None:
        """Make and join the components for these instruments, which are those wanted.

        Orders go through ``clients``, by exchange key; without them fills are simulated, each market's as
        ``simulate`` arranges it.
        """
        if clients is None:
            clients = self._paper = {
                key: self._simulated(key, entry) for key, entry in self.profile.exchanges.items()
            }
        for key, client in clients.items():
            self.manager.add_exchange(key, client)
        self.ledger.wallet_of = lambda instrument: clients[instrument.exchange].wallet_of(instrument)
        for instrument in instruments:
            market = self.markets[instrument.id] = Market(instrument)
            market.trace = self.trace
            if self._paper:
                simulate(self._paper[instrument.exchange], market)
            self._watchdog.watch([market], self.profile.exchanges[instrument.exchange].max_book_age)
            self.manager.add_market(market)
        view = LiveRiskView(self.manager, self.ledger, self.markets.values(), self.clock)
        rules = []
        for rule in self.profile.risk:
            rule_class = rule.plugin.risk_rule()
            assert rule_class is not None, "the profile reader has checked it"
            with blamed(f"risk rule {rule.plugin.name!r}", rule_class):
                rules.append((rule.plugin.name, rule_class(rule.config)))
        self.risk = risk = RiskEngine(rules, view, self._on_risk_halt, self.clock)
        risk.start()
        self.manager.risk = risk
        if risk.reviews:
            # Before the strategies: they are not to act on what has broken a limit.
            for market in self.markets.values():
                market.listen(Channel.BOOK, partial(_review, risk, market.instrument))
        if self.has_strategies:
            self.strategies = [self._strategy(key, entry) for key, entry in self.profile.strategies.items()]
        else:
            for market in self.markets.values():
                market.listen(Channel.BOOK, _look)

    def want_for_backtests(self) -> None:
        """Have what a backtest needs told of every market that is wired, whoever listens to it."""
        for market in self.markets.values():
            market.listen(Channel.TRADE, _hear)
            if market.instrument.kind is InstrumentKind.PERPETUAL:
                market.listen(Channel.MARK, _hear)

    def start(self) -> None:
        """Start the strategies, the watchdog and the log; market data may come from now on."""
        self._is_started = True
        for strategy in self.strategies:
            with blamed(f"strategy {strategy.name!r}", type(strategy.strategy)):
                strategy.start()
        self._watchdog.start()
        self._drain_log()

    def stop(self) -> None:
        """Stop the strategies and ask for every order to be cancelled; nothing more is sent."""
        for strategy in self.strategies if self._is_started else ():
            strategy.stop()
        self.manager.stop()

    async def close(self) -> None:
        """Leave nothing on the clock, once the exchanges had time to confirm."""
        self._watchdog.stop()
        self.flattener.stop()
        self.manager.close()
        if self.risk is not None:
            self.risk.stop()
        for paper in self._paper.values():
            await paper.stop()
        if self._log_timer is not None:
            self._log_timer.cancel()
        self._log.drain()

    def fail(self, reason: str) -> None:
        """Note that the run did not do what it was asked for."""
        self.faults.append(reason)
        self.note(NoteKind.FAULT, reason=reason)
        self._warn(f"fault {reason}", reason)

    def mark(self, market: Market) -> Decimal | None:
        """Return the exact middle of the book, None while a side is empty."""
        book: OrderBook = market.book
        if book.best_bid is None or book.best_ask is None:
            return None
        return trim(product(book.best_bid + book.best_ask, market.instrument.tick_size, _HALF))

    def mark_to_market(self) -> None:
        """Value every position at the middle of its book, where it has one."""
        for market in self.markets.values():
            price = self.mark(market)
            if price is not None:
                self.ledger.mark(market.instrument, price)

    def summary(self, *, duration_s: float, frames: int, undecoded: int) -> Summary:
        """Return the figures so far."""
        self.mark_to_market()
        counters = self.manager.counters
        views = self.ledger.accounts()
        return Summary(
            profile=self.profile.name,
            mode=self.profile.mode.value,
            duration_s=duration_s,
            frames=frames,
            undecoded=undecoded,
            book_updates=self._count("book_updates"),
            trades=self._count("trades"),
            gaps=self._count("gaps"),
            resyncs=self._count("resyncs"),
            orders_sent=counters.sent,
            amends_sent=counters.amended,
            cancels_sent=counters.cancelled,
            refused=dict(counters.refused),
            fills=counters.fills,
            currency=self._currency(),
            currencies=self.ledger.totals(),
            positions={str(view.instrument.id): PositionSummary.of(view) for view in views},
            latency_us=LatencySummary.of_trace(self.trace),
            halted=self.manager.halted or None,
            faults=tuple(self.faults),
            open_orders_left=self.manager.open_count,
        )

    def _simulated(self, key: str, entry: ExchangeEntry) -> PaperExecution:
        latency = new_latency_model(
            entry.paper,
            base=self.profile.path.parent,
            random=random.Random(f"{self.profile.seed}:{key}:latency"),
        )
        funding = new_funding_rates(entry.paper, base=self.profile.path.parent)
        return PaperExecution(entry.paper, self.manager, self.clock, latency, funding)

    def _strategy(self, key: str, entry: StrategyEntry) -> WiredStrategy:
        strategy_class = entry.plugin.strategy()
        assert strategy_class is not None, "the profile reader has checked it"
        trading = self.make_trading(
            key,
            [self.markets[instrument_id] for instrument_id in entry.instruments],
            self.manager,
            self.ledger,
            clock=self.clock,
            random=random.Random(f"{self.profile.seed}:{key}"),
            log=self._log,
            on_fault=self._fault,
            conditions=self._conditions,
        )
        with blamed(f"strategy {key!r}", strategy_class):
            return wire_strategy(strategy_class(entry.config, trading), trading)

    def _fault(self, name: str, error: Exception) -> None:
        module = next(type(each.strategy).__module__ for each in self.strategies if each.name == name)
        line = f"strategy {name!r} raised {why(error, module)}; it is stopped and its orders are cancelled"
        self.fail(line)
        if self.profile.strategies[name].on_error is OnError.HALT:
            self.manager.halt(f"strategy {name!r} raised {type(error).__name__}")
        if not any(strategy.running for strategy in self.strategies):
            self.on_halt()

    def review_account(self) -> None:
        """Let the rules look at what an account has, which has changed beside fills."""
        if self.risk is not None:
            self.risk.on_account()

    def kill(self, kill: Kill) -> None:
        """Stop trading for the kill switch, which somebody has thrown."""
        self.note(NoteKind.KILL, reason=str(kill), flatten=kill.flatten)
        self.manager.halt(str(kill))
        if kill.flatten:
            self.flattener.start()

    def _on_risk_halt(self, halt: Halt) -> None:
        if self.kill_switch is not None:
            self.kill_switch.kill(halt.reason, flatten=halt.flatten, by="risk")
        self.manager.halt(halt.reason)
        if halt.flatten:
            self.flattener.start()

    def _halt(self, reason: str) -> None:
        self.note(NoteKind.HALT, reason=reason)
        self._warn("halt", f"trading is halted: {reason}")
        self.on_halt()

    def _drain_log(self) -> None:
        self._log.drain()
        self._log_timer = self.clock.call_later(self.log_interval_ns, self._drain_log)

    def _count(self, name: str) -> int:
        return sum(getattr(market.counters, name) for market in self.markets.values())

    def _currency(self) -> str:
        return next((market.instrument.settle for market in self.markets.values()), "")


def _conditions(entry: ExchangeEntry, ready: Callable[[], bool]) -> ExchangeConditions:
    fee = FeeSchedule(entry.paper, now_ns=0).taker if entry.fees.taker is None else entry.fees.taker
    # A simulator is started for each key, and its book is nobody else's.
    shared = entry.environment != SIMULATOR
    pool = f"{entry.use} {entry.environment} {entry.url or ''}" if shared else ""
    return ExchangeConditions(taker_fee=fee, ready=ready, pool=pool)


def _review(risk: RiskEngine, instrument: Instrument, _: OrderBook) -> None:
    risk.on_mark(instrument)


def _look(_: OrderBook) -> None:
    """Want a book that no strategy listens to."""


def _hear(_: Trade | MarkPrice) -> None:
    """Want what no strategy listens to."""


def _ignore_note(kind: NoteKind, **facts: object) -> None:
    """Stand in for a journal."""
