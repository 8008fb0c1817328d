"""Trading at the simulated spot exchange, by REST."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hft import Side

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
FAR = {**LIMIT, "quantity": "0.00100", "price": "59000.00"}


async def place(venue: Any, **changes: Any) -> Any:
    return await venue.call("POST", "/api/v3/order", **{**FAR, **changes})


async def test_an_order_is_placed_found_and_canceled(venue: Any) -> None:
    running = await venue()
    placed = await place(running, newClientOrderId="x-1")
    assert (placed["clientOrderId"], placed["status"], placed["fills"]) == ("x-1", "NEW", [])
    assert running.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    name = {"symbol": "BTCUSDT", "origClientOrderId": "x-1"}
    queried = await running.call("GET", "/api/v3/order", **name)
    assert (queried["orderId"], queried["isWorking"]) == (placed["orderId"], True)
    assert await running.call("GET", "/api/v3/openOrders", symbol="BTCUSDT") == [queried]
    assert await running.call("GET", "/api/v3/openOrders") == [queried]
    canceled = await running.call("DELETE", "/api/v3/order", **name, newClientOrderId="bye")
    assert (canceled["origClientOrderId"], canceled["clientOrderId"]) == ("x-1", "bye")
    assert canceled["status"] == "CANCELED"
    assert await running.call("GET", "/api/v3/openOrders") == []
    (history,) = await running.call("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert (history["status"], history["clientOrderId"]) == ("CANCELED", "x-1")
    # Another account sees nothing of it.
    assert await running.call("GET", "/api/v3/allOrders", symbol="BTCUSDT", by=2) == []
    assert await running.code("GET", "/api/v3/order", by=2, **name) == -2013


async def test_a_market_order_fills_and_moves_balances(venue: Any) -> None:
    running = await venue()
    order = await running.call(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01000", form=True
    )
    assert (order["status"], order["executedQty"]) == ("FILLED", "0.01000000")
    cost = sum(Decimal(fill["price"]) * Decimal(fill["qty"]) for fill in order["fills"])
    assert Decimal(order["cummulativeQuoteQty"]) == cost
    account = await running.call("GET", "/api/v3/account", omitZeroBalances="true")
    balances = {entry["asset"]: entry for entry in account["balances"]}
    assert balances["BTC"] == {"asset": "BTC", "free": "2.00999000", "locked": "0.00000000"}
    assert Decimal(balances["USDT"]["free"]) == 100_000 - cost
    trades = await running.call("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=order["orderId"])
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in order["fills"]]
    assert {trade["commissionAsset"] for trade in trades} == {"BTC"}
    by_quote = await running.call(
        "POST", "/api/v3/order", symbol="BTCUSDT", side="SELL", type="MARKET", quoteOrderQty="100"
    )
    assert 99 < Decimal(by_quote["cummulativeQuoteQty"]) <= 100


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("ACK", {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}),
        ("RESULT", {"origQty", "executedQty", "status", "workingTime", "selfTradePreventionMode"}),
        ("FULL", {"fills"}),
    ],
)
async def test_kinds_of_answers(venue: Any, kind: str, keys: set[str]) -> None:
    running = await venue()
    order = await place(running, newOrderRespType=kind)
    assert keys <= set(order)
    assert (kind == "ACK") is (set(order) == keys)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "GUESS"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"price": "59000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "59000.0000000001"}, -1111, "Parameter 'price' has too much precision."),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "a lot"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"price": "1.00", "quantity": "10"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "2"}, -2010, "Account has insufficient balance for requested action."),
        (
            {"newClientOrderId": "white space"},
            -1100,
            "Illegal characters found in parameter 'newClientOrderId'",
        ),
        ({"newClientOrderId": "x" * 37}, -1100, "Illegal characters found in parameter"),
        (
            {"wish": "luck"},
            -1104,
            "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
        ),
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent"),
        ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"selfTradePreventionMode": "TRANSFER"}, -1013, "This symbol does not allow"),
    ],
)
async def test_refusals(venue: Any, changes: dict[str, Any], code: int, text: str) -> None:
    running = await venue()
    params = {name: value for name, value in {**FAR, **changes}.items() if value is not None}
    answer = await running.call("POST", "/api/v3/order", 400, **params)
    assert (answer["code"], answer["msg"][: len(text)]) == (code, text)
    assert await running.call("GET", "/api/v3/openOrders") == []
    # What never got as far as the exchange's books is in no history; what did is in the truth.
    refused = (await running.truth())["account1"]["spot"]["orders"]
    assert [order["state"] for order in refused] == ["rejected"] * len(refused)


async def test_refusals_by_what_is_there(venue: Any) -> None:
    running = await venue()
    await place(running, newClientOrderId="x-1")
    again = await running.call("POST", "/api/v3/order", 400, **FAR, newClientOrderId="x-1")
    assert again == {"code": -2010, "msg": "Duplicate order sent."}
    maker = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.001"}
    crossing = await running.call("POST", "/api/v3/order", 400, **maker, price="60500.00")
    assert crossing == {"code": -2010, "msg": "Order would immediately match and take."}
    assert (await running.call("POST", "/api/v3/order", **maker, price="59000.00"))["transactTime"]
    unknown = await running.call("DELETE", "/api/v3/order", 400, symbol="BTCUSDT", orderId=1)
    assert unknown == {"code": -2011, "msg": "Unknown order sent."}
    unknown = await running.call("GET", "/api/v3/order", 400, symbol="BTCUSDT", orderId=1)
    assert unknown == {"code": -2013, "msg": "Order does not exist."}
    assert await running.code("DELETE", "/api/v3/openOrders", symbol="ETHUSDT") == -2011
    assert len(await running.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")) == 2
    assert await running.code("DELETE", "/api/v3/order", symbol="BTCUSDT") == -1102


async def test_times_in_force_and_their_ends(venue: Any) -> None:
    running = await venue()
    for words in ("IOC", "FOK"):
        order = await place(running, timeInForce=words)
        assert (order["status"], order["executedQty"]) == ("EXPIRED", "0.00000000")
    rest = await running.call("GET", "/api/v3/account")
    assert all(Decimal(entry["locked"]) == 0 for entry in rest["balances"])
    taken = await place(running, timeInForce="FOK", price="61000.00")
    assert taken["status"] == "FILLED"


async def test_an_amendment_keeps_priority(venue: Any) -> None:
    running = await venue()
    await place(running, newClientOrderId="x-1")
    ahead = {"symbol": "BTCUSDT", "origClientOrderId": "x-1"}
    path = "/api/v3/order/amend/keepPriority"
    answer = await running.call("PUT", path, **ahead, newClientOrderId="x-1", newQty="0.00050")
    assert answer["amendedOrder"]["qty"] == "0.00050000"
    answer = await running.call("PUT", path, **ahead, newQty="0.00040")
    renamed = answer["amendedOrder"]["clientOrderId"]
    assert answer["amendedOrder"]["origClientOrderId"] == "x-1" != renamed
    assert (await running.call("GET", "/api/v3/order", **ahead))["clientOrderId"] == renamed
    assert await running.code("PUT", path, **ahead, newQty="0.00050") == -2038
    assert await running.code("PUT", path, symbol="BTCUSDT", orderId=1, newQty="0.00050") == -2013
    (order,) = (await running.truth())["account1"]["spot"]["orders"]
    assert (order["client_id"], order["former_client_ids"]) == (renamed, ["x-1"])


async def test_cancel_and_replace(venue: Any) -> None:
    running = await venue()
    path = "/api/v3/order/cancelReplace"
    await place(running, newClientOrderId="old")
    ask = {**FAR, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old"}
    done = await running.call("POST", path, **ask, newClientOrderId="new")
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert done["newOrderResponse"]["clientOrderId"] == "new"
    failed = await running.call("POST", path, 400, **ask)
    assert (failed["code"], failed["data"]["newOrderResult"]) == (-2022, "NOT_ATTEMPTED")
    half = await running.call("POST", path, 409, **{**ask, "cancelReplaceMode": "ALLOW_FAILURE"})
    assert (half["code"], half["data"]["cancelResponse"]["code"]) == (-2021, -2011)
    poor = {**ask, "cancelOrigClientOrderId": "new", "quantity": "5"}
    half = await running.call("POST", path, 409, **poor)
    assert (half["data"]["cancelResult"], half["data"]["newOrderResponse"]["code"]) == ("SUCCESS", -2010)


async def test_a_stop_waits_and_works(venue: Any) -> None:
    running = await venue()
    (ask, _), *_ = running.market("BTC/USDT").levels(Side.SELL, 1)
    await running.control("trade", product="spot", symbol="BTC/USDT", side="buy", size="0.00001")
    stop = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_LOSS", "quantity": "0.001"}
    assert await running.code("POST", "/api/v3/order", **stop, stopPrice="59000.00") == -2010
    order = await running.call("POST", "/api/v3/order", **stop, stopPrice=f"{(ask + 100) / 100:.2f}")
    query = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert not (await running.call("GET", "/api/v3/order", **query))["isWorking"]
    market = {"product": "spot", "symbol": "BTC/USDT"}
    await running.control("trade", **market, side="buy", size="20", price=f"{(ask + 300) / 100:.2f}")
    running.clock.advance(1)
    assert (await running.call("GET", "/api/v3/order", **query))["status"] == "FILLED"


async def test_what_an_account_may_and_pays(venue: Any) -> None:
    running = await venue(withdrawals=True)
    rights = await running.call("GET", "/sapi/v1/account/apiRestrictions")
    assert (rights["enableWithdrawals"], rights["enableSpotAndMarginTrading"]) == (True, True)
    assert (rights["ipRestrict"], rights["enableFutures"]) == (False, True)
    plain = await venue()
    assert not (await plain.call("GET", "/sapi/v1/account/apiRestrictions"))["enableWithdrawals"]
    fees = await plain.call("GET", "/api/v3/account/commission", symbol="BTCUSDT")
    assert fees["standardCommission"]["maker"] == "0.00100000"
    counts = await plain.call("GET", "/api/v3/rateLimit/order")
    assert [entry["count"] for entry in counts] == [0, 0]
    assert await plain.call("POST", "/api/v3/order/test", **FAR) == {}
    assert await plain.code("POST", "/api/v3/order/test", **{**FAR, "quantity": "0"}) == -1013
    assert await plain.call("GET", "/api/v3/openOrders") == []
    gone = await plain.raw("POST", "/api/v3/userDataStream", 410)
    assert gone["code"] == -1000


async def test_orders_are_counted_and_limited(venue: Any) -> None:
    running = await venue()
    for _ in range(50):
        await place(running)
    too_many = await running.call("POST", "/api/v3/order", 429, **FAR)
    assert too_many == {
        "code": -1015,
        "msg": "Too many new orders; current limit is 50 orders per 10 SECOND.",
    }
    assert "RETRY-AFTER" not in running.headers
    assert (await place(running, by=2))["status"] == "NEW"
    running.clock.advance(10 * 10**9)
    assert (await place(running))["status"] == "NEW"
    unlimited = await venue(limits=0)
    for _ in range(60):
        await place(unlimited)


async def test_a_fill_gives_the_place_of_an_order_back(venue: Any) -> None:
    running = await venue()
    for _ in range(3):
        await place(running, price="61000.00")
    assert running.headers["X-MBX-ORDER-COUNT-10S"] == "0"
    await place(running)
    assert running.headers["X-MBX-ORDER-COUNT-10S"] == "1"


async def test_weights_are_counted_with_those_of_public_requests(venue: Any) -> None:
    running = await venue()
    await running.call("GET", "/api/v3/account")
    assert running.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    await place(running)
    assert running.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    for _ in range(74):
        await running.call("GET", "/api/v3/openOrders")
    refused = await running.call("GET", "/api/v3/openOrders", 429)
    assert refused["code"] == -1003
    assert running.headers["RETRY-AFTER"] == "60"
    for _ in range(9):
        await running.call("GET", "/api/v3/openOrders", 429)
    banned = await running.call("GET", "/api/v3/openOrders", 418)
    assert "banned until" in banned["msg"]
