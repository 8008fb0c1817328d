"""The market maker: when it states quotes, and which."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hft import BookState, Duration, Market, Size, UsageError
from hft.testing.trading import FakeTrading, StatedQuotes, make_instrument, make_market, set_book
from hft_market_making import Config, MarketMaker, Model
from hft_market_making.plugin import HFT_API, hft_strategy

BTC = make_instrument(min_notional="0.0005")


def make_config(**changes: Any) -> Config:
    fields: dict[str, Any] = {
        "target_spread": Decimal("1.0"),
        "order_size": Decimal("0.001"),
        "max_position": Decimal("0.1"),
        "levels": 5,
        "refresh": Duration(1_000_000_000),
    }
    return Config(**(fields | changes))


class Run:
    """A market maker on markets that the test moves."""

    def __init__(self, *markets: Market, **changes: Any) -> None:
        self.markets = markets or (make_market(BTC, [("60000.00", "1")], [("60000.01", "1")]),)
        self.trading = FakeTrading(self.markets)
        self.maker = MarketMaker(make_config(**changes), self.trading)
        self.maker.on_start()

    def book(self, bid: str, ask: str, market: Market | None = None) -> list[StatedQuotes]:
        """Show a book and return what is stated for it."""
        before = len(self.trading.quotes)
        self.maker.on_book(set_book(market or self.markets[0], [(bid, "1")], [(ask, "1")]))
        return self.trading.quotes[before:]

    def wait(self, seconds: float) -> list[StatedQuotes]:
        """Let time pass and return what is stated meanwhile."""
        before = len(self.trading.quotes)
        self.trading.clock.advance(int(seconds * 1e9))
        return self.trading.quotes[before:]


def shown(stated: StatedQuotes) -> tuple[list[str], list[str]]:
    price = stated.instrument.format_price
    return [price(level[0]) for level in stated.bids], [price(level[0]) for level in stated.asks]


def test_the_plugin_offers_the_strategy() -> None:
    assert HFT_API == 1
    assert hft_strategy() is MarketMaker
    assert MarketMaker.Config is Config


def test_the_quotes_of_the_issue() -> None:
    (stated,) = Run().book("60000.00", "60000.01")
    assert shown(stated) == (
        ["59999.50", "59999.00", "59998.50", "59998.00", "59997.50"],
        ["60000.51", "60001.01", "60001.51", "60002.01", "60002.51"],
    )
    assert {size for _, size in stated.bids + stated.asks} == {BTC.size("0.001")}


def test_quotes_are_stated_on_refresh_and_on_a_move_and_not_on_every_tick() -> None:
    run = Run()
    assert len(run.book("60000.00", "60000.01")) == 1
    assert run.book("60000.10", "60000.11") == []
    assert run.book("60000.24", "60000.25") == []
    assert len(run.book("60000.25", "60000.26")) == 1
    assert run.book("60000.25", "60000.26") == []
    assert [stated.at_ns for stated in run.wait(3)] == [1_700_000_000 * 10**9 + s * 10**9 for s in (1, 2, 3)]


def test_the_tolerance_is_the_profiles() -> None:
    run = Run(tolerance=Decimal("0.01"))
    run.book("60000.00", "60000.01")
    assert len(run.book("60000.00", "60000.03")) == 1
    assert run.book("60000.00", "60000.04") == []


def test_a_book_that_is_not_live_is_not_quoted_on_until_it_is_back() -> None:
    run = Run()
    run.book("60000.00", "60000.01")
    run.markets[0].book.state = BookState.STALE
    assert run.wait(5) == []
    run.markets[0].book.state = BookState.LIVE
    assert len(run.wait(1)) == 1


def test_a_book_with_an_empty_side_withdraws_at_once_and_is_quoted_at_once_when_it_is_whole() -> None:
    run = Run()
    run.book("60000.00", "60000.01")
    run.maker.on_book(set_book(run.markets[0], [("60000.00", "1")], []))
    stated = run.trading.quotes[-1]
    assert (stated.bids, stated.asks) == ([], [])
    assert len(run.book("60000.00", "60000.01")) == 1


def test_a_position_moves_the_quotes_against_itself_and_closes_its_side() -> None:
    run = Run(inventory_skew=1.0)
    (flat,) = run.book("60000.00", "60000.01")
    run.trading.positions[BTC] = BTC.size("0.098")
    (long,) = run.wait(1)
    assert long.asks[0][0] < flat.asks[0][0]
    assert long.bids[0][0] < flat.bids[0][0]
    assert [BTC.format_size(size) for _, size in long.bids] == ["0.00100", "0.00100"]
    run.trading.positions[BTC] = Size(-BTC.size("0.1"))
    (short,) = run.wait(1)
    assert short.asks == []
    assert short.bids[0][0] > flat.bids[0][0]


def test_no_quote_would_trade_on_arrival() -> None:
    run = Run(target_spread=Decimal("0.02"), inventory_skew=1.0)
    run.trading.positions[BTC] = BTC.size("0.1")
    (stated,) = run.book("60000.00", "60000.01")
    assert stated.asks[0][0] > BTC.price("60000.00")


def test_volatility_widens_the_quotes() -> None:
    run = Run(volatility_multiple=1.0)
    (calm,) = run.book("60000.00", "60000.01")
    for _ in range(10):
        run.wait(0.5)
        run.book("60003.00", "60003.01")
        run.wait(0.5)
        run.book("60000.00", "60000.01")
    (wild,) = run.wait(1)
    assert wild.asks[0][0] - wild.bids[0][0] > calm.asks[0][0] - calm.bids[0][0] + 200


def test_avellaneda_stoikov() -> None:
    run = Run(model=Model.AVELLANEDA_STOIKOV)
    (calm,) = run.book("60000.00", "60000.01")
    # Without volatility: 2 / 0.1 * ln(1 + 0.1 / 1.5) = 1.29, rounded outwards.
    assert calm.asks[0][0] - calm.bids[0][0] == 131
    run.wait(1)
    run.book("60004.00", "60004.01")
    run.wait(1)
    run.book("60000.00", "60000.01")
    (wild,) = run.wait(1)
    run.trading.positions[BTC] = BTC.size("0.01")
    (long,) = run.wait(1)
    assert wild.asks[0][0] - wild.bids[0][0] > 131
    assert long.bids[0][0] < wild.bids[0][0] - 100


def test_every_instrument_is_quoted_by_itself() -> None:
    eth = make_instrument("ETH/USDT", tick_size="0.1", lot_size="0.001")
    btc_market = make_market(BTC, [("60000.00", "1")], [("60000.01", "1")])
    run = Run(btc_market, make_market(eth, [("3000.0", "1")], [("3000.1", "1")]))
    (stated,) = run.book("3000.0", "3000.1", run.markets[1])
    assert stated.instrument is eth
    assert shown(stated)[0][:2] == ["2999.5", "2999.0"]
    assert {stated.instrument for stated in run.wait(1)} == {BTC, eth}


def test_the_same_books_give_the_same_quotes() -> None:
    def play() -> list[StatedQuotes]:
        run = Run(volatility_multiple=2.0)
        for step in range(50):
            cents = step * 7919 % 500
            run.book(f"{60_000 + cents / 100:.2f}", f"{60_000.01 + cents / 100:.2f}")
            run.wait(0.3)
        return run.trading.quotes

    first, second = play(), play()
    assert first == second
    assert len(first) > 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order_size": Decimal("0.0000015")}, "order_size 0.0000015 of BTC/USDT@test is not a multiple"),
        ({"max_position": Decimal("0.0000015")}, "max_position 0.0000015 of BTC/USDT@test is not a multiple"),
    ],
)
def test_sizes_off_the_grid_are_a_fault_of_the_profile(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Run(**changes)


def test_an_order_size_below_the_exchanges_smallest_is_a_fault_of_the_profile() -> None:
    market = make_market(make_instrument(min_size=Size(1_000)))
    with pytest.raises(UsageError, match=r"below the smallest order of BTC/USDT@test, 0\.01000"):
        Run(market)


def test_an_order_size_worth_too_little_is_a_fault_and_not_silence() -> None:
    run = Run(make_market(make_instrument(min_notional="100")))
    with pytest.raises(UsageError, match=r"order_size 0\.00100 of .* less than the smallest order, 100 USDT"):
        run.book("60000.00", "60000.10")


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": 0},
        {"target_spread": Decimal(0)},
        {"order_size": Decimal(-1)},
        {"max_position": Decimal(0)},
        {"refresh": Duration(0)},
        {"inventory_skew": 1.5},
        {"level_spacing": Decimal(0)},
        {"gamma": 0.0},
        {"gamma": float("nan")},
        {"volatility_multiple": float("inf")},
    ],
)
def test_what_cannot_be_quoted_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        make_config(**changes)
