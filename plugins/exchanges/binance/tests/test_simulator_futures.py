"""Trading at the simulated USD-M futures, by REST."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from hft import Side

ORDER = "/fapi/v1/order"
FAR = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTX",
    "quantity": "0.010",
    "price": "59000.0",
}
MARKET = {"symbol": "BTCUSDT", "type": "MARKET", "quantity": "0.010", "newOrderRespType": "RESULT"}


async def test_an_order_is_placed_modified_and_canceled(venue: Any) -> None:
    running = await venue()
    placed = await running.call("POST", ORDER, **FAR, newClientOrderId="d:1")
    assert (placed["clientOrderId"], placed["status"], placed["timeInForce"]) == ("d:1", "NEW", "GTX")
    assert "avgPrice" not in placed
    assert running.headers["X-MBX-ORDER-COUNT-1M"] == "1"
    name = {"symbol": "BTCUSDT", "origClientOrderId": "d:1"}
    queried = await running.call("GET", ORDER, **name)
    assert queried["avgPrice"] == "0.00"
    assert await running.call("GET", "/fapi/v1/openOrder", **name) == queried
    assert await running.call("GET", "/fapi/v1/openOrders") == [queried]
    changed = await running.call("PUT", ORDER, **name, side="BUY", quantity="0.020", price="59001.0")
    assert (changed["origQty"], changed["price"], changed["orderId"]) == (
        "0.020",
        "59001.0",
        placed["orderId"],
    )
    assert await running.code("PUT", ORDER, **name, side="BUY", quantity="0.020", price="59001.0") == -5027
    assert await running.code("PUT", ORDER, **name, side="BUY", quantity="0.020") == -1102
    assert (await running.call("DELETE", ORDER, **name))["status"] == "CANCELED"
    assert await running.code("DELETE", ORDER, **name) == -2011
    assert await running.code("GET", "/fapi/v1/openOrder", **name) == -2013
    assert (await running.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT"))[0]["status"] == "CANCELED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPE"}, -1121),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "GUESS"}, -1116),
        ({"price": "59000.05"}, -4014),
        ({"price": "59000.005"}, -1111),
        ({"quantity": "0.0105"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "2000000"}, -4005),
        ({"quantity": "0.000"}, -4003),
        ({"price": "50000.0"}, -4131),
        ({"price": "60500.0"}, -5022),
        ({"price": "60500.0", "timeInForce": "FOK", "quantity": "9000"}, -5021),
        ({"quantity": "50"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"positionSide": "LONG"}, -4061),
        ({"newClientOrderId": "white space"}, -4015),
        ({"timeInForce": None}, -1102),
        ({"wish": "luck"}, -1104),
    ],
)
async def test_refusals(venue: Any, changes: dict[str, Any], code: int) -> None:
    running = await venue()
    params = {name: value for name, value in {**FAR, **changes}.items() if value is not None}
    assert await running.code("POST", ORDER, **params) == code


async def test_the_smallest_order_and_the_same_name_twice(venue: Any) -> None:
    running = await venue(symbols=("BTC/USDT:USDT", "DOGE/USDT:USDT"))
    doge = {**FAR, "symbol": "DOGEUSDT", "quantity": "10", "price": "0.12000"}
    answer = await running.call("POST", ORDER, 400, **doge)
    assert answer["msg"] == "Order's notional must be no smaller than 20 (unless you choose reduce only)."
    await running.call("POST", ORDER, **FAR, newClientOrderId="d1")
    assert await running.code("POST", ORDER, **FAR, newClientOrderId="d1") == -4116


async def test_a_position_is_opened_and_closed(venue: Any) -> None:
    running = await venue()
    opened = await running.call("POST", ORDER, **MARKET, side="SELL")
    assert (opened["status"], opened["executedQty"]) == ("FILLED", "0.010")
    (position,) = await running.call("GET", "/fapi/v3/positionRisk")
    assert (position["positionAmt"], position["positionSide"]) == ("-0.010", "BOTH")
    assert Decimal(position["entryPrice"]) == Decimal(opened["avgPrice"])
    await running.call("POST", ORDER, **MARKET, side="BUY", reduceOnly="true")
    assert await running.call("GET", "/fapi/v3/positionRisk") == []
    trades = await running.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    incomes = await running.call("GET", "/fapi/v1/income")
    wallet = 100_000 + sum(Decimal(income["income"]) for income in incomes)
    assert wallet == 100_000 + sum(
        Decimal(trade["realizedPnl"]) - Decimal(trade["commission"]) for trade in trades
    )
    (balance,) = await running.call("GET", "/fapi/v3/balance")
    assert Decimal(balance["balance"]) == Decimal(balance["availableBalance"]) == wallet
    account = await running.call("GET", "/fapi/v3/account")
    assert Decimal(account["totalWalletBalance"]) == wallet
    assert len(await running.call("GET", "/fapi/v2/positionRisk")) == 2


async def test_batches(venue: Any) -> None:
    running = await venue()
    path = "/fapi/v1/batchOrders"
    orders = [{**FAR, "newClientOrderId": f"b{n}"} for n in range(3)] + [{**FAR, "quantity": "0"}]
    placed = await running.call("POST", path, batchOrders=json.dumps(orders))
    assert [one.get("code", one.get("status")) for one in placed] == ["NEW", "NEW", "NEW", -4003]
    assert running.headers["X-MBX-ORDER-COUNT-10S"] == "4"
    change = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.011", "price": "59000.0"}
    changes = [{**change, "origClientOrderId": "b0"}, {**change, "origClientOrderId": "none"}]
    changed = await running.call("PUT", path, batchOrders=json.dumps(changes))
    assert [one.get("code", one.get("origQty")) for one in changed] == ["0.011", -2013]
    ids = json.dumps([placed[0]["orderId"], 1])
    ended = await running.call("DELETE", path, symbol="BTCUSDT", orderIdList=ids)
    assert [one.get("code", one.get("status")) for one in ended] == ["CANCELED", -2011]
    names = json.dumps(["b1"])
    (one,) = await running.call("DELETE", path, symbol="BTCUSDT", origClientOrderIdList=names)
    assert one["status"] == "CANCELED"
    assert await running.code("POST", path, batchOrders=json.dumps(orders * 2)) == -4082
    assert (await running.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT"))["code"] == 200
    assert await running.call("GET", "/fapi/v1/openOrders") == []


async def test_the_countdown_cancels(venue: Any) -> None:
    running = await venue()
    await running.call("POST", ORDER, **FAR)
    path = "/fapi/v1/countdownCancelAll"
    answer = await running.call("POST", path, symbol="BTCUSDT", countdownTime=3000)
    assert answer == {"symbol": "BTCUSDT", "countdownTime": "3000"}
    running.clock.advance(2_000_000_000)
    await running.call("POST", path, symbol="BTCUSDT", countdownTime=3000)
    running.clock.advance(2_000_000_000)
    assert len(await running.call("GET", "/fapi/v1/openOrders")) == 1
    running.clock.advance(1_000_000_000)
    assert await running.call("GET", "/fapi/v1/openOrders") == []
    await running.call("POST", ORDER, **FAR)
    await running.call("POST", path, symbol="BTCUSDT", countdownTime=3000)
    await running.call("POST", path, symbol="BTCUSDT", countdownTime=0)
    running.clock.advance(9_000_000_000)
    assert len(await running.call("GET", "/fapi/v1/openOrders")) == 1


async def test_conditional_orders(venue: Any) -> None:
    running = await venue()
    path = "/fapi/v1/algoOrder"
    await running.call("POST", ORDER, **MARKET, side="BUY")
    stop = {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "quantity": "0.010",
        "reduceOnly": "true",
    }
    assert await running.code("POST", path, **stop, triggerPrice="61000") == -2021
    levels = running.market("BTC/USDT:USDT").levels(Side.BUY, 3)
    price = f"{levels[-1][0] / 10:.1f}"
    placed = await running.call("POST", path, **stop, triggerPrice=price, clientAlgoId="a1")
    assert (placed["algoStatus"], placed["orderType"]) == ("NEW", "STOP_MARKET")
    assert [one["algoId"] for one in await running.call("GET", "/fapi/v1/openAlgoOrders")] == [
        placed["algoId"]
    ]
    gone = await running.call("POST", path, **stop, triggerPrice="59000")
    await running.call("DELETE", path, algoId=gone["algoId"])
    assert await running.code("DELETE", path, algoId=gone["algoId"]) == -2011
    market = {"product": "usdm", "symbol": "BTC/USDT:USDT"}
    await running.control("trade", **market, side="sell", size="500", price=price)
    running.clock.advance(1)
    done = await running.call("GET", path, clientAlgoId="a1")
    assert done["algoStatus"] == "FINISHED"
    order = await running.call("GET", ORDER, symbol="BTCUSDT", orderId=done["actualOrderId"])
    assert (order["origType"], order["type"], order["reduceOnly"]) == ("STOP_MARKET", "MARKET", True)


async def test_settings(venue: Any) -> None:
    running = await venue()
    symbol = {"symbol": "BTCUSDT"}
    leverage = await running.call("POST", "/fapi/v1/leverage", **symbol, leverage=5)
    assert leverage["leverage"] == 5
    assert await running.code("POST", "/fapi/v1/leverage", **symbol, leverage=126) == -4028
    await running.call("POST", "/fapi/v1/marginType", **symbol, marginType="ISOLATED")
    assert await running.code("POST", "/fapi/v1/marginType", **symbol, marginType="ISOLATED") == -4046
    (config,) = await running.call("GET", "/fapi/v1/symbolConfig", **symbol)
    assert (config["marginType"], config["leverage"]) == ("ISOLATED", 5)
    await running.call("POST", ORDER, **FAR)
    dual = {"dualSidePosition": "true"}
    assert await running.code("POST", "/fapi/v1/positionSide/dual", **dual) == -4067
    await running.call("DELETE", "/fapi/v1/allOpenOrders", **symbol)
    await running.call("POST", "/fapi/v1/positionSide/dual", **dual)
    assert await running.call("GET", "/fapi/v1/positionSide/dual") == {"dualSidePosition": True}
    assert await running.code("POST", "/fapi/v1/positionSide/dual", **dual) == -4059
    assert await running.code("POST", ORDER, **FAR) == -4061
    await running.call("POST", ORDER, **MARKET, side="BUY", positionSide="LONG")
    assert await running.code("POST", ORDER, **MARKET, side="BUY", positionSide="SHORT") == -2022
    (position,) = await running.call("GET", "/fapi/v3/positionRisk")
    assert (position["positionSide"], Decimal(position["isolatedWallet"])) > ("LONG", Decimal(119))
    rate = await running.call("GET", "/fapi/v1/commissionRate", **symbol)
    assert (rate["makerCommissionRate"], rate["takerCommissionRate"]) == ("0.0002", "0.0005")
    assert (await running.call("GET", "/fapi/v1/accountConfig"))["dualSidePosition"] is True
    assert await running.call("GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": False}


async def test_the_truth_agrees_with_the_answers(venue: Any) -> None:
    running = await venue()
    await running.call("POST", ORDER, **FAR, newClientOrderId="open")
    await running.call("POST", ORDER, **MARKET, side="BUY", newClientOrderId="done")
    await running.code("POST", ORDER, **{**FAR, "quantity": "50"}, newClientOrderId="poor")
    truth = (await running.truth())["account1"]["usdm"]
    assert {order["client_id"]: order["state"] for order in truth["orders"]} == {
        "open": "new",
        "done": "filled",
        "poor": "rejected",
    }
    fills = [fill for order in truth["orders"] for fill in order["fills"]]
    trades = await running.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [(fill["trade_id"], fill["price"], fill["size"]) for fill in fills] == [
        (trade["id"], trade["price"], trade["qty"]) for trade in trades
    ]
    (position,) = truth["positions"]
    assert position["size"] == "0.010"
    fees = sum(Decimal(fill["fee"]) for fill in fills)
    assert Decimal(truth["wallets"]["USDT"]) == 100_000 - fees


async def test_the_controls(venue: Any) -> None:
    running = await venue()
    account = {"account": "account1", "product": "usdm"}
    await running.control("deposit", **account, asset="USDT", amount="-99000")
    await running.control("balance", account="account1", product="spot", asset="BTC", amount="7.5")
    truth = (await running.truth())["account1"]
    assert truth["usdm"]["wallets"]["USDT"] == "1000"
    assert truth["spot"]["balances"]["BTC"] == {"free": "7.5", "locked": "0"}
    await running.call("POST", ORDER, **MARKET, side="BUY")
    await running.control("funding", product="usdm", symbol="BTC/USDT:USDT", rate="0.001")
    funding = await running.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert [Decimal(one["income"]) < 0 for one in funding] == [True]
    await running.control("liquidate", **account)
    assert await running.call("GET", "/fapi/v3/positionRisk") == []
    newest = (await running.call("GET", "/fapi/v1/allOrders", symbol="BTCUSDT"))[-1]
    assert newest["clientOrderId"].startswith("autoclose-")
    wrong = await running.control("deposit", 400, account="nobody", product="usdm", asset="USDT", amount="1")
    assert "there is no 'nobody'" in wrong["error"]
    wrong = await running.control("deposit", 400, **account, asset="USDT", amount="all")
    assert wrong["error"] == "amount: 'all' is not a decimal"
