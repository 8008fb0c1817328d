"""How much sooner a sweep is done on two processes: ``python -m benchmarks.sweeps``.

The same search runs on one process and on two, in turns and each time anew; beside it stands what two
backtests at once take, which is the most that the machine gives.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.backtests.feed import write_feed

__all__ = ["main"]

BACKTESTS = Path(__file__).parent / "backtests"

SPACE = """\
objective: {figure: currencies.USDT.net_pnl}
sampler: grid
parameters:
  exchanges.binance.paper.order_latency: [LATENCIES]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000, help="events of the feed")
    parser.add_argument("--trials", type=int, default=24, help="backtests of the search")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    options = parser.parse_args()
    hft = str(Path(sys.executable).with_name("hft"))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        write_feed(root / "data", options.events)
        for name in ("quotes.py", "quotes.yaml"):
            shutil.copy(BACKTESTS / name, root)
        latencies = ", ".join(f"{number}ms" for number in range(1, options.trials + 1))
        (root / "space.yaml").write_text(SPACE.replace("LATENCIES", latencies))
        backtest = [hft, "backtest", "quotes.yaml", "--data", "data", "--json"]
        sweep = [hft, "sweep", "quotes.yaml", "--space", "space.yaml", "--data", "data", "--json"]
        results = set()
        seconds: dict[str, list[float]] = {"one": [], "two": [], "alone": [], "both": []}
        for number in range(options.rounds):
            for jobs, name in ((1, "one"), (2, "two")):
                storage = ["--storage", f"{number}{name}.db"]
                spent, told = _run(root, [*sweep, "--jobs", str(jobs), *storage])
                seconds[name].append(spent)
                results |= told
            for commands, name in (([backtest], "alone"), ([backtest, backtest], "both")):
                seconds[name].append(_run(root, *commands)[0])
        assert len(results) == 1, "one process and two found different results"
    Console().print(_table(seconds))


def _run(folder: Path, *commands: list[str]) -> tuple[float, set[bytes]]:
    """Return the seconds that commands took at once, and what they printed."""
    began = time.perf_counter()
    running = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    told = {each.communicate()[0] for each in running}
    if any(each.returncode for each in running):
        raise SystemExit(f"failed: {' '.join(commands[0])}")
    return time.perf_counter() - began, told


def _table(seconds: dict[str, list[float]]) -> Table:
    table = Table(title="seconds by the clock, median")
    for name in ("what", "one process", "two processes", "times"):
        table.add_column(name, justify="right")
    for what, one, two, work in (
        ("sweep", "one", "two", 1),
        ("one backtest, and two at once", "alone", "both", 2),
    ):
        ratios = [first * work / second for first, second in zip(seconds[one], seconds[two], strict=True)]
        table.add_row(
            what,
            f"{statistics.median(seconds[one]):.1f}",
            f"{statistics.median(seconds[two]):.1f}",
            f"{statistics.median(ratios):.2f}",
        )
    return table


if __name__ == "__main__":
    main()
