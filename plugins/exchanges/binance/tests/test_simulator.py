"""The simulated Binance over loopback, as any client sees it."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hft import Duration, Side, SimulatedClock
from hft.sim import Fault, FaultKind, SyntheticMarket, World, serve
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

S = 1_000_000_000
MS = 1_000_000
START_NS = 1_700_000_040_000_000_000  # the beginning of a minute
LONG = 5.0


class Running:
    """A simulator on a port, and a client to speak to it."""

    def __init__(self, simulator: BinanceSimulator, clock: SimulatedClock, port: int) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.clock = clock
        self.port = port
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        async with self.session.get(path, params=query) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    @asynccontextmanager
    async def connect(self, path: str, *subscribe: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        async with self.session.ws_connect(path, autoping=False) as ws:
            if subscribe:
                await ws.send_json({"method": "SUBSCRIBE", "params": list(subscribe), "id": 1})
                assert await read(ws) == {"result": None, "id": 1}
            yield ws

    def market(self, symbol: str) -> SyntheticMarket:
        market = self.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market


async def read(ws: aiohttp.ClientWebSocketResponse) -> Any:
    message = await asyncio.wait_for(ws.receive(), LONG)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return json.loads(message.data)


async def is_silent(ws: aiohttp.ClientWebSocketResponse) -> bool:
    """Ask for the list of subscriptions: whatever was sent before would come before its answer."""
    await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 99})
    answer = await read(ws)
    return isinstance(answer, dict) and answer.get("id") == 99


async def closed(ws: aiohttp.ClientWebSocketResponse) -> int:
    """Read until the socket is closed; return the code."""
    while True:
        message = await asyncio.wait_for(ws.receive(), LONG)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data)
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return 1006


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts a simulator; everything is closed at the end."""
    exits: list[Callable[[], Any]] = []

    async def begin(**options: Any) -> Running:
        clock = SimulatedClock(START_NS)
        config = BinanceSimulatorConfig(**options)
        world = World.synthetic(clock, config.symbols, "binance", seed=config.seed, rate=config.rate)
        simulator = BinanceSimulator(config, world)
        server = serve(simulator)
        running = Running(simulator, clock, await server.__aenter__())
        exits.extend([running.session.close, lambda: server.__aexit__(None, None, None)])
        return running

    yield begin
    for leave in exits:
        await leave()


# -- REST ----------------------------------------------------------------------------------------


async def test_exchange_info_describes_both_products(start: Any) -> None:
    running = await start()
    spot = await running.get("/api/v3/exchangeInfo")
    assert [symbol["symbol"] for symbol in spot["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    filters = {entry["filterType"]: entry for entry in spot["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    futures = await running.get("/fapi/v1/exchangeInfo")
    assert [symbol["contractType"] for symbol in futures["symbols"]] == ["PERPETUAL", "PERPETUAL"]
    one = await running.get("/api/v3/exchangeInfo", symbol="ETHUSDT")
    assert [symbol["symbol"] for symbol in one["symbols"]] == ["ETHUSDT"]
    two = await running.get("/api/v3/exchangeInfo", symbols='["ETHUSDT","BTCUSDT"]')
    assert [symbol["symbol"] for symbol in two["symbols"]] == ["ETHUSDT", "BTCUSDT"]


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v3/exchangeInfo", {"symbol": "NOPE"}, -1121),
        ("/api/v3/exchangeInfo", {"symbol": "A", "symbols": '["B"]'}, -1128),
        ("/api/v3/depth", {}, -1102),
        ("/api/v3/depth", {"symbol": "NOPE"}, -1121),
        ("/api/v3/depth", {"symbol": "btcusdt"}, -1100),
        ("/api/v3/depth", {"symbol": ""}, -1105),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "ten"}, -1100),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "size": "5"}, -1104),
        ("/api/v3/ticker/price", {"symbols": "BTCUSDT"}, -1100),
        ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": "7"}, -4021),
        ("/fapi/v1/premiumIndex", {"symbol": "NOPE"}, -1121),
    ],
)
async def test_errors_have_code_and_msg(start: Any, path: str, query: dict[str, str], code: int) -> None:
    running = await start()
    answer = await running.get(path, 400, **query)
    assert answer["code"] == code
    assert set(answer) == {"code", "msg"}


async def test_the_rest_of_the_endpoints(start: Any) -> None:
    running = await start()
    running.clock.advance(10 * S)
    now_ms = running.clock.now_ns() // MS
    assert await running.get("/api/v3/ping") == {}
    assert await running.get("/fapi/v1/time") == {"serverTime": now_ms}
    trades = await running.get("/api/v3/trades", symbol="BTCUSDT", limit=5)
    known = list(running.market("BTC/USDT").trades)[-5:]
    assert [trade["id"] for trade in trades] == [trade.trade_id for trade in known]
    assert [trade["isBuyerMaker"] for trade in trades] == [trade.side is Side.SELL for trade in known]
    aggregated = await running.get("/api/v3/aggTrades", symbol="BTCUSDT")
    last_ids = [trade["l"] for trade in aggregated]
    assert [trade["f"] for trade in aggregated[1:]] == [last_id + 1 for last_id in last_ids[:-1]]
    rest = await running.get("/api/v3/aggTrades", symbol="BTCUSDT", fromId=aggregated[3]["a"], limit=2)
    assert rest == aggregated[3:5]
    last = next(iter(reversed(running.market("BTC/USDT").trades)))
    price = await running.get("/api/v3/ticker/price", symbol="BTCUSDT")
    assert price == {"symbol": "BTCUSDT", "price": f"{last.price / 100:.8f}"}
    assert len(await running.get("/fapi/v1/ticker/price")) == 2
    day = await running.get("/api/v3/ticker/24hr", symbol="BTCUSDT")
    assert float(day["lowPrice"]) <= float(day["weightedAvgPrice"]) <= float(day["highPrice"])
    assert day["count"] == day["lastId"] - day["firstId"] + 1
    for product in ("/api/v3", "/fapi/v1"):
        ticker = await running.get(f"{product}/ticker/bookTicker", symbol="ETHUSDT")
        depth = await running.get(f"{product}/depth", symbol="ETHUSDT", limit=5)
        assert [ticker["bidPrice"], ticker["bidQty"]] == depth["bids"][0]
        assert [ticker["askPrice"], ticker["askQty"]] == depth["asks"][0]
        assert len(depth["bids"]) == 5
    assert (await running.get("/api/v3/avgPrice", symbol="BTCUSDT"))["mins"] == 5
    assert await running.get("/fapi/v2/ticker/price") == await running.get("/fapi/v1/ticker/price")
    assert (await running.get("/dapi/v1/exchangeInfo"))["symbols"] == []
    premium = await running.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert premium["nextFundingTime"] > now_ms
    assert len(await running.get("/fapi/v1/premiumIndex")) == 2
    (funding,) = await running.get("/fapi/v1/fundingRate", symbol="BTCUSDT")
    assert funding["fundingTime"] <= START_NS // MS


async def test_weights_429_and_ban(start: Any) -> None:
    running = await start(symbols=("BTC/USDT",), rate=0.1)
    query = {"symbol": "BTCUSDT", "limit": "5000"}
    for used in range(250, 6001, 250):
        async with running.session.get("/api/v3/depth", params=query) as answer:
            assert answer.status == 200
            assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(used)
    running.clock.advance(20 * S)
    async with running.session.get("/api/v3/ping") as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "40"
        assert (await answer.json())["code"] == -1003
    assert await running.get("/fapi/v1/ping") == {}  # the other product counts by itself
    running.clock.advance(40 * S)
    assert await running.get("/api/v3/ping") == {}
    for _ in range(24):
        await running.get("/api/v3/depth", 200 if _ < 23 else 429, **query)
    for _ in range(10):
        last = await running.get("/api/v3/ping", 418 if _ == 9 else 429)
    assert "banned until" in last["msg"]
    running.clock.advance(119 * S)
    await running.get("/api/v3/ping", 418)
    running.clock.advance(2 * S)
    assert await running.get("/api/v3/ping") == {}


async def test_rest_faults(start: Any) -> None:
    running = await start()
    running.simulator.faults.inject(Fault(kind=FaultKind.REFUSE, where="request/GET /api/v3/depth"))
    assert (await running.get("/api/v3/depth", 503, symbol="BTCUSDT"))["code"] == -1000
    ban = Fault(kind=FaultKind.REFUSE, where="request/GET /fapi/*", status=418, retry_after=Duration(90 * S))
    running.simulator.faults.inject(ban)
    refused = await running.get("/fapi/v1/time", 418)
    assert refused["code"] == -1003
    assert f"banned until {(START_NS + 90 * S) // MS}" in refused["msg"]
    await running.get("/api/v3/depth", symbol="BTCUSDT")


# -- order books ---------------------------------------------------------------------------------


class NaiveBook:
    """The published algorithm, word for word."""

    def __init__(self, futures: bool) -> None:
        self.futures = futures
        self.update_id: int | None = None
        self.previous = 0
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}

    def load(self, snapshot: Any) -> None:
        self.update_id = snapshot["lastUpdateId"]
        self.previous = 0
        for key, name in (("b", "bids"), ("a", "asks")):
            self.sides[key] = dict(snapshot[name])

    def apply(self, event: Any) -> bool:
        """Apply an event; False when the algorithm says to start over."""
        assert self.update_id is not None
        last = self.update_id
        if self.futures:
            if not self.previous:
                if event["u"] < last:
                    return True
                if not event["U"] <= last <= event["u"]:
                    return False
            elif event["pu"] != self.previous:
                return False
            self.previous = event["u"]
        else:
            if event["u"] <= last:
                return True
            if event["U"] > last + 1:
                return False
        for key, side in self.sides.items():
            for price, size in event[key]:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self.update_id = event["u"]
        return True


def world_book(running: Running, symbol: str, name: str) -> dict[str, dict[str, str]]:
    listing = running.simulator.listings[(name, symbol)]
    return {key: dict(listing.levels(side, 10**6)) for key, side in (("b", Side.BUY), ("a", Side.SELL))}


@pytest.mark.parametrize(
    ("route", "stream", "name"),
    [
        ("/ws", "btcusdt@depth@100ms", "spot"),
        ("/ws", "btcusdt@depth", "spot"),
        ("/public/ws", "btcusdt@depth@100ms", "usdm"),
        ("/public/ws", "btcusdt@depth", "usdm"),
        ("/public/ws", "btcusdt@depth@0ms", "usdm"),
    ],
)
async def test_the_published_algorithm_ends_with_the_worlds_book(
    start: Any, route: str, stream: str, name: str
) -> None:
    running = await start()
    rest = "/api/v3/depth" if name == "spot" else "/fapi/v1/depth"
    listing = running.simulator.listings[(name, "BTCUSDT")]
    book = NaiveBook(futures=name == "usdm")
    async with running.connect(route, stream) as ws:
        events: list[Any] = []
        running.clock.advance(1203 * MS)
        events.append(await read(ws))
        # In the middle of the stream, between two of its events.
        book.load(await running.get(rest, symbol="BTCUSDT", limit=1000))
        running.clock.advance(2 * S)
        running.world.stop()
        running.clock.advance(2 * S)
        while events[-1]["u"] < listing.update_id:
            events.append(await read(ws))
        assert all(book.apply(event) for event in events)
        if name == "spot":
            assert all(after["U"] == before["u"] + 1 for before, after in itertools.pairwise(events))
        assert book.update_id == listing.update_id
        assert book.sides == world_book(running, "BTCUSDT", name)


@pytest.mark.parametrize("name", ["spot", "usdm"])
@pytest.mark.parametrize(
    ("kind", "noticed"),
    [
        (FaultKind.DROP, True),
        (FaultKind.REORDER, True),
        (FaultKind.DELAY, True),
        (FaultKind.DUPLICATE, None),
    ],
)
async def test_a_faulty_depth_frame_is_noticeable(
    start: Any, name: str, kind: FaultKind, noticed: bool | None
) -> None:
    running = await start()
    route, rest = ("/ws", "/api/v3") if name == "spot" else ("/public/ws", "/fapi/v1")
    listing = running.simulator.listings[(name, "BTCUSDT")]
    async with running.connect(route, "btcusdt@depth@100ms") as ws:
        running.clock.advance(250 * MS)
        book = NaiveBook(futures=name == "usdm")
        book.load(await running.get(f"{rest}/depth", symbol="BTCUSDT", limit=1000))
        late = {"delay": Duration(250 * MS)} if kind is FaultKind.DELAY else {}
        running.simulator.faults.inject(Fault(kind=kind, where="*/btcusdt@depth*", after=3, **late))
        running.clock.advance(S)
        running.world.stop()
        running.clock.advance(S)
        fine, event = True, {"u": 0}
        while event["u"] < listing.update_id:
            event = await read(ws)
            fine = book.apply(event) and fine
        if noticed:
            assert not fine
        elif name == "spot":  # futures' chain of previous ids notices a repetition, spot's ignores it
            assert fine
            assert book.sides == world_book(running, "BTCUSDT", name)


async def test_truncated_frame_disconnect_and_silence_hit_one_connection(start: Any) -> None:
    running = await start()
    depth = "btcusdt@depth@100ms"
    async with (
        running.connect("/ws", depth) as broken,
        running.connect("/ws", "ethusdt@depth@100ms") as other,
    ):
        running.simulator.faults.inject(Fault(kind=FaultKind.TRUNCATE, where=f"spot/{depth}"))
        running.clock.advance(150 * MS)
        message = await asyncio.wait_for(broken.receive(), LONG)
        with pytest.raises(json.JSONDecodeError):
            json.loads(message.data)
        assert (await read(other))["s"] == "ETHUSDT"
        running.simulator.faults.inject(Fault(kind=FaultKind.SILENCE, where=f"spot/{depth}"))
        running.clock.advance(100 * MS)
        assert (await read(other))["s"] == "ETHUSDT"
        running.clock.advance(100 * MS)
        assert (await read(other))["s"] == "ETHUSDT"
        assert running.simulator.sockets.outboxes.silenced > 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(broken.receive(), 0.05)
    async with running.connect("/ws", depth) as broken:
        running.simulator.faults.inject(Fault(kind=FaultKind.DISCONNECT, where=f"spot/{depth}"))
        running.clock.advance(150 * MS)
        assert await closed(broken) == 1006


# -- streams -------------------------------------------------------------------------------------


async def test_combined_wraps_and_raw_does_not(start: Any) -> None:
    running = await start()
    async with (
        running.connect("/stream?streams=btcusdt@trade/ethusdt@trade") as combined,
        running.connect("/ws/btcusdt@trade") as raw,
    ):
        running.clock.advance(5 * S)
        frame = await read(combined)
        assert set(frame) == {"stream", "data"}
        assert frame["stream"] == frame["data"]["s"].lower() + "@trade"
        assert (await read(raw))["e"] == "trade"
        await raw.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 5})
        while (frame := await read(raw)) != {"result": None, "id": 5}:
            assert frame["e"] == "trade"
        running.clock.advance(S)
        assert set(await read(raw)) == {"stream", "data"}


async def test_trades_add_up(start: Any) -> None:
    running = await start()
    async with (
        running.connect("/ws", "btcusdt@trade") as single,
        running.connect("/ws", "btcusdt@aggTrade") as grouped,
    ):
        running.clock.advance(5 * S)
        running.world.stop()
        known = list(running.market("BTC/USDT").trades)
        trades = [await read(single) for _ in known]
        assert [trade["t"] for trade in trades] == [trade.trade_id for trade in known]
        expected = iter(trades)
        while True:
            group = await read(grouped)
            members = [next(expected) for _ in range(group["f"], group["l"] + 1)]
            assert {member["p"] for member in members} == {group["p"]}
            assert {member["m"] for member in members} == {group["m"]}
            assert sum(round(float(member["q"]) * 1e5) for member in members) == round(
                float(group["q"]) * 1e5
            )
            if group["l"] == known[-1].trade_id:
                break


async def test_book_ticker_is_the_top_of_the_book(start: Any) -> None:
    running = await start(symbols=("BTC/USDT", "BTC/USDT:USDT"))
    for route, name in (("/ws", "spot"), ("/public/ws", "usdm")):
        async with running.connect(route, "btcusdt@bookTicker") as ws:
            running.clock.advance(500 * MS)
            last = running.simulator.listings[(name, "BTCUSDT")]
            assert await is_silent(ws) is False
            tickers = []
            while "result" not in (frame := await read(ws)):
                tickers.append(frame)
            best = {side: last.levels(side, 1)[0] for side in (Side.BUY, Side.SELL)}
            assert (tickers[-1]["b"], tickers[-1]["B"]) == best[Side.BUY]
            assert (tickers[-1]["a"], tickers[-1]["A"]) == best[Side.SELL]
            assert ("e" in tickers[-1]) == (name == "usdm")


async def test_partial_depth_and_mark_price(start: Any) -> None:
    running = await start()
    async with running.connect("/ws", "btcusdt@depth5@100ms") as ws:
        running.clock.advance(100 * MS)
        frame = await read(ws)
        assert set(frame) == {"lastUpdateId", "bids", "asks"}
        assert len(frame["bids"]) == len(frame["asks"]) == 5
    async with running.connect("/public/ws", "btcusdt@depth20") as ws:
        running.clock.advance(250 * MS)
        frame = await read(ws)
        assert frame["e"] == "depthUpdate"
        assert len(frame["b"]) == 20
    async with running.connect("/market/ws", "btcusdt@markPrice@1s") as ws:
        running.clock.advance(2 * S)
        assert [(await read(ws))["e"] for _ in range(2)] == ["markPriceUpdate"] * 2


async def test_the_wrong_route_is_acknowledged_and_silent(start: Any) -> None:
    running = await start()
    wrong = {
        "/public/ws": ["btcusdt@aggTrade", "btcusdt@markPrice@1s"],
        "/market/ws": ["btcusdt@depth@100ms", "btcusdt@depth@0ms", "btcusdt@bookTicker", "btcusdt@depth5"],
        "/ws": ["btcusdt@markPrice", "btcusdt@depth@0ms", "nope@depth", "btcusdt@kline_1m", "rubbish"],
    }
    for route, streams in wrong.items():
        async with running.connect(route, *streams) as ws:
            running.clock.advance(4 * S)
            assert await is_silent(ws), route
    async with running.connect("/market/ws", "btcusdt@aggTrade") as ws:
        running.clock.advance(4 * S)
        assert not await is_silent(ws)


@pytest.mark.parametrize(
    ("frame", "code", "request_id"),
    [
        ("{oops", 3, None),
        ('"text"', 2, None),
        ('{"id":1}', 2, 1),
        ('{"method":"SUBSCRBE","params":["x"],"id":2}', 2, 2),
        ('{"method":"SUBSCRIBE","params":"x","id":3}', 2, 3),
        ('{"method":"SUBSCRIBE","params":[7],"id":4}', 2, 4),
        ('{"method":"SUBSCRIBE","params":["x"],"id":-1}', 2, None),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":5}', 0, 5),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":6}', 1, 6),
        ('{"method":"SET_PROPERTY","params":[1,true],"id":7}', 2, 7),
    ],
)
async def test_bad_control_frames_are_answered(
    start: Any, frame: str, code: int, request_id: int | None
) -> None:
    running = await start()
    async with running.connect("/public/ws") as ws:
        await ws.send_str(frame)
        answer = await read(ws)
        assert (answer["code"], answer["id"]) == (code, request_id)
        assert await is_silent(ws)


async def test_subscriptions_can_be_listed_and_ended(start: Any) -> None:
    running = await start()
    async with running.connect("/ws/btcusdt@trade", "ethusdt@trade") as ws:
        await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": "a1"})
        assert await read(ws) == {"result": ["btcusdt@trade", "ethusdt@trade"], "id": "a1"}
        await ws.send_json(
            {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade", "ethusdt@trade"], "id": None}
        )
        assert await read(ws) == {"result": None, "id": None}
        running.clock.advance(3 * S)
        assert await is_silent(ws)


async def test_depth_goes_on_after_a_resubscription(start: Any) -> None:
    running = await start()
    stream = "btcusdt@depth@100ms"
    async with running.connect("/ws", stream) as ws:
        running.clock.advance(150 * MS)
        first = await read(ws)
        await ws.send_json({"method": "UNSUBSCRIBE", "params": [stream], "id": 2})
        assert (await read(ws))["id"] == 2
        running.clock.advance(2 * S)
        assert await is_silent(ws)
        await ws.send_json({"method": "SUBSCRIBE", "params": [stream], "id": 3})
        assert (await read(ws))["id"] == 3
        running.clock.advance(250 * MS)
        second, third = await read(ws), await read(ws)
        assert second["U"] > first["u"] + 1
        assert third["U"] == second["u"] + 1


async def test_too_many_messages_close_the_socket(start: Any) -> None:
    running = await start()
    for route, allowed in (("/ws", 5), ("/public/ws", 10)):
        async with running.connect(route) as ws:
            for number in range(allowed):
                await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
                await read(ws)
            running.clock.advance(S)
            await ws.ping()
            assert (await asyncio.wait_for(ws.receive(), LONG)).type is aiohttp.WSMsgType.PONG
            for _ in range(allowed):
                await ws.ping()
            assert await closed(ws) == 1008
    assert running.simulator.sockets.counters.too_many_messages >= 2


async def test_pings_and_the_missing_pong(start: Any) -> None:
    running = await start(symbols=("BTC/USDT",), rate=0.1)
    async with running.connect("/ws") as ws:
        running.clock.advance(20 * S)
        message = await asyncio.wait_for(ws.receive(), LONG)
        assert message.type is aiohttp.WSMsgType.PING
        await ws.pong(message.data)
        assert await is_silent(ws)  # so the pong has arrived
        for _ in range(4):
            running.clock.advance(20 * S)
            await asyncio.sleep(0)
        assert await closed(ws) == 1006
    assert running.simulator.sockets.counters.no_pong == 1


async def test_old_sockets_are_closed_and_spot_says_so(start: Any) -> None:
    running = await start(lifetime=Duration(19 * S))
    async with running.connect("/stream") as spot, running.connect("/public/stream") as futures:
        running.clock.advance(10 * S)
        assert (await read(spot))["stream"] == "!serverShutdown"
        running.clock.advance(9 * S)
        assert await closed(spot) == 1001
        message = await asyncio.wait_for(futures.receive(), LONG)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_a_client_that_does_not_read_is_cut_off(start: Any) -> None:
    running = await start(backlog=50)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=1024)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    writer.write(
        b"GET /ws/btcusdt@trade HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    published = 0
    while running.simulator.hub.is_wanted("spot/btcusdt@trade"):
        running.simulator.hub.publish("spot/btcusdt@trade", "x" * 100_000)
        published += 1
        assert published < 1000
        await asyncio.sleep(0)
    writer.close()
    assert running.simulator.sockets.outboxes.overflowed == 1
    assert running.simulator.sockets.outboxes.sent >= published - 55
    async with running.connect("/ws", "btcusdt@trade") as ws:  # the others are served as before
        running.clock.advance(2 * S)
        assert (await read(ws))["e"] == "trade"


async def test_stop_closes_everything(start: Any) -> None:
    running = await start()
    async with running.connect("/ws", "btcusdt@depth@100ms", "btcusdt@trade") as ws:
        await running.simulator.stop()
        assert await closed(ws) == 1001
    assert not running.simulator.hub.subscribers
    assert running.clock.next_timer_ns() is None


async def test_same_seed_same_bytes(start: Any) -> None:
    async def record(seed: int) -> list[str]:
        running = await start(seed=seed)
        streams = "btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker"
        async with running.connect(f"/stream?streams={streams}") as ws:
            running.clock.advance(2 * S)
            running.world.stop()
            running.clock.advance(S)
            frames = []
            await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            while '"id":1}' not in (text := (await asyncio.wait_for(ws.receive(), LONG)).data):
                frames.append(text)
            return frames

    first = await record(5)
    assert len(first) > 50
    assert first == await record(5)
    assert first != await record(6)


async def test_accounts_and_endpoints(start: Any) -> None:
    running = await start(seed=3)
    accounts = running.simulator.accounts()
    assert [account.name for account in accounts] == ["account1", "account1", "account2"]
    hmac, ed25519, _ = accounts
    assert len(hmac.key) == len(hmac.secret) == len(ed25519.key) == 64
    assert hmac.key != hmac.secret
    assert ed25519.secret.startswith("-----BEGIN PRIVATE KEY-----")
    assert (await start(seed=3)).simulator.accounts() == accounts
    assert (await start(seed=4)).simulator.accounts()[0] != hmac
    assert len((await start(seed=4, accounts=5)).simulator.accounts()) == 6
    endpoints = running.simulator.endpoints("127.0.0.1", running.port)
    async with aiohttp.ClientSession() as session:
        async with session.get(endpoints.rest + "/api/v3/ping") as answer:
            assert answer.status == 200
        for url in endpoints.ws.values():
            if url.endswith("/ws"):
                async with session.ws_connect(url) as ws:
                    assert await is_silent(ws)
