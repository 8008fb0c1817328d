"""What Bybit says of its limits is read as it is meant."""

from __future__ import annotations

from typing import Any

import pytest

from hft_bybit import limits
from hft_bybit.endpoints import Product
from hft_bybit.stream import BybitStream

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
