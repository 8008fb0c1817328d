"""Clients that others wrote trade at the simulated Bybit as they would at the real one.

They are no dependency of the project: ``tox -e clients`` installs them.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.served import served

SYMBOL, FUTURE = "BTC/USDT", "BTC/USDT:USDT"
WHY = "it is not installed, run tox -e clients"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """Give what ``hft sim bybit`` says of itself."""
    with served("bybit") as said:
        yield said


# -- ccxt ----------------------------------------------------------------------------------------


def redirected(client: Any, ready: dict[str, Any]) -> Any:
    """Point a client of ccxt at the simulator: hosts change, nothing else."""
    ws = ready["ws"]["spot"].removesuffix("/v5/public/spot")
    urls: dict[str, Any] = {name: ready["rest"] for name in client.urls["api"] if name != "ws"}
    if "ws" in client.urls["api"]:
        text = re.sub(r"wss://[^/\"]+", ws, json.dumps(client.urls["api"]["ws"]))
        urls["ws"] = json.loads(text)
    client.urls["api"] = urls
    client.options["fetchMarkets"] = {"types": ["spot", "linear"]}
    return client


@pytest.fixture
def ccxt_client(ready: dict[str, Any]) -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt", reason=WHY)
    account = ready["accounts"][0]
    client = redirected(ccxt.bybit({"apiKey": account["key"], "secret": account["secret"]}), ready)
    client.load_markets()
    yield client
    client.session.close()


def test_ccxt_trades_spot(ccxt_client: Any) -> None:
    client = ccxt_client
    before = client.fetch_balance()
    bid = client.fetch_order_book(SYMBOL)["bids"][0][0]
    asked = {"clientOrderId": "ccxt-1"}
    order = client.create_order(SYMBOL, "limit", "buy", 0.001, round(bid * 0.98, 2), asked)
    (listed,) = client.fetch_open_orders(SYMBOL)
    assert (listed["id"], listed["clientOrderId"], listed["status"]) == (order["id"], "ccxt-1", "open")
    client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.002, round(bid * 0.97, 2))
    (listed,) = client.fetch_open_orders(SYMBOL)
    assert (listed["amount"], listed["price"]) == (0.002, round(bid * 0.97, 2))
    client.cancel_order(order["id"], SYMBOL)
    assert client.fetch_open_orders(SYMBOL) == []
    taken = client.create_order(SYMBOL, "market", "sell", 0.01)
    closed = client.fetch_closed_order(taken["id"], SYMBOL)
    assert (closed["status"], closed["filled"]) == ("closed", 0.01)
    trades = client.fetch_my_trades(SYMBOL)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}
    after = client.fetch_balance()
    assert after["BTC"]["total"] - before["BTC"]["total"] == pytest.approx(-0.01)
    client.create_order(SYMBOL, "limit", "buy", 0.001, round(bid * 0.98, 2))
    client.cancel_all_orders(SYMBOL)
    assert client.fetch_open_orders(SYMBOL) == []


def test_ccxt_trades_contracts(ccxt_client: Any) -> None:
    client = ccxt_client
    bid = client.fetch_ticker(FUTURE)["bid"]
    client.set_leverage(5, FUTURE)
    order = client.create_order(FUTURE, "limit", "buy", 0.01, round(bid * 0.98, 1), {"postOnly": True})
    assert client.fetch_open_order(order["id"], FUTURE)["postOnly"]
    client.cancel_order(order["id"], FUTURE)
    client.create_order(FUTURE, "market", "buy", 0.01)
    (position,) = client.fetch_positions([FUTURE])
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    stop = client.create_order(
        FUTURE, "market", "sell", 0.01, None, {"stopLossPrice": round(bid * 0.95, 1), "reduceOnly": True}
    )
    client.cancel_order(stop["id"], FUTURE, {"trigger": True})
    client.create_order(FUTURE, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert [one for one in client.fetch_positions([FUTURE]) if one["contracts"]] == []
    signed = [
        trade["amount"] if trade["side"] == "buy" else -trade["amount"]
        for trade in client.fetch_my_trades(FUTURE)
    ]
    assert sum(signed) == pytest.approx(0)
    orders = [
        {
            "symbol": FUTURE,
            "type": "limit",
            "side": "buy",
            "amount": 0.01,
            "price": round(bid * share, 1),
        }
        for share in (0.97, 0.96)
    ]
    placed = client.create_orders(orders)
    assert len(client.fetch_open_orders(FUTURE)) == 2
    client.cancel_orders([each["id"] for each in placed], FUTURE)
    assert client.fetch_open_orders(FUTURE) == []


def test_ccxt_knows_the_errors(ccxt_client: Any) -> None:
    import ccxt

    client = ccxt_client
    bid = client.fetch_ticker(SYMBOL)["bid"]
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(SYMBOL, "limit", "buy", 2.0, round(bid * 0.98, 2))
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(FUTURE, "limit", "buy", 100.0, round(bid * 0.98, 1))
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("123456", SYMBOL)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("123456", FUTURE)
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()
    client.apiKey = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


async def test_ccxt_pro_watches_and_trades(ready: dict[str, Any]) -> None:
    pro = pytest.importorskip("ccxt.pro", reason=WHY)
    account = ready["accounts"][1]
    client = redirected(pro.bybit({"apiKey": account["key"], "secret": account["secret"]}), ready)
    try:
        await client.load_markets()
        for symbol in (SYMBOL, FUTURE):
            book = await asyncio.wait_for(client.watch_order_book(symbol), 10)
            for _ in range(5):
                book = await asyncio.wait_for(client.watch_order_book(symbol), 10)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (await asyncio.wait_for(client.watch_trades(symbol), 20))[0]["price"] > 0
            assert (await asyncio.wait_for(client.watch_ticker(symbol), 10))["symbol"] == symbol
            price = round(book["bids"][0][0] * 0.98, 1)
            order = await client.create_order_ws(symbol, "limit", "buy", 0.01, price)
            assert [each["id"] for each in await client.fetch_open_orders(symbol)] == [order["id"]]
            await client.cancel_order_ws(order["id"], symbol)
            assert await client.fetch_open_orders(symbol) == []
    finally:
        await client.close()


# -- the exchange's own library ------------------------------------------------------------------


def wait_for(condition: Callable[[], Any]) -> Any:
    until = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < until, "it does not come to that"
        time.sleep(0.02)
    return found


def test_the_official_client_trades_by_rest(ready: dict[str, Any]) -> None:
    trading = pytest.importorskip("pybit.unified_trading", reason=WHY)
    exceptions = pytest.importorskip("pybit.exceptions", reason=WHY)
    account = ready["accounts"][0]
    client = trading.HTTP(api_key=account["key"], api_secret=account["secret"])
    client.endpoint = ready["rest"]
    assert client.get_server_time()["retCode"] == 0
    assert client.get_account_info()["result"]["unifiedMarginStatus"] in (5, 6)
    for category in ("spot", "linear"):
        asked = {"category": category, "symbol": "BTCUSDT"}
        book = client.get_orderbook(**asked)["result"]
        bid = Decimal(book["b"][0][0])
        price = str(round(bid * Decimal("0.98"), 1))
        placed = client.place_order(**asked, side="Buy", orderType="Limit", qty="0.01", price=price)["result"]
        listed = client.get_open_orders(**asked)["result"]["list"]
        assert [order["orderId"] for order in listed] == [placed["orderId"]]
        client.amend_order(**asked, orderId=placed["orderId"], qty="0.02")
        (order,) = client.get_open_orders(**asked)["result"]["list"]
        assert Decimal(order["qty"]) == Decimal("0.02")
        client.cancel_order(**asked, orderId=placed["orderId"])
        (order,) = client.get_order_history(**asked, orderId=placed["orderId"])["result"]["list"]
        assert order["orderStatus"] == "Cancelled"
        taken = client.place_order(**asked, side="Sell", orderType="Market", qty="0.01")["result"]
        trades = client.get_executions(**asked, orderId=taken["orderId"])["result"]["list"]
        assert sum(Decimal(trade["execQty"]) for trade in trades) == Decimal("0.01")
        batch = [
            {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": price},
            {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0", "price": price},
        ]
        answer = client.place_batch_order(category=category, request=batch)
        assert [each["code"] for each in answer["retExtInfo"]["list"]] == [0, 10001]
        client.cancel_all_orders(**asked)
        assert client.get_open_orders(**asked)["result"]["list"] == []
        with pytest.raises(exceptions.InvalidRequestError, match=r"170213|110001"):
            client.cancel_order(**asked, orderId=placed["orderId"])
    (position,) = client.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"]
    assert (position["side"], Decimal(position["size"])) == ("Sell", Decimal("0.01"))
    coins = client.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"]
    assert {coin["coin"] for coin in coins} >= {"USDT", "BTC"}
    wrong = trading.HTTP(api_key=account["key"], api_secret="wrong")
    wrong.endpoint = ready["rest"]
    with pytest.raises(exceptions.InvalidRequestError, match="10004"):
        wrong.get_account_info()


def test_the_official_client_trades_by_websocket(
    ready: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trading = pytest.importorskip("pybit.unified_trading", reason=WHY)
    ws = ready["ws"]["private"].removesuffix("/v5/private")
    monkeypatch.setattr(trading, "PRIVATE_WSS", f"{ws}/v5/private")
    monkeypatch.setattr(trading, "PUBLIC_WSS", ws + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr("pybit._websocket_trading.TRADE_WSS", f"{ws}/v5/trade")
    account = ready["accounts"][1]
    keys = {"api_key": account["key"], "api_secret": account["secret"], "testnet": False}
    books: list[Any] = []
    orders: list[Any] = []
    fills: list[Any] = []
    answers: list[Any] = []
    public = trading.WebSocket(channel_type="linear", testnet=False)
    private = trading.WebSocket(channel_type="private", **keys)
    entry = trading.WebSocketTrading(**keys)
    try:
        public.orderbook_stream(50, "BTCUSDT", books.append)
        private.order_stream(lambda frame: orders.extend(frame["data"]))
        private.execution_stream(lambda frame: fills.extend(frame["data"]))
        bid = Decimal(wait_for(lambda: books)[-1]["data"]["b"][0][0])
        wait_for(lambda: len(books) > 5)
        asked = {"category": "linear", "symbol": "BTCUSDT"}
        price = str(round(bid * Decimal("0.98"), 1))
        entry.place_order(answers.append, **asked, side="Buy", orderType="Limit", qty="0.01", price=price)
        placed = wait_for(lambda: answers)[0]["data"]["orderId"]
        wait_for(lambda: [each for each in orders if each["orderId"] == placed])
        entry.amend_order(answers.append, **asked, orderId=placed, qty="0.02")
        wait_for(lambda: [each for each in orders if Decimal(each["qty"]) == Decimal("0.02")])
        entry.cancel_order(answers.append, **asked, orderId=placed)
        wait_for(lambda: [each for each in orders if each["orderStatus"] == "Cancelled"])
        entry.place_order(answers.append, **asked, side="Sell", orderType="Market", qty="0.01")
        wait_for(lambda: sum(Decimal(fill["execQty"]) for fill in fills) == Decimal("0.01"))
        assert [answer["retCode"] for answer in wait_for(lambda: len(answers) == 4 and answers)] == [0] * 4
    finally:
        for socket in (public, private, entry):
            socket.exit()
