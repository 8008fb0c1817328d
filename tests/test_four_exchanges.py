"""One profile quotes on all four simulated exchanges, and one misbehaves: the others do not notice."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs
import pytest

from hft import (
    ApprovedOrder,
    BookState,
    ExecutionClient,
    Instrument,
    OrderReport,
    OrderState,
    Price,
    ReportKind,
    Size,
)
from hft.clock import NS_PER_S
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.accounts import Accounts
from hft.run.kernel import Kernel
from hft.run.link import LiveLink
from hft.run.live import run_live
from hft.run.summary import Summary
from hft.sim import Fault, FaultKind, World, serve
from hft.sim.fault import Place
from hft.testing.conformance.books import BookWatch
from hft.testing.conformance.exchange import ExchangeUnderTest
from hft.testing.truth import Truth, compare_ledger
from hft.testing.virtual_time import VirtualClock, run

PATIENCE_NS = 90 * NS_PER_S
LOOK_NS = 20_000_000


@attrs.frozen
class Venue:
    """What is traded on one exchange, and what the faults are aimed at."""

    symbol: str
    book: str
    """The topic of its book."""
    user: str
    """The topics of the account."""
    size: str = "0.002"
    limit: str = "0.2"


VENUES = {
    "binance": Venue("BTC/USDT:USDT", "public/btcusdt@depth*", "user/*"),
    "okx": Venue("BTC/USDT:USDT", "books/*", "user/*", "0.2", "20"),
    "bybit": Venue("BTC/USDT:USDT", "linear/orderbook*", "user/*"),
    "hyperliquid": Venue("BTC/USDC:USDC", "l2Book/*", "orderUpdates/*"),
}

FAULTS: dict[str, Callable[[Venue], Fault]] = {
    "gap": lambda at: Fault(kind=FaultKind.GAP, where=at.book),
    "disconnection": lambda at: Fault(kind=FaultKind.DISCONNECT, where=at.book),
    "disconnection of the account": lambda at: Fault(kind=FaultKind.DISCONNECT, where=at.user),
    "dropped replies": lambda at: Fault(kind=FaultKind.DROP, where="reply/*", count=3),
    "dropped events": lambda at: Fault(kind=FaultKind.DROP, where=at.user, count=3),
    "silence": lambda at: Fault(kind=FaultKind.SILENCE, where=at.book),
}
PACE_NS = 3 * NS_PER_S
"""So long after one fault comes the next."""

HEAD = """
name: four
mode: live
live: true
exchanges:
"""
EXCHANGE = """\
  {name}:
    use: {name}
    url: http://127.0.0.1:{port}
    environment: mainnet
    key: ${{{NAME}_KEY}}
    secret: ${{{NAME}_SECRET}}
    max_book_age: 3s
    account: {{interval: 5s}}
"""
MAKER = """\
  {name}: {{use: market_making, instruments: ["{instrument}"], target_spread: "4", order_size: "{size}",
    max_position: "{limit}", refresh: 1500ms, tolerance: "4"}}
"""


class Sends:
    """Looks at each order as its bytes are written: was the book that it is quoted on LIVE?"""

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self.states: dict[str, Counter[BookState]] = defaultdict(Counter)
        self._sending: Instrument | None = None

    @contextmanager
    def watching(self, clients: list[type[ExecutionClient[Any]]]) -> Iterator[None]:
        send, call = LiveLink.send, LiveLink.call

        def watched_send(
            link: LiveLink, conn: str, costs: Any, priority: Any, write: Any, **more: Any
        ) -> None:
            send(link, conn, costs, priority, self._looking(write), **more)

        def watched_call(link: LiveLink, asked: Any, done: Any) -> None:
            call(link, attrs.evolve(asked, write=self._looking(asked.write)), done)

        with ExitStack() as stack:
            stack.enter_context(patch.object(LiveLink, "send", watched_send))
            stack.enter_context(patch.object(LiveLink, "call", watched_call))
            for client in clients:
                stack.enter_context(patch.object(client, "place", self._placing(client.place)))
                stack.enter_context(patch.object(client, "amend", self._amending(client.amend)))
                stack.enter_context(patch.object(client, "place_batch", self._batch(client.place_batch)))
            yield

    def _looking(self, write: Callable[[int], Any]) -> Callable[[int], Any]:
        if (instrument := self._sending) is None:
            return write

        def look(now_ns: int) -> Any:
            written = write(now_ns)  # it may be refused here, for the book
            assert self.kernel is not None
            self.states[instrument.exchange][self.kernel.markets[instrument.id].book.state] += 1
            return written

        return look

    def _while(self, instrument: Instrument, act: Callable[[], None]) -> None:
        before, self._sending = self._sending, instrument
        try:
            act()
        finally:
            self._sending = before

    def _placing(self, place: Any) -> Any:
        def watched(client: Any, order: ApprovedOrder) -> None:
            self._while(order.instrument, lambda: place(client, order))

        return watched

    def _amending(self, amend: Any) -> Any:
        def watched(client: Any, order: ApprovedOrder, price: Price, size: Size) -> None:
            self._while(order.instrument, lambda: amend(client, order, price, size))

        return watched

    def _batch(self, place_batch: Any) -> Any:
        def watched(client: Any, orders: Any) -> None:
            self._while(orders[0].instrument, lambda: place_batch(client, orders))

        return watched


class Session:
    """Four simulators and a trader in virtual time; ``struck`` is the exchange that misbehaves."""

    def __init__(self, folder: Path, struck: str, environment: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.struck = struck
        self.environment = environment
        self.sends = Sends()
        self.kernel: Kernel | None = None
        self.books: dict[str, BookWatch] = {}
        self.unknown: Counter[str] = Counter()
        self.connects: Counter[str] = Counter()
        """Handshakes since the first fault."""
        self.lines: list[str] = []
        self.during: dict[str, tuple[int, int]] = {}
        """Orders sent and fills of each exchange while the faults lasted."""
        self.lost: dict[str, tuple[int, int, int]] = {}
        """How often each book left LIVE, had a gap and was asked for again, until the run was ended."""

    def make_kernel(self, *arguments: Any, **options: Any) -> Kernel:
        self.kernel = self.sends.kernel = Kernel(*arguments, **options)
        return self.kernel

    @contextmanager
    def watching(self) -> Iterator[None]:
        on_report = Accounts.on_report

        def watched(accounts: Accounts, report: OrderReport) -> None:
            assert self.kernel is not None
            record = self.kernel.manager.store.find(report.client_order_id)
            if report.kind is ReportKind.UNKNOWN and record is not None:
                self.unknown[record.order.instrument.exchange] += 1
            on_report(accounts, report)

        with patch("hft.run.live.Kernel", self.make_kernel), patch.object(Accounts, "on_report", watched):
            yield

    async def run(self) -> None:
        self.clock = clock = VirtualClock()
        self.worlds: dict[str, World] = {}
        self.simulators: dict[str, Any] = {}
        text = HEAD
        async with AsyncExitStack() as stack:
            for name, venue in VENUES.items():
                exchange = ExchangeUnderTest(plugin=name, symbols=(venue.symbol,) * 2)
                world = self.worlds[name] = exchange.make_world(clock, [venue.symbol], seed=7, rate=0.5)
                simulator = self.simulators[name] = exchange.make_simulator(world)
                port = await stack.enter_async_context(serve(simulator))
                text += EXCHANGE.format(name=name, NAME=name.upper(), port=port)
                account = simulator.accounts()[0]
                for what in ("key", "secret", "passphrase"):
                    self.environment.setenv(f"{name.upper()}_{what.upper()}", getattr(account, what))
                if account.passphrase:
                    text += f"    passphrase: ${{{name.upper()}_PASSPHRASE}}\n"
            text += "strategies:\n"
            for name, venue in VENUES.items():
                text += MAKER.format(
                    name=name, instrument=f"{venue.symbol}@{name}", size=venue.size, limit=venue.limit
                )
            path = self.folder / "four.yaml"
            path.write_text(text)
            profile = read_profile(path, Registry())
            clients = [each.plugin.execution() for each in profile.exchanges.values()]
            with self.sends.watching([each for each in clients if each is not None]), self.watching():
                clock.call_later(0, self._begin)
                summary = await run_live(
                    profile,
                    duration_ns=600 * NS_PER_S,
                    console=None,
                    write=self.lines.append,
                    warn=lambda _, line: self.lines.append(line),
                    clock=clock,
                )
            await self.script
            for world in self.worlds.values():
                world.stop()
            self.check(summary)

    def _begin(self) -> None:
        self.script = asyncio.create_task(self._misbehave())

    # -- what happens ------------------------------------------------------------------------------

    async def _misbehave(self) -> None:
        """Let the faults strike one after the other, wait until all is well, and end the run."""
        await self._until(lambda: self.kernel is not None and len(self.kernel.markets) == len(VENUES))
        assert self.kernel is not None
        for market in self.kernel.markets.values():
            name, symbol = market.instrument.exchange, market.instrument.symbol
            truth: Any = self.worlds[name].markets[symbol]
            self.books[name] = BookWatch(market, truth)
        try:
            await self._until(lambda: all(self._is_well(name) for name in VENUES))
            for name, simulator in self.simulators.items():
                simulator.faults.observer = lambda place, _, name=name: self._note(name, place)
            before = {name: self._done(name) for name in VENUES}
            faults = self.simulators[self.struck].faults
            for make in FAULTS.values():
                faults.inject(make(VENUES[self.struck]))
                await self.clock.sleep(PACE_NS)
            await self._until(lambda: not faults.armed)
            after = {name: self._done(name) for name in VENUES}
            self.during = {
                name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in VENUES
            }
            await self._until(lambda: self._is_well(self.struck))
            # Whatever was missed is known when the account was compared.
            await self.clock.sleep(10 * NS_PER_S)
            await self._until(lambda: self._is_well(self.struck))
            for name, book in self.books.items():
                counters = book.market.counters
                self.lost[name] = (book.times_lost, counters.gaps, counters.resyncs)
        finally:
            self.kernel.on_halt()

    def _note(self, name: str, place: Place) -> None:
        self.connects[name] += place is Place.CONNECT

    def _is_well(self, name: str) -> bool:
        """Whether the book is LIVE, no order unknown, and both sides are quoted."""
        assert self.kernel is not None
        market = self.books[name].market
        orders = self.kernel.manager.open_orders(market.instrument)
        if market.book.state is not BookState.LIVE or any(o.state is OrderState.UNKNOWN for o in orders):
            return False
        standing = (OrderState.NEW, OrderState.PARTIALLY_FILLED)
        return len({order.side for order in orders if order.state in standing}) == 2

    def _done(self, name: str) -> tuple[int, int]:
        """Return how many orders an exchange was sent, and how many fills were booked."""
        truth = self.truth(name)
        return self.sends.states[name].total(), len(truth.fills(self.books[name].market.instrument))

    async def _until(self, is_so: Callable[[], bool]) -> None:
        until_ns = self.clock.now_ns() + PATIENCE_NS
        while not is_so():
            assert self.clock.now_ns() < until_ns, f"it does not come to that; {self.lines[-10:]}"
            await self.clock.sleep(LOOK_NS)

    def truth(self, name: str) -> Truth:
        told = self.simulators[name].private.truth.tell()["accounts"]
        return Truth(told["account1"])

    # -- what must be so ---------------------------------------------------------------------------

    def check(self, summary: Summary) -> None:
        assert self.kernel is not None
        assert (summary.halted, summary.faults, summary.open_orders_left) == (None, (), 0), self.lines
        for name, book in self.books.items():
            instrument = book.market.instrument
            assert set(self.sends.states[name]) == {BookState.LIVE}, f"{name}: {self.sends.states[name]}"
            book.check()
            truth = self.truth(name)
            assert compare_ledger(truth, self.kernel.ledger, [instrument]) == []
            left = [o for o in truth.orders() if o["state"] in ("new", "partially-filled", "pending-new")]
            assert left == []
            assert truth.fills(instrument), f"nothing traded on {name}"
        assert self.lost[self.struck][0] >= 2, f"the faults did nothing to {self.books[self.struck].states}"
        assert self.connects[self.struck] >= 2
        for name in VENUES.keys() - {self.struck}:
            assert self.lost[name] == (0, 0, 0), f"{name}: {self.books[name].states}"
            assert (self.connects[name], self.unknown[name]) == (0, 0), name
            orders, fills = self.during[name]
            assert orders >= 5, f"{name} was sent {orders} orders while {self.struck} misbehaved"
            assert fills >= 1, f"nothing traded on {name} while {self.struck} misbehaved"


@pytest.mark.parametrize("struck", VENUES)
def test_what_goes_wrong_on_one_exchange_disturbs_no_other(
    struck: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path, struck, monkeypatch)
    run(session.run())
