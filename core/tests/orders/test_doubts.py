"""Orders in doubt: asked about until there is evidence, and never settled without it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hft.events import OrderReport, ReportKind
from hft.order import Order, OrderRequest
from hft.testing.orders import ModelExchange, NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import OrderState, OrderType, Price, Side, Size, TimeInForce

S = 1_000_000_000
VALIDITY_NS = ModelExchange.capabilities.request_validity_ns


def make_world() -> OrderWorld:
    return OrderWorld(make_market(make_instrument()))


def place(world: OrderWorld, owner: NotedOwner, price: int = 9_000) -> Order:
    return world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(price))


def lose_answer(world: OrderWorld, order: Order) -> None:
    """Let the request arrive, and its answer be lost."""
    world.exchange.arrive()
    world.exchange.answers.clear()
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()


def lose_request(world: OrderWorld, order: Order) -> None:
    """Let the request be lost on its way."""
    world.exchange.requests.clear()
    world.exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    world.exchange.tell()


def answer_for(world: OrderWorld, seconds: float) -> None:
    """Let time pass while the exchange answers."""
    for _ in range(int(seconds * 10)):
        world.clock.advance(S // 10)
        world.exchange.settle()


def test_an_order_whose_answer_was_lost_is_found_by_asking() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_answer(world, order)
    assert order.state is OrderState.UNKNOWN
    assert world.manager.exposure(world.instrument, Side.BUY) == 10
    answer_for(world, 1)
    assert order.state is OrderState.NEW


def test_an_order_that_was_filled_meanwhile_is_booked_once() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_answer(world, order)
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.answers.clear()
    answer_for(world, 2)
    assert order.state is OrderState.FILLED
    assert world.ledger.position(world.instrument) == 10 == world.exchange.position


def test_not_finding_an_order_proves_nothing_while_it_may_still_arrive() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    [late] = world.exchange.requests
    lose_request(world, order)
    answer_for(world, VALIDITY_NS / S - 1)
    assert world.manager.counters.queries > 1
    assert order.state is OrderState.UNKNOWN
    late()
    answer_for(world, 12)
    assert order.state is OrderState.NEW


def test_an_order_that_never_arrived_is_rejected_once_it_no_longer_can() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_request(world, order)
    answer_for(world, VALIDITY_NS / S + 25)
    assert order.state is OrderState.REJECTED
    assert world.manager.exposure(world.instrument, Side.BUY) == 0
    assert owner.told[-1] == ("rejected", order.client_order_id)


def test_an_order_that_never_arrived_is_rejected_also_if_its_cancel_is_sent_again_and_again() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_request(world, order)
    for _ in range(int(VALIDITY_NS / S + 25)):
        world.manager.cancel(order)
        answer_for(world, 1)
    assert order.state is OrderState.REJECTED


def test_a_question_that_waited_long_for_its_turn_counts_from_when_it_was_put() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_request(world, order)
    world.clock.advance(S)  # the question is asked, and waits
    world.clock.advance(VALIDITY_NS)
    asked_ns = world.clock.now_ns()
    for at_ns in (order.created_ns + VALIDITY_NS - 1, asked_ns):
        assert order.state is OrderState.UNKNOWN
        world.manager.on_report(
            OrderReport(client_order_id=order.client_order_id, kind=ReportKind.NOT_FOUND, asked_ns=at_ns)
        )
    assert order.state is OrderState.REJECTED


def test_at_the_end_of_a_run_nothing_is_asked_any_more() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.manager.close()
    lose_answer(world, order)
    asked = world.manager.counters.queries
    world.clock.advance(60 * S)
    assert world.manager.counters.queries == asked
    assert world.clock.next_timer_ns() is None


def test_an_order_of_an_earlier_run_may_still_arrive_after_a_restart() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    [late] = world.exchange.requests
    world.exchange.requests.clear()
    world.manager.store.finish(world.manager.store.open[order.client_order_id])  # as if we had crashed
    order.state = OrderState.UNKNOWN
    world.manager.adopt(order, owner)
    answer_for(world, 2)
    assert order.state is OrderState.UNKNOWN
    late()
    answer_for(world, 12)
    assert order.state is OrderState.NEW


def test_a_question_without_an_answer_is_asked_again_for_ever() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_answer(world, order)
    for _ in range(600):
        world.clock.advance(S)
        world.exchange.requests.clear()
    asked = world.manager.counters.queries
    assert 50 < asked < 200  # at most every ten seconds or so, and never given up
    answer_for(world, 11)
    assert order.state is OrderState.NEW


def test_the_answer_to_an_early_question_is_no_proof_for_a_late_one() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    lose_request(world, order)
    world.clock.advance(S)
    early = world.exchange.requests.popleft()
    world.clock.advance(VALIDITY_NS + 20 * S)  # asked again, long after
    world.exchange.requests.clear()
    early()
    world.exchange.settle()
    assert order.state is OrderState.UNKNOWN


def test_an_order_whose_cancel_was_refused_and_whose_fill_was_lost_is_asked_about() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.settle()
    world.exchange.fill(order.client_order_id, 10)
    world.exchange.answers.clear()
    world.manager.cancel(order)
    world.exchange.settle()
    assert order.state is OrderState.NEW  # the refusal is no evidence
    answer_for(world, 2)
    assert order.state is OrderState.FILLED
    assert world.ledger.position(world.instrument) == 10


def test_an_end_that_is_ahead_of_its_fills_asks_for_them() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.settle()
    world.exchange.fill(order.client_order_id, 4)
    world.exchange.answers.clear()
    world.exchange.end(order.client_order_id, ReportKind.CANCELED)
    world.exchange.tell()
    assert order.state is OrderState.PENDING_CANCEL
    answer_for(world, 2)
    assert order.state is OrderState.CANCELED
    assert world.ledger.position(world.instrument) == 4


def test_a_request_that_its_client_forgot_is_asked_about() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.arrive()
    world.exchange.answers.clear()
    world.clock.advance(5 * S)
    world.manager.doubt_silent()
    answer_for(world, 1)
    assert order.state is OrderState.PENDING_NEW  # an answer may still come
    world.clock.advance(20 * S)
    world.manager.doubt_silent()
    answer_for(world, 1)
    assert order.state is OrderState.NEW


def test_nothing_is_sent_while_an_exchange_is_lost_but_cancels() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.settle()
    world.manager.on_lost("test", "its private stream is gone")
    refused = place(world, owner, 8_999)
    assert refused.state is OrderState.REJECTED
    assert refused.reason == "exchange: test cannot be traded on now: its private stream is gone"
    world.manager.cancel(order)
    world.exchange.settle()
    assert order.state is OrderState.CANCELED
    world.manager.on_ready("test")
    assert place(world, owner).state is OrderState.PENDING_NEW


def test_what_the_exchange_trades_for_us_by_itself_is_booked_and_halts() -> None:
    world, owner = make_world(), NotedOwner()
    order = place(world, owner)
    world.exchange.settle()
    fill = world.exchange.fill(order.client_order_id, 3)
    fill.client_order_id, fill.exchange_made = "autoclose-1", True
    world.exchange.tell()
    assert world.ledger.position(world.instrument) == 3
    assert "by itself" in world.manager.halted


def test_fills_of_an_earlier_run_are_booked_and_those_of_others_are_not() -> None:
    world, owner = make_world(), NotedOwner()
    earlier = "testNameAnd".ljust(12, "x")
    order = place(world, owner)
    world.exchange.settle()
    for client_order_id in (f"{order.client_order_id[:12]}otherrun1", earlier):
        fill = world.exchange.fill(order.client_order_id, 1)
        fill.client_order_id = client_order_id
        world.exchange.tell()
    assert world.ledger.position(world.instrument) == 1
    assert world.manager.counters.foreign == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": OrderType.STOP_LIMIT}, "stop-limit order needs a trigger price"),
        ({"trigger_price": Price(9_100)}, "limit order has no trigger price"),
        ({"expire_ns": 1}, "a GTD order needs expire_ns"),
    ],
)
def test_orders_that_contradict_themselves_are_refused(fields: dict[str, object], reason: str) -> None:
    world, owner = make_world(), NotedOwner()
    order = world.manager.place(owner, world.instrument, Side.BUY, Size(10), Price(9_000), **fields)  # type: ignore[arg-type]
    assert order.state is OrderState.REJECTED
    assert reason in order.reason


def test_a_batch_without_batches_is_orders_one_by_one() -> None:
    world, owner = make_world(), NotedOwner()
    requests = [
        OrderRequest(side=Side.BUY, size=Size(1), price=Price(9_000 - n), time_in_force=TimeInForce.IOC)
        for n in range(3)
    ]
    orders = world.manager.place_batch(owner, world.instrument, requests)
    assert [order.price for order in orders] == [9_000, 8_999, 8_998]
    assert len(world.exchange.messages) == 3


# -- the law: whatever is lost, in the end we know what the exchange knows --------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["place", "cancel", "amend", "arrive", "tell", "lose request", "lose answer", "fill", "wait"]
        ),
        st.integers(0, 5),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_whatever_is_lost_in_the_end_we_know_what_the_exchange_knows(steps: list[tuple[str, int]]) -> None:
    world, owner = make_world(), NotedOwner()
    exchange, manager = world.exchange, world.manager
    orders: list[Order] = []
    for what, n in steps:
        chosen = orders[n % len(orders)] if orders else None
        if what == "place":
            orders.append(place(world, owner, 9_000 - n))
        elif what == "cancel" and chosen:
            manager.cancel(chosen)
        elif what == "amend" and chosen:
            manager.amend(chosen, Price(8_900 + n), Size(10 + n))
        elif what == "arrive" and exchange.requests:
            exchange.arrive()
        elif what == "tell" and exchange.answers:
            exchange.tell(n % len(exchange.answers))
        elif what == "lose request" and exchange.requests:
            exchange.requests.popleft()
        elif what == "lose answer" and exchange.answers:
            exchange.answers.pop(n % len(exchange.answers))
        elif what == "fill" and exchange.resting:
            resting = list(exchange.resting)
            chosen_id = resting[n % len(resting)]
            exchange.fill(chosen_id, min(3, exchange.resting[chosen_id].left))
        elif what == "wait":
            world.clock.advance(n * S)
        # An order that may trade never leaves the exposure, whatever was lost.
        at_exchange = sum(order.left for order in exchange.resting.values() if order.side is Side.BUY)
        known = world.ledger.position(world.instrument) + manager.exposure(world.instrument, Side.BUY)
        assert known >= exchange.position + at_exchange
    # From here on nothing is lost. A client gives up requests whose answers do not come.
    exchange.settle()
    for order in orders:
        if order.state in (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE):
            exchange.report(order.client_order_id, ReportKind.UNKNOWN)
    for order in orders:
        if order.is_open:
            manager.doubt(order)
    for _ in range(60):
        world.clock.advance(S)
        exchange.settle()
    assert world.ledger.position(world.instrument) == exchange.position
    open_here = {order.client_order_id for order in manager.open_orders(world.instrument)}
    assert open_here == set(exchange.resting)
    assert not any(order.state is OrderState.UNKNOWN for order in orders)
    for order in manager.open_orders(world.instrument):
        theirs = exchange.resting[order.client_order_id]
        assert (order.price, order.size, order.filled) == (theirs.price, theirs.size, theirs.filled)
