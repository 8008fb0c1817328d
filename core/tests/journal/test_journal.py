"""What a journal was told is what a later run finds."""

from __future__ import annotations

from pathlib import Path

import attrs

from hft.order import Order
from hft.testing.journal import JournalDesk
from hft.types import OrderState, Size


def facts(order: Order) -> dict[str, object]:
    """Return all that the journal keeps of an order."""
    values = {field.name: getattr(order, field.name) for field in attrs.fields(Order)}
    del values["stamps"]
    return values | {"instrument": order.instrument.id}


def test_an_order_is_found_as_it_was_last(desk: JournalDesk, tmp_path: Path) -> None:
    order = desk.order(1, post_only=True, replaces="abc10")
    desk.journal.intend_place(order)
    order.state = OrderState.PARTIALLY_FILLED
    order.filled = Size(3)
    order.exchange_order_id = "77"
    desk.journal.order(order)
    desk.journal.flush()
    found = desk.recover(desk.killed(tmp_path / "copy"))
    assert {key: facts(one) for key, one in found.orders.items()} == {"abc11": facts(order)}
    assert found.damage == ""


def test_an_intent_that_the_database_did_not_get_is_an_unknown_order(
    desk: JournalDesk, tmp_path: Path
) -> None:
    first, second = desk.order(1), desk.order(2, price=None)
    desk.journal.intend_place(first)
    desk.journal.flush()
    desk.journal.intend_place(second)
    found = desk.recover(desk.killed(tmp_path / "copy"))
    for order in (first, second):
        order.state = OrderState.UNKNOWN
    assert [facts(one) for one in found.orders.values()] == [facts(first), facts(second)]
    assert found.damage == ""
