"""Clients that others wrote trade at the simulated OKX as they would at the real one.

They are no dependency of the project: ``tox -e clients`` installs them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.served import served

SYMBOL, SWAP = "BTC/USDT", "BTC/USDT:USDT"
WHY = "it is not installed, run tox -e clients"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """Give what ``hft sim okx`` says of itself."""
    with served("okx") as said:
        yield said


def redirected(client: Any, ready: dict[str, Any]) -> Any:
    """Point a client of ccxt at the simulator: hosts change, nothing else."""
    client.urls["api"] = {
        "rest": ready["rest"],
        "ws": ready["ws"]["public"].removesuffix("/public"),
    }
    client.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    return client


def credentials(account: dict[str, str]) -> dict[str, str]:
    return {"apiKey": account["key"], "secret": account["secret"], "password": account["passphrase"]}


# -- ccxt ----------------------------------------------------------------------------------------


@pytest.fixture
def ccxt_client(ready: dict[str, Any]) -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt", reason=WHY)
    client = redirected(ccxt.okx(credentials(ready["accounts"][0])), ready)
    client.load_markets()
    yield client
    client.session.close()


def test_ccxt_trades_spot(ccxt_client: Any) -> None:
    client = ccxt_client
    before = client.fetch_balance()
    bid = client.fetch_ticker(SYMBOL)["bid"]
    order = client.create_order(
        SYMBOL, "limit", "buy", 0.001, round(bid * 0.98, 1), {"clientOrderId": "ccxt1"}
    )
    found = client.fetch_order(order["id"], SYMBOL)
    assert (found["status"], found["clientOrderId"], found["amount"]) == ("open", "ccxt1", 0.001)
    assert [one["id"] for one in client.fetch_open_orders(SYMBOL)] == [order["id"]]
    client.edit_order(order["id"], SYMBOL, "limit", "buy", 0.002, round(bid * 0.97, 1))
    assert client.fetch_order(order["id"], SYMBOL)["amount"] == 0.002
    client.cancel_order(order["id"], SYMBOL)
    assert client.fetch_order(order["id"], SYMBOL)["status"] == "canceled"
    taken = client.create_order(SYMBOL, "market", "buy", 0.01, None, {"tgtCcy": "base_ccy"})
    found = client.fetch_order(taken["id"], SYMBOL)
    assert (found["status"], found["filled"]) == ("closed", 0.01)
    trades = client.fetch_my_trades(SYMBOL)
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    after = client.fetch_balance()
    assert after["BTC"]["total"] - before["BTC"]["total"] == pytest.approx(0.01 * 0.999)


def test_ccxt_knows_the_errors(ccxt_client: Any) -> None:
    import ccxt

    client = ccxt_client
    bid = client.fetch_ticker(SYMBOL)["bid"]
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(SYMBOL, "limit", "buy", 5.0, round(bid * 0.98, 1))
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(SYMBOL, "limit", "buy", 0.000002, round(bid * 0.98, 1))
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("123456", SYMBOL)
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_ccxt_trades_swaps(ccxt_client: Any) -> None:
    client = ccxt_client
    assert client.market(SWAP)["contractSize"] == 0.01
    bid = client.fetch_ticker(SWAP)["bid"]
    client.set_leverage(10, SWAP, {"mgnMode": "cross"})
    order = client.create_order(SWAP, "limit", "buy", 1, round(bid * 0.98, 1), {"postOnly": True})
    assert client.fetch_order(order["id"], SWAP)["status"] == "open"
    client.cancel_order(order["id"], SWAP)
    client.create_order(SWAP, "market", "buy", 2)
    (position,) = client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"]) == ("long", 2)
    client.create_order(SWAP, "market", "sell", 2, None, {"reduceOnly": True})
    assert [one for one in client.fetch_positions([SWAP]) if one["contracts"]] == []
    signs = {"buy": 1, "sell": -1}
    assert sum(signs[one["side"]] * one["amount"] for one in client.fetch_my_trades(SWAP)) == pytest.approx(0)
    assert client.fetch_funding_rate(SWAP)["fundingRate"] is not None


def test_ccxt_pro_follows_and_trades_over_websockets(ready: dict[str, Any]) -> None:
    pro = pytest.importorskip("ccxt.pro", reason=WHY)

    async def trade() -> None:
        client = redirected(pro.okx(credentials(ready["accounts"][1])), ready)
        try:
            await client.load_markets()
            book = await client.watch_order_book(SWAP)
            for _ in range(5):
                book = await client.watch_order_book(SWAP)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (await client.watch_ticker(SWAP))["last"]
            watched = asyncio.ensure_future(client.watch_orders(SWAP))
            await asyncio.sleep(0.5)
            price = round(book["bids"][0][0] * 0.98, 1)
            order = await client.create_order_ws(SWAP, "limit", "buy", 1, price)
            (told, *_) = await asyncio.wait_for(watched, 10)
            assert (told["id"], told["status"]) == (order["id"], "open")
            await client.cancel_order_ws(order["id"], SWAP)
            assert (await client.fetch_order(order["id"], SWAP))["status"] == "canceled"
        finally:
            await client.close()

    asyncio.run(trade())


# -- python-okx, the exchange's own ------------------------------------------------------------------


@pytest.mark.filterwarnings("default")  # those of its own libraries
def test_the_exchanges_own_client_trades(ready: dict[str, Any]) -> None:
    trade = pytest.importorskip("okx.Trade", reason=WHY)
    account, public = pytest.importorskip("okx.Account"), pytest.importorskip("okx.PublicData")
    keys = ready["accounts"][1]
    login = (keys["key"], keys["secret"], keys["passphrase"])
    options = {"flag": "0", "domain": ready["rest"]}
    orders, accounts = trade.TradeAPI(*login, **options), account.AccountAPI(*login, **options)
    markets = public.PublicAPI(**options)
    try:
        (limit,) = markets.get_price_limit(SWAP.partition("/")[0] + "-USDT-SWAP")["data"]
        low = str((Decimal(limit["sellLmt"]) * Decimal("1.01")).quantize(Decimal("0.1")))
        placed = orders.place_order(
            instId="BTC-USDT-SWAP",
            tdMode="cross",
            side="buy",
            ordType="post_only",
            sz="1",
            px=low,
            clOrdId="sdk1",
        )
        assert placed["code"] == "0", placed
        amended = orders.amend_order(instId="BTC-USDT-SWAP", clOrdId="sdk1", newSz="2")
        assert amended["data"][0]["sCode"] == "0"
        (found,) = orders.get_order("BTC-USDT-SWAP", clOrdId="sdk1")["data"]
        assert (found["state"], found["sz"]) == ("live", "2")
        assert orders.cancel_order("BTC-USDT-SWAP", clOrdId="sdk1")["code"] == "0"
        batch = [
            {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": size}
            for size in ("600", "0")
        ]
        both = orders.place_multiple_orders(batch)
        assert (both["code"], [one["sCode"] for one in both["data"]]) == ("2", ["0", "51000"])
        assert orders.get_fills(instType="SPOT")["data"]
        assert accounts.get_account_balance("USDT")["data"][0]["details"][0]["ccy"] == "USDT"
        assert accounts.get_account_config()["data"][0]["acctLv"] == "2"
        assert accounts.set_position_mode("net_mode")["code"] == "0"
    finally:
        for client in (orders, accounts, markets):
            client.close()
