"""Faults of REST requests and handshakes, as a client over HTTP sees them; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
import pytest
from aiohttp import web

from hft import Duration
from hft.sim import Fault, FaultKind, Faults, serve
from hft.testing.virtual_time import VirtualClock, run

S = 1_000_000_000
BODY = "x" * 1000
T = TypeVar("T")


class Exchange:
    """Takes orders over REST and greets over a websocket."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.faults = Faults(self.clock)
        self.orders: list[str] = []

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.post("/order", self.take), web.get("/ws", self.greet)]

    async def take(self, request: web.Request) -> web.Response:
        order = await request.text()
        if order in self.orders:
            raise web.HTTPConflict(text="duplicate order")
        self.orders.append(order)
        return web.Response(text=BODY)

    async def greet(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("hello")
        await socket.close()
        return socket

    def refusal(self, path: str, status: int, retry_after_s: int) -> web.Response:
        return web.Response(status=status, text=f"{path} {retry_after_s}")

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.faults.stop()


class Client:
    """A client of it, and the times at which things happened."""

    def __init__(self, exchange: Exchange, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.session = session
        self.began_ns = exchange.clock.now_ns()

    @property
    def elapsed_s(self) -> float:
        return round((self.exchange.clock.now_ns() - self.began_ns) / S, 1)

    async def order(self, text: str = "a") -> tuple[int, str]:
        async with self.session.post("/order", data=text) as answer:
            return answer.status, await answer.text()


def attempt(
    play: Callable[[Client], Awaitable[T]], *faults: Fault, timeout_s: float = 10
) -> tuple[T, list[str]]:
    """Play a client's part against an exchange with faults; return its result and the orders taken."""

    async def main() -> tuple[T, list[str]]:
        exchange = Exchange()
        for fault in faults:
            exchange.faults.inject(fault)
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with (
            serve(exchange) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as session,
        ):
            result = await play(Client(exchange, session))
        assert exchange.faults.hits >= len(faults)
        return result, exchange.orders

    return run(main())


def fault(kind: FaultKind, where: str, **options: Any) -> Fault:
    return Fault(kind=kind, where=where, **options)


async def order(client: Client) -> tuple[int, str]:
    return await client.order()


def test_without_faults_it_works() -> None:
    assert attempt(order) == ((200, BODY), ["a"])


def test_a_refusal_is_in_the_exchanges_words_and_nothing_is_carried_out() -> None:
    refuse = fault(FaultKind.REFUSE, "request/POST /order", status=418, retry_after=Duration(S // 2))
    assert attempt(order, refuse) == ((418, "/order 1"), [])


async def lost(client: Client) -> float:
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await client.order()
    return client.elapsed_s


@pytest.mark.parametrize(
    ("kind", "where", "taken", "after_s"),
    [
        (FaultKind.DROP, "request/*", [], 0),
        (FaultKind.DROP, "reply/*", ["a"], 0),
        (FaultKind.SILENCE, "request/*", [], 10),
        (FaultKind.SILENCE, "reply/*", ["a"], 10),
        (FaultKind.DISCONNECT, "request/*", [], 0),
        (FaultKind.DISCONNECT, "reply/*", ["a"], 0),
        (FaultKind.TRUNCATE, "reply/*", ["a"], 0),
    ],
)
def test_an_answer_is_lost_before_or_after_the_order_was_taken(
    kind: FaultKind, where: str, taken: list[str], after_s: float
) -> None:
    assert attempt(lost, fault(kind, where)) == (after_s, taken)


def test_a_cut_behind_the_request_loses_the_answer_and_behind_the_answer_nothing() -> None:
    cut = fault(FaultKind.DISCONNECT, "request/*", deliver=True)
    assert attempt(lost, cut) == (0, ["a"])
    cut = fault(FaultKind.DISCONNECT, "reply/*", deliver=True)
    assert attempt(order, cut) == ((200, BODY), ["a"])


def test_garbage_in_place_of_the_answer() -> None:
    (status, body), taken = attempt(order, fault(FaultKind.GARBAGE, "reply/*"))
    assert (status, taken) == (200, ["a"])
    assert "502 Bad Gateway" in body


@pytest.mark.parametrize(("where", "taken_at_2_s"), [("request/*", []), ("reply/*", ["a"])])
def test_a_late_request_is_not_a_late_answer(where: str, taken_at_2_s: list[str]) -> None:
    async def play(client: Client) -> list[str]:
        ordering = asyncio.ensure_future(client.order())
        await asyncio.sleep(2)
        taken = list(client.exchange.orders)
        assert await ordering == (200, BODY)
        assert client.elapsed_s == 3
        return taken

    late = fault(FaultKind.DELAY, where, delay=Duration(3 * S))
    assert attempt(play, late) == (taken_at_2_s, ["a"])


def test_a_late_request_is_carried_out_although_its_client_is_gone() -> None:
    async def play(client: Client) -> float:
        with pytest.raises(TimeoutError):
            await client.order()
        await asyncio.sleep(10)
        return client.elapsed_s

    late = fault(FaultKind.DELAY, "request/*", delay=Duration(3 * S))
    assert attempt(play, late, timeout_s=1) == (11, ["a"])


def test_a_request_that_comes_twice_is_answered_the_second_time() -> None:
    assert attempt(order, fault(FaultKind.DUPLICATE, "request/*")) == ((409, "duplicate order"), ["a"])


def test_a_request_is_overtaken_by_the_next_one() -> None:
    async def play(client: Client) -> float:
        await asyncio.gather(client.order("first"), client.order("second"))
        return client.elapsed_s

    reorder = fault(FaultKind.REORDER, "request/*", delay=Duration(5 * S))
    assert attempt(play, reorder) == (0, ["second", "first"])


def test_a_request_that_nothing_overtakes_goes_on() -> None:
    async def play(client: Client) -> float:
        await client.order()
        return client.elapsed_s

    assert attempt(play, fault(FaultKind.REORDER, "request/*", delay=Duration(5 * S))) == (5, ["a"])


def test_a_fault_of_the_request_and_one_of_its_answer() -> None:
    late = fault(FaultKind.DELAY, "request/*", delay=Duration(2 * S))
    assert attempt(lost, late, fault(FaultKind.DROP, "reply/*")) == (2, ["a"])


# -- handshakes ----------------------------------------------------------------------------------


async def connect(client: Client) -> tuple[str, float]:
    try:
        async with client.session.ws_connect("/ws") as ws:
            return await ws.receive_str(), client.elapsed_s
    except aiohttp.WSServerHandshakeError as error:
        return f"status {error.status}", client.elapsed_s
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__, client.elapsed_s


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([], ("hello", 0)),
        ([fault(FaultKind.REFUSE, "connect/ws", status=429)], ("status 429", 0)),
        ([fault(FaultKind.DELAY, "connect/*", delay=Duration(2 * S))], ("hello", 2)),
        ([fault(FaultKind.DROP, "connect/*", count=0)], ("ClientOSError", 0)),
        ([fault(FaultKind.SILENCE, "connect/*")], ("TimeoutError", 10)),
    ],
)
def test_handshakes(faults: list[Fault], expected: tuple[str, float]) -> None:
    assert attempt(connect, *faults)[0] == expected
