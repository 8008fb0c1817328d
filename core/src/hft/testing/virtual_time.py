"""An event loop whose time jumps to the next thing that is due, on a network that is all in memory.

Whole systems run in it as they are, servers and clients alike: a minute passes in the time that its work
takes, and passes in the same way each time. In a test::

    async def session() -> list[str]:
        clock = VirtualClock()
        world = World.synthetic(clock, ["BTC/USDT"], "binance", seed=7)
        async with serve(BinanceSimulator(BinanceSimulatorConfig(seed=7), world)) as port:
            ...
            await clock.sleep(60_000_000_000)

    def test_a_minute() -> None:
        run(session())

What asks the operating system for the time itself is not fooled: give everything the `VirtualClock`, for
instance in place of ``hft.run.live.SystemClock``.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from hft.clock import NS_PER_S, Clock, Timer
from hft.testing.memory_network import MemoryNetwork

__all__ = ["StuckError", "VirtualClock", "VirtualLoop", "run"]

T = TypeVar("T")

START_NS = 1_700_000_000 * NS_PER_S
"""When virtual time begins: 2023-11-14 22:13:20 UTC."""

LATENCY_NS = 1_000_000
"""How long bytes travel, each way."""

_HALF_NS = 5e-10
_THREAD_S = 0.01
"""How long, in real time, a thread is waited for before its result is looked for again."""


class StuckError(Exception):
    """Everything in a virtual loop waits for something that nothing will ever bring."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in virtual time; connections lead to servers of the same loop, through memory.

    Nothing else can be connected to: what is not served here refuses. While a thread works for the
    loop, virtual time stands still. TLS and subprocesses are not to be had.
    """

    def __init__(self, *, start_ns: int = START_NS, latency_ns: int = LATENCY_NS) -> None:
        super().__init__(_Selector(self))
        self.start_ns = start_ns
        self.elapsed_ns = 0
        """Virtual time since the loop began."""
        self.threads = 0
        """Calls under way in threads."""
        self.network = MemoryNetwork(self, latency_ns)
        self._targets: WeakKeyDictionary[socket.socket, tuple[Any, ...]] = WeakKeyDictionary()
        # Timers stand on whole nanoseconds; the base class makes those of the next one early.
        self._clock_resolution = _HALF_NS

    def time(self) -> float:
        """Return virtual seconds since the loop began."""
        return self.elapsed_ns / NS_PER_S

    def pass_time(self, seconds: float) -> None:
        """Let so much pass at once, at least a nanosecond."""
        self.elapsed_ns += max(1, math.ceil(seconds * NS_PER_S - _HALF_NS * NS_PER_S))

    # -- the network -----------------------------------------------------------------------------

    # What aiohttp and hft use of the signatures, of which there are many.
    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        **_: Any,
    ) -> asyncio.AbstractServer:
        """Listen in memory."""
        return self.network.listen(protocol_factory, host or "127.0.0.1", port or 0)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Remember where a socket wants to go; `create_connection` goes there instead of it."""
        self.network.listener(address[1])
        self._targets[sock] = address

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: Any = None,
        *,
        sock: socket.socket | None = None,
        ssl: Any = None,
        **_: Any,
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect in memory; raise `ConnectionRefusedError` where nobody listens."""
        if ssl:
            raise NotImplementedError("a virtual loop has no TLS, use http:// and ws://")
        if sock is not None:
            port = self._targets.pop(sock)[1]
            sock.close()
        return await self.network.connect(protocol_factory, port)

    # -- threads ---------------------------------------------------------------------------------

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """Call in a thread, and let no time pass until it returns."""
        future = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *arguments: Any) -> None:
        """End the threads."""
        self.threads += 1
        try:
            await super().shutdown_default_executor(*arguments)
        finally:
            self.threads -= 1

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.DefaultSelector):
    """Looks for events without waiting for them; where it should wait, time passes instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._loop.threads:
            return super().select(_THREAD_S)
        if timeout is None:
            raise StuckError("nothing is due and nothing is under way, so what is awaited never comes")
        self._loop.pass_time(timeout)
        return ready


class VirtualClock(Clock):
    """The time of the running `VirtualLoop` as all code asks for it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("a virtual clock shows the time of a virtual loop, start it with run()")
        self._loop = loop

    def now_ns(self) -> int:
        return self._loop.start_ns + self._loop.elapsed_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Timer:
        timer = _VirtualTimer(when_ns, callback)
        elapsed_ns = max(when_ns - self._loop.start_ns, self._loop.elapsed_ns)
        timer.handle = self._loop.call_at(elapsed_ns / NS_PER_S, timer.fire)
        return timer


class _VirtualTimer(Timer):
    __slots__ = ("handle",)

    handle: asyncio.TimerHandle

    def cancel(self) -> None:
        super().cancel()
        self.handle.cancel()


def run(
    main: Coroutine[Any, Any, T],
    *,
    start_ns: int = START_NS,
    latency_ns: int = LATENCY_NS,
    debug: bool = False,
) -> T:
    """Run a coroutine in virtual time and return its result, as `asyncio.run` does in real time."""

    def make() -> VirtualLoop:
        return VirtualLoop(start_ns=start_ns, latency_ns=latency_ns)

    with asyncio.Runner(loop_factory=make, debug=debug) as runner:
        return runner.run(main)
