"""The state table: what it allows, and what no sequence of events may lead to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft.order import Order
from hft.orders.states import EDGES, Event, Target, edge_of, follow, has_ended, largest_size
from hft.testing.trading import make_instrument
from hft.types import OrderState, Price, Side, Size

INSTRUMENT = make_instrument()
FILLS = {Event.FILL, Event.LAST_FILL}


def make_order(state: OrderState, *, filled: int = 0, pending: int | None = None) -> Order:
    return Order(
        client_order_id="1",
        strategy="s",
        instrument=INSTRUMENT,
        side=Side.BUY,
        size=Size(10),
        price=Price(100),
        state=state,
        filled=Size(filled),
        pending_size=None if pending is None else Size(pending),
    )


def next_state(order: Order, event: Event) -> OrderState | None:
    edge = edge_of(order.state, event)
    return None if edge is None else follow(order, edge)


def test_every_state_has_a_row() -> None:
    assert set(EDGES) == set(OrderState)


@pytest.mark.parametrize("state", OrderState)
def test_what_is_said_without_asking_the_order_is_what_it_says(state: OrderState) -> None:
    assert has_ended(state) is state.is_final
    for pending in (None, 9, 10, 11):
        order = make_order(state, pending=pending)
        assert largest_size(order) == order.largest_size


@pytest.mark.parametrize("state", [state for state in OrderState if state.is_final])
def test_a_final_order_never_opens_again(state: OrderState) -> None:
    for event in Event:
        after = next_state(make_order(state, filled=3), event)
        assert after is None or after.is_final


@pytest.mark.parametrize("state", [state for state in OrderState if not state.is_final])
def test_the_last_fill_fills_every_open_order(state: OrderState) -> None:
    assert next_state(make_order(state, filled=10), Event.LAST_FILL) is OrderState.FILLED


@pytest.mark.parametrize("state", [state for state in OrderState if not state.is_final])
def test_an_open_order_ends_by_evidence_alone(state: OrderState) -> None:
    evidence = {Event.CANCELED, Event.EXPIRED, Event.REJECTED, Event.NOT_FOUND, Event.LAST_FILL}
    for event in set(Event) - evidence:
        after = next_state(make_order(state, filled=3), event)
        assert after is None or not after.is_final


def test_a_request_without_answer_is_neither_a_rejection_nor_an_acceptance() -> None:
    for state in (OrderState.PENDING_NEW, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE):
        assert next_state(make_order(state), Event.UNKNOWN) is OrderState.UNKNOWN


def test_unknown_is_left_by_evidence_alone() -> None:
    order = make_order(OrderState.UNKNOWN)
    leaving = {event for event in Event if next_state(order, event) not in (OrderState.UNKNOWN, None)}
    assert leaving == {
        Event.ACCEPTED, Event.REJECTED, Event.CANCELED, Event.EXPIRED, Event.REPLACED, Event.NOT_FOUND,
        *FILLS,
    }  # fmt: skip


@pytest.mark.parametrize("state", [state for state in OrderState if not state.is_final])
def test_what_is_not_found_was_canceled_if_the_exchange_ever_had_it(state: OrderState) -> None:
    assert next_state(make_order(state), Event.NOT_FOUND) is OrderState.REJECTED
    acknowledged = make_order(state)
    acknowledged.acknowledged = True
    assert next_state(acknowledged, Event.NOT_FOUND) is OrderState.CANCELED


@pytest.mark.parametrize(
    ("filled", "pending", "state"),
    [
        (0, None, OrderState.NEW),
        (3, None, OrderState.PARTIALLY_FILLED),
        (3, 12, OrderState.PENDING_REPLACE),
        (10, None, OrderState.FILLED),
        (10, 12, OrderState.PENDING_REPLACE),
        (12, 12, OrderState.FILLED),
        (3, 3, OrderState.PENDING_REPLACE),
    ],
)
def test_a_refused_cancel_returns_to_what_the_evidence_supports(
    filled: int, pending: int | None, state: OrderState
) -> None:
    order = make_order(OrderState.PENDING_CANCEL, filled=filled, pending=pending)
    assert EDGES[OrderState.PENDING_CANCEL][Event.CANCEL_REJECTED] is Target.OPEN
    assert next_state(order, Event.CANCEL_REJECTED) is state


@given(st.lists(st.sampled_from(list(Event)), max_size=30))
def test_any_sequence_of_events_ends_an_order_once(events: list[Event]) -> None:
    order = make_order(OrderState.PENDING_NEW)
    finals = 0
    for event in events:
        before = order.state
        after = next_state(order, event)
        if after is None:
            continue
        order.state = after
        finals += after.is_final and not before.is_final
    assert finals <= 1
