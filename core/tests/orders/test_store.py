"""Every order of the process: what is open, in which order, and what is still known of what has ended."""

from __future__ import annotations

import pytest

from hft.order import Order
from hft.orders.record import Record, new_record
from hft.orders.store import OrderStore
from hft.testing.orders import NotedOwner, OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import OrderState, Price, Side, Size

KEPT = 10_000
OWNER = NotedOwner()


@pytest.fixture
def store() -> OrderStore:
    """Return a store with a desk for each of two instruments."""
    world = OrderWorld(make_market(make_instrument()))
    world.manager.add_market(make_market(make_instrument("ETH/USDT")))
    return world.manager.store


def made(store: OrderStore, client_order_id: str, desk: int = 0, size: int = 3) -> Record:
    instrument = list(store.desks)[desk]
    order = Order(
        client_order_id=client_order_id,
        strategy="strategy",
        instrument=instrument,
        side=Side.BUY,
        size=Size(size),
        price=Price(9_000),
    )
    return new_record(order, store.desks[instrument], OWNER)


def end(store: OrderStore, record: Record) -> None:
    record.order.state = OrderState.CANCELED
    store.finish(record)


def test_what_is_open_at_several_desks_is_in_the_order_of_placing(store: OrderStore) -> None:
    records = [made(store, f"{number}", number % 2) for number in range(6)]
    for record in records:
        store.add(record)
    end(store, records[2])
    left = [record for record in records if record is not records[2]]
    assert store.all_open() == store.select(None, None) == list(store.open.values()) == left
    assert list(store.open) == ["0", "1", "3", "4", "5"]
    assert store.open_count == 5
    assert [desk.buys for desk in store.desks.values()] == [6, 9]
    assert [len(desk.records) for desk in store.desks.values()] == [2, 3]


def test_an_order_is_open_or_finished_and_found_as_what_it_is(store: OrderStore) -> None:
    record = made(store, "a")
    assert store.find("a") is None
    store.add(record)
    assert store.find("a") is store.find_open("a") is record
    assert store.find_finished("a") is None
    end(store, record)
    assert store.find("a") is store.find_finished("a") is record
    assert store.find_open("a") is None
    assert store.finished == {"a": record}
    assert not store.open


def test_what_is_open_is_not_taken_for_what_is_remembered_of_it(store: OrderStore) -> None:
    record = made(store, "a")
    store.add(record)
    store.remember(made(store, "a"))
    assert store.find("a") is record


def test_what_was_taken_in_again_is_not_forgotten_with_what_it_was(store: OrderStore) -> None:
    first = made(store, "a")
    store.add(first)
    end(store, first)
    again = made(store, "a")
    store.add(again)
    for number in range(KEPT):
        store.remember(made(store, f"{number}"))
    assert store.find_open("a") is again
    assert len(store.finished) == KEPT
    store.remember(made(store, "last"))
    assert store.find("0") is None
    assert store.find("1") is not None


def test_letting_go_of_what_has_ended_keeps_what_is_open(store: OrderStore) -> None:
    kept, gone = made(store, "kept"), made(store, "gone")
    store.add(kept)
    store.add(gone)
    end(store, gone)
    store.forget_finished()
    assert store.find("gone") is None
    assert store.find("kept") is kept
    end(store, kept)
    assert store.finished == {"kept": kept}


def test_an_order_ends_once(store: OrderStore) -> None:
    record = made(store, "a")
    store.add(record)
    end(store, record)
    with pytest.raises(KeyError, match="a"):
        store.finish(record)
    assert store.open_count == 0
