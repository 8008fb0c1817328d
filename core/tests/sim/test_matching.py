"""The matching engine against a naive model, and the laws it has to keep."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft import OrderState, Side, TimeInForce
from hft.sim import Execution, MatchingEngine, RestingOrder

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK


@attrs.define
class ModelOrder:
    id: int
    side: Side
    price: int
    left: int
    post_only: bool


class Model:
    """The same exchange as simply as it can be written: one list, sorted whenever it matters."""

    def __init__(self) -> None:
        self.orders: list[ModelOrder] = []
        self.trades: list[tuple[int, int, int, int]] = []

    def rest(self, order: ModelOrder, limit: int | None, tif: TimeInForce) -> None:
        makers = [
            maker
            for maker in self.orders
            if maker.side is not order.side
            and (limit is None or (maker.price <= limit if order.side is BUY else maker.price >= limit))
        ]
        # Python's sort is stable and the list is in order of arrival: time priority.
        makers.sort(key=lambda maker: maker.price, reverse=order.side is SELL)
        if order.post_only and makers:
            return
        if tif is FOK and sum(maker.left for maker in makers) < order.left:
            return
        for maker in makers:
            size = min(maker.left, order.left)
            if not size:
                break
            maker.left -= size
            order.left -= size
            self.trades.append((maker.id, order.id, maker.price, size))
        self.orders = [maker for maker in self.orders if maker.left]
        if order.left and limit is not None and tif is GTC:
            self.orders.append(order)

    def levels(self, side: Side) -> list[tuple[int, int]]:
        totals: Counter[int] = Counter()
        for order in self.orders:
            if order.side is side:
                totals[order.price] += order.left
        return sorted(totals.items(), reverse=side is BUY)


sides = st.sampled_from([BUY, SELL])
prices = st.integers(1, 12)
sizes = st.integers(1, 9)
submissions = st.tuples(
    st.just("submit"),
    sides,
    sizes,
    st.none() | prices,
    st.sampled_from([GTC, GTC, GTC, IOC, FOK]),
    st.booleans(),
)
cancellations = st.tuples(st.just("cancel"), st.integers(1, 40))
amendments = st.tuples(st.just("amend"), st.integers(1, 40), sizes, st.none() | prices)


@settings(max_examples=300, deadline=None)
@given(st.lists(submissions | cancellations | amendments, max_size=60))
def test_agrees_with_the_model_and_keeps_its_laws(actions: list[tuple[object, ...]]) -> None:
    engine, model = MatchingEngine(), Model()
    executions: list[Execution] = []
    shown: dict[tuple[Side, int], int] = {}
    engine.on_execution = executions.append
    engine.on_level = lambda side, price, size: shown.__setitem__((side, price), size)
    orders: dict[int, RestingOrder] = {}
    limits: dict[int, int | None] = {}

    for action in actions:
        told = len(executions)
        match action:
            case ("submit", Side() as side, int(size), price, TimeInForce() as tif, bool(post_only)):
                assert price is None or isinstance(price, int)
                order = engine.submit(side, size, price, time_in_force=tif, post_only=post_only)
                orders[order.id], limits[order.id] = order, price
                effective = tif if price is not None or tif is FOK else IOC
                model.rest(
                    ModelOrder(order.id, side, price or 0, size, post_only and price is not None),
                    price,
                    effective,
                )
            case ("cancel", int(order_id)):
                cancelled = engine.cancel(order_id)
                before = len(model.orders)
                model.orders = [order for order in model.orders if order.id != order_id]
                assert (cancelled is not None) == (len(model.orders) < before)
            case ("amend", int(order_id), int(size), price):
                assert price is None or isinstance(price, int)
                done = engine.amend(order_id, size=size, price=price)
                found = next((order for order in model.orders if order.id == order_id), None)
                filled = orders[order_id].filled if order_id in orders else 0
                if found is None:
                    assert not done
                elif done:
                    amended(model, found, size, price, orders[order_id], executions[told:])
                    limits[order_id] = found.price
                else:
                    others = [level for level, _ in model.levels(found.side.opposite)]
                    new_price = price or found.price
                    crosses = others and (new_price - others[0]) * found.side.sign >= 0
                    assert size <= filled or (found.post_only and crosses)

        trades = [(e.maker.id, e.taker.id, e.price, e.size) for e in executions]
        assert trades == model.trades
        for side in (BUY, SELL):
            assert engine.levels(side) == model.levels(side)
            for price, _ in engine.levels(side):
                resting = [order.id for order in model.orders if (order.side, order.price) == (side, price)]
                assert [order.id for order in engine.queue(side, price)] == resting
        best_bid, best_ask = engine.best(BUY), engine.best(SELL)
        assert best_bid is None or best_ask is None or best_bid[0] < best_ask[0]
        # Whoever builds a book from what the engine tells has the engine's book.
        for side in (BUY, SELL):
            told_levels = {price: size for (of, price), size in shown.items() if of is side and size}
            assert told_levels == dict(engine.levels(side))
        for execution in executions[told:]:
            for order in (execution.maker, execution.taker):
                limit = limits[order.id]
                assert limit is None or (limit - execution.price) * order.side.sign >= 0
    assert [e.trade_id for e in executions] == list(range(1, len(executions) + 1))
    traded: Counter[int] = Counter()
    for execution in executions:
        traded[execution.maker.id] += execution.size
        traded[execution.taker.id] += execution.size
    for order in orders.values():
        assert order.filled == traded[order.id] <= order.size
        in_book = engine.order(order.id) is order
        assert in_book == (not order.state.is_final)


def amended(
    model: Model,
    found: ModelOrder,
    size: int,
    price: int | None,
    order: RestingOrder,
    executions: list[Execution],
) -> None:
    """Repeat an amendment that the engine accepted on the model."""
    traded_now = sum(execution.size for execution in executions)
    left = size - (order.filled - traded_now)
    new_price = price or found.price
    if new_price == found.price and left <= found.left:
        found.left = left
        return
    model.orders.remove(found)
    found.left, found.price = left, new_price
    model.rest(found, new_price, GTC)


def test_price_then_time() -> None:
    engine = MatchingEngine()
    late = engine.submit(SELL, 2, 101)
    first = engine.submit(SELL, 1, 100)
    second = engine.submit(SELL, 1, 100)
    trades: list[Execution] = []
    engine.on_execution = trades.append
    engine.submit(BUY, 3, 101)
    assert [(e.maker, e.price, e.size) for e in trades] == [(first, 100, 1), (second, 100, 1), (late, 101, 1)]
    assert late.state is OrderState.PARTIALLY_FILLED
    assert engine.levels(SELL) == [(101, 1)]


def test_market_order_takes_what_there_is() -> None:
    engine = MatchingEngine()
    engine.submit(BUY, 2, 100)
    order = engine.submit(SELL, 5)
    assert (order.filled, order.state) == (2, OrderState.EXPIRED)
    assert engine.levels(BUY) == engine.levels(SELL) == []


def test_fok_that_cannot_fill_touches_nothing() -> None:
    engine = MatchingEngine()
    maker = engine.submit(BUY, 2, 100)
    order = engine.submit(SELL, 3, 99, time_in_force=FOK)
    assert order.state is OrderState.EXPIRED
    assert (order.filled, maker.filled) == (0, 0)
    assert engine.submit(SELL, 2, 99, time_in_force=FOK).state is OrderState.FILLED


def test_post_only_that_would_trade_is_rejected() -> None:
    engine = MatchingEngine()
    engine.submit(BUY, 2, 100)
    assert engine.submit(SELL, 1, 100, post_only=True).state is OrderState.REJECTED
    assert engine.submit(SELL, 1, 101, post_only=True).state is OrderState.NEW


def test_shrinking_keeps_the_place_and_growing_loses_it() -> None:
    engine = MatchingEngine()
    first, second = engine.submit(BUY, 5, 100), engine.submit(BUY, 5, 100)
    assert engine.amend(first.id, size=3)
    assert engine.queue(BUY, first.price or first.size) == [first, second]
    assert engine.amend(first.id, size=4)
    assert engine.queue(BUY, first.price or first.size) == [second, first]
    assert engine.levels(BUY) == [(100, 9)]


def test_each_changed_level_is_told_once() -> None:
    engine = MatchingEngine()
    for price in (100, 100, 101):
        engine.submit(SELL, 1, price)
    told: list[tuple[Side, int, int]] = []
    engine.on_level = lambda side, price, size: told.append((side, price, size))
    engine.submit(BUY, 4, 101)
    assert told == [(SELL, 100, 0), (SELL, 101, 0), (BUY, 101, 1)]


@pytest.mark.parametrize(("size", "price"), [(0, 1), (-1, 1), (1, 0), (1, -5)])
def test_what_is_not_positive_is_refused(size: int, price: int) -> None:
    with pytest.raises(ValueError, match="is not positive"):
        MatchingEngine().submit(BUY, size, price)
