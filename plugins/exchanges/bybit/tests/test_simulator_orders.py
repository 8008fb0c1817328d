"""Orders and accounts of the simulated Bybit, by REST and by websocket."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hft import Side
from hft.sim import EventOrder

S = 1_000_000_000
LIMIT = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit"}
LINEAR = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit"}


def best(running: Any, symbol: str, side: Side) -> Decimal:
    """Return the best price of a side."""
    market = running.market(symbol)
    (price, _), *_ = market.levels(side, 1)
    return Decimal(market.instrument.price_to_decimal(price))


async def events(socket: Any, *topics: str) -> dict[str, list[Any]]:
    """Return what came until now, by topic."""
    await socket.ask("ping")
    found: dict[str, list[Any]] = {topic: [] for topic in topics}
    for frame in socket.events:
        found.setdefault(frame["topic"], []).extend(frame["data"])
    socket.events.clear()
    return found


# -- one order -----------------------------------------------------------------------------------


@pytest.mark.parametrize("category", ["spot", "linear"])
async def test_the_life_of_an_order(venue: Any, category: str) -> None:
    running = await venue(events=EventOrder.AFTER)
    asked = {**LIMIT, "category": category, "qty": "0.01", "price": "59000", "orderLinkId": "mine-1"}
    async with running.private("order", "wallet") as stream:
        placed = await running.place(**asked)
        assert placed["orderLinkId"] == "mine-1"
        order_id = placed["orderId"]
        seen = await events(stream, "order", "wallet")
        assert [order["orderStatus"] for order in seen["order"]] == ["New"]
        assert {coin["coin"] for coin in seen["wallet"][0]["coin"]} >= {"USDT"}
        order = await running.order(order_id, category)
        assert (order["price"], order["qty"], order["leavesQty"]) == (
            seen["order"][0]["price"],
            seen["order"][0]["qty"],
            seen["order"][0]["qty"],
        )
        named = {"category": category, "symbol": "BTCUSDT", "orderLinkId": "mine-1"}
        await running.call("POST", "/v5/order/amend", **named, price="58000", qty="0.02")
        seen = await events(stream, "order")
        assert [Decimal(order["price"]) for order in seen["order"]] == [58000]
        assert [Decimal(order["qty"]) for order in seen["order"]] == [Decimal("0.02")]
        await running.call("POST", "/v5/order/amend", 10001, **named)
        await running.call("POST", "/v5/order/amend", 10001, **named, price="58000", qty="0.02")
        await running.call("POST", "/v5/order/cancel", **named)
        seen = await events(stream, "order")
        assert [(o["orderStatus"], o["cancelType"]) for o in seen["order"]] == [("Cancelled", "CancelByUser")]
        missing = 170213 if category == "spot" else 110001
        await running.call("POST", "/v5/order/cancel", missing, **named)
        await running.call("POST", "/v5/order/amend", missing, **named, price="57000")
        assert (await running.order(order_id, category))["orderStatus"] == "Cancelled"
        twice = 170141 if category == "spot" else 110072
        await running.place(twice, **asked)


@pytest.mark.parametrize(
    ("change", "spot", "linear"),
    [
        ({"symbol": "NOPE"}, 170121, 10001),
        ({"side": "Both"}, 10001, 10001),
        ({"orderType": "Stop"}, 10001, 10001),
        ({"price": None}, 10001, 10001),
        ({"qty": None}, 10001, 10001),
        ({"qty": "0"}, 10001, 10001),
        ({"qty": "-1"}, 10001, 10001),
        ({"price": "59000.001"}, 170134, 10001),
        ({"qty": "0.0100001"}, 170137, 10001),
        ({"price": "1"}, 170132, 110003),
        ({"qty": "0.00001", "price": "50000"}, 170140, 10001),
        ({"qty": "3", "price": "59000"}, 170131, None),
        ({"qty": "30", "price": "59000"}, 170131, 110007),
        ({"timeInForce": "GTD"}, 10001, 10001),
        ({"orderLinkId": "no spaces"}, 10001, 10001),
        ({"orderLinkId": "x" * 37}, 10001, 10001),
        ({"smpType": "Everyone"}, 10001, 10001),
        ({"reduceOnly": True}, None, 110017),
        ({"positionIdx": 1}, None, 10001),
        ({"triggerPrice": "70000"}, 170210, None),
    ],
)
async def test_orders_that_are_refused(
    venue: Any, change: dict[str, Any], spot: int | None, linear: int | None
) -> None:
    running = await venue()
    for category, code in (("spot", spot), ("linear", linear)):
        asked = {**LIMIT, "category": category, "qty": "0.01", "price": "59000", **change}
        await running.place(code or 0, **{name: value for name, value in asked.items() if value is not None})


async def test_fills_are_told_and_booked(venue: Any) -> None:
    running = await venue(events=EventOrder.AFTER)
    async with running.private("order", "execution", "wallet", "execution.fast") as stream:
        price = best(running, "BTC/USDT", Side.SELL)
        await running.place(qty="0.001", price=str(price + 10), orderLinkId="taker")
        seen = await events(stream)
        (fill,) = seen["execution"]
        assert Decimal(fill["execPrice"]) == price
        assert fill["isMaker"] is False
        assert fill["feeCurrency"] == "BTC"
        assert Decimal(fill["execFee"]) == Decimal("0.000001")
        assert seen["order"][-1]["orderStatus"] == "Filled"
        balances = {coin["coin"]: coin for coin in seen["wallet"][-1]["coin"]}
        assert Decimal(balances["BTC"]["walletBalance"]) == 2 + Decimal("0.001") - Decimal("0.000001")
        listed = await running.call("GET", "/v5/execution/list", category="spot", orderLinkId="taker")
        assert [each["execId"] for each in listed["result"]["list"]] == [fill["execId"]]
        # The other side of a trade between two accounts.
        await running.place(qty="0.001", price="59990", side="Buy", orderLinkId="maker")
        await running.place(by=1, qty="0.001", price="59990", side="Sell")
        seen = await events(stream)
        assert [each["isMaker"] for each in seen.get("execution", [])] in ([True], [])


async def test_what_cannot_rest_ends(venue: Any) -> None:
    running = await venue(events=EventOrder.AFTER)
    ask = best(running, "BTC/USDT:USDT", Side.SELL)
    async with running.private("order") as stream:
        placed = []
        for time, price, qty in (
            ("PostOnly", ask + 5, "0.01"),
            ("IOC", ask - 5, "0.01"),
            ("FOK", ask, "16"),
        ):
            order = {**LINEAR, "qty": qty, "price": str(price), "timeInForce": time}
            placed.append((await running.place(**order))["orderId"])
        seen = await events(stream, "order")
        ended = {order["orderId"]: order for order in seen["order"] if order["orderStatus"] == "Cancelled"}
        assert [ended[order_id]["rejectReason"] for order_id in placed] == [
            "EC_PostOnlyWillTakeLiquidity",
            "EC_NoImmediateQtyToFill",
            "EC_CancelForNoFullFill",
        ]
        for order_id in placed:
            assert (await running.order(order_id, "linear"))["orderStatus"] == "Cancelled"


async def test_market_orders(venue: Any) -> None:
    running = await venue()
    # A market buy on spot counts money unless it says otherwise.
    placed = await running.place(orderType="Market", qty="1000")
    order = await running.order(placed["orderId"])
    assert Decimal(900) < Decimal(order["cumExecValue"]) <= 1000
    placed = await running.place(orderType="Market", qty="0.01", marketUnit="baseCoin")
    assert Decimal((await running.order(placed["orderId"]))["cumExecQty"]) == Decimal("0.01")
    placed = await running.place(orderType="Market", side="Sell", qty="0.01")
    assert Decimal((await running.order(placed["orderId"]))["cumExecQty"]) == Decimal("0.01")
    placed = await running.place(**{**LINEAR, "orderType": "Market"}, qty="0.01")
    order = await running.order(placed["orderId"], "linear")
    assert order["orderStatus"] == "Filled"
    assert order["timeInForce"] == "IOC"


async def test_orders_do_not_trade_with_their_own(venue: Any) -> None:
    running = await venue(events=EventOrder.AFTER)
    ask = best(running, "BTC/USDT:USDT", Side.SELL)
    tick = running.market("BTC/USDT:USDT").instrument.tick_size
    inside = str(ask - tick) if best(running, "BTC/USDT:USDT", Side.BUY) < ask - tick else None
    if inside is None:  # the spread is one tick: join the queue, and take all that rests there
        inside = str(ask)
    mine = await running.place(**{**LINEAR, "side": "Sell", "qty": "0.01", "price": inside})
    async with running.private("order") as stream:
        order = {**LINEAR, "qty": "10", "price": inside, "timeInForce": "IOC", "smpType": "CancelMaker"}
        await running.place(**order)
        seen = await events(stream, "order")
        ended = [each for each in seen["order"] if each["orderId"] == mine["orderId"]]
        assert [each["cancelType"] for each in ended] == ["CancelBySmp"]


async def test_stops_of_contracts(venue: Any) -> None:
    running = await venue()
    order = {**LINEAR, "orderType": "Market", "qty": "0.01", "triggerPrice": "70000", "triggerDirection": 1}
    placed = await running.place(**order)
    stop = await running.order(placed["orderId"], "linear")
    assert stop["orderStatus"] == "Untriggered"
    await running.place(110093, **{**order, "triggerDirection": 2, "triggerBy": "MarkPrice"})
    await running.call("POST", "/v5/order/cancel", category="linear", symbol="BTCUSDT", **placed)
    assert (await running.order(placed["orderId"], "linear"))["orderStatus"] == "Deactivated"


# -- several orders ------------------------------------------------------------------------------


async def test_batches_have_a_verdict_for_each(venue: Any) -> None:
    running = await venue()
    good = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000"}
    async with running.trade() as socket:
        answer = await socket.order(
            "create-batch", category="linear", request=[good, {**good, "qty": "0"}, {**good, "price": "1"}]
        )
        codes = [verdict["code"] for verdict in answer["retExtInfo"]["list"]]
        assert codes == [0, 10001, 110003]
        ids = [each["orderId"] for each in answer["data"]["list"]]
        assert [bool(each) for each in ids] == [True, False, False]
        named = {"symbol": "BTCUSDT", "orderId": ids[0]}
        changed = [{**named, "price": "58000"}, {"symbol": "BTCUSDT", "orderId": "nobody", "qty": "1"}]
        answer = await socket.order("amend-batch", category="linear", request=changed)
        assert [verdict["code"] for verdict in answer["retExtInfo"]["list"]] == [0, 110001]
        answer = await socket.order("cancel-batch", category="linear", request=[named, named])
        assert [verdict["code"] for verdict in answer["retExtInfo"]["list"]] == [0, 110001]
        await socket.order("create-batch", 10001, category="linear", request=[])
    running.clock.advance(2 * S)
    body = await running.call("POST", "/v5/order/create-batch", category="spot", request=[good, good])
    assert [verdict["code"] for verdict in body["retExtInfo"]["list"]] == [0, 0]
    await running.call("POST", "/v5/order/create-batch", 10001, category="spot", request=[good] * 11)


async def test_cancel_all(venue: Any) -> None:
    running = await venue()
    for number in range(3):
        await running.place(qty="0.01", price=str(59000 + number))
        await running.place(**LINEAR, qty="0.01", price=str(59000 + number))
    await running.place(by=1, qty="0.01", price="59000")
    await running.call("POST", "/v5/order/cancel-all", 10001, category="linear")
    answer = await running.call("POST", "/v5/order/cancel-all", category="linear", settleCoin="USDT")
    assert len(answer["result"]["list"]) == 3
    answer = await running.call("POST", "/v5/order/cancel-all", category="spot")
    assert len(answer["result"]["list"]) == 3
    listed = await running.call("GET", "/v5/order/realtime", by=1, category="spot")
    assert len(listed["result"]["list"]) == 1


async def test_lists_come_in_pages(venue: Any) -> None:
    running = await venue()
    placed = [(await running.place(qty="0.01", price=str(59000 + n)))["orderId"] for n in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        asked = {"category": "spot", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await running.call("GET", "/v5/order/realtime", **asked))["result"]
        found += [order["orderId"] for order in page["list"]]
        cursor = page["nextPageCursor"]
        if not cursor:
            break
    assert found == placed[::-1]


# -- order entry by websocket --------------------------------------------------------------------


async def test_order_entry(venue: Any) -> None:
    running = await venue(events=EventOrder.BEFORE)
    order = {**LINEAR, "qty": "0.01", "price": "59000"}
    async with running.trade() as socket, running.private("order.linear") as stream:
        answer = await socket.order("create", **order)
        assert answer["header"]["X-Bapi-Limit"] == "10"
        assert (await stream.topic("order.linear"))[0]["orderId"] == answer["data"]["orderId"]
        await socket.order("create", 10002, late_ms=6_000, **order)
        await socket.order("create", 10001, **{**order, "qty": "0"})
        await socket.order("dance", 10404, **order)
        named = {"category": "linear", "symbol": "BTCUSDT", "orderId": answer["data"]["orderId"]}
        await socket.order("amend", **named, price="58000")
        await socket.order("cancel", **named)
        await socket.order("cancel", 110001, **named)
        assert (await socket.ask("ping"))["op"] == "pong"
        socket.count = 1  # the next id has been used
        with pytest.raises(AssertionError, match="20006"):
            await socket.order("create", **order)
        assert (await socket.log_in())["retCode"] == 20001


# -- the account ---------------------------------------------------------------------------------


async def test_positions_of_both_modes(venue: Any) -> None:
    running = await venue()
    market = {**LINEAR, "orderType": "Market"}
    path = "/v5/position/list"
    await running.call("GET", path, 10001, category="linear")
    # Every order makes a message, whether it changes the position or not.
    async with running.private("position") as stream:
        await running.place(**market, qty="0.02")
        held = (await events(stream, "position"))["position"][-1]
        assert (held["side"], Decimal(held["size"]), held["positionIdx"]) == ("Buy", Decimal("0.02"), 0)
        assert Decimal(held["entryPrice"]) > 0
    (listed,) = (await running.call("GET", path, category="linear", settleCoin="USDT"))["result"]["list"]
    assert listed["avgPrice"] == held["entryPrice"]
    assert "entryPrice" not in listed
    switch = {"category": "linear", "coin": "USDT"}
    await running.call("POST", "/v5/position/switch-mode", 110024, **switch, mode=3)
    close = {**market, "side": "Sell", "reduceOnly": True}
    await running.place(**close, qty="0.02")
    await running.call("POST", "/v5/position/switch-mode", **switch, mode=3)
    await running.call("POST", "/v5/position/switch-mode", 110025, **switch, mode=3)
    await running.place(10001, **market, qty="0.01")
    await running.place(**market, qty="0.01", positionIdx=1)
    await running.place(**{**market, "side": "Sell"}, qty="0.03", positionIdx=2)
    both = (await running.call("GET", path, category="linear", symbol="BTCUSDT"))["result"]["list"]
    assert [(each["side"], Decimal(each["size"]), each["positionIdx"]) for each in both] == [
        ("Buy", Decimal("0.01"), 1),
        ("Sell", Decimal("0.03"), 2),
    ]


async def test_leverage_and_fees(venue: Any) -> None:
    running = await venue()
    leverage = {"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "5", "sellLeverage": "5"}
    await running.call("POST", "/v5/position/set-leverage", **leverage)
    await running.call("POST", "/v5/position/set-leverage", 110043, **leverage)
    await running.call("POST", "/v5/position/set-leverage", 110013, **{**leverage, "buyLeverage": "500"})
    fees = await running.call("GET", "/v5/account/fee-rate", category="linear", symbol="BTCUSDT")
    assert fees["result"]["list"] == [
        {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}
    ]
    await running.call("GET", "/v5/account/wallet-balance", 10001, accountType="SPOT")


async def test_funding_is_an_execution(venue: Any) -> None:
    running = await venue()
    await running.place(**{**LINEAR, "orderType": "Market"}, qty="0.05")
    async with running.private("execution", "wallet") as stream:
        await running.control("funding", product="linear", symbol="BTC/USDT:USDT", rate="0.001")
        (paid,) = await stream.topic("execution")
        assert paid["execType"] == "Funding"
        fee = Decimal(paid["execFee"])
        assert fee > 0
        (coin,) = (await stream.topic("wallet"))[0]["coin"]
        assert coin["coin"] == "USDT"
    listed = await running.call("GET", "/v5/execution/list", category="linear", execType="Funding")
    assert [each["execId"] for each in listed["result"]["list"]] == [paid["execId"]]


async def test_the_dead_mans_switch(venue: Any) -> None:
    running = await venue()
    path = "/v5/order/disconnected-cancel-all"
    await running.call("POST", path, 10001, product="DERIVATIVES", timeWindow=2)
    await running.call("POST", path, product="DERIVATIVES", timeWindow=5)
    infos = (await running.call("GET", "/v5/account/query-dcp-info"))["result"]["dcpInfos"]
    assert {info["product"]: info["timeWindow"] for info in infos} == {"DERIVATIVES": "5", "SPOT": "10"}
    linear = await running.place(**LINEAR, qty="0.01", price="59000")
    spot = await running.place(qty="0.01", price="59000")
    async with running.private("dcp.future") as first:
        async with running.private("dcp.future") as second:
            assert await second.is_silent()
        running.clock.advance(20 * S)
        assert await first.is_silent()
        assert (await running.order(linear["orderId"], "linear"))["orderStatus"] == "New"
    while running.simulator.sockets.connections:
        await second.venue.truth()
    running.clock.advance(4 * S)
    assert (await running.order(linear["orderId"], "linear"))["orderStatus"] == "New"
    running.clock.advance(2 * S)
    ended = await running.order(linear["orderId"], "linear")
    assert (ended["orderStatus"], ended["cancelType"]) == ("Cancelled", "CancelByDCP")
    assert (await running.order(spot["orderId"]))["orderStatus"] == "New"


async def test_accounts_without_the_switch(venue: Any) -> None:
    running = await venue(dead_man=False)
    path = "/v5/order/disconnected-cancel-all"
    await running.call("POST", path, 10005, product="SPOT", timeWindow=5)
    assert (await running.call("GET", "/v5/account/query-dcp-info"))["result"]["dcpInfos"] == []


async def test_the_controls(venue: Any) -> None:
    running = await venue()
    account = {"account": "account1", "product": "linear"}
    async with running.private("wallet", "execution", "order") as stream:
        await running.control("balance", account="account1", product="spot", asset="BTC", amount="7.5")
        (coin,) = (await stream.topic("wallet"))[0]["coin"]
        assert (coin["coin"], coin["walletBalance"]) == ("BTC", "7.5")
        await running.place(**{**LINEAR, "orderType": "Market"}, qty="0.1")
        await events(stream)
        await running.control("liquidate", **account)
        seen = await events(stream)
        assert [each["execType"] for each in seen["execution"]] == ["BustTrade"] * len(seen["execution"])
        assert seen["order"][-1]["orderLinkId"] == ""
    truth = (await running.truth())["account1"]
    assert [Decimal(each["size"]) for each in truth["linear"]["positions"]] == [0]
    listed = await running.call("GET", "/v5/position/list", category="linear", settleCoin="USDT")
    assert listed["result"]["list"] == []
