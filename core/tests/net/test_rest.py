"""The REST client against a local server that answers badly in every way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hft.capture import CaptureWriter, Tap, read_capture
from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import TransportError
from hft.net import RateLimit, RateLimiter, Request, RestClient, StatusError
from hft.net.window import Window

LIMIT = RateLimit(name="weight", weight=100, per_ns=60 * NS_PER_S)
ORDERS = RateLimit(name="orders", weight=100, per_ns=60 * NS_PER_S, scope="account")
HOLD_NS = Window(LIMIT).hold_ns


class Exchange:
    """A server whose answer each test sets, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: dict[str, Any] = {"text": "hello"}
        self.hang: asyncio.Event | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.hang is not None:
            await self.hang.wait()
        return web.Response(**self.answer)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange()
    app = web.Application()
    app.router.add_get("/{path:.*}", exchange.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    exchange.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield exchange
    if exchange.hang is not None:
        exchange.hang.set()
    await runner.cleanup()


class Bench:
    def __init__(self) -> None:
        self.clock = SimulatedClock(1_000 * NS_PER_S)
        self.warnings: list[str] = []
        self.clients: list[RestClient] = []

    def client(self, **options: Any) -> RestClient:
        limiter = RateLimiter([LIMIT, ORDERS], clock=self.clock, warn=self.warnings.append)
        client = RestClient(limiter, clock=self.clock, warn=self.warnings.append, **options)
        self.clients.append(client)
        return client


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    for client in bench.clients:
        await client.close()


async def test_the_body_comes_as_it_is_and_goes_to_the_tap(
    bench: Bench, exchange: Exchange, tmp_path: Path
) -> None:
    exchange.answer = {"body": b'{"a": "\xc3\xa4"}'}
    tap = Tap()
    url = f"{exchange.url}/api/v3/depth?symbol=BTCUSDT&limit=5"
    assert await bench.client(tap=tap).get(Request(url=url)) == b'{"a": "\xc3\xa4"}'
    assert exchange.asked == ["/api/v3/depth?symbol=BTCUSDT&limit=5"]
    with CaptureWriter(tmp_path / "c.jsonl") as writer:
        tap.start(writer)
        await tap.stop()
    (record,) = read_capture(tmp_path / "c.jsonl")
    assert (record.dir, record.conn, record.payload) == ("http", url, b'{"a": "\xc3\xa4"}')


async def test_requests_wait_their_turn_under_their_limit(bench: Bench, exchange: Exchange) -> None:
    client = bench.client()
    request = Request(url=exchange.url, weight=40, limit="weight")
    await client.get(request)
    await client.get(request)
    third = asyncio.ensure_future(client.get(request))
    assert await client.get(Request(url=exchange.url + "/unlimited")) == b"hello"
    assert len(exchange.asked) == 3
    assert bench.clock.next_timer_ns() == bench.clock.now_ns() + HOLD_NS
    bench.clock.advance(HOLD_NS)
    assert await third == b"hello"


async def test_an_unknown_limit_is_a_bug(bench: Bench, exchange: Exchange) -> None:
    with pytest.raises(ValueError, match="limit 'wieght' is none of 'weight', 'orders'"):
        await bench.client().get(Request(url=exchange.url, limit="wieght"))


@pytest.mark.parametrize(
    ("status", "headers", "blocked_s", "others"),
    [(429, {"Retry-After": "7"}, 7, "go on"), (418, {}, 120, "wait"), (429, {}, 30, "go on")],
)
async def test_too_many_requests_block_that_limit_and_a_ban_all(
    bench: Bench, exchange: Exchange, status: int, headers: dict[str, str], blocked_s: int, others: str
) -> None:
    client = bench.client()
    request = Request(url=exchange.url, limit="weight")
    exchange.answer = {"status": status, "headers": headers, "text": "enough"}
    with pytest.raises(StatusError, match=f"status {status}: b'enough'") as caught:
        await client.get(request)
    assert caught.value.retry_after_ns == blocked_s * NS_PER_S
    assert len(bench.warnings) == 1
    assert f"pausing for {blocked_s} s" in bench.warnings[0]
    waiting = asyncio.ensure_future(client.get(request))
    exchange.answer = {"text": "ok"}
    other = asyncio.ensure_future(client.get(Request(url=exchange.url + "/other")))
    if others == "go on":
        assert await other == b"ok"
    else:
        await asyncio.sleep(0)
    assert len(exchange.asked) == (2 if others == "go on" else 1)
    assert bench.clock.next_timer_ns() == bench.clock.now_ns() + blocked_s * NS_PER_S
    bench.clock.advance(blocked_s * NS_PER_S)
    assert await waiting == b"ok"
    assert await other == b"ok"


@pytest.mark.parametrize("status", [201, 302, 400, 500])
async def test_other_statuses_are_errors_without_secrets(
    bench: Bench, exchange: Exchange, status: int
) -> None:
    exchange.answer = {"status": status, "text": "x" * 1_000, "headers": {"Location": "/elsewhere"}}
    request = Request(url=f"{exchange.url}/api?symbol=A&signature=hush&listenKey=hush")
    with pytest.raises(StatusError) as caught:
        await bench.client().get(request)
    assert "/api?symbol=A&signature=***&listenKey=***: status" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert len(exchange.asked) == 1


async def test_no_answer_in_time(bench: Bench, exchange: Exchange) -> None:
    exchange.hang = asyncio.Event()
    with pytest.raises(TransportError, match=r"no answer within 0\.05 s"):
        await bench.client(timeout_ns=NS_PER_S // 20).get(Request(url=exchange.url))


async def test_an_endless_answer_is_cut(bench: Bench, exchange: Exchange) -> None:
    exchange.answer = {"text": "x" * 100_001}
    with pytest.raises(TransportError, match="answer is larger than 100000 bytes"):
        await bench.client(max_body_bytes=100_000).get(Request(url=exchange.url))


async def test_nobody_listens(bench: Bench) -> None:
    with pytest.raises(
        TransportError, match=r"GET http://127\.0\.0\.1:1/\?signature=\*\*\*: Client"
    ) as caught:
        await bench.client().get(Request(url="http://127.0.0.1:1/?signature=hush"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_what_is_no_url(bench: Bench) -> None:
    with pytest.raises(TransportError, match="GET nonsense: InvalidU"):
        await bench.client().get(Request(url="nonsense"))
