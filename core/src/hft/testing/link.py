"""A link that reaches nobody and remembers everything, for tests of execution clients."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import attrs

from hft.clock import SimulatedClock
from hft.errors import DecodeError, OrderError, TransportError
from hft.events import BalanceReport, Fill, Funding, OrderReport, PositionReport
from hft.net.spec import ConnectionSpec, Costs, HttpRequest, Priority, RateLimit, RestAnswer, RestCall
from hft.order import Order
from hft.plugin.execution import ExecutionClient, ExecutionEvents
from hft.plugin.link import Link

__all__ = ["FakeCall", "FakeLink", "FakeSend", "NotedEvents", "rest_answer"]


@attrs.define
class FakeSend:
    """A frame that was handed over; ``data`` is empty while it waits for its turn."""

    conn: str
    costs: Costs
    priority: Priority
    deadline_ns: int
    data: bytes = b""
    write: Callable[[int], bytes] = attrs.field(default=lambda _: b"", repr=False)
    dropped: Callable[[str], None] | None = attrs.field(default=None, repr=False)

    @property
    def json(self) -> Any:
        """The frame, decoded."""
        return json.loads(self.data)


@attrs.define
class FakeCall:
    """A REST request that was made; the test answers it."""

    call: RestCall
    request: HttpRequest
    done: Callable[[RestAnswer | TransportError], None] = attrs.field(repr=False)
    clock: SimulatedClock = attrs.field(repr=False)
    sent_ns: int = 0

    def answer(self, body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer it, with text, bytes, or what becomes JSON."""
        self.done(rest_answer(body, status, headers, sent_ns=self.sent_ns, recv_ns=self.clock.now_ns()))

    def fail(self, reason: str = "no answer within 15 s", *, sent: bool | None = None) -> None:
        """Let it end without an answer."""
        self.done(TransportError(reason, sent=sent))


def rest_answer(
    body: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    sent_ns: int = 0,
    recv_ns: int = 0,
) -> RestAnswer:
    """Make an answer."""
    return RestAnswer(
        status=status, headers=headers or {}, body=_encoded(body), sent_ns=sent_ns, recv_ns=recv_ns
    )


def _encoded(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


class NotedEvents(ExecutionEvents):
    """Remembers what a client tells, in its order; ``unwanted`` is why no order is to be sent any more."""

    def __init__(self) -> None:
        self.unwanted = ""
        self.told: list[OrderReport | Fill | Funding | BalanceReport | PositionReport | str] = []

    def refusal(self, order: Order) -> str:
        return self.unwanted

    def on_report(self, report: OrderReport) -> None:
        self.told.append(report)

    def on_fill(self, fill: Fill) -> None:
        self.told.append(fill)

    def on_funding(self, funding: Funding) -> None:
        self.told.append(funding)

    def on_balance(self, balance: BalanceReport) -> None:
        self.told.append(balance)

    def on_position(self, position: PositionReport) -> None:
        self.told.append(position)

    def on_ready(self, exchange: str) -> None:
        self.told.append("ready")

    def on_lost(self, exchange: str, reason: str) -> None:
        self.told.append(f"lost: {reason}")

    def take(self) -> list[Any]:
        """Return what was told since the last time."""
        told, self.told = list(self.told), []
        return told


class FakeLink(Link):
    """Records what a client sends and asks; the test plays the network.

    ``clock`` is simulated. Connections open when the test says `open`. What `fetch` returns comes from
    ``answers``: by method and path, JSON, or a function of the request's URL, or a `TransportError`; a
    deque of these is used up one by one, its last entry stays. ``refusal`` makes `send` raise,
    ``holding`` lets frames wait until `release` or `drop`. Work that was spawned runs in `work`.
    """

    clock: SimulatedClock

    def __init__(
        self,
        exchange: str = "acme",
        *,
        environment: str = "mainnet",
        url: str | None = None,
        start_ns: int = 0,
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = url
        self.clock = SimulatedClock(start_ns)
        self.random = random.Random(0)
        self.client: ExecutionClient[Any] | None = None
        """Told of what `open`, `close` and `receive` say."""
        self.specs: dict[str, ConnectionSpec] = {}
        self.connects: list[str] = []
        """Every connection that was asked for, by name."""
        self.opened: set[str] = set()
        self.sends: list[FakeSend] = []
        self.calls: list[FakeCall] = []
        self.fetched: list[tuple[str, str]] = []
        """Method and URL."""
        self.answers: dict[str, Any] = {}
        self.used: dict[str, int] = {}
        """What was last told to be used of each limit."""
        self.limits: dict[str, int] = {}
        """What was last told of how much each limit is."""
        self.refusals: list[tuple[str | None, int]] = []
        self.refusal = ""
        self.holding = False
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.faults: list[tuple[str, bytes, str]] = []
        """Connection, frame and reason of what was not understood."""
        self.warnings: list[str] = []

    # -- what the client calls ---------------------------------------------------------------------

    def connect(self, spec: ConnectionSpec) -> None:
        self.close(spec.name)
        self.specs[spec.name] = spec
        self.connects.append(spec.name)

    def disconnect(self, conn: str) -> None:
        self.close(conn)
        self.specs.pop(conn, None)

    def send(
        self,
        conn: str,
        costs: Costs,
        priority: Priority,
        write: Callable[[int], bytes],
        *,
        deadline_ns: int = 0,
        dropped: Callable[[str], None] | None = None,
    ) -> None:
        if conn not in self.opened:
            raise OrderError(f"{conn} is not open")
        if self.refusal:
            raise OrderError(self.refusal)
        send = FakeSend(conn, costs, priority, deadline_ns, b"", write, dropped)
        self.sends.append(send)
        if not self.holding:
            send.data = write(self.clock.now_ns())

    def call(self, call: RestCall, done: Callable[[RestAnswer | TransportError], None]) -> None:
        now_ns = self.clock.now_ns()
        try:
            request = call.write(now_ns)
        except OrderError as error:
            done(TransportError(str(error), sent=False))
        else:
            self.calls.append(FakeCall(call, request, done, self.clock, now_ns))

    async def fetch(self, call: RestCall) -> RestAnswer:
        now_ns = self.clock.now_ns()
        url = call.write(now_ns).url
        self.fetched.append((call.method, url))
        path = "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
        answer = self.answers.get(f"{call.method} {path}", TransportError(f"{path}: no answer"))
        if isinstance(answer, deque):
            answer = answer.popleft() if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(url)
        if isinstance(answer, TransportError):
            raise answer
        if isinstance(answer, RestAnswer):
            return attrs.evolve(answer, sent_ns=now_ns, recv_ns=now_ns)
        return rest_answer(answer, sent_ns=now_ns, recv_ns=now_ns)

    def observe(self, limit: str, used: int, sent_ns: int) -> None:
        self.used[limit] = used

    def configure(self, limit: str, weight: int) -> None:
        self.limits[limit] = weight

    def add_limit(self, limit: RateLimit) -> None:
        self.limits.setdefault(limit.name, limit.weight)

    def refused(self, limit: str | None, wait_ns: int = 0) -> None:
        self.refusals.append((limit, wait_ns))

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.spawned.append(work)

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.faults.append((conn, data, reason))

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    # -- what a test does --------------------------------------------------------------------------

    def open(self, conn: str) -> None:
        """Let a connection be open."""
        assert conn in self.specs, f"{conn!r} is none of {list(self.specs)}"
        self.opened.add(conn)
        if self.client is not None:
            self.client.on_open(conn, self.clock.now_ns())

    def close(self, conn: str) -> None:
        """Let a connection break, if it is open."""
        if conn not in self.opened:
            return
        self.opened.discard(conn)
        if self.client is not None:
            self.client.on_close(conn, self.clock.now_ns())

    def receive(self, conn: str, frame: Any) -> None:
        """Let a frame arrive: text, bytes, or what becomes JSON; ``faults`` gets what is not understood."""
        data = _encoded(frame)
        assert self.client is not None
        try:
            self.client.on_frame(conn, data, self.clock.now_ns())
        except DecodeError as error:
            self.undecoded(conn, data, str(error))

    def release(self) -> None:
        """Let the frames that wait be written, or dropped where they are not to be any more."""
        self.holding = False
        for send in list(self.sends):
            if send.data:
                continue
            try:
                send.data = send.write(self.clock.now_ns())
            except OrderError as error:
                self.sends.remove(send)
                if send.dropped is not None:
                    send.dropped(str(error))

    def drop(self, reason: str) -> None:
        """Drop the frames that wait."""
        waiting = [send for send in self.sends if not send.data]
        self.sends = [send for send in self.sends if send.data]
        for send in waiting:
            if send.dropped is not None:
                send.dropped(reason)

    async def work(self) -> None:
        """Run what was spawned, and what that spawns."""
        while self.spawned:
            await self.spawned.pop(0)
