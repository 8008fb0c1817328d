"""Requests on a socket are numbered, answered once, and given up with their connection."""

from __future__ import annotations

import pytest

from hft import ConnectionSpec, OrderError, Priority, RequestSocket
from hft.testing.link import FakeLink

SECOND_NS = 1_000_000_000
URL = "wss://acme/orders"


class Request:
    """A request that remembers what it was told."""

    def __init__(self, socket: Socket) -> None:
        self.request_id = ""
        self.sent_ns = 0
        self.told: list[str] = []
        self._socket = socket

    def write(self, now_ns: int) -> bytes:
        return self._socket.register(self, now_ns).encode()

    def dropped(self, reason: str) -> None:
        self.told.append(f"dropped: {reason}")

    def unanswered(self, reason: str) -> None:
        self.told.append(f"unanswered: {reason}")


class Socket(RequestSocket[Request]):
    """Is usable as soon as it is open; an answer is the number of its request."""

    def on_open(self) -> None:
        super().on_open()
        self.usable()

    def on_frame(self, data: bytes, recv_ns: int) -> None:
        self.heard()
        if request := self.pending.take(data.decode()):
            request.told.append("answered")


class World:
    """A socket on a link of the test."""

    def __init__(self) -> None:
        self.link = FakeLink(start_ns=SECOND_NS)
        self.changes: list[str] = []
        spec = ConnectionSpec(name=URL, url=URL)
        self.socket = Socket(
            self.link, spec, "the order connection", self.changes.append, answer_timeout_ns=SECOND_NS
        )
        self.socket.connect()

    def open(self) -> World:
        self.link.open(URL)
        self.socket.on_open()
        return self

    def send(self) -> Request:
        request = Request(self.socket)
        self.socket.send(request, (), Priority.NEW, 0)
        return request


def test_requests_have_numbers_and_each_its_answer() -> None:
    world = World().open()
    world.link.clock.advance(5)
    first, second = world.send(), world.send()
    assert [send.data for send in world.link.sends] == [b"1", b"2"]
    assert (first.request_id, second.request_id, second.sent_ns) == ("1", "2", SECOND_NS + 5)
    world.socket.on_frame(b"2", 6)
    world.socket.on_frame(b"2", 7)
    assert (first.told, second.told) == ([], ["answered"])
    world.link.clock.advance(SECOND_NS)
    assert first.told == ["unanswered: no answer within 1 s"]
    world.socket.on_frame(b"1", 8)
    assert first.told[1:] == ["answered"]


def test_nothing_is_sent_before_it_is_usable_and_after_it_is_lost() -> None:
    world = World()
    with pytest.raises(OrderError, match="the order connection is down"):
        world.send()
    world.open()
    request = world.send()
    world.link.close(URL)
    world.socket.on_close()
    world.socket.lose("again")
    assert world.changes == ["", "the order connection broke"]
    assert request.told == ["unanswered: the order connection broke"]
    with pytest.raises(OrderError, match="is down"):
        world.send()


def test_what_certainly_is_not_sent_is_not_waited_for() -> None:
    world = World().open()
    world.link.refusal = "too much waits"
    with pytest.raises(OrderError, match="too much waits"):
        world.send()
    assert len(world.socket.pending) == 0


def test_a_connection_that_stays_silent_although_it_is_asked_is_replaced() -> None:
    world = World().open()
    for _ in range(3):
        world.send()
        world.link.clock.advance(SECOND_NS)
    assert world.link.connects == [URL, URL]
    assert world.link.warnings == [f"{URL}: nothing has come for 3 s, connecting anew"]


def test_one_that_brings_anything_at_all_is_not() -> None:
    world = World().open()
    for _ in range(9):
        world.send()
        world.link.clock.advance(SECOND_NS)
        world.socket.on_frame(b"something else", 0)
    assert world.link.connects == [URL]
