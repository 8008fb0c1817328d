"""The whole system against a simulated Binance whose public side misbehaves.

Whatever goes wrong with one book: it is out of LIVE before anything is quoted on it, it comes back by
itself and is right, and no other instrument notices.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hft import ApprovedOrder, BookState, Duration, Order, Price, Side, Size, SystemClock
from hft.paper import Arrival, FillModel, PaperExecution
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.live import run_live
from hft.run.summary import Summary
from hft.sim import Fault, FaultKind, SyntheticMarket, World, serve
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig

S = 1_000_000_000
MS = 1_000_000
CONTROL = "LTC/USDT"
DEPTH = 10

PROBE = '''
"""Quote at the best prices, and on a timer whatever the book says; write down what was seen."""
import json
from pathlib import Path

import attrs

from hft import BookState, Size, Strategy, option


@attrs.frozen(kw_only=True)
class Config:
    output: str = option(doc="file for what was seen")


class Probe(Strategy[Config]):
    def on_start(self):
        self.states = {market.instrument.symbol: [] for market in self.trading.markets}
        self.trading.every(10_000_000, self.look)

    def on_book(self, book):
        if book.state is not BookState.LIVE:
            raise AssertionError(f"told of a book that is {book.state}")
        self.quote(book)

    def look(self):
        for market in self.trading.markets:
            seen = self.states[market.instrument.symbol]
            state = market.book.state.value
            if not seen or seen[-1] != state:
                seen.append(state)
            self.quote(market.book)

    def quote(self, book):
        if book.best_bid and book.best_ask:
            size = Size(book.instrument.min_size * 100)
            self.trading.quote(book.instrument, [(book.best_bid - 5, size)], [(book.best_ask + 5, size)])

    def on_stop(self):
        seen = {
            market.instrument.symbol: {
                "states": self.states[market.instrument.symbol],
                "gaps": market.counters.gaps,
                "resyncs": market.counters.resyncs,
                "bids": market.book.bids(DEPTH),
                "asks": market.book.asks(DEPTH),
            }
            for market in self.trading.markets
        }
        Path(self.config.output).write_text(json.dumps(seen))
'''.replace("DEPTH", str(DEPTH))

PROFILE = """
name: faults
mode: dry-run
exchanges:
  binance:
    use: binance
    url: http://127.0.0.1:{port}
    max_book_age: {max_book_age}
    paper: {{order_latency: 1ms, response_latency: 1ms}}
strategies:
  probe:
    use: ./probe.py
    instruments: [{instruments}]
    output: {output}
"""


class Run:
    """What came of a run: its summary, what the strategy saw, and the books as they really are."""

    def __init__(self, summary: Summary, seen: dict[str, Any], world: World) -> None:
        self.summary = summary
        self.seen = seen
        self.world = world

    def assert_recovered(self, symbol: str) -> None:
        states = self.seen[symbol]["states"]
        assert states[-1] == "LIVE", states
        assert len([state for state in states if state == "LIVE"]) >= 2, f"{symbol} never left LIVE: {states}"
        assert self.seen[symbol]["resyncs"] >= 1
        self.assert_right(symbol)

    def assert_untouched(self, symbol: str) -> None:
        states = self.seen[symbol]["states"]
        assert states.count("LIVE") == 1, states
        assert states[-1] == "LIVE"
        assert self.seen[symbol]["resyncs"] == 0
        self.assert_right(symbol)

    def assert_right(self, symbol: str) -> None:
        market = self.world.markets[symbol]
        assert isinstance(market, SyntheticMarket)
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            really = [list(level) for level in market.engine.levels(side, DEPTH)]
            assert self.seen[symbol][name] == really, f"{name} of {symbol}"


@pytest.fixture
def quoted_states(monkeypatch: pytest.MonkeyPatch) -> set[BookState]:
    """Collect the states of the books on which anything was sent."""
    states: set[BookState] = set()
    place, amend = PaperExecution.place, PaperExecution.amend

    def watch(self: PaperExecution, order: Order) -> None:
        states.add(self.exchange.listings[order.instrument].model.book.state)

    def watched_place(self: PaperExecution, order: ApprovedOrder) -> None:
        watch(self, order)
        place(self, order)

    def watched_amend(self: PaperExecution, order: ApprovedOrder, price: Price, size: Size) -> None:
        watch(self, order)
        amend(self, order, price, size)

    monkeypatch.setattr(PaperExecution, "place", watched_place)
    monkeypatch.setattr(PaperExecution, "amend", watched_amend)
    return states


async def run(
    tmp_path: Path,
    symbols: list[str],
    misbehave: Callable[[BinanceSimulator], Awaitable[None]],
    *,
    duration_s: float,
    max_book_age: str = "10s",
    clean: bool = True,
) -> Run:
    clock = SystemClock()
    config = BinanceSimulatorConfig(symbols=tuple(symbols), seed=3, rate=2.0)
    world = World.synthetic(clock, config.symbols, "binance", seed=config.seed, rate=config.rate)
    simulator = BinanceSimulator(config, world)
    output = tmp_path / "seen.json"
    (tmp_path / "probe.py").write_text(PROBE)
    warnings: list[str] = []

    async def script() -> None:
        await misbehave(simulator)
        # The last word of the markets must have arrived when the books are compared.
        await asyncio.sleep(0)
        world.stop()

    async with serve(simulator) as port:
        path = tmp_path / "faults.yaml"
        instruments = ", ".join(f"{symbol}@binance" for symbol in symbols)
        path.write_text(
            PROFILE.format(port=port, instruments=instruments, output=output, max_book_age=max_book_age)
        )
        scripted = asyncio.create_task(script())
        summary = await run_live(
            read_profile(path, Registry()),
            duration_ns=int(duration_s * S),
            console=None,
            write=warnings.append,
            warn=lambda _, line: warnings.append(line),
        )
        await scripted
    assert summary.orders_sent > 0
    if clean:
        assert summary.faults == ()
        assert summary.open_orders_left == 0
    return Run(summary, json.loads(output.read_text()), world)


async def test_a_damaged_sequence_concerns_its_own_instrument_alone(
    tmp_path: Path, quoted_states: set[BookState]
) -> None:
    damaged = {
        "BTC/USDT": FaultKind.DROP,
        "ETH/USDT": FaultKind.REORDER,
        "SOL/USDT": FaultKind.TRUNCATE,
        "BTC/USDT:USDT": FaultKind.DROP,
        "ETH/USDT:USDT": FaultKind.REORDER,
    }
    harmless = {"XRP/USDT": FaultKind.DUPLICATE, CONTROL: None}

    async def misbehave(simulator: BinanceSimulator) -> None:
        await asyncio.sleep(1.5)
        for symbol, kind in (damaged | harmless).items():
            if kind is not None:
                listing = simulator.world.markets[symbol].instrument
                topic = _depth_topic(simulator, listing.symbol)
                simulator.faults.inject(Fault(kind=kind, where=topic))
        await asyncio.sleep(2.5)
        assert simulator.faults.is_idle

    result = await run(tmp_path, [*damaged, *harmless], misbehave, duration_s=5)
    for symbol in damaged:
        result.assert_recovered(symbol)
    for symbol in harmless:
        result.assert_untouched(symbol)
    assert result.seen["BTC/USDT"]["gaps"] == 1
    assert result.seen["BTC/USDT:USDT"]["gaps"] == 1
    assert result.summary.undecoded == 1
    assert quoted_states == {BookState.LIVE}


async def test_a_disconnection_in_the_middle_of_synchronising(
    tmp_path: Path, quoted_states: set[BookState]
) -> None:
    async def misbehave(simulator: BinanceSimulator) -> None:
        await asyncio.sleep(1.5)
        btc = _depth_topic(simulator, "BTC/USDT")
        # The snapshot that the gap asks for fails, and the connection breaks before the next is asked for.
        simulator.faults.inject(Fault(kind=FaultKind.REFUSE, where="request/GET /api/v3/depth"))
        simulator.faults.inject(Fault(kind=FaultKind.DROP, where=btc))
        simulator.faults.inject(Fault(kind=FaultKind.DISCONNECT, where=btc, after=2))
        await asyncio.sleep(3)
        assert simulator.faults.is_idle

    result = await run(tmp_path, ["BTC/USDT", "BTC/USDT:USDT"], misbehave, duration_s=5.5)
    result.assert_recovered("BTC/USDT")
    result.assert_untouched("BTC/USDT:USDT")  # another connection
    assert quoted_states == {BookState.LIVE}


async def test_a_silent_stream_makes_its_book_stale(tmp_path: Path, quoted_states: set[BookState]) -> None:
    async def misbehave(simulator: BinanceSimulator) -> None:
        await asyncio.sleep(1.5)
        btc = _depth_topic(simulator, "BTC/USDT")
        simulator.faults.inject(Fault(kind=FaultKind.DELAY, where=btc, count=20, delay=Duration(900 * MS)))
        await asyncio.sleep(2.5)

    result = await run(tmp_path, ["BTC/USDT", CONTROL], misbehave, duration_s=4.5, max_book_age="500ms")
    assert "STALE" in result.seen["BTC/USDT"]["states"]
    assert quoted_states == {BookState.LIVE}
    assert result.seen[CONTROL]["resyncs"] == 0


async def test_a_connection_that_stays_open_and_says_nothing_is_replaced(
    tmp_path: Path, quoted_states: set[BookState]
) -> None:
    async def misbehave(simulator: BinanceSimulator) -> None:
        await asyncio.sleep(1.5)
        btc = _depth_topic(simulator, "BTC/USDT")
        simulator.faults.inject(Fault(kind=FaultKind.SILENCE, where=btc))
        await asyncio.sleep(3.7)

    symbols = ["BTC/USDT", "BTC/USDT:USDT"]
    result = await run(tmp_path, symbols, misbehave, duration_s=5.5, max_book_age="500ms")
    assert "STALE" in result.seen["BTC/USDT"]["states"]
    result.assert_recovered("BTC/USDT")
    result.assert_untouched("BTC/USDT:USDT")  # another connection
    assert quoted_states == {BookState.LIVE}


async def test_a_bug_in_a_timers_call_halts_trading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop logs what a timer's call raises and goes on, on whatever it left half done."""

    class Broken(FillModel):
        def place(self, *arguments: object, **options: object) -> Arrival:
            raise ZeroDivisionError("half way")

    monkeypatch.setattr("hft.paper.execution.new_fill_model", Broken)

    async def misbehave(simulator: BinanceSimulator) -> None:
        await asyncio.sleep(0)

    result = await run(tmp_path, ["BTC/USDT"], misbehave, duration_s=20, clean=False)
    assert result.summary.halted == "bug: ZeroDivisionError: half way"
    assert result.summary.duration_s < 10


def _depth_topic(simulator: BinanceSimulator, symbol: str) -> str:
    native = simulator.world.markets[symbol].instrument.native_symbol.lower()
    return f"{'public' if ':' in symbol else 'spot'}/{native}@depth*"
