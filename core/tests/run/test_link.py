"""The network of an execution client: what is sent now, later or not at all, and what is said of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hft.clock import SimulatedClock
from hft.errors import DecodeError, OrderError, TransportError
from hft.latency import Trace
from hft.net import RateLimiter
from hft.net.connection import ConnectionState
from hft.net.spec import ConnectionSpec, HttpRequest, Priority, RateLimit, RestAnswer, RestCall
from hft.run.link import LiveLink

S = 1_000_000_000
LIMIT = RateLimit(name="orders", weight=2, per_ns=S, reserve=0, pace_above=1)
ONE = (("orders", 1),)
SPEC = ConnectionSpec(name="ws", url="ws://exchange.test")


class FakeConnection:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.state = ConnectionState.OPEN
        self.sent: list[bytes] = []
        self.takes = True

    def start(self) -> None:
        """Open at once."""

    async def stop(self) -> None:
        """Close at once."""
        self.state = ConnectionState.STOPPED

    def send(self, data: bytes, priority: Priority) -> bool:
        """Keep a frame."""
        if self.takes:
            self.sent.append(data)
        return self.takes


class FakeRest:
    """Answers what a test says."""

    answer: RestAnswer | TransportError

    async def call(self, call: RestCall) -> RestAnswer:
        """Answer."""
        if isinstance(self.answer, TransportError):
            raise self.answer
        return self.answer


class NotedClient:
    """Notes what it is told, and raises what a test says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.error: Exception | None = None

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Note it."""
        self._note("open", b"")

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Note it."""
        self._note("frame", data)

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Note it."""
        self._note("close", b"")

    def _note(self, what: str, data: bytes) -> None:
        self.told.append((what, data))
        if self.error is not None:
            raise self.error


class World:
    """A link whose every neighbour is a test's."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(1_700_000_000 * S)
        self.connection = FakeConnection()
        self.client = NotedClient()
        self.rest = FakeRest()
        self.troubles: list[str] = []
        self.lines: list[str] = []
        limiter = RateLimiter([LIMIT], clock=self.clock, warn=self.lines.append)
        rest: Any = self.rest
        client: Any = self.client
        connection: Any = self.connection
        self.link = LiveLink(
            "test",
            "mainnet",
            None,
            clock=self.clock,
            seed="1",
            limiter=limiter,
            rest=rest,
            trace=Trace(self.clock.now_ns),
            open_connection=lambda spec, link: connection,
            trouble=self.troubles.append,
            warn=lambda key, line: self.lines.append(line),
        )
        self.link.client = client

    def send(self, text: bytes, **kwargs: Any) -> None:
        """Send a frame that costs one order."""
        self.link.send("ws", ONE, Priority.NEW, lambda now_ns: text, **kwargs)


def test_what_fits_is_sent_at_once_with_the_time_of_sending() -> None:
    world = World()
    world.link.connect(SPEC)
    times: list[int] = []
    world.link.send("ws", ONE, Priority.NEW, lambda now_ns: times.append(now_ns) or b"1")  # type: ignore[func-returns-value]
    assert world.connection.sent == [b"1"]
    assert times == [world.clock.now_ns()]


def test_what_does_not_fit_is_written_when_its_turn_comes() -> None:
    world = World()
    world.link.connect(SPEC)
    for text in (b"1", b"2", b"3"):
        world.send(text)
    assert world.connection.sent == [b"1", b"2"]
    world.clock.advance(2 * S)
    assert world.connection.sent == [b"1", b"2", b"3"]


def test_without_a_connection_nothing_was_sent_for_certain() -> None:
    world = World()
    with pytest.raises(OrderError, match="test is not connected"):
        world.send(b"1")
    world.link.connect(SPEC)
    world.connection.state = ConnectionState.CONNECTING
    with pytest.raises(OrderError, match="test is not connected"):
        world.send(b"1")
    world.connection.state = ConnectionState.OPEN
    world.connection.takes = False
    with pytest.raises(OrderError, match="does not take it"):
        world.send(b"1")


def test_what_waited_for_too_long_is_dropped_and_said_so() -> None:
    world = World()
    world.link.connect(SPEC)
    dropped: list[str] = []
    for text in (b"1", b"2"):
        world.send(text)
    world.send(b"3", deadline_ns=world.clock.now_ns() + S // 2, dropped=dropped.append)
    assert dropped == []
    world.clock.advance(2 * S)
    assert len(dropped) == 1
    assert world.connection.sent == [b"1", b"2"]


def test_what_lost_its_connection_while_it_waited_is_dropped() -> None:
    world = World()
    world.link.connect(SPEC)
    dropped: list[str] = []
    for text in (b"1", b"2"):
        world.send(text)
    world.send(b"3", dropped=dropped.append)
    world.connection.takes = False
    world.clock.advance(2 * S)
    assert dropped == ["test was not connected when its turn came"]


def test_what_can_never_be_sent_is_refused_and_not_told_from_inside_the_call() -> None:
    world = World()
    world.link.connect(SPEC)
    dropped: list[str] = []
    with pytest.raises(OrderError, match="costs 9"):
        world.link.send("ws", (("orders", 9),), Priority.NEW, lambda now_ns: b"1", dropped=dropped.append)
    assert dropped == []


def test_frames_that_are_not_understood_do_no_harm_and_show_no_key() -> None:
    world = World()
    world.client.error = DecodeError("no order")
    world.link.on_frame("ws", b'{"listenKey":"secretsecretsecret"}', 1)
    assert world.link.undecoded_frames == 1
    assert world.troubles == []
    assert "secretsecret" not in "".join(world.lines)


@pytest.mark.parametrize("what", ["on_open", "on_frame", "on_close"])
def test_a_bug_in_the_client_is_trouble(what: str) -> None:
    world = World()
    world.client.error = KeyError("x")
    args = ("ws", b"{}", 1) if what == "on_frame" else ("ws", 1)
    getattr(world.link, what)(*args)
    assert len(world.troubles) == 1
    assert "bug in the execution client" in world.troubles[0]


async def test_a_call_gets_its_answer_or_why_there_is_none() -> None:
    world = World()
    call = RestCall(method="GET", shown="test/x", write=lambda now_ns: HttpRequest(url="http://test/x"))
    got: list[RestAnswer | TransportError] = []
    world.rest.answer = RestAnswer(status=400, headers={}, body=b"{}", sent_ns=1, recv_ns=2)
    world.link.call(call, got.append)
    await asyncio.sleep(0.01)
    world.rest.answer = TransportError("gone", sent=None)
    world.link.call(call, got.append)
    await asyncio.sleep(0.01)
    assert [type(each) for each in got] == [RestAnswer, TransportError]
    world.link.call(call, lambda answer: [][0])
    await asyncio.sleep(0.01)
    assert len(world.troubles) == 1
    await world.link.close()
