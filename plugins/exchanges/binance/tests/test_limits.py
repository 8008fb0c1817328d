"""What Binance says of its limits is read as it is meant, and passed on."""

from __future__ import annotations

import pytest

from hft import HttpRequest, RestAnswer, RestCall
from hft_binance import limits
from hft_binance.endpoints import Product

from .trading import SECOND_NS, SPOT, USDM, USDM_ORDERS, World, order


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


async def test_what_the_exchange_counts_is_passed_on() -> None:
    world = await World(SPOT, USDM).ready()
    assert world.link.limits == {"spot orders 10s": 100}
    world.client.place(order(SPOT))
    send = world.link.sends[-1]
    counts = [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 3},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1, "count": 70},
        {"rateLimitType": "NEW_KIND", "interval": "HOUR", "intervalNum": 1, "limit": 1, "count": 1},
    ]
    answer = {"id": send.json["id"], "status": 200, "result": {"orderId": 1}, "rateLimits": counts}
    world.link.receive(send.conn, answer)
    assert world.link.used == {"spot orders 10s": 3, "spot": 70}
    world.link.close(USDM_ORDERS)
    world.client.cancel(order(USDM))
    headers = {"X-MBX-USED-WEIGHT-1M": "12", "X-MBX-ORDER-COUNT-10S": "4", "X-MBX-ORDER-COUNT-1M": "9"}
    world.link.calls[-1].answer({"orderId": 1, "status": "CANCELED"}, 200, headers)
    assert world.link.used["usdm"] == 12
    assert (world.link.used["usdm orders 10s"], world.link.used["usdm orders 1m"]) == (4, 9)


@pytest.mark.parametrize(
    ("status", "code", "limits"),
    [(429, -1003, ["spot"]), (429, -1015, ["spot orders 10s", "spot orders 1d"]), (418, -1003, [None])],
)
async def test_too_many_requests_hold_back_what_they_are_about(
    status: int, code: int, limits: list[str | None]
) -> None:
    world = await World(SPOT).ready()
    world.client.place(order(SPOT))
    send = world.link.sends[-1]
    error = {"code": code, "msg": "too many", "data": {"serverTime": 1000, "retryAfter": 4000}}
    world.link.receive(send.conn, {"id": send.json["id"], "status": status, "error": error})
    assert world.link.refusals == [(limit, 3 * SECOND_NS) for limit in limits]
    assert world.report().reason == "not sent: too many"
