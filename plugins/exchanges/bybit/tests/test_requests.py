"""Orders become what the exchange documents, by either way; what it does not have is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hft import OrderError, OrderType, PositionSide, Price, Side, Size, TimeInForce
from hft_bybit.requests import OrderBodies, order_frame

from .trading import LINEAR, SPOT, order

LIMIT = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.010",
    "price": "60000.0",
    "timeInForce": "GTC",
    "orderLinkId": "a1",
    "positionIdx": 0,
}
SPOT_LIMIT = {name: value for name, value in LIMIT.items() if name != "positionIdx"} | {"category": "spot"}
MARKET = {name: value for name, value in LIMIT.items() if name != "price"} | {
    "orderType": "Market",
    "timeInForce": "IOC",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, LIMIT),
        ({"side": Side.SELL, "post_only": True}, LIMIT | {"side": "Sell", "timeInForce": "PostOnly"}),
        ({"time_in_force": TimeInForce.IOC}, LIMIT | {"timeInForce": "IOC"}),
        ({"time_in_force": TimeInForce.FOK}, LIMIT | {"timeInForce": "FOK"}),
        ({"reduce_only": True}, LIMIT | {"reduceOnly": True}),
        ({"position_side": PositionSide.LONG}, LIMIT | {"positionIdx": 1}),
        ({"position_side": PositionSide.SHORT}, LIMIT | {"positionIdx": 2}),
        (
            {"position_side": PositionSide.SHORT, "reduce_only": True},
            LIMIT | {"positionIdx": 2, "reduceOnly": True},
        ),
        ({"type": OrderType.MARKET, "price": None}, MARKET),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": Price(610_000)},
            LIMIT | {"triggerPrice": "61000.0", "triggerDirection": 1, "triggerBy": "LastPrice"},
        ),
        (
            {
                "type": OrderType.STOP_MARKET,
                "price": None,
                "trigger_price": Price(590_000),
                "side": Side.SELL,
            },
            MARKET
            | {"side": "Sell", "triggerPrice": "59000.0", "triggerDirection": 2, "triggerBy": "LastPrice"},
        ),
    ],
)
def test_orders_of_contracts(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json.loads(OrderBodies(LINEAR).place(order(**changes))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SPOT_LIMIT),
        ({"post_only": True}, SPOT_LIMIT | {"timeInForce": "PostOnly"}),
        (
            {"type": OrderType.MARKET, "price": None},
            {name: value for name, value in SPOT_LIMIT.items() if name != "price"}
            | {"orderType": "Market", "timeInForce": "IOC", "marketUnit": "baseCoin"},
        ),
    ],
)
def test_orders_of_spot(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json.loads(OrderBodies(SPOT).place(order(SPOT, **changes))) == expected


@pytest.mark.parametrize(
    ("traded", "changes", "why"),
    [
        (LINEAR, {"price": None}, "has a price"),
        (LINEAR, {"type": OrderType.MARKET}, "has none"),
        (LINEAR, {"trigger_price": Price(1)}, "trigger price"),
        (LINEAR, {"type": OrderType.STOP_LIMIT}, "trigger price"),
        (LINEAR, {"post_only": True, "time_in_force": TimeInForce.IOC}, "post-only"),
        (LINEAR, {"post_only": True, "type": OrderType.MARKET, "price": None}, "post-only"),
        (LINEAR, {"time_in_force": TimeInForce.GTD, "expire_ns": 5}, "GTC"),
        (LINEAR, {"type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.FOK}, "not FOK"),
        (LINEAR, {"position_side": PositionSide.LONG, "reduce_only": True}, "opens it"),
        (SPOT, {"reduce_only": True}, "reduce-only"),
        (SPOT, {"position_side": PositionSide.LONG}, "two sides"),
        (SPOT, {"type": OrderType.STOP_LIMIT, "trigger_price": Price(1)}, "stops"),
        (LINEAR, {"client_order_id": "a b"}, "client id"),
        (LINEAR, {"client_order_id": ""}, "client id"),
        (LINEAR, {"client_order_id": "x" * 37}, "client id"),
        (LINEAR, {"client_order_id": "é"}, "client id"),
    ],
)
def test_orders_that_the_exchange_does_not_have(traded: Any, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(OrderError, match=why):
        OrderBodies(traded).place(order(traded, **changes))


def test_self_trade_prevention_is_asked_for_with_every_order() -> None:
    bodies = OrderBodies(LINEAR, {"smpType": "CancelMaker"})
    assert json.loads(bodies.place(order())) == LIMIT | {"smpType": "CancelMaker"}


@pytest.mark.parametrize(
    ("price", "size", "changes"),
    [
        (600_001, 10, {"price": "60000.1"}),
        (600_000, 7, {"qty": "0.007"}),
        (599_999, 12, {"qty": "0.012", "price": "59999.9"}),
    ],
)
def test_of_an_amendment_only_what_changes_is_sent(price: int, size: int, changes: dict[str, str]) -> None:
    body = json.loads(OrderBodies(LINEAR).amend(order(), Price(price), Size(size)))
    assert body == {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a1", **changes}


def test_an_amendment_that_changes_nothing_is_none() -> None:
    with pytest.raises(OrderError, match="already"):
        OrderBodies(LINEAR).amend(order(), Price(600_000), Size(10))


def test_cancels_and_batches() -> None:
    bodies = OrderBodies(SPOT)
    cancels = [bodies.cancel(order(SPOT, client_order_id=each)) for each in ("a1", "a-2_B")]
    assert json.loads(cancels[1]) == {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "a-2_B"}
    assert json.loads(bodies.batch(cancels)) == {
        "category": "spot",
        "request": [
            {"symbol": "BTCUSDT", "orderLinkId": "a1"},
            {"symbol": "BTCUSDT", "orderLinkId": "a-2_B"},
        ],
    }


def test_a_frame() -> None:
    frame = order_frame("order.create", '{"a":1}', "7", time_ms=1711001595207, window_ms=8000)
    assert json.loads(frame) == {
        "reqId": "7",
        "header": {"X-BAPI-TIMESTAMP": "1711001595207", "X-BAPI-RECV-WINDOW": "8000"},
        "op": "order.create",
        "args": [{"a": 1}],
    }


@given(st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True), st.integers(1, 10**9), st.integers(1, 10**9))
def test_values_come_through_whatever_they_are(client_id: str, price: int, size: int) -> None:
    bodies = OrderBodies(LINEAR)
    placed = order(client_order_id=client_id, price=Price(price), size=Size(size))
    for _ in range(2):
        body = json.loads(bodies.place(placed))
        assert body["orderLinkId"] == client_id
        assert (LINEAR.price(body["price"]), LINEAR.size(body["qty"])) == (price, size)
