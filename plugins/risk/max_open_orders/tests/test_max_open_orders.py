"""The open order limit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import APPROVED, Market, Order, OrderState, Price, Refused, Side, Size, UsageError
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft_max_open_orders import Code, Config, MaxOpenOrders
from hft_max_open_orders.plugin import HFT_API, hft_risk_rule


def test_the_plugin_offers_the_rule() -> None:
    assert HFT_API == 1
    assert hft_risk_rule() is MaxOpenOrders
    assert MaxOpenOrders.Config is Config
    assert MaxOpenOrders.refusals is Code


BTC = make_market(make_instrument())
ETH = make_market(make_instrument("ETH/USDT"))


def make_order(key: str, market: Market = BTC, state: OrderState = OrderState.NEW) -> Order:
    return Order(
        client_order_id=key,
        strategy="s",
        instrument=market.instrument,
        side=Side.BUY,
        size=Size(1),
        price=Price(9_000),
        state=state,
    )


def new(market: Market = BTC) -> Order:
    return make_order("new", market, OrderState.PENDING_NEW)


def make_rule(view: FakeRiskView, limit: int = 2, market: Market | None = None) -> MaxOpenOrders:
    rule = MaxOpenOrders(Config(limit=limit, instrument=None if market is None else market.instrument.id))
    rule.on_start(view)
    return rule


def test_as_many_orders_may_be_open_as_the_limit_says_and_no_more() -> None:
    view = FakeRiskView([BTC, ETH])
    rule = make_rule(view)
    view.orders = [make_order("1"), make_order("gone", state=OrderState.CANCELED)]
    assert rule.check(new(), view) is APPROVED
    view.orders.append(make_order("2", ETH, OrderState.UNKNOWN))
    assert rule.check(new(), view) == Refused("2 orders are open, limit is 2", Code.TOO_MANY)


def test_of_one_instrument_only_its_own_count() -> None:
    view = FakeRiskView([BTC, ETH])
    rule = make_rule(view, 1, BTC)
    view.orders = [make_order("1", ETH), make_order("2", ETH)]
    assert rule.check(new(), view) is APPROVED
    view.orders.append(make_order("3"))
    assert rule.check(new(ETH), view) is APPROVED
    assert rule.check(new(), view) == Refused("1 orders of BTC/USDT@test are open, limit is 1", Code.TOO_MANY)


def test_an_instrument_that_nobody_trades_is_a_fault_of_the_profile() -> None:
    with pytest.raises(UsageError, match="ETH/USDT@test"):
        make_rule(FakeRiskView([BTC]), market=ETH)


def test_a_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="limit"):
        Config(limit=0)


_STEPS = st.lists(
    st.tuples(st.sampled_from(["place", "cancel", "amend", "fill", "arrive", "tell"]), st.integers(0, 9)),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(_STEPS, st.booleans())
def test_no_sequence_leaves_more_orders_at_the_exchange(
    steps: list[tuple[str, int]], can_amend: bool
) -> None:
    market = make_market(make_instrument())
    client = ModelExchange if can_amend else ModelExchangeWithoutAmend
    world = OrderWorld(market, client, rules={"max_open_orders": MaxOpenOrders(Config(limit=3))})
    exchange, owner = world.exchange, NotedOwner()
    orders: list[Order] = []
    amended = 0
    for what, number in steps:
        if what == "place":
            orders.append(world.manager.place(owner, market.instrument, Side.BUY, Size(9), Price(9_000)))
        elif what == "cancel" and orders:
            world.manager.cancel(orders[number % len(orders)])
        elif what == "amend" and orders:
            amended += world.manager.amend(
                orders[number % len(orders)], Price(9_001 + number), Size(10 + number)
            )
        elif what == "fill" and exchange.resting:
            key = sorted(exchange.resting)[number % len(exchange.resting)]
            exchange.fill(key, min(number + 1, exchange.resting[key].left))
        elif what == "arrive" and exchange.requests:
            exchange.arrive()
        elif what == "tell" and exchange.answers:
            exchange.tell(number % len(exchange.answers))
        assert len(exchange.resting) <= 3
        assert world.manager.open_count <= 3
    assert not world.manager.halted


def test_with_the_limit_reached_an_order_may_still_be_amended() -> None:
    world = OrderWorld(BTC, rules={"max_open_orders": MaxOpenOrders(Config(limit=1))})
    order = world.manager.place(NotedOwner(), BTC.instrument, Side.BUY, Size(5), Price(9_000))
    world.exchange.settle()
    assert world.manager.amend(order, Price(9_001), Size(5))
