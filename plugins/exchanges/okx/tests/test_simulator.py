"""The simulated OKX as its documentation says: markets, channels, keys, orders, errors, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hft import BookState, Channel, Market, Side
from hft.testing.feed import FakeFeed
from hft_okx.config import AccountLevel, Config
from hft_okx.instruments import decode_instruments
from hft_okx.simulator import OkxSimulator
from hft_okx.stream import OkxStream

SECOND_NS = 1_000_000_000
Begin = Callable[..., Any]


def best(venue: Any, symbol: str, side: Side) -> str:
    """Return the best price of a side."""
    market = venue.market(symbol)
    found = market.engine.best(side)
    assert found is not None
    return market.instrument.format_price(found[0])


def away(venue: Any, symbol: str, side: Side, share: str) -> str:
    """Return a price a share of the best of a side."""
    market = venue.market(symbol)
    found = market.engine.best(side)
    assert found is not None
    return market.instrument.format_price(int(found[0] * Decimal(share)))


# -- markets over REST -----------------------------------------------------------------------------


async def test_instruments_are_understood_by_the_client(venue: Begin) -> None:
    here = await venue()
    for kind, symbol in (("SPOT", "BTC/USDT"), ("SWAP", "BTC/USDT:USDT")):
        rows = await here.get("/public/instruments", instType=kind)
        body = json.dumps({"code": "0", "data": rows, "msg": ""}).encode()
        warnings: list[str] = []
        found = {one.symbol: one for one in decode_instruments(body, "okx", warnings.append)}
        real = here.market(symbol).instrument
        assert not warnings
        assert (found[symbol].tick_size, found[symbol].lot_size) == (real.tick_size, real.lot_size)
        assert found[symbol].contract_multiplier == real.contract_multiplier
        assert found[symbol].min_size == real.min_size
    assert await here.get("/public/instruments", instType="OPTION") == []
    assert await here.get("/public/instruments", instType="x") == "51000"


async def test_questions_about_markets(venue: Begin) -> None:
    here = await venue()
    ((time,), (book,), (ticker,)) = (
        await here.get("/public/time"),
        await here.get("/market/books", instId="BTC-USDT", sz="5"),
        await here.get("/market/ticker", instId="BTC-USDT"),
    )
    assert time["ts"] == str(here.clock.now_ns() // 1_000_000)
    assert len(book["bids"]) == 5
    assert Decimal(book["bids"][0][0]) == Decimal(ticker["bidPx"]) < Decimal(ticker["askPx"])
    (mark,) = await here.get("/public/mark-price", instId="BTC-USDT-SWAP")
    (limit,) = await here.get("/public/price-limit", instId="BTC-USDT-SWAP")
    assert Decimal(limit["sellLmt"]) < Decimal(mark["markPx"]) < Decimal(limit["buyLmt"])
    (funding,) = await here.get("/public/funding-rate", instId="BTC-USDT-SWAP")
    assert int(funding["fundingTime"]) > int(time["ts"])
    assert len(await here.get("/market/tickers", instType="SWAP")) == 2
    assert await here.get("/market/ticker", instId="XRP-USDT") == "51001"


async def test_too_many_public_questions(venue: Begin) -> None:
    here = await venue()
    for _ in range(20):
        await here.get("/public/time")
    assert await here.get("/public/time", status=429) == "50011"
    here.clock.advance(2 * SECOND_NS)
    await here.get("/public/time")


# -- public channels -------------------------------------------------------------------------------


async def test_control_frames(venue: Begin) -> None:
    here = await venue()
    async with here.connect("public") as socket:
        await socket.ws.send_str("ping")
        assert await socket.read() == "pong"
        arg = {"channel": "trades", "instId": "BTC-USDT"}
        await socket.send(id="7", op="subscribe", args=[arg])
        ack = await socket.read()
        assert (ack["id"], ack["event"], ack["arg"]) == ("7", "subscribe", arg)
        assert ack["connId"]
        for frame, code in (
            ({"op": "ping"}, "60012"),
            ({"op": "subscribe", "args": [{"channel": "unheard"}]}, "60018"),
            ({"op": "subscribe", "args": [{"channel": "orders", "instType": "ANY"}]}, "60018"),
            ({"op": "subscribe", "args": [{"channel": "books-l2-tbt", "instId": "BTC-USDT"}]}, "64003"),
            ({"op": "order", "args": [{}]}, "60012"),
        ):
            await socket.send(**frame)
            answer = await socket.find(lambda frame: frame.get("event") == "error")
            assert answer["code"] == code
        await socket.ws.send_str("nonsense")
        assert (await socket.read())["code"] == "60012"


async def test_a_silent_client_is_cut_off_and_one_that_pings_is_not(venue: Begin) -> None:
    here = await venue()
    async with here.connect("public") as silent, here.connect("public") as lively:
        for _ in range(2):
            here.clock.advance(16 * SECOND_NS)
            await lively.ws.send_str("ping")
            assert await lively.read() == "pong"
        assert await silent.read() == "closed 4004"


async def test_an_upgrade_is_announced_a_minute_before(venue: Begin) -> None:
    here = await venue()
    async with here.connect("public") as socket:
        await here.control("upgrade")
        assert (await socket.read())["code"] == "64008"
        for _ in range(4):
            await socket.ws.send_str("ping")
            assert await socket.read() == "pong"
            here.clock.advance(15 * SECOND_NS)
        assert await socket.read() == "closed 1001"


async def test_connections_are_limited(venue: Begin) -> None:
    here = await venue()
    for _ in range(3):
        async with here.connect("public"):
            pass
    async with here.session.get("/ws/v5/public") as answer:
        assert answer.status == 429


async def test_requests_of_a_connection_are_limited(venue: Begin) -> None:
    here = await venue()
    async with here.connect("public") as socket:
        for _ in range(481):
            await socket.send(op="unsubscribe", args=[{"channel": "trades", "instId": "BTC-USDT"}])
        answers = [await socket.read() for _ in range(481)]
        assert [frame["event"] for frame in answers].count("unsubscribe") == 480
        assert answers[-1]["code"] == "60014"


async def test_a_book_that_follows_its_channel_is_the_exchanges(venue: Begin) -> None:
    here = await venue(quiet=False)
    market = here.market("BTC/USDT")
    async with here.connect("public") as first, here.connect("public") as second:
        await first.subscribe("books", instId="BTC-USDT")
        for number in range(40):
            here.clock.advance(SECOND_NS // 20)
            if number == 20:
                await second.subscribe("books", instId="BTC-USDT")
            await asyncio.sleep(0)
        here.simulator.world.stop()
        here.clock.advance(SECOND_NS)
        for socket in (first, second):
            # A book that begins later than another must go on as that one does.
            mirror = Market(market.instrument)
            mirror.listen(Channel.BOOK, lambda _: None)
            stream = OkxStream(Config(), FakeFeed("okx"))
            (spec,) = stream.subscribe([mirror])
            while mirror.book.update_id != here.simulator.listings["BTC-USDT"].seq_id:
                stream.on_frame(spec.name, json.dumps(await socket.data("books")).encode(), 1)
            assert (mirror.book.state, mirror.counters.gaps) == (BookState.LIVE, 0)
            for side in Side:
                assert mirror.book.levels(side, 100) == market.levels(side, 100)


async def test_an_empty_update_every_minute_and_ids_that_begin_anew(venue: Begin) -> None:
    here = await venue()
    async with here.connect("public") as socket:
        await socket.subscribe("books", instId="BTC-USDT")
        snapshot = (await socket.data("books"))["data"][0]
        assert (snapshot["prevSeqId"], snapshot["checksum"]) == (-1, 0)
        for _ in range(3):
            here.clock.advance(20 * SECOND_NS)
            await socket.ws.send_str("ping")
            await socket.find(lambda frame: frame == "pong")
        here.clock.advance(SECOND_NS)
        beat = (await socket.data("books"))["data"][0]
        assert (beat["bids"], beat["asks"], beat["seqId"]) == ([], [], snapshot["seqId"])
        assert beat["prevSeqId"] == beat["seqId"]
        await here.control("maintenance", instrument="BTC-USDT")
        reset = (await socket.data("books"))["data"][0]
        assert reset["prevSeqId"] == beat["seqId"] > reset["seqId"]
        here.market("BTC/USDT").submit(Side.BUY, 1000, 100)
        here.clock.advance(SECOND_NS)
        assert (await socket.data("books"))["data"][0]["prevSeqId"] == reset["seqId"]


async def test_trades_best_levels_and_marks(venue: Begin) -> None:
    here = await venue()
    market = here.market("BTC/USDT:USDT")
    async with here.connect("public") as socket, here.connect("business") as business:
        for channel in ("trades", "bbo-tbt", "books5", "tickers", "mark-price", "funding-rate"):
            await socket.subscribe(channel, instId="BTC-USDT-SWAP")
        await business.subscribe("trades-all", instId="BTC-USDT-SWAP")
        for channel in ("bbo-tbt", "books5", "tickers", "mark-price", "funding-rate"):
            assert (await socket.data(channel))["data"]
        ask = market.engine.best(Side.SELL)
        assert ask is not None
        for _ in range(2):
            market.submit(Side.SELL, 5, ask[0] - 1)
        market.submit(Side.BUY, 10, ask[0] - 1)
        (trade,) = (await socket.data("trades"))["data"]
        singles = [(await business.data("trades-all"))["data"][0] for _ in range(2)]
        assert (trade["count"], trade["sz"], trade["side"]) == ("2", "0.1", "buy")
        assert trade["tradeId"] == singles[1]["tradeId"]
        quote = (await socket.data("bbo-tbt"))["data"][0]
        assert Decimal(quote["asks"][0][0]) == market.instrument.price_to_decimal(ask[0] - 1)
        here.simulator.world.start()
        here.clock.advance(SECOND_NS)
        assert (await socket.data("mark-price"))["data"][0]["instId"] == "BTC-USDT-SWAP"


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"OK_ACCESS_KEY": ""}, "50103"),
        ({"OK_ACCESS_PASSPHRASE": ""}, "50104"),
        ({"OK_ACCESS_SIGN": ""}, "50106"),
        ({"OK_ACCESS_TIMESTAMP": ""}, "50107"),
        ({"OK_ACCESS_KEY": "unheard"}, "50119"),
        ({"OK_ACCESS_PASSPHRASE": "wrong"}, "50105"),
        ({"OK_ACCESS_SIGN": "d3Jvbmc="}, "50113"),
        ({"OK_ACCESS_TIMESTAMP": "soon"}, "50112"),
        ({"OK_ACCESS_TIMESTAMP": "2026-09-21T14:12:49.999Z"}, "50102"),
        ({"OK_ACCESS_TIMESTAMP": "2026-09-21T14:13:50.001Z"}, "50102"),
        ({"x_simulated_trading": "1"}, "50101"),
    ],
)
async def test_requests_that_are_not_signed_as_they_must_be(
    venue: Begin, changed: dict[str, str], code: str
) -> None:
    here = await venue()
    answer = await here.call("GET", "/account/balance", status=401, **changed)
    assert answer["code"] == code


async def test_what_is_signed_is_what_is_sent(venue: Begin) -> None:
    here = await venue()
    assert (await here.call("GET", "/account/balance", {"ccy": "USDT"}))["code"] == "0"
    headers = here.signers[0].headers("2026-09-21T14:13:20.000Z", "GET", "/api/v5/account/balance")
    answer = await here.call("GET", "/account/balance", {"ccy": "USDT"}, headers=headers, status=401)
    assert answer["code"] == "50113"
    other = here.signers[1].key.reveal()
    assert (await here.call("GET", "/account/balance", status=401, OK_ACCESS_KEY=other))["code"] == "50105"


async def test_demo_trading_must_be_said(venue: Begin) -> None:
    here = await venue(demo=True)
    assert (await here.call("GET", "/account/balance", status=401))["code"] == "50101"
    assert (await here.call("GET", "/account/balance", x_simulated_trading="1"))["code"] == "0"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"apiKey": ""}, "60005"),
        ({"apiKey": "unheard"}, "60032"),
        ({"passphrase": "wrong"}, "60024"),
        ({"sign": "d3Jvbmc="}, "60007"),
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": "1789999960"}, "60006"),
    ],
)
async def test_logins_that_are_refused(venue: Begin, changes: dict[str, str], code: str) -> None:
    here = await venue()
    async with here.connect() as socket:
        login = here.signers[0].login(here.clock.now_ns()) | changes
        await socket.send(op="login", args=[login])
        answer = await socket.read()
        assert (answer["event"], answer["code"]) == ("error", code)
        assert await socket.read() == "closed 4001"


async def test_nothing_private_without_a_login(venue: Begin) -> None:
    here = await venue()
    async with here.connect() as socket:
        await socket.send(op="subscribe", args=[{"channel": "orders", "instType": "ANY"}])
        assert (await socket.read())["code"] == "60011"
        assert (await socket.ask("order", {"instIdCode": 1}))["code"] == "60011"


# -- orders ----------------------------------------------------------------------------------------


async def test_an_order_over_rest_from_its_placing_to_its_end(venue: Begin) -> None:
    here = await venue()
    price = away(here, "BTC/USDT", Side.BUY, "0.98")
    async with here.connect(by=0) as socket:
        await socket.subscribe("orders", instType="ANY")
        placed = await here.order(px=price, clOrdId="demo5", tag="maker")
        assert placed["sCode"] == "0"
        (live,) = await socket.pushes(1)
        assert (live["state"], live["clOrdId"], live["ordId"]) == ("live", "demo5", placed["ordId"])
        (found,) = await here.rows("/trade/order", instId="BTC-USDT", clOrdId="demo5")
        assert (found["state"], found["accFillSz"], found["tag"]) == ("live", "0", "maker")
        assert len(await here.rows("/trade/orders-pending", instType="SPOT")) == 1
        change = {"instId": "BTC-USDT", "clOrdId": "demo5", "newSz": "0.02", "reqId": "r1"}
        assert (await here.call("POST", "/trade/amend-order", change))["data"][0]["reqId"] == "r1"
        (amended,) = await socket.pushes(1)
        assert (amended["amendResult"], amended["reqId"], amended["sz"]) == ("0", "r1", "0.02")
        gone = {"instId": "BTC-USDT", "ordId": placed["ordId"]}
        assert (await here.call("POST", "/trade/cancel-order", gone))["code"] == "0"
        (ended,) = await socket.pushes(1)
        assert (ended["state"], ended["cancelSource"]) == ("canceled", "1")
        again = await here.call("POST", "/trade/cancel-order", gone)
        assert (again["code"], again["data"][0]["sCode"]) == ("1", "51401")
        assert await here.rows("/trade/orders-pending", instType="SPOT") == []
        (kept,) = await here.rows("/trade/orders-history", instType="SPOT")
        assert kept["state"] == "canceled"


async def test_an_order_over_the_websocket(venue: Begin) -> None:
    here = await venue()
    price = away(here, "BTC/USDT:USDT", Side.BUY, "0.98")
    async with here.connect(by=0) as socket:
        arg = {"instIdCode": here.code("BTC-USDT-SWAP"), "tdMode": "cross", "side": "buy",
               "ordType": "post_only", "sz": "1", "px": price, "clOrdId": "demo6"}  # fmt: skip
        answer = await socket.ask("order", arg)
        assert (answer["code"], answer["data"][0]["clOrdId"]) == ("0", "demo6")
        assert answer["inTime"]
        by_name = {name: value for name, value in arg.items() if name != "instIdCode"}
        answer = await socket.ask("order", by_name | {"instId": "BTC-USDT-SWAP", "clOrdId": "demo7"})
        assert answer["data"][0]["sCode"] == "51000"
        name = {"instIdCode": here.code("BTC-USDT-SWAP"), "clOrdId": "demo6"}
        assert (await socket.ask("amend-order", name | {"newPx": "59000"}))["code"] == "0"
        assert (await socket.ask("cancel-order", name))["code"] == "0"
        answer = await socket.ask("cancel-order", name)
        assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "51401")
        assert (await socket.ask("order"))["code"] == "60013"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instId": "XRP-USDT"}, "51001"),
        ({"instId": ""}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"side": "both"}, "51000"),
        ({"ordType": "unheard"}, "51000"),
        ({"px": ""}, "51000"),
        ({"px": "60000.123"}, "51000"),
        ({"px": "20000"}, "51006"),
        ({"sz": "0"}, "51000"),
        ({"sz": "0.000000001"}, "51121"),
        ({"sz": "0.000001"}, "51020"),
        ({"sz": "9999"}, "51008"),
        ({"clOrdId": "with-dash"}, "51000"),
        ({"stpMode": "cancel_both", "ordType": "fok"}, "54036"),
        ({"attachAlgoOrds": [{}]}, "51000"),
    ],
)
async def test_orders_that_are_refused(venue: Begin, changes: dict[str, Any], code: str) -> None:
    here = await venue()
    values = {"px": away(here, "BTC/USDT", Side.BUY, "0.98")}
    assert (await here.order(**(values | changes)))["sCode"] == code


async def test_a_client_id_is_unique_among_open_orders(venue: Begin) -> None:
    here = await venue()
    price = away(here, "BTC/USDT", Side.BUY, "0.98")
    for code in ("0", "51016"):
        assert (await here.order(px=price, clOrdId="one"))["sCode"] == code


async def test_a_batch_of_which_a_part_fails(venue: Begin) -> None:
    here = await venue()
    good = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01",
            "px": away(here, "BTC/USDT", Side.BUY, "0.98")}  # fmt: skip
    answer = await here.call("POST", "/trade/batch-orders", [good | {"clOrdId": "a"}, good | {"sz": "1e-9"}])
    assert (answer["code"], [item["sCode"] for item in answer["data"]]) == ("2", ["0", "51121"])
    answer = await here.call("POST", "/trade/batch-orders", [good | {"sz": "1e-9"}] * 2)
    assert (answer["code"], answer["msg"]) == ("1", "All operations failed")
    answer = await here.call("POST", "/trade/batch-orders", [good] * 21)
    assert answer["code"] == "50014"
    names = [{"instId": "BTC-USDT", "clOrdId": "a"}, {"instId": "BTC-USDT", "clOrdId": "unheard"}]
    answer = await here.call("POST", "/trade/cancel-batch-orders", names)
    assert [item["sCode"] for item in answer["data"]] == ["0", "51400"]


async def test_post_only_fok_and_ioc_are_taken_and_then_cancelled(venue: Begin) -> None:
    here = await venue()
    async with here.connect(by=0) as socket:
        await socket.subscribe("orders", instType="SWAP")
        ask = best(here, "BTC/USDT:USDT", Side.SELL)
        low = away(here, "BTC/USDT:USDT", Side.BUY, "0.99")
        for kind, px, source in (("post_only", ask, "31"), ("fok", low, "13"), ("ioc", low, "14")):
            assert (await here.swap(ordType=kind, px=px))["sCode"] == "0"
            live, ended = await socket.pushes(2)
            assert (live["state"], ended["state"], ended["cancelSource"]) == ("live", "canceled", source)


async def test_an_amendment_into_the_market_of_a_post_only_order(venue: Begin) -> None:
    here = await venue()
    placed = await here.swap(ordType="post_only", px=away(here, "BTC/USDT:USDT", Side.BUY, "0.99"))
    change = {
        "instId": "BTC-USDT-SWAP",
        "ordId": placed["ordId"],
        "newPx": best(here, "BTC/USDT:USDT", Side.SELL),
    }
    answer = await here.call("POST", "/trade/amend-order", change)
    assert answer["data"][0]["sCode"] == "51511"
    assert len(await here.rows("/trade/orders-pending")) == 1
    await here.call("POST", "/trade/amend-order", change | {"cxlOnFail": True})
    assert await here.rows("/trade/orders-pending") == []


async def test_amending_to_what_has_traded_fills_the_order(venue: Begin) -> None:
    here = await venue()
    market = here.market("BTC/USDT:USDT")
    async with here.connect(by=0) as socket:
        await socket.subscribe("orders", instType="ANY", instId="BTC-USDT-SWAP")
        bid = market.engine.best(Side.BUY)
        assert bid is not None
        placed = await here.swap(px=market.instrument.format_price(bid[0] + 1), ordType="post_only")
        market.submit(Side.SELL, 40, bid[0] + 1)
        change = {"instId": "BTC-USDT-SWAP", "ordId": placed["ordId"], "newSz": "0.4"}
        assert (await here.call("POST", "/trade/amend-order", change))["code"] == "0"
        live, part, ended = await socket.pushes(3)
        assert (live["state"], part["state"], part["accFillSz"]) == ("live", "partially_filled", "0.4")
        assert (ended["state"], ended["sz"], ended["amendResult"]) == ("filled", "0.4", "0")
        assert (part["execType"], part["tradeId"] != "", ended["tradeId"]) == ("M", True, "")


@pytest.mark.parametrize(
    ("mode", "ended"),
    [("", ["maker"]), ("cancel_taker", ["taker"]), ("cancel_both", ["maker", "taker"])],
)
async def test_self_trades_are_prevented(venue: Begin, mode: str, ended: list[str]) -> None:
    here = await venue()
    market = here.market("BTC/USDT:USDT")
    bid = market.engine.best(Side.BUY)
    assert bid is not None
    price = market.instrument.format_price(bid[0] + 1)
    await here.swap(px=price, ordType="post_only", sz="0.5", clOrdId="maker")
    await here.swap(px=price, side="sell", sz="0.5", stpMode=mode, clOrdId="taker")
    rows = await here.rows("/trade/orders-history", instType="SWAP")
    assert sorted(row["clOrdId"] for row in rows if row["cancelSource"] == "32") == ended
    assert not any(int(row["tradeId"] or 0) for row in rows)


async def test_market_orders_of_spot_are_sized_in_either_currency(venue: Begin) -> None:
    here = await venue()
    spent = await here.order(ordType="market", sz="600")
    (order,) = await here.rows("/trade/order", instId="BTC-USDT", ordId=spent["ordId"])
    assert order["state"] == "filled"
    assert Decimal(599) < Decimal(order["accFillSz"]) * Decimal(order["avgPx"]) <= 600
    bought = await here.order(ordType="market", sz="0.01", tgtCcy="base_ccy")
    (order,) = await here.rows("/trade/order", instId="BTC-USDT", ordId=bought["ordId"])
    assert (order["accFillSz"], order["feeCcy"]) == ("0.01", "BTC")
    assert Decimal(order["fee"]) == Decimal("-0.00001")


async def test_fills_bills_and_balances_add_up_to_the_truth(venue: Begin) -> None:
    here = await venue()
    async with here.connect(by=0) as socket:
        for channel in ("account", "balance_and_position"):
            await socket.subscribe(channel)
        await socket.subscribe("positions", instType="SWAP")
        assert (await socket.data("account"))["eventType"] == "snapshot"
        await here.order(ordType="market", sz="0.02", tgtCcy="base_ccy")
        await here.swap(ordType="market", sz="3", side="sell")
        await here.swap(ordType="market", sz="1", side="buy")
        assert (await socket.data("positions"))["data"] == []
        await socket.find(lambda one: "data" in one and one["data"][0].get("pos") == "-2")
    truth = (await here.truth())["account1"]
    (state,) = await here.rows("/account/balance")
    told = {each["ccy"]: Decimal(each["cashBal"]) for each in state["details"]}
    wallet, margin = truth["spot"]["balances"], truth["swap"]["wallets"]
    for asset, each in wallet.items():
        cash = Decimal(each["free"]) + Decimal(each["locked"]) + Decimal(margin.get(asset, "0"))
        assert told[asset] == cash
    (position,) = await here.rows("/account/positions")
    assert (position["pos"], position["posSide"], position["mgnMode"]) == ("-2", "net", "cross")
    fills = await here.rows("/trade/fills")
    assert len(fills) == sum(
        len(order["fills"]) for desk in ("spot", "swap") for order in truth[desk]["orders"]
    )
    newest, *_ = fills
    older = await here.rows("/trade/fills", after=newest["billId"])
    assert [row["billId"] for row in older] == [row["billId"] for row in fills[1:]]
    assert await here.rows("/trade/fills", begin=str(here.clock.now_ns() // 1_000_000 + 1)) == []


async def test_funding_is_paid_and_told(venue: Begin) -> None:
    here = await venue()
    await here.swap(ordType="market", sz="3")
    async with here.connect(by=0) as socket:
        await socket.subscribe("balance_and_position")
        assert (await socket.data("balance_and_position"))["data"][0]["eventType"] == "snapshot"
        await here.control("funding", product="swap", symbol="BTC/USDT:USDT", rate="0.0001")
        assert (await socket.data("balance_and_position"))["data"][0]["eventType"] == "funding_fee"
    (bill,) = await here.rows("/account/bills", instType="SWAP", type="8")
    assert (bill["instId"], bill["subType"]) == ("BTC-USDT-SWAP", "173")
    assert Decimal(bill["balChg"]) == Decimal(bill["pnl"]) < 0


async def test_a_liquidation_is_told_as_one(venue: Begin) -> None:
    here = await venue()
    await here.swap(ordType="market", sz="3")
    async with here.connect(by=0) as socket:
        await socket.subscribe("orders", instType="ANY")
        await here.control("liquidate", product="swap", account="account1", symbol="BTC/USDT:USDT")
        row = (await socket.pushes(2))[1]
        assert (row["category"], row["clOrdId"], row["side"]) == ("full_liquidation", "", "sell")


async def test_positions_of_two_sides(venue: Begin) -> None:
    here = await venue()
    assert (await here.swap(ordType="market", posSide="long"))["sCode"] == "51000"
    answer = await here.call("POST", "/account/set-position-mode", {"posMode": "long_short_mode"})
    assert answer["code"] == "0"
    assert (await here.rows("/account/config"))[0]["posMode"] == "long_short_mode"
    assert (await here.swap(ordType="market"))["sCode"] == "51000"
    assert (await here.swap(ordType="market", posSide="long", sz="2"))["sCode"] == "0"
    assert (await here.swap(ordType="market", posSide="short", side="sell"))["sCode"] == "0"
    found = {row["posSide"]: row["pos"] for row in await here.rows("/account/positions")}
    assert found == {"long": "2", "short": "1"}
    assert (await here.swap(ordType="market", posSide="short"))["sCode"] == "0"
    assert (await here.swap(ordType="market", posSide="short"))["sCode"] == "51169"
    answer = await here.call("POST", "/account/set-position-mode", {"posMode": "net_mode"})
    assert answer["code"] == "59000"


async def test_reduce_only_orders(venue: Begin) -> None:
    here = await venue()
    assert (await here.swap(ordType="market", reduceOnly=True))["sCode"] == "51169"
    await here.swap(ordType="market", sz="2")
    assert (await here.swap(ordType="market", side="sell", sz="2", reduceOnly=True))["sCode"] == "0"
    assert await here.rows("/account/positions") == []


async def test_margin_modes_and_leverage(venue: Begin) -> None:
    here = await venue()
    params = {"instId": "BTC-USDT-SWAP", "lever": "5", "mgnMode": "isolated"}
    assert (await here.call("POST", "/account/set-leverage", params))["code"] == "0"
    (leverage,) = await here.rows("/account/leverage-info", instId="BTC-USDT-SWAP", mgnMode="cross")
    assert leverage["lever"] == "5"
    assert (await here.swap(ordType="market", tdMode="isolated"))["sCode"] == "0"
    (position,) = await here.rows("/account/positions", instType="SWAP")
    assert position["mgnMode"] == "isolated"
    assert (await here.swap(ordType="market", tdMode="cross"))["sCode"] == "51010"


async def test_portfolio_accounts_trade_spot_cross(venue: Begin) -> None:
    here = await venue(account_level=AccountLevel.PORTFOLIO, withdrawals=True)
    (config,) = await here.rows("/account/config")
    assert (config["acctLv"], config["perm"]) == ("4", "read_only,trade,withdraw")
    assert (await here.order(ordType="market", sz="100", tdMode="cross"))["sCode"] == "0"
    assert await here.rows("/trade/fills", instType="SPOT") == []
    assert {row["instType"] for row in await here.rows("/trade/fills", instId="BTC-USDT")} == {"MARGIN"}


# -- the dead man's switch, expiry, limits ---------------------------------------------------------


async def test_the_dead_mans_switch(venue: Begin) -> None:
    here = await venue()
    price = away(here, "BTC/USDT", Side.BUY, "0.98")
    await here.order(px=price, tag="one")
    await here.swap(px=away(here, "BTC/USDT:USDT", Side.BUY, "0.98"), tag="two")
    for wrong in ("5", "121", "x", ""):
        answer = await here.call("POST", "/trade/cancel-all-after", {"timeOut": wrong})
        assert answer["code"] == ("51000" if wrong != "121" else answer["code"])
        here.clock.advance(2 * SECOND_NS)
    await here.call("POST", "/trade/cancel-all-after", {"timeOut": "10", "tag": "one"})
    here.clock.advance(9 * SECOND_NS)
    await here.call("POST", "/trade/cancel-all-after", {"timeOut": "10", "tag": "one"})
    here.clock.advance(9 * SECOND_NS)
    assert len(await here.rows("/trade/orders-pending")) == 2
    here.clock.advance(SECOND_NS)
    (left,) = await here.rows("/trade/orders-pending")
    assert left["tag"] == "two"
    (ended,) = await here.rows("/trade/orders-history", instType="SPOT")
    assert ended["cancelSource"] == "20"
    await here.call("POST", "/trade/cancel-all-after", {"timeOut": "10"})
    await here.call("POST", "/trade/cancel-all-after", {"timeOut": "0"})
    here.clock.advance(60 * SECOND_NS)
    assert len(await here.rows("/trade/orders-pending")) == 1


async def test_requests_that_come_too_late(venue: Begin) -> None:
    here = await venue()
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market", "sz": "100"}
    now_ms = here.clock.now_ns() // 1_000_000
    for expires, code in ((str(now_ms - 1), "50036"), ("soon", "50037"), (str(now_ms), "0")):
        answer = await here.call("POST", "/trade/order", order, expTime=expires)
        assert answer["code"] == code
    async with here.connect(by=0) as socket:
        arg = {name: value for name, value in order.items() if name != "instId"}
        arg["instIdCode"] = here.code("BTC-USDT")
        assert (await socket.ask("order", arg, expTime=str(now_ms - 1)))["code"] == "50036"
        assert (await socket.ask("order", arg, expTime=str(now_ms)))["code"] == "0"


async def test_orders_of_an_instrument_are_limited_whichever_way_they_come(venue: Begin) -> None:
    here = await venue()
    name = {"instIdCode": here.code("BTC-USDT-SWAP"), "clOrdId": "unheard"}
    async with here.connect(by=0) as socket:
        for _ in range(60):
            await socket.ask("cancel-order", name)
        assert (await socket.ask("cancel-order", name))["code"] == "50011"
    rest = {"instId": "BTC-USDT-SWAP", "clOrdId": "unheard"}
    assert (await here.call("POST", "/trade/cancel-order", rest, status=429))["code"] == "50011"
    other = {"instId": "ETH-USDT-SWAP", "clOrdId": "unheard"}
    assert (await here.call("POST", "/trade/cancel-order", other))["code"] == "1"
    assert (await here.call("POST", "/trade/cancel-order", rest, by=1))["code"] == "1"
    assert (await here.call("POST", "/trade/amend-order", rest | {"newSz": "1"}))["code"] == "1"
    here.clock.advance(2 * SECOND_NS)
    assert (await here.call("POST", "/trade/cancel-order", rest))["code"] == "1"


async def test_a_batch_counts_its_orders(venue: Begin) -> None:
    here = await venue()
    names = [{"instId": "BTC-USDT-SWAP", "clOrdId": "unheard"}] * 20
    for _ in range(15):
        await here.call("POST", "/trade/cancel-batch-orders", names)
    assert (await here.call("POST", "/trade/cancel-batch-orders", names, status=429))["code"] == "50011"


async def test_questions_are_limited(venue: Begin) -> None:
    here = await venue()
    for _ in range(5):
        await here.rows("/account/config")
    assert (await here.call("GET", "/account/config", status=429))["code"] == "50011"


def test_what_a_fault_refuses_is_in_the_exchanges_words(venue: Begin) -> None:
    answer = OkxSimulator.refusal(None, "/api/v5/trade/order", 429, 0)  # type: ignore[arg-type]
    assert answer.status == 429
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["code"] == "50011"
