"""The daily loss limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import APPROVED, Halt, Money, Order, Price, Refused, Side, Size, UsageError
from hft.testing.orders import NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market, set_book
from hft_daily_loss import Code, Config, DailyLoss
from hft_daily_loss.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is DailyLoss
    assert DailyLoss.Config is Config
    assert DailyLoss.refusals is Code


BTC = make_market(make_instrument())


def make_order() -> Order:
    return Order(
        client_order_id="new",
        strategy="s",
        instrument=BTC.instrument,
        side=Side.BUY,
        size=Size(10),
        price=Price(9_000),
    )


def make_rule(view: FakeRiskView, limit: str = "200 USDT", *, flatten: bool = False) -> DailyLoss:
    rule = DailyLoss(Config(limit=Money.parse(limit), flatten=flatten))
    rule.on_start(view)
    return rule


@pytest.mark.parametrize("flatten", [False, True])
def test_at_the_limit_trading_halts(flatten: bool) -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view, flatten=flatten)
    view.profits = {"USDT": Decimal(-10_000)}
    view.profits_today = {"USDT": Decimal("-199.99"), "BNB": Decimal(-10_000)}
    assert rule.review(view) is rule.check(make_order(), view) is APPROVED
    view.profits_today["USDT"] = Decimal(-200)
    reason = "today's loss is 200 USDT, limit is 200 USDT"
    assert rule.review(view) == Halt(reason, flatten)
    assert rule.check(make_order(), view) == Refused(reason, Code.LIMIT)


def test_an_asset_that_nothing_settles_in_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="'USDC', did you mean 'USDT'"):
        make_rule(FakeRiskView([BTC]), "1 USDC")


@given(st.decimals(-(10**9), 10**9, places=12), st.decimals("0.000000000001", 10**9, places=12))
def test_the_loss_is_compared_exactly(profit: Decimal, limit: Decimal) -> None:
    view = FakeRiskView([BTC])
    view.profits_today["USDT"] = profit
    assert (make_rule(view, f"{limit:f} USDT").review(view) is APPROVED) is (-profit < limit)


def test_a_loss_of_fills_and_marks_halts_at_once() -> None:
    market = make_market(make_instrument())
    world = OrderWorld(market, rules={"daily_loss": DailyLoss(Config(limit=Money.parse("0.001 USDT")))})
    world.manager.place(NotedOwner(), market.instrument, Side.BUY, Size(100), Price(9_900))
    world.exchange.settle()
    world.exchange.fill(next(iter(world.exchange.resting)), 100)
    world.exchange.settle()
    fill = world.ledger.fills[-1]
    world.risk.on_fill(fill)
    assert not world.manager.halted
    set_book(market, [("98.00", "1")], [("98.01", "1")])  # 100 lots of 0.00001 that lost 0.995 each
    world.risk.on_mark(market.instrument)
    assert not world.manager.halted
    set_book(market, [("97.99", "1")], [("98.01", "1")])
    world.risk.on_mark(market.instrument)
    assert world.manager.halted == "daily_loss: today's loss is 0.001 USDT, limit is 0.001 USDT"
