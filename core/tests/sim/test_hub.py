"""Frames on their way to subscribers, with and without faults."""

from __future__ import annotations

import pytest

from hft import Duration, SimulatedClock
from hft.sim import Fault, FaultKind, Faults, Hub, Subscriber


class FakeOutbox:
    """Remembers what a client would have got."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.aborted = self.silent = False

    def send(self, frame: str) -> None:
        if not self.silent:
            self.frames.append(frame)

    def abort(self) -> None:
        self.aborted = True

    def silence(self) -> None:
        self.silent = True


class Exchange:
    """A hub with one client of the topic ``spot/depth`` and one of ``spot/trade``."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.faults = Faults(self.clock)
        self.hub = Hub(self.faults)
        self.outboxes = {}
        for name in ("depth", "trade"):
            outbox = self.outboxes[name] = FakeOutbox()
            subscriber = Subscriber(outbox, lambda topic, payload: f"{topic}={payload}")  # type: ignore[arg-type]
            self.hub.join(subscriber)
            self.hub.subscribe(subscriber, f"spot/{name}")

    def publish(self, *payloads: str, topic: str = "spot/depth") -> None:
        for payload in payloads:
            self.hub.publish(topic, payload)

    @property
    def depth(self) -> list[str]:
        return [frame.removeprefix("spot/depth=") for frame in self.outboxes["depth"].frames]


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def test_only_subscribers_of_a_topic_get_its_frames(exchange: Exchange) -> None:
    exchange.publish("1", "2")
    assert exchange.outboxes["depth"].frames == ["spot/depth=1", "spot/depth=2"]
    assert not exchange.outboxes["trade"].frames


def test_who_left_is_forgotten(exchange: Exchange) -> None:
    for subscriber in tuple(exchange.hub.subscribers):
        exchange.hub.leave(subscriber)
    assert not exchange.hub.is_wanted("spot/depth")
    assert not exchange.hub.subscribers
    exchange.publish("1")
    assert not exchange.depth


def test_one_subscriber_gets_what_is_its_own_behind_what_was_published(exchange: Exchange) -> None:
    subscriber = exchange.hub.subscribers[0]
    exchange.hub.publish_to(subscriber, "spot/depth", "whole")
    exchange.faults.inject(Fault(kind=FaultKind.REORDER, where="*depth"))
    exchange.publish("1")
    exchange.hub.publish_to(subscriber, "spot/depth", "2")
    assert exchange.depth == ["whole", "2", "1"]
    assert not exchange.outboxes["trade"].frames


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.DROP, ["1", "3", "4"]),
        (FaultKind.DUPLICATE, ["1", "2", "2", "3", "4"]),
        (FaultKind.REORDER, ["1", "3", "2", "4"]),
        (FaultKind.DELAY, ["1", "3", "4", "2"]),
    ],
)
def test_one_frame_is_hit(exchange: Exchange, kind: FaultKind, expected: list[str]) -> None:
    late = {"delay": Duration(5)} if kind is FaultKind.DELAY else {}
    exchange.faults.inject(Fault(kind=kind, where="*depth", after=1, **late))
    exchange.publish("1", "2", "3", "4")
    exchange.publish("x", topic="spot/trade")
    exchange.clock.advance(5)
    assert exchange.depth == expected
    assert exchange.outboxes["trade"].frames == ["spot/trade=x"]
    assert exchange.faults.hits == 1
    assert exchange.faults.is_idle


def test_truncate_cuts_the_whole_frame(exchange: Exchange) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.TRUNCATE, where="spot/depth"))
    exchange.publish("payload", "next")
    assert exchange.outboxes["depth"].frames == ["spot/dept"[:9], "spot/depth=next"]


def test_count_hits_so_many(exchange: Exchange) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.DROP, where="*", count=3))
    exchange.publish("1", "2", "3", "4")
    assert exchange.depth == ["4"]


def test_faults_wait_for_each_other(exchange: Exchange) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.DROP, where="*depth"))
    exchange.faults.inject(Fault(kind=FaultKind.DUPLICATE, where="*depth"))
    exchange.publish("1", "2", "3")
    assert exchange.depth == ["2", "2", "3"]


def test_disconnect_and_silence_hit_connections(exchange: Exchange) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.DISCONNECT, where="*depth"))
    exchange.publish("1")
    assert exchange.outboxes["depth"].aborted
    assert not exchange.outboxes["trade"].aborted
    exchange.faults.inject(Fault(kind=FaultKind.SILENCE, where="*trade"))
    exchange.publish("1", "2", topic="spot/trade")
    assert exchange.outboxes["trade"].silent
    assert not exchange.outboxes["trade"].frames


# -- requests and replies of a websocket API -----------------------------------------------------------


class Api:
    """A client of a websocket API: what it asks is handled at once, and answered."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.outbox = FakeOutbox()
        self.handled: list[str] = []
        self.subscriber = Subscriber(self.outbox, lambda topic, payload: payload)  # type: ignore[arg-type]

    def ask(self, *requests: str) -> None:
        for request in requests:
            self.exchange.hub.request(self.subscriber, "order.place", lambda text=request: self._handle(text))

    def _handle(self, request: str) -> None:
        self.handled.append(request)
        self.exchange.hub.reply(self.subscriber, "order.place", f"re:{request}")


@pytest.fixture
def api(exchange: Exchange) -> Api:
    return Api(exchange)


@pytest.mark.parametrize(
    ("where", "kind", "handled", "replies"),
    [
        ("request/order.place", FaultKind.DROP, "2", "2"),
        ("reply/order.place", FaultKind.DROP, "12", "2"),
        ("request/order.place", FaultKind.DUPLICATE, "112", "112"),
        ("reply/order.place", FaultKind.DUPLICATE, "12", "112"),
        ("request/order.place", FaultKind.REORDER, "21", "21"),
        ("reply/order.place", FaultKind.REORDER, "12", "21"),
        ("request/order.place", FaultKind.DELAY, "21", "21"),
        ("reply/order.place", FaultKind.DELAY, "12", "21"),
        ("request/order.cancel", FaultKind.DROP, "12", "12"),
    ],
)
def test_a_request_or_its_reply_is_hit(
    exchange: Exchange, api: Api, where: str, kind: FaultKind, handled: str, replies: str
) -> None:
    exchange.faults.inject(Fault(kind=kind, where=where))
    api.ask("1", "2")
    exchange.clock.advance(1_000_000_000)
    assert "".join(api.handled) == handled
    assert api.outbox.frames == [f"re:{number}" for number in replies]


def test_a_cut_behind_a_request_loses_its_reply(exchange: Exchange, api: Api) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.DISCONNECT, where="request/*", deliver=True))
    api.ask("1")
    assert api.handled == ["1"]
    assert api.outbox.aborted
    other = Api(exchange)
    exchange.faults.inject(Fault(kind=FaultKind.DISCONNECT, where="request/*"))
    other.ask("1")
    assert not other.handled
    assert other.outbox.aborted


def test_the_events_of_one_topic_are_told_apart(exchange: Exchange) -> None:
    exchange.faults.inject(Fault(kind=FaultKind.DROP, where="spot/depth/fill"))
    exchange.hub.publish("spot/depth", "1", "balance")
    exchange.hub.publish("spot/depth", "2", "fill")
    assert exchange.depth == ["1"]


def test_who_subscribed_first_is_told_first(exchange: Exchange) -> None:
    order: list[int] = []
    for number in range(20):

        class Numbered(FakeOutbox):
            def send(self, frame: str, number: int = number) -> None:
                order.append(number)

        subscriber = Subscriber(Numbered(), lambda _, payload: payload)  # type: ignore[arg-type]
        exchange.hub.subscribe(subscriber, "many")
    exchange.publish("1", topic="many")
    assert order == list(range(20))
