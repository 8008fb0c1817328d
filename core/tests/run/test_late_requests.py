"""Requests that waited for their turn: dropped from no call of the client, not sent when unwanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from hft.clock import NS_PER_S, SimulatedClock
from hft.errors import OrderError, TransportError
from hft.latency import Trace
from hft.net import Connection, RateLimiter, RestClient
from hft.net.connection import ConnectionState
from hft.net.spec import ConnectionSpec, Costs, HttpRequest, Priority, RateLimit, RestCall
from hft.run.link import LiveLink

CONN = "wss://exchange.example/orders"
COSTS: Costs = (("orders", 1),)


class OpenConnection:
    """Is always open, and keeps what is sent."""

    state = ConnectionState.OPEN

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.starts = 0
        self.on_close: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin."""
        self.starts += 1

    async def stop(self) -> None:
        """End, and say so."""
        self.on_close()

    def send(self, data: bytes, priority: Priority) -> bool:
        """Take a frame."""
        self.sent.append(data)
        return True


class Rig:
    """A link whose limit is used up from the beginning."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.connection = OpenConnection()
        limit = RateLimit(name="orders", weight=10, per_ns=10 * NS_PER_S, reserve=0, pace_above=1)
        limiter = RateLimiter([limit], clock=self.clock, warn=lambda line: None)
        self.dropped: list[str] = []
        self.link = LiveLink(
            "acme",
            "mainnet",
            None,
            clock=self.clock,
            seed="1",
            limiter=limiter,
            rest=cast("RestClient", None),
            trace=Trace(self.clock.now_ns),
            open_connection=lambda spec, link: cast("Connection", self.connection),
            trouble=pytest.fail,
            warn=lambda key, line: None,
        )
        self.link.connect(ConnectionSpec(name=CONN, url=CONN))
        for _ in range(10):
            self.send(b"first")
        self.connection.sent.clear()

    def send(self, data: bytes, priority: Priority = Priority.NEW, **options: Any) -> None:
        """Send a frame."""
        self.link.send(CONN, COSTS, priority, lambda now_ns: data, dropped=self.dropped.append, **options)


def test_what_is_dropped_is_told_from_no_call_of_the_client() -> None:
    rig = Rig()
    rig.send(b"waits", deadline_ns=1)
    rig.clock._now_ns = 2  # its time is over, and nobody has looked yet
    rig.send(b"next")
    assert rig.dropped == []
    rig.clock.advance(0)
    assert rig.dropped == ["its turn did not come before its deadline"]


def test_what_is_not_to_be_sent_any_more_when_its_turn_comes_is_dropped() -> None:
    rig = Rig()

    def refuse(now_ns: int) -> bytes:
        raise OrderError("it is not wanted any more")

    rig.link.send(CONN, COSTS, Priority.NEW, refuse, dropped=rig.dropped.append)
    rig.send(b"next")
    rig.clock.advance(20 * NS_PER_S)
    assert rig.dropped == ["it is not wanted any more"]
    assert rig.connection.sent == [b"next"]


async def test_a_client_that_connects_anew_on_every_loss_does_not_while_it_is_closed() -> None:
    rig = Rig()
    spec = ConnectionSpec(name=CONN, url=CONN)

    async def again() -> None:
        rig.link.connect(spec)

    def on_close() -> None:
        rig.link.connect(spec)
        rig.link.spawn(again(), "connect again")

    rig.connection.on_close = on_close
    await rig.link.close()
    await asyncio.sleep(0)
    assert rig.connection.starts == 1


async def test_when_it_is_closed_whatever_waits_is_forgotten_and_nothing_begun_any_more() -> None:
    rig = Rig()
    for _ in range(200):
        rig.send(b"waits")
    await rig.link.close()
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    rig.link.spawn(work(), "work")
    with pytest.raises(TransportError, match="everything is closed") as raised:
        await rig.link.fetch(RestCall(method="GET", shown="x", write=lambda _: HttpRequest(url="x")))
    assert raised.value.sent is False
    rig.clock.advance(3600 * NS_PER_S)
    await asyncio.sleep(0)
    assert (rig.connection.sent, rig.dropped, begun) == ([], [], [])
    assert rig.clock.next_timer_ns() is None
