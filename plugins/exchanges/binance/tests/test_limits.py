"""What Binance says of its limits is read as it is meant."""

from __future__ import annotations

import pytest

from hft import HttpRequest, RestAnswer, RestCall
from hft_binance import limits
from hft_binance.endpoints import Product


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (b'{"code":-1015,"msg":"Too many new orders"}', ["spot orders 10s", "spot orders 1d"]),
        (b'{"code":-1003,"msg":"Too many requests"}', []),
        (b"<html>", []),
    ],
)
def test_too_many_orders_do_not_hold_up_cancels(body: bytes, about: list[str]) -> None:
    call = RestCall(
        method="POST",
        shown="/api/v3/order",
        write=lambda _: HttpRequest(url=""),
        costs=limits.PLACE_COSTS[Product.SPOT],
    )
    answer = RestAnswer(status=429, headers={}, body=body, sent_ns=0, recv_ns=1)
    assert limits.refusals(call, answer) == about


@pytest.mark.parametrize(
    ("costs", "headers", "usage"),
    [
        ((("spot", 5),), {"X-MBX-USED-WEIGHT-1M": "120"}, [("spot", 120)]),
        ((("usdm", 5), ("orders", 1)), {"X-MBX-USED-WEIGHT-1M": "7"}, [("usdm", 7)]),
        ((("spot connections", 1),), {"X-MBX-USED-WEIGHT-1M": "7"}, []),
        ((("spot", 5),), {"X-MBX-USED-WEIGHT-1M": "many"}, []),
        ((("spot", 5),), {}, []),
    ],
)
def test_the_weight_is_that_of_the_product_that_was_asked(
    costs: limits.Costs, headers: dict[str, str], usage: list[tuple[str, int]]
) -> None:
    assert limits.usage(costs, headers) == usage
