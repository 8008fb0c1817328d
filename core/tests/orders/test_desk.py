"""One instrument's side of order keeping: which sizes and prices may be sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from hft.orders.desk import Desk
from hft.primitives import copied
from hft.testing.orders import OrderWorld
from hft.testing.trading import make_instrument, make_market
from hft.types import BookState, Size

MOST = 2**63 - 1


def make_desk(**changes: Any) -> Desk:
    world = OrderWorld(make_market(attrs.evolve(make_instrument(), **changes)))
    return world.manager.store.desks[world.instrument]


def refusal(desk: Desk, price: Any, size: Any, *, reduce_only: bool = False) -> str:
    order = copied(desk.blank)
    order.reduce_only = reduce_only
    return desk.refusal(order, price, size)


@pytest.mark.parametrize(
    ("price", "size", "why"),
    [
        (1, 1, ""),
        (2**30 - 1, 2**30, ""),
        (2**30, 2**30 - 1, ""),
        (2**60, 2**60, ""),
        (MOST, 2**62, ""),
        (MOST + 1, 1, ""),
        (10**30, 1, ""),
        (0, 1, "price"),
        (-1, 1, "price"),
        (-(2**40), 1, "price"),
        (-(10**30), 1, "price"),
        (1, 0, "size"),
        (1, -1, "size"),
        (1, -(10**30), "size"),
        (1, 2**62 + 1, "size"),
        (1, 10**30, "size"),
        (0, 0, "size"),
        (True, True, ""),
        (1.5, 1.5, ""),
        (0.5, 0.5, "size"),
        (-0.5, 1, "price"),
    ],
)
def test_every_number_is_compared_as_it_is(price: Any, size: Any, why: str) -> None:
    assert refusal(make_desk(), price, size).partition(":")[0] == why


@pytest.mark.parametrize(("size", "why"), [(2, "size"), (3, ""), (7, ""), (8, "size")])
def test_sizes_have_the_exchanges_limits(size: int, why: str) -> None:
    desk = make_desk(min_size=Size(3), max_size=Size(7))
    assert refusal(desk, 100, size).partition(":")[0] == why


@pytest.mark.parametrize("beyond", [2**62 + 1, 10**30])
def test_limits_may_be_beyond_every_size(beyond: int) -> None:
    assert refusal(make_desk(max_size=Size(beyond)), 1, 2**62) == ""
    assert refusal(make_desk(max_size=Size(beyond)), 1, beyond) == ""
    assert refusal(make_desk(max_size=Size(beyond)), 1, beyond + 1).startswith("size: ")
    desk = make_desk(min_size=Size(beyond), max_size=None)
    assert refusal(desk, 1, 2**62).startswith("size: ")


def test_what_is_worth_too_little_may_only_close() -> None:
    instrument = make_instrument()
    desk = make_desk(min_notional=instrument.point_value * 100)
    assert refusal(desk, 100, 1) == ""
    assert refusal(desk, 99, 2) == ""
    assert refusal(desk, 99, 1).startswith("notional: ")
    assert refusal(desk, 99, 1, reduce_only=True) == ""


def test_a_least_value_may_be_beyond_every_price() -> None:
    desk = make_desk(min_notional=Decimal(10**30))
    assert refusal(desk, MOST, 1).startswith("notional: ")


def test_a_market_order_is_valued_at_what_it_would_meet() -> None:
    desk = make_desk()
    assert refusal(desk, None, 1) == ""
    desk.market.book.clear()
    assert refusal(desk, None, 1).startswith("book: ")


def test_nothing_else_is_asked_where_nothing_can_be_sent() -> None:
    desk = make_desk()
    desk.offline = "exchange: it is lost"
    assert refusal(desk, 0, 0) == "exchange: it is lost"
    desk.market.book.state = BookState.SYNCING
    assert refusal(desk, 0, 0).startswith("book: ")
    closed = make_desk(tradable=False)
    assert refusal(closed, 1, 1).startswith("instrument: ")
