"""The REST client against a local server that answers badly in every way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hft.capture import CaptureWriter, Tap, read_capture
from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import TransportError
from hft.net import (
    Costs,
    HttpRequest,
    Priority,
    RateLimit,
    RateLimiter,
    Request,
    RestAnswer,
    RestCall,
    RestClient,
    StatusError,
)
from hft.net.window import Window

LIMIT = RateLimit(name="weight", weight=100, per_ns=60 * NS_PER_S)
ORDERS = RateLimit(name="orders", weight=100, per_ns=60 * NS_PER_S, scope="account")
HOLD_NS = Window(LIMIT).hold_ns


class Exchange:
    """A server whose answer each test sets, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.requests: list[tuple[str, str, bytes]] = []
        self.peers: list[Any] = []
        self.answer: dict[str, Any] = {"text": "hello"}
        self.hang: asyncio.Event | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.raw_path)
        self.requests.append((request.method, request.headers.get("X-KEY", ""), await request.read()))
        self.peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        if self.hang is not None:
            await self.hang.wait()
        return web.Response(**self.answer)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", exchange.handle)
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


async def test_a_request_with_a_body_is_posted_as_json(
    bench: Bench, exchange: Exchange, tmp_path: Path
) -> None:
    exchange.answer = {"body": b"[]"}
    tap = Tap()
    body = b'{"type":"meta"}'
    assert await bench.client(tap=tap).get(Request(url=exchange.url + "/info", body=body)) == b"[]"
    assert exchange.requests == [("POST", "", body)]
    with CaptureWriter(tmp_path / "c.jsonl") as writer:
        tap.start(writer)
        await tap.stop()
    (record,) = read_capture(tmp_path / "c.jsonl")
    assert (record.method, record.req) == ("POST", body.decode())


async def test_after_its_end_nothing_is_sent_any_more(bench: Bench, exchange: Exchange) -> None:
    client = bench.client()
    await client.get(Request(url=exchange.url))
    await client.close()
    with pytest.raises(TransportError, match="closed") as caught:
        await client.get(Request(url=exchange.url))
    assert caught.value.sent is False
    assert len(exchange.asked) == 1


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


# -- calls ---------------------------------------------------------------------------------------------


def order(exchange: Exchange | str, **options: Any) -> RestCall:
    """Return a signed order; all that is secret in it says hush."""
    url = exchange if isinstance(exchange, str) else exchange.url

    def write(now_ns: int) -> HttpRequest:
        return HttpRequest(
            url=f"{url}/api/v3/order?symbol=A%2FB&at={now_ns}&signature=hush",
            headers={"X-KEY": "hush"},
            body=b"side=BUY&signature=hush",
        )

    options = {
        "method": "POST",
        "shown": "/api/v3/order",
        "priority": Priority.NEW,
        "write": write,
        **options,
    }
    return RestCall(**options)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 503])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_whatever_the_status_the_answer_is_evidence(
    bench: Bench, exchange: Exchange, method: str, status: int
) -> None:
    exchange.answer = {
        "status": status,
        "text": '{"code":-2010}',
        "headers": {"X-Used": "1", "Location": "/x"},
    }
    client = bench.client()
    answer = await client.call(order(exchange, method=method))
    assert (answer.status, answer.body, answer.headers["x-used"]) == (status, b'{"code":-2010}', "1")
    now_ns = bench.clock.now_ns()
    assert (answer.sent_ns, answer.recv_ns) == (now_ns, now_ns)
    assert exchange.asked == [f"/api/v3/order?symbol=A%2FB&at={now_ns}&signature=hush"], "byte for byte"
    assert exchange.requests == [(method, "hush", b"side=BUY&signature=hush")]


async def test_a_call_is_written_when_its_turn_has_come(bench: Bench, exchange: Exchange) -> None:
    client = bench.client()
    assert client.limiter.try_take((("weight", 100),), Priority.CANCEL)
    waiting = asyncio.ensure_future(client.call(order(exchange, costs=(("weight", 1), ("orders", 1)))))
    await asyncio.sleep(0)
    assert client.limiter.usage()["orders"].used == 0
    bench.clock.advance(HOLD_NS)
    answer = await waiting
    assert answer.sent_ns == bench.clock.now_ns()
    assert f"at={answer.sent_ns}" in exchange.asked[0]
    assert client.limiter.usage()["orders"].used == 1


async def test_what_was_certainly_not_sent_says_so(bench: Bench, exchange: Exchange) -> None:
    client = bench.client()
    client.limiter.block("orders", bench.clock.now_ns() + 10)
    late = client.call(order(exchange, costs=(("orders", 1),), deadline_ns=bench.clock.now_ns() + 5))
    waiting = asyncio.ensure_future(late)
    await asyncio.sleep(0)
    bench.clock.advance(5)
    nobody_listens = client.call(order("http://127.0.0.1:1"))
    no_such_name = client.call(order("http://no-such-name.invalid"))
    no_tls = client.call(order(exchange.url.replace("http:", "https:")))
    no_url = client.call(order("nonsense"))
    for failing in (waiting, nobody_listens, no_such_name, no_tls, no_url):
        with pytest.raises(TransportError, match="POST /api/v3/order: ") as caught:
            await failing
        assert caught.value.sent is False
        assert "hush" not in str(caught.value)
        assert "symbol" not in str(caught.value)
    assert exchange.asked == []


async def test_no_time_to_connect_is_not_sent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(3600)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", never)
    with pytest.raises(TransportError, match="no answer within") as caught:
        await bench.client(timeout_ns=NS_PER_S // 20).call(order("http://127.0.0.1:1"))
    assert caught.value.sent is False


async def test_what_may_have_been_sent_says_that_too(bench: Bench, exchange: Exchange) -> None:
    exchange.hang = asyncio.Event()
    with pytest.raises(TransportError, match="POST /api/v3/order: no answer within") as caught:
        await bench.client(timeout_ns=NS_PER_S // 20).call(order(exchange))
    assert caught.value.sent is None
    assert len(exchange.asked) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_connection_that_breaks_under_a_request_does_not_repeat_it(bench: Bench, method: str) -> None:
    asked: list[bytes] = []

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        writer.close()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(TransportError) as caught:
            await bench.client().call(order(url, method=method))
        assert caught.value.sent is None
        assert len(asked) == 1
    finally:
        server.close()
        await server.wait_closed()


async def test_the_exchange_counts_are_fed_back(bench: Bench, exchange: Exchange) -> None:
    def usage(costs: Costs, headers: Mapping[str, str]) -> list[tuple[str, int]]:
        return [(name, int(headers["x-used-weight"])) for name, _ in costs]

    client = bench.client(usage=usage)
    exchange.answer = {"text": "{}", "headers": {"X-Used-Weight": "77"}}
    await client.call(order(exchange, costs=(("weight", 1),)))
    assert client.limiter.usage()["weight"].used == 77
    exchange.answer = {"text": "{}", "headers": {"X-Used-Weight": "79"}}
    await client.get(Request(url=exchange.url, limit="weight"))
    assert client.limiter.usage()["weight"].used == 79

    exchange.answer = {"text": "{}", "headers": {"X-Used-Weight": "many"}}
    assert (await client.call(order(exchange, costs=(("weight", 1),)))).status == 200
    (warning,) = bench.warnings
    assert "POST /api/v3/order: headers not understood: ValueError" in warning


async def test_a_refusal_blocks_what_the_plugin_says_it_is_about(bench: Bench, exchange: Exchange) -> None:
    def refusals(call: RestCall, answer: RestAnswer) -> list[str]:
        return ["orders"] if b"-1015" in answer.body else []

    client = bench.client(refusals=refusals)
    costs = (("weight", 1), ("orders", 1))
    now_ns = bench.clock.now_ns()
    exchange.answer = {"status": 429, "text": '{"code":-1015}', "headers": {"Retry-After": "3"}}
    assert (await client.call(order(exchange, costs=costs))).status == 429
    blocked = {name: usage.blocked_until_ns for name, usage in client.limiter.usage().items()}
    assert blocked == {"": 0, "weight": 0, "orders": now_ns + 3 * NS_PER_S}
    bench.clock.advance(3 * NS_PER_S)
    exchange.answer = {"status": 429, "text": "{}"}
    await client.call(order(exchange, costs=costs, priority=Priority.CANCEL))
    assert client.limiter.usage()["weight"].blocked_until_ns
    assert not client.limiter.usage()[""].blocked_until_ns


async def test_a_warm_connection_is_the_one_that_the_order_takes(bench: Bench, exchange: Exchange) -> None:
    client = bench.client()
    exchange.answer = {"status": 404}
    await client.warm(exchange.url + "/ping")
    await client.call(order(exchange))
    assert len(set(exchange.peers)) == 1
    with pytest.raises(TransportError):
        await client.warm("http://127.0.0.1:1")


async def test_calls_are_captured_without_their_secrets(
    bench: Bench, exchange: Exchange, tmp_path: Path
) -> None:
    tap = Tap()
    exchange.answer = {"status": 400, "text": '{"code":-1,"listenKey":"hush"}'}
    answer = await bench.client(tap=tap).call(order(exchange))
    assert b"hush" in answer.body
    path = tmp_path / "c.jsonl"
    with CaptureWriter(path) as writer:
        tap.start(writer)
        await tap.stop()
    (record,) = read_capture(path)
    assert "hush" not in path.read_text()
    assert (record.dir, record.method, record.status) == ("http", "POST", 400)
    assert record.conn.endswith(f"/api/v3/order?symbol=A%2FB&at={answer.sent_ns}&signature=***")
    assert record.payload == b'{"code":-1,"listenKey":"***"}'
    assert record.req == "side=BUY&signature=***"


def test_nothing_secret_is_shown_of_a_call() -> None:
    call = order("https://x")
    assert "hush" not in repr(call) + repr(call.write(1))
    assert repr(call.write(1)) == "HttpRequest()"


def test_a_call_that_names_a_limit_twice_is_a_bug() -> None:
    with pytest.raises(ValueError, match="name a limit twice: add its weights up"):
        order("https://x", costs=(("x", 1), ("x", 2)))


async def test_what_is_no_url(bench: Bench) -> None:
    with pytest.raises(TransportError, match="GET nonsense: InvalidU"):
        await bench.client().get(Request(url="nonsense"))
