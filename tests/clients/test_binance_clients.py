"""Clients that others wrote trade at the simulated Binance as they would at the real one.

They are no dependency of the project: ``tox -e clients`` installs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import served

SYMBOL, FUTURE = "BTC/USDT", "BTC/USDT:USDT"
WHY = "it is not installed, run tox -e clients"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """Give what ``hft sim binance`` says of itself."""
    with served("binance") as said:
        yield said


# -- ccxt ----------------------------------------------------------------------------------------


@pytest.fixture
def ccxt_client(ready: dict[str, Any]) -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt", reason=WHY)
    account = ready["accounts"][0]
    client = ccxt.binance({"apiKey": account["key"], "secret": account["secret"]})
    client.options["fetchMarkets"] = {"types": ["spot", "linear"]}
    client.options["adjustForTimeDifference"] = True
    for name, url in client.urls["api"].items():
        if isinstance(url, str) and "://" in url:
            client.urls["api"][name] = ready["rest"] + "/" + url.split("/", 3)[3]
    client.load_markets()
    yield client
    client.session.close()


def test_ccxt_trades_spot(ccxt_client: Any) -> None:
    client = ccxt_client
    before = client.fetch_balance()
    bid = client.fetch_ticker(SYMBOL)["bid"]
    order = client.create_order(
        SYMBOL, "limit", "buy", 0.001, round(bid * 0.98, 2), {"clientOrderId": "ccxt-1"}
    )
    assert (order["status"], order["clientOrderId"]) == ("open", "ccxt-1")
    assert [one["id"] for one in client.fetch_open_orders(SYMBOL)] == [order["id"]]
    assert client.fetch_balance()["USDT"]["used"] == pytest.approx(0.001 * order["price"])
    assert client.cancel_order(order["id"], SYMBOL)["status"] == "canceled"
    taken = client.create_order(SYMBOL, "market", "buy", 0.01)
    assert (taken["status"], taken["filled"]) == ("closed", 0.01)
    (fee,) = {trade["fee"]["currency"] for trade in client.fetch_my_trades(SYMBOL)}
    assert fee == "BTC"
    after = client.fetch_balance()
    assert after["BTC"]["total"] - before["BTC"]["total"] == pytest.approx(0.01 * 0.999)
    edited = client.create_order(SYMBOL, "limit", "buy", 0.002, round(bid * 0.98, 2))
    replaced = client.edit_order(edited["id"], SYMBOL, "limit", "buy", 0.003, round(bid * 0.97, 2))
    assert client.fetch_order(replaced["id"], SYMBOL)["amount"] == 0.003
    client.cancel_all_orders(SYMBOL)
    assert client.fetch_open_orders(SYMBOL) == []


def test_ccxt_knows_the_errors(ccxt_client: Any) -> None:
    import ccxt

    client = ccxt_client
    bid = client.fetch_ticker(SYMBOL)["bid"]
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(SYMBOL, "limit", "buy", 2.0, round(bid * 0.98, 2))
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        client.create_order(SYMBOL, "limit", "buy", 0.001, round(bid * 1.02, 2), {"postOnly": True})
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("123456", SYMBOL)
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_ccxt_trades_futures(ccxt_client: Any) -> None:
    client = ccxt_client
    bid = client.fetch_ticker(FUTURE)["last"]
    client.set_leverage(10, FUTURE)
    order = client.create_order(FUTURE, "limit", "buy", 0.01, round(bid * 0.98, 1), {"postOnly": True})
    assert order["status"] == "open"
    edited = client.edit_order(order["id"], FUTURE, "limit", "buy", 0.02, round(bid * 0.98, 1))
    assert edited["amount"] == 0.02
    assert client.cancel_order(order["id"], FUTURE)["status"] == "canceled"
    client.create_order(FUTURE, "market", "buy", 0.01)
    (position,) = client.fetch_positions([FUTURE])
    assert (position["side"], position["contracts"]) == ("long", 0.01)
    stop = client.create_order(
        FUTURE, "market", "sell", 0.01, None, {"stopLossPrice": round(bid * 0.95, 1), "reduceOnly": True}
    )
    client.cancel_order(stop["id"], FUTURE, {"trigger": True})
    client.create_order(FUTURE, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert [one for one in client.fetch_positions([FUTURE]) if one["contracts"]] == []
    trades = client.fetch_my_trades(FUTURE)
    assert sum(
        trade["amount"] if trade["side"] == "buy" else -trade["amount"] for trade in trades
    ) == pytest.approx(0)
    assert client.fetch_balance({"type": "future"})["USDT"]["total"] < 100_000


# -- python-binance ------------------------------------------------------------------------------


def test_python_binance_trades_both(ready: dict[str, Any]) -> None:
    module = pytest.importorskip("binance.client", reason=WHY)
    account = ready["accounts"][2]
    client = module.Client(account["key"], account["secret"], ping=False)
    client.API_URL = ready["rest"] + "/api"
    client.FUTURES_URL = ready["rest"] + "/fapi"
    bid = float(client.get_orderbook_ticker(symbol="BTCUSDT")["bidPrice"])
    order = client.create_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.001",
        price=f"{bid * 0.98:.2f}",
    )
    assert client.get_order(symbol="BTCUSDT", orderId=order["orderId"])["status"] == "NEW"
    assert client.cancel_order(symbol="BTCUSDT", orderId=order["orderId"])["status"] == "CANCELED"
    taken = client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
    assert taken["status"] == "FILLED"
    assert client.get_my_trades(symbol="BTCUSDT")[-1]["orderId"] == taken["orderId"]
    mark = float(client.futures_mark_price(symbol="BTCUSDT")["markPrice"])
    order = client.futures_create_order(
        symbol="BTCUSDT",
        side="SELL",
        type="LIMIT",
        timeInForce="GTX",
        quantity="0.010",
        price=f"{mark * 1.02:.1f}",
    )
    assert client.futures_cancel_order(symbol="BTCUSDT", orderId=order["orderId"])["status"] == "CANCELED"
    assert client.futures_account_balance()[0]["asset"] == "USDT"
    assert client.futures_stream_get_listen_key()
    with pytest.raises(module.BinanceAPIException, match="Unknown order sent"):
        client.futures_cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
    client.close_connection()


# -- the exchange's own libraries ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1], ids=["HMAC", "Ed25519"])
def test_the_official_client_trades_spot(ready: dict[str, Any], kind: int) -> None:
    spot = pytest.importorskip("binance_sdk_spot.spot", reason=WHY)
    account = ready["accounts"][kind]
    secret = {"api_secret": account["secret"]} if kind == 0 else {"private_key": account["secret"]}
    configuration = spot.ConfigurationRestAPI(
        api_key=account["key"], base_path=ready["rest"], retries=0, **secret
    )
    api = spot.Spot(config_rest_api=configuration).rest_api
    bid = float(api.ticker_book_ticker(symbol="BTCUSDT").data().actual_instance.bid_price)
    order = api.new_order(
        symbol="BTCUSDT",
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=0.001,
        price=round(bid * 0.98, 2),
    ).data()
    assert order.status == "NEW"
    amended = api.order_amend_keep_priority(symbol="BTCUSDT", order_id=order.order_id, new_qty=0.0005).data()
    assert amended.amended_order.qty == "0.00050000"
    assert api.delete_order(symbol="BTCUSDT", order_id=order.order_id).data().status == "CANCELED"
    balances = {balance.asset: balance for balance in api.get_account().data().balances}
    assert balances["USDT"].locked == "0.00000000"
