"""The simulated Bybit over loopback, as any client sees it: public data, signatures, limits."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from hft import Duration, Side
from hft.sim import Fault, FaultKind
from hft_bybit.endpoints import PRIVATE_PATH, PUBLIC_PATHS, TRADE_PATH, Product

S = 1_000_000_000
MS = 1_000_000
SPOT, LINEAR = Product.SPOT, Product.LINEAR


# -- public REST ---------------------------------------------------------------------------------


async def test_instruments_of_both_products(venue: Any) -> None:
    running = await venue()
    spot = await running.get("/v5/market/instruments-info", category="spot")
    assert [one["symbol"] for one in spot["list"]] == ["BTCUSDT", "ETHUSDT"]
    assert "nextPageCursor" not in spot
    assert spot["list"][0]["priceFilter"]["tickSize"] == "0.01"
    linear = await running.get("/v5/market/instruments-info", category="linear")
    assert [one["contractType"] for one in linear["list"]] == ["LinearPerpetual"] * 2
    assert linear["nextPageCursor"] == ""
    first = await running.get("/v5/market/instruments-info", category="linear", limit=1)
    rest = await running.get(
        "/v5/market/instruments-info", category="linear", limit=1, cursor=first["nextPageCursor"]
    )
    assert [first["list"][0], rest["list"][0]] == linear["list"]
    one = await running.get("/v5/market/instruments-info", category="spot", symbol="ETHUSDT")
    assert [each["symbol"] for each in one["list"]] == ["ETHUSDT"]
    assert (await running.get("/v5/market/instruments-info", category="inverse"))["list"] == []


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("instruments-info", {}, 10001),
        ("instruments-info", {"category": "spot", "symbol": "NOPE"}, 170121),
        ("instruments-info", {"category": "linear", "symbol": "NOPE"}, 10001),
        ("instruments-info", {"category": "linear", "limit": "many"}, 10001),
        ("orderbook", {"category": "spot"}, 10001),
        ("orderbook", {"category": "spot", "symbol": "NOPE"}, 170121),
        ("orderbook", {"category": "spot", "symbol": "BTCUSDT", "limit": 0}, 10001),
        ("tickers", {"category": "nonsense"}, 10001),
        ("recent-trade", {"category": "inverse", "symbol": "BTCUSD"}, 10001),
    ],
)
async def test_questions_that_make_no_sense(venue: Any, path: str, query: dict[str, Any], code: int) -> None:
    assert await (await venue()).get(f"/v5/market/{path}", code, **query) == {}


async def test_the_rest_of_the_public_questions(venue: Any) -> None:
    running = await venue(quiet=False)
    running.clock.advance(10 * S)
    time = await running.get("/v5/market/time")
    assert int(time["timeNano"]) == running.clock.now_ns()
    for category, name in (("spot", "BTC/USDT"), ("linear", "BTC/USDT:USDT")):
        asked = {"category": category, "symbol": "BTCUSDT"}
        book = await running.get("/v5/market/orderbook", **asked, limit=5)
        listing = running.simulator._publisher._listings[Product(category), "BTCUSDT"]
        for key, side in (("b", Side.BUY), ("a", Side.SELL)):
            expected = [[listing.price(p), listing.size(s)] for p, s in running.market(name).levels(side, 5)]
            assert book[key] == expected
        (ticker,) = (await running.get("/v5/market/tickers", **asked))["list"]
        assert [ticker["bid1Price"], ticker["bid1Size"]] == book["b"][0]
        assert ("markPrice" in ticker) is (category == "linear")
        trades = (await running.get("/v5/market/recent-trade", **asked, limit=3))["list"]
        assert [Decimal(trade["price"]) for trade in trades] == [
            running.market(name).instrument.price_to_decimal(trade.price)
            for trade in list(running.market(name).trades)[:-4:-1]
        ]
    assert len((await running.get("/v5/market/tickers", category="linear"))["list"]) == 2
    funding = await running.get("/v5/market/funding/history", category="linear", symbol="BTCUSDT")
    assert int(funding["list"][0]["fundingRateTimestamp"]) <= running.now_ms


# -- signatures ----------------------------------------------------------------------------------

_INFO = "/v5/account/info"


async def test_signatures_are_verified(venue: Any) -> None:
    running = await venue()
    assert (await running.call("GET", _INFO))["result"]["unifiedMarginStatus"] in (5, 6)
    await running.call("GET", _INFO, 10003, by=None)
    await running.call("GET", _INFO, 10003, headers={"X-BAPI-API-KEY": "somebody"})
    await running.call("GET", _INFO, 10004, headers={"X-BAPI-SIGN": "0" * 64})
    await running.call("GET", _INFO, 10004, headers={"X-BAPI-RECV-WINDOW": "5001"})
    await running.call("GET", _INFO, 10002, late_ms=6_000)
    await running.call("GET", _INFO, 10002, late_ms=-2_000)
    await running.call("GET", _INFO, 10001, headers={"X-BAPI-TIMESTAMP": "now"})
    # Signed with another's key, and with another's content.
    other = {"X-BAPI-SIGN": running.sign("", 1)["X-BAPI-SIGN"]}
    await running.call("GET", _INFO, 10004, headers=other)
    signed = running.sign('{"category":"spot"}')
    await running.call("POST", "/v5/order/cancel-all", 10004, by=None, headers=signed, category="linear")


async def test_a_query_counts_as_it_was_written(venue: Any) -> None:
    running = await venue()
    await running.call("GET", "/v5/order/realtime", category="spot", orderLinkId="a b,c/é")


@pytest.mark.parametrize("path", [PRIVATE_PATH, TRADE_PATH])
async def test_logins_are_verified(venue: Any, path: str) -> None:
    running = await venue()

    def code(answer: Any) -> Any:
        return answer["retCode"] if path == TRADE_PATH else answer["ret_msg"]

    texts = {10001: "Params Error", 10002: "Request expired", 10003: "API key is invalid.", 0: ""}
    async with running.connect(path) as socket:
        good = running.signers[0]
        expires = running.now_ms + 1_000
        signature = good.sign(f"GET/realtime{expires}".encode())
        for args, expected in [
            (["one"], 10001),
            (["somebody", expires, signature], 10003),
            ([good.key.reveal(), running.now_ms - 1, signature], 10002),
            ([good.key.reveal(), "soon", signature], 10001),
        ]:
            answer = code(await socket.ask("auth", *args))
            assert answer in (expected, texts[expected])
        wrong = code(await socket.ask("auth", good.key.reveal(), expires, "0" * 64))
        assert wrong in (10004, "Invalid sign")
        assert code(await socket.ask("auth", good.key.reveal(), expires, signature)) in (0, "")


async def test_private_topics_need_a_login(venue: Any) -> None:
    running = await venue()
    async with running.connect(PRIVATE_PATH) as socket:
        assert "not authorized" in (await socket.subscribe("order", success=False))["ret_msg"]
        await socket.log_in()
        assert "handler not found" in (await socket.subscribe("orders", success=False))["ret_msg"]
        await socket.subscribe("order", "execution", "position", "wallet", "execution.fast")
        assert (await socket.ask("ping"))["op"] == "pong"
    async with running.connect(TRADE_PATH) as socket:
        await socket.order("create", 10005, category="spot")


async def test_keys_that_may_withdraw_say_so(venue: Any) -> None:
    for withdrawals in (False, True):
        running = await venue(withdrawals=withdrawals)
        key = (await running.call("GET", "/v5/user/query-api"))["result"]
        assert ("Withdraw" in key["permissions"]["Wallet"]) is withdrawals


# -- limits --------------------------------------------------------------------------------------


async def test_buckets_are_stated_and_refill(venue: Any) -> None:
    running = await venue()
    for left in range(49, -1, -1):
        await running.call("GET", "/v5/order/realtime", category="spot")
        assert running.headers["X-Bapi-Limit"] == "50"
        assert running.headers["X-Bapi-Limit-Status"] == str(left)
    await running.call("GET", "/v5/order/realtime", 10006, category="spot")
    assert int(running.headers["X-Bapi-Limit-Reset-Timestamp"]) == running.now_ms + 1_000
    await running.call("GET", "/v5/order/realtime", category="spot", by=1)
    running.clock.advance(S)
    await running.call("GET", "/v5/order/realtime", category="spot")


async def test_batches_count_by_their_orders(venue: Any) -> None:
    running = await venue()
    order = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "20000"}
    async with running.trade() as socket:
        answer = await socket.order("create-batch", category="linear", request=[order] * 6)
        assert answer["header"]["X-Bapi-Limit-Status"] == "4"
        await socket.order("create-batch", 10006, category="linear", request=[order] * 5)
        await socket.order("create-batch", category="linear", request=[order] * 4)


async def test_an_address_that_asks_too_much_is_turned_away(venue: Any) -> None:
    running = await venue()
    for _ in range(600):
        await running.get("/v5/market/time")
    async with running.session.get("/v5/market/time") as answer:
        assert answer.status == 403
        assert "access too frequent" in await answer.text()
    running.clock.advance(599 * S)
    async with running.session.get("/v5/market/time") as answer:
        assert answer.status == 403
    running.clock.advance(2 * S)
    await running.get("/v5/market/time")


async def test_limits_can_be_turned_off(venue: Any) -> None:
    running = await venue(limits=0)
    for _ in range(60):
        await running.call("GET", "/v5/order/realtime", category="spot")
    assert "X-Bapi-Limit" not in running.headers


async def test_faults_of_rest(venue: Any) -> None:
    running = await venue()
    running.simulator.faults.inject(Fault(kind=FaultKind.REFUSE, where="request/GET /v5/market/*"))
    async with running.session.get("/v5/market/time") as answer:
        assert answer.status == 503
    ban = Fault(kind=FaultKind.REFUSE, where="request/*", status=403, retry_after=Duration(S))
    running.simulator.faults.inject(ban)
    async with running.session.get("/v5/market/time") as answer:
        assert answer.status == 403
        assert "access too frequent" in await answer.text()


# -- public topics -------------------------------------------------------------------------------


@pytest.mark.parametrize("product", list(Product))
@pytest.mark.parametrize("depth", [50, 200, 1000])
async def test_books_can_be_followed(venue: Any, product: Product, depth: int) -> None:
    running = await venue(quiet=False)
    topic = f"orderbook.{depth}.BTCUSDT"
    book: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    async with running.public(product, topic) as socket:
        deltas, last = -1, 0
        while deltas < 30:
            running.clock.advance(20 * MS)
            await socket.is_silent()
            for frame in socket.events:
                deltas += 1
                assert frame["topic"] == topic
                assert frame["type"] == ("delta" if deltas else "snapshot")
                assert not deltas or frame["data"]["u"] == last + 1
                last = frame["data"]["u"]
                for key in ("b", "a"):
                    for price, size in frame["data"][key]:
                        if Decimal(size):
                            book[key][price] = size
                        else:
                            del book[key][price]
            socket.events.clear()
            listing = running.simulator._publisher._listings[product, "BTCUSDT"]
            known = running.simulator._publisher._books[f"{product.value}/{topic}"]
            for key, levels in (("b", known.bids), ("a", known.asks)):
                assert book[key] == {listing.price(p): listing.size(s) for p, s in levels.items()}
                assert len(book[key]) <= depth


async def test_the_best_level_comes_whole_and_is_repeated(venue: Any) -> None:
    running = await venue()
    async with running.public(SPOT, "orderbook.1.BTCUSDT") as socket:
        first = await socket.next()
        assert [len(first["data"][side]) for side in "ba"] == [1, 1]
        running.clock.advance(3 * S + 20 * MS)
        again = await socket.next()
        assert again["type"] == "snapshot"
        assert again["data"]["u"] == first["data"]["u"]
        assert again["data"]["b"] == first["data"]["b"]


async def test_a_restart_begins_every_book_with_one(venue: Any) -> None:
    running = await venue()
    async with running.public(LINEAR, "orderbook.50.BTCUSDT") as socket:
        first = await socket.next()
        assert first["data"]["u"] > 1
        await running.control("restart-books")
        again = await socket.next()
        assert again["type"] == "snapshot"
        assert again["data"]["u"] == 1
        assert again["data"]["b"] == first["data"]["b"]


async def test_trades_and_tickers(venue: Any) -> None:
    running = await venue(quiet=False)
    topics = ("publicTrade.BTCUSDT", "tickers.BTCUSDT")
    for product in Product:
        async with running.public(product, *topics) as socket:
            seen: dict[str, list[str]] = {topic: [] for topic in topics}
            ticker: dict[str, str] = {}
            while min(len(types) for types in seen.values()) < 4:
                running.clock.advance(100 * MS)
                await asyncio.sleep(0.001)
                if not await socket.is_silent():
                    for frame in socket.events:
                        seen[frame["topic"]].append(frame["type"])
                        if frame["topic"] == topics[1]:
                            ticker |= frame["data"]
                    socket.events.clear()
            assert set(seen[topics[0]]) == {"snapshot"}
            rest = "delta" if product is LINEAR else "snapshot"
            assert seen[topics[1]] == ["snapshot", *[rest] * (len(seen[topics[1]]) - 1)]
            name = "BTC/USDT" if product is SPOT else "BTC/USDT:USDT"
            last = running.market(name).statistics.last
            assert last is not None
            listing = running.simulator._publisher._listings[product, "BTCUSDT"]
            assert ticker["lastPrice"] == listing.price(last.price)
            assert ("fundingRate" in ticker) is (product is LINEAR)


async def test_subscriptions_that_are_refused(venue: Any) -> None:
    running = await venue()
    async with running.public(SPOT) as socket:
        assert (await socket.ask("ping"))["ret_msg"] == "pong"
        await socket.subscribe(success=False)
        answer = await socket.subscribe("publicTrade.BTCUSDT", "orderbook.7.BTCUSDT", success=False)
        assert answer["ret_msg"] == "error:handler not found,topic:orderbook.7.BTCUSDT"
        many = [f"publicTrade.{number}" for number in range(11)]
        assert (await socket.subscribe(*many, success=False))["ret_msg"] == "args size >10"
        await socket.subscribe("publicTrade.BTCUSDT")
        answer = await socket.subscribe("publicTrade.BTCUSDT", success=False)
        assert answer["ret_msg"] == "error:already subscribed,topic:publicTrade.BTCUSDT"
        await socket.ask("unsubscribe", "publicTrade.BTCUSDT")
        await socket.subscribe("publicTrade.BTCUSDT")
        assert not (await socket.ask("dance"))["success"]
        await socket.ws.send_str("}{")
        assert not (await socket.read())["success"]
    async with running.public(LINEAR) as socket:
        long = "publicTrade." + "X" * 21_000
        assert (await socket.subscribe(long, success=False))["ret_msg"] == "args length > 21000"
    async with running.session.get(PUBLIC_PATHS[SPOT]) as answer:
        assert answer.status == 400


async def test_who_says_nothing_is_cut(venue: Any) -> None:
    running = await venue()
    async with running.public(SPOT) as socket:
        await socket.ask("ping")
        running.clock.advance(601 * S)
        assert await socket.closed() in (1000, 1001, 1006)
    async with running.connect(f"{PRIVATE_PATH}?max_active_time=1m") as socket:
        await socket.log_in()
        running.clock.advance(59 * S)
        await socket.ask("ping")
        running.clock.advance(61 * S)
        assert await socket.closed() in (1000, 1001, 1006)
    assert running.simulator.sockets.counters.idle == 2
