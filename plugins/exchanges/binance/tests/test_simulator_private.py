"""Keys, signatures and times; the websocket APIs; user data streams of the simulated Binance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hft import Secret
from hft_binance.signing import make_signer
from hft_binance.simulator.auth import ApiKey, Permissions, rest_payload, ws_payload

SHARED = Path(__file__).parents[4].parent / "shared"
ACCOUNT = "/api/v3/account"
SPOT_ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "59000.00",
}
USDM_ORDER = {**SPOT_ORDER, "quantity": "0.010", "price": "59000.0"}
TAKE = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}


# -- who asks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ACCOUNT, "/fapi/v3/account"])
async def test_requests_that_prove_nothing(venue: Any, path: str) -> None:
    running = await venue()
    key, now = running.signers[0].key.reveal(), running.now_ms
    refused: list[tuple[int, int, str, str | None]] = [
        (-2014, 401, f"timestamp={now}&signature=00", None),
        (-2014, 401, f"timestamp={now}&signature=00", "no key"),
        (-2015, 401, f"timestamp={now}&signature=00", "f" * 64),
        (-1102, 400, f"timestamp={now}", key),
        (-1102, 400, "signature=00", key),
        (-1022, 400, f"timestamp={now}&signature=00", key),
        (-1021, 400, f"timestamp={now - 5001}&signature=00", key),
        (-1021, 400, f"timestamp={now + 1000}&signature=00", key),
        (-1131, 400, f"timestamp={now}&recvWindow=60001&signature=00", key),
        (-1100, 400, "timestamp=noon&signature=00", key),
    ]
    for code, status, query, shown in refused:
        answer = await running.raw("GET", f"{path}?{query}", status, key=shown)
        assert answer["code"] == code, query
        assert set(answer) == {"code", "msg"}


async def test_a_signature_belongs_to_its_bytes_and_its_key(venue: Any) -> None:
    running = await venue()
    first, ed25519, other = running.signers
    query = f"timestamp={running.now_ms}&recvWindow=5000"
    for signer in (first, ed25519):
        good = f"{ACCOUNT}?{query}&signature={signer.sign_url(query.encode())}"
        assert (await running.raw("GET", good, key=signer.key.reveal()))["accountType"] == "SPOT"
        assert (await running.raw("GET", good, 400, key=other.key.reveal()))["code"] == -1022
        changed = good.replace("recvWindow=5000", "recvWindow=5001")
        assert (await running.raw("GET", changed, 400, key=signer.key.reveal()))["code"] == -1022
    # The query stands before the body, and both are signed as they are.
    body = f"timestamp={running.now_ms}&newClientOrderId=%78-1&quantity=0.001"
    head = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=59000.00"
    signature = first.sign_url(f"{head}{body}".encode())
    target = f"/api/v3/order?{head}"
    placed = await running.raw("POST", target, body=f"{body}&signature={signature}", key=first.key.reveal())
    assert placed["clientOrderId"] == "x-1"


async def test_times_are_those_of_the_simulators_clock(venue: Any) -> None:
    running = await venue()
    for offset, status in ((999, 200), (-5000, 200), (-5001, 400)):
        await running.call("GET", ACCOUNT, status, timestamp=running.now_ms + offset)
    await running.call("GET", ACCOUNT, timestamp=running.now_ms - 50_000, recvWindow=60_000)
    await running.call("GET", ACCOUNT, timestamp=running.now_ms * 1000)


async def test_the_same_accounts_for_the_same_seed(venue: Any) -> None:
    first, second = await venue(seed=3), await venue(seed=3)
    assert first.simulator.accounts() == second.simulator.accounts()


def test_known_signatures_are_accepted() -> None:
    file = SHARED / "vectors/binance/sdk_ws_api_params.json"
    if not file.exists():
        pytest.skip(f"{file} is not here, see docs/how-to for the shared data")
    vectors = json.loads(file.read_text())
    rights = Permissions()
    keys = {
        "HMAC": ApiKey.hmac("k", vectors["hmac_secret"], "a", rights),
        "ED25519": ApiKey.ed25519("k", vectors["ed25519_private_key_pem"], "a", rights),
    }
    for case in vectors["cases"]:
        params = {name: str(value) for name, value in case["params_out"].items()}
        assert keys[case["key_type"]].verify(ws_payload(params), params["signature"])
        params["timestamp"] += "1"
        assert not keys[case["key_type"]].verify(ws_payload(params), params["signature"])


def test_the_payload_of_rest_is_query_then_body() -> None:
    assert rest_payload("b=1&signature=ab%2Bc&a=2", "c=%20") == (b"b=1&a=2c=%20", "ab+c")
    assert rest_payload("", "a=1&signature=00") == (b"a=1", "00")
    assert rest_payload("", "") == (b"", None)


# -- websocket API -------------------------------------------------------------------------------


async def test_spot_by_websocket(venue: Any) -> None:
    running = await venue()
    async with running.connect("/ws-api/v3") as ws:
        assert (await ws.ask("time"))["result"] == {"serverTime": running.now_ms}
        answer = await ws.ask("order.place", 400, **SPOT_ORDER, timestamp=running.now_ms)
        assert answer["error"]["code"] == -1102
        placed = await ws.ask("order.place", by=0, **SPOT_ORDER, newClientOrderId="w1")
        assert placed["result"]["status"] == "NEW"
        assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == [
            "ORDERS",
            "ORDERS",
            "REQUEST_WEIGHT",
        ]
        refused = await ws.ask("order.place", 400, by=0, **SPOT_ORDER, newClientOrderId="w1")
        assert refused["error"] == {"code": -2010, "msg": "Duplicate order sent."}
        name = {"symbol": "BTCUSDT", "origClientOrderId": "w1"}
        assert (await ws.ask("order.status", by=0, **name))["result"]["status"] == "NEW"
        small = await ws.ask("order.amend.keepPriority", by=0, **name, newQty="0.0005", newClientOrderId="w1")
        assert small["result"]["amendedOrder"]["qty"] == "0.00050000"
        replaced = await ws.ask(
            "order.cancelReplace",
            by=0,
            **SPOT_ORDER,
            newClientOrderId="w2",
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrigClientOrderId="w1",
        )
        assert replaced["result"]["newOrderResult"] == "SUCCESS"
        (one,) = (await ws.ask("openOrders.status", by=0, symbol="BTCUSDT"))["result"]
        assert one["clientOrderId"] == "w2"
        (ended,) = (await ws.ask("openOrders.cancelAll", by=0, symbol="BTCUSDT"))["result"]
        assert ended["status"] == "CANCELED"
        assert (await ws.ask("account.status", by=0))["result"]["accountType"] == "SPOT"
        assert (await ws.ask("myTrades", by=0, symbol="BTCUSDT"))["result"] == []
        gone = await ws.ask("order.cancel", 400, by=0, **name)
        assert gone["error"] == {"code": -2011, "msg": "Unknown order sent."}
        assert "rateLimits" not in await ws.ask("ping", returnRateLimits=False)
        assert (await ws.ask("order.guess", 400))["error"]["code"] == -1000
        await ws.ws.send_str("{")
        assert (await ws.read())["status"] == 400


@pytest.mark.parametrize("path", ["/ws-api/v3", "/ws-fapi/v1"])
async def test_a_session_stands_in_for_signatures(venue: Any, path: str) -> None:
    running = await venue()
    order = SPOT_ORDER if "v3" in path else USDM_ORDER
    async with running.connect(path) as ws:
        assert (await ws.ask("session.logon", 400, by=0))["error"]["code"] == -4056
        session = (await ws.ask("session.logon", by=1))["result"]
        assert session["apiKey"] == running.signers[1].key.reveal()
        assert (await ws.ask("session.status"))["result"]["authorizedSince"] == running.now_ms
        placed = await ws.ask("order.place", **order, timestamp=running.now_ms)
        assert placed["result"]["status"] == "NEW"
        late = await ws.ask("order.place", 400, **order, timestamp=running.now_ms - 6000)
        assert late["error"]["code"] == -1021
        # Another key may still be used for one request.
        other = await ws.ask("order.status", 400, by=2, symbol="BTCUSDT", orderId=placed["result"]["orderId"])
        assert other["error"]["code"] == -2013
        assert (await ws.ask("session.logout"))["result"]["apiKey"] is None
        assert (await ws.ask("order.place", 400, **order, timestamp=running.now_ms))["error"]["code"] == -1102


async def test_futures_by_websocket(venue: Any) -> None:
    running = await venue()
    async with running.connect("/ws-fapi/v1") as ws:
        placed = await ws.ask("order.place", by=0, **USDM_ORDER, newClientOrderId="w1")
        assert placed["result"]["status"] == "NEW"
        name = {"symbol": "BTCUSDT", "origClientOrderId": "w1"}
        changed = await ws.ask("order.modify", by=0, **name, side="BUY", quantity="0.02", price="59000.0")
        assert changed["result"]["origQty"] == "0.020"
        assert (await ws.ask("order.status", by=0, **name))["result"]["origQty"] == "0.020"
        assert (await ws.ask("order.cancel", by=0, **name))["result"]["status"] == "CANCELED"
        assert (await ws.ask("v2/account.balance", by=0))["result"][0]["asset"] == "USDT"
        assert (await ws.ask("v2/account.position", by=0))["result"] == []
        key = running.signers[0].key.reveal()
        started = (await ws.ask("userDataStream.start", apiKey=key))["result"]["listenKey"]
        assert (await ws.ask("userDataStream.ping", apiKey=key))["result"] == {"listenKey": started}
        await ws.ask("userDataStream.stop", apiKey=key)
        assert (await ws.ask("userDataStream.ping", 400, apiKey=key))["error"]["code"] == -1125


async def test_answers_come_in_any_order(venue: Any) -> None:
    running = await venue(jitter=10_000_000)
    async with running.connect("/ws-api/v3") as ws:
        for number in range(20):
            await ws.ws.send_json({"id": number, "method": "time"})
        # All are taken before any is answered: the clock of the answers stands still.
        async with running.session.get("/api/v3/ping"):
            pass
        running.clock.advance(10_000_000)
        ids = [(await ws.read())["id"] for _ in range(20)]
    assert sorted(ids) == list(range(20))
    assert ids != sorted(ids)


# -- user data -----------------------------------------------------------------------------------


@pytest.mark.parametrize("events", ["before", "after"])
async def test_spot_events(venue: Any, events: str) -> None:
    from hft.sim import EventOrder

    running = await venue(events=EventOrder(events))
    async with running.connect("/ws-api/v3") as ws:
        assert (await ws.ask("userDataStream.subscribe", 401))["error"]["code"] == -2015
        answer = await ws.ask("userDataStream.subscribe.signature", by=0)
        assert answer["result"] == {"subscriptionId": 0}
        assert (await ws.ask("userDataStream.subscribe.signature", 400, by=0))["error"]["code"] == -2035
        assert ws.events == []
        await ws.ask("order.place", by=0, **SPOT_ORDER, newClientOrderId="e1")
        assert bool(ws.events) is (events == "before")
        new, balances = await ws.next(), await ws.next()
        assert new["subscriptionId"] == 0
        report = new["event"]
        assert (report["e"], report["c"], report["x"], report["X"]) == ("executionReport", "e1", "NEW", "NEW")
        assert balances["event"]["B"][1] == {"a": "USDT", "f": "99941.00000000", "l": "59.00000000"}
        await ws.ask("order.cancel", by=0, symbol="BTCUSDT", origClientOrderId="e1", newClientOrderId="bye")
        report = (await ws.next())["event"]
        assert (report["x"], report["c"], report["C"]) == ("CANCELED", "bye", "e1")
        await ws.next()
        # What is traded from elsewhere is told as well.
        order = await running.call("POST", "/api/v3/order", **TAKE, quantity="0.02")
        assert (await ws.next())["event"]["x"] == "NEW"
        await ws.next()
        for fill in order["fills"]:
            report = (await ws.next())["event"]
            assert (report["x"], report["t"], report["l"]) == ("TRADE", fill["tradeId"], fill["qty"])
            assert (report["n"], report["N"]) == (fill["commission"], "BTC")
            await ws.next()
        assert report["X"] == "FILLED"
        await running.control("deposit", account="account1", product="spot", asset="BTC", amount="0.5")
        assert (await ws.next())["event"]["e"] == "outboundAccountPosition"
        assert (await ws.next())["event"]["d"] == "0.50000000"
        await running.control("end-stream", account="account1")
        assert (await ws.next())["event"]["e"] == "eventStreamTerminated"
        await ws.ask("order.place", by=0, **SPOT_ORDER)
        await ws.ask("ping")
        assert ws.events == []


async def test_futures_events(venue: Any) -> None:
    running = await venue()
    key = running.signers[0].key.reveal()
    listen = (await running.raw("POST", "/fapi/v1/listenKey", key=key))["listenKey"]
    assert (await running.raw("POST", "/fapi/v1/listenKey", key=key))["listenKey"] == listen
    wanted = "ORDER_TRADE_UPDATE/ACCOUNT_UPDATE"
    async with (
        running.connect(f"/private/ws?listenKey={listen}&events={wanted}") as some,
        running.connect(f"/private/ws?listenKey={listen}") as every,
        running.connect(f"/ws/{listen}") as old,
        running.connect("/private/ws?listenKey=unknown") as silent,
    ):
        order = await running.call("POST", "/fapi/v1/order", **TAKE, quantity="0.001")
        for ws, kinds in (
            (some, ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]),
            (every, ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]),
            (old, ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]),
        ):
            frames = [await ws.read() for _ in kinds]
            assert [frame["e"] for frame in frames] == kinds
            assert (frames[-1]["o"]["i"], frames[-1]["o"]["X"]) == (order["orderId"], "FILLED")
            (position,) = frames[-2]["a"]["P"]
            assert (position["pa"], frames[-2]["a"]["m"]) == ("0.001", "ORDER")
        await running.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=3)
        assert (await every.read())["ac"] == {"s": "BTCUSDT", "l": 3}
        await running.control("liquidate", account="account1", product="usdm")
        kinds = [(await every.read())["e"] for _ in range(4)]
        assert kinds == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
        await running.control("expire-listen-key", account="account1")
        frame = await every.read()
        assert (frame["e"], frame["listenKey"]) == ("listenKeyExpired", listen)
        assert (await running.raw("PUT", "/fapi/v1/listenKey", 400, key=key))["code"] == -1125
        await silent.ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert await silent.read() == {"result": ["unknown"], "id": 1}


async def test_a_listen_key_lasts_an_hour_after_it_was_kept(venue: Any) -> None:
    running = await venue()
    key = running.signers[0].key.reveal()
    listen = (await running.raw("POST", "/fapi/v1/listenKey", key=key))["listenKey"]
    for method in ("PUT", "POST"):
        running.clock.advance(3_599_000_000_000)
        assert (await running.raw(method, "/fapi/v1/listenKey", key=key))["listenKey"] == listen
    running.clock.advance(3_600_000_000_000)
    assert (await running.raw("PUT", "/fapi/v1/listenKey", 400, key=key))["code"] == -1125
    again = (await running.raw("POST", "/fapi/v1/listenKey", key=key))["listenKey"]
    assert again != listen
    await running.raw("DELETE", "/fapi/v1/listenKey", key=key)
    assert (await running.raw("DELETE", "/fapi/v1/listenKey", 400, key=key))["code"] == -1125


# -- shapes --------------------------------------------------------------------------------------


def golden(path: str) -> Any:
    file = SHARED / "messages/binance" / path
    if not file.exists():
        pytest.skip(f"{file} is not here: the exchange's messages are no part of the project")
    return json.loads(file.read_text())


async def test_answers_have_the_keys_of_the_exchanges(venue: Any) -> None:
    running = await venue()
    market = {"symbol": "BTCUSDT"}
    await running.call("POST", "/fapi/v1/order", **TAKE, quantity="0.001")
    (trade,) = await running.call("GET", "/fapi/v1/userTrades", **market)
    assert set(trade) == set(golden("rest/http_futures_account_trades.json")[0])
    (risk, _) = await running.call("GET", "/fapi/v2/positionRisk")
    assert set(golden("rest/http_futures_account_positions_one_way.json")[0]) <= set(risk)
    (order,) = await running.call("GET", "/fapi/v1/allOrders", **market)
    wanted = set(golden("rest/http_futures_account_orders.json")[0])
    assert wanted - {"activatePrice", "priceRate"} <= set(order)
    account = await running.call("GET", ACCOUNT)
    assert set(golden("rest/http_spot_wallet_account.json")) <= set(account)
    config = golden("rest/http_futures_account_symbol_config.json")
    assert set((await running.call("GET", "/fapi/v1/symbolConfig"))[0]) == set(config[0])
    rate = golden("rest/http_futures_wallet_commission_rate_btcusdt.json")
    assert set(rate) <= set(await running.call("GET", "/fapi/v1/commissionRate", **market))


async def test_events_have_the_keys_of_the_exchanges(venue: Any) -> None:
    running = await venue()
    key = running.signers[0].key.reveal()
    listen = (await running.raw("POST", "/fapi/v1/listenKey", key=key))["listenKey"]
    async with running.connect(f"/private/ws?listenKey={listen}") as ws:
        await running.call("POST", "/fapi/v1/order", **TAKE, quantity="0.001")
        _, lite, _, trade = [await ws.read() for _ in range(4)]
    assert set(lite) == set(golden("ws/ws_futures_trade_lite.json"))
    wanted = set(golden("ws/ws_futures_order_update_trade_reduce_only_qty.json")["data"]["o"])
    # Keys that the recording has as null and the documentation of 2026 has not.
    assert wanted - {"AP", "cr", "W"} <= set(trade["o"])
    async with running.connect("/ws-api/v3") as ws:
        await ws.ask("userDataStream.subscribe.signature", by=0)
        await running.call("POST", "/api/v3/order", **SPOT_ORDER)
        report = (await ws.next())["event"]
    assert set(golden("ws/ws_spot_execution_report_new.json")["data"]) <= set(report)


def test_the_simulator_signs_nothing_of_its_own() -> None:
    signer = make_signer(Secret("k"), Secret("s"))
    key = ApiKey.hmac("k", "s", "a", Permissions())
    assert key.verify(b"payload", signer.sign(b"payload"))
    assert not key.verify(b"payload", signer.sign(b"other"))
