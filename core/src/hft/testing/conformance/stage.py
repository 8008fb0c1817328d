"""The stage on which cards are played: simulator, kernel parts and plugin in virtual time, watched."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from loguru import logger

from hft.capture import CaptureRecord, Tap
from hft.capture.record import Direction
from hft.clock import NS_PER_S
from hft.latency import Trace
from hft.market import Channel, Market
from hft.plugin.execution import ExecutionClient, ExecutionEvents
from hft.plugin.simulator import Account, Simulator
from hft.run.exchange import ExchangeSession
from hft.sim import Fault, FaultKind, SyntheticMarket, World, serve
from hft.testing.conformance.books import BookWatch
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.conformance.passages import Passages
from hft.testing.virtual_time import VirtualClock, VirtualLoop, run
from hft.testing.watch import collected_errors, watch_connections

__all__ = ["Stage", "play", "stage"]

LONG_NS = 60 * NS_PER_S
"""How long something may take in virtual time that is to happen."""

_LOOK_NS = 2_000_000

_IDLE_NS = 60 * NS_PER_S
"""After so long everything has let go of what it left for later."""

_SEED = 7


class NotedTap(Tap):
    """Keeps what a capture would have."""

    __slots__ = ("records",)

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock)
        self.records: list[CaptureRecord] = []

    def record(
        self,
        t: int,
        conn: str,
        dir: Direction,
        data: bytes = b"",
        req: bytes | None = None,
        call: tuple[str, int] | None = None,
    ) -> None:
        self.records.append(CaptureRecord.of(t, conn, dir, data, req, call=call))


@attrs.define(eq=False)
class Stage:
    """A served simulator, and what was said and seen.

    ``lines`` are all warnings and log lines, ``troubles`` what the kernel takes for bugs in the plugin.
    """

    exchange: ExchangeUnderTest
    clock: VirtualClock
    world: World
    simulator: Simulator[Any]
    port: int
    connections: list[asyncio.Transport]
    lines: list[str] = attrs.Factory(list)
    troubles: list[str] = attrs.Factory(list)
    passages: Passages = attrs.field(init=False)
    tap: NotedTap = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tap = NotedTap(self.clock)
        self.passages = Passages(self.world.faults, self.clock)

    @property
    def url(self) -> str:
        """Where the simulator is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def account(self) -> Account | None:
        """The first account of the simulator."""
        return next(iter(self.simulator.accounts()), None)

    def market(self, symbol: str) -> SyntheticMarket:
        """Return a market as it really is."""
        market = self.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        return market

    def inject(self, fault: Fault) -> None:
        """Let something go wrong."""
        self.world.faults.inject(fault)

    def cut(self) -> None:
        """Cut every connection without a goodbye."""
        for connection in self.connections:
            connection.abort()

    def shut(self) -> None:
        """Let nobody in any more, and cut every connection."""
        for where in ("request/*", "connect/*"):
            self.inject(Fault(kind=FaultKind.REFUSE, where=where, count=0))
        self.cut()

    def reopen(self) -> None:
        """Let nothing go wrong any more."""
        self.world.faults.clear()

    @asynccontextmanager
    async def session(self, account: Account | None = None, **config: Any) -> AsyncIterator[ExchangeSession]:
        """Give a session of the exchange as the kernel has it, with its stream made."""
        session = ExchangeSession(
            self.exchange.entry(self.url, account, **config),
            base=Path(),
            seed=_SEED,
            clock=self.clock,
            trace=Trace(self.clock.now_ns),
            tap=self.tap,
            budgets={},
            warn=lambda _, line: self.lines.append(line),
        )
        try:
            await session.open()
            yield session
        finally:
            await session.close()

    async def markets(self, session: ExchangeSession) -> list[Market]:
        """Ask for the instruments and return a market for each symbol of the world."""
        wanted = [market.instrument.id for market in self.world.markets.values()]
        return [Market(instrument) for instrument in await session.load_instruments(wanted)]

    def trade(self, session: ExchangeSession, events: ExecutionEvents) -> ExecutionClient[Any]:
        """Make the client."""
        return session.trade(events, self.troubles.append)

    @asynccontextmanager
    async def books(self, *channels: Channel) -> AsyncIterator[list[BookWatch]]:
        """Give the books of all symbols, followed from their first moment, none of them LIVE yet."""
        async with self.session() as session:
            watches = []
            for market in await self.markets(session):
                watch = BookWatch(market, self.market(market.instrument.symbol))
                for channel in channels:
                    watch.listen(channel)
                watches.append(watch)
            session.subscribe([watch.market for watch in watches])
            yield watches

    async def until(self, condition: Callable[[], object], what: str, within_ns: int = LONG_NS) -> None:
        """Wait until something is so; fail where it does not become so."""
        until_ns = self.clock.now_ns() + within_ns
        while not condition():
            assert self.clock.now_ns() < until_ns, (
                f"{what}: not within {within_ns / NS_PER_S:g} s; {self.said}"
            )
            await self.clock.sleep(_LOOK_NS)

    async def rest(self, seconds: float = 2) -> None:
        """Bring the markets to rest, and let arrive what is under way."""
        self.world.stop()
        await self.sleep(seconds)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.sleep(int(seconds * NS_PER_S))

    @property
    def said(self) -> str:
        """What was said last, for messages."""
        return f"said: {self.lines[-5:]}"


@asynccontextmanager
async def stage(
    exchange: ExchangeUnderTest, *, symbols: int = 0, rate: float = 1.0, **simulator: Any
) -> AsyncIterator[Stage]:
    """Serve the plugin's simulator in the running virtual loop, and check that nothing is left behind.

    ``symbols`` is how many of the exchange's there are, all by default.
    """
    clock = VirtualClock()
    before = asyncio.all_tasks()
    world = exchange.make_world(clock, exchange.symbols[: symbols or None], seed=_SEED, rate=rate)
    connections = watch_connections()
    made = exchange.make_simulator(world, **simulator)
    async with serve(made) as port:
        playing = Stage(exchange, clock, world, made, port, connections)
        with _logged(playing.lines):
            yield playing
        left = [f"connection left open: {each}" for each in connections if not each.is_closing()]
    left += [f"task left behind: {each}" for each in asyncio.all_tasks() - before if not each.done()]
    await clock.sleep(_IDLE_NS)
    loop: Any = asyncio.get_running_loop()
    left += [f"timer left behind: {each}" for each in loop._scheduled if not each.cancelled()]
    assert not left, left
    assert not playing.troubles, playing.troubles
    bugs = [line for line in playing.lines if "bug" in line]
    assert not bugs, bugs


@contextlib.contextmanager
def _logged(lines: list[str]) -> Iterator[None]:
    """Collect what is logged, by loguru or by the standard library."""
    handler = _Lines(lines)
    sink = logger.add(lines.append, level="TRACE", format="{message}{exception}")
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        logger.remove(sink)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def play(script: Callable[[], Awaitable[None]]) -> None:
    """Run a card's script in virtual time; the same card takes the same course every time."""

    async def main() -> None:
        random.seed(_SEED)
        assert isinstance(asyncio.get_running_loop(), VirtualLoop)
        await script()

    with collected_errors() as errors:
        run(main())
    assert not errors, errors
