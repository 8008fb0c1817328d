"""Strategy, order manager, risk, ledger and simulated exchange together, under any history at all."""

from __future__ import annotations

import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.book import OrderBook
from hft.clock import SimulatedClock
from hft.events import Fill, Trade
from hft.ledger import Ledger
from hft.market import Market
from hft.order import Order
from hft.orders import ClientOrderIds, OrderManager, StrategyTrading, wire_strategy
from hft.paper import PaperConfig, PaperExecution
from hft.plugin.execution import Capabilities
from hft.plugin.risk import APPROVED, Refused, RiskRule, RiskView, Verdict
from hft.plugin.strategy import Strategy
from hft.risk import LiveRiskView, RiskEngine
from hft.testing.trading import make_instrument
from hft.types import BookState, Duration, OrderState, OrderType, Price, Side, Size, TimeInForce

MS = 1_000_000
LIMIT = 60
INSTRUMENT = make_instrument(tick_size="1", lot_size="1")


@attrs.frozen
class NoConfig:
    pass


class Limit(RiskRule[NoConfig]):
    """Refuse what could lead to more than `LIMIT` lots."""

    def check(self, order: Order, view: RiskView) -> Verdict:
        worst = view.worst_case_position(order)
        return APPROVED if abs(worst) <= LIMIT else Refused(f"position could be {worst}")


class Restless(Strategy[NoConfig]):
    """Does anything at any time, also from inside any call."""

    def __init__(self, trading: StrategyTrading, source: random.Random) -> None:
        super().__init__(NoConfig(), trading)
        self.random = source
        self.mine: list[Order] = []

    def on_book(self, book: OrderBook) -> None:
        self.act(0.3)

    def on_order(self, order: Order) -> None:
        self.act(0.05)

    def on_fill(self, fill: Fill) -> None:
        self.act(0.2)

    def act(self, probability: float) -> None:
        draw, pick = self.random.randint, self.random.choice
        if self.random.random() >= probability:
            return
        trading, book = self.trading, trading_book(self.trading)
        near = (book.best_bid or 1000) + draw(-4, 5)
        match pick(["quote", "quote", "quote", "limit", "market", "amend", "cancel"]):
            case "quote":
                width = draw(1, 4)
                bids = [(Price(near - width - n), Size(draw(1, 10))) for n in range(draw(0, 4))]
                asks = [(Price(near + width + n), Size(draw(1, 10))) for n in range(draw(0, 4))]
                trading.quote(INSTRUMENT, bids, asks)
            case "limit":
                time_in_force = pick([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
                side, size = pick(list(Side)), Size(draw(1, 8))
                reduce_only = draw(1, 8) == 1
                self.mine.append(
                    trading.place(
                        INSTRUMENT, side, size, Price(near),
                        time_in_force=time_in_force, reduce_only=reduce_only,
                    )
                )  # fmt: skip
            case "market":
                self.mine.append(
                    trading.place(INSTRUMENT, pick(list(Side)), Size(draw(1, 5)), type=OrderType.MARKET)
                )
            case "amend" if self.mine:
                trading.amend(pick(self.mine), Price(near), Size(draw(1, 12)))
            case "cancel" if self.mine:
                trading.cancel(pick(self.mine))


def trading_book(trading: object) -> OrderBook:
    assert isinstance(trading, StrategyTrading)
    return trading.markets[0].book


class WithoutAmend(PaperExecution):
    capabilities = Capabilities(reduce_only=True)


class Engine:
    """All that trades, on a market that the test moves."""

    def __init__(self, seed: int, client: type[PaperExecution]) -> None:
        self.random = random.Random(seed)
        self.clock = clock = SimulatedClock(10**18)
        self.ledger = Ledger()
        self.warnings: list[str] = []
        self.faults: list[Exception] = []
        self.market = Market(INSTRUMENT)
        self.manager = manager = OrderManager(
            clock, ClientOrderIds("laws", "1"), self.ledger, warn=lambda _, line: self.warnings.append(line)
        )
        latencies = [Duration(self.random.choice([0, 1, 2 * MS, 30 * MS])) for _ in range(2)]
        paper = client(PaperConfig(order_latency=latencies[0], response_latency=latencies[1]), manager, clock)
        self.exchange = paper.exchange
        manager.add_exchange(INSTRUMENT.exchange, paper)
        paper.attach(self.market)
        manager.add_market(self.market)
        view = LiveRiskView(manager, self.ledger, [self.market], clock)
        manager.risk = RiskEngine(
            [("limit", Limit(NoConfig()))], view, lambda halt: manager.halt(halt.reason), clock
        )
        self.trading = StrategyTrading(
            "restless", [self.market], manager, self.ledger, clock=clock, random=random.Random(seed),
            log=self.warnings.append, on_fault=lambda _, error: self.faults.append(error),
        )  # fmt: skip
        self.strategy = Restless(self.trading, random.Random(seed + 1))
        self.wired = wire_strategy(self.strategy, self.trading)
        self.mid = 1000

    def step(self) -> None:
        draw, now_ns = self.random.randint, self.clock.now_ns()
        match self.random.choice(["book"] * 6 + ["trade"] * 3 + ["lost"]):
            case "book":
                self.mid += self.random.choice([-2, -1, 0, 0, 1, 2])
                self.show()
            case "trade":
                side = self.random.choice(list(Side))
                price = Price(self.mid + side.sign * draw(0, 3))
                self.market.on_trade(Trade(INSTRUMENT, "", side, price, Size(draw(1, 15)), now_ns, now_ns))
            case "lost":
                self.market.lose(self.random.choice([BookState.STALE, BookState.SYNCING]))
        self.clock.advance(self.random.choice([0, 1, MS, 5 * MS, 100 * MS]))

    def show(self) -> None:
        book = self.market.book
        book.clear()
        for n in range(5):
            book.set_level(Side.BUY, Price(self.mid - 1 - n), Size(self.random.randint(1, 20)))
            book.set_level(Side.SELL, Price(self.mid + 1 + n), Size(self.random.randint(1, 20)))
        book.state, book.exchange_ns = BookState.LIVE, self.clock.now_ns()
        self.market.on_book(book)

    def open_at_exchange(self) -> dict[str, tuple[Side, Price | None, Size, Size]]:
        orders = [order for order in self.exchange.orders.values() if order.is_open()]
        return {o.client_order_id: (o.side, o.price, o.size, o.filled) for o in orders}

    def open_here(self) -> dict[str, tuple[Side, Price | None, Size, Size]]:
        orders = self.manager.open_orders(INSTRUMENT)
        return {o.client_order_id: (o.side, o.price, o.size, o.filled) for o in orders}

    def check_exposure(self) -> None:
        """What the exchange has, filled or open, is within what is held here."""
        position = self.ledger.position(INSTRUMENT)
        assert abs(position) <= LIMIT
        really = self.exchange.listings[INSTRUMENT].position
        for side in Side:
            open_lots = sum(
                size - filled for s, _, size, filled in self.open_at_exchange().values() if s is side
            )
            held = self.manager.exposure(INSTRUMENT, side)
            assert (really - position) * side.sign + open_lots <= held


@pytest.mark.parametrize("client", [PaperExecution, WithoutAmend])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 150), stopped=st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_history_ends_with_both_sides_agreeing(
    client: type[PaperExecution], seed: int, steps: int, stopped: bool
) -> None:
    engine = Engine(seed, client)
    for _ in range(steps):
        engine.step()
        engine.check_exposure()
    if stopped:
        engine.wired.stop()
        engine.manager.stop()
    engine.strategy.random.random = lambda: 1.0  # type: ignore[method-assign]  # it rests
    engine.show()
    engine.clock.advance(20_000 * MS)
    engine.check_exposure()
    assert engine.open_here() == engine.open_at_exchange()
    assert engine.ledger.position(INSTRUMENT) == engine.exchange.listings[INSTRUMENT].position
    settled = (OrderState.NEW, OrderState.PARTIALLY_FILLED)
    assert all(order.state in settled for order in engine.manager.open_orders(INSTRUMENT))
    assert not (stopped and engine.open_here())
    # A quote that the market has overtaken is refused; nothing else is worth a warning.
    warnings = [line for line in engine.warnings if "the exchange refused an order" not in line]
    assert (engine.faults, warnings, engine.manager.halted) == ([], [], "")
