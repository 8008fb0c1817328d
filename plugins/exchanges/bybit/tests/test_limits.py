"""What Bybit says of its limits is read as it is meant, and heeded."""

from __future__ import annotations

from typing import Any

import pytest

from hft import OrderEntry
from hft_bybit import limits
from hft_bybit.endpoints import Product
from hft_bybit.stream import BybitStream

from .trading import SECOND_NS, START_MS, World, order, refused

CREATE = limits.order_costs(Product.LINEAR, "create", rest=True)


@pytest.mark.parametrize(
    ("costs", "headers", "usage"),
    [
        (CREATE, {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "7"}, [("linear create", 3)]),
        (CREATE, {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "many"}, []),
        (CREATE, {"X-Bapi-Limit-Status": "7"}, []),
        (CREATE, {}, []),
        ((("rest", 1),), {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "7"}, []),
        (
            limits.query_costs("/v5/order/realtime"),
            {"X-Bapi-Limit": "50", "X-Bapi-Limit-Status": "49"},
            [("open orders", 1)],
        ),
    ],
)
def test_what_is_left_of_the_bucket_that_was_asked_of(
    costs: Any, headers: dict[str, str], usage: list[tuple[str, int]]
) -> None:
    assert list(BybitStream.usage(costs, headers)) == usage


def test_how_long_a_bucket_stays_empty() -> None:
    headers = {"X-Bapi-Limit-Reset-Timestamp": "1700000000500"}
    assert limits.wait_ns(headers, 1_700_000_000_100_000_000) == 400_000_000
    assert limits.wait_ns(headers, 1_700_000_001_000_000_000) == 0
    assert limits.wait_ns({}, 5) == 0


def test_every_limit_that_is_named_is_published() -> None:
    published = {limit.name: limit for limit in (*limits.RATE_LIMITS, *limits.ORDER_LIMITS)}
    assert len(published) == len(limits.RATE_LIMITS) + len(limits.ORDER_LIMITS)
    for product in Product:
        for operation in ("create", "amend", "cancel", "create-batch", "cancel-batch"):
            for rest in (False, True):
                for name, _ in limits.order_costs(product, operation, rest=rest):
                    assert name in published
        batch = published[f"{product.value} create-batch"]
        assert limits.BATCH[product] <= batch.weight * (1 - batch.reserve)
    for path in (*limits.QUERIES, "/v5/market/time"):
        assert all(name in published for name, _ in limits.query_costs(path))


async def test_an_address_that_asks_too_often_asks_nothing_for_ten_minutes() -> None:
    world = await World(order_entry=OrderEntry.REST).ready()
    world.client.place(order())
    world.call.answer("access too frequent", 403)
    assert world.link.refusals == [(None, 600 * SECOND_NS)]


@pytest.mark.parametrize("rest", [False, True])
async def test_a_limit_that_is_used_up_is_left_alone_until_the_exchange_says(rest: bool) -> None:
    world = await World(**({"order_entry": OrderEntry.REST} if rest else {})).ready()
    world.client.place(order())
    header = {
        "X-Bapi-Limit": "10",
        "X-Bapi-Limit-Status": "0",
        "X-Bapi-Limit-Reset-Timestamp": str(START_MS + 400),
    }
    if rest:
        world.call.answer(refused(10006, "Too many visits!"), headers=header)
    else:
        world.answer({}, code=10006, message="Too many visits!", header=header)
    assert world.link.refusals == [("linear create", 400_000_000)]
    assert world.link.used == {"linear create": 10}
    assert world.report().reason == "not sent: Too many visits!"
