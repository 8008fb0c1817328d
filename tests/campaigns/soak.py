"""Trade for a long time at a high rate, and look whether anything grows or is left behind.

    python -m tests.campaigns.soak --minutes 30 --rate 5000

A simulated Binance runs as a process of its own; the trader, in mode live with journal, risk rules and quotes
on some of its markets, in this one. Every few seconds memory, tasks, descriptors and threads are counted. The
slope of memory is that of the best straight line through the samples of the second half. What a trader keeps
of the past is bounded (finished orders, trade ids, late answers: up to 10,000 of each; 50,000 ids of orders,
11 MB); the bounds are made small here, so that all of it is full long before that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

import hft.journal.state
import hft.orders.store
import hft.plugin.pending
import hft.seen
import hft_binance.evidence
from hft.clock import NS_PER_S
from hft.profile import read_profile
from hft.registry.loader import Registry
from hft.run.live import run_live
from hft.sim.child import Child, start_child

__all__ = ["Sample", "Soak", "keep_little", "main", "run_soak", "slope"]

_EVENTS_PER_S = 130.0
"""What happens in a second on one simulated market at ``rate`` 1, each of it a message in real time."""

_KEPT = 300

_MARKETS = ("BTC", "ETH", "SOL", "XRP", "DOGE")

_PROFILE = """
name: soak
mode: live
live: true
exchanges:
  binance:
    use: binance
    url: {url}
    environment: mainnet
    key: ${{SOAK_KEY}}
    secret: ${{SOAK_SECRET}}
    futures_depth_speed: 0ms
strategies:
  perpetual:
    use: market_making
    instruments: ["BTC/USDT:USDT@binance"]
    target_spread: "0.5"
    order_size: "0.002"
    max_position: "0.05"
    levels: 2
    refresh: 500ms
  spot:
    use: market_making
    instruments: [BTC/USDT@binance]
    target_spread: "0.5"
    order_size: "0.001"
    max_position: "0.05"
    levels: 2
    refresh: 500ms
  watcher:
    use: ./watcher.py
    instruments: [{watched}]
risk:
  - use: max_position
    instrument: BTC/USDT@binance
    limit: "0.5"
  - use: drawdown
    asset: USDT
    limit: "1000000"
"""

_WATCHER = '''"""Look at every change of every book, and do nothing."""

import attrs

from hft import Strategy, hookimpl

HFT_API = 1


@attrs.frozen(kw_only=True)
class Config:
    """Nothing to set."""


class Watcher(Strategy[Config]):
    """Look at every change of every book."""

    def on_start(self):
        self.seen = 0

    def on_book(self, book):
        self.seen += 1

    def on_trade(self, trade):
        self.seen += 1


@hookimpl
def hft_strategy():
    return Watcher
'''


@attrs.frozen
class Sample:
    """What was counted at one moment; memory in kB."""

    second: float
    trader_kb: int
    simulator_kb: int
    tasks: int
    descriptors: int
    threads: int
    lag_ms: float


@attrs.define
class Soak:
    """What a soak found."""

    seconds: float
    frames: int
    orders: int
    fills: int
    gaps: int
    samples: list[Sample]
    left: list[str]
    halted: str | None

    @property
    def frames_per_s(self) -> float:
        """Messages that the trader took in a second."""
        return self.frames / self.seconds

    def slopes(self) -> dict[str, tuple[float, float]]:
        """Return kB a minute, and its standard error, of each process in the second half."""
        late = [sample for sample in self.samples if sample.second >= self.seconds / 2]
        return {
            "trader": slope([(s.second / 60, s.trader_kb) for s in late]),
            "simulator": slope([(s.second / 60, s.simulator_kb) for s in late]),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        slopes = self.slopes()
        return {
            "seconds": round(self.seconds, 1),
            "frames_per_s": round(self.frames_per_s),
            "frames": self.frames,
            "orders": self.orders,
            "fills": self.fills,
            "gaps": self.gaps,
            "slope_kb_per_min": {name: round(value, 1) for name, (value, _) in slopes.items()},
            "slope_error_kb_per_min": {name: round(error, 1) for name, (_, error) in slopes.items()},
            "trader_mb": round(self.samples[-1].trader_kb / 1024, 1) if self.samples else None,
            "tasks": sorted({sample.tasks for sample in self.samples}),
            "descriptors": sorted({sample.descriptors for sample in self.samples}),
            "threads": sorted({sample.threads for sample in self.samples}),
            "longest_lag_ms": round(max((s.lag_ms for s in self.samples), default=0.0), 1),
            "left": self.left,
            "halted": self.halted,
            "samples": [attrs.asdict(sample) for sample in self.samples],
        }


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of the least-squares line and its standard error; 0 and infinity of too few points."""
    n = len(points)
    if n < 3:
        return 0.0, math.inf
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0, math.inf
    b = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - b * (x - mean_x)) ** 2 for x, y in points)
    return b, math.sqrt(rest / (n - 2) / spread)


def keep_little() -> None:
    """Bound what is kept of the past by a few hundred, where a trader keeps thousands."""
    for module, name, most in (
        (hft.orders.store, "_FINISHED_KEPT", _KEPT),
        (hft.seen, "SEEN_NUMBER", _KEPT),
        (hft.journal.state, "FINISHED_KEPT", _KEPT),
        (hft.plugin.pending, "_LATE_KEPT", _KEPT),
        (hft_binance.evidence, "_IDS_KEPT", _KEPT),
    ):
        assert getattr(module, name) > most
        setattr(module, name, most)


async def run_soak(
    seconds: float, rate: float, folder: Path, *, every_s: float, show: Callable[[Sample, int], None]
) -> Soak:
    """Trade for so many seconds at about ``rate`` messages a second."""
    watched = [f"{base}/USDT:USDT" for base in _MARKETS]
    symbols = ["BTC/USDT", *watched]
    arguments = ["--set", f"symbols={','.join(symbols)}", "--set", "limits=5"]
    arguments += ["--set", f"rate={rate / _EVENTS_PER_S / len(watched):.3f}"]
    exchange = await start_child("binance", arguments)
    try:
        account = exchange.accounts[0]
        os.environ |= {"SOAK_KEY": account["key"], "SOAK_SECRET": account["secret"]}
        names = ", ".join(f'"{symbol}@binance"' for symbol in watched)
        path = folder / "soak.yaml"
        path.write_text(_PROFILE.format(url=exchange.rest, watched=names))
        (folder / "watcher.py").write_text(_WATCHER)
        before = (len(asyncio.all_tasks()), _descriptors(), threading.active_count())
        samples: list[Sample] = []
        sampling = asyncio.create_task(_sample(exchange, samples, every_s, show))
        summary = await run_live(
            read_profile(path, Registry()),
            duration_ns=int(seconds * NS_PER_S),
            console=None,
            write=lambda line: None,
            warn=lambda key, line: print(line, file=sys.stderr),
        )
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        await asyncio.sleep(1.0)  # what is closed takes a moment to be gone
        after = (len(asyncio.all_tasks()), _descriptors(), threading.active_count())
    finally:
        await exchange.stop()
    left = [
        f"{name}: {there} before, {then} after"
        for name, there, then in zip(("tasks", "descriptors", "threads"), before, after, strict=True)
        if then > there
    ]
    if summary.open_orders_left:
        left.append(f"open orders: {summary.open_orders_left}")
    return Soak(
        seconds=summary.duration_s,
        frames=summary.frames,
        orders=summary.orders_sent,
        fills=summary.fills,
        gaps=summary.gaps,
        samples=samples,
        left=left,
        halted=summary.halted,
    )


async def _sample(
    exchange: Child, samples: list[Sample], every_s: float, show: Callable[[Sample, int], None]
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        due = loop.time() + every_s
        await asyncio.sleep(every_s)
        sample = Sample(
            second=round(loop.time() - began, 1),
            trader_kb=_resident_kb("self"),
            simulator_kb=_resident_kb(str(exchange.pid)),
            tasks=len(asyncio.all_tasks()),
            descriptors=_descriptors(),
            threads=threading.active_count(),
            lag_ms=round((loop.time() - due) * 1000, 2),
        )
        samples.append(sample)
        show(sample, len(samples))


def _resident_kb(pid: str) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a soak from the command line; 0 if nothing grew and nothing was left."""
    parser = argparse.ArgumentParser(description="Trade for long at a high rate, and look what grows.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long")
    parser.add_argument("--rate", type=float, default=5_000.0, help="messages a second")
    parser.add_argument("--most-kb-per-min", type=float, default=100.0, help="slope of memory that is flat")
    parser.add_argument("--json", type=Path, help="write all figures to a file")
    args = parser.parse_args(argv)

    def show(sample: Sample, number: int) -> None:
        if number % 6 == 0:
            memory = f"trader {sample.trader_kb / 1024:.1f} MB, simulator {sample.simulator_kb / 1024:.1f} MB"
            counts = f"{sample.tasks} tasks, {sample.descriptors} descriptors"
            print(f"{sample.second:7.0f} s  {memory}, {counts}", flush=True)

    keep_little()
    with tempfile.TemporaryDirectory() as folder:
        soak = asyncio.run(run_soak(args.minutes * 60, args.rate, Path(folder), every_s=10.0, show=show))
    figures = soak.to_json()
    if args.json is not None:
        args.json.write_text(json.dumps(figures, indent=1))
    for name, value in figures.items():
        if name != "samples":
            print(f"{name.replace('_', ' ')}: {value}")
    grew = figures["slope_kb_per_min"]["trader"] > args.most_kb_per_min
    slow = soak.frames_per_s < args.rate
    if grew:
        print(f"WRONG: the trader's memory grows by more than {args.most_kb_per_min:g} kB a minute")
    if slow:
        print(f"WRONG: {soak.frames_per_s:.0f} messages a second are fewer than {args.rate:g}")
    return 1 if grew or slow or soak.left or soak.halted else 0


if __name__ == "__main__":
    sys.exit(main())
