"""A client that trades at the simulated Bybit, with the plugin's own signatures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import yarl

from hft import Secret, SimulatedClock
from hft.sim import SyntheticMarket, World, serve
from hft_bybit.endpoints import PRIVATE_PATH, PUBLIC_PATHS, TRADE_PATH, Product
from hft_bybit.signing import login_args, make_signer, signed_headers
from hft_bybit.simulator import BybitSimulator, BybitSimulatorConfig

START_NS = 1_700_000_040_000_000_000  # the beginning of a minute
LONG = 5.0


class Venue:
    """A simulator on a port, and clients with keys."""

    def __init__(self, simulator: BybitSimulator, clock: SimulatedClock, port: int) -> None:
        self.simulator = simulator
        self.world = simulator.world
        self.clock = clock
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        self.signers = [
            make_signer(Secret(account.key), Secret(account.secret)) for account in simulator.accounts()
        ]
        self.headers: dict[str, str] = {}

    @property
    def now_ms(self) -> int:
        return self.clock.now_ns() // 1_000_000

    def market(self, symbol: str) -> SyntheticMarket:
        market = self.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market

    async def call(
        self,
        method: str,
        path: str,
        code: int = 0,
        *,
        by: int | None = 0,
        late_ms: int = 0,
        headers: dict[str, str] | None = None,
        **params: Any,
    ) -> Any:
        """Send a request, signed unless ``by`` is None, and return the body of the expected answer."""
        body = json.dumps(params) if method == "POST" else ""
        query = "" if method == "POST" else urlencode(params)
        signed = {} if by is None else self.sign(body or query, by, late_ms)
        url = yarl.URL(f"{path}?{query}" if query else path, encoded=True)
        sent = {**signed, **(headers or {})}
        async with self.session.request(method, url, data=body or None, headers=sent) as answer:
            text = await answer.text()
            assert answer.status == 200, text
            self.headers = dict(answer.headers)
            read = json.loads(text)
            assert read["retCode"] == code, text
            return read

    def sign(self, payload: str, by: int = 0, late_ms: int = 0) -> dict[str, str]:
        """Return the headers of a signed request."""
        return signed_headers(payload, self.signers[by], time_ms=self.now_ms - late_ms, window_ms=5_000)

    async def get(self, path: str, code: int = 0, **query: Any) -> Any:
        """Ask a public question and return the result."""
        return (await self.call("GET", path, code, by=None, **query))["result"]

    async def place(self, code: int = 0, *, by: int = 0, **params: Any) -> Any:
        """Place an order by REST; spot unless told otherwise."""
        asked = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", **params}
        return (await self.call("POST", "/v5/order/create", code, by=by, **asked))["result"]

    async def order(self, order_id: str, category: str = "spot") -> Any:
        """Return an order, open or not."""
        for path in ("realtime", "history"):
            found = await self.call("GET", f"/v5/order/{path}", category=category, orderId=order_id)
            if found["result"]["list"]:
                return found["result"]["list"][0]
        raise AssertionError(order_id)

    async def control(self, name: str, status: int = 200, **asked: str) -> Any:
        """Ask the out-of-band port to do something."""
        async with self.session.post(f"/_sim/{name}", data=json.dumps(asked)) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def truth(self) -> Any:
        async with self.session.get("/_sim/truth") as answer:
            return (await answer.json())["accounts"]

    @asynccontextmanager
    async def connect(self, path: str) -> AsyncIterator[Socket]:
        async with self.session.ws_connect(path, autoping=False) as ws:
            yield Socket(self, ws)

    @asynccontextmanager
    async def public(self, product: Product, *topics: str) -> AsyncIterator[Socket]:
        """Connect to public data and subscribe."""
        async with self.connect(PUBLIC_PATHS[product]) as socket:
            if topics:
                await socket.subscribe(*topics)
            yield socket

    @asynccontextmanager
    async def private(self, *topics: str, by: int = 0, path: str = PRIVATE_PATH) -> AsyncIterator[Socket]:
        """Connect to the private stream, log in and subscribe."""
        async with self.connect(path) as socket:
            await socket.log_in(by)
            if topics:
                await socket.subscribe(*topics)
            yield socket

    @asynccontextmanager
    async def trade(self, by: int = 0) -> AsyncIterator[Socket]:
        """Connect to order entry and log in."""
        async with self.connect(TRADE_PATH) as socket:
            await socket.log_in(by)
            yield socket


class Socket:
    """A websocket; answers are found by what they answer, whatever else comes is kept in order."""

    def __init__(self, venue: Venue, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.venue = venue
        self.ws = ws
        self.events: list[Any] = []
        self.count = 0

    async def log_in(self, by: int = 0, expires_ms: int = 1_000) -> Any:
        """Log in."""
        args = login_args(self.venue.signers[by], expires_ms=self.venue.now_ms + expires_ms)
        return await self.ask("auth", *args)

    async def subscribe(self, *topics: str, success: bool = True) -> Any:
        """Subscribe to topics and return the answer."""
        answer = await self.ask("subscribe", *topics)
        assert answer["success"] is success, answer
        return answer

    async def ask(self, op: str, *args: Any) -> Any:
        """Send an operation and return its answer."""
        await self.ws.send_json({"op": op, "args": list(args), "req_id": f"r{self.count}"})
        self.count += 1
        while True:
            frame = await self.read()
            if "topic" not in frame:
                return frame
            self.events.append(frame)

    async def order(self, op: str, code: int = 0, *, late_ms: int = 0, **params: Any) -> Any:
        """Send a request of order entry and return its answer."""
        self.count += 1
        stamp = {"X-BAPI-TIMESTAMP": str(self.venue.now_ms - late_ms), "X-BAPI-RECV-WINDOW": "5000"}
        frame = {"reqId": str(self.count), "header": stamp, "op": f"order.{op}", "args": [params]}
        await self.ws.send_json(frame)
        answer = await self.read()
        assert answer["reqId"] == str(self.count)
        assert answer["retCode"] == code, answer
        return answer

    async def read(self) -> Any:
        message = await asyncio.wait_for(self.ws.receive(), LONG)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def next(self) -> Any:
        """Return the next message of a topic."""
        return self.events.pop(0) if self.events else await self.read()

    async def topic(self, name: str) -> Any:
        """Return the data of the next message of one topic; others are left out."""
        while True:
            frame = await self.next()
            if frame.get("topic") == name:
                return frame["data"]

    async def is_silent(self) -> bool:
        """Ping: whatever was sent before would come before its answer."""
        return (await self.ask("ping"))["op"] in ("ping", "pong") and not self.events

    async def closed(self) -> int:
        """Read until the socket is closed; return the code."""
        while True:
            message = await asyncio.wait_for(self.ws.receive(), LONG)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return 1006


@pytest.fixture
async def venue() -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts a simulator; everything is closed at the end."""
    exits: list[Callable[[], Any]] = []

    async def begin(*, quiet: bool = True, **options: Any) -> Venue:
        clock = SimulatedClock(START_NS)
        config = BybitSimulatorConfig(**options)
        world = World.synthetic(clock, config.symbols, "bybit", seed=config.seed, rate=config.rate)
        simulator = BybitSimulator(config, world)
        server = serve(simulator)
        running = Venue(simulator, clock, await server.__aenter__())
        if quiet:
            world.stop()
        exits.extend([running.session.close, lambda: server.__aexit__(None, None, None)])
        return running

    yield begin
    for leave in exits:
        await leave()
