"""The network as one exchange's execution client has it while a session lasts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from hft.capture.redact import redact_frame, redact_text
from hft.clock import Clock
from hft.errors import DecodeError, OrderError, TransportError
from hft.latency import Trace
from hft.net import Connection, RateLimiter, RestClient, Turn
from hft.net.connection import ConnectionState
from hft.net.spec import ConnectionSpec, Costs, Priority, RestAnswer, RestCall
from hft.plugin.execution import ExecutionClient
from hft.plugin.link import Link

__all__ = ["LiveLink"]

_SHOWN_CHARACTERS = 200
_TURNS = 64

_KEY_CHARACTERS = 60
"""Warnings that begin alike are one warning, whose rate is limited."""


class LiveLink(Link):
    """Keeps the connections that the client wants, makes its requests, and hands it what comes.

    ``client`` is set before anything else is done. ``trouble(reason)`` is called when the client raises what
    is no `DecodeError`: what it should have told may be missing. ``warn`` takes a key, by which it limits the
    rate, and a line. `close` ends everything.
    """

    client: ExecutionClient[Any]

    def __init__(
        self,
        exchange: str,
        environment: str,
        url: str | None,
        *,
        clock: Clock,
        seed: str,
        limiter: RateLimiter,
        rest: RestClient,
        trace: Trace,
        open_connection: Callable[[ConnectionSpec, LiveLink], Connection],
        trouble: Callable[[str], None],
        warn: Callable[[str, str], None],
    ) -> None:
        self.exchange = exchange
        self.environment = environment
        self.url = url
        self.clock = clock
        self.random = random.Random(seed)
        self.frames = 0
        self.undecoded_frames = 0
        self._limiter = limiter
        self._rest = rest
        self._trace = trace
        self._open_connection = open_connection
        self._trouble = trouble
        self._warn = warn
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: list[Turn] = []
        """What waits to be sent, and some of what has waited."""
        self._most_turns = _TURNS
        self._is_closed = False

    # -- connections -------------------------------------------------------------------------------

    def connect(self, spec: ConnectionSpec) -> None:
        if self._is_closed:
            return
        self.disconnect(spec.name)
        connection = self._connections[spec.name] = self._open_connection(spec, self)
        connection.start()

    def disconnect(self, conn: str) -> None:
        connection = self._connections.pop(conn, None)
        if connection is not None:
            self.spawn(connection.stop(), f"closing {self.exchange}")

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
        connection = self._connections.get(conn)
        if connection is None or connection.state is not ConnectionState.OPEN:
            raise OrderError(f"{self.exchange} is not connected")
        if self._limiter.try_take(costs, priority):
            if not connection.send(write(self.clock.now_ns()), priority):
                raise OrderError(f"the connection to {self.exchange} does not take it")
            return
        at_once: list[str] = []
        drop: list[Callable[[str], None]] = [at_once.append]
        turn = self._limiter.submit(
            costs,
            priority,
            lambda: self._send_late(conn, write, priority, drop[0]),
            dropped=lambda reason: drop[0](reason),
            deadline_ns=deadline_ns,
        )
        if at_once:
            raise OrderError(at_once[0])
        drop[0] = partial(self._tell_dropped, dropped or self.warn)
        if not turn.done:
            self._remember(turn)

    def _remember(self, turn: Turn) -> None:
        if len(self._turns) >= self._most_turns:
            self._turns = [each for each in self._turns if not each.done]
            self._most_turns = max(_TURNS, 2 * len(self._turns))
        self._turns.append(turn)

    def _send_late(
        self, conn: str, write: Callable[[int], bytes], priority: Priority, drop: Callable[[str], None]
    ) -> None:
        connection = self._connections.get(conn)
        try:
            if connection is None or not connection.send(write(self.clock.now_ns()), priority):
                drop(f"{self.exchange} was not connected when its turn came")
        except OrderError as error:
            drop(str(error))

    def _tell_dropped(self, dropped: Callable[[str], None], reason: str) -> None:
        # Its turn may have come, or its time be over, inside somebody's call that sends something else.
        self.clock.call_later(0, partial(self._tell, partial(dropped, reason)))

    # -- requests ----------------------------------------------------------------------------------

    def call(self, call: RestCall, done: Callable[[RestAnswer | TransportError], None]) -> None:
        self.spawn(self._call(call, done), f"{call.method} {call.shown}")

    async def fetch(self, call: RestCall) -> RestAnswer:
        if self._is_closed:
            raise TransportError(f"{call.method} {call.shown}: not sent: everything is closed", sent=False)
        return await self._rest.call(call)

    async def _call(self, call: RestCall, done: Callable[[RestAnswer | TransportError], None]) -> None:
        try:
            answer: RestAnswer | TransportError = await self._rest.call(call)
        except TransportError as error:
            answer = error
        done(answer)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        if self._is_closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_bug(f"{task.get_name()}: {type(error).__name__}", str(error))

    # -- limits ------------------------------------------------------------------------------------

    def observe(self, limit: str, used: int, sent_ns: int) -> None:
        self._limiter.observe(limit, used, sent_ns)

    def configure(self, limit: str, weight: int) -> None:
        self._limiter.configure(limit, weight)

    def refused(self, limit: str | None, wait_ns: int = 0) -> None:
        self._limiter.refused(limit, wait_ns=wait_ns)

    # -- what is said ------------------------------------------------------------------------------

    def undecoded(self, conn: str, data: bytes, reason: str) -> None:
        self.undecoded_frames += 1
        shown = redact_text(redact_frame(data, sent=True).decode(errors="replace"))[:_SHOWN_CHARACTERS]
        line = f"{self.exchange}: not understood: {redact_text(reason)}: {shown!r} ({len(data)} bytes)"
        self._warn(f"undecoded {self.exchange}", line)

    def warn(self, message: str) -> None:
        self._warn(f"{self.exchange} {message[:_KEY_CHARACTERS]}", f"{self.exchange}: {message}")

    # -- what the connections call -----------------------------------------------------------------

    def on_open(self, conn: str, recv_ns: int) -> None:
        """Tell the client that a connection is open."""
        self._tell(partial(self.client.on_open, conn, recv_ns))

    def on_frame(self, conn: str, data: bytes, recv_ns: int) -> None:
        """Give the client a frame; one that it does not understand is counted and does no harm."""
        self.frames += 1
        self._trace.begin(recv_ns)
        try:
            self.client.on_frame(conn, data, recv_ns)
        except DecodeError as error:
            self.undecoded(conn, data, str(error))
        except Exception as error:
            self.undecoded(conn, data, f"bug in the plugin: {type(error).__name__}: {error}")
            self._on_bug(f"on_frame: {type(error).__name__}", str(error))
        finally:
            self._trace.end()

    def on_close(self, conn: str, recv_ns: int) -> None:
        """Tell the client that a connection broke."""
        self._tell(partial(self.client.on_close, conn, recv_ns))

    def _tell(self, told: Callable[[], None]) -> None:
        try:
            told()
        except Exception as error:
            self._on_bug(type(error).__name__, str(error))

    def _on_bug(self, what: str, message: str) -> None:
        self._trouble(f"{self.exchange}: bug in the execution client: {redact_text(f'{what}: {message}')}")

    async def close(self) -> None:
        """Close every connection, drop every request under way and whatever waits, and begin nothing more."""
        # First: the client is told of every connection that closes, and would open it again.
        self._is_closed = True
        connections, self._connections = list(self._connections.values()), {}
        await asyncio.gather(*(connection.stop() for connection in connections))
        for turn in self._turns:
            turn.withdraw()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
