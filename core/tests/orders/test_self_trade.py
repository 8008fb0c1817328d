"""No order is sent that could trade with another one of the process."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.events import ReportKind
from hft.order import Order
from hft.orders import SelfTradePolicy
from hft.testing.orders import ModelExchange, ModelExchangeWithoutAmend, NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import OrderState, OrderType, Price, Side, Size

MAKER, OTHER = NotedOwner("maker"), NotedOwner("other")


def make_world(
    policy: SelfTradePolicy = SelfTradePolicy.REFUSE, exchange: type[ModelExchange] = ModelExchange
) -> OrderWorld:
    world = OrderWorld(make_market(make_instrument()), exchange)
    world.manager.self_trade.policy = policy
    return world


def place(
    world: OrderWorld, side: Side, price: int | None, *, owner: NotedOwner = MAKER, settle: bool = True
) -> Order:
    order = world.manager.place(
        owner,
        world.instrument,
        side,
        Size(10),
        None if price is None else Price(price),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )
    if settle:
        world.exchange.settle()
    return order


@pytest.mark.parametrize(
    ("resting", "at", "price", "refused"),
    [
        (Side.SELL, 10_000, 9_999, False),
        (Side.SELL, 10_000, 10_000, True),
        (Side.SELL, 10_000, 10_001, True),
        (Side.SELL, 10_000, None, True),
        (Side.BUY, 10_000, 10_001, False),
        (Side.BUY, 10_000, 10_000, True),
        (Side.BUY, 10_000, 9_999, True),
        (Side.BUY, 10_000, None, True),
    ],
)
def test_an_order_at_or_through_one_of_ours_is_refused(
    resting: Side, at: int, price: int | None, refused: bool
) -> None:
    world = make_world()
    place(world, resting, at)
    sent = len(world.exchange.messages)
    order = place(world, resting.opposite, price, owner=OTHER)
    assert (order.state is OrderState.REJECTED) is refused
    assert (len(world.exchange.messages) == sent) is refused
    if refused:
        assert order.reason == f"self-trade: BTC/USDT@test has our order to {resting} at 100.00 (maker)"
        assert world.manager.counters.refused == {"self-trade": 1}


@pytest.mark.parametrize("state", [OrderState.PENDING_NEW, OrderState.UNKNOWN, OrderState.PENDING_CANCEL])
def test_an_order_that_may_still_trade_counts_whatever_its_state(state: OrderState) -> None:
    world = make_world()
    ask = place(world, Side.SELL, 10_000, settle=state is not OrderState.PENDING_NEW)
    if state is OrderState.PENDING_CANCEL:
        world.manager.cancel(ask)
    elif state is OrderState.UNKNOWN:
        world.manager.cancel(ask)
        world.exchange.report(ask.client_order_id, ReportKind.UNKNOWN)
        world.exchange.tell()
    assert ask.state is state
    assert place(world, Side.BUY, 10_000, settle=False).state is OrderState.REJECTED


def test_one_that_has_ended_does_not_count() -> None:
    world = make_world()
    ask = place(world, Side.SELL, 10_000)
    world.manager.cancel(ask)
    world.exchange.settle()
    assert place(world, Side.BUY, 10_000).state is OrderState.NEW


@pytest.mark.parametrize("exchange", [ModelExchange, ModelExchangeWithoutAmend])
def test_an_amendment_into_one_of_ours_is_refused_and_the_order_stays(exchange: type[ModelExchange]) -> None:
    world = make_world(exchange=exchange)
    place(world, Side.SELL, 10_000)
    bid = place(world, Side.BUY, 9_000, owner=OTHER)
    assert not world.manager.amend(bid, Price(10_000), Size(10))
    assert (bid.state, bid.price) == (OrderState.NEW, 9_000)
    assert bid.reason.startswith("self-trade: ")
    assert world.manager.amend(bid, Price(9_999), Size(10))


def test_an_amendment_under_way_counts_at_both_its_prices() -> None:
    world = make_world()
    ask = place(world, Side.SELL, 10_000)
    world.manager.amend(ask, Price(9_500), Size(10))
    assert place(world, Side.BUY, 9_500, settle=False).state is OrderState.REJECTED
    world.exchange.settle()
    world.manager.amend(ask, Price(10_000), Size(10))
    assert place(world, Side.BUY, 9_500, settle=False).state is OrderState.REJECTED


def test_what_is_in_the_way_is_cancelled_and_then_the_order_can_be_sent() -> None:
    world = make_world(SelfTradePolicy.CANCEL_RESTING)
    near, far = place(world, Side.SELL, 10_000), place(world, Side.SELL, 10_005)
    beyond = place(world, Side.SELL, 10_006)
    order = place(world, Side.BUY, 10_005, owner=OTHER, settle=False)
    assert order.state is OrderState.REJECTED
    assert order.reason.endswith("which is cancelled first")
    assert (near.state, far.state) == (OrderState.PENDING_CANCEL, OrderState.PENDING_CANCEL)
    assert place(world, Side.BUY, 10_005, owner=OTHER).state is OrderState.REJECTED
    assert beyond.state is OrderState.NEW
    assert place(world, Side.BUY, 10_005, owner=OTHER).state is OrderState.NEW


def test_one_that_is_unknown_is_not_cancelled_at_each_attempt() -> None:
    world = make_world(SelfTradePolicy.CANCEL_RESTING)
    ask = place(world, Side.SELL, 10_000, settle=False)
    world.exchange.report(ask.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()
    sent = len(world.exchange.messages)
    for _ in range(3):
        assert place(world, Side.BUY, 10_000, settle=False).state is OrderState.REJECTED
    assert len(world.exchange.messages) == sent


def test_it_can_be_allowed() -> None:
    world = make_world(SelfTradePolicy.ALLOW)
    place(world, Side.SELL, 10_000)
    assert place(world, Side.BUY, 10_000).state is OrderState.NEW


@pytest.mark.parametrize("first_is_stop", [True, False])
def test_what_waits_for_a_trigger_meets_nothing(first_is_stop: bool) -> None:
    world = make_world()
    desk = world.manager.store.desks[world.instrument]
    ask = place(world, Side.SELL, 10_000)
    if first_is_stop:
        ask.type = OrderType.STOP_LIMIT
    type_ = OrderType.LIMIT if first_is_stop else OrderType.STOP_LIMIT
    assert world.manager.self_trade.refusal(desk, Side.BUY, Price(10_000), type_) == ""
    ask.type = OrderType.LIMIT
    assert world.manager.self_trade.refusal(desk, Side.BUY, Price(10_000), OrderType.LIMIT)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_two_orders_at_the_exchange_ever_cross(data: st.DataObject) -> None:
    world = make_world(data.draw(st.sampled_from([SelfTradePolicy.REFUSE, SelfTradePolicy.CANCEL_RESTING])))
    exchange = world.exchange
    orders: list[Order] = []
    for _ in range(data.draw(st.integers(1, 40))):
        action = data.draw(st.sampled_from(["place", "place", "amend", "cancel", "arrive", "tell"]))
        price = data.draw(st.integers(9_995, 10_005))
        if action == "place":
            orders.append(place(world, data.draw(st.sampled_from(Side)), price, settle=False))
        elif action == "amend" and orders:
            world.manager.amend(data.draw(st.sampled_from(orders)), Price(price), Size(10))
        elif action == "cancel" and orders:
            world.manager.cancel(data.draw(st.sampled_from(orders)))
        elif action == "arrive" and exchange.requests:
            exchange.arrive()
        elif action == "tell" and exchange.answers:
            exchange.tell(data.draw(st.integers(0, len(exchange.answers) - 1)))
        bids = [order.price for order in exchange.resting.values() if order.side is Side.BUY]
        asks = [order.price for order in exchange.resting.values() if order.side is Side.SELL]
        assert not bids or not asks or max(bids) < min(asks)
