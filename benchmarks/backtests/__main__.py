"""Backtests beside hftbacktest and nautilus_trader: ``tox -e backtests``, ``python -m benchmarks.backtests``.

A Python that has both is given by ``--peer``; without it an environment is made with uv.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.backtests.feed import write_feed
from benchmarks.backtests.orders_feed import write_orders_feed
from benchmarks.backtests.plan import follow_plan, make_plan

__all__ = ["main"]

HERE = Path(__file__).parent
PEERS = ("hftbacktest", "nautilus_trader")
QUEUES = ("risk-averse", "power", "log")
NAUTILUS_EVENTS = 300_000
COMMANDS = 3
"""So many times a whole command is run; the first writes the bytecode of what it imports."""


def main() -> None:
    """Measure, compare and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtests", description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000, help="events of the feed")
    parser.add_argument(
        "--orders", type=int, default=18_000, help="orders of the plan whose fills are compared"
    )
    parser.add_argument("--peer", type=Path, help="a Python that has hftbacktest and nautilus_trader")
    options = parser.parse_args()
    console = Console()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        peer = options.peer or _install(root / "peer")
        day = write_feed(root / "data", options.events)
        console.print(_speed(root / "data", day, peer))
        console.print(_active(root / "data", day, peer))
        console.print(_whole(root / "data", day, peer))
        console.print(_fills(day, peer, options.orders, root / "plan.npy", QUEUES))
        orders_day = write_orders_feed(root / "orders", options.events)
        console.print(_fills(orders_day, peer, options.orders, root / "plan.npy", ("l3",)))


def _install(folder: Path) -> Path:
    python = folder / "bin" / "python"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, *PEERS], check=True)
    return python


def _speed(root: Path, day: Path, peer: Path) -> Table:
    table = Table(title="seconds of the processor, and events a second")
    for name in ("strategy", "hft, first", "hft, best", "hftbacktest, first", "hftbacktest, best", "MB"):
        table.add_column(name, justify="right")
    for what in ("look", "quotes", "books"):
        ours = _run(sys.executable, "-m", "benchmarks.backtests.hft_side", str(root), what)
        theirs = _their(peer, day, what) if what != "books" else {}
        cells = [f"{each[name]:.2f} {each['events'] / each[name]:,.0f}/s" if each else "-"
                 for each in (ours, theirs) for name in ("cold_s", "warm_s")]  # fmt: skip
        table.add_row(what, *cells, str(ours["memory_mb"]))
    return table


def _active(root: Path, day: Path, peer: Path) -> Table:
    """Compare strategies that are called for every update and state their quotes each time."""
    table = Table(title="a strategy that quotes at every update of the book")
    for name in ("who", "events", "fills", "seconds", "events a second"):
        table.add_column(name, justify="right")
    ours = _run(sys.executable, "-m", "benchmarks.backtests.hft_side", str(root), "active")
    theirs = _run(str(peer), str(HERE / "nautilus_side.py"), str(day), str(NAUTILUS_EVENTS))
    for who, told, seconds in (
        ("hft", ours, ours["warm_s"]),
        (f"nautilus_trader {theirs['version']}", theirs, theirs["run_s"]),
    ):
        rate = told["events"] / seconds
        table.add_row(who, f"{told['events']:,}", f"{told['fills']:,}", f"{seconds:.2f}", f"{rate:,.0f}")
    return table


def _whole(root: Path, day: Path, peer: Path) -> Table:
    """Compare what a user waits for: a process that starts, imports, compiles, reads, runs and ends."""
    table = Table(title="seconds of the processor, whole commands")
    for name in ("strategy", "hft", "hftbacktest", "times"):
        table.add_column(name, justify="right")
    hft = str(Path(sys.executable).with_name("hft"))
    for what in ("look", "quotes"):
        ours = _command(hft, "backtest", str(HERE / f"{what}.yaml"), "--data", str(root), "--json")
        theirs = _command(str(peer), str(HERE / "hftbacktest_side.py"), str(day), what, "1")
        table.add_row(what, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}")
    return table


def _command(*command: str) -> float:
    """Return the least seconds of the processor that a command took."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for _ in range(COMMANDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return min(seconds)


def _fills(day: Path, peer: Path, orders: int, file: Path, queues: Sequence[str]) -> Table:
    table = Table(title=f"{orders:,} orders of one lot, one at a time")
    for name in ("queue", "filled by both", "at the same nanosecond", "by hft alone", "by hftbacktest alone"):
        table.add_column(name, justify="right")
    plan = make_plan(day, orders)
    np.save(file, plan)
    for queue in queues:
        ours = follow_plan(day, plan, queue)
        told = _their(peer, day, "plan", str(file), queue)
        theirs = {int(order): (lots, when) for order, (lots, when, _) in told.items() if lots}
        both = ours.keys() & theirs.keys()
        same = sum(ours[order] == theirs[order] for order in both)
        counts = (len(both), same, len(ours.keys() - both), len(theirs.keys() - both))
        table.add_row(queue, *(f"{count:,}" for count in counts))
    return table


def _their(peer: Path, day: Path, *arguments: str) -> dict[str, Any]:
    return _run(str(peer), str(HERE / "hftbacktest_side.py"), str(day), *arguments)


def _run(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


if __name__ == "__main__":
    main()
