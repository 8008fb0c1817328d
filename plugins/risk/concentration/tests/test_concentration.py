"""The concentration limit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import APPROVED, Market, Order, OrderState, Price, Refused, Side, Size, UsageError
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_concentration import Code, Concentration, Config
from hft_concentration.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is Concentration
    assert Concentration.Config is Config
    assert Concentration.refusals is Code


BTC = make_market(make_instrument())  # a lot is worth 0.001 USDT at the mid of 100
PERPETUAL = make_market(make_instrument("BTC/USDT", "other"))
ETH = make_market(make_instrument("ETH/USDT"))
EUR = make_market(make_instrument("BTC/EUR"))


def make_order(side: Side, size: int, key: str = "new", market: Market = BTC) -> Order:
    return Order(
        client_order_id=key,
        strategy="s",
        instrument=market.instrument,
        side=side,
        size=Size(size),
        price=Price(9_000),
        state=OrderState.NEW,
    )


def make_rule(view: FakeRiskView, percent: str = "25", capital: str | None = "0.4") -> Concentration:
    config = Config(
        asset="USDT", percent=Decimal(percent), capital=None if capital is None else Decimal(capital)
    )
    rule = Concentration(config)
    rule.on_start(view)
    return rule


@pytest.mark.parametrize(
    ("spot", "other", "side", "size", "approved"),
    [
        (0, 0, Side.BUY, 100, True),  # 0.1 USDT is a quarter of 0.4
        (0, 0, Side.BUY, 101, False),
        (0, 0, Side.SELL, 101, False),
        (40, 40, Side.BUY, 20, True),
        (40, 40, Side.BUY, 21, False),
        (500, -500, Side.BUY, 100, True),  # cash and carry: the two cancel out
        (500, -500, Side.SELL, 101, False),
        # Beyond the limit already: what leads back is approved, what leads further is not.
        (150, 0, Side.SELL, 10, True),
        (150, 0, Side.BUY, 1, False),
    ],
)
def test_one_base_currency_may_make_up_its_share_and_no_more(
    spot: int, other: int, side: Side, size: int, approved: bool
) -> None:
    view = FakeRiskView([BTC, PERPETUAL, ETH, EUR])
    view.positions = {
        BTC.instrument: Size(spot),
        PERPETUAL.instrument: Size(other),
        ETH.instrument: Size(10**6),
        EUR.instrument: Size(10**6),
    }
    assert (make_rule(view).check(make_order(side, size), view) is APPROVED) is approved


def test_orders_that_fit_singly_must_fit_together() -> None:
    view = FakeRiskView([BTC, PERPETUAL])
    rule = make_rule(view)
    view.orders = [make_order(Side.BUY, 60, "1", PERPETUAL), make_order(Side.SELL, 90, "2")]
    assert rule.check(make_order(Side.BUY, 40), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 41), view) == Refused(
        "BTC would be 0.101 USDT of a capital of 0.4, limit is 25%", Code.LIMIT
    )


def test_an_amendment_that_adds_nothing_is_approved_beyond_the_limit_too() -> None:
    view = FakeRiskView([BTC])
    view.orders = [make_order(Side.BUY, 200, "1")]
    assert make_rule(view).check(make_order(Side.BUY, 150, "1"), view) is APPROVED


def test_the_capital_grows_and_shrinks_with_the_profit() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view)
    view.profits["USDT"] = Decimal("0.004")
    assert rule.check(make_order(Side.BUY, 101), view) is APPROVED
    view.profits["USDT"] = Decimal("-0.5")
    assert rule.check(make_order(Side.BUY, 1), view) != APPROVED


def test_without_a_capital_the_equity_is_it_and_unknown_equity_refuses() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view, capital=None)
    verdict = rule.check(make_order(Side.BUY, 1), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_EQUITY
    view.equities["USDT"] = Decimal("0.004")
    assert rule.check(make_order(Side.BUY, 1), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 2), view) != APPROVED


def test_what_cannot_be_valued_is_refused() -> None:
    empty = make_market(make_instrument("BTC/USDT", "third"), bids=())
    view = FakeRiskView([BTC, empty])
    view.positions[empty.instrument] = Size(1)
    verdict = make_rule(view).check(make_order(Side.BUY, 1), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_MARK


def test_instruments_of_other_currencies_are_not_judged() -> None:
    view = FakeRiskView([BTC, EUR])
    assert make_rule(view).check(make_order(Side.BUY, 10**6, market=EUR), view) is APPROVED


def test_an_asset_that_nothing_settles_in_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="no instrument of this run settles in 'USDT', this run has EUR"):
        make_rule(FakeRiskView([EUR]))


@given(st.integers(1, 10**12), st.decimals("0.0001", 100, places=4), st.decimals("0.01", 10**9, places=2))
def test_the_share_is_compared_exactly(size: int, percent: Decimal, capital: Decimal) -> None:
    view = FakeRiskView([BTC])
    verdict = make_rule(view, str(percent), str(capital)).check(make_order(Side.BUY, size), view)
    fits = Fraction(size) / 1000 <= Fraction(capital) * Fraction(percent) / 100
    assert (verdict is APPROVED) is fits
