"""The minimum balance."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import (
    APPROVED,
    BalanceReport,
    InstrumentKind,
    Market,
    Money,
    Order,
    OrderState,
    Price,
    Refused,
    Side,
    Size,
    UsageError,
)
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_minimum_balance import Code, Config, MinimumBalance
from hft_minimum_balance.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is MinimumBalance
    assert MinimumBalance.Config is Config
    assert MinimumBalance.refusals is Code


BTC = make_market(make_instrument())
ETH = make_market(make_instrument("ETH/USDT"))
ELSEWHERE = make_market(make_instrument("BTC/USDT", "other"))
PERPETUAL = make_market(attrs.evolve(make_instrument("BTC/USDT"), kind=InstrumentKind.PERPETUAL))


def make_order(
    side: Side, size: int, price: int | None = 10_000, key: str = "new", market: Market = BTC
) -> Order:
    return Order(
        client_order_id=key,
        strategy="s",
        instrument=market.instrument,
        side=side,
        size=Size(size),
        price=None if price is None else Price(price),
        state=OrderState.NEW,
    )


def make_rule(view: FakeRiskView, minimum: str = "1 USDT") -> MinimumBalance:
    rule = MinimumBalance(Config(exchange="test", minimum=Money.parse(minimum)))
    rule.on_start(view)
    return rule


def test_buys_spend_the_quote_currency_with_all_that_are_open() -> None:
    view = FakeRiskView([BTC, ETH, ELSEWHERE])
    rule = make_rule(view)
    view.balances["test", "USDT"] = Decimal("1.1")  # 100 lots at 100 are 0.1 USDT
    assert rule.check(make_order(Side.BUY, 100), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 101), view) == Refused(
        "0.999 USDT could be left at test, minimum is 1 USDT", Code.TOO_LITTLE
    )
    view.orders = [
        make_order(Side.BUY, 60, key="1", market=ETH),
        make_order(Side.SELL, 10**6, key="2"),
        make_order(Side.BUY, 10**6, key="3", market=ELSEWHERE),
    ]
    assert rule.check(make_order(Side.BUY, 40), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 41), view) != APPROVED
    assert rule.check(make_order(Side.SELL, 10**6), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 10**6, market=ELSEWHERE), view) is APPROVED


def test_an_amendment_counts_with_the_larger_of_both() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view)
    view.balances["test", "USDT"] = Decimal("1.1")
    view.orders = [make_order(Side.BUY, 60, key="1"), make_order(Side.BUY, 40, key="2")]
    assert rule.check(make_order(Side.BUY, 30, key="1"), view) is APPROVED
    assert rule.check(make_order(Side.BUY, 61, key="1"), view) != APPROVED


def test_sells_spend_the_base_currency() -> None:
    view = FakeRiskView([BTC, ETH])
    rule = make_rule(view, "0.5 BTC")
    view.balances["test", "BTC"] = Decimal("0.501")
    view.orders = [make_order(Side.SELL, 60, key="1")]
    assert rule.check(make_order(Side.SELL, 40), view) is APPROVED
    assert rule.check(make_order(Side.SELL, 41), view) != APPROVED
    assert rule.check(make_order(Side.BUY, 10**6), view) is APPROVED
    assert rule.check(make_order(Side.SELL, 10**6, market=ETH), view) is APPROVED


def test_a_derivative_needs_the_minimum_unless_it_leads_back() -> None:
    view = FakeRiskView([PERPETUAL])
    rule = make_rule(view)
    view.positions[PERPETUAL.instrument] = Size(10)
    view.balances["test", "USDT"] = Decimal(1)
    assert rule.check(make_order(Side.BUY, 10**6, market=PERPETUAL), view) is APPROVED
    view.balances["test", "USDT"] = Decimal("0.99")
    assert rule.check(make_order(Side.BUY, 1, market=PERPETUAL), view) != APPROVED
    assert rule.check(make_order(Side.SELL, 10, market=PERPETUAL), view) is APPROVED


def test_a_balance_that_nobody_stated_refuses() -> None:
    view = FakeRiskView([BTC])
    verdict = make_rule(view).check(make_order(Side.BUY, 1), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_BALANCE


def test_a_market_order_is_valued_at_the_price_it_meets() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view)
    view.balances["test", "USDT"] = Decimal("1.10001")
    assert rule.check(make_order(Side.BUY, 100, None), view) is APPROVED  # 0.10001 at the ask of 100.01
    assert rule.check(make_order(Side.BUY, 101, None), view) != APPROVED
    empty = make_market(make_instrument(), asks=())
    view = FakeRiskView([empty])
    view.balances["test", "USDT"] = Decimal(10)
    verdict = make_rule(view).check(make_order(Side.BUY, 1, None, market=empty), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_PRICE


@pytest.mark.parametrize(("exchange", "asset"), [("test", "EUR"), ("binance", "USDT")])
def test_a_rule_that_could_never_speak_is_a_fault_of_the_profile(exchange: str, asset: str) -> None:
    rule = MinimumBalance(Config(exchange=exchange, minimum=Money(Decimal(1), asset)))
    with pytest.raises(UsageError, match="no instrument of this run spends"):
        rule.on_start(FakeRiskView([BTC]))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["place", "amend", "cancel", "fill", "arrive", "tell"]), st.integers(1, 150)
        ),
        max_size=50,
    ),
    st.booleans(),
)
def test_no_sequence_of_buys_leaves_less_than_the_minimum(
    steps: list[tuple[str, int]], can_amend: bool
) -> None:
    """At the exchange: what was paid, and what rests there, never reaches into the minimum."""
    market = make_market(make_instrument())
    rule = MinimumBalance(Config(exchange="test", minimum=Money.parse("0.9 USDT")))
    world = OrderWorld(
        market, ModelExchange if can_amend else ModelExchangeWithoutAmend, rules={"minimum_balance": rule}
    )
    world.ledger.on_balance(BalanceReport(exchange="test", asset="USDT", total=Decimal(1)))
    exchange, owner = world.exchange, NotedOwner()
    orders: list[Order] = []
    paid = 0
    for what, number in steps:
        price = Price(9_900 + number)
        if what == "place":
            orders.append(world.manager.place(owner, market.instrument, Side.BUY, Size(number), price))
        elif what == "amend" and orders:
            world.manager.amend(orders[number % len(orders)], price, Size(number))
        elif what == "cancel" and orders:
            world.manager.cancel(orders[number % len(orders)])
        elif what == "fill" and exchange.resting:
            key = sorted(exchange.resting)[number % len(exchange.resting)]
            size = min(number, exchange.resting[key].left)
            paid += exchange.resting[key].price * size
            exchange.fill(key, size)
        elif what == "arrive" and exchange.requests:
            exchange.arrive()
        elif what == "tell" and exchange.answers:
            exchange.tell(number % len(exchange.answers))
        resting = sum(order.left * order.price for order in exchange.resting.values())
        assert (paid + resting) * market.instrument.point_value <= Decimal("0.1")
    assert not world.manager.halted
