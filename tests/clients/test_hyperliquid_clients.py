"""Clients that others wrote trade at the simulated Hyperliquid as they would at the real one.

They are no dependency of the project: ``tox -e clients`` installs them.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import served

COIN, PERP, SPOT = "ETH", "ETH/USDC:USDC", "HYPE/USDC"
WHY = "it is not installed, run tox -e clients"


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """Give what ``hft sim hyperliquid`` says of itself."""
    with served("hyperliquid", "--set", "limits=20") as said:
        yield said


# -- the exchange's own ----------------------------------------------------------------------------


@pytest.fixture
def sdk(ready: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    pytest.importorskip("hyperliquid", reason=WHY)
    import eth_account
    from hyperliquid.exchange import Exchange
    from hyperliquid.info import Info

    account = ready["accounts"][0]
    wallet = eth_account.Account.from_key(account["secret"])
    info = Info(ready["rest"], skip_ws=False)
    exchange = Exchange(wallet, ready["rest"], account_address=account["key"])
    yield info, exchange, account["key"]
    info.disconnect_websocket()


def wait_for(events: queue.Queue[Any], wanted: Any) -> Any:
    """Return the first event that is wanted."""
    while True:
        event = events.get(timeout=10)
        if wanted(event):
            return event


def outcome(answer: Any) -> Any:
    assert answer["status"] == "ok", answer
    (status,) = answer["response"]["data"]["statuses"]
    return status


def test_the_sdk_trades_and_hears_of_it(sdk: tuple[Any, Any, str]) -> None:
    from hyperliquid.utils.types import Cloid

    info, exchange, address = sdk
    updates: queue.Queue[Any] = queue.Queue()
    fills: queue.Queue[Any] = queue.Queue()
    info.subscribe({"type": "orderUpdates", "user": address}, updates.put)
    info.subscribe({"type": "userFills", "user": address}, fills.put)
    assert wait_for(fills, lambda event: event["data"].get("isSnapshot"))
    bid = float(info.l2_snapshot(COIN)["levels"][0][0]["px"])
    price = float(f"{bid * 0.9:.4g}")
    cloid = Cloid.from_int(42)
    resting = outcome(exchange.order(COIN, True, 0.05, price, {"limit": {"tif": "Alo"}}, cloid=cloid))[
        "resting"
    ]
    assert resting["cloid"] == cloid.to_raw()
    update = wait_for(updates, lambda event: event["data"][0]["order"]["oid"] == resting["oid"])
    assert update["data"][0]["status"] == "open"
    (listed,) = info.frontend_open_orders(address)
    assert (listed["oid"], float(listed["limitPx"]), listed["tif"]) == (resting["oid"], price, "Alo")
    assert info.query_order_by_cloid(address, cloid)["order"]["status"] == "open"

    modified = outcome(
        exchange.bulk_modify_orders_new(
            [
                {
                    "oid": resting["oid"],
                    "order": {
                        "coin": COIN, "is_buy": True, "sz": 0.06, "limit_px": price,
                        "order_type": {"limit": {"tif": "Alo"}}, "reduce_only": False, "cloid": cloid,
                    },
                }
            ]
        )
    )  # fmt: skip
    assert modified["resting"]["oid"] != resting["oid"]
    assert outcome(exchange.cancel_by_cloid(COIN, cloid)) == "success"
    assert "never placed" in outcome(exchange.cancel(COIN, modified["resting"]["oid"]))["error"]

    taken = outcome(exchange.market_open(COIN, True, 0.1))["filled"]
    assert taken["totalSz"] == "0.1"
    told = wait_for(fills, lambda event: not event["data"].get("isSnapshot"))["data"]["fills"][0]
    assert (told["oid"], told["dir"], told["crossed"]) == (taken["oid"], "Open Long", True)
    (held,) = info.user_state(address)["assetPositions"]
    assert (held["position"]["coin"], held["position"]["szi"]) == (COIN, "0.1")
    assert sum(float(fill["sz"]) for fill in info.user_fills(address)) == pytest.approx(0.1)
    assert exchange.market_close(COIN)["status"] == "ok"
    assert info.user_state(address)["assetPositions"] == []


def test_the_sdk_knows_settings_triggers_and_the_switch(sdk: tuple[Any, Any, str]) -> None:
    info, exchange, address = sdk
    assert exchange.update_leverage(7, COIN)["status"] == "ok"
    assert (
        exchange.schedule_cancel(info.post("/info", {"type": "exchangeStatus"})["time"] + 60_000)["status"]
        == "ok"
    )
    assert exchange.schedule_cancel(None)["status"] == "ok"
    mid = float(info.all_mids()[COIN])
    outcome(exchange.market_open(COIN, True, 0.1))
    stop = float(f"{mid * 0.8:.4g}")
    kind = {"trigger": {"triggerPx": stop, "isMarket": True, "tpsl": "sl"}}
    placed = outcome(exchange.order(COIN, False, 0.1, stop, kind, reduce_only=True))["resting"]
    (listed,) = [each for each in info.frontend_open_orders(address) if each["oid"] == placed["oid"]]
    assert (listed["isTrigger"], listed["orderType"], listed["reduceOnly"]) == (True, "Stop Market", True)
    assert outcome(exchange.cancel(COIN, placed["oid"])) == "success"
    exchange.market_close(COIN)


def test_the_sdk_is_refused_in_the_exchanges_words(sdk: tuple[Any, Any, str], ready: dict[str, Any]) -> None:
    import eth_account
    from hyperliquid.exchange import Exchange

    info, exchange, address = sdk
    ask = float(info.l2_snapshot(COIN)["levels"][1][0]["px"])
    gtc = {"limit": {"tif": "Gtc"}}

    def refusal(*order: Any, kind: Any = gtc) -> str:
        return str(outcome(exchange.order(COIN, *order, kind))["error"])

    assert refusal(True, 0.05, 2000.123).startswith("Price must be divisible by tick size. asset=1")
    assert refusal(True, 0.00001, 2000.0).startswith("Order has invalid size.")
    assert refusal(True, 0.001, 2000.0).startswith("Order must have minimum value of $10.")
    assert refusal(True, 0.05, ask, kind={"limit": {"tif": "Alo"}}).startswith("Post only order would have")
    assert refusal(True, 0.05, 2000.0, kind={"limit": {"tif": "Ioc"}}).startswith(
        "Order could not immediately"
    )
    assert refusal(True, 500_000.0, 2000.0).startswith("Insufficient margin")
    stranger = Exchange(eth_account.Account.create(), ready["rest"], account_address=address)
    answer = stranger.order(COIN, True, 0.05, 2000.0, gtc)
    assert answer["status"] == "err"
    assert "does not exist" in answer["response"]
    exchange.set_expires_after(1_000)
    assert exchange.order(COIN, True, 0.05, 2000.0, gtc) == {
        "status": "err",
        "response": "Action already expired",
    }
    exchange.set_expires_after(None)


def test_the_sdk_approves_an_agent_and_trades_for_a_sub_account(ready: dict[str, Any]) -> None:
    pytest.importorskip("hyperliquid", reason=WHY)
    import eth_account
    from hyperliquid.exchange import Exchange

    owner = ready["accounts"][1]
    wallet = eth_account.Account.from_key(owner["secret"])
    assert wallet.address.lower() == owner["key"]
    master = Exchange(wallet, ready["rest"])
    answer, agent_key = master.approve_agent("bot")
    assert answer["status"] == "ok", answer
    agent = eth_account.Account.from_key(agent_key)
    assert master.info.extra_agents(owner["key"])[0]["address"] == agent.address.lower()
    assert master.info.user_role(agent.address) == {"role": "agent", "data": {"user": owner["key"]}}
    (sub,) = master.info.query_sub_accounts(owner["key"])
    trader = Exchange(agent, ready["rest"], vault_address=sub["subAccountUser"])
    assert "filled" in outcome(trader.market_open(COIN, False, 0.1))
    (held,) = master.info.user_state(sub["subAccountUser"])["assetPositions"]
    assert held["position"]["szi"] == "-0.1"
    before = float(master.info.user_state(owner["key"])["withdrawable"])
    assert master.usd_class_transfer(100.0, True)["status"] == "ok"
    assert float(master.info.user_state(owner["key"])["withdrawable"]) == pytest.approx(before + 100)


def test_the_sdk_trades_spot(sdk: tuple[Any, Any, str]) -> None:
    info, exchange, address = sdk
    before = {each["coin"]: float(each["total"]) for each in info.spot_user_state(address)["balances"]}
    bought = outcome(exchange.market_open(SPOT, True, 10.0))["filled"]
    assert bought["totalSz"] == "10.0"
    after = {each["coin"]: float(each["total"]) for each in info.spot_user_state(address)["balances"]}
    assert after["HYPE"] - before["HYPE"] == pytest.approx(10 * (1 - 0.0007))
    fill = info.user_fills(address)[0]
    assert (fill["coin"], fill["feeToken"], fill["dir"]) == ("@107", "HYPE", "Buy")


# -- ccxt ------------------------------------------------------------------------------------------


@pytest.fixture
def ccxt_client(ready: dict[str, Any]) -> Iterator[Any]:
    ccxt = pytest.importorskip("ccxt", reason=WHY)
    account = ready["accounts"][2]
    client = ccxt.hyperliquid({"walletAddress": account["key"], "privateKey": account["secret"]})
    client.options["fetchMarkets"] = {"types": ["swap", "spot"]}
    client.urls["api"] = dict.fromkeys(("public", "private"), ready["rest"])
    client.load_markets()
    yield client
    client.session.close()


def test_ccxt_trades_perpetuals(ccxt_client: Any) -> None:
    client = ccxt_client
    market = client.market(PERP)
    assert (market["baseId"], market["precision"]["amount"]) == ("1", 0.0001)
    bid = client.fetch_order_book(PERP)["bids"][0][0]
    order = client.create_order(PERP, "limit", "buy", 0.05, bid * 0.9, {"postOnly": True})
    assert [each["id"] for each in client.fetch_open_orders(PERP)] == [order["id"]]
    assert client.fetch_order(order["id"], PERP)["status"] == "open"
    edited = client.edit_order(order["id"], PERP, "limit", "buy", 0.06, bid * 0.9)
    client.cancel_order(edited["id"], PERP)
    assert client.fetch_open_orders(PERP) == []
    ask = client.fetch_order_book(PERP)["asks"][0][0]
    taken = client.create_order(PERP, "market", "buy", 0.1, ask)
    assert client.fetch_order(taken["id"], PERP)["status"] == "closed"
    (position,) = client.fetch_positions([PERP])
    assert (position["side"], position["contracts"]) == ("long", 0.1)
    trades = client.fetch_my_trades(PERP)
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.1)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDC"}
    client.set_leverage(5, PERP)
    client.create_order(PERP, "market", "sell", 0.1, bid, {"reduceOnly": True})
    assert client.fetch_positions([PERP]) == []
    assert client.fetch_balance()["USDC"]["total"] > 0


def test_ccxt_knows_the_errors(ccxt_client: Any) -> None:
    import ccxt

    client = ccxt_client
    with pytest.raises(ccxt.InvalidOrder):
        client.create_order(PERP, "limit", "buy", 0.002, 2000)
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(PERP, "limit", "buy", 500_000, 2000)
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order("12345", PERP)


def test_ccxt_trades_spot(ccxt_client: Any) -> None:
    client = ccxt_client
    ask = client.fetch_order_book(SPOT)["asks"][0][0]
    taken = client.create_order(SPOT, "market", "buy", 5, ask)
    assert client.fetch_order(taken["id"], SPOT)["status"] == "closed"
