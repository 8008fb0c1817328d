"""The connection manager on a simulated clock and a scripted network."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hft.capture import CaptureWriter, Tap, read_capture
from hft.clock import NS_PER_S, Clock, SimulatedClock
from hft.errors import TransportError
from hft.net import Connection, ConnectionSpec, RateLimit, RateLimiter, StatusError
from hft.net.connection import ConnectionState

URL = "wss://exchange.test/ws"


class FakeSocket:
    def __init__(
        self, clock: Clock, on_frame: Callable[[bytes, int], None], on_lost: Callable[[str], None]
    ) -> None:
        self.rtt_ns: int | None = None
        self.sent: list[tuple[int, bytes]] = []
        self.pings = 0
        self.end = ""
        self.refuses = False
        self._clock = clock
        self._on_frame = on_frame
        self._on_lost = on_lost

    def deliver(self, data: bytes) -> None:
        if not self.end:
            self._on_frame(data, self._clock.now_ns())

    def lose(self, reason: str = "reset") -> None:
        if not self.end:
            self.end = reason
            asyncio.get_running_loop().call_soon(self._on_lost, reason)

    def send(self, data: bytes, *, text: bool = True) -> bool:
        if self.end or self.refuses:
            return False
        self.sent.append((self._clock.now_ns(), data))
        return True

    def ping(self) -> None:
        self.pings += 1

    def close(self) -> None:
        self.lose("closed by us")

    def abort(self) -> None:
        self.lose("cut by us")

    async def wait_closed(self) -> None:
        raise AssertionError("nobody waits here")


class FakeNetwork:
    """Hands out sockets, or the faults that the test put into ``faults``."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.attempts: list[int] = []
        self.faults: list[Exception | None] = []
        self.sockets: list[FakeSocket] = []

    async def connect(
        self,
        url: str,
        *,
        on_frame: Callable[[bytes, int], None],
        on_lost: Callable[[str], None],
        clock: Clock,
    ) -> FakeSocket:
        assert url == URL
        self.attempts.append(clock.now_ns())
        await asyncio.sleep(0)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        socket = FakeSocket(clock, on_frame, on_lost)
        self.sockets.append(socket)
        return socket

    @property
    def gaps_s(self) -> list[float]:
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        return [(after - before) / NS_PER_S for before, after in pairs]


class Handler:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    @property
    def kinds(self) -> list[str]:
        return [call[0] for call in self.calls]

    @property
    def frames(self) -> list[bytes]:
        return [call[2] for call in self.calls if call[0] == "frame"]

    def on_open(self, conn: str, recv_ns: int) -> None:
        self.calls.append(("open", conn, recv_ns))

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        self.calls.append(("frame", conn, data, recv_ns))
        if self.error is not None:
            raise self.error

    def on_close(self, conn: str, recv_ns: int) -> None:
        self.calls.append(("close", conn, recv_ns))


class Bench:
    """A connection on a scripted network, and time that passes step by step."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(1_000_000 * NS_PER_S)
        self.network = FakeNetwork(self.clock)
        self.handler = Handler()
        self.warnings: list[str] = []
        self.connections: list[Connection] = []

    def connection(self, *, limiter: RateLimiter | None = None, **kwargs: Any) -> Connection:
        options = {name: kwargs.pop(name) for name in ("tap", "on_error", "connect") if name in kwargs}
        connection = Connection(
            ConnectionSpec(name=URL, url=URL, **kwargs),
            self.handler,
            clock=self.clock,
            random=random.Random(7),
            warn=self.warnings.append,
            limiter=limiter,
            **{"connect": self.network.connect, **options},
        )
        self.connections.append(connection)
        return connection

    async def start(self, **kwargs: Any) -> Connection:
        connection = self.connection(**kwargs)
        connection.start()
        await self.settle()
        return connection

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    async def pass_s(self, seconds: float) -> None:
        until_ns = self.clock.now_ns() + int(seconds * NS_PER_S)
        await self.settle()
        while (when_ns := self.clock.next_timer_ns()) is not None and when_ns <= until_ns:
            self.clock.advance_to(when_ns)
            await self.settle()
        self.clock.advance_to(until_ns)
        await self.settle()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    for connection in bench.connections:
        await connection.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert all(socket.end for socket in bench.network.sockets)
    assert bench.clock.next_timer_ns() is None


# -- opening ---------------------------------------------------------------------------------------


async def test_subscribes_at_the_message_rate_and_only_then_says_open(bench: Bench) -> None:
    await bench.start(on_open=(b"1", b"2", b"3"), messages_per_s=4.0)
    start_ns = bench.network.attempts[0]
    assert bench.handler.kinds == []
    await bench.pass_s(1)
    sent = bench.network.sockets[0].sent
    assert [data for _, data in sent] == [b"1", b"2", b"3"]
    assert [when - start_ns for when, _ in sent] == [0, NS_PER_S // 4, NS_PER_S // 2]
    assert bench.handler.calls == [("open", URL, start_ns + NS_PER_S // 2)]


async def test_answers_that_come_while_subscribing_are_handed_on(bench: Bench) -> None:
    await bench.start(on_open=(b"1", b"2"))
    bench.network.sockets[0].deliver(b"ack")
    await bench.pass_s(1)
    assert bench.handler.kinds == ["frame", "open"]


async def test_lost_while_subscribing_is_a_failed_attempt(bench: Bench) -> None:
    connection = await bench.start(on_open=(b"1", b"2"))
    bench.network.sockets[0].lose("kicked")
    await bench.pass_s(2)
    assert bench.handler.kinds == ["open"]
    assert connection.counters.failures == 1
    assert bench.warnings == [f"{URL}: lost while subscribing: kicked, trying again"]


async def test_frames_before_a_loss_while_subscribing_are_followed_by_close(bench: Bench) -> None:
    """What they made LIVE must not stay so, though nobody had been told of an open connection."""
    await bench.start(on_open=(b"1", b"2"))
    bench.network.sockets[0].deliver(b"update")
    bench.network.sockets[0].lose("kicked")
    await bench.pass_s(0.5)
    assert bench.handler.kinds == ["frame", "close"]
    await bench.pass_s(2)
    assert bench.handler.kinds == ["frame", "close", "open"]


async def test_a_successor_lost_while_subscribing_is_no_loss_of_the_connection(bench: Bench) -> None:
    await bench.start(on_open=(b"1", b"2"), silence_ns=0)
    await bench.pass_s(1)
    bench.connections[0].rotate()
    await bench.settle()
    bench.network.sockets[1].deliver(b"update")
    bench.network.sockets[1].lose("kicked")
    await bench.pass_s(0.3)
    assert bench.handler.kinds == ["open", "frame"]


# -- coming back -----------------------------------------------------------------------------------


async def test_backs_off_with_jitter_up_to_half_a_minute_and_never_gives_up(bench: Bench) -> None:
    bench.network.faults = [TransportError("refused")] * 40
    connection = await bench.start(silence_ns=0)
    assert len(bench.network.attempts) == 1, "the first attempt is made at once"
    await bench.pass_s(40 * 31)
    assert len(bench.network.attempts) == 41
    assert connection.state is ConnectionState.OPEN
    gaps = bench.network.gaps_s
    for gap, step in zip(gaps, [0.5, 1, 2, 4, 8, 16, 30, 30], strict=False):
        assert step / 2 <= gap <= step
    assert all(15 <= gap <= 30 for gap in gaps[6:])
    assert len(set(gaps[6:])) > 20


async def test_a_loss_is_told_and_mended_at_once(bench: Bench) -> None:
    connection = await bench.start(on_open=(b"sub",))
    bench.network.sockets[0].deliver(b"x")
    bench.network.sockets[0].lose("reset by peer")
    await bench.pass_s(1)
    assert bench.handler.kinds == ["open", "frame", "close", "open"]
    assert [data for _, data in bench.network.sockets[1].sent] == [b"sub"]
    assert bench.warnings == [f"{URL}: lost: reset by peer, connecting again"]
    assert (connection.counters.opened, connection.counters.closed) == (2, 1)


async def test_a_socket_that_flaps_is_retried_ever_more_slowly(bench: Bench) -> None:
    await bench.start(silence_ns=0)
    for _ in range(12):
        bench.network.sockets[-1].deliver(b"x")
        bench.network.sockets[-1].lose()
        await bench.pass_s(31)
    assert len(bench.network.attempts) == 13
    gaps_s = [close_to_open(bench.handler.calls, index) for index in range(12)]
    assert gaps_s[0] <= 0.5
    assert gaps_s[-1] >= 15


def close_to_open(calls: list[tuple[Any, ...]], index: int) -> float:
    closes = [call[2] for call in calls if call[0] == "close"]
    opens = [call[2] for call in calls if call[0] == "open"]
    return float(opens[index + 1] - closes[index]) / NS_PER_S


@pytest.mark.parametrize(("frames", "quick"), [(1, True), (0, False)])
async def test_back_off_ends_only_after_a_long_life_with_data(bench: Bench, frames: int, quick: bool) -> None:
    bench.network.faults = [TransportError("refused")] * 8
    await bench.start(silence_ns=0)
    await bench.pass_s(300)
    for _ in range(frames):
        bench.network.sockets[0].deliver(b"x")
    before = len(bench.network.attempts)
    bench.network.sockets[0].lose()
    await bench.pass_s(1)
    assert (len(bench.network.attempts) > before) is quick


async def test_stays_away_for_as_long_as_the_exchange_says(bench: Bench) -> None:
    bench.network.faults = [StatusError("banned", status=429, retry_after_ns=100 * NS_PER_S), None]
    await bench.start(silence_ns=0)
    await bench.pass_s(200)
    assert bench.network.gaps_s == [100.0]


async def test_a_bug_in_connecting_is_told_and_retried(bench: Bench) -> None:
    bench.network.faults = [ZeroDivisionError()]
    connection = await bench.start()
    await bench.pass_s(1)
    assert connection.state is ConnectionState.OPEN
    assert bench.warnings == [f"{URL}: ZeroDivisionError(), trying again"]


async def test_warnings_of_an_outage_are_few(bench: Bench) -> None:
    bench.network.faults = [TransportError("refused")] * 30
    await bench.start()
    await bench.pass_s(10)
    assert bench.warnings == ["refused, trying again"]
    await bench.pass_s(100)
    assert "more like this held back" in bench.warnings[1]


async def test_new_connections_are_paced_together(bench: Bench) -> None:
    limit = RateLimit(name="connections", weight=2, per_ns=300 * NS_PER_S)
    limiter = RateLimiter([limit], clock=bench.clock, warn=bench.warnings.append)
    for _ in range(5):
        await bench.start(limiter=limiter, limit="connections", silence_ns=0)
    assert len(bench.network.attempts) == 2
    await bench.pass_s(301)
    assert len(bench.network.attempts) == 4
    await bench.pass_s(301)
    assert len(bench.network.attempts) == 5


# -- silence, pings, sending -----------------------------------------------------------------------


async def test_a_silent_socket_is_replaced(bench: Bench) -> None:
    connection = await bench.start(silence_ns=10 * NS_PER_S)
    first = bench.network.sockets[0]
    for _ in range(3):
        await bench.pass_s(9)
        first.deliver(b"x")
    assert len(bench.network.sockets) == 1
    await bench.pass_s(9.9)
    assert not first.end
    await bench.pass_s(0.2)
    assert first.end == "cut by us"
    await bench.pass_s(1)
    assert bench.handler.kinds == ["open", "frame", "frame", "frame", "close", "open"]
    assert bench.warnings == [f"{URL}: lost: silent for 10 s, connecting again"]
    assert connection.counters.last_recv_ns == bench.handler.calls[3][3]


async def test_pings_as_the_exchange_wants_them(bench: Bench) -> None:
    await bench.start(ping=b"ping", ping_ns=20 * NS_PER_S, silence_ns=0)
    await bench.pass_s(65)
    assert [data for _, data in bench.network.sockets[0].sent] == [b"ping"] * 3
    assert bench.network.sockets[0].pings == 0


async def test_pings_of_the_protocol_where_no_other_is_given(bench: Bench) -> None:
    connection = await bench.start(ping_ns=20 * NS_PER_S, silence_ns=0)
    await bench.pass_s(65)
    assert bench.network.sockets[0].pings == 3
    bench.network.sockets[0].rtt_ns = 1_234
    assert connection.rtt_ns == 1_234


async def test_sends_at_once_within_the_rate_and_later_beyond_it(bench: Bench) -> None:
    connection = await bench.start(messages_per_s=2.0)
    now_ns = bench.clock.now_ns()
    assert all(connection.send(str(number).encode()) for number in range(5))
    sent = bench.network.sockets[0].sent
    assert sent == [(now_ns, b"0"), (now_ns, b"1")]
    await bench.pass_s(3)
    assert [data for _, data in sent] == [b"0", b"1", b"2", b"3", b"4"]
    for when_ns, _ in sent:
        assert sum(when_ns <= other_ns <= when_ns + NS_PER_S for other_ns, _ in sent) <= 2


async def test_what_cannot_be_sent_is_counted(bench: Bench) -> None:
    connection = bench.connection(messages_per_s=1.0)
    assert not connection.send(b"before the start")
    connection.start()
    await bench.settle()
    for number in range(1_010):
        connection.send(str(number).encode())
    assert connection.counters.dropped_sends == 1 + 9, "one is sent, a thousand wait"
    bench.network.sockets[0].lose()
    await bench.settle()
    assert connection.counters.dropped_sends == 1_010, "a new socket does not get the old one's"


# -- rotation --------------------------------------------------------------------------------------

LIFETIME_NS = 1_000 * NS_PER_S


async def start_and_age(bench: Bench) -> Connection:
    connection = await bench.start(on_open=(b"sub",), lifetime_ns=LIFETIME_NS, silence_ns=0)
    bench.network.sockets[0].deliver(b"a")
    await bench.pass_s(940)
    assert len(bench.network.sockets) == 1
    await bench.pass_s(40.5)
    return connection


async def test_moves_to_a_new_socket_without_a_hole(bench: Bench) -> None:
    connection = await start_and_age(bench)
    old, new = bench.network.sockets
    assert 0.95 <= bench.network.gaps_s[0] * NS_PER_S / LIFETIME_NS <= 0.98
    assert [data for _, data in new.sent] == [b"sub"]
    new.deliver(b"ack")
    await bench.pass_s(60)
    assert not old.end, "an acknowledgement is no data"
    new.deliver(b"b")
    old.deliver(b"b")
    await bench.pass_s(5)
    assert old.end == "closed by us"
    new.deliver(b"c")
    assert bench.handler.kinds[0] == "open"
    assert set(bench.handler.kinds[1:]) == {"frame"}
    assert bench.handler.frames == [b"a", b"ack", b"b", b"b", b"c"]
    assert connection.counters.rotations == 1
    assert connection.send(b"order")
    assert new.sent[-1][1] == b"order"
    assert bench.warnings == []
    await bench.pass_s(1_000)
    assert len(bench.network.sockets) == 3, "the new one ages as well"


async def test_answers_to_our_pings_are_no_data(bench: Bench) -> None:
    """A new socket whose subscription is ignored must not take the place of one that works."""
    await bench.start(on_open=(b"sub",), silence_ns=0, ping=b"ping", ping_ns=10 * NS_PER_S)
    bench.connections[0].rotate()
    await bench.settle()
    old, new = bench.network.sockets
    new.deliver(b"ack")
    for _ in range(6):
        await bench.pass_s(10)
        new.deliver(b"pong")
    assert not old.end
    new.deliver(b"update")
    await bench.pass_s(6)
    assert old.end == "closed by us"


async def test_old_and_new_overlap_for_a_while_even_if_the_new_one_has_data(bench: Bench) -> None:
    await bench.start(silence_ns=0)
    bench.connections[0].rotate()
    await bench.settle()
    old, new = bench.network.sockets
    new.deliver(b"a")
    await bench.pass_s(4.9)
    assert not old.end
    await bench.pass_s(0.2)
    assert old.end


async def test_a_closed_socket_hands_nothing_on(bench: Bench) -> None:
    await start_and_age(bench)
    old, new = bench.network.sockets
    for _ in range(3):
        new.deliver(b"b")
    await bench.pass_s(6)
    assert old.end
    old._on_frame(b"late", bench.clock.now_ns())
    assert b"late" not in bench.handler.frames


async def test_a_new_socket_that_fails_is_retried_while_the_old_one_lives(bench: Bench) -> None:
    await bench.start(lifetime_ns=LIFETIME_NS, silence_ns=0)
    bench.network.faults = [TransportError("refused")] * 3
    await bench.pass_s(990)
    assert len(bench.network.attempts) == 5
    old, new = bench.network.sockets
    new.lose("kicked")
    await bench.pass_s(60)
    assert not old.end
    bench.network.sockets[2].deliver(b"x")
    await bench.pass_s(6)
    assert old.end
    assert bench.handler.kinds == ["open", "frame"]


async def test_the_old_one_dies_before_the_new_one_is_subscribed(bench: Bench) -> None:
    bench.network.faults = [None, TransportError("refused"), TransportError("refused")]
    await bench.start(silence_ns=0)
    bench.connections[0].rotate()
    await bench.settle()
    bench.network.sockets[0].lose()
    await bench.pass_s(5)
    assert bench.handler.kinds == ["open", "close", "open"]


@pytest.mark.parametrize(
    ("frames", "kinds"), [(0, ["open", "close", "open"]), (2, ["open", "frame", "frame"])]
)
async def test_the_old_one_dies_during_the_overlap(bench: Bench, frames: int, kinds: list[str]) -> None:
    await bench.start(on_open=(b"sub",), silence_ns=0)
    bench.connections[0].rotate()
    await bench.settle()
    old, new = bench.network.sockets
    for _ in range(frames):
        new.deliver(b"x")
    old.lose()
    await bench.settle()
    assert bench.handler.kinds == kinds
    assert not new.end
    assert len(bench.network.sockets) == 2
    assert bench.connections[0].state is ConnectionState.OPEN


# -- handlers, taps, stopping ----------------------------------------------------------------------


async def test_a_handler_that_raises_is_told_and_the_connection_goes_on(bench: Bench) -> None:
    connection = await bench.start()
    bench.handler.error = KeyError("BTC")
    for _ in range(3):
        bench.network.sockets[0].deliver(b"frame")
    assert len(bench.handler.frames) == 3
    assert connection.counters.handler_errors == 3
    assert bench.warnings == [f"{URL}: handler failed: KeyError('BTC') on frame b'frame'"]
    assert connection.state is ConnectionState.OPEN


async def test_whoever_wants_the_handlers_errors_gets_them_with_the_frame(bench: Bench) -> None:
    errors: list[tuple[str, bytes, Exception]] = []
    await bench.start(on_error=lambda *arguments: errors.append(arguments))
    bench.handler.error = KeyError("BTC")
    bench.network.sockets[0].deliver(b"frame")
    assert errors == [(URL, b"frame", bench.handler.error)]
    assert bench.warnings == []


async def test_the_tap_sees_what_the_handler_sees_and_what_was_sent(bench: Bench, tmp_path: Any) -> None:
    tap = Tap(clock=bench.clock)
    connection = await bench.start(on_open=(b"sub",), tap=tap.for_exchange("okx"))
    bench.network.sockets[0].deliver(b"x")
    await connection.stop()
    with CaptureWriter(tmp_path / "c.jsonl") as writer:
        tap.start(writer)
        await tap.stop()
    records = list(read_capture(tmp_path / "c.jsonl"))
    assert [(r.dir, r.payload) for r in records] == [
        ("sent", b"sub"),
        ("open", b""),
        ("recv", b"x"),
        ("close", b""),
    ]
    assert {(r.conn, r.exchange) for r in records} == {(URL, "okx")}


@pytest.mark.parametrize("seconds", [0, 0.3, 3, 965, 985])
async def test_stops_cleanly_at_any_moment(bench: Bench, seconds: float) -> None:
    """The fixture asserts that no task, socket or timer is left."""
    bench.network.faults = [TransportError("refused"), TransportError("refused")]
    connection = await bench.start(
        on_open=(b"1", b"2", b"3"), lifetime_ns=LIFETIME_NS, silence_ns=0, ping=b"p", ping_ns=NS_PER_S
    )
    await bench.pass_s(seconds)
    await connection.stop()
    await connection.stop()
    assert connection.state is ConnectionState.STOPPED
    assert bench.handler.kinds in ([], ["open", "close"])
    assert not connection.send(b"late")


async def test_stopped_while_the_network_hangs(bench: Bench) -> None:
    async def hang(url: str, **kwargs: Any) -> FakeSocket:
        await asyncio.Event().wait()
        raise AssertionError

    connection = await bench.start(connect=hang)
    await connection.stop()
    assert bench.handler.calls == []
