"""The order size limit."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import APPROVED, InstrumentId, Market, Order, OrderType, Price, Refused, Side, Size, UsageError
from hft.testing.orders import NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_max_order_size import Code, Config, MaxOrderSize
from hft_max_order_size.plugin import HFT_API, hft_risk_rule

BTC = make_market(make_instrument())


def make_rule(limit: str = "0.001", notional_limit: str | None = None, market: Market = BTC) -> MaxOrderSize:
    notional = None if notional_limit is None else Decimal(notional_limit)
    rule = MaxOrderSize(
        Config(instrument=market.instrument.id, limit=Decimal(limit), notional_limit=notional)
    )
    rule.on_start(FakeRiskView([market]))
    return rule


def make_order(size: int, price: int | None = 10_000, side: Side = Side.BUY, market: Market = BTC) -> Order:
    return Order(
        client_order_id="1",
        strategy="s",
        instrument=market.instrument,
        side=side,
        size=Size(size),
        price=None if price is None else Price(price),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is MaxOrderSize
    assert MaxOrderSize.Config is Config


def test_an_order_may_be_as_large_as_the_limit_and_no_larger() -> None:
    rule, view = make_rule(), FakeRiskView([BTC])
    assert rule.check(make_order(100), view) is APPROVED
    assert rule.check(make_order(101), view) == Refused(
        "size for BTC/USDT@test is 0.00101, limit is 0.00100", Code.SIZE
    )


def test_what_has_traded_of_an_order_counts() -> None:
    order = make_order(101)
    order.filled = Size(50)
    assert isinstance(make_rule().check(order, FakeRiskView([BTC])), Refused)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**7))
def test_the_value_is_compared_exactly(size: int, price: int, limit_cents: int) -> None:
    limit = Decimal(limit_cents) / 1000
    rule = make_rule("10000", str(limit))
    value = Decimal(size) * Decimal(price) * Decimal("0.0000001")
    verdict = rule.check(make_order(size, price), FakeRiskView([BTC]))
    assert (verdict is APPROVED) is (value <= limit)


@pytest.mark.parametrize(("side", "approved"), [(Side.BUY, False), (Side.SELL, True)])
def test_a_market_order_is_valued_at_the_price_it_meets(side: Side, approved: bool) -> None:
    # One lot is worth 0.0009999 at the bid of 99.99 and 0.0010001 at the ask of 100.01.
    rule = make_rule(notional_limit="0.001")
    verdict = rule.check(make_order(1, None, side), FakeRiskView([BTC]))
    assert (verdict is APPROVED) is approved


def test_a_market_order_that_cannot_be_valued_is_refused() -> None:
    market = make_market(make_instrument(), asks=())
    view, order = FakeRiskView([market]), make_order(1, None, market=market)
    assert "cannot be valued" in str(make_rule(notional_limit="1", market=market).check(order, view))
    assert make_rule(market=market).check(order, view) is APPROVED


def test_other_instruments_are_not_judged() -> None:
    other = make_market(make_instrument("ETH/USDT"))
    assert make_rule().check(make_order(10**6, market=other), FakeRiskView([BTC, other])) is APPROVED


def test_a_limit_off_the_grid_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match=r"limit 0\.000015 of BTC/USDT@test is not a multiple"):
        make_rule("0.000015")


def test_an_instrument_that_nobody_trades_is_a_fault_of_the_profile() -> None:
    rule = MaxOrderSize(Config(instrument=InstrumentId("XRP/USDT", "test"), limit=Decimal(1)))
    with pytest.raises(UsageError, match="XRP/USDT@test"):
        rule.on_start(FakeRiskView([BTC]))


def test_a_value_limit_for_an_inverse_contract_is_a_fault_of_the_profile() -> None:
    market = Market(attrs.evolve(BTC.instrument, inverse=True))
    with pytest.raises(UsageError, match="notional_limit does not apply"):
        make_rule(notional_limit="1", market=market)
    make_rule(market=market)


def test_an_amendment_is_judged_by_the_size_it_asks_for() -> None:
    world, owner = OrderWorld(BTC, rules={"max_order_size": make_rule()}), NotedOwner()
    order = world.manager.place(owner, BTC.instrument, Side.BUY, Size(50), Price(9_000))
    world.exchange.settle()
    assert world.manager.amend(order, Price(9_000), Size(100))
    world.exchange.settle()
    assert not world.manager.amend(order, Price(9_000), Size(101))
    assert world.manager.counters.refused == {"max_order_size": 1}
