"""Let a live trader meet every fault that its exchange knows, alone and in pairs, and look whether it holds.

    python -m tests.campaigns.faults --runs 1000

Each run is a session of its own in virtual time: a simulated Binance, and a trader in mode live with
journal, risk rules and two strategies on spot and futures, one of which does whatever it may, at random.
The first runs meet each kind of fault at each place where it can happen, one by one, the others random
pairs. When the faults are over, the trader must come back by itself, and everything is compared with what
really was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import attrs
from loguru import logger
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from hft.sim import FaultKind
from tests.campaigns.fault_cases import plan_of
from tests.campaigns.fault_run import Outcome, run_plan

__all__ = ["figures", "main", "run_seeds"]

_SAID_EVERY = 50
"""Where nobody watches a progress bar, a line says how far it is after so many sessions."""

_RUNS_A_PROCESS = 25
"""Processes are replaced after so many runs each: a run tames the garbage collector for the rest of its
process, which grows by two megabytes with each."""


def run_seed(job: tuple[int, tuple[FaultKind, ...]]) -> Outcome:
    """Do one run, in whichever process."""
    logger.remove()
    seed, kinds = job
    return run_plan(seed, plan_of(seed, kinds))


def run_seeds(seeds: Iterable[int], kinds: Sequence[FaultKind], jobs: int) -> Iterator[Outcome]:
    """Yield what comes of each seed, as it comes."""
    work = [(seed, tuple(kinds)) for seed in seeds]
    context = multiprocessing.get_context("spawn")
    for at in range(0, len(work), jobs * _RUNS_A_PROCESS):
        # Unlike a pool of multiprocessing, it ends with an error where a process dies.
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            runs = [pool.submit(run_seed, job) for job in work[at : at + jobs * _RUNS_A_PROCESS]]
            yield from (run.result() for run in as_completed(runs))


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the value below which so many percent of them are, the nearest that there is."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def figures(outcomes: Iterable[Outcome]) -> dict[str, dict[str, Any]]:
    """Return the figures of each kind of fault, and of all of them."""
    by_name: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in sorted(outcomes, key=lambda each: each.seed):
        by_name[outcome.name].append(outcome)
        by_name["all"].append(outcome)
    names = [*sorted(name for name in by_name if name not in ("pair", "all")), "pair", "all"]
    return {name: _figures(by_name[name]) for name in names if name in by_name}


def _figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    recoveries = [each.recovery_s for each in outcomes if each.recovery_s is not None]
    return {
        "runs": len(outcomes),
        "struck": sum(each.hits > 0 for each in outcomes),
        "hits": sum(each.hits for each in outcomes),
        "orders": sum(each.orders for each in outcomes),
        "fills": sum(each.fills for each in outcomes),
        "recovery_p50_s": percentile(recoveries, 50),
        "recovery_p99_s": percentile(recoveries, 99),
        "failed": [each.seed for each in outcomes if each.wrong],
    }


def _table(rows: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="fault matrix")
    table.add_column("fault")
    for heading in ("runs", "struck", "hits", "orders", "fills", "recovery p50", "p99", "failed"):
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        if name == "all":
            table.add_section()
        table.add_row(
            name,
            *(f"{row[key]:,}" for key in ("runs", "struck", "hits", "orders", "fills")),
            *(_seconds(row[key]) for key in ("recovery_p50_s", "recovery_p99_s")),
            str(len(row["failed"])),
        )
    return table


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign from the command line; 0 if nothing was wrong."""
    kinds = [kind.value for kind in FaultKind]
    parser = argparse.ArgumentParser(description="Let a trader meet every fault, and look whether it holds.")
    parser.add_argument("--runs", type=int, default=1000, help="how many sessions")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first session")
    parser.add_argument("--only", choices=kinds, action="append", help="faults of this kind alone")
    parser.add_argument("--json", type=Path, help="write all figures and outcomes to a file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--verbose", action="store_true", help="show what the failed runs said")
    args = parser.parse_args(argv)
    chosen = [FaultKind(each) for each in args.only or kinds]
    console = Console()
    outcomes: list[Outcome] = []
    with _progress(console) as progress:
        task = progress.add_task("sessions", total=args.runs)
        for outcome in run_seeds(range(args.seed, args.seed + args.runs), chosen, args.jobs):
            outcomes.append(outcome)
            failed = sum(bool(each.wrong) for each in outcomes)
            if not console.is_terminal and len(outcomes) % _SAID_EVERY == 0:
                console.print(f"{len(outcomes)} of {args.runs} sessions, {failed} failed")
                console.file.flush()
            progress.update(task, advance=1, description=f"sessions, {failed} failed")
            if outcome.wrong:
                _show(progress.console, outcome, verbose=args.verbose)
    rows = figures(outcomes)
    console.print(_table(rows))
    if args.json is not None:
        args.json.write_text(
            json.dumps({"kinds": rows, "outcomes": [attrs.asdict(each) for each in outcomes]}, indent=1)
        )
    return 1 if rows.get("all", {}).get("failed") else 0


def _show(console: Console, outcome: Outcome, *, verbose: bool) -> None:
    console.print(f"seed {outcome.seed} FAILED: {'; '.join(outcome.faults)}", markup=False, highlight=False)
    for line in [*outcome.wrong[:10], *(outcome.notes if verbose else ())]:
        console.print(f"    {line[:500]}", markup=False, highlight=False)
    console.file.flush()


if __name__ == "__main__":
    sys.exit(main())
