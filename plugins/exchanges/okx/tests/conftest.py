"""A client that trades at the simulated OKX, with the plugin's own signatures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import yarl

from hft import Secret, SimulatedClock
from hft.sim import SyntheticMarket, World, serve
from hft_okx.signing import Signer, timestamp_text
from hft_okx.simulator import OkxSimulator, OkxSimulatorConfig

START_NS = 1_790_000_000_000_000_000
LONG = 5.0


class Venue:
    """A simulator on a port whose markets stand still, and clients with keys."""

    def __init__(self, simulator: OkxSimulator, clock: SimulatedClock, port: int) -> None:
        self.simulator = simulator
        self.clock = clock
        self.session = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        self.signers = [
            Signer(Secret(account.key), Secret(account.secret), Secret(account.passphrase))
            for account in simulator.accounts()
        ]

    def market(self, symbol: str) -> SyntheticMarket:
        market = self.simulator.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market

    def code(self, name: str) -> int:
        return self.simulator.listings[name].code

    async def get(self, path: str, *, status: int = 200, **params: str) -> Any:
        """Ask a public question and return the rows of its answer, or the code of a refusal."""
        async with self.session.get(f"/api/v5{path}", params=params) as answer:
            body = await answer.json()
            assert answer.status == status, body
            return body["data"] if body["code"] == "0" else body["code"]

    async def call(
        self,
        method: str,
        path: str,
        params: Any = None,
        *,
        by: int = 0,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **changed: str,
    ) -> Any:
        """Send a signed request and return its whole answer; ``changed`` are headers to send instead."""
        target, body = f"/api/v5{path}", ""
        if method == "GET" and params:
            target += "?" + "&".join(f"{name}={value}" for name, value in params.items())
        elif params is not None:
            body = json.dumps(params)
        timestamp = timestamp_text(self.clock.now_ns())
        sent = self.signers[by].headers(timestamp, method, target, body) | (headers or {})
        sent |= {name.replace("_", "-"): value for name, value in changed.items()}
        url = yarl.URL(target, encoded=True)
        async with self.session.request(method, url, data=body or None, headers=sent) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text)

    async def rows(self, path: str, **params: str) -> Any:
        """Ask a private question that is answered."""
        answer = await self.call("GET", path, params)
        assert answer["code"] == "0", answer
        return answer["data"]

    async def order(self, *, by: int = 0, **arg: Any) -> Any:
        """Place an order over REST and return what became of it."""
        values = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01"}
        answer = await self.call("POST", "/trade/order", values | arg, by=by)
        return answer["data"][0]

    async def swap(self, *, by: int = 0, **arg: Any) -> Any:
        values = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "1"}
        return await self.order(by=by, **(values | arg))

    async def control(self, name: str, **asked: str) -> Any:
        async with self.session.post(f"/_sim/{name}", data=json.dumps(asked)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def truth(self) -> Any:
        async with self.session.get("/_sim/truth") as answer:
            return (await answer.json())["accounts"]

    @asynccontextmanager
    async def connect(self, path: str = "private", *, by: int | None = None) -> AsyncIterator[Socket]:
        async with self.session.ws_connect(f"/ws/v5/{path}") as ws:
            socket = Socket(self, ws)
            if by is not None:
                await socket.send(op="login", args=[self.signers[by].login(self.clock.now_ns())])
                assert (await socket.read())["event"] == "login"
            yield socket


class Socket:
    """A websocket; answers and data are found by what is asked for, the rest is kept in order."""

    def __init__(self, venue: Venue, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.venue = venue
        self.ws = ws
        self.kept: list[Any] = []
        self.count = 0

    async def send(self, **frame: Any) -> None:
        await self.ws.send_json(frame)

    async def read(self) -> Any:
        message = await asyncio.wait_for(self.ws.receive(), LONG)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return f"closed {message.data}"
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return message.data if message.data == "pong" else json.loads(message.data)

    async def find(self, wanted: Callable[[Any], bool]) -> Any:
        for index, frame in enumerate(self.kept):
            if wanted(frame):
                return self.kept.pop(index)
        while not wanted(frame := await self.read()):
            self.kept.append(frame)
        return frame

    async def subscribe(self, channel: str, **arg: str) -> None:
        await self.send(op="subscribe", args=[{"channel": channel, **arg}])
        await self.find(lambda frame: frame.get("event") == "subscribe")

    async def data(self, channel: str) -> Any:
        """Return the next frame of a channel."""
        return await self.find(
            lambda frame: "data" in frame and frame.get("arg", {}).get("channel") == channel
        )

    async def pushes(self, number: int) -> list[Any]:
        """Return the rows of the next frames of ``orders``."""
        return [(await self.data("orders"))["data"][0] for _ in range(number)]

    async def ask(self, op: str, *args: Any, **more: Any) -> Any:
        """Send a request about orders and return its answer."""
        self.count += 1
        number = str(self.count)
        await self.send(id=number, op=op, args=list(args), **more)
        return await self.find(lambda frame: frame.get("id") == number and frame.get("op") == op)


@pytest.fixture
async def venue() -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts a simulator; everything is closed at the end."""
    exits: list[Callable[[], Any]] = []

    async def begin(*, quiet: bool = True, **options: Any) -> Venue:
        clock = SimulatedClock(START_NS)
        config = OkxSimulatorConfig(**options)
        world = World.synthetic(
            clock, config.symbols, "okx", seed=config.seed, rate=config.rate, product=OkxSimulator.product
        )
        simulator = OkxSimulator(config, world)
        server = serve(simulator)
        running = Venue(simulator, clock, await server.__aenter__())
        if quiet:
            world.stop()
        exits.extend([running.session.close, lambda: server.__aexit__(None, None, None)])
        return running

    yield begin
    for leave in exits:
        await leave()
