"""The feed of a live exchange: what becomes of requests and connections, whatever fails."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from hft.clock import SimulatedClock
from hft.errors import TransportError
from hft.instrument import InstrumentId
from hft.net import Connection, ConnectionSpec, RateLimiter, Request, RestClient
from hft.plugin.market_data import MarketDataStream
from hft.run.live_feed import LiveFeed

BTC = InstrumentId("BTC/USDT", "acme")
ETH = InstrumentId("ETH/USDT", "acme")
REQUEST = Request(url="http://acme.test/depth")


class NotedStream:
    """Notes what it is told; ``error`` is raised by every answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def on_response(self, request: Request, body: bytes, recv_ns: int) -> None:
        self.calls.append(("response", request, body))
        if self.error is not None:
            raise self.error

    def on_request_failed(self, request: Request, reason: str, recv_ns: int) -> None:
        self.calls.append(("failed", request, reason))


class Scene:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = SimulatedClock()
        self.warnings: list[str] = []
        limiter = RateLimiter([], clock=clock, warn=self.warnings.append)
        rest = RestClient(limiter, clock=clock, warn=self.warnings.append)
        monkeypatch.setattr(rest, "get", self._get)
        self.outcome: bytes | Exception = b"{}"
        self.stream = NotedStream()
        self.feed = LiveFeed(
            "acme", "mainnet", clock=clock, rest=rest, warn=lambda _, line: self.warnings.append(line)
        )
        stream: Any = self.stream
        assert not isinstance(stream, MarketDataStream)
        self.feed.stream = stream
        self.clock = clock

    async def _get(self, request: Request) -> bytes:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def ask(self) -> list[tuple[Any, ...]]:
        self.feed.request(REQUEST)
        for _ in range(3):
            await asyncio.sleep(0)
        return self.stream.calls


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


async def test_an_answer_is_handed_on(scene: Scene) -> None:
    assert await scene.ask() == [("response", REQUEST, b"{}")]


@pytest.mark.parametrize("error", [TransportError("no answer"), ValueError("limit 'x' is none of 'y'")])
async def test_whatever_keeps_an_answer_away_is_told_to_the_stream(scene: Scene, error: Exception) -> None:
    """Also a bug: a stream that waits for an answer that never comes would wait for ever."""
    scene.outcome = error
    assert await scene.ask() == [("failed", REQUEST, str(error))]
    assert str(error) in scene.warnings[0]


async def test_a_silent_book_has_the_connection_replaced_that_brings_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated: list[str] = []
    monkeypatch.setattr(Connection, "start", lambda self: None)
    monkeypatch.setattr(Connection, "rotate", lambda self: rotated.append(self.spec.name))

    def connection(spec: ConnectionSpec) -> Connection:
        return Connection(
            spec, scene.feed, clock=scene.clock, random=random.Random(1), warn=scene.warnings.append
        )

    books = {
        "one": frozenset({BTC}),
        "two": frozenset({ETH}),
        "trades": frozenset[InstrumentId](),
        "any": None,
    }
    specs = [ConnectionSpec(name=name, url="ws://acme.test", books=each) for name, each in books.items()]
    scene.feed.connect(specs, connection)
    scene.feed.replace(BTC)
    assert rotated == ["one", "any"]
    assert len(scene.warnings) == 2
