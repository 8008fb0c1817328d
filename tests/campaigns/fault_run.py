"""One run of the fault matrix: a live session against the simulated Binance, in virtual time."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import attrs

from hft.clock import NS_PER_S
from hft.journal import JournalReader
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.kernel import Kernel
from hft.run.live import run_live
from hft.run.summary import Summary
from hft.sim import EventOrder, World, serve
from hft.sim import Truth as SimulatorTruth
from hft.testing.truth import Truth, compare_ledger
from hft.testing.virtual_time import VirtualClock, VirtualLoop, run
from hft.testing.watch import collected_errors, watch_connections
from hft_binance.simulator import BinanceSimulator, BinanceSimulatorConfig
from tests.campaigns.fault_cases import Plan
from tests.campaigns.fault_checks import compare_balances, compare_funding, compare_histories
from tests.campaigns.fault_watch import (
    CompareWatch,
    ExposureWatch,
    FaultWatch,
    Recovery,
    SendWatch,
)

__all__ = ["Outcome", "run_plan"]

_ROWDY = Path(__file__).with_name("rowdy.py")

_WARM_NS = 4 * NS_PER_S
"""How long a run trades before the first fault, unless faults are there before it begins."""

_STORM_NS = 10 * NS_PER_S
"""How long faults may strike."""

_SETTLE_NS = 4 * NS_PER_S
"""How long a run goes on after it has recovered."""

_PATIENCE_NS = 60 * NS_PER_S
_PATIENCE_BANNED_NS = 400 * NS_PER_S
"""How long the way back may take; a ban that the exchange gives no length grows from two minutes on."""

_LOOK_NS = 20_000_000

_STOPS = 0.15
"""How often the trader is stopped in the middle of the storm, and another takes its place."""

_MAX_OPEN = 40

_MAKER = {
    "BTC/USDT": ("4", "0.001", "0.2"),
    "ETH/USDT": ("0.2", "0.02", "4"),
    "BTC/USDT:USDT": ("4", "0.002", "0.2"),
    "ETH/USDT:USDT": ("0.2", "0.03", "4"),
}
"""What the market maker quotes: spread, size and position."""

_LIMITS = {
    "BTC/USDT": ("0.008", "0.5"),
    "ETH/USDT": ("0.2", "6"),
    "BTC/USDT:USDT": ("0.02", "0.5"),
    "ETH/USDT:USDT": ("0.3", "6"),
}
"""Positions allowed: where the rowdy one trades, which runs into it, and where the maker does."""


@attrs.define
class Outcome:
    """What came of one run."""

    seed: int
    name: str
    faults: list[str] = attrs.Factory(list)
    hits: int = 0
    recovery_s: float | None = None
    orders: int = 0
    fills: int = 0
    sent: int = 0
    virtual_s: float = 0.0
    wrong: list[str] = attrs.Factory(list)
    notes: list[str] = attrs.Factory(list)


def run_plan(seed: int, plan: Plan) -> Outcome:
    """Let one session meet the faults of a plan; the same seed does the same."""
    outcome = Outcome(seed, plan.name, [_shown(fault) for fault in plan.faults])
    folder = Path(tempfile.mkdtemp(prefix="hft-faults-"))
    try:
        with ExitStack() as stack:
            errors = stack.enter_context(collected_errors())
            session = _Session(seed, plan, folder, outcome)
            stack.enter_context(session.sends.watching())
            stack.enter_context(patch("hft.run.live.SystemClock", VirtualClock))
            stack.enter_context(patch("hft.run.live.Kernel", session.make_kernel))
            try:
                run(session.run())
            except Exception as error:
                outcome.wrong.append(f"raised {type(error).__name__}: {error}")
            outcome.wrong += [f"error: {line}" for line in errors]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _shown(fault: Any) -> str:
    changed = attrs.asdict(fault, filter=lambda field, value: value != field.default)
    return " ".join(f"{name}={getattr(value, 'value', value)}" for name, value in changed.items())


class _Session:
    def __init__(self, seed: int, plan: Plan, folder: Path, outcome: Outcome) -> None:
        self.seed = seed
        self.plan = plan
        self.folder = folder
        self.outcome = outcome
        self.sends = SendWatch()
        self.kernel: Kernel | None = None
        self.rng = random.Random(f"{seed}:session")
        symbols = ["BTC/USDT", "BTC/USDT:USDT", self.rng.choice(("ETH/USDT", "ETH/USDT:USDT"))]
        if plan.needs_both:
            symbols.reverse()
        else:
            self.rng.shuffle(symbols)
        self.maker, self.rowdy = symbols[:1], symbols[1:]
        self.symbols = symbols
        self.limits = {each: _LIMITS[each][each in self.maker] for each in symbols}
        self.warnings: list[str] = []
        self.stops_early = not plan.is_early and self.rng.random() < _STOPS

    def make_kernel(self, *arguments: Any, **options: Any) -> Kernel:
        """Make the kernel of the run, and remember it."""
        self.kernel = self.sends.kernel = Kernel(*arguments, **options)
        return self.kernel

    async def run(self) -> None:
        """Run, and check everything."""
        rng, plan = self.rng, self.plan
        clock = VirtualClock()
        self.compares = CompareWatch(clock)
        config = BinanceSimulatorConfig(
            symbols=tuple(self.symbols),
            seed=self.seed,
            rate=rng.choice((0.15, 0.3)),
            accounts=1,
            events=rng.choice(tuple(EventOrder)),
            jitter=rng.choice((0, 0, 3_000_000)),
            limits=rng.choice((2.0, 5.0, 5.0)),
        )
        world = World.synthetic(clock, self.symbols, "binance", seed=self.seed, rate=config.rate)
        simulator = BinanceSimulator(config, world)
        private = simulator.private
        assert private is not None
        lots = {symbol: world.markets[symbol].instrument.size(limit) for symbol, limit in self.limits.items()}
        exposure = ExposureWatch("account1", lots, _MAX_OPEN)
        private.spot.listeners.append(exposure)
        private.usdm.listeners.append(exposure)
        watch = FaultWatch(simulator.faults)
        before = asyncio.all_tasks()
        connections = watch_connections()
        async with serve(simulator) as port:
            if plan.is_early:
                self._inject(simulator)
            path = self._write_profile(simulator, port)
            self.profile = read_profile(path, Registry())
            if self.stops_early:
                self._check_end(await self._trade(self._stop_early(simulator, clock)), is_early=True)
            paying = asyncio.create_task(self._pay_funding(private.truth, clock))
            with self.compares.watching():
                summary = await self._trade(self._script(simulator, watch, clock))
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
            world.stop()
            truth = Truth(private.truth.tell()["accounts"]["account1"])
            self._check_end(summary, is_early=False)
            self._check(summary, truth, exposure)
            self.outcome.wrong += [f"left open: {each}" for each in connections if not each.is_closing()]
            # Answers that nobody waits for any more are still under way on the server's side.
            await clock.sleep(20 * NS_PER_S)
        self.outcome.hits = simulator.faults.hits
        self._check_left(before)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        self.outcome.virtual_s = loop.elapsed_ns / NS_PER_S

    # -- what happens ------------------------------------------------------------------------------

    async def _trade(self, script: Coroutine[Any, Any, None]) -> Summary:
        """Run until the script ends it."""
        self.kernel = None
        self.started = False
        scripted = asyncio.create_task(script)
        try:
            return await run_live(
                self.profile,
                duration_ns=None,
                console=None,
                write=self._write,
                warn=lambda _, line: self.warnings.append(line),
            )
        finally:
            scripted.cancel()
            await asyncio.gather(scripted, return_exceptions=True)

    def _write(self, line: str) -> None:
        self.started = self.started or ": started in mode live" in line
        self.warnings.append(line)

    async def _stop_early(self, simulator: BinanceSimulator, clock: VirtualClock) -> None:
        """End the run while the faults strike: the next one takes up what it left."""
        while not self.started:
            await clock.sleep(_LOOK_NS)
        await clock.sleep(_WARM_NS)
        self._inject(simulator)
        await clock.sleep(int(self.rng.uniform(0.5, 8) * NS_PER_S))
        assert self.kernel is not None
        self.kernel.on_halt()

    async def _pay_funding(self, truth: SimulatorTruth, clock: VirtualClock) -> None:
        """Let funding be paid at some moment, whatever goes wrong just then."""
        await clock.sleep(int(self.rng.uniform(3, 9) * NS_PER_S))
        for symbol in self.symbols:
            if ":" in symbol:
                truth.pay_funding({"product": "usdm", "symbol": symbol, "rate": "0.0001"})

    def _inject(self, simulator: BinanceSimulator) -> None:
        for fault in self.plan.faults:
            simulator.faults.inject(fault)

    async def _script(self, simulator: BinanceSimulator, watch: FaultWatch, clock: VirtualClock) -> None:
        """Let the faults strike, wait until the trader has recovered, and end the run."""
        recovery = Recovery(watch, clock, lambda: self.kernel if self.started else None)
        if not self.plan.is_early and not self.stops_early:
            why = await recovery.wait(clock.now_ns() + _PATIENCE_NS, calm_ns=_WARM_NS)
            if why:
                self.outcome.wrong.append(f"does not trade before any fault: {why}")
            self._inject(simulator)
        cleared_ns = clock.now_ns() + _STORM_NS
        await recovery.wait(cleared_ns)
        watch.clear()
        patience_ns = _PATIENCE_BANNED_NS if self.plan.bans else _PATIENCE_NS
        why = await recovery.wait(cleared_ns + patience_ns, calm_ns=_SETTLE_NS)
        if why:
            self.outcome.wrong.append(f"not recovered after {patience_ns / NS_PER_S:g} s: {why}")
        elif simulator.faults.hits:
            self.outcome.recovery_s = recovery.took_ns / NS_PER_S
        # Whatever was missed is known from the next comparison on, and not before.
        since_ns = max(cleared_ns, watch.over_ns)
        if not why and not await self.compares.wait(since_ns, clock.now_ns() + _PATIENCE_NS):
            self.outcome.wrong.append("the account was not compared any more")
        assert self.kernel is not None
        self.kernel.on_halt()

    def _write_profile(self, simulator: BinanceSimulator, port: int) -> Path:
        rng, plan = self.rng, self.plan
        shutil.copy(_ROWDY, self.folder / "rowdy.py")
        accounts = simulator.accounts()
        keyed = 1 if plan.needs_login or (len(accounts) > 1 and rng.random() < 0.5) else 0
        entry = "rest" if plan.needs_rest or (not plan.needs_socket and rng.random() < 0.2) else "websocket"
        key = accounts[min(keyed, len(accounts) - 1)]
        spread, size, position = _MAKER[self.maker[0]]
        rules = "".join(
            f'  - {{use: max_position, instrument: "{symbol}@binance", limit: "{limit}"}}\n'
            for symbol, limit in self.limits.items()
        )
        interval_s = 2 if plan.needs_comparing else rng.choice((5, 10, 15))
        text = f"""
name: faults
mode: live
live: true
exchanges:
  binance:
    use: binance
    url: http://127.0.0.1:{port}
    environment: mainnet
    key: ${{FAULTS_KEY}}
    secret: ${{FAULTS_SECRET}}
    order_entry: {entry}
    max_book_age: 3s
    account: {{interval: {interval_s}s, balances: halt, on_disconnect: {rng.choice(("keep", "cancel"))}}}
strategies:
  maker:
    use: market_making
    instruments: ["{self.maker[0]}@binance"]
    target_spread: "{spread}"
    order_size: "{size}"
    max_position: "{position}"
    levels: 1
    refresh: 1500ms
    tolerance: "{spread}"
  rowdy:
    use: ./rowdy.py
    instruments: [{", ".join(f'"{symbol}@binance"' for symbol in self.rowdy)}]
risk:
{rules}  - {{use: max_open_orders, limit: {_MAX_OPEN}}}
  - {{use: order_rate, limit: 200, interval: 1s}}
"""
        os.environ |= {"FAULTS_KEY": key.key, "FAULTS_SECRET": key.secret}
        path = self.folder / "faults.yaml"
        path.write_text(text)
        return path

    # -- what must be so ---------------------------------------------------------------------------

    def _check_end(self, summary: Summary, *, is_early: bool) -> None:
        wrong = self.outcome.wrong
        if summary.halted:
            wrong.append(f"halted: {summary.halted}")
        wrong += [f"fault: {fault}" for fault in summary.faults]
        if summary.open_orders_left and not is_early:
            wrong.append(f"{summary.open_orders_left} orders are open to us at the end")
        self.refused = summary.refused

    def _check(self, summary: Summary, truth: Truth, exposure: ExposureWatch) -> None:
        outcome, kernel = self.outcome, self.kernel
        assert kernel is not None
        outcome.sent = self.sends.sent
        wrong = outcome.wrong
        wrong += [f"said: {line}" for line in self.warnings if "bug" in line]
        wrong += self.sends.wrong[:5]
        wrong += exposure.wrong
        instruments = [market.instrument for market in kernel.markets.values()]
        wrong += compare_ledger(truth, kernel.ledger, instruments)
        wrong += compare_funding(truth, kernel.ledger, instruments)
        wrong += compare_balances(truth, kernel.ledger)
        with JournalReader(self.profile.state / self.profile.name / "live") as journal:
            runs = [each.record.run for each in journal.runs()]
            # The newest word on each order is the last.
            lives = [life for run in runs for life in journal.orders(run)]
            fills = [fill for run in runs for fill in journal.fills(run)]
        wrong += compare_histories(truth, kernel.ids.profile_prefix, lives, fills, twice=self.plan.repeats)
        outcome.orders = len([o for o in truth.orders() if o["refused"] is None])
        outcome.fills = len(fills)
        if wrong:
            outcome.notes = [*self.warnings, f"refused: {summary.refused}"]

    def _check_left(self, before: set[asyncio.Task[Any]]) -> None:
        left = [task for task in asyncio.all_tasks() if task not in before and not task.done()]
        self.outcome.wrong += [f"task left behind: {task.get_name()} {task.get_coro()}" for task in left]
        loop: Any = asyncio.get_running_loop()
        timers = [handle for handle in loop._scheduled if not handle.cancelled()]
        self.outcome.wrong += [f"timer left behind: {handle}" for handle in timers]
