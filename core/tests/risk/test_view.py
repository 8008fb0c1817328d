"""What rules see: the order manager's running totals must equal a sum over its orders."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.errors import UsageError
from hft.instrument import InstrumentId
from hft.order import Order
from hft.risk import LiveRiskView
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import FakeRiskView, make_instrument, make_market
from hft.types import Price, Side, Size

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(Side), st.integers(1, 20)),
        st.tuples(st.just("amend"), st.integers(0, 9), st.integers(1, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("fill"), st.integers(0, 9), st.integers(1, 20)),
        st.tuples(st.just("arrive")),
        st.tuples(st.just("tell"), st.integers(0, 9)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(_STEPS, st.booleans())
def test_totals_equal_the_sum_of_the_orders_and_cover_what_the_exchange_has(
    steps: list[tuple[object, ...]], can_amend: bool
) -> None:
    market = make_market(make_instrument())
    world = OrderWorld(market, ModelExchange if can_amend else ModelExchangeWithoutAmend)
    owner, exchange, instrument = NotedOwner(), world.exchange, world.instrument
    view = world.view
    plain = FakeRiskView([market])
    orders: list[Order] = []
    for step in steps:
        match step:
            case ["place", Side() as side, int(size)]:
                orders.append(world.manager.place(owner, instrument, side, Size(size), Price(9_000)))
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
        open_orders = world.manager.open_orders(instrument)
        for side in Side:
            ours = [order for order in open_orders if order.side is side]
            total = sum(world.manager.exposure_of(order.client_order_id) for order in ours)
            assert world.manager.exposure(instrument, side) == total
            # The law: whatever the exchange has filled and may fill is in position or exposure.
            resting = sum(order.left for order in exchange.resting.values() if order.side is side)
            at_the_exchange = exchange.position * side.sign + resting
            assert at_the_exchange <= world.ledger.position(instrument) * side.sign + total
        if not any(order.pending_size for order in open_orders) and not exchange.answers:
            plain.orders, plain.positions = open_orders, {instrument: world.ledger.position(instrument)}
            for side in Side:
                new = Order(
                    client_order_id="new",
                    strategy="s",
                    instrument=instrument,
                    side=side,
                    size=Size(7),
                    price=None,
                )
                assert view.worst_case_position(new) == plain.worst_case_position(new)
    exchange.settle()
    assert world.ledger.position(instrument) == exchange.position
    assert world.manager.exposure(instrument, Side.BUY) == sum(
        order.left for order in exchange.resting.values() if order.side is Side.BUY
    )
    assert world.manager.counters.illegal == 0


def test_the_worst_case_of_an_order_is_on_its_own_side() -> None:
    market = make_market(make_instrument())
    world, owner = OrderWorld(market), NotedOwner()
    view = world.view
    buy = world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000))
    sell = world.manager.place(owner, world.instrument, Side.SELL, Size(3), Price(11_000))
    world.exchange.settle()
    assert view.worst_case_position(buy) == 10
    assert view.worst_case_position(sell) == -3
    world.exchange.fill(buy.client_order_id, 4)
    world.exchange.settle()
    assert view.position(world.instrument) == 4
    assert view.worst_case_position(buy) == 10
    assert view.worst_case_position(sell) == 1
    assert view.open_orders(world.instrument) == [buy, sell]
    assert view.market(world.instrument) is market


def test_an_amendment_is_judged_by_the_larger_of_both() -> None:
    market = make_market(make_instrument())
    world, owner = OrderWorld(market), NotedOwner()
    view = world.view
    order = world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000))
    world.exchange.settle()
    for size, worst in ((4, 10), (10, 10), (15, 15)):
        judged = Order(
            client_order_id=order.client_order_id,
            strategy="s",
            instrument=world.instrument,
            side=Side.BUY,
            size=Size(size),
            price=Price(9_000),
        )
        assert view.worst_case_position(judged) == worst


def test_an_instrument_that_nobody_trades_is_a_fault_of_the_profile() -> None:
    world = OrderWorld(make_market(make_instrument()))
    view = LiveRiskView(world.manager, world.ledger, [], world.clock)
    with pytest.raises(UsageError, match="ETH/USDT@test is not part of this run"):
        view.instrument(InstrumentId("ETH/USDT", "test"))
