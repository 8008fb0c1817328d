"""The drawdown limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import APPROVED, Funding, Halt, Order, Price, Refused, Side, Size, UsageError
from hft.testing.orders import OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_drawdown import Code, Config, Drawdown
from hft_drawdown.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is Drawdown
    assert Drawdown.Config is Config
    assert Drawdown.refusals is Code


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


def make_rule(view: FakeRiskView, *, flatten: bool = False, **limits: str) -> Drawdown:
    values = {name: Decimal(text) for name, text in limits.items()}
    rule = Drawdown(Config(asset="USDT", flatten=flatten, **values))
    rule.on_start(view)
    return rule


@pytest.mark.parametrize("flatten", [False, True])
def test_a_fall_to_the_limit_halts(flatten: bool) -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view, limit="50", flatten=flatten)
    view.peaks["USDT"], view.profits["USDT"] = Decimal(120), Decimal("70.01")
    assert rule.review(view) is rule.check(make_order(), view) is APPROVED
    view.profits["USDT"] = Decimal(70)
    reason = "profit is 50 USDT below its highest of 120, limit is 50 USDT"
    assert rule.review(view) == Halt(reason, flatten)
    assert rule.check(make_order(), view) == Refused(reason, Code.LIMIT)


def test_a_percentage_is_of_the_capital_with_its_highest_profit() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view, percent="10", capital="1000")
    view.peaks["USDT"], view.profits["USDT"] = Decimal(200), Decimal("80.01")
    assert rule.review(view) is APPROVED
    view.profits["USDT"] = Decimal(80)
    assert rule.review(view) == Halt("profit is 120 USDT below its highest of 200, limit is 10% of 1200 USDT")


def test_of_both_the_first_that_is_reached_halts() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view, percent="10", capital="1000", limit="20")
    view.profits["USDT"] = Decimal(-20)
    assert "limit is 20 USDT" in str(rule.review(view))


@pytest.mark.parametrize("limits", [{}, {"percent": "1"}, {"capital": "1"}, {"limit": "1", "percent": "1"}])
def test_limits_that_are_none_are_a_fault_of_the_profile(limits: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"drawdown: .*give"):
        make_rule(FakeRiskView([BTC]), **limits)


def test_an_asset_that_nothing_settles_in_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="'USDT', this run has EUR"):
        make_rule(FakeRiskView([make_market(make_instrument("BTC/EUR"))]), limit="1")


@given(
    st.lists(st.decimals(-1000, 1000, places=3), min_size=1, max_size=20), st.decimals("0.001", 500, places=3)
)
def test_it_halts_exactly_when_the_fall_from_the_highest_seen_reaches_the_limit(
    profits: list[Decimal], limit: Decimal
) -> None:
    world = OrderWorld(make_market(make_instrument()))
    rule = Drawdown(Config(asset="USDT", limit=limit))
    rule.on_start(world.view)
    highest = Decimal(0)
    for number, profit in enumerate(profits):
        before = world.ledger.totals().get("USDT")
        funding = profit - (before.net if before else 0)
        world.ledger.on_funding(
            Funding(instrument=world.instrument, payment_id=str(number), amount=funding, asset="USDT")
        )
        highest = max(highest, profit)
        assert (rule.review(world.view) is APPROVED) is (highest - profit < limit)
