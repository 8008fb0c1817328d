"""The gross exposure limit."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import (
    APPROVED,
    Market,
    Money,
    Order,
    OrderState,
    PositionSide,
    Price,
    Refused,
    Side,
    Size,
    UsageError,
)
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_gross_exposure import Code, Config, GrossExposure
from hft_gross_exposure.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is GrossExposure
    assert GrossExposure.Config is Config
    assert GrossExposure.refusals is Code


BTC = make_market(make_instrument())  # a lot is worth 0.001 USDT at the mid of 100
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


def make_rule(view: FakeRiskView, limit: str = "0.1 USDT") -> GrossExposure:
    rule = GrossExposure(Config(limit=Money.parse(limit)))
    rule.on_start(view)
    return rule


@pytest.mark.parametrize(
    ("btc", "eth", "side", "size", "approved"),
    [
        (0, 0, Side.BUY, 100, True),
        (0, 0, Side.BUY, 101, False),
        (0, 60, Side.BUY, 40, True),
        (0, 60, Side.SELL, 41, False),  # long and short add up
        (30, -60, Side.BUY, 11, False),
        (30, -60, Side.SELL, 70, True),  # through flat to -40
        (30, -60, Side.SELL, 71, False),
        # Beyond the limit already: what leads back is approved, what leads further is not.
        (150, 0, Side.SELL, 10, True),
        (150, 0, Side.BUY, 1, False),
        (10, 150, Side.SELL, 10, True),
    ],
)
def test_all_positions_together_may_reach_the_limit_and_no_more(
    btc: int, eth: int, side: Side, size: int, approved: bool
) -> None:
    view = FakeRiskView([BTC, ETH, EUR])
    view.positions = {BTC.instrument: Size(btc), ETH.instrument: Size(eth), EUR.instrument: Size(10**9)}
    assert (make_rule(view).check(make_order(side, size), view) is APPROVED) is approved


def test_the_refusal_has_the_figures() -> None:
    view = FakeRiskView([BTC, ETH])
    view.orders = [make_order(Side.SELL, 60, "1", ETH)]
    assert make_rule(view).check(make_order(Side.BUY, 41), view) == Refused(
        "exposure would be 0.101 USDT, limit is 0.1 USDT", Code.LIMIT
    )


def test_what_cannot_be_valued_is_refused() -> None:
    empty = make_market(make_instrument("ETH/USDT"), asks=())
    view = FakeRiskView([BTC, empty])
    rule = make_rule(view)
    verdict = rule.check(make_order(Side.BUY, 1, market=empty), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_MARK
    assert rule.check(make_order(Side.BUY, 1), view) is APPROVED
    view.positions[empty.instrument] = Size(1)
    verdict = rule.check(make_order(Side.BUY, 1), view)
    assert isinstance(verdict, Refused)
    assert verdict.code is Code.NO_MARK


def test_instruments_of_other_currencies_are_not_judged() -> None:
    view = FakeRiskView([BTC, EUR])
    assert make_rule(view).check(make_order(Side.BUY, 10**6, market=EUR), view) is APPROVED


def test_an_asset_that_nothing_settles_in_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="no instrument of this run settles in 'USDC', did you mean 'USDT'"):
        make_rule(FakeRiskView([BTC]), "1 USDC")


def test_in_hedge_mode_nothing_nets_and_what_closes_is_approved() -> None:
    view = FakeRiskView([BTC])
    rule = make_rule(view)
    view.sides = {
        (BTC.instrument, PositionSide.LONG): Size(60),
        (BTC.instrument, PositionSide.SHORT): Size(-40),
    }
    order = make_order(Side.SELL, 1)
    assert isinstance(rule.check(attrs.evolve(order, position_side=PositionSide.SHORT), view), Refused)
    assert rule.check(attrs.evolve(order, position_side=PositionSide.LONG), view) is APPROVED
    assert rule.check(attrs.evolve(order, reduce_only=True), view) is APPROVED


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(Side), st.integers(1, 120)),
        st.tuples(st.just("amend"), st.integers(0, 9), st.integers(1, 150)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 120)),
        st.tuples(st.just("arrive")),
        st.tuples(st.just("tell"), st.integers(0, 9)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(_STEPS, st.booleans())
def test_no_sequence_of_orders_fills_and_cancels_leads_beyond_the_limit(
    steps: list[tuple[object, ...]], can_amend: bool
) -> None:
    market = make_market(make_instrument())
    rule = GrossExposure(Config(limit=Money.parse("0.1 USDT")))
    client = ModelExchange if can_amend else ModelExchangeWithoutAmend
    world = OrderWorld(market, client, rules={"gross_exposure": rule})
    exchange, owner = world.exchange, NotedOwner()
    orders: list[Order] = []
    for step in steps:
        match step:
            case ["place", Side() as side, int(size)]:
                orders.append(world.manager.place(owner, market.instrument, side, Size(size), Price(9_000)))
            case ["amend", int(number), int(size)] if orders:
                world.manager.amend(orders[number % len(orders)], Price(9_001), Size(size))
            case ["cancel", int(number)] if orders:
                world.manager.cancel(orders[number % len(orders)])
            case ["fill", int(number), int(size)] if exchange.resting:
                key = sorted(exchange.resting)[number % len(exchange.resting)]
                exchange.fill(key, min(size, exchange.resting[key].left))
            case ["arrive"] if exchange.requests:
                exchange.arrive()
            case ["tell", int(number)] if exchange.answers:
                exchange.tell(number % len(exchange.answers))
        for side in Side:
            resting = sum(order.left for order in exchange.resting.values() if order.side is side)
            assert exchange.position * side.sign + resting <= 100
    assert not world.manager.halted
