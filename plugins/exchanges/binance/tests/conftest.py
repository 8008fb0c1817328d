"""A client that trades at the simulated Binance, with the plugin's own signatures."""

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
from hft_binance.signing import Signer, make_signer, signed_params, signed_query
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

START_NS = 1_700_000_040_000_000_000  # the beginning of a minute
LONG = 5.0


class Venue:
    """A simulator on a port whose markets stand still, and clients with keys."""

    def __init__(self, simulator: BinanceSimulator, clock: SimulatedClock, port: int) -> None:
        self.simulator = simulator
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
        market = self.simulator.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market

    async def call(
        self, method: str, path: str, status: int = 200, *, by: int = 0, form: bool = False, **params: Any
    ) -> Any:
        """Send a signed request and return the answer's body; ``form`` sends the parameters as a body."""
        signer = self.signers[by]
        params.setdefault("timestamp", self.now_ms)
        query = signed_query(params, signer)
        if form:
            return await self.raw(method, path, status, body=query, key=signer.key.reveal())
        return await self.raw(method, f"{path}?{query}", status, key=signer.key.reveal())

    async def raw(
        self, method: str, target: str, status: int = 200, *, body: str | None = None, key: str | None = None
    ) -> Any:
        """Send a request as it is."""
        headers = {} if key is None else {"X-MBX-APIKEY": key}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = yarl.URL(target, encoded=True)
        async with self.session.request(method, url, data=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, text
            self.headers = {name.upper(): value for name, value in answer.headers.items()}
            return json.loads(text)

    async def code(self, method: str, path: str, status: int = 400, **params: Any) -> int:
        """Send a signed request that is refused and return the code."""
        answer = await self.call(method, path, status, **params)
        assert set(answer) == {"code", "msg"}
        return int(answer["code"])

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


class Socket:
    """A websocket; answers are found by id, whatever else comes is kept in order."""

    def __init__(self, venue: Venue, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.venue = venue
        self.ws = ws
        self.events: list[Any] = []
        self.count = 0

    async def ask(self, method: str, status: int = 200, *, by: int | None = None, **params: Any) -> Any:
        """Send a request of the websocket API, signed if ``by`` is given, and return its whole answer."""
        self.count += 1
        if by is not None:
            signer: Signer = self.venue.signers[by]
            params = signed_params({"timestamp": self.venue.now_ms, **params}, signer)
        await self.ws.send_json({"id": self.count, "method": method, "params": params})
        while True:
            frame = await self.read()
            if frame.get("id") == self.count:
                assert frame["status"] == status, frame
                return frame
            self.events.append(frame)

    async def read(self) -> Any:
        message = await asyncio.wait_for(self.ws.receive(), LONG)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def next(self) -> Any:
        """Return the next event."""
        return self.events.pop(0) if self.events else await self.read()


@pytest.fixture
async def venue() -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts a simulator; everything is closed at the end."""
    exits: list[Callable[[], Any]] = []

    async def begin(*, quiet: bool = True, **options: Any) -> Venue:
        clock = SimulatedClock(START_NS)
        config = BinanceSimulatorConfig(**options)
        world = World.synthetic(clock, config.symbols, "binance", seed=config.seed, rate=config.rate)
        simulator = BinanceSimulator(config, world)
        server = serve(simulator)
        running = Venue(simulator, clock, await server.__aenter__())
        if quiet:
            world.stop()
        exits.extend([running.session.close, lambda: server.__aexit__(None, None, None)])
        return running

    yield begin
    for leave in exits:
        await leave()
