"""The synthetic world: the same again for the same seed, and alive."""

from __future__ import annotations

import statistics
from decimal import Decimal

import attrs
import pytest

from hft import Side, SimulatedClock, UsageError
from hft.sim import Step, SyntheticMarket, SyntheticProduct, World, synthetic_product

START_NS = 1_700_000_000_000_000_000
S = 1_000_000_000


def market_of(world: World, symbol: str) -> SyntheticMarket:
    market = world.markets[symbol]
    assert isinstance(market, SyntheticMarket)
    return market


def history(symbols: list[str], watched: str, *, seed: int, step_ns: int = S // 10) -> list[str]:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, symbols, "acme", seed=seed)
    happened: list[str] = []

    def watch(step: Step) -> None:
        trades = [(trade.trade_id, trade.side, trade.price, trade.size) for trade in step.trades]
        happened.append(f"{step.time_ns} {step.levels} {trades}")

    market_of(world, watched).observers.append(watch)
    world.start()
    while clock.now_ns() < START_NS + 5 * S:
        clock.advance(step_ns)
    world.stop()
    return happened


def test_same_seed_same_history() -> None:
    first = history(["BTC/USDT"], "BTC/USDT", seed=7)
    assert len(first) > 500
    assert first == history(["BTC/USDT"], "BTC/USDT", seed=7)
    assert first != history(["BTC/USDT"], "BTC/USDT", seed=8)


def test_other_symbols_and_the_pace_of_asking_change_nothing() -> None:
    alone = history(["ETH/USDT"], "ETH/USDT", seed=7)
    assert alone == history(["BTC/USDT", "ETH/USDT:USDT", "ETH/USDT"], "ETH/USDT", seed=7, step_ns=S)


def test_a_market_of_few_figures_shows_no_others() -> None:
    def product(symbol: str, exchange: str) -> SyntheticProduct:
        made = synthetic_product(symbol, exchange)
        fine = attrs.evolve(made.instrument, tick_size=Decimal("0.0001"), price_figures=5)
        return SyntheticProduct(fine, made.start_price)

    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["ETH/USDT", "BTC/USDT"], "acme", product=product)
    world.start()
    clock.advance(5 * S)
    for symbol in world.markets:
        market = market_of(world, symbol)
        assert market.statistics.trades
        for side in Side:
            levels = market.levels(side)
            assert len(levels) >= 60
            assert all(market.instrument.allows_price(price) for price, _ in levels)


def test_nothing_happens_before_start_and_after_stop() -> None:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["BTC/USDT", "BTC/USDT:USDT"], "acme")
    steps: list[Step] = []
    for symbol in world.markets:
        market_of(world, symbol).observers.append(steps.append)
    clock.advance(S)
    assert not steps
    world.start()
    clock.advance(S)
    world.stop()
    seen = len(steps)
    assert seen > 100
    clock.advance(S)
    assert len(steps) == seen
    assert clock.next_timer_ns() is None


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT:USDT", "XRP/USDT", "NEW/USDC", "ETH/BTC"])
def test_a_market_looks_like_one(symbol: str) -> None:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, [symbol], "acme")
    market = market_of(world, symbol)
    changes = trades = 0
    mids, spreads = [], []

    def watch(step: Step) -> None:
        nonlocal changes, trades
        changes += len(step.levels)
        trades += len(step.trades)

    market.observers.append(watch)
    world.start()
    for _ in range(200):
        clock.advance(S // 10)
        bids, asks = market.levels(Side.BUY), market.levels(Side.SELL)
        assert len(bids) >= 50
        assert len(asks) >= 50
        assert bids[0][0] < asks[0][0]
        assert [price for price, _ in bids] == sorted((price for price, _ in bids), reverse=True)
        spreads.append(asks[0][0] - bids[0][0])
        mids.append(asks[0][0] + bids[0][0])
    world.stop()
    assert 100 < changes / 20 < 300
    assert 5 < trades / 20 < 25
    assert len(set(mids)) > 2
    relative = statistics.median(spreads) / (mids[0] / 2)
    assert relative < 2e-5 or statistics.median(spreads) <= 5
    traded = market.statistics
    assert traded.trades == trades
    assert traded.low <= traded.turnover / traded.volume <= traded.high


def test_a_quote_near_the_touch_is_filled_within_seconds() -> None:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["BTC/USDT"], "acme")
    market = market_of(world, "BTC/USDT")
    world.start()
    filled = 0
    for _ in range(10):
        best = market.engine.best(Side.BUY)
        assert best is not None
        order = market.submit(Side.BUY, 100, best[0] - 40, owner="client")
        clock.advance(5 * S)
        filled += order.filled > 0
        market.cancel(order.id)
    assert filled >= 5


def test_clients_orders_are_never_withdrawn_by_the_flow() -> None:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["BTC/USDT"], "acme")
    market = market_of(world, "BTC/USDT")
    world.start()
    best = market.engine.best(Side.BUY)
    assert best is not None
    order = market.submit(Side.BUY, 10**6, best[0] - 10, owner="client")
    clock.advance(20 * S)
    assert market.engine.order(order.id) is order or order.filled == order.size


def test_perpetuals_have_mark_and_funding() -> None:
    eight_hours_ns = 8 * 3600 * S
    boundary_ns = START_NS // eight_hours_ns * eight_hours_ns
    clock = SimulatedClock(boundary_ns - 5 * S)
    world = World.synthetic(clock, ["BTC/USDT", "BTC/USDT:USDT"], "acme")
    perpetual = world.markets["BTC/USDT:USDT"]
    assert world.markets["BTC/USDT"].mark is None
    assert [mark.next_funding_ns for mark in perpetual.settled] == [boundary_ns - eight_hours_ns]
    world.start()
    first = perpetual.mark
    clock.advance(3 * S)
    mark = perpetual.mark
    assert mark is not None
    assert mark != first
    assert abs(mark.mark / mark.index - 1) < 0.001
    assert mark.next_funding_ns == boundary_ns
    clock.advance(5 * S)
    world.stop()
    assert perpetual.mark is not None
    assert perpetual.mark.next_funding_ns == boundary_ns + eight_hours_ns
    assert [mark.next_funding_ns for mark in perpetual.settled][1:] == [boundary_ns]


def test_spot_and_perpetual_stay_together() -> None:
    clock = SimulatedClock(START_NS)
    world = World.synthetic(clock, ["ETH/USDT", "ETH/USDT:USDT"], "acme", seed=3)
    world.start()
    for _ in range(60):
        clock.advance(S)
        mids = []
        for symbol in world.markets:
            market = market_of(world, symbol)
            mids.append(sum(market.levels(side, 1)[0][0] for side in (Side.BUY, Side.SELL)) / 2)
        assert abs(mids[0] / mids[1] - 1) < 2e-4
    world.stop()


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (["BTCUSDT"], "'BTCUSDT' is not a symbol, write it as 'BTC/USDT'"),
        (["BTC/USD:BTC"], "'BTC/USD:BTC' cannot be simulated"),
        (["BTC/USDT:USDT-261225"], "cannot be simulated"),
        (["BTC/USDT", "BTC/USDT"], "'BTC/USDT' is given twice"),
    ],
)
def test_what_cannot_be_simulated_is_said(symbols: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        World.synthetic(SimulatedClock(), symbols, "acme")
